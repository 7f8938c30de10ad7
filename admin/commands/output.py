"""Tables for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
COLOURS = {
    "ok": "green",
    "up": "green",
    "RUNNING": "green",
    "warning": "yellow",
    "partly": "yellow",
    "fault": "bold red",
    "down": "bold red",
    "FATAL": "bold red",
    "BACKOFF": "red",
    "no": "red",
}


def show_json(value: Any) -> None:
    print(msgspec.json.encode(value).decode(), flush=True)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Cells are texts, never markup: they may come from a counter."""
    made = Table(box=None, pad_edge=False)
    for heading in headings:
        made.add_column(heading, no_wrap=True)
    for row in rows:
        made.add_row(*(Text(cell, COLOURS.get(cell, "")) for cell in row))
    return made


def show(renderable: Any) -> None:
    Console(highlight=False, soft_wrap=True, markup=False).print(renderable)


def duration(seconds: float) -> str:
    """As "3d 04:05:06"."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86_400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}d {clock}" if days else clock


def size(count: int) -> str:
    return f"{count / (1 << 20):.0f} MB"
