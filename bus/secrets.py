"""Passwords and auth codes as a type that never prints."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn


class Secret:
    """A text that shows up nowhere: not in repr, str, logs, errors or pickles."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not to be written down")


def read_secret(path: str) -> Secret:
    """The first line of a file. Raises OSError; PermissionError when others may read the file."""
    file = Path(path)
    if file.stat().st_mode & 0o077:
        raise PermissionError(f"{path} is readable by others; chmod 600 it")
    return Secret(file.read_text(encoding="utf-8").split("\n", 1)[0].strip())
