"""The services table: the manual's thirteen rows, and ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from admin.control import ControlError
from admin.services import SELF, Service, State, ours, thirteen
from bus.errors import BusError

from ..frame import HOME, Context, page
from ..parts import cell, confirm, row, table

_LOOK_S = 1.0
_LOOKS = {
    "RUNNING": "good",
    "STARTING": "busy",
    "STOPPING": "busy",
    "BACKOFF": "bad",
    "EXITED": "bad",
    "FATAL": "bad",
}
_STARTABLE = ("STOPPED", "EXITED", "FATAL", "BACKOFF")
_STOPPABLE = ("RUNNING", "STARTING", "BACKOFF")
Act = Callable[[], Awaitable[None]]


@page(HOME, title="services.title")
async def build(context: Context) -> None:
    view = _View(context)
    await view.refresh()
    ui.timer(_LOOK_S, view.refresh, immediate=False)


class _View:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._services = context.site.services
        self._rows: dict[Service, _Row] = {}
        with ui.element("div").classes("cb-panel"):
            self._buttons()
            self._table()

    async def refresh(self) -> None:
        try:
            states = await self._services.look()
        except ControlError:
            self._said.text = self._context.text("services.unknown")
            states = {}
        else:
            self._said.text = ""
        for service, shown in self._rows.items():
            shown.show(states.get(service, State("UNKNOWN")))

    def _buttons(self) -> None:
        text = self._context.text
        with ui.element("div").classes("cb-row"):
            ui.button(text("services.start_all"), on_click=self._start_all).mark("start-all")
            ui.button(text("services.stop_all"), on_click=self._stop_all).props("outline").mark(
                "stop-all"
            )
            ui.button(text("common.refresh"), on_click=self.refresh).props("flat")
            self._said = ui.label().classes("cb-state bad")
            self._said.bind_visibility_from(self._said, "text")

    def _table(self) -> None:
        text = self._context.text
        heads = ["#", "name", "program", "state", "uptime", "memory", "action"]
        titles = [text(f"services.{head}") if head != "#" else head for head in heads]
        plan = self._context.site.plan
        with table(titles, numeric=(0, 4, 5), wide=(2, 4, 5)):
            for number, service in enumerate(thirteen(plan), 1):
                self._rows[service] = _Row(self, self._context, str(number), service)
            with row("section"):
                cell(text("services.ours")).props("colspan=7")
            for service in ours(plan):
                self._rows[service] = _Row(self, self._context, "", service)

    async def act(self, what: str, on: str, action: Act) -> None:
        """Does it, tells the user and the audit log."""
        try:
            await action()
        except (ControlError, BusError) as exc:
            self._context.note(what, on, str(exc))
            self._context.failed(exc)
        else:
            self._context.note(what, on)
        await self.refresh()

    async def _start_all(self) -> None:
        await self.act("service.start_all", "", self._services.start_all)

    async def _stop_all(self) -> None:
        if await confirm(self._context, "services.stop_all_sure", "services.stop_all"):
            await self.act("service.stop_all", "", self._services.stop_all)


class _Row:
    def __init__(self, view: _View, context: Context, number: str, service: Service) -> None:
        self._view, self._context, self._service = view, context, service
        text = context.text
        self.name = text(service.key) if service.key else service.program
        shown = service.program or text("services.absent")
        if service.stream:
            shown = f"{shown} / {service.stream}" if service.program else shown
        with row().mark(f"row-{service.stream or service.program}"):
            cell(number, "num")
            cell(self.name, "wrap")
            cell(shown, "cb-faint wide")
            with cell(), ui.element("span"):
                self._state = ui.label().classes("cb-state")
                self._why = ui.tooltip("")
            self._uptime, self._memory = cell("", "num wide"), cell("", "num wide")
            with cell(), ui.element("div").classes("cb-buttons"):
                self._actions()

    def _actions(self) -> None:
        text, service = self._context.text, self._service
        if service.program == SELF:
            ui.label(text("services.this_page")).classes("cb-faint")
            return
        self._start = ui.button(text("services.start"), on_click=self._do_start)
        self._stop = ui.button(text("services.stop"), on_click=self._do_stop).props("outline")
        for button in (self._start, self._stop):
            button.props("dense").disable()

    def show(self, state: State) -> None:
        self._state.text = self._context.text(f"state.{state.state}")
        self._state.classes(replace=f"cb-state {_LOOKS.get(state.state, '')}")
        self._why.text = state.why
        self._why.set_visibility(bool(state.why))
        self._uptime.text = _span(state.up_s) if state.up_s else ""
        if self._service.program != SELF:
            self._start.set_enabled(state.state in _STARTABLE)
            self._stop.set_enabled(state.state in _STOPPABLE)
        self._memory.text = f"{state.memory / (1 << 20):,.1f} MB" if state.memory else ""

    async def _do_start(self) -> None:
        await self._do("service.start", self._context.site.services.start)

    async def _do_stop(self) -> None:
        live = self._service.program.startswith("td_worker")
        sure = "services.stop_td_sure" if live else "services.stop_sure"
        if await confirm(self._context, sure, "services.stop", name=self.name):
            await self._do("service.stop", self._context.site.services.stop)

    async def _do(self, what: str, action: Callable[[Service], Awaitable[None]]) -> None:
        service = self._service
        await self._view.act(what, service.stream or service.program, lambda: action(service))


def _span(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = f"{hours:02}:{minutes:02}:{rest:02}"
    return f"{days} d {clock}" if days else clock
