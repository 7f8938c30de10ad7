"""``ctpbus schema``: the protocols as JSON Schema, AsyncAPI and TypeScript."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from admin.schema.documents import documents
from bus.errors import ConfigError
from deploy.plan import CHECKOUT
from schemas import binding as bindings
from schemas import catalogue, values

from . import output


class Report(msgspec.Struct, frozen=True):
    """``changed`` are the files that were not as they should be, ``binding`` its version."""

    folder: str
    binding: str
    files: list[str]
    changed: list[str]


def command(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Where to write; none: docs/schema of the checkout."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing, name what differs.")
    ] = False,
    binding: Annotated[str, typer.Option(help="The CTP binding.")] = bindings.DEFAULT,
    json: output.Json = False,
) -> None:
    """Write what other languages read of the protocols: JSON Schema, AsyncAPI, .d.ts.

    Exit status: 0 written, or with --check as it should be; 1 with --check: something differs;
    2 it cannot be written."""
    if folder is None:
        folder = CHECKOUT / "docs" / "schema"
        if not folder.is_dir():
            raise ConfigError("this is no checkout with docs/schema: name a folder")
    known = catalogue.load(binding)
    wanted = documents(known, values.load(binding))
    changed = differences(folder, wanted)
    if not check:
        write(folder, {name: wanted[name] for name in changed})
    if json:
        output.show_json(Report(str(folder), known.version, list(wanted), changed))
    else:
        for name in changed:
            output.show(f"{folder / name}: {'differs' if check else 'written'}")
        if not changed:
            output.show(f"{folder}: {len(wanted)} files, as they should be")
    raise typer.Exit(1 if check and changed else 0)


def differences(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Files that are missing or of another text. What else the folder has is not looked at."""
    return [name for name, text in wanted.items() if _text(folder / name) != text]


def write(folder: Path, files: dict[str, str]) -> None:
    """Raises ConfigError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
    except OSError as exc:
        raise ConfigError(f"{exc.filename}: {exc.strerror}") from None


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
