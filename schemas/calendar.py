"""When an instrument trades, and to which trading day a moment belongs.

Times are Unix time in ns. China has had UTC+8 all year round since 1991, so no time zone data is
needed.

- A *session* is one uninterrupted section of trading with the call auction before it. At 10:15,
  11:30 and 15:00 one ends.
- A trading day begins in the evening before: from 20:00 on it is the next one. Friday's night
  belongs to Monday, its hours on Saturday too.
- No weekend trades, and no night does when the next weekday is a holiday.
- A product that the tables do not know has a commodity's day and no night.
- Nobody can know the holidays of years to come: in a year without data only weekends are free of
  trading, and the log says so once. A file adds years and products (``read_calendar``).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import yaml

from .calendar_data import BOND, COMMODITY, HOLIDAYS, INDEX, NIGHT, PRODUCTS, STOCK

log = logging.getLogger(__name__)

_MINUTE_NS: Final = 60_000_000_000
_OFFSET_NS: Final = 8 * 60 * _MINUTE_NS
_DAY: Final = 24 * 60  # minutes
_EPOCH: Final = date(1970, 1, 1).toordinal()
_ROLL: Final = 20 * 60
_EVENING: Final = 18 * 60  # a section that begins later is a night session
_FOREVER_NS: Final = 2**63 - 1
_ONE_DAY: Final = timedelta(days=1)
_SECTION: Final = re.compile(r"(?:(\d\d:\d\d) )?(\d\d:\d\d)-(\d\d:\d\d)")
# "rb2610C3500", "m2601-C-3000", "SP a2109&a2201"; of a combination the first leg. Five or more
# digits are no delivery month: "SH600000" is not caustic soda.
_PRODUCT: Final = re.compile(r"(?:[A-Z]+ )?([A-Za-z]+)\d{3,4}(?!\d)")
_SECURITY: Final = re.compile(r"\d{6}|\d{8}")


class CalendarError(ValueError):
    """A file of hours and holidays that cannot be used; one line."""


class Session(NamedTuple):
    """opens   first quotes may come: the call auction, or the same as ``begins``
    begins, ends  continuous trading; at ``ends`` it is over
    """

    trading_day: date
    opens_ns: int
    begins_ns: int
    ends_ns: int


class Section(NamedTuple):
    """Minutes after 00:00 of the date on which it begins; ``ends`` may be on the next one."""

    opens: int
    begins: int
    ends: int


Hours = tuple[Section, ...]


@lru_cache(maxsize=65_536)
def product_of(instrument: str) -> str:
    """The product code, "stock" for securities and their options, "" when it shows none."""
    if match := _PRODUCT.match(instrument):
        return match[1]
    return "stock" if _SECURITY.fullmatch(instrument) else ""


def exchange_of(instrument: str) -> str:
    """The exchange of a future or option, "" when the tables do not know its product."""
    return _exchanges().get(product_of(instrument), "")


class Calendar:
    """Hours by product and days without trading.

    open_days  days that trade although they are a weekend's, such as exchange-wide tests
    always     everything trades at any time, as the embedded exchange does; a session then has
               neither beginning nor end
    """

    def __init__(
        self,
        products: Mapping[str, Hours],
        holidays: Mapping[int, Iterable[date]],
        open_days: Iterable[date] = (),
        *,
        always: bool = False,
    ) -> None:
        self.always = always
        self._products = products
        self._years = frozenset(holidays)
        self._holidays = frozenset(day for days in holidays.values() for day in days)
        self._open = frozenset(open_days)
        self._default = products[""]
        self._missed: set[int] = set()

    def session(self, instrument: str, at_ns: int) -> Session | None:
        """The session that is on; None: the instrument does not trade now."""
        if self.always:
            return Session(self.trading_day(instrument, at_ns), 0, 0, _FOREVER_NS)
        minute = (at_ns + _OFFSET_NS) // _MINUTE_NS
        today = date.fromordinal(_EPOCH + minute // _DAY)
        for section in self._products.get(product_of(instrument), self._default):
            for begun in (today, today - _ONE_DAY):
                midnight = (begun.toordinal() - _EPOCH) * _DAY
                if section.opens <= minute - midnight < section.ends and self._held(section, begun):
                    day = self._next(begun) if section.begins >= _EVENING else begun
                    return Session(day, *(_unix_ns(midnight + part) for part in section))
        return None

    def any_trades(self, instruments: Iterable[str], at_ns: int) -> bool:
        """Whether at least one is in continuous trading; quick for many instruments."""
        for instrument in {product_of(name): name for name in instruments}.values():
            session = self.session(instrument, at_ns)
            if session is not None and at_ns >= session.begins_ns:
                return True
        return False

    def trading_day(self, instrument: str, at_ns: int) -> date:
        """The day to which a moment belongs, whether or not anything trades at it. It is the same
        for all instruments today."""
        minute = (at_ns + _OFFSET_NS) // _MINUTE_NS
        day = date.fromordinal(_EPOCH + minute // _DAY)
        return self._on_or_after(day + _ONE_DAY if minute % _DAY >= _ROLL else day)

    def ends_ns(self, at_ns: int) -> int:
        """When the trading day of a moment is over: in the evening, before its next night."""
        day = self.trading_day("", at_ns)
        return _unix_ns((day.toordinal() - _EPOCH) * _DAY + _ROLL)

    def previous(self, day: date) -> date:
        """The trading day before this one: on its evening the night session of ``day`` begins."""
        day -= _ONE_DAY
        while not self.trades(day):
            day -= _ONE_DAY
        return day

    def trades(self, day: date) -> bool:
        if day.year not in self._years:
            self._miss(day.year)
        if day in self._open:
            return True
        return day.weekday() < 5 and day not in self._holidays

    def _held(self, section: Section, begun: date) -> bool:
        if not self.trades(begun):
            return False
        return section.begins < _EVENING or self._next_weekday_trades(begun)

    def _next_weekday_trades(self, day: date) -> bool:
        day += _ONE_DAY
        while day.weekday() >= 5:
            day += _ONE_DAY
        return self.trades(day)

    def _next(self, day: date) -> date:
        return self._on_or_after(day + _ONE_DAY)

    def _on_or_after(self, day: date) -> date:
        while not self.trades(day):
            day += _ONE_DAY
        return day

    def _miss(self, year: int) -> None:
        if year not in self._missed and not self.always:
            self._missed.add(year)
            fields = {"year": year}
            log.warning("no holidays known, only weekends count", extra={"fields": fields})


# -- what is built in, and what a file adds -------------------------------------------------------


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """holidays  by year, as in ``calendar_data.HOLIDAYS``; replaces a year that is known
    open      in the same form, days that trade although they are a weekend's
    products  code to sections, as in ``calendar_data.COMMODITY``; "stock": securities, "": the rest
    """

    holidays: dict[int, tuple[str, ...]] = {}
    open: dict[int, tuple[str, ...]] = {}
    products: dict[str, tuple[str, ...]] = {}


def exchange_calendar() -> Calendar:
    return _calendar(_File())


def always_open() -> Calendar:
    """No hours, and no holidays either: every weekday is a trading day."""
    return Calendar({"": ()}, {}, always=True)


def read_calendar(path: str) -> Calendar:
    """What is built in, changed by a YAML file::

        holidays:
          2027: [01-01, 02-05..02-11]
        open:
          2027: [03-06]
        products:
          rb: [20:55 21:00-01:00, 08:55 09:00-10:15, 10:30-11:30, 13:30-15:00]

    Raises CalendarError.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        return _calendar(msgspec.convert(yaml.load(text, _Loader) or {}, _File, strict=False))
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise CalendarError(f"{path}: not valid YAML{where}") from None
    except OSError as exc:
        raise CalendarError(f"{path}: {exc.strerror}") from None
    except ValueError as exc:  # msgspec.ValidationError and UnicodeDecodeError are such
        raise CalendarError(f"{path}: {exc}") from None


class _Loader(yaml.BaseLoader):
    """All scalars are texts: to others 21:00 is a number and 2027-01-01 a date."""


def _calendar(file: _File) -> Calendar:
    products = _known_hours() | {code: _hours(code, file.products[code]) for code in file.products}
    return Calendar(
        products,
        {year: _days(year, spans) for year, spans in {**HOLIDAYS, **file.holidays}.items()},
        [day for year, spans in file.open.items() for day in _days(year, spans)],
    )


@lru_cache(maxsize=1)
def _exchanges() -> dict[str, str]:
    return {code: line[0] for line in _lines() for code in line[2:]}


def _lines() -> list[list[str]]:
    return [line.split() for line in PRODUCTS.strip().splitlines()]


@lru_cache(maxsize=1)
def _known_hours() -> dict[str, Hours]:
    hours = {"": _hours("", COMMODITY), "stock": _hours("stock", STOCK)}
    days = {"-": COMMODITY, "index": INDEX, "bond": BOND}
    for _, kind, *codes in _lines():
        sections = days.get(kind) or (NIGHT + kind, *COMMODITY)
        hours.update(dict.fromkeys(codes, _hours(kind, sections)))
    return hours


def _hours(code: str, sections: Iterable[str]) -> Hours:
    return tuple(_section(code, text) for text in sections)


def _section(code: str, text: str) -> Section:
    match = _SECTION.fullmatch(text)
    if match is None:
        raise CalendarError(f"products.{code}: {text!r} is not like 20:55 21:00-01:00")
    begins, ends = _minutes(code, match[2]), _minutes(code, match[3])
    opens = begins if match[1] is None else _minutes(code, match[1])
    if ends <= begins:
        ends += _DAY
        if begins < _EVENING:
            raise CalendarError(f"products.{code}: {text!r} ends before it begins")
    if opens > begins:
        raise CalendarError(f"products.{code}: {text!r} opens after it begins")
    return Section(opens, begins, ends)


def _minutes(code: str, clock: str) -> int:
    hour, minute = int(clock[:2]), int(clock[3:])
    if minute > 59 or hour * 60 + minute > _DAY:
        raise CalendarError(f"products.{code}: {clock} is no time of day")
    return hour * 60 + minute


def _days(year: int, spans: Iterable[str]) -> list[date]:
    days = []
    for span in spans:
        first, _, last = span.partition("..")
        try:
            day = date.fromisoformat(f"{year}-{first}")
            end = date.fromisoformat(f"{year}-{last or first}")
        except ValueError:
            raise CalendarError(f"{year}: {span!r} is not like 02-05 or 02-05..02-11") from None
        if end < day:
            raise CalendarError(f"{year}: {span!r} ends before it begins")
        days += [day + _ONE_DAY * n for n in range((end - day).days + 1)]
    return days


def _unix_ns(minute: int) -> int:
    return minute * _MINUTE_NS - _OFFSET_NS
