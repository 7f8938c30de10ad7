"""The machine: locale, binding, clock, disk, open files."""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deploy.plan import CHECKOUT
from deploy.supervision import OPEN_FILES
from schemas import binding, locale
from schemas.cache import cache_dir

from .finding import Finding

_LOAD_S: Final = 60.0
_LOAD: Final = """
import sys
from schemas import binding
loaded = binding.load(sys.argv[1])
print(loaded.mdapi.CThostFtdcMdApi.GetApiVersion())
print(loaded.tdapi.CThostFtdcTraderApi.GetApiVersion())
"""
_INTO_SYSTEM: Final = (
    f"apt-get install locales && localedef -i zh_CN -f GB18030 {locale.NAME} "
    "puts it into the system (RHEL, Fedora: dnf install glibc-langpack-zh)"
)
_LOCALEDEF: Final = "install libc-bin (Debian, Ubuntu) or glibc-common (RHEL, Fedora)"
# <sys/timex.h>: the kernel's flag for a clock that nobody keeps, and where struct timex has it.
_STA_UNSYNC: Final = 0x40
_TIMEX_SIZE: Final = 208
_MAXERROR_AT: Final = 24
_STATUS_AT: Final = 40
_NEWER_THAN: Final = 1_735_660_800  # 2025: before it was written
_FEW_INODES: Final = 0.01


def of_locale() -> Iterator[Finding]:
    """The binding ends the process that imports it without zh_CN.GB18030."""
    own = cache_dir() / "locale" / locale.NAME
    compiler = locale.compiler()
    if locale.available():
        yield Finding("locale", "ok", f"the C library finds {locale.NAME}")
        needed = False
    elif own.exists():
        text = f"the system has no {locale.NAME}; ctpbus's own in {own} is used"
        yield Finding("locale", "ok", text, f"nothing needs to be done; {_INTO_SYSTEM}")
        needed = False
    else:
        needed = compiler is None
        yield Finding("locale", "fault", *_missing()) if needed else _made(own)
    if compiler is not None:
        yield Finding("localedef", "ok", compiler)
    else:
        text = "there is no program localedef"
        yield Finding(
            "localedef",
            "fault" if needed else "ok",
            text if needed else f"{text}, and the locale does not need it",
            _LOCALEDEF,
        )


def _missing() -> tuple[str, str]:
    return (
        f"the system has no {locale.NAME}, and without localedef ctpbus cannot make its own; the "
        "workers cannot start",
        f"{_LOCALEDEF}, then ctpbus makes its own; or {_INTO_SYSTEM}",
    )


def _made(own: Path) -> Finding:
    try:
        locale.build(own.parent)
    except (locale.LocaleError, OSError) as exc:
        return Finding("locale", "fault", str(exc), _INTO_SYSTEM)
    text = f"the system has no {locale.NAME}; ctpbus has just made its own in {own}"
    return Finding("locale", "ok", text, f"nothing needs to be done; {_INTO_SYSTEM}")


def of_binding(name: str) -> Iterator[Finding]:
    """Loaded in a process of its own, because a bad one ends it."""
    try:
        source = binding.find(name)
    except (binding.BindingError, OSError) as exc:
        yield Finding("binding", "fault", str(exc), f"pip install {name.replace('_', '-')}")
        return
    command = [sys.executable, "-c", _LOAD, name]
    paths = [str(CHECKOUT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    what = f"{name} {source.version}"
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LOAD_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        text = f"{what} is not loaded within {_LOAD_S:.0f} s"
        yield Finding("binding", "fault", text, "is the machine overloaded? Try again")
        return
    versions = done.stdout.split()
    if done.returncode or not versions:
        said = done.stderr.strip().splitlines()
        text = f"{what} cannot be loaded: {said[-1] if said else f'status {done.returncode}'}"
        remedy = f"first what is said of the locale; then pip install --force-reinstall {name}"
        yield Finding("binding", "fault", text, remedy)
        return
    versions = list(dict.fromkeys(versions))
    yield Finding("binding", "ok", f"{what}, the API says {' '.join(versions)}")


def of_clock() -> Iterator[Finding]:
    """Limits, deadlines and the gateway's keys go by it."""
    remedy = "let chrony or systemd-timesyncd keep it: timedatectl set-ntp true, or the host's"
    if time.time() < _NEWER_THAN:
        yield Finding("clock", "fault", f"it is {time.ctime()} by the clock", remedy)
        return
    timex = ctypes.create_string_buffer(_TIMEX_SIZE)
    if ctypes.CDLL(None, use_errno=True).adjtimex(timex) < 0:
        text = f"the kernel does not tell about it: {os.strerror(ctypes.get_errno())}"
        yield Finding("clock", "warning", text, "compare it with another machine: date -u")
        return
    (worst_us,) = struct.unpack_from("@l", timex, _MAXERROR_AT)
    (status,) = struct.unpack_from("@i", timex, _STATUS_AT)
    if status & _STA_UNSYNC:
        yield Finding("clock", "warning", "nobody keeps the clock, as the kernel says", remedy)
    else:
        yield Finding("clock", "ok", f"kept, at most {worst_us / 1000:.0f} ms off")


def of_disk(folder: Path, least_mb: int) -> Iterator[Finding]:
    """``folder``: what the group writes to; it may not be there yet."""
    place = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        status = os.statvfs(place)
    except OSError as exc:
        yield Finding("disk", "fault", f"{place}: {exc.strerror}", "mount it, or set `data`")
        return
    free_mb = status.f_bavail * status.f_frsize >> 20
    said = f"{free_mb:,} MB free for {folder}"
    less = f"make room there (recorder.keep_days, {folder / 'log'}), or set `data`"
    if free_mb < least_mb:
        yield Finding("disk", "fault", f"{said}, less than {least_mb} (admin.disk_free_mb)", less)
    elif status.f_files and status.f_favail < status.f_files * _FEW_INODES:
        yield Finding("disk", "fault", f"few inodes are free for {folder}", less)
    else:
        yield Finding("disk", "ok", said)
    if not os.access(place, os.W_OK | os.X_OK):
        text = f"{place} cannot be written to by this user"
        yield Finding("disk", "fault", text, f"chown {os.getuid()} {place}, or set `data`")


def of_open_files() -> Iterator[Finding]:
    """A connection of a client is one."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
        text = f"a process may open {hard} files, so there are fewer clients than {OPEN_FILES:,}"
        remedy = f"ulimit -Hn {OPEN_FILES} before the start, or LimitNOFILE= of the service"
        yield Finding("open files", "warning", text, remedy)
    else:
        yield Finding("open files", "ok", "as many as are needed")
