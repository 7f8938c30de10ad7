"""What one call of deploy/up or deploy/down is about, read from the group's YAML file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bus import config, endpoints
from bus.security import Keys, keys_of
from deploy.canary import CanaryConfig
from md_worker.config import MdConfig
from td_worker.config import TdConfig
from ws_edge.config import WsConfig

CHECKOUT = Path(__file__).resolve().parents[1]
DEFAULT_CONFIG = CHECKOUT / "deploy" / "gateway.yaml"


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
    edge: WsConfig
    md_fronts: list[str]
    td_fronts: list[str]
    canary: CanaryConfig
    keys: Keys | None

    @property
    def embedded(self) -> bool:
        return "sim" in self.programs


def read(path: Path) -> Plan:
    """Raises ConfigError with one line. Relative paths in the file are relative to the working
    directory, which has to be the checkout, as it is for every program."""
    canary = config.load(str(path), "canary", CanaryConfig)
    md = config.load(str(path), "md_worker", MdConfig).own.fronts
    td = config.load(str(path), "td_worker", TdConfig).own.fronts
    data = Path(canary.common.data).absolute()
    sim = ["sim"] if any(front.startswith("sim://") for front in md + td) else []
    programs = [*sim, "md_worker", "td_worker", "ws_edge"]
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return Plan(
        config=path,
        programs={name: _fingerprint(document, name) for name in programs},
        data=data,
        run=endpoints.run_dir(str(data)),
        log=data / "log",
        bus=endpoints.resolve(canary.common.bus, str(data)),
        edge=config.load(str(path), "ws_edge", WsConfig).own,
        md_fronts=md,
        td_fronts=td,
        canary=canary.own,
        keys=keys_of(canary.common.keys, "canary"),
    )


def _fingerprint(document: dict[str, Any], program: str) -> str:
    """Changes with everything that the program reads in the file."""
    common = {key: value for key, value in document.items() if key not in config.SECTIONS}
    text = json.dumps([common, document.get(program)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
