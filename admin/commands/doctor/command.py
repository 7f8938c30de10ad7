"""All that is looked at, and how it is told."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import typer

from bus.config import Common
from bus.errors import ConfigError
from deploy.plan import DEFAULT_CONFIG

from .. import output
from ..group import GROUP, Config, Opened, opened
from . import files, machine, network
from .finding import Finding


class Report(msgspec.Struct, frozen=True):
    faults: int
    warnings: int
    findings: list[Finding]


def examine(group: Opened | None, wrong: Finding | None) -> Iterator[Finding]:
    """Without a group, what concerns the machine alone."""
    yield from machine.of_locale()
    yield from machine.of_binding(group.common.binding if group else Common().binding)
    yield from machine.of_clock()
    yield from machine.of_open_files()
    if wrong is not None:
        yield wrong
    if group is None:
        return
    yield Finding("config", "ok", f"{group.plan.config}: {', '.join(group.plan.programs)}")
    yield from machine.of_disk(group.plan.data, group.loaded.own.disk_free_mb)
    yield from files.of_secrets(group)
    yield from files.of_keys(group)
    yield from network.of_ports(group)
    yield from network.of_doors(group.plan)
    yield from network.of_bus(group)
    yield from network.of_fronts(group.plan)
    yield from network.of_processes(group.plan)


def command(config: Config = GROUP, json: output.Json = False) -> None:
    """Look for what is wrong with this machine and the configuration; each with what to do.

    Nothing is changed, but for the locale, which is made. Exit status: 0 no fault, 1 a fault."""
    group, wrong = None, None
    try:
        group = opened(config)
    except ConfigError as exc:
        mend = (
            f"mend {config} (deploy/{DEFAULT_CONFIG.name} is an example), then ctpbus config check"
        )
        wrong = Finding("config", "fault", str(exc), files.remedy_of(str(exc), mend))
    found = []
    for finding in examine(group, wrong):
        found.append(finding)
        if not json:
            output.show(output.finding(finding.level, finding.check, finding.text, finding.remedy))
    faults = sum(finding.level == "fault" for finding in found)
    warnings = sum(finding.level == "warning" for finding in found)
    if json:
        output.show_json(Report(faults, warnings, found))
    else:
        output.show(f"{faults} faults, {warnings} warnings")
    raise typer.Exit(1 if faults else 0)
