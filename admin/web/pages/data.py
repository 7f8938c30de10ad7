"""The day's data: what the recorder has kept of ticks, orders, trades, assets and positions."""

from __future__ import annotations

from typing import Any, Final

from nicegui import ui

from admin.day.query import COLUMNS, EVENTS, STREAMS, Query, QueryError
from admin.day.records import PAGE, Page, Row
from admin.day.records import page as page_of
from admin.desk.accounts import accounts, broker
from bus.errors import Refused, Unavailable

from ..downloads import PATH
from ..frame import Context, page
from ..market import Text, number
from ..parts import cell, panel, row, table

_KEPT: Final = "data.query"
_TEXTS: Final = frozenset(
    {
        *("at", "callback", "InstrumentID", "UpdateTime", "InsertTime", "TradeTime", "AccountID"),
        *("Direction", "CombOffsetFlag", "OffsetFlag", "OrderStatus", "PosiDirection"),
        *("StatusMsg", "ErrorMsg", "OrderSysID", "TradeID", "OrderRef"),
    }
)
# What stands for a code of CTP.
_CODES: Final = {
    "Direction": "side",
    "CombOffsetFlag": "offset",
    "OffsetFlag": "offset",
    "OrderStatus": "status",
    "PosiDirection": "position",
}


@page("/data", title="data.title")
async def build(context: Context) -> None:
    view = _View(context)
    await view.first()


class _View:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._accounts = accounts(context.site.plan.config)
        self._broker = broker(context.site.plan.config)
        self._query: Query | None = None
        self._from = 0
        self._form()
        with panel():
            with ui.element("div").classes("cb-row"):
                self._said = Text(ui.label(), "cb-faint")
                ui.element("div").classes("cb-grow")
                text = context.text
                self._back = ui.button(text("data.back"), on_click=self._to_back)
                self._on = ui.button(text("data.on"), on_click=self._to_on)
                for button in (self._back, self._on):
                    button.props("dense outline")
                    button.disable()
                self._file = ui.link(text("data.csv"), "#").classes("cb-button")
                self._file.set_visibility(False)
            self._ground = ui.element("div").classes("cb-wide")

    def _form(self) -> None:
        text = self._context.text
        kept = self._context.session.kept.get(_KEPT, {})
        with panel(), ui.element("div").classes("cb-row"):
            self._stream = ui.select(
                {name: text(f"stream.{name}") for name in STREAMS},
                value=kept.get("stream", "ticks"),
                label=text("data.stream"),
                on_change=self._turn,
            )
            self._instrument = ui.input(
                text("form.instrument"),
                value=kept.get("instrument", self._context.site.plan.canary.instrument),
            )
            self._account = ui.select(
                self._accounts,
                value=kept.get("account", next(iter(self._accounts), None)),
                label=text("trade.account"),
            )
            self._day = ui.input(
                text("data.day"), value=kept.get("day", ""), placeholder=text("data.today")
            )
            for each in (self._stream, self._instrument, self._account, self._day):
                each.props("dense outlined").classes("cb-code")
            for typed in (self._instrument, self._day):
                typed.on("keydown.enter", self._search)
            self._latest = ui.checkbox(text("data.latest"), value=kept.get("latest", True))
            ui.button(text("data.search"), on_click=self._search)
        self._turn()

    def _turn(self) -> None:
        """What means nothing for this stream is not asked for."""
        stream = self._stream.value
        self._account.set_enabled(stream != "ticks")
        self._latest.set_visibility(stream not in ("ticks", *EVENTS))

    async def first(self) -> None:
        if self._context.session.kept.get(_KEPT):
            await self._search()

    async def _search(self) -> None:
        wanted = {
            "stream": self._stream.value,
            "instrument": self._instrument.value,
            "account": self._account.value,
            "day": self._day.value,
            "latest": self._latest.value,
        }
        try:
            self._query = Query.of(wanted, self._accounts)
        except QueryError as exc:
            self._context.failed(self._context.text(exc.key))
            return
        self._context.session.kept[_KEPT] = wanted
        await self._show(0)

    async def _to_on(self) -> None:
        await self._show(self._from + PAGE)

    async def _to_back(self) -> None:
        await self._show(max(0, self._from - PAGE))

    async def _show(self, first: int) -> None:
        query, text = self._query, self._context.text
        assert query is not None
        for button in (self._back, self._on):
            button.disable()
        self._said.show(text("data.asking"))
        try:
            found = await page_of(self._context.bus, self._broker, query, first)
        except (Refused, Unavailable) as exc:
            self._ground.clear()
            self._file.set_visibility(False)
            self._said.show(text("common.failed", why=exc))
            return
        if query is not self._query:  # another one was asked for meanwhile
            return
        self._from = first
        self._table(query, found)
        self._back.set_enabled(first > 0)
        self._on.set_enabled(found.more)
        self._file.props["href"] = f"{PATH}?{query.address}"
        self._file.set_visibility(True)
        if found.rows:
            shown = text("data.shown", first=first + 1, last=first + len(found.rows))
            self._said.show(shown)
        else:
            self._said.show(text("data.nothing"))

    def _table(self, query: Query, found: Page) -> None:
        columns, text = COLUMNS[query.stream], self._context.text
        titles = [text(f"field.{name}") for name in columns]
        numeric = [at for at, name in enumerate(columns) if name not in _TEXTS]
        self._ground.clear()
        with self._ground, table(titles, numeric=numeric):
            for each in found.rows:
                with row("cb-gap" if each.get("gap") else ""):
                    self._cells(columns, each)

    def _cells(self, columns: tuple[str, ...], each: Row) -> None:
        if each.get("gap"):
            lost = self._context.text("data.gap", which=each["seq"])
            cell(lost, "wrap").props(f"colspan={len(columns)}")
            return
        for name in columns:
            cell(self._words(name, each.get(name)), "" if name in _TEXTS else "num")

    def _words(self, name: str, value: Any) -> str:
        if value is None:
            return ""
        if name in _CODES and str(value):
            key = f"{_CODES[name]}.{str(value)[:1]}"
            try:
                return self._context.text(key)
            except KeyError:
                return str(value)
        if isinstance(value, float):
            return number(value)
        return str(value).strip()
