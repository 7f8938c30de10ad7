"""What a unit of systemd denies its service, denied without systemd: for tests of the unit.

    python -m tests.support.sandbox deploy/systemd/ctpbus@.service COMMAND...

The command runs without capabilities, with the system calls of ``SystemCallFilter``, the sockets of
``RestrictAddressFamilies``, and ``MemoryDenyWriteExecute``; that is what can break a program from
the inside. What is hidden of the file system and of other users is systemd's alone.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_HEADER: Final = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
_LIBC: Final = ctypes.CDLL(None, use_errno=True)

# linux/prctl.h
_CAPBSET_DROP, _SET_NO_NEW_PRIVS, _SET_SECCOMP, _SET_MDWE = 24, 38, 22, 65
_CAPABILITIES: Final = 41
# linux/seccomp.h, linux/filter.h, linux/audit.h
_FILTER: Final = 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_X86_64: Final = 0xC000003E
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # of struct seccomp_data
_SOCKET: Final = 41


def missing() -> str:
    """What this machine lacks for it; "" when nothing."""
    if platform.machine() != "x86_64" or not _HEADER.exists():
        return f"no {_HEADER}"
    if shutil.which("systemd-analyze") is None:
        return "no systemd-analyze"
    return "" if os.geteuid() == 0 else "capabilities are root's to give up"


def directives(unit: Path) -> dict[str, list[str]]:
    """By name, every line of it."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text("utf-8"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def allowed_calls(filters: Iterable[str]) -> set[int]:
    """Numbers of the calls that ``SystemCallFilter`` lets through: the first line is a list of what
    is allowed, one with ~ takes from it."""
    calls: set[str] = {"execve"}  # systemd's own, of the program
    for line in filters:
        names = {call for word in line.lstrip("~").split() for call in _expanded(word)}
        calls = calls - names if line.startswith("~") else calls | names
    defined = re.findall(r"^#define __NR_(\w+) (\d+)$", _HEADER.read_text(), re.MULTILINE)
    return {int(number) for name, number in defined if name in calls}


def _expanded(word: str) -> Iterator[str]:
    if not word.startswith("@"):
        yield word
        return
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True
    )
    for line in said.stdout.splitlines()[1:]:
        name = line.strip()
        if name and not name.startswith("#"):
            yield from _expanded(name)


def program(calls: Iterable[int], families: Iterable[int]) -> bytes:
    """For the kernel's filter: EPERM for other calls, EAFNOSUPPORT for other sockets."""
    steps = [
        *((_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, _X86_64), (_RETURN, 0, 0, _ERRNO | errno.EPERM)),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for call in sorted(set(calls) - {_SOCKET}):
        steps += [(_EQUAL, 0, 1, call), (_RETURN, 0, 0, _ALLOW)]
    steps += [(_EQUAL, 1, 0, _SOCKET), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    steps.append((_LOAD, 0, 0, _FIRST_ARGUMENT))
    for family in families:
        steps += [(_EQUAL, 0, 1, family), (_RETURN, 0, 0, _ALLOW)]
    steps.append((_RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def enter(unit: Path) -> None:
    """For this process and all that it becomes. Raises OSError."""
    said = directives(unit)
    calls = allowed_calls(said["SystemCallFilter"])
    families = [getattr(socket, name) for name in said["RestrictAddressFamilies"][0].split()]
    if said["CapabilityBoundingSet"] == [""]:
        for number in range(_CAPABILITIES):
            _prctl(_CAPBSET_DROP, number)
    if said["NoNewPrivileges"] == ["yes"]:
        _prctl(_SET_NO_NEW_PRIVS, 1)
    if said["MemoryDenyWriteExecute"] == ["yes"]:
        _prctl(_SET_MDWE, 1)
    code = program(calls, families)
    buffer = ctypes.create_string_buffer(code)
    head = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer)))
    _prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(head))


def _prctl(option: int, *arguments: int) -> None:
    four = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if _LIBC.prctl(option, *four):
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")


if __name__ == "__main__":
    enter(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
