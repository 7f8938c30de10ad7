"""The form of one order. It is sent once: after that it waits until somebody asks for the next."""

from __future__ import annotations

import secrets
from typing import Final

from nicegui import ui

from admin.desk import forms
from admin.desk.desk import Desk
from admin.desk.forms import Form, FormError, default_price
from admin.desk.listed import Listed
from admin.live.feed import Watched
from bus.errors import BusError
from schemas.fields import FieldError

from .frame import Context
from .market import Text, Watch

_OFFSETS: Final = ("0", "1", "3", "4")


class OrderForm:
    """``look`` has to be called again and again; it gives the instrument that is typed in."""

    def __init__(self, context: Context, desk: Desk, watch: Watch) -> None:
        self._context, self._desk, self._watch = context, desk, watch
        self._watched: Watched | None = None
        self._listed: Listed | None = None
        self._priced = self._own_price = False  # filled in, or typed in
        self._name = _new_name()
        text = context.text
        self._instrument = ui.input(text("form.instrument")).props("dense outlined")
        self._instrument.on("change", self._turn_to).on("keydown.enter", self._turn_to)
        self._about = Text(ui.label(), "cb-faint")
        self._direction = (
            ui.toggle(
                {side: text(f"side.{side}") for side in (forms.BUY, forms.SELL)},
                value=forms.BUY,
                on_change=self._turn_side,
            )
            .props("spread no-caps")
            .classes("cb-wide")
        )
        self._offset = ui.select(
            {offset: text(f"offset.{offset}") for offset in _OFFSETS},
            value=forms.OPEN,
            label=text("form.offset"),
        ).props("dense outlined")
        self._kind = ui.select(
            {kind: text(f"kind.{kind}") for kind in forms.TYPES},
            value="limit",
            label=text("form.kind"),
        ).props("dense outlined")
        self._price = ui.number(text("form.price_name")).props("dense outlined")
        self._price.bind_enabled_from(self._kind, "value", lambda kind: kind != "market")
        self._price.on("keydown", self._typed)
        self._volume = ui.number(text("form.volume_name"), value=1, min=1).props("dense outlined")
        self._more()
        self._place = ui.button(text("form.place"), on_click=self._send).classes("cb-wide")
        self._said = Text(ui.label(), "cb-faint")
        self._next = ui.button(text("form.next"), on_click=self._begin).props("outline")
        self._next.set_visibility(False)

    def _more(self) -> None:
        text = self._context.text
        with ui.expansion(text("form.more")).classes("cb-wide cb-more"):
            self._hedge = ui.select(
                {hedge: text(f"hedge.{hedge}") for hedge in forms.HEDGES},
                value="1",
                label="CombHedgeFlag",
            ).props("dense outlined")
            self._min_volume = ui.number("MinVolume", value=1, min=0).props("dense outlined")
            self._contingent = ui.select(
                list(forms.CONTINGENT), value="1", label="ContingentCondition"
            ).props("dense outlined")
            self._stop_price = ui.number("StopPrice", value=0).props("dense outlined")
            self._texts = {name: ui.input(name).props("dense outlined") for name in forms.TEXTS}
            self._flags = {name: ui.checkbox(name) for name in forms.FLAGS}

    # -- the instrument, and what it proposes --------------------------------------------------

    def look(self) -> Watched | None:
        watched = self._watched
        if watched is not None:
            if self._listed is None:
                self._listed = self._desk.listed.get(watched.instrument)
                if self._listed is not None:
                    self._propose(self._listed)
            if not self._priced:
                self._fill_price()
        ticket = self._desk.tickets.get(self._name)
        if ticket is not None:
            self._said.show(self._context.text(f"outcome.{ticket.state}"))
        return watched

    def _turn_to(self) -> None:
        code = str(self._instrument.value or "").strip()
        if self._watched is not None and code == self._watched.instrument:
            return
        if self._watched is not None:
            self._watch.give_back(self._watched.instrument)
        self._watched = self._listed = None
        self._priced = self._own_price = False
        self._price.value = None
        self._about.show("")
        if not code:
            return
        try:
            self._watched = self._watch.take(code)
        except ValueError:
            self._context.failed(self._context.text("live.no_instrument", name=code))

    def _propose(self, listed: Listed) -> None:
        self._about.show(
            self._context.text(
                "form.about",
                name=listed.name,
                exchange=listed.exchange,
                multiplier=listed.multiplier,
                tick=f"{listed.price_tick:g}",
            )
        )
        self._volume.value = listed.least
        self._volume.props(f"step={listed.least}")
        self._price.props(f"step={listed.price_tick:g}")
        self._offset.set_visibility(not listed.is_stock)
        offsets = listed.offsets or (forms.OPEN,)
        names = {offset: self._context.text(f"offset.{offset}") for offset in offsets}
        self._offset.set_options(names, value=forms.OPEN)

    def _typed(self) -> None:
        self._priced = self._own_price = True

    def _turn_side(self) -> None:
        if not self._own_price:
            self._fill_price()

    def _fill_price(self) -> None:
        """Once: a price that moves under the finger would be dangerous."""
        quote = self._watched.quote if self._watched is not None else None
        if quote is None:
            return
        bid = quote.bids[0].price if quote.bids else None
        ask = quote.asks[0].price if quote.asks else None
        self._price.value = default_price(str(self._direction.value), bid, ask, quote.last)
        self._priced = self._price.value is not None

    # -- sending -------------------------------------------------------------------------------

    def _send(self) -> None:
        context, desk = self._context, self._desk
        if self._name in desk.tickets:  # the second click of a double one
            return
        self._turn_to()
        try:
            fields = forms.fields(self._form(), self._listed)
        except FormError as exc:
            context.failed(context.text(exc.key, **exc.values))
            return
        on = f"{desk.user} {self._name} {forms.summary(fields)}"
        if not context.note("order.place", on, "asked"):
            return
        try:
            desk.place(self._name, fields, context.user, context.session.peer)
        except (BusError, FieldError) as exc:
            context.note("order.outcome", f"{desk.user} {self._name}", f"NOT_SENT {exc}")
            context.failed(context.text("trade.nothing_sent", why=exc))
            return
        self._place.disable()
        self._next.set_visibility(True)

    def _begin(self) -> None:
        """The next order is another form."""
        self._name = _new_name()
        self._said.show("")
        self._place.enable()
        self._next.set_visibility(False)

    def _form(self) -> Form:
        listed = self._listed
        watched = self._watched
        quoted = watched.quote.exchange if watched is not None and watched.quote else ""
        return Form(
            instrument=watched.instrument if watched is not None else "",
            exchange=listed.exchange if listed is not None else quoted,
            direction=str(self._direction.value),
            offset=str(self._offset.value),
            kind=str(self._kind.value),
            price=self._price.value,
            volume=self._volume.value,
            hedge=str(self._hedge.value),
            min_volume=self._min_volume.value,
            contingent=str(self._contingent.value),
            stop_price=self._stop_price.value,
            texts=tuple((name, each.value) for name, each in self._texts.items() if each.value),
            flags=tuple(name for name, each in self._flags.items() if each.value),
        )


def _new_name() -> str:
    return f"web-{secrets.token_hex(12)}"
