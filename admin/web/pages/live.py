"""The live page: quotes, a chart and an order book, rates and delays of the messages, lights."""

from __future__ import annotations

import re
import time
from typing import Final

from nicegui import ui

from admin.live.feed import BEAT_S, Watched
from admin.live.quotes import Mark, Quote
from admin.watch.health import Colour, Light

from ..frame import Context, page
from ..market import (
    Badge,
    Chart,
    Depth,
    Text,
    Watch,
    colours,
    number,
    side,
    signed,
    turn_colours,
)
from ..parts import cell, panel, row, table
from ..times import china

_MOST: Final = 30
_SLOW_S: Final = 1.0
_KEPT: Final = "live.instruments"
_COLUMNS: Final = (
    *("instrument", "state", "last", "change", "percent"),
    *("best_bid", "bid_volume", "best_ask", "ask_volume"),
    *("volume", "open_interest", "high", "low", "time"),
)
_WIDE: Final = (
    "change",
    "bid_volume",
    "ask_volume",
    "volume",
    "open_interest",
    "high",
    "low",
    "time",
)
_NUMERIC: Final = range(2, 13)
# Prices have the time of the exchanges, and so has the rest of the page.
_BULBS: Final = (Colour.RED, Colour.YELLOW, Colour.GREY, Colour.GREEN)


@page("/live", title="live.title")
def build(context: Context) -> None:
    _View(context)


class _View:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._watch = Watch(context.site.feed)
        self._rows: dict[str, _Row] = {}
        self._chosen = ""
        with ui.element("div").classes(f"cb-columns {colours(context)}") as self._ground:
            with ui.element("div").classes("cb-main"):
                self._quotes()
                with panel():
                    self._heading()
                    self._chart = Chart()
            side_panel = ui.element("div").classes("cb-side")
            with side_panel, panel(context.text("live.depth")):
                self._depth = Depth(context)
        with ui.element("div").classes("cb-halves"):
            with panel(context.text("live.rates")):
                self._rates = Chart(legend=True)
            with panel(context.text("live.delays")):
                self._delays = Chart(legend=True, logarithmic=True)
        with ui.element("div").classes("cb-halves"):
            self._hops = _Hops(context)
            self._lights = _Lights(context)
        for instrument in self._first():
            self._add(instrument)
        ui.timer(BEAT_S, self._look)
        ui.timer(_SLOW_S, self._look_slowly)

    # -- the quotes table ------------------------------------------------------------------------

    def _first(self) -> list[str]:
        """Those of the last time, else what others look at."""
        kept = self._context.session.kept.get(_KEPT)
        if kept:
            return list(kept)
        told = self._context.monitor.group.told.values()
        seen = [name for each in told if each.stat is not None for name in each.stat.instruments]
        return list(dict.fromkeys([self._context.site.plan.canary.instrument, *seen]))[:8]

    def _quotes(self) -> None:
        text = self._context.text
        with panel():
            with ui.element("div").classes("cb-row"):
                with ui.element("h2"):
                    ui.label(text("live.quotes"))
                ui.element("div").classes("cb-grow")
                self._input = (
                    ui.input(placeholder=text("live.instrument"))
                    .props("dense outlined")
                    .classes("cb-code")
                    .on("keydown.enter", self._add_typed)
                )
                ui.button(text("live.add"), on_click=self._add_typed).props("dense")
                ui.button(text("live.colours"), on_click=self._turn_colours).props("dense flat")
            titles = [text(f"quote.{name}") for name in _COLUMNS]
            wide = [_COLUMNS.index(name) for name in _WIDE]
            with table([*titles, ""], numeric=_NUMERIC, wide=wide) as self._body:
                pass

    def _add_typed(self) -> None:
        # Names of combinations have a space inside.
        for name in filter(None, map(str.strip, re.split("[,，;]", self._input.value or ""))):
            if len(self._rows) >= _MOST:
                self._context.failed(self._context.text("live.most", most=_MOST))
                break
            self._add(name)
        self._input.value = ""
        self._keep()

    def _add(self, instrument: str) -> None:
        if instrument in self._rows:
            self._choose(instrument)
            return
        try:
            watched = self._watch.take(instrument)
        except ValueError:
            self._context.failed(self._context.text("live.no_instrument", name=instrument))
            return
        with self._body:
            self._rows[instrument] = _Row(self, self._context, watched)
        if not self._chosen:
            self._choose(instrument)

    def remove(self, instrument: str) -> None:
        self._rows.pop(instrument).delete()
        self._watch.give_back(instrument)
        if self._chosen == instrument:
            self._choose(next(iter(self._rows), ""))
        self._keep()

    def _keep(self) -> None:
        self._context.session.kept[_KEPT] = list(self._rows)

    def choose(self, instrument: str) -> None:
        if instrument in self._rows:
            self._choose(instrument)

    def _choose(self, instrument: str) -> None:
        self._chosen = instrument
        for name, line in self._rows.items():
            line.choose(name == instrument)
        self._name.show(instrument)

    # -- chart and order book --------------------------------------------------------------------

    def _heading(self) -> None:
        with ui.element("div").classes("cb-row cb-heading"):
            self._name = Text(ui.label(), "cb-instrument")
            self._last = Text(ui.label(), "cb-last")
            self._change = Text(ui.label())
            ui.element("div").classes("cb-grow")
            self._badge = Badge(self._context)
            self._lost = Text(ui.label(), "cb-faint")

    def _look(self) -> None:
        for line in self._rows.values():
            line.show()
        watched = self._rows[self._chosen].watched if self._chosen else None
        quote = watched.quote if watched is not None else None
        self._badge.mark(watched)
        tone = side(quote.last, quote.base) if quote is not None else ""
        digits = watched.digits if watched is not None else 0
        self._last.show(number(quote.last, digits) if quote is not None else "", tone)
        self._change.show(_change(quote, digits), tone)
        lost = watched.followed.lost if watched is not None else 0
        self._lost.show(self._context.text("live.lost", count=lost) if lost else "")
        self._depth.show(watched)
        if watched is not None:
            lines = {watched.instrument: watched.series.points()}
            self._chart.show((watched.instrument, watched.series.number), lines)
        else:
            self._chart.show(None, {})

    # -- colours ---------------------------------------------------------------------------------

    def _turn_colours(self) -> None:
        self._ground.classes(remove=colours(self._context))
        turn_colours(self._context)
        self._ground.classes(add=colours(self._context))

    # -- rates, delays, lights -------------------------------------------------------------------

    def _look_slowly(self) -> None:
        rates = self._context.site.rates
        self._rates.show(
            rates.number, {name_of(*key): s.points() for key, s in rates.rates.items()}
        )
        lines = {name_of(*key): s.points() for key, s in rates.delays.items() if len(s)}
        self._delays.show(rates.number, lines)
        self._hops.show()
        self._lights.show()


def name_of(program: str, what: str) -> str:
    return f"{program} {what}"


def _change(quote: Quote | None, digits: int) -> str:
    if quote is None or quote.change is None:
        return ""
    return f"{signed(quote.change, digits)}  {signed(quote.change_percent)}%"


class _Row:
    """One instrument of the quotes table."""

    def __init__(self, view: _View, context: Context, watched: Watched) -> None:
        self.watched = watched
        self._shown: object = None
        name = watched.instrument
        with row("cb-choose") as self._line:
            self._line.props["data-instrument"] = name
            self._line.on("click", lambda: view.choose(name))
            self._cells = {}
            for at, column in enumerate(_COLUMNS):
                hide = " wide" if column in _WIDE else ""
                if column == "state":
                    with cell():
                        self._badge = Badge(context)
                else:
                    self._cells[column] = Text(cell(), ("num" if at in _NUMERIC else "") + hide)
            with cell():
                ui.button(icon="close").props("flat dense size=xs").on(
                    "click.stop", lambda: view.remove(name)
                )
        self._cells["instrument"].show(name, "cb-instrument")

    def choose(self, chosen: bool) -> None:
        self._line.classes(**{"add" if chosen else "remove": "chosen"})

    def delete(self) -> None:
        self._line.delete()

    def show(self) -> None:
        watched = self.watched
        self._badge.mark(watched)
        if watched.number == self._shown:
            return
        self._shown = watched.number
        old = watched.mark in (Mark.STALE, Mark.WAITING)
        self._line.classes(**{"add" if old else "remove": "cb-old"})
        if watched.quote is not None:
            self._show(watched.quote)

    def _show(self, quote: Quote) -> None:
        bid = quote.bids[0] if quote.bids else None
        ask = quote.asks[0] if quote.asks else None
        tone, digits = side(quote.last, quote.base), self.watched.digits
        percent = f"{signed(quote.change_percent)}%" if quote.change is not None else ""
        shown = {
            "last": (number(quote.last, digits), tone),
            "change": (signed(quote.change, digits), tone),
            "percent": (percent, tone),
            "best_bid": (number(bid.price, digits) if bid else "", ""),
            "bid_volume": (f"{bid.volume:,}" if bid else "", ""),
            "best_ask": (number(ask.price, digits) if ask else "", ""),
            "ask_volume": (f"{ask.volume:,}" if ask else "", ""),
            "volume": (f"{quote.volume:,}", ""),
            "open_interest": (f"{quote.open_interest:,.0f}" if quote.open_interest else "", ""),
            "high": (number(quote.high, digits), side(quote.high, quote.base)),
            "low": (number(quote.low, digits), side(quote.low, quote.base)),
            "time": (quote.time[:8], ""),
        }
        for column, (text, classes) in shown.items():
            self._cells[column].show(text, classes)


class _Hops:
    """The delays of the last second that had messages, per hop."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._rows: dict[tuple[str, str], tuple[Text, Text, Text]] = {}
        text = context.text
        names = ("program", "hop", "messages", "p50", "p99")
        with (
            panel(text("live.hops")),
            table([text(f"hop.{name}") for name in names], numeric=(2, 3, 4)) as self._body,
        ):
            pass

    def show(self) -> None:
        for key, hop in sorted(self._context.site.rates.hops.items()):
            if key not in self._rows:
                with self._body, row():
                    cell(hop.program)
                    cell(self._context.text(f"hop.{hop.hop}") if hop.hop in _HOPS else hop.hop)
                    self._rows[key] = (
                        Text(cell(), "num"),
                        Text(cell(), "num"),
                        Text(cell(), "num"),
                    )
            messages, p50, p99 = self._rows[key]
            messages.show(f"{hop.messages:,}")
            p50.show(f"{hop.p50_ms:.3f}")
            p99.show(f"{hop.p99_ms:.3f}")


_HOPS: Final = frozenset({"front", "publish", "order", "bus", "write", "record"})


class _Lights:
    """Each light, what it says, and since when."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._shown: list[Light] | None = None
        text = context.text
        titles = ["", text("light.name"), text("light.says"), text("light.since")]
        with panel(text("live.lights")), table(titles) as self._body:
            pass

    def show(self) -> None:
        lights = sorted(self._context.monitor.lights, key=lambda light: _BULBS.index(light.colour))
        if lights == self._shown:
            return
        self._shown = lights
        self._body.clear()
        for light in lights:
            with self._body, row():
                with cell():
                    ui.element("span").classes(f"cb-light {light.colour}")
                cell(light.name)
                cell(light.zh if self._context.lang == "zh" else light.en, "wrap")
                cell(_since(light.since_ns), "cb-faint")


def _since(at_ns: int) -> str:
    at = china(at_ns / 1e9)
    today = at.date() == china(time.time()).date()
    return at.strftime("%H:%M:%S" if today else "%m-%d %H:%M")
