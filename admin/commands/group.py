"""The group that a command is about: its file, and the way to its bus."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from admin.config import AdminConfig
from bus.client import Client
from bus.config import Common, Loaded, load
from bus.errors import ConfigError
from bus.security import Keys, keys_of
from deploy.plan import CHECKOUT, DEFAULT_CONFIG, Plan, read

Config = Annotated[
    Path,
    typer.Option(
        metavar="FILE", help="The group's file.", show_default="deploy/gateway.yaml of the checkout"
    ),
]
GROUP = DEFAULT_CONFIG


class Opened(NamedTuple):
    plan: Plan
    loaded: Loaded[AdminConfig]

    @property
    def common(self) -> Common:
        return self.loaded.common

    def keys(self) -> Keys | None:
        """Those of the role admin where this machine has them, else the edge's."""
        try:
            return keys_of(self.common.keys, "admin")
        except ConfigError:
            return self.plan.keys

    def client(self) -> Client:
        """In an event loop."""
        return Client(self.plan.bus, keys=self.keys(), binding=self.common.binding)


def enter(config: Path) -> Path:
    """From here on relative paths mean the same as in the programs of the group."""
    path = config.absolute()
    os.chdir(CHECKOUT)
    return path


def plan_of(config: Path) -> Plan:
    """Raises ConfigError."""
    path = enter(config)
    try:
        return read(path)
    except PermissionError as exc:  # of the folder of sockets
        raise ConfigError(f"{exc}: chmod 700 the folder, or set `data`") from None
    except OSError as exc:
        raise ConfigError(f"{exc}: set `data` to a folder that can be written to") from None


def opened(config: Path) -> Opened:
    """Raises ConfigError."""
    plan = plan_of(config)
    return Opened(plan, load(str(plan.config), "admin", AdminConfig))
