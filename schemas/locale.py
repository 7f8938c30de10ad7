"""The locale zh_CN.GB18030, made by ourselves.

The binding builds ``std::locale("zh_CN.GB18030")`` at import and the process aborts when the
system does not have it, as on most servers. The source below is the least that ``newlocale``
accepts: LC_CTYPE and LC_COLLATE over a charmap generated from Python's own ``gb18030`` codec.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .cache import cache_dir

NAME = "zh_CN.GB18030"
_LC_ALL_MASK = 0x1FBF  # glibc <locale.h>: every category but LC_ALL itself

_SOURCE = """\
comment_char %
escape_char /
LC_CTYPE
upper <U0041>..<U005A>
lower <U0061>..<U007A>
digit <U0030>..<U0039>
xdigit <U0030>..<U0039>;<U0041>..<U0046>;<U0061>..<U0066>
space <U0009>..<U000D>;<U0020>
toupper (<U0061>,<U0041>)
tolower (<U0041>,<U0061>)
END LC_CTYPE
LC_COLLATE
order_start forward
<U0000>
UNDEFINED
order_end
END LC_COLLATE
"""


class LocaleError(RuntimeError):
    """The locale is missing and could not be made; the text says what to install."""


def ensure() -> None:
    """Make ``newlocale("zh_CN.GB18030")`` work in this process; call before importing the binding.

    Costs nothing where the system has the locale or an earlier process made it, else one run of
    ``localedef`` (0.2 s). Raises LocaleError.
    """
    directory = cache_dir() / "locale"
    paths = [path for path in os.environ.get("LOCPATH", "").split(":") if path]
    inherited = str(directory) in paths  # from a parent, and the cache may be empty since
    if not inherited and available():
        return
    if not (directory / NAME).exists():
        # Before anybody looks there: the C library remembers for ever that a path had no locale.
        build(directory)
    if not inherited:
        os.environ["LOCPATH"] = ":".join([*paths, str(directory)])
    if not available():
        raise LocaleError(
            f"the C library refuses the locale in {directory / NAME}: remove it and try again"
        )


def available() -> bool:
    """Whether the C library can open the locale, with LOCPATH as it is now."""
    libc = ctypes.CDLL(None)
    libc.newlocale.restype = ctypes.c_void_p
    libc.newlocale.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p]
    libc.freelocale.argtypes = [ctypes.c_void_p]
    handle = libc.newlocale(_LC_ALL_MASK, NAME.encode(), None)
    if handle:
        libc.freelocale(handle)
    return bool(handle)


def compiler() -> str | None:
    """Where ``localedef`` is."""
    return shutil.which("localedef") or shutil.which("localedef", path="/usr/bin:/bin")


def build(directory: Path) -> None:
    """Compile the locale into ``directory/zh_CN.GB18030``. Raises LocaleError."""
    localedef = compiler()
    if localedef is None:
        raise LocaleError(
            f"the locale {NAME} is missing and so is the program localedef that makes it; "
            "install libc-bin (Debian, Ubuntu) or glibc-common (RHEL, Fedora)"
        )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        work = Path(scratch)
        (work / "charmap").write_text("\n".join(_charmap()) + "\n")
        (work / "source").write_text(_SOURCE)
        # Exit status 1 only means warnings about the categories left out; the result is checked.
        command = [localedef, "-c", "-f", "charmap", "-i", "./source", f"./{NAME}"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
        if not (work / NAME / "LC_CTYPE").exists():
            raise LocaleError(f"localedef could not make {NAME}: {done.stderr.strip()[-300:]}")
        try:
            (work / NAME).rename(directory / NAME)
        except OSError:
            if not (directory / NAME).exists():
                raise  # else another process was quicker, and its locale is as good


def _charmap() -> Iterator[str]:
    yield "<code_set_name> GB18030"
    yield "<comment_char> %"
    yield "<escape_char> /"
    yield "<mb_cur_min> 1"
    yield "<mb_cur_max> 4"
    yield "CHARMAP"
    for code in range(0x10000):
        if not 0xD800 <= code < 0xE000:
            octets = chr(code).encode("gb18030")
            yield f"<U{code:04X}> {''.join(f'/x{octet:02x}' for octet in octets)}"
    yield "END CHARMAP"
