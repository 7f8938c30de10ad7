"""``ctpbus config check``: every program reads its part of the file, and starts nothing."""

from __future__ import annotations

import msgspec
import typer

from bus.config import load
from bus.errors import ConfigError
from bus.strategy.config import SyncApiConfig
from deploy.group import config_faults

from . import output
from .group import GROUP, Config, opened

app = typer.Typer(help="The group's file.", no_args_is_help=True)


class Report(msgspec.Struct, frozen=True):
    """``faults``: by the program that would not start; by "" what all of them would say."""

    config: str
    programs: list[str]
    faults: dict[str, str]


@app.callback()
def _group() -> None:
    """The group's file."""


@app.command("check")
def check(config: Config = GROUP, json: output.Json = False) -> None:
    """Let every program read the file, with the keys and secrets that it names.

    Exit status: 0 all would start, 2 not all."""
    path = str(config.absolute())
    try:
        plan = opened(config).plan
        load(path, "sync_api", SyncApiConfig)  # of the strategies, which are no programs of ours
        report = Report(path, list(plan.programs), config_faults(plan))
    except ConfigError as exc:
        report = Report(path, [], {"": str(exc)})
    if json:
        output.show_json(report)
    else:
        for line in dict.fromkeys("\n".join(report.faults.values()).splitlines()):
            output.show(line)
        if not report.faults:
            output.show(f"{path}: good for {', '.join(report.programs)}")
    raise typer.Exit(2 if report.faults else 0)
