"""What administrators did, newest first."""

from __future__ import annotations

import asyncio

from nicegui import ui

from admin.audit import OK

from ..frame import Context, page
from ..parts import cell, panel, row, table

_MOST = 200
_COLUMNS = ("at", "who", "peer", "what", "on", "outcome")


@page("/audit", title="audit.title")
async def build(context: Context) -> None:
    with panel(context.text("audit.title")):
        ui.label(context.text("audit.hint", most=_MOST)).classes("cb-faint")
        entries = await asyncio.to_thread(context.audit.last, _MOST)
        with table([context.text(f"audit.{name}") for name in _COLUMNS]):
            for entry in entries:
                with row():
                    cell(entry.at.replace("T", " "), "cb-mono")
                    for name in _COLUMNS[1:-1]:
                        cell(getattr(entry, name))
                    cell(entry.outcome, "wrap" if entry.outcome == OK else "wrap cb-bad")
