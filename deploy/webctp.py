"""A configuration file of webctp, or of homalos-webctp, as a group of ours. No I/O but reading it.

The names are those of webctp's files; what they mean was read from its configuration module and
from that of homalos, which adds the token, the heartbeat, the environment and some sections.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from bus.errors import ConfigError
from bus.fronts import addresses, md_addresses
from bus.secrets import Secret
from ws_edge.config import WsConfig

PREFIX: Final = "WEBCTP_"

# By key: the variable of the environment that comes first, and what counts without both.
_KEYS: Final = {
    "TdFrontAddress": ("WEBCTP_TD_ADDRESS", ""),
    "MdFrontAddress": ("WEBCTP_MD_ADDRESS", ""),
    "BrokerID": ("WEBCTP_BROKER_ID", ""),
    "AuthCode": ("WEBCTP_AUTH_CODE", ""),
    "AppID": ("WEBCTP_APP_ID", ""),
    "Host": ("WEBCTP_HOST", "0.0.0.0"),
    "Port": ("", "8080"),
    "WebSocketPort": ("", ""),  # the name of Port in its first versions
    "LogLevel": ("", "INFO"),
    "ConFilePath": ("", "./con_file/"),
    "Token": ("WEBCTP_TOKEN", ""),
    "HeartbeatInterval": ("WEBCTP_HEARTBEAT_INTERVAL", "30.0"),
    "HeartbeatTimeout": ("WEBCTP_HEARTBEAT_TIMEOUT", "60.0"),
}
# Parts of homalos that the bus does otherwise or not at all.
_SECTIONS: Final = ("Redis", "Metrics", "Strategy", "Alerts")
_SECTION_VARIABLES: Final = ("REDIS", "METRICS", "ALERT")
# Of the section SyncApi, with ours. The variables are WEBCTP_SYNC_API_CONNECT_TIMEOUT and so on.
_SYNC_API: Final = {
    "ConnectTimeout": "connect_timeout",
    "QuoteTimeout": "quote_timeout",
    "QuoteUpdateTimeout": "quote_update_timeout",
    "PositionTimeout": "position_timeout",
    "OrderTimeout": "order_timeout",
    "StopTimeout": "stop_timeout",
    "MaxStrategies": "max_strategies",
}
_OF_HOMALOS: Final = ("Token", "HeartbeatInterval", "HeartbeatTimeout", "SyncApi")
_LEVELS: Final = {
    "NOTSET": "DEBUG",
    "TRACE": "DEBUG",
    "DEBUG": "DEBUG",
    "INFO": "INFO",
    "WARN": "WARNING",
    "WARNING": "WARNING",
    "ERROR": "ERROR",
    "CRITICAL": "ERROR",
    "FATAL": "ERROR",
}
_UNSET: Final = ("", "~", "null", "Null", "NULL")


class AppType(StrEnum):
    """What a server of webctp serves."""

    td = "td"
    md = "md"
    dev = "dev"

    @property
    def paths(self) -> list[str]:
        return ["md", "td"] if self is AppType.dev else [self.value]


class Converted(NamedTuple):
    """``document``: the group's file. ``folder``: the one for its files, ``ConFilePath``.
    ``notes``: what the user should know, a line each, without secrets."""

    document: dict[str, Any]
    folder: Path
    notes: list[str]


class _Settings:
    """The values by key, as texts."""

    def __init__(self, path: Path, document: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._path, self._document, self._environ = path, document, environ

    def given(self, key: str) -> bool:
        return self._variable(key) is not None or self._document.get(key, "") not in _UNSET

    def text(self, key: str) -> str:
        """Raises ConfigError."""
        variable = self._variable(key)
        value = self._document.get(key, "") if variable is None else self._environ[variable]
        if not isinstance(value, str):
            raise self.fault(key, "expected one text")
        return _KEYS[key][1] if value in _UNSET else value.strip()

    def needed(self, key: str) -> str:
        """Raises ConfigError."""
        value = self.text(key)
        if not value:
            variable = self._variable(key)
            raise self.fault(key, f"{variable} is set and empty" if variable else "missing")
        return value

    def number(self, key: str, least: float, most: float) -> float:
        """Raises ConfigError."""
        text = self.text(key)
        try:
            value = float(text)
        except ValueError:
            raise self.fault(key, f"expected a number, not {text!r}") from None
        if not least <= value <= most:
            raise self.fault(key, f"expected {least:g} to {most:g}, not {text}")
        return value

    def sync_api(self) -> dict[str, float]:
        """Our section, with those keys that are set. Raises ConfigError."""
        section = self._document.get("SyncApi") or {}
        if not isinstance(section, dict):
            raise self.fault("SyncApi", "expected keys and values")
        found = {}
        for key, ours in _SYNC_API.items():
            text = self._environ.get(f"{PREFIX}SYNC_API_{ours.upper()}", section.get(key, ""))
            if text in _UNSET:
                continue
            try:
                value = float(text)
            except (TypeError, ValueError):
                raise self.fault(f"SyncApi.{key}", "expected a number") from None
            if not 0 < value <= 1000:
                raise self.fault(f"SyncApi.{key}", f"expected up to 1000, not {value:g}")
            found[ours] = int(value) if ours == "max_strategies" else value
        return found

    def fault(self, key: str, what: str) -> ConfigError:
        return ConfigError(f"{self._path}: {key}: {what}")

    def _variable(self, key: str) -> str | None:
        """That of the key, when it is set; also an empty one hides what is in the file."""
        name = _KEYS[key][0]
        return name if name in self._environ else None


def convert(path: Path, app_type: AppType, environ: Mapping[str, str], working: Path) -> Converted:
    """The group that serves what webctp served with this file. Relative paths in it are relative
    to ``working``, as webctp's are to its working directory. Raises ConfigError."""
    document = _read(path)
    settings = _Settings(path, document, environ)
    folder = working / settings.text("ConFilePath")
    level = settings.text("LogLevel")
    if level.upper() not in _LEVELS:
        raise settings.fault("LogLevel", f"{level!r} is none of {', '.join(_LEVELS)}")
    group: dict[str, Any] = {
        # One for each file, because one folder was often enough for two servers.
        "data": str(folder / f"{path.stem}.{app_type}"),
        "log_level": _LEVELS[level.upper()],
        # webctp knew no hours, and its fronts are often those of SimNow that never close.
        "calendar": "always",
    }
    fronts = []
    if "md" in app_type.paths:
        front = _front(settings, "MdFrontAddress", working)
        fronts.append(front)
        group["md_worker"] = {"front": front, "broker_id": settings.text("BrokerID")}
    if "td" in app_type.paths:
        front = _front(settings, "TdFrontAddress", working)
        fronts.append(front)
        group["td_worker"] = {
            "front": front,
            "broker_id": settings.needed("BrokerID"),
            "app_id": settings.text("AppID"),
            "auth_code": _literal(settings.text("AuthCode")),
        }
    listeners = {front.removeprefix("sim://") for front in fronts if front.startswith("sim://")}
    if len(listeners) > 1:
        raise settings.fault("MdFrontAddress", "one server has one embedded exchange")
    if listeners:
        group["sim"] = {"listen": listeners.pop()}
    if sync_api := settings.sync_api():
        group["sync_api"] = sync_api
    group["ws_edge"] = _edge(settings, app_type, _by_homalos(document, environ))
    return Converted(group, folder, _notes(settings, document, environ, group))


class _Texts(yaml.SafeLoader):
    """Every scalar is a text; of what plain ones mean to YAML only the merge key is left."""


_Texts.yaml_implicit_resolvers = {"<": [("tag:yaml.org,2002:merge", re.compile("<<$"))]}


def _read(path: Path) -> dict[str, Any]:
    """Every value is a text, as it stands there: AuthCode: 0000000000000000 would be a number, and
    that number is 0."""
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", "replace")  # comments from a Chinese Windows
    try:
        document = yaml.load(text, _Texts)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}: not valid YAML{where}") from None
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise ConfigError(f"{path}: expected keys and values at the top")
    return document


def _front(settings: _Settings, key: str, working: Path) -> str:
    """That of an embedded exchange as the socket it listens at. Raises ConfigError."""
    address = settings.needed(key)
    try:
        (addresses if key.startswith("Td") else md_addresses)(address)
    except ValueError as exc:
        raise settings.fault(key, str(exc).removeprefix("front: ")) from None
    scheme, found, socket = address.partition("sim://")
    if found and not scheme and ("/" in socket or ":" not in socket):
        return f"sim://{working / socket}"
    return address


def _literal(secret: str) -> str:
    """As the group's file says it, where some texts name the place of a secret."""
    named = Secret.of_setting(secret).place or secret.startswith("text:")
    return f"text:{secret}" if named else secret


def _by_homalos(document: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Whether it is homalos that runs with this, by something that webctp does not have."""
    keys = any(key in document for key in (*_OF_HOMALOS, *_SECTIONS))
    return keys or any(name.startswith(PREFIX) for name in environ)


def _edge(settings: _Settings, app_type: AppType, homalos: bool) -> dict[str, Any]:
    host = settings.text("Host")
    port = settings.text("Port")
    if not settings.given("Port") and settings.given("WebSocketPort"):
        port = settings.text("WebSocketPort")
    if not (port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise settings.fault("Port", f"expected 0 to 65535, not {port!r}")
    edge: dict[str, Any] = {"host": host, "port": int(port), "paths": app_type.paths}
    if WsConfig(host=host, insecure=True).in_the_clear:
        edge["insecure"] = True
    if settings.text("Token"):
        edge["tokens"] = [{"token": _literal(settings.text("Token"))}]
        edge["gateway_login_s"] = 0  # who comes without it gets HTTP 403
    if homalos:
        settings.number("HeartbeatTimeout", 0.001, 3600)
        # homalos says Ping to everybody and closes nobody who does not answer.
        edge["heartbeat"] = True
        edge["heartbeat_interval_s"] = settings.number("HeartbeatInterval", 0.001, 3600)
        edge["heartbeat_timeout_s"] = 0
    return edge


def _notes(
    settings: _Settings,
    document: Mapping[str, Any],
    environ: Mapping[str, str],
    group: Mapping[str, Any],
) -> list[str]:
    notes = []
    edge = group["ws_edge"]
    if edge.get("insecure"):
        who = "" if edge.get("tokens") else ", and whoever reaches the port may try to log in"
        notes.append(
            f"Host {edge['host']} is not loopback and webctp has no TLS: passwords and tokens can "
            f"be read on the way, and orders changed{who}; docs/migration.md has the way out"
        )
    if settings.text("Token") == "" and document.get("Token", "") not in _UNSET:
        notes.append("WEBCTP_TOKEN is empty, which hides Token: nobody is asked for a token")
    if settings.given("HeartbeatTimeout"):
        notes.append("HeartbeatTimeout: clients that answer no Ping are not closed, as in homalos")
    if settings.text("LogLevel").upper() in ("CRITICAL", "FATAL"):
        notes.append("LogLevel: ERROR is the highest here")
    sections = [name for name in _SECTIONS if name in document]
    known = {name for name, _ in _KEYS.values()}
    known |= {f"{PREFIX}SYNC_API_{ours.upper()}" for ours in _SYNC_API.values()}
    for name in sorted(name for name in environ if name.startswith(PREFIX) and name not in known):
        if name.removeprefix(PREFIX).startswith(_SECTION_VARIABLES):
            sections.append(name)
        else:
            notes.append(f"{name}: not known, ignored")
    if sections:
        notes.append(f"{', '.join(sections)}: without effect, see docs/migration.md")
    unknown = [key for key in document if key not in (*_KEYS, *_SECTIONS, "SyncApi")]
    if unknown:
        notes.append(f"{', '.join(unknown)}: not known, ignored")
    return notes
