"""What administrators did, newest first."""

from __future__ import annotations

import asyncio
from datetime import datetime

from nicegui import ui

from admin.audit import OK

from ..frame import Context, page
from ..parts import cell, panel, row, table
from ..texts import word
from ..times import moment

_MOST = 200
_COLUMNS = ("at", "who", "peer", "what", "on", "outcome")


@page("/audit", title="audit.title")
async def build(context: Context) -> None:
    with panel(context.text("audit.title")):
        ui.label(context.text("audit.hint", most=_MOST)).classes("cb-faint")
        entries = await asyncio.to_thread(context.audit.last, _MOST)
        with table([context.text(f"audit.{name}") for name in _COLUMNS], wide=(2,)):
            for entry in entries:
                with row():
                    cell(_when(entry.at), "cb-mono")
                    cell(entry.who)
                    cell(entry.peer, "wide")
                    cell(word(context.lang, f"did.{entry.what}", entry.what))
                    cell(entry.on, "wrap")
                    outcome = word(context.lang, f"came.{entry.outcome}", entry.outcome)
                    cell(outcome, "wrap" if entry.outcome in (OK, "asked") else "wrap cb-bad")


def _when(at: str) -> str:
    """``at``: as the log has it, with the machine's zone."""
    try:
        return moment(datetime.fromisoformat(at).timestamp())
    except ValueError:
        return at
