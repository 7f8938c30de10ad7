"""What one call of deploy/up or deploy/down is about, read from the group's YAML file."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from bus import config, endpoints
from bus.errors import ConfigError
from bus.secrets import variables
from bus.security import Keys, keys_of
from deploy.canary_config import CanaryConfig
from md_worker.config import MdConfig
from recorder.config import RecorderConfig
from tcp_edge.config import TcpConfig
from td_worker.config import TdConfig
from ws_edge.config import WsConfig

CHECKOUT = Path(__file__).resolve().parents[1]
_COMMENT: Final = re.compile(r"\s[;#]")
DEFAULT_CONFIG = CHECKOUT / "deploy" / "gateway.yaml"


# Nobody's work depends on them, so a group is up without them.
WATCHERS = ("admin", "alarms")


# Of those that are not named as their section.
_SECTIONS: Final = {"md_merge": "md_worker", "admin.alarms": "admin"}


class Program(NamedTuple):
    """``python -m MODULE``, with ``--member`` when there are several; ``fingerprint`` is of what it
    reads in the file. ``withheld``: variables of the environment with secrets of others."""

    module: str
    member: str
    fingerprint: str
    withheld: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """Behind the configuration file."""
        return ["--member", self.member] if self.member else []


@dataclass(frozen=True)
class Plan:
    """``programs`` in the order of their start. ``run`` has the sockets, mode 0700. ``tcp``: None
    where the file has no section tcp_edge."""

    config: Path
    programs: dict[str, Program]
    data: Path
    run: Path
    log: Path
    bus: endpoints.Addresses
    edge: WsConfig
    tcp: TcpConfig | None
    md_fronts: list[str]
    td_fronts: list[str]
    canary: CanaryConfig
    keys: Keys | None

    @property
    def embedded(self) -> bool:
        return "sim" in self.programs

    @property
    def md(self) -> str:
        """The program that publishes the ticks."""
        return "md_merge" if "md_merge" in self.programs else "md_worker"


def read(path: Path) -> Plan:
    """Raises ConfigError with one line. Relative paths in the file are relative to the working
    directory, which has to be the checkout, as it is for every program."""
    canary = config.load(str(path), "canary", CanaryConfig)
    data = Path(canary.common.data).absolute()
    for used in (path, data):
        if _COMMENT.search(str(used)):
            raise ConfigError(
                f"{used}: for supervisord a comment begins at the space before ; or #"
            )
    edge = config.load(str(path), "ws_edge", WsConfig).own
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8")) or {}
    bus = canary.common.bus
    md = _needed(path, document, edge, "md", elsewhere=_is_remote(bus.md_rpc))
    td = _needed(path, document, edge, "td", elsewhere=_is_remote(bus.td_rpc))
    feeds, md_fronts = _feeds(path) if md else ([], [])
    td_fronts = config.load(str(path), "td_worker", TdConfig).own.fronts if td else []
    tcp = config.load(str(path), "tcp_edge", TcpConfig).own if "tcp_edge" in document else None
    recorders: list[str] = []
    if "recorder" in document:
        recorders = ["", *config.load(str(path), "recorder", RecorderConfig).own.members]
    return Plan(
        config=path,
        programs=_programs(
            document,
            sim=any(front.startswith("sim://") for front in md_fronts + td_fronts),
            md=md,
            td=td,
            feeds=feeds,
            edges=edge.processes,
            recorders=recorders,
            tcp=tcp,
        ),
        data=data,
        run=endpoints.run_dir(str(data)),
        log=data / "log",
        bus=endpoints.resolve(canary.common.bus, str(data)),
        edge=edge,
        tcp=tcp,
        md_fronts=md_fronts,
        td_fronts=td_fronts,
        canary=canary.own,
        keys=keys_of(canary.common.keys, "canary"),
    )


def _is_remote(address: str) -> bool:
    """Of a worker that has no section: then it binds it on another machine."""
    return address.startswith("tcp://")


def _needed(
    path: Path, document: dict[str, Any], edge: WsConfig, side: str, *, elsewhere: bool
) -> bool:
    """Whether the group has the worker of this side: it may be left out of the file when it runs
    on another machine, or when ws_edge does not serve its path. Raises ConfigError."""
    worker = f"{side}_worker"
    if worker in document:
        return True
    if elsewhere:
        return False
    if side in edge.paths:
        return True
    for program in ("tcp_edge", "recorder"):
        if program in document:
            raise ConfigError(f"{path}: {program} needs {worker}, which has no section")
    return False


def _feeds(path: Path) -> tuple[list[str], list[str]]:
    """Names of the feeds, none when there is one md_worker; and the fronts of all of them."""
    md = config.load(str(path), "md_worker", MdConfig).own
    sources = [md.feed(name) for name in md.feeds] or [md]
    fronts = dict.fromkeys(front for source in sources for front in source.fronts)
    return list(md.feeds), list(fronts)


def _programs(
    document: dict[str, Any],
    *,
    sim: bool,
    md: bool,
    td: bool,
    feeds: list[str],
    edges: int,
    recorders: list[str],
    tcp: TcpConfig | None,
) -> dict[str, Program]:
    """By name, in the order of their start."""
    common = {key: value for key, value in document.items() if key not in config.SECTIONS}
    section = {name: document.get(name) or {} for name in config.SECTIONS}
    programs: dict[str, Program] = {}

    def add(module: str, reads: object, member: str = "") -> None:
        name = f"{module}_{member}" if member else module
        programs[name] = Program(module, member, _fingerprint([common, reads]))

    if sim:
        add("sim", section["sim"])
    if md and not feeds:
        add("md_worker", section["md_worker"])
    for feed in feeds:
        add(
            "md_worker",
            {**section["md_worker"], "feeds": section["md_worker"]["feeds"][feed]},
            feed,
        )
    if feeds:
        add("md_merge", {**section["md_worker"], "feeds": feeds})
    if td:
        add("td_worker", section["td_worker"])
    # How many there are of these concerns none of those that stay.
    reads = {key: value for key, value in section["recorder"].items() if key != "members"}
    for name in recorders:
        add("recorder", reads, name)
    reads = {key: value for key, value in section["ws_edge"].items() if key != "processes"}
    for member in range(edges):
        add("ws_edge", reads, str(member) if edges > 1 else "")
    if tcp is not None:
        # On a real front it needs a key.
        reads = {**section["tcp_edge"], "sim": sim, "services": tcp.services}
        for name in tcp.services if tcp.processes == "three" else ("",):
            add("tcp_edge", reads, name)
    if "admin" in document:  # they look at all of it
        add("admin", document)
        programs["alarms"] = Program("admin.alarms", "", _fingerprint(document))
    return {name: _with_own_secrets(program, document) for name, program in programs.items()}


def _with_own_secrets(program: Program, document: dict[str, Any]) -> Program:
    own = variables(document.get(_SECTIONS.get(program.module, program.module)))
    return program._replace(withheld=tuple(sorted(variables(document) - own)))


def _fingerprint(reads: object) -> str:
    """Changes with everything that a program reads in the file."""
    text = json.dumps(reads, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
