"""What one call of deploy/up or deploy/down is about, read from the group's YAML file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from bus import config, endpoints
from deploy.canary import CanaryConfig

CHECKOUT = Path(__file__).resolve().parents[1]
DEFAULT_CONFIG = CHECKOUT / "deploy" / "gateway.yaml"
WORKERS = ("md_worker", "td_worker")


class WorkerView(msgspec.Struct, frozen=True):
    """What deploy has to know of a worker's section; the worker checks the rest."""

    front: str | list[str]

    @property
    def fronts(self) -> list[str]:
        return [self.front] if isinstance(self.front, str) else self.front


class EdgeView(msgspec.Struct, frozen=True):
    """What deploy has to know of ws_edge's section."""

    host: str = "127.0.0.1"
    port: int = 8080


@dataclass(frozen=True)
class Plan:
    """``programs`` in the order of their start, each with a fingerprint of what it reads in the
    file. ``run`` has the sockets, mode 0700."""

    config: Path
    programs: dict[str, str]
    data: Path
    run: Path
    log: Path
    bus: endpoints.Addresses
    edge: EdgeView
    md_fronts: list[str]
    td_fronts: list[str]
    canary: CanaryConfig

    @property
    def embedded(self) -> bool:
        return "sim" in self.programs


def read(path: Path) -> Plan:
    """Raises ConfigError with one line. Relative paths in the file are relative to the checkout,
    which is the working directory of every program."""
    canary = config.load(str(path), "canary", CanaryConfig)
    md, td = (config.load(str(path), name, WorkerView).own.fronts for name in WORKERS)
    data = CHECKOUT / canary.common.data
    sim = ["sim"] if any(front.startswith("sim://") for front in md + td) else []
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return Plan(
        config=path.resolve(),
        programs={name: _fingerprint(document, name) for name in (*sim, *WORKERS, "ws_edge")},
        data=data,
        run=endpoints.run_dir(str(data)),
        log=data / "log",
        bus=endpoints.resolve(canary.common.bus, str(data)),
        edge=config.load(str(path), "ws_edge", EdgeView).own,
        md_fronts=md,
        td_fronts=td,
        canary=canary.own,
    )


def _fingerprint(document: dict[str, Any], program: str) -> str:
    """Changes with everything that the program reads in the file."""
    common = {key: value for key, value in document.items() if key not in config.SECTIONS}
    text = json.dumps([common, document.get(program)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
