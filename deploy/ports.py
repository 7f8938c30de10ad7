"""Whether a TCP port can be listened on, and who holds it when not."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

LISTEN = "0A"  # the kernel's TCP_LISTEN in /proc/net/tcp
TEXT_LENGTH = 120


def fault(host: str, port: int) -> str | None:
    """Why nobody can start to listen there, as a phrase; None when it is free.

    Bound without SO_REUSEPORT, so a port that another ws_edge shares counts as taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As a server does it: a connection in TIME_WAIT does not keep the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror as exc:
        return f"{host} is not an address of this machine ({exc.strerror})"
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            return f"port {port} on {host} is taken{_by(port)}"
        if exc.errno == errno.EACCES:
            return f"port {port} needs root"
        return f"cannot listen on {host} port {port}: {os.strerror(exc.errno or 0)}"
    return None


def listened(port: int) -> bool:
    """Whether anybody listens on the port, of whatever address."""
    return bool(_listening(port))


def holders(port: int) -> set[int]:
    """Pids of those who listen on the port, as far as /proc tells."""
    return set(_owners(set(_listening(port))))


def held_by(port: int, pids: set[int]) -> bool:
    """Whether those who listen on the port are among ``pids``. Of processes that are closed to this
    user (bus/memory.py) only their user is known, so one of this user counts as one of them."""
    found = holders(port)
    if found:
        return found <= pids
    listening = _listening(port)
    ours = bool(listening) and set(listening.values()) == {os.getuid()}
    return ours and any(_is_closed(pid) for pid in pids)


def _by(port: int) -> str:
    pids = sorted(holders(port))
    if pids:
        return " by " + ", ".join(f"pid {pid} ({_command(pid)})" for pid in pids)
    if os.getuid() in _listening(port).values():
        return " by a process of this user that is closed to others, as those of ctpbus are"
    return " by a process of another user or another container"


def _is_closed(pid: int) -> bool:
    folder = Path(f"/proc/{pid}/fd")
    return folder.exists() and not os.access(folder, os.R_OK)


def _listening(port: int) -> dict[str, int]:
    """Inodes of the sockets, with the users who opened them."""
    inodes = {}
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text("ascii").splitlines()[1:]:
            columns = line.split()
            if columns[3] == LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                inodes[columns[9]] = int(columns[7])
    return inodes


def _owners(inodes: set[str]) -> Iterator[int]:
    """Processes with one of these sockets open, as far as this user may look."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(link.readlink().name in wanted for link in folder.iterdir()):
                yield int(folder.parent.name)
        except OSError:
            continue  # another user's process, or it has just ended


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "ended meanwhile"
    return b" ".join(words).decode("utf-8", "replace").strip()[:TEXT_LENGTH]
