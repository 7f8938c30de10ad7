"""Tables for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_WIDE: Final = 250
COLOURS: Final = {
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
        made.add_column(heading, no_wrap=heading != headings[-1])
    for row in rows:
        made.add_row(*(Text(plain(cell), COLOURS.get(cell, "")) for cell in row))
    return made


def plain(text: str) -> str:
    """A counter's text may hold what a terminal would obey."""
    return "".join(char if char.isprintable() else "�" for char in text)


def show(renderable: Any) -> None:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if not console.is_terminal:
        console.width = _WIDE  # who reads a file or a pipe wants all of it
    console.print(plain(renderable) if isinstance(renderable, str) else renderable)


def duration(seconds: float) -> str:
    """As "3d 04:05:06"."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86_400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}d {clock}" if days else clock


def size(count: int) -> str:
    return f"{count / (1 << 20):.0f} MB"


def finding(level: str, what: str, text: str, remedy: str) -> Text:
    """A line, and what to do below it."""
    line = Text(f"{level:8}", COLOURS[level])
    line.append(f"{what:11} {plain(text)}", "default")
    if remedy and level != "ok":
        line.append(f"\n{'':20}→ {plain(remedy)}", "bold")
    return line
