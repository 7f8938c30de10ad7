"""The group's file as the programs read it, without its secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import yaml

from admin.config import AdminConfig
from bus.config import Common, load
from bus.secrets import Secret
from deploy.canary_config import CanaryConfig
from md_worker.config import MdConfig
from recorder.config import RecorderConfig
from sim.config import SimConfig
from tcp_edge.config import TcpConfig
from td_worker.config import TdConfig
from ws_edge.config import WsConfig

MASK: Final = "••••••"
_KINDS: Final[dict[str, type[msgspec.Struct]]] = {
    "sim": SimConfig,
    "md_worker": MdConfig,
    "td_worker": TdConfig,
    "recorder": RecorderConfig,
    "ws_edge": WsConfig,
    "tcp_edge": TcpConfig,
    "admin": AdminConfig,
    "canary": CanaryConfig,
}
# A user and a password in an address.
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]+@")


class Setting(NamedTuple):
    """``section``: "" for the keys outside of them. ``given``: it stands in the file."""

    section: str
    key: str
    value: str
    given: bool


def settings(path: Path) -> list[Setting]:
    """All of them, of the sections that the file has. Raises ConfigError."""
    common = load(str(path), "admin", AdminConfig).common
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8")) or {}
    found = list(_of("", common, document, Common))
    for section, kind in _KINDS.items():
        if section in document:
            own = load(str(path), section, kind).own
            found += _of(section, own, document[section] or {}, kind)
    return found


def _of(
    section: str, own: msgspec.Struct, document: dict[str, Any], kind: type[msgspec.Struct]
) -> Iterator[Setting]:
    for name in kind.__struct_fields__:
        value = getattr(own, name)
        if value is not msgspec.UNSET:
            yield Setting(section, name, shown(value), name in document)


def shown(value: object) -> str:
    """In one line, secrets masked."""
    plain = _plain(value)
    if isinstance(plain, str):
        return plain
    text = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


def _plain(value: object) -> Any:
    if isinstance(value, Secret):
        return value.place or (MASK if value else "")
    if isinstance(value, str):
        return _CREDENTIALS.sub(f"{MASK}@", value)
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return {name: _plain(each) for name, each in fields.items() if each is not msgspec.UNSET}
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return value
