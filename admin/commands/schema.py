"""``ctpbus schema``: the protocols as JSON Schema, AsyncAPI and TypeScript."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from admin.schema.documents import GENERATED, documents
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
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write.")] = CHECKOUT
    / "docs"
    / "schema",
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing, name what differs.")
    ] = False,
    binding: Annotated[str, typer.Option(help="The CTP binding.")] = bindings.DEFAULT,
    json: output.Json = False,
) -> None:
    """Write what other languages read of the protocols: JSON Schema, AsyncAPI, .d.ts.

    Exit status: 0 written, or with --check as it should be; 1 with --check: something differs."""
    known = catalogue.load(binding)
    wanted = documents(known, values.load(binding))
    changed = differences(folder, wanted)
    if not check:
        write(folder, wanted)
    if json:
        output.show_json(Report(str(folder), known.version, list(wanted), changed))
    else:
        for name in changed:
            output.show(f"{folder / name}: {'differs' if check else 'written'}")
        if not changed:
            output.show(f"{folder}: {len(wanted)} files, as they should be")
    raise typer.Exit(1 if check and changed else 0)


def differences(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Files that are missing, of another text, or generated once and no more."""
    differ = [name for name, text in wanted.items() if _text(folder / name) != text]
    there = (path.name for form in GENERATED for path in folder.glob(form))
    return differ + sorted(set(there) - wanted.keys())


def write(folder: Path, wanted: dict[str, str]) -> None:
    """Exactly these; what the folder has of others' files stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in differences(folder, wanted):
        if name in wanted:
            (folder / name).write_text(wanted[name], "utf-8")
        else:
            (folder / name).unlink()


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
