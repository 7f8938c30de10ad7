"""One line of a CSV file to the struct of a tick. No I/O."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.calendar import Calendar, exchange_of
from schemas.codec import Codec
from schemas.fields import DBL_MAX, NO_VALUE, Value
from schemas.tick_time import tick_time_ns

from .columns import DATE_TIME, IGNORED, RECV_NS, SYMBOL

_NOTHING: Final = frozenset(("", "nan", "none", "null", "na", "n/a", "-", "--", "nat"))
_DATE: Final = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?:\.0+)?")
_TIME: Final = re.compile(r"(\d{1,2}):(\d\d):(\d\d)(?:[.:](\d{1,9}))?")
_COMPACT_TIME: Final = re.compile(r"(\d\d)(\d\d)(\d\d)(?:\.0+|(\d{3}))?")
_OFFSET: Final = re.compile(r"(?:Z|([+-])(\d\d):?(\d\d))$")
_EXCHANGES: Final = frozenset(("SHFE", "INE", "DCE", "CZCE", "GFEX", "CFFEX", "SSE", "SZSE"))
_BEIJING: Final = timezone(timedelta(hours=8))
# Later than every tick, for a rule that compares the time of a tick with that of its arrival.
_LATER_NS: Final = 4_000_000_000_000_000_000
_MOST_DIGITS: Final = 40


class RowError(ValueError):
    """A line that is no tick; ``str()`` says why."""


class Row(NamedTuple):
    """``recv_ns``: of the file, or when the tick was made."""

    day: str
    instrument: str
    recv_ns: int
    body: bytes


class RowReader:
    """Reads the lines of one file.

    columns     as ``columns.header_of`` gives them
    instrument  of a file whose columns have none
    day         the trading day of all lines, "" when each line says it
    """

    def __init__(
        self,
        columns: tuple[str, ...],
        codec: Codec,
        calendar: Calendar,
        instrument: str = "",
        day: str = "",
    ) -> None:
        self._codec, self._calendar = codec, calendar
        self._instrument, self._day = instrument, day
        self._width = len(columns)
        kinds = {field.name: field.kind for field in codec.layout.fields}
        self._plain = [
            (number, column, _PARSERS[kinds[column]])
            for number, column in enumerate(columns)
            if kinds.get(column, "") in _PARSERS and column not in _SPECIAL
        ]
        self._special = {
            column: number for number, column in enumerate(columns) if column in _SPECIAL
        }
        # A field without a column: no value, not a price of 0.
        self._base: dict[str, Value] = {name: None for name, kind in kinds.items() if kind == "d"}

    @property
    def has_times(self) -> bool:
        """Whether the file says when each tick was received."""
        return RECV_NS in self._special

    def read(self, cells: list[str]) -> Row:
        """Raises RowError."""
        if len(cells) < self._width:
            raise RowError(f"{len(cells)} columns, not {self._width}")
        values = dict(self._base)
        for number, column, parse in self._plain:
            values[column] = parse(column, cells[number].strip())
        own = {column: cells[number].strip() for column, number in self._special.items()}
        self._name(values, own)
        self._times(values, own)
        instrument = str(values["InstrumentID"])
        made = self._made(values, instrument)
        recv_ns = _recv_ns(own.get(RECV_NS, "")) or made
        if not recv_ns:  # it would be due in 1970, and all others half a century later
            raise RowError("no time")
        day = self._day or self._trading_day(values, instrument, made or recv_ns)
        values["TradingDay"] = values.get("TradingDay") or day
        try:
            return Row(day, instrument, recv_ns, self._codec.pack(values))
        except (ValueError, struct.error) as exc:
            raise RowError(str(exc)) from None

    def _name(self, values: dict[str, Value], own: dict[str, str]) -> None:
        name = own.get("InstrumentID") or own.get(SYMBOL) or self._instrument
        exchange = own.get("ExchangeID", "").removeprefix("Exchange.")
        head, _, tail = name.partition(".")
        if tail in _EXCHANGES:
            name, exchange = head, exchange or tail
        elif head in _EXCHANGES and tail:
            name, exchange = tail, exchange or head
        if not name or "\ufffd" in name or any(c in name for c in "/\0\n") or len(name) > 80:
            raise RowError("no instrument")
        values["InstrumentID"], values["ExchangeID"] = name, exchange

    def _times(self, values: dict[str, Value], own: dict[str, str]) -> None:
        moment = own.get(DATE_TIME, "")
        day, clock, millisec = _moment(moment) if moment else ("", "", None)
        if text := own.get("UpdateTime", ""):
            clock, fraction = _clock(text)
            millisec = fraction if fraction is not None else millisec
        if text := own.get("UpdateMillisec", ""):
            given = _integer("UpdateMillisec", text)
            millisec = given if given or not millisec else millisec
        values["UpdateTime"], values["UpdateMillisec"] = clock, millisec or 0
        values["TradingDay"] = _date(own.get("TradingDay", ""))
        values["ActionDay"] = _date(own.get("ActionDay", "")) or day

    def _made(self, values: dict[str, Value], instrument: str) -> int:
        trading, action = str(values["TradingDay"] or ""), str(values["ActionDay"] or "")
        arrived = _LATER_NS
        if not trading and not action:
            if not self._day:
                return 0
            trading = self._day
        clock, millisec = str(values["UpdateTime"]), int(values["UpdateMillisec"] or 0)
        made = tick_time_ns(self._calendar, instrument, trading, action, clock, millisec, arrived)
        return made or 0

    def _trading_day(self, values: dict[str, Value], instrument: str, at_ns: int) -> str:
        """CZCE has the natural day in its TradingDay, so there the calendar says it."""
        text = str(values["TradingDay"] or "")
        if text and (exchange_of(instrument) != "CZCE" or not at_ns):
            return text
        if not at_ns:
            raise RowError("neither a date nor a time")
        return self._calendar.trading_day(instrument, at_ns).strftime("%Y%m%d")


def _number(column: str, text: str) -> float:
    if not text:
        return DBL_MAX
    try:
        value = float(text)
    except ValueError:
        if text.lower() in _NOTHING:
            return DBL_MAX
        raise RowError(f"{column} is no number") from None
    # NaN compares with nothing.
    return value if -NO_VALUE < value < NO_VALUE else DBL_MAX


def _integer(column: str, text: str) -> int:
    if text.isdecimal() and len(text) <= _MOST_DIGITS:
        return int(text)
    if text.lower() in _NOTHING:
        return 0
    try:
        return _whole(float(text))
    except (ValueError, OverflowError):
        raise RowError(f"{column} is no whole number") from None


def _whole(value: float) -> int:
    """Tables write 12.0 for 12, and DBL_MAX for nothing."""
    if value >= NO_VALUE:
        return 0
    if value != int(value):
        raise ValueError(value)
    return int(value)


def _text(column: str, text: str) -> str:
    if "\ufffd" in text:
        raise RowError(f"{column} has bytes that are no text")
    return text


@lru_cache(maxsize=64)  # a file has one or two
def _date(text: str) -> str:
    if text.lower() in _NOTHING:
        return ""
    match = _DATE.fullmatch(text)
    if match is None or not text.isascii():
        raise RowError("a date that is not like 20261123")
    year, month, day = int(match[1]), int(match[3]), int(match[4])
    try:
        return date(year, month, day).strftime("%Y%m%d").rjust(8, "0")
    except ValueError:
        raise RowError("a date that there is not") from None


def _clock(text: str) -> tuple[str, int | None]:
    """The time of day as CTP writes it, and milliseconds when it has a fraction."""
    match = _TIME.fullmatch(text) or _COMPACT_TIME.fullmatch(text.zfill(6))
    if match is None or not text.isascii():
        raise RowError("a time of day that is not like 09:30:00")
    hour, minute, second = int(match[1]), int(match[2]), int(match[3])
    if hour > 23 or minute > 59 or second > 59:
        raise RowError("a time of day that there is not")
    millisec = int(match[4][:3].ljust(3, "0")) if match[4] else None
    return f"{hour:02}:{minute:02}:{second:02}", millisec


def _moment(text: str) -> tuple[str, str, int | None]:
    """Date, time of day and milliseconds, in Beijing."""
    offset = _OFFSET.search(text)
    if offset is not None:
        text = text[: offset.start()]
    day_text, _, clock_text = text.replace("T", " ", 1).strip().partition(" ")
    day = _date(day_text)
    clock, millisec = _clock(clock_text.strip())
    if offset is None or not day:
        return day, clock, millisec
    hours, minutes = int(offset[2] or 0), int(offset[3] or 0)
    if hours > 23 or minutes > 59:
        raise RowError("an offset from UTC that there is not")
    away = timedelta(hours=hours, minutes=minutes)
    zone = timezone(-away if offset[1] == "-" else away) if away else UTC
    try:
        there = datetime.strptime(f"{day} {clock}", "%Y%m%d %H:%M:%S").replace(tzinfo=zone)
        here = there.astimezone(_BEIJING)
    except (ValueError, OverflowError):
        raise RowError("a date that there is not") from None
    return here.strftime("%Y%m%d"), here.strftime("%H:%M:%S"), millisec


def _recv_ns(text: str) -> int:
    if text.lower() in _NOTHING:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) >= 2**63:
        raise RowError("recv_ns is no time in ns")
    return int(text)


_SPECIAL: Final = frozenset(
    (
        *("InstrumentID", "ExchangeID", "TradingDay", "ActionDay", "UpdateTime", "UpdateMillisec"),
        *(RECV_NS, DATE_TIME, SYMBOL, IGNORED),
    )
)
_Parser = Callable[[str, str], Value]
_PARSERS: Final[dict[str, _Parser]] = {
    **dict.fromkeys("sc", _text),
    **dict.fromkeys("hiq", _integer),
    "d": _number,
}
