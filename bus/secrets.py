"""Passwords, codes and tokens as a type that never prints, and the places where they may stand.

What a key of the group's file says of a secret is one of these, whatever the section:

    the secret itself
    file:PATH        the first line of a file of mode 0600
    env:NAME         a variable of the environment; the process forgets it once it has started
    credential:NAME  a file in $CREDENTIALS_DIRECTORY, as systemd's LoadCredential= makes it
    text:SECRET      the secret itself, for one that begins like these

A key that ends in ``_file`` (and ``file`` of an OFX key) takes PATH or credential:NAME.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from .errors import ConfigError

_PLACE: Final = re.compile(r"(file|env|credential|text):(.+)", re.DOTALL)
_VARIABLE: Final = re.compile(r"env:(.+)")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LONGEST: Final = 1 << 16  # bytes of a line
_OTHERS: Final = 0o077
# systemd gives a service its credentials by an ACL, whose mask shows as rights of the group.
_OTHERS_OF_CREDENTIAL: Final = 0o007


class SecretError(ConfigError):
    """It is not to be had where it should stand. The text names the place and nothing of it."""


class Secret:
    """A text that shows up nowhere: not in repr, str, logs, errors, JSON or pickles.

    ``place``: where it stands, "" when nobody has said so. It is read when it is first revealed,
    so a program may look at a configuration whose secrets are not for it.
    """

    __slots__ = ("_text", "place")

    def __init__(self, text: str) -> None:
        self._text: str | None = text
        self.place = ""

    @classmethod
    def of_setting(cls, setting: str) -> Secret:
        """As a configuration says it. Raises ValueError, which quotes nothing: it could be a
        password that begins like a place."""
        match = _PLACE.fullmatch(setting)
        if match is None:
            return cls(setting)
        if match[1] == "text":
            return cls(match[2])
        if match[1] != "file" and not _NAME.fullmatch(match[2]):
            raise ValueError(f"Expected a name after {match[1]}:, or text: before the secret")
        return cls._at(setting)

    @classmethod
    def of_file(cls, path: str) -> Secret:
        """As a key ending in ``_file`` says it."""
        return cls._at(path if path.startswith("credential:") else f"file:{path}")

    @classmethod
    def _at(cls, place: str) -> Secret:
        secret = cls("")
        secret._text, secret.place = None, place
        return secret

    def reveal(self) -> str:
        """Raises SecretError, but for one that is empty because nobody has set it."""
        if self._text is None:
            self._text = _read(self.place)
        return self._text

    def __bool__(self) -> bool:
        """Whether somebody has set it."""
        return bool(self.place or self._text)

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not to be written down")


def read_secret(path: str) -> Secret:
    """The first line of a file. Raises SecretError."""
    secret = Secret.of_file(path)
    secret.reveal()
    return secret


def either(setting: Secret, file: str) -> Secret:
    """Of a key and its twin that ends in ``_file``."""
    return Secret.of_file(file) if file else setting


def private_file(path: str) -> Path:
    """Of a secret that another library reads, such as the key of a certificate: where it is, when
    nobody else may read it. Raises SecretError."""
    file, others = _located(path)
    try:
        mode = file.stat().st_mode
    except OSError as exc:
        raise SecretError(f"{file}: {exc.strerror}") from None
    _check_mode(file, mode, others)
    return file


def take(section: object, key: str) -> None:
    """Read every secret of a section, whose ``key`` the errors name. Raises SecretError."""
    for name, secret in _found(section, key):
        try:
            secret.reveal()
        except SecretError as exc:
            raise SecretError(f"{name}: {exc}") from None


def written_out(section: object, key: str) -> list[str]:
    """The keys whose secrets stand in the group's file itself."""
    return [name for name, secret in _found(section, key) if secret and not secret.place]


def variables(document: object) -> frozenset[str]:
    """Names of the environment that a part of the YAML file takes secrets from."""
    if isinstance(document, str):
        match = _VARIABLE.fullmatch(document)
        return frozenset({match[1]} if match else ())
    parts: Any = ()
    if isinstance(document, Mapping):
        parts = document.values()
    elif isinstance(document, list):
        parts = document
    return frozenset[str]().union(*map(variables, parts))


def forget(names: frozenset[str]) -> None:
    """What this process starts from now on inherits none of them."""
    for name in names:
        os.environ.pop(name, None)


def _found(value: object, key: str) -> Iterator[tuple[str, Secret]]:
    if isinstance(value, Secret):
        yield key, value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            item = getattr(value, name)
            twin = getattr(value, name.removesuffix("_file"), None)
            of_secret = name == "key_file" or (name.endswith("_file") and isinstance(twin, Secret))
            if item and of_secret:
                item = Secret.of_file(item)
            yield from _found(item, f"{key}.{name}")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _found(item, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _found(item, f"{key}[{number}]")


def _read(place: str) -> str:
    kind, _, name = place.partition(":")
    if kind == "env":
        text = os.environ.get(name, "")
        if not text:
            raise SecretError(f"the environment has no {name}")
        return text
    return _first_line(*_located(name if kind == "file" else place))


def _located(path: str) -> tuple[Path, int]:
    """The file, and which of the bits of its mode may not be set."""
    kind, _, name = path.partition(":")
    if kind != "credential":
        return Path(path), _OTHERS
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not _NAME.fullmatch(name):
        raise SecretError("expected a name after credential:")
    if not folder:
        raise SecretError(f"credential:{name}: systemd has handed over none")
    return Path(folder) / name, _OTHERS_OF_CREDENTIAL


def _first_line(path: Path, others: int) -> str:
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()).st_mode, others)
            line = file.readline(_LONGEST)
    except OSError as exc:
        raise SecretError(f"{path}: {exc.strerror}") from None
    try:
        text = line.decode().strip()
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not UTF-8") from None
    if not text:
        raise SecretError(f"{path} is empty")
    return text


def _check_mode(path: Path, mode: int, others: int) -> None:
    if mode & others:
        raise SecretError(f"{path} is open to others: chmod 600 {path}")
