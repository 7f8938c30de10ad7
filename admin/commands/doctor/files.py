"""Who may read the secrets, and the CURVE keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import yaml
import zmq

from admin.config import AdminConfig
from bus import links
from bus.config import load
from bus.errors import ConfigError
from bus.secrets import Secret
from bus.security import ROLE_OF, Keys, read_public_key, read_secret_key, role_of
from deploy.canary_config import CanaryConfig
from deploy.plan import Plan
from md_worker.config import MdConfig
from recorder.config import RecorderConfig
from tcp_edge.config import TcpConfig
from td_worker.config import TdConfig
from ws_edge.config import WsConfig

from ..group import Opened
from .finding import Finding

_KINDS: Final[dict[str, type[Any]]] = {
    "md_worker": MdConfig,
    "td_worker": TdConfig,
    "ws_edge": WsConfig,
    "tcp_edge": TcpConfig,
    "recorder": RecorderConfig,
    "canary": CanaryConfig,
    "admin": AdminConfig,
}
# The other keys that end so name secrets, and so does `file` of an OFX key.
_PUBLIC_FILES: Final = ("cert_file", "client_ca_file", "limits_file")
_MAKE: Final = "ctpbus keygen makes pairs, and says which machine needs which"
_SERVERS: Final = {"md": "md_worker", "td": "td_worker", "rec": "recorder", "login": "login"}


class Setting(NamedTuple):
    """One value of the group's file, under its key."""

    key: str
    value: Any


def settings(path: Path) -> Iterator[Setting]:
    """All of the sections that stand in the file. Raises ConfigError."""
    document = yaml.safe_load(path.read_text("utf-8"))
    for name, kind in _KINDS.items():
        if name in document:
            yield from _walk(name, load(str(path), name, kind).own)


def _walk(key: str, value: Any) -> Iterator[Setting]:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _walk(f"{key}.{name}", getattr(value, name))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _walk(f"{key}.{name}", item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _walk(key, item)
    else:
        yield Setting(key, value)


def of_secrets(group: Opened) -> Iterator[Finding]:
    """The files that the configuration names, what the group has made, and the file itself."""
    found = list(settings(group.plan.config))
    looked = 0
    for key, value in found:
        if file := _file_of(key, value):
            looked += 1
            yield from _of_named(key, Path(file).absolute())
    for path in _made(group):
        looked += 1
        yield from _of_mode(path)
    limits = [Path(value) for key, value in found if key == "td_worker.limits_file" and value]
    for path in (group.plan.config, *limits):
        if path.exists() and path.stat().st_mode & 0o022:
            text = f"others may change {path}"
            yield Finding("file modes", "fault", text, f"chmod go-w {path}, and read it through")
    inline = [
        key for key, value in found if isinstance(value, Secret) and value and not value.place
    ]
    if inline and not group.loaded.embedded and _open(group.plan.config):
        text = f"{group.plan.config} holds {inline[0]} and others may read it"
        remedy = f"chmod 600 {group.plan.config}, or put it into a file of its own"
        yield Finding("file modes", "fault", text, remedy)
    yield Finding("file modes", "ok", f"{looked} files of secrets were looked at")


def _file_of(key: str, value: object) -> str:
    """The file that a setting names as the place of a secret; "" when it names none."""
    if isinstance(value, Secret):
        kind, _, path = value.place.partition(":")
        return path if kind == "file" else ""
    name = key.rpartition(".")[2]
    named = name == "file" or (name.endswith("_file") and name not in _PUBLIC_FILES)
    if not named or not isinstance(value, str) or value.startswith("credential:"):
        return ""
    return value


def _of_named(key: str, path: Path) -> Iterator[Finding]:
    if not path.is_file():
        text = f"{key}: {path} is not there"
        yield Finding("file modes", "fault", text, f"write it, then chmod 600 {path}")
        return
    yield from _of_mode(path, f"{key}: ")


def _of_mode(path: Path, who: str = "") -> Iterator[Finding]:
    if _open(path):
        mode = stat.S_IMODE(path.stat().st_mode)
        text = f"{who}{path} is open to others (mode {mode:04o})"
        remedy = f"chmod 600 {path}; if others use this machine, the secret has to be changed"
        yield Finding("file modes", "fault", text, remedy)
    elif not os.access(path, os.R_OK):
        text = f"{who}{path} cannot be read by this user"
        yield Finding("file modes", "fault", text, f"chown {os.getuid()} {path}")


def _open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


def _made(group: Opened) -> list[Path]:
    data, users = group.plan.data, group.common.users_file
    made = [users, *data.glob("*/*.key"), *data.glob("admin/*")]
    return [path for path in made if path.is_file()]


def of_keys(group: Opened) -> Iterator[Finding]:
    """Of ``keys``: what each program here needs is there, in the right hands, and fits."""
    if not group.common.keys:
        yield Finding("keys", "ok", "all sockets are ipc, so no CURVE keys are needed")
        return
    folder = Path(group.common.keys).absolute()
    texts = [*_unfit(folder), *_lacking(folder, group.plan)]
    for text in dict.fromkeys(texts):
        yield Finding("keys", "fault", text, remedy_of(text, _MAKE))
    if not texts:
        yield Finding("keys", "ok", f"{folder} has what the programs here need")


def _unfit(folder: Path) -> Iterator[str]:
    """Every secret, also those that no program here uses."""
    for path in sorted(folder.glob("*.key")):
        if not role_of(path.name):
            continue
        try:
            secret = read_secret_key(path)
            public = path.with_suffix(".pub")
            ours = zmq.curve_public(secret.reveal().encode()).decode()
            if public.exists() and read_public_key(public) != ours:
                yield f"{public} is not the public part of {path}"
        except (ConfigError, ValueError, OSError) as exc:
            yield str(exc)


def _lacking(folder: Path, plan: Plan) -> Iterator[str]:
    remote = {
        _SERVERS[name.partition("_")[0]]
        for name in plan.bus.__struct_fields__
        if isinstance(address := getattr(plan.bus, name), str) and links.is_tcp(address)
    }
    modules = dict.fromkeys(program.module for program in plan.programs.values())
    for role in dict.fromkeys(ROLE_OF[name] for name in modules if name in ROLE_OF):
        try:
            keys = Keys(folder, role)
            for server in sorted(remote - {role}):
                keys.server_key(server)
        except ConfigError as exc:
            yield str(exc)


def remedy_of(text: str, otherwise: str) -> str:
    """Many texts of a ConfigError end with the command that mends it."""
    said = text.rpartition(": ")[2]
    known = said.startswith(("chmod", "chown", "copy", "ctpbus"))
    return said if known else otherwise
