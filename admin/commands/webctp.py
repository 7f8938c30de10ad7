"""``ctpbus webctp``: a group that serves what webctp served with its own configuration file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from bus.errors import ConfigError
from deploy import group
from deploy.plan import Plan
from deploy.supervision import Supervisor
from deploy.webctp import PREFIX, AppType, convert

from .group import plan_of

FILE = "group.yaml"


def command(
    config: Annotated[Path, typer.Option(metavar="FILE", help="webctp's file, as config_td.yaml.")],
    app_type: Annotated[
        AppType, typer.Option("--app_type", "--app-type", help="As there; dev: both.")
    ] = AppType.td,
    background: Annotated[
        bool, typer.Option("--background", help="Return when it serves; ctpbus down stops it.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(metavar="GROUP", help="Only write the group's file, a new one."),
    ] = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Give up after this.")] = 60.0,
) -> None:
    """Serve what webctp served with this file, until Ctrl-C.

    Exit status: 0 it was stopped, or serves in the background; 1 it does not come up, 2 a file is
    wrong."""
    path = config.absolute()
    converted = convert(path, app_type, os.environ, Path.cwd())
    # Secrets among them are in the group's file now, and no process inherits them.
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    for note in converted.notes:
        print(f"ctpbus webctp: {note}", file=sys.stderr)
    if write is not None:
        _write(write.absolute(), converted.document, path, os.O_EXCL)
        return
    folder = Path(converted.document["data"])
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(f"ConFilePath: {exc}") from None
    file = folder / FILE
    if not background and file.exists() and _runs(plan_of(file)):
        # Before its file changes under it.
        group.say(f"it runs already; ctpbus down --config {file} stops it")
        raise typer.Exit(1)
    _write(file, converted.document, path, os.O_TRUNC)
    plan = plan_of(file)
    status = group.up(plan, timeout_s=timeout, canary=False, foreground=not background)
    raise typer.Exit(status)


def _runs(plan: Plan) -> bool:
    try:
        return Supervisor(plan).alive()
    except TimeoutError:
        return True


def _write(file: Path, document: dict[str, Any], source: Path, how: int) -> None:
    """For its owner alone: the auth code and the token are in it. Raises ConfigError."""
    told = "changes here are lost" if how == os.O_TRUNC else "docs/configuration.md has all keys"
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | how, 0o600), "w") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(f"# Made by ctpbus webctp from {source}; {told}.\n\n")
            yaml.safe_dump(document, out, allow_unicode=True, sort_keys=False)
    except OSError as exc:
        raise ConfigError(f"{file}: {exc.strerror}") from None
