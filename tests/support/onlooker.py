"""What one process of a user sees of another: ``python -m tests.support.onlooker [close]``.

With ``close`` the one that is looked at has closed its memory. Both are forked and, started by
root, change to a user that is not: that one may not even reach the interpreter. Prints JSON.
"""

from __future__ import annotations

import codecs
import ctypes
import json
import os
import shutil
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from bus.membership import MARK, join
from bus.memory import close_memory
from deploy import members, ports

_NOBODY, _SET_DUMPABLE, _SEIZE = 65534, 4, 0x4206
_libc = ctypes.CDLL(None, use_errno=True)
for _name in ("ascii", "idna"):  # now: later their files are out of reach
    codecs.lookup(_name)


def become_nobody() -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
        _libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)  # to change the user has closed it


def stand(run: Path, ready: int, over: int) -> None:
    """Be looked at."""
    become_nobody()
    os.environ[MARK] = str(run)
    join()
    if "close" in sys.argv:
        close_memory()
    with socket.create_server(("127.0.0.1", 0)) as server:
        os.write(ready, str(server.getsockname()[1]).encode())
        os.read(over, 1)


def look(run: Path, pid: int, port: int) -> dict[str, object]:
    become_nobody()
    proc, found = Path(f"/proc/{pid}"), members.find(run)
    return {
        "mem": may(lambda: (proc / "mem").open("rb").close()),
        "environ": may((proc / "environ").read_bytes),
        "fd": may(lambda: list((proc / "fd").iterdir())),
        "ptrace": _libc.ptrace(_SEIZE, pid, 0, 0) == 0,
        "member": found == {pid},
        "holds": ports.held_by(port, found),
        "stranger": ports.held_by(port, set()),
        "fault": (ports.fault("127.0.0.1", port) or "").replace(str(pid), "PID"),
    }


def may(act: Callable[[], object]) -> bool:
    try:
        act()
    except OSError:
        return False
    return True


def child(act: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        act()
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(status)


def main() -> int:
    run = Path(tempfile.mkdtemp(dir="/tmp"))
    if os.getuid() == 0:
        os.chown(run, _NOBODY, _NOBODY)
    (heard, ready), (over, end) = os.pipe(), os.pipe()

    def stands() -> None:
        os.close(end)
        stand(run, ready, over)

    standing = child(stands)
    os.close(ready)
    port = int(os.read(heard, 16) or 0)
    looking = child(lambda: print(json.dumps(look(run, standing, port)), flush=True))
    status = os.waitpid(looking, 0)[1]
    os.close(end)
    os.waitpid(standing, 0)
    shutil.rmtree(run)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
