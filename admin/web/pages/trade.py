"""The trading panel: orders for a chosen account, what becomes of them, and its kill switch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from nicegui import ui

from admin.desk.accounts import accounts
from admin.desk.book import Key, is_live, key_of
from admin.desk.desk import Desk
from admin.desk.tickets import Ticket
from admin.live.feed import BEAT_S
from bus.errors import BusError, Unanswered
from bus.orders import OrderState

from ..frame import Context, page
from ..market import Badge, Depth, Text, Watch, colours, number
from ..order_form import OrderForm
from ..parts import cell, confirm, panel, row, table
from ..times import china

_KEPT: Final = "trade.account"
_SHOWN: Final = 100
_LOOKS: Final = {
    OrderState.INTENT: "busy",
    OrderState.SENT: "busy",
    OrderState.UNKNOWN: "bad",
    OrderState.ACK: "good",
    OrderState.FILLED: "good",
    OrderState.CANCELLED: "",
    OrderState.REJECTED: "bad",
    OrderState.NOT_SENT: "bad",
}
_FIGURES: Final = (
    *("Balance", "Available", "CurrMargin", "FrozenMargin", "FrozenCash", "Commission"),
    *("PositionProfit", "CloseProfit"),
)


@page("/trade", title="trade.title")
def build(context: Context) -> None:
    listed = accounts(context.site.plan.config)
    if not listed:
        with panel(context.text("trade.title")):
            ui.label(context.text("trade.no_account"))
        return
    kept = context.session.kept.get(_KEPT)
    chosen = kept if kept in listed else listed[0]

    def choose(user: str) -> None:
        context.session.kept[_KEPT] = user
        ui.navigate.reload()

    with panel(), ui.element("div").classes("cb-row"):
        ui.select(
            listed,
            value=chosen,
            label=context.text("trade.account"),
            on_change=lambda event: choose(event.value),
        ).props("dense outlined").classes("cb-code")
        said = Text(ui.label(), "cb-state")
        why = Text(ui.label(), "cb-faint")
        ui.element("div").classes("cb-grow")
        switch = _Kill(context, chosen)
    _View(context, chosen, said, why, switch)


class _View:
    """One account. All that changes is looked at four times a second."""

    def __init__(self, context: Context, user: str, said: Text, why: Text, switch: _Kill) -> None:
        self._context, self._said, self._why, self._switch = context, said, why, switch
        site = context.site
        self._desk = site.desks.open(user)
        ui.context.client.on_delete(lambda: site.desks.leave(self._desk))
        switch.desk = self._desk
        self._watch = Watch(site.feed)
        with ui.element("div").classes(f"cb-columns {colours(context)}"):
            with ui.element("div").classes("cb-order"), panel(context.text("trade.place")):
                self._form = OrderForm(context, self._desk, self._watch)
            with ui.element("div").classes("cb-main"):
                self._tickets = _Tickets(context, self._desk)
                self._orders = _Orders(context, self._desk)
            with ui.element("div").classes("cb-side"), panel(context.text("live.depth")):
                self._badge = Badge(context)
                self._depth = Depth(context)
        with ui.element("div").classes("cb-halves"):
            self._figures = _Figures(context, self._desk)
            self._trades = _Trades(context, self._desk)
        self._shown: object = None
        ui.timer(BEAT_S, self._look)

    def _look(self) -> None:
        desk, text = self._desk, self._context.text
        if not desk.ready:
            self._said.show(text("trade.not_ready"), "bad")
        elif desk.stale:
            self._said.show(text("mark.stale"), "bad")
        else:
            self._said.show(text("trade.ready"), "good")
        self._why.show(desk.problem)
        watched = self._form.look()
        self._badge.mark(watched)
        self._depth.show(watched)
        self._switch.look()
        self._figures.look()
        if desk.number != self._shown:
            self._shown = desk.number
            self._tickets.show()
            self._orders.show()
            self._trades.show()


class _Kill:
    """The account's kill switch, as td_worker tells of it."""

    def __init__(self, context: Context, user: str) -> None:
        self._context, self._user = context, user
        self.desk: Desk | None = None
        text = context.text
        self._state = Text(ui.label(), "cb-state")
        self._kill = ui.button(text("kill.set"), on_click=self._set).props("color=negative")
        self._release = ui.button(text("kill.release"), on_click=self._clear).props("outline")

    def look(self) -> None:
        text, killed = self._context.text, self._killed()
        if killed is None:
            self._state.show(text("kill.unknown"))
        elif killed:
            self._state.show(text("kill.on", by=killed), "bad")
        else:
            self._state.show(text("kill.off"), "good")
        self._release.set_visibility(bool(killed))

    def _killed(self) -> str | None:
        """Who has set it; "" when nobody has, None when td_worker does not tell."""
        told = self._context.monitor.group.told.get("td_worker")
        listed = told.state.get("accounts", []) if told is not None else []
        for account in listed:
            if account["user"] == self._user and not account["slot"]:
                return str(account["limits"]["killed"])
        return None

    async def _set(self) -> None:
        with ui.dialog() as dialog, ui.element("div").classes("cb-panel"):
            ui.label(self._context.text("kill.sure", account=self._user))
            also = ui.checkbox(self._context.text("kill.cancel_all"), value=True)
            with ui.element("div").classes("cb-row"):
                ui.button(
                    self._context.text("kill.set"), on_click=lambda: dialog.submit(True)
                ).props("color=negative")
                ui.button(
                    self._context.text("common.cancel"), on_click=lambda: dialog.submit(False)
                ).props("flat")
        try:
            if await dialog:
                await self._turn(True, bool(also.value))
        finally:
            if not dialog.is_deleted:  # with its page
                dialog.delete()

    async def _clear(self) -> None:
        context = self._context
        if await confirm(context, "kill.release_sure", "kill.release", account=self._user):
            await self._turn(False, False)

    async def _turn(self, on: bool, cancel_all: bool) -> None:
        assert self.desk is not None
        what = ("kill.set_all" if cancel_all else "kill.set") if on else "kill.release"
        await act(
            self._context, what, self._user, lambda desk: desk.kill(on, cancel_all), self.desk
        )


async def act(
    context: Context, what: str, on: str, action: Callable[[Desk], Any], desk: Desk
) -> bool:
    """An action that cannot be taken back: first into the audit log, then done; its outcome is told
    and logged. Whether it was done."""
    if not context.note(what, on, "asked"):
        return False
    try:
        await action(desk)
    except Unanswered as exc:
        context.note(what, on, f"not known: {exc}")
        _tell(context, context.text("trade.not_known", why=exc), "warning")
        return False
    except BusError as exc:
        context.note(what, on, str(exc))
        _tell(context, context.text("trade.nothing_sent", why=exc), "negative")
        return False
    context.note(what, on)
    return True


def _tell(context: Context, said: str, kind: Literal["info", "warning", "negative"]) -> None:
    """On the page: the row with the button may be gone by now."""
    with context.place:
        ui.notify(said, type=kind, multi_line=True)


class _Tickets:
    """What was placed here."""

    def __init__(self, context: Context, desk: Desk) -> None:
        self._context, self._desk = context, desk
        text = context.text
        titles = [text(f"order.{name}") for name in ("time", "order", "state", "why")]
        with panel(text("trade.tickets")), table(titles, wide=(0,)) as self._body:
            pass
        self._rows: dict[str, tuple[Text, Text]] = {}

    def show(self) -> None:
        for name, ticket in self._desk.tickets.items():
            if name not in self._rows:
                self._add(name, ticket)
            state, why = self._rows[name]
            state.show(self._context.text(f"outcome.{ticket.state}"), _LOOKS[ticket.state])
            why.show(ticket.why, "wrap")

    def _add(self, name: str, ticket: Ticket) -> None:
        with self._body:
            line = row()
            line.props["data-ticket"] = name
        line.move(target_index=0)
        with line:
            cell(clock(ticket.placed_ns), "cb-faint wide")
            cell(words(self._context, self._desk, ticket.fields), "wrap")
            with cell():
                state = Text(ui.label(), "cb-state")
            self._rows[name] = (state, Text(cell()))


class _Orders:
    """The account's orders of the day, whoever has placed them."""

    def __init__(self, context: Context, desk: Desk) -> None:
        self._context, self._desk = context, desk
        text = context.text
        names = ("time", "order", "traded", "state", "", "said", "number")
        titles = [text(f"order.{name}") if name else "" for name in names]
        with panel():
            with ui.element("div").classes("cb-row"):
                with ui.element("h2"):
                    ui.label(text("trade.orders"))
                ui.element("div").classes("cb-grow")
                self._count = Text(ui.label(), "cb-faint")
                self._live = ui.switch(text("trade.only_live"), on_change=lambda: self.show())
            with (
                ui.element("div").classes("cb-scroll"),
                table(titles, numeric=(2,), wide=(0, 5, 6)) as self._body,
            ):
                pass
        self._rows: dict[Key, _OrderRow] = {}

    def show(self) -> None:
        orders = self._desk.book.orders(live=bool(self._live.value))[:_SHOWN]
        shown = {key_of(order): order for order in orders}
        for key in [key for key in self._rows if key not in shown]:
            self._rows.pop(key).line.delete()
        for key, order in reversed(shown.items()):
            if key not in self._rows:
                with self._body:
                    self._rows[key] = _OrderRow(self._context, self._desk, order)
                self._rows[key].line.move(target_index=0)
            self._rows[key].show(order)
        count = self._desk.book.counts[0]
        self._count.show(self._context.text("trade.shown", shown=len(shown), count=count))


class _OrderRow:
    def __init__(self, context: Context, desk: Desk, order: dict[str, Any]) -> None:
        self._context, self._desk, self._order = context, desk, order
        self.line = row("cb-an-order")
        with self.line:
            cell(str(order["InsertTime"]), "cb-faint wide")
            cell(words(context, desk, order), "wrap")
            self._traded = Text(cell(), "num")
            with cell():
                self._state = Text(ui.label(), "cb-state")
            with cell():
                self._button = ui.button(context.text("trade.withdraw"), on_click=self._cancel)
                self._button.props("dense outline")
            self._said = Text(cell(), "wide wrap")
            self._number = Text(cell(), "wide cb-faint")

    def show(self, order: dict[str, Any]) -> None:
        self._order = order
        text, live = self._context.text, is_live(order)
        self._traded.show(f"{order['VolumeTraded']} / {order['VolumeTotalOriginal']}")
        self._state.show(text(f"status.{order['OrderStatus']}"), "good" if live else "")
        self._said.show(str(order["StatusMsg"]))
        self._number.show(str(order["OrderSysID"]).strip())
        self._button.set_visibility(live)

    async def _cancel(self) -> None:
        context, order = self._context, self._order
        shown = words(context, self._desk, order)
        # Rows move while one aims at a button.
        if not await confirm(context, "trade.cancel_sure", "trade.withdraw", order=shown):
            return
        on = f"{self._desk.user} {order['ExchangeID']} {str(order['OrderSysID']).strip()}"
        if await act(context, "order.cancel", on, lambda desk: desk.cancel(order), self._desk):
            _tell(context, context.text("trade.cancel_asked"), "info")


class _Trades:
    def __init__(self, context: Context, desk: Desk) -> None:
        self._context, self._desk = context, desk
        self._shown = -1
        text = context.text
        titles = [text(f"order.{name}") for name in ("time", "order", "trade_number")]
        with (
            panel(text("trade.trades")),
            ui.element("div").classes("cb-scroll"),
            table(titles) as self._body,
        ):
            pass

    def show(self) -> None:
        trades = self._desk.book.trades()[:_SHOWN]
        count = self._desk.book.counts[1]
        if count == self._shown:
            return
        self._shown = count
        self._body.clear()
        with self._body:
            for trade in trades:
                with row():
                    cell(str(trade["TradeTime"]), "cb-faint")
                    cell(words(self._context, self._desk, trade))
                    cell(str(trade["TradeID"]).strip(), "cb-faint")


class _Figures:
    """Account and positions, as the counter has answered last."""

    def __init__(self, context: Context, desk: Desk) -> None:
        self._context, self._desk = context, desk
        self._shown = 0.0
        text = context.text
        with panel():
            with ui.element("div").classes("cb-row"):
                with ui.element("h2"):
                    ui.label(text("trade.figures"))
                ui.element("div").classes("cb-grow")
                self._at = Text(ui.label(), "cb-faint")
                ui.button(text("common.refresh"), on_click=desk.refresh).props("dense flat")
            with ui.element("div").classes("cb-figures"):
                self._figures = {}
                for name in _FIGURES:
                    with ui.element("div"):
                        ui.label(text(f"asset.{name}")).classes("cb-faint")
                        self._figures[name] = Text(ui.label(), "cb-number")
            names = ("instrument", "direction", "position", "today", "cost", "margin", "profit")
            titles = [text(f"position.{name}") for name in names]
            with table(titles, numeric=range(2, 7), wide=(4,)) as self._body:
                pass

    def look(self) -> None:
        desk = self._desk
        if desk.asked_at == self._shown:
            return
        self._shown = desk.asked_at
        self._at.show(clock(int(desk.asked_at * 1e9)))
        for name, shown in self._figures.items():
            value = desk.asset.get(name)
            shown.show("" if value is None else f"{value:,.2f}")
        self._body.clear()
        with self._body:
            for position in desk.positions:
                with row():
                    cell(str(position["InstrumentID"]))
                    cell(self._context.text(f"position.{position['PosiDirection']}"))
                    cell(f"{position['Position']:,}", "num")
                    cell(f"{position['TodayPosition']:,}", "num")
                    cell(f"{position['PositionCost'] or 0:,.2f}", "num wide")
                    cell(f"{position['UseMargin'] or 0:,.2f}", "num")
                    cell(f"{position['PositionProfit'] or 0:,.2f}", "num")


def words(context: Context, desk: Desk, fields: dict[str, Any]) -> str:
    """An order or a trade in one line: rb2701 buy open 2 @ 3105."""
    listed = desk.listed.get(str(fields["InstrumentID"]))
    offset = str(fields.get("CombOffsetFlag", fields.get("OffsetFlag")))[:1]
    price = fields.get("LimitPrice", fields.get("Price"))
    lots = fields.get("VolumeTotalOriginal", fields.get("Volume"))
    parts = [str(fields["InstrumentID"]), context.text(f"side.{fields['Direction']}")]
    if listed is None or not listed.is_stock:
        parts.append(context.text(f"offset.{offset}"))
    shown = number(price, listed.digits if listed is not None else None)
    if fields.get("OrderPriceType") == "1":
        shown = context.text("kind.market")
    return f"{' '.join(parts)} {lots} @ {shown}"


def clock(at_ns: int) -> str:
    return china(at_ns / 1e9).strftime("%H:%M:%S") if at_ns else ""
