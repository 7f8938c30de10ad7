"""``ctpbus webctp``: a group that serves what webctp served with its own configuration file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from bus.endpoints import run_dir
from bus.errors import ConfigError
from deploy import group, members, ports
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
    # Before the file of a running group changes under it. In the background the same one may be
    # called again, and then follows its file.
    if file.exists() and _runs(file):
        if not (background and _is_from(file, path)):
            group.say(f"{file} runs already; ctpbus down --config {file} stops it")
            raise typer.Exit(1)
    elif not members.find(run_dir(str(folder))):  # left by a supervisord that was killed
        edge = converted.document["ws_edge"]
        if (fault := ports.fault(edge["host"], edge["port"])) is not None:
            group.say(f"{path}: Host, Port: {fault}")
            raise typer.Exit(1)
    _write(file, converted.document, path, os.O_TRUNC)
    plan = plan_of(file)
    status = group.up(plan, timeout_s=timeout, canary=False, foreground=not background)
    raise typer.Exit(status)


def _runs(file: Path) -> bool:
    try:
        return Supervisor(plan_of(file)).alive()
    except ConfigError:  # of another version: what runs by it is found by group.up
        return False
    except TimeoutError:
        return True


def _head(source: Path) -> str:
    return f"# Made by ctpbus webctp from {str(source)!r}; "


def _is_from(file: Path, source: Path) -> bool:
    """Two files of one name may share a folder, ``ConFilePath``."""
    return file.read_text("utf-8").startswith(_head(source))


def _write(file: Path, document: dict[str, Any], source: Path, how: int) -> None:
    """For its owner alone: the auth code and the token are in it. Raises ConfigError."""
    told = "changes here are lost" if how == os.O_TRUNC else "docs/configuration.md has all keys"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | how, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            os.fchmod(descriptor, 0o600)
            out.write(f"{_head(source)}{told}.\n\n")
            yaml.safe_dump(document, out, allow_unicode=True, sort_keys=False)
    except OSError as exc:
        raise ConfigError(f"{file}: {exc.strerror}") from None
