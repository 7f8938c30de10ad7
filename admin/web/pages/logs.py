"""The end of each program's log."""

from __future__ import annotations

import asyncio

from nicegui import ui

from admin import logs

from ..frame import Context, page
from ..parts import panel

_LOOK_S = 1.0
_LINES = 400


@page("/logs", title="logs.title")
async def build(context: Context) -> None:
    view = _View(context)
    await view.look()
    ui.timer(_LOOK_S, view.look, immediate=False)


class _View:
    """``look`` reads in a thread; a look that takes long is not overtaken by the next one."""

    def __init__(self, context: Context) -> None:
        self._context, self._plan = context, context.site.plan
        self._shown: list[str] | None = None
        self._busy = False
        programs = logs.names(self._plan)
        with panel():
            with ui.element("div").classes("cb-row"):
                self._program = ui.select(
                    programs,
                    value=programs[0],
                    label=context.text("logs.program"),
                    on_change=self.look,
                ).classes("cb-select")
                self._wanted = ui.input(context.text("logs.wanted"), on_change=self.look).props(
                    "clearable debounce=300"
                )
                self._follow = ui.switch(context.text("logs.follow"), value=True)
                ui.label(context.text("logs.hint", lines=_LINES)).classes("cb-faint")
            self._text = ui.label().classes("cb-log cb-mono")

    async def look(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            wanted = self._wanted.value or ""
            lines = await asyncio.to_thread(
                logs.tail, self._plan, self._program.value, _LINES, wanted
            )
        except OSError as exc:
            lines = [self._context.text("common.failed", why=exc.strerror)]
        finally:
            self._busy = False
        if lines != self._shown:
            self._shown = lines
            self._text.text = "\n".join(lines)
            if self._follow.value:
                ui.run_javascript(
                    f"const log = getHtmlElement({self._text.id}); "
                    "setTimeout(() => { log.scrollTop = log.scrollHeight; }, 50);"
                )
