"""Where derived files live: the self-made locale and the catalogue of each binding version."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def cache_dir() -> Path:
    """The first writable of $CTPBUS_CACHE, $XDG_CACHE_HOME/ctpbus, ~/.cache/ctpbus and a folder
    of this user in the temporary directory (services often run without a home)."""
    candidates = [
        os.environ.get("CTPBUS_CACHE"),
        _below(os.environ.get("XDG_CACHE_HOME")),
        _below(os.path.expanduser("~/.cache")),  # noqa: PTH111 - Path.home() raises without a home
    ]
    for candidate in candidates:
        if candidate and _usable(Path(candidate)):
            return Path(candidate)
    fallback = Path(tempfile.gettempdir()) / f"ctpbus-cache-{os.getuid()}"
    fallback.mkdir(mode=0o700, exist_ok=True)
    if fallback.lstat().st_uid != os.getuid():  # anybody can make a folder or a link there
        raise PermissionError(f"{fallback} belongs to another user; set CTPBUS_CACHE")
    return fallback


def replace_file(path: Path, content: bytes) -> None:
    """Write so that a reader, or another process doing the same, only ever sees whole content."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).replace(path)


def _below(parent: str | None) -> str | None:
    return f"{parent}/ctpbus" if parent and parent.startswith("/") else None


def _usable(path: Path) -> bool:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(path, os.W_OK | os.X_OK)
