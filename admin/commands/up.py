"""``ctpbus up`` and ``ctpbus down``: as deploy/up and deploy/down, with the dependencies there."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy import group

from .group import GROUP, Config, plan_of


def up(
    config: Config = GROUP,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Give up after this.")] = 60.0,
    canary: Annotated[
        bool, typer.Option(help="Return when a tick and a request have travelled every hop.")
    ] = True,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay, and stop the group on SIGTERM.")
    ] = False,
) -> None:
    """Start the group, or what is down of it, and return when it works.

    Exit status: 0 it works, 1 it does not come up (what was started is stopped again), 2 the file
    is wrong."""
    plan = plan_of(config)
    status = group.up(plan, timeout_s=timeout, canary=canary, foreground=foreground)
    raise typer.Exit(status)


def down(config: Config = GROUP) -> None:
    """Stop the group, and return when every process has ended.

    Exit status: 0 nothing of it is left, 1 something is, 2 the file is wrong."""
    raise typer.Exit(group.down(plan_of(config)))
