"""Quotes, order books and charts, of which the live page and the trading panel are made.

Nothing here asks for anything: whoever shows one calls ``show`` at his own pace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from nicegui import ui

from admin.live.feed import Feed, Watched
from admin.live.quotes import LEVELS, Level, Mark
from admin.live.series import Point

from .frame import Context
from .parts import cell, row, table
from .style import ACCENT

# Prices have a time of the exchange's; charts are told the same, wherever the browser is.
_ZONE_MS: Final = 8 * 3600 * 1000.0
_RED: Final = "red_up"
_MARKS: Final = {Mark.FRESH: "good", Mark.STALE: "bad", Mark.GAP: "busy", Mark.WAITING: ""}
_PALETTE: Final = [ACCENT, "#e07a1f", "#2e9e5b", "#8e44ad", "#c0392b", "#16a2b8", "#7f8c3a"]


class Watch:
    """Feed's instruments of one page: what it has taken it gives back when the page is closed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._taken: dict[str, Watched] = {}
        ui.context.client.on_delete(self.close)

    def take(self, instrument: str) -> Watched:
        """Raises ValueError for what is no instrument."""
        if instrument not in self._taken:
            self._taken[instrument] = self._feed.follow(instrument)
        return self._taken[instrument]

    def give_back(self, instrument: str) -> None:
        if self._taken.pop(instrument, None) is not None:
            self._feed.leave(instrument)

    def close(self) -> None:
        for instrument in list(self._taken):
            self.give_back(instrument)


class Text:
    """A cell or label whose classes and text go to the browser when they change."""

    def __init__(self, shown: Any, usual: str = "") -> None:
        self._shown, self._usual = shown, usual
        self._was = ("", "")
        shown.classes(usual)

    def show(self, text: str, classes: str = "") -> None:
        if self._was == (text, classes):
            return
        if self._was[1] != classes:
            self._shown.classes(replace=f"{self._usual} {classes}".strip())
        self._was = (text, classes)
        self._shown.text = text


class Badge(Text):
    """Fresh, stale or gap."""

    def __init__(self, context: Context) -> None:
        super().__init__(ui.label(), "cb-state")
        self._context = context

    def mark(self, watched: Watched | None) -> None:
        if watched is None:
            self.show("")
            return
        text = self._context.text(f"mark.{watched.mark}")
        age = watched.age_s
        if watched.mark is Mark.STALE and age is not None:
            text = f"{text} {span(age)}"
        self.show(text, _MARKS[watched.mark])


class Depth:
    """The order book of one instrument."""

    def __init__(self, context: Context) -> None:
        self._rows: dict[str, _Level] = {}
        titles = [context.text(f"quote.{name}") for name in ("level", "price", "lots")]
        with ui.element("div") as self._table, table(titles, numeric=(1, 2)):
            for name, numbers in (("ask", range(LEVELS, 0, -1)), ("bid", range(1, LEVELS + 1))):
                for at in numbers:
                    with row(f"cb-{name}") as line:
                        cell(context.text(f"quote.{name}", level=at), "cb-faint")
                        shown = _Level(line, Text(cell(), "num"), Text(cell(), "num"))
                    if (name, at) == ("bid", 1):
                        line.classes("cb-edge")
                    self._rows[f"{name}{at}"] = shown

    def show(self, watched: Watched | None) -> None:
        quote = watched.quote if watched is not None else None
        old = watched is not None and watched.mark is Mark.STALE
        self._table.classes(**{"add" if old else "remove": "cb-old"})
        asks = quote.asks if quote is not None else ()
        bids = quote.bids if quote is not None else ()
        most = max([level.volume for level in (*asks, *bids)], default=1)
        base = quote.base if quote is not None else None
        digits = watched.digits if watched is not None else 0
        for name, levels in (("ask", asks), ("bid", bids)):
            for at in range(LEVELS):
                level = levels[at] if at < len(levels) else None
                self._show(self._rows[f"{name}{at + 1}"], level, most, base, digits)

    def _show(
        self, shown: _Level, level: Level | None, most: int, base: float | None, digits: int
    ) -> None:
        price = level.price if level is not None else None
        shown.price.show(number(price, digits), side(price, base))
        shown.volume.show(f"{level.volume:,}" if level is not None else "")
        part = round(100 * level.volume / most) if level is not None else 0
        if shown.part != part:
            shown.part = part
            shown.line.style(f"--part: {part}%")


@dataclass
class _Level:
    line: Any
    price: Text
    volume: Text
    part: int = 0


class Chart:
    """Lines over time; only what has changed goes to the browser, and no more often than ``show``
    is called. With a ``legend`` there are several lines."""

    def __init__(self, *, legend: bool = False, logarithmic: bool = False) -> None:
        self._names: list[str] = []
        self._number: object = None
        with ui.element("div").classes("cb-chart"):
            self._chart = ui.echart(_options(legend, logarithmic))

    def show(self, number: object, lines: dict[str, list[Point]]) -> None:
        """``number``: what changes with the lines."""
        if number == self._number:
            return
        self._number = number
        series = [_line(name, points) for name, points in lines.items()]
        if list(lines) == self._names:
            self._chart.run_chart_method("setOption", {"series": series})
            return
        self._names = list(lines)  # others than before: none of those may stay
        self._chart.run_chart_method("setOption", {"series": series}, {"replaceMerge": ["series"]})


def _options(legend: bool, logarithmic: bool) -> dict[str, Any]:
    return {
        "animation": False,
        "useUTC": True,
        "color": _PALETTE,
        "grid": {
            "left": 8,
            "right": 16,
            "top": 32 if legend else 12,
            "bottom": 6,
            "containLabel": True,
        },
        "legend": {"show": legend, "type": "scroll", "top": 0, "itemHeight": 9, "itemWidth": 14},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "time", "axisLabel": {"hideOverlap": True}},
        "yAxis": {
            "type": "log" if logarithmic else "value",
            "scale": True,
            "splitLine": {"lineStyle": {"color": "#edf0f4"}},
        },
        "series": [],
    }


def _line(name: str, points: list[Point]) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "type": "line",
        "showSymbol": len(points) < 2,
        "symbolSize": 4,
        "lineStyle": {"width": 1.6},
        "data": [(at_ms + _ZONE_MS, value) for at_ms, value in points],
    }


def number(value: float | None, digits: int | None = None) -> str:
    """As it is quoted; nothing for no value."""
    if value is None:
        return ""
    if digits is not None:
        return f"{value:.{digits}f}"
    return f"{value:.6f}".rstrip("0").rstrip(".")


def signed(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:+.{digits}f}"


def side(value: float | None, base: float | None) -> str:
    """The class of what is above or below what it is compared with."""
    if value is None or base is None or value == base:
        return ""
    return "cb-up" if value > base else "cb-down"


def span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def colours(context: Context) -> str:
    """The class of what holds prices: in China red is up, elsewhere green, and who wants it the
    other way round turns them."""
    return "cb-red-up" if context.session.kept.get(_RED, context.lang == "zh") else "cb-green-up"


def turn_colours(context: Context) -> None:
    """For this session."""
    context.session.kept[_RED] = colours(context) != "cb-red-up"
