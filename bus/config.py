"""One YAML file describes the group; each process reads the common keys and its own section."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import msgspec
import yaml

from schemas.calendar import (
    Calendar,
    CalendarError,
    always_open,
    exchange_calendar,
    read_calendar,
)

from . import links
from .endpoints import Addresses
from .errors import ConfigError
from .secrets import Secret, variables

T = TypeVar("T")
SECTIONS = (
    "sim",
    "md_worker",
    "td_worker",
    "ws_edge",
    "tcp_edge",
    "recorder",
    "canary",
    "admin",
    "sync_api",
)


class Common(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys outside the sections.

    data       folder of everything that the group writes, relative to where the processes run
    binding    the CTP binding, a package of openctp_ctp's shape
    bus        addresses of the workers' sockets, when not the default ones under ``data``, and how
               much may wait in them
    keys       folder of the keys for tcp addresses, see bus/security.py
    users      file of the gateway's client accounts, see bus/users.py; "": users.db in ``data``
    calendar   when instruments trade: the exchanges' hours (``exchange``), at any time
               (``always``), or a file that adds to these hours, see schemas/calendar.py
    """

    data: str = "var"
    binding: str = "openctp_ctp"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    bus: Addresses = Addresses()
    keys: str = ""
    users: str = ""
    calendar: str = "exchange"

    def __post_init__(self) -> None:
        for name in self.bus.__struct_fields__:
            address = getattr(self.bus, name)
            if address and isinstance(address, str):
                _check_address(f"bus.{name}", address, self.keys)
        for program, address in self.bus.stat_pub.items():
            _check_address(f"bus.stat_pub.{program}", address, self.keys)

    @property
    def users_file(self) -> Path:
        return Path(self.users or Path(self.data) / "users.db").absolute()

    def folder(self, name: str) -> Path:
        """A folder of one process under ``data``, made when missing, closed to others."""
        path = Path(self.data).absolute() / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path


class Loaded(msgspec.Struct, Generic[T], frozen=True):
    """A process's view of the file. ``member``: which one of several processes with one section.
    ``embedded``: both workers have the embedded exchange as their front, and nothing else.
    ``path``: the file. ``variables``: of the environment, which some section takes secrets from."""

    common: Common
    own: T
    member: str = ""
    embedded: bool = False
    path: str = ""
    variables: frozenset[str] = frozenset()


def open_calendar(common: Common) -> Calendar:
    """Raises ConfigError."""
    if common.calendar == "exchange":
        return exchange_calendar()
    if common.calendar == "always":
        return always_open()
    try:
        return read_calendar(common.calendar)
    except CalendarError as exc:
        raise ConfigError(f"calendar: {exc}") from None


def load(path: str, section: str, kind: type[T]) -> Loaded[T]:
    """Read ``path``; unknown keys are errors. Raises ConfigError with one line."""
    document = _read(path)
    named = variables(document)
    sections = {name: document.pop(name, None) for name in SECTIONS}
    common = _convert(path, "", document, Common)
    own = _convert(path, section, sections.get(section) or {}, kind)
    return Loaded(common, own, embedded=_is_embedded(sections), path=path, variables=named)


def _is_embedded(sections: dict[str, Any]) -> bool:
    """By what stands there; whether it makes sense is the workers' business."""
    fronts: list[str] = []
    for name in ("md_worker", "td_worker"):
        section = sections[name] if isinstance(sections[name], dict) else {}
        feeds = section.get("feeds")
        for part in (section, *(feeds.values() if isinstance(feeds, dict) else ())):
            front = part.get("front") if isinstance(part, dict) else None
            fronts += front if isinstance(front, list) else [front] if front else []
    return bool(fronts) and all(str(front).startswith("sim://") for front in fronts)


def _read(path: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from None
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: {exc}") from None
    except yaml.YAMLError as exc:
        # Its text would quote the lines around the fault, which may hold a password.
        mark = getattr(exc, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}: not valid YAML{where}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: expected keys and values at the top")
    return document


def _convert(path: str, section: str, document: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(document, kind, dec_hook=_decode)
    except msgspec.ValidationError as exc:
        text = str(exc)
        if section and " - at `$" not in text:
            text += " - at `$`"
        text = text.replace("`$", f"`{section}" if section else "`")
        raise ConfigError(f"{path}: {text.replace('`.', '`')}") from None


def _check_address(key: str, address: str, keys: str) -> None:
    try:
        links.check(address)
    except ValueError as exc:
        raise ValueError(f"{key}: {exc}") from None
    if links.is_tcp(address) and not keys:
        raise ValueError(f"{key}: {address} needs `keys`, a folder made by ctpbus keygen")


def _decode(kind: type, value: object) -> object:
    if kind is Secret:
        if isinstance(value, str):
            return Secret.of_setting(value)
        raise ValueError("Expected a text in quotes")
    raise NotImplementedError(kind)  # what msgspec asks of a hook for a type it does not know
