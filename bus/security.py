"""Keys for tcp between machines: CURVE, and keys by role. What a role may do is in bus/roles.py.

ipc needs none of this: its folder is closed to others. A tcp address without keys is an error.

A key is a pair of files, each one line of 40 characters (Z85, as libzmq takes it): ``NAME.key`` the
secret, mode 0600, and ``NAME.pub``. NAME is a role, or ``ROLE.ANYTHING`` where a role has several
keys: edge.shanghai. Wherever a process runs, its folder holds

    its own secret      md_worker.key on the market data machine, edge.key on the edge's
    as a client         md_worker.pub, td_worker.pub and recorder.pub, which it checks servers by
    as a server         the .pub of everyone it admits; the file's name says as what

The server side is CURVE with the ZAP domain md_pub, md_rpc, td_pub, td_rpc, rec_rpc, login_pub,
rec_pub or edge_pub, the last two for figures (bus/stats.py). The folder is read again when somebody
knocks or calls, at most once a second: a .pub that is dropped in is admitted without a restart, one
that is taken away opens no new connection, and calls over those that stand are refused. What it
hears of streams ends when the connection is cut or the worker is restarted. A server's own key, and
what a client knows of it, change with a restart. A key under two roles is admitted under neither.
"""

from __future__ import annotations

import logging
import os
import stat
import struct
import time
from pathlib import Path
from typing import Any, Final

import zmq
from zmq.utils import z85

from . import links
from .errors import Busy, ConfigError
from .roles import ROLES
from .secrets import Secret
from .zap import Door, Verdict

log = logging.getLogger(__name__)

# Who binds, and what its ZAP domains begin with.
SERVERS: Final = {
    "md_worker": "md",
    "td_worker": "td",
    "recorder": "rec",
    "login": "login",
    "edge": "edge",
}
# By the name of the process, which is its section of the group's file.
ROLE_OF: Final = {
    "md_worker": "md_worker",
    "md_merge": "md_worker",
    "td_worker": "td_worker",
    "ws_edge": "edge",
    "tcp_edge": "edge",
    "canary": "edge",
    "recorder": "recorder",
    "admin": "admin",
}
_READ_AGAIN_S: Final = 1.0
_LENGTH: Final = 40


def role_of(name: str) -> str:
    """The role of a key's name; "" when it names none."""
    role = name.partition(".")[0]
    return role if role in ROLES else ""


def keys_of(folder: str, process: str) -> Keys | None:
    """The keys of a process with the common key ``keys``; "": none. Raises ConfigError."""
    return Keys(folder, ROLE_OF[process]) if folder and process in ROLE_OF else None


class Keys:
    """What one process needs of a folder. Raises ConfigError with the command that mends it."""

    def __init__(self, folder: str | Path, role: str) -> None:
        self.folder, self.role = Path(folder).absolute(), role
        _check_folder(self.folder)
        self._secret = read_secret_key(self._own_file())
        self._public = zmq.curve_public(self._secret.reveal().encode())
        self._door: Door | None = None
        self._admitted: dict[str, str] = {}
        self._faults: list[str] = []  # of public files, as they were told last
        self._seen: list[tuple[object, ...]] = []  # the folder, when it was read last
        self._read_at = -_READ_AGAIN_S

    @property
    def refused(self) -> int:
        """Connections that were not let in since the start."""
        return self._door.refused if self._door is not None else 0

    def serve(self, context: zmq.Context[Any], socket: zmq.Socket[Any], domain: str) -> None:
        """Before ``socket`` is bound: only those whose role may use ``domain`` get in."""
        if self._door is None:
            self._door = Door(context, self.judge)
        socket.set(zmq.CURVE_SERVER, 1)
        socket.set(zmq.CURVE_SECRETKEY, self._secret.reveal().encode())
        socket.set(zmq.ZAP_DOMAIN, domain.encode())
        socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)  # without a handler nobody gets in
        self._door.watch(socket, domain)

    def trust(self, socket: zmq.Socket[Any], worker: str) -> None:
        """Before ``socket`` is connected: it talks to ``worker`` and to nobody else."""
        socket.set(zmq.CURVE_SERVERKEY, self.server_key(worker))
        socket.set(zmq.CURVE_PUBLICKEY, self._public)
        socket.set(zmq.CURVE_SECRETKEY, self._secret.reveal().encode())

    def server_key(self, worker: str) -> bytes:
        path = self.folder / f"{worker}.pub"
        try:
            return read_public_key(path).encode()
        except FileNotFoundError:
            raise ConfigError(f"{path} is missing: copy it from {worker}'s machine") from None
        except ValueError as exc:
            raise ConfigError(str(exc)) from None

    def judge(self, domain: str, key: str) -> Verdict:
        """Whether the owner of a public key may use the sockets of ``domain``."""
        role = self._look_up(key)
        if role is None:
            return Verdict("", "unknown key")
        if not role:
            return Verdict("", "key of two roles")
        if domain not in ROLES[role]:
            return Verdict("", f"role {role} is not admitted")
        return Verdict(role)

    def role_of(self, key: str) -> str:
        """Of a public key as the folder has it now; "" when it is admitted no more."""
        return self._look_up(key) or ""

    def close(self) -> None:
        """After the sockets."""
        if self._door is not None:
            self._door.close()
            self._door = None

    def _look_up(self, key: str) -> str | None:
        # The thread of the handshakes and that of the calls; whichever comes first reads.
        if time.monotonic() - self._read_at >= _READ_AGAIN_S:
            self._read_at = time.monotonic()
            # To read them takes a worker's thread most of a millisecond, to look a twentieth of it.
            if (seen := _look_of(self.folder)) != self._seen:
                self._seen = seen
                self._read()
        return self._admitted.get(key)

    def _read(self) -> None:
        try:
            _check_folder(self.folder)
            self._admitted, faults = read_admitted(self.folder)
        except ConfigError as exc:
            faults = [f"those that are known stay: {exc}"]
        for fault in faults:
            if fault not in self._faults:
                log.warning("public key not read", extra={"fields": {"reason": fault}})
        self._faults = faults

    def _own_file(self) -> Path:
        """ROLE.key, or the only ROLE.ANYTHING.key."""
        plain = self.folder / f"{self.role}.key"
        named = sorted(self.folder.glob(f"{self.role}.*.key"))
        if plain.exists() or not named:
            return plain
        if len(named) > 1:
            names = ", ".join(path.name for path in named)
            raise ConfigError(f"{self.folder}: {names}: which one? Leave one key of {self.role}")
        return named[0]


def bind(
    context: zmq.Context[Any], socket: zmq.Socket[Any], address: str, keys: Keys | None, kind: str
) -> None:
    """``kind``: "pub" or "rpc". Raises ConfigError, and Busy when the port is taken."""
    if not links.is_tcp(address):
        before = os.umask(0o077)  # also where the folder is not ours, only this user connects
        try:
            socket.bind(address)
        finally:
            os.umask(before)
        return
    if keys is None:
        raise _without_keys(address)
    links.set_options(socket, address)
    keys.serve(context, socket, f"{SERVERS[keys.role]}_{kind}")
    try:
        socket.bind(address)
    except zmq.ZMQError as exc:
        text = f"cannot listen on {address}: {exc.strerror}"
        raise (Busy if exc.errno == zmq.EADDRINUSE else ConfigError)(text) from None


def connect(socket: zmq.Socket[Any], address: str, keys: Keys | None, worker: str) -> None:
    """Raises ConfigError. Whether the worker is there, and lets us in, is not known then."""
    if links.is_tcp(address):
        if keys is None:
            raise _without_keys(address)
        links.set_options(socket, address)
        keys.trust(socket, worker)
    socket.connect(links.for_connecting(address))


def read_secret_key(path: Path) -> Secret:
    """Raises ConfigError, also when others may read the file."""
    try:
        with path.open(encoding="ascii") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid():
                raise ConfigError(f"{path} belongs to another user: chown {os.geteuid()} {path}")
            if status.st_mode & 0o077:
                raise ConfigError(f"{path} is open to others: chmod 600 {path}")
            text = file.read(_LENGTH + 2).strip()
    except FileNotFoundError:
        raise ConfigError(f"{path} is missing: ctpbus keygen makes it") from None
    except UnicodeDecodeError:
        text = ""
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from None
    if not _is_key(text):
        raise ConfigError(f"{path} holds no key")
    return Secret(text)


def read_public_key(path: Path) -> str:
    """Raises OSError, and ValueError when it holds none or others may change it."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # to open a pipe would take for ever
        raise ValueError(f"{path} is not a file")
    if status.st_uid not in (0, os.geteuid()):
        raise ValueError(f"{path} belongs to another user: chown {os.geteuid()} {path}")
    with path.open("rb") as file:
        if status.st_mode & 0o022:
            raise ValueError(f"others may write {path}: chmod 644 {path}")
        text = file.read(_LENGTH + 2).strip().decode("ascii", "replace")
    if not _is_key(text):
        raise ValueError(f"{path} holds no public key")
    return text


def read_admitted(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Public keys in ``folder`` with their roles, "" for a key of two roles; and what is wrong with
    files that cannot be read."""
    admitted: dict[str, str] = {}
    faults: list[str] = []
    for path in sorted(folder.glob("*.pub")):
        role = role_of(path.name)
        try:
            key = read_public_key(path)
        except (OSError, ValueError) as exc:
            faults.append(str(exc))
            continue
        if role:
            admitted[key] = role if admitted.get(key, role) == role else ""
    return admitted, faults


def _look_of(folder: Path) -> list[tuple[object, ...]]:
    """Changes when the folder or a public key in it does."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".pub"))  # noqa: PTH208
    except OSError as exc:
        return [(exc.errno,)]
    return [_look_at(folder), *((name, *_look_at(folder / name)) for name in names)]


def _look_at(path: Path) -> tuple[object, ...]:
    try:
        of = path.stat()
    except OSError as exc:  # a link to nowhere
        return (exc.errno,)
    return of.st_ino, of.st_mtime_ns, of.st_ctime_ns, of.st_size, of.st_mode, of.st_uid


def _check_folder(folder: Path) -> None:
    try:
        status = folder.stat()
    except OSError as exc:
        raise ConfigError(f"keys: {folder}: {exc.strerror}") from None
    if not stat.S_ISDIR(status.st_mode):
        raise ConfigError(f"keys: {folder} is not a folder")
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
        raise ConfigError(f"others may add keys to {folder}: chmod 700 {folder}")


def _is_key(text: str) -> bool:
    try:
        return len(text) == _LENGTH and len(z85.decode(text)) == 32
    except (ValueError, KeyError, struct.error):
        return False


def _without_keys(address: str) -> ConfigError:
    return ConfigError(f"{address} needs keys: set the key `keys`, or use ipc://")
