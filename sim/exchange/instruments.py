"""All instruments of one trading day: live futures months, options around the money, securities.

Prices are counted in whole price ticks everywhere inside the exchange; ``Instrument.price`` and
``Instrument.ticks`` translate at the border.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import erf, floor, log, sqrt
from typing import Final

from sim.exchange.products import (
    INDEX_DAY,
    STOCK_EXCHANGES,
    TODAY_EXCHANGES,
    Fee,
    OptionProduct,
    Product,
    Session,
    futures,
    options,
)
from sim.exchange.securities import Security, securities
from sim.exchange.values import UNITS

from . import days

FUTURE: Final = "1"
OPTION: Final = "2"
SPOT: Final = "4"
SPOT_OPTION: Final = "6"
CALL: Final = "1"
PUT: Final = "2"

LISTED_MONTHS: Final = 8
"""Of products that list every month only the nearest are simulated."""
OPTION_VOLATILITY: Final = 0.22
STRIKES_EACH_SIDE: Final = 2
STAMP_DUTY: Final = 0.0005
"""Stamp duty on selling a stock (not a fund), as a share of the turnover."""
BROKER_MARKUP: Final = 0.02
"""What the broker asks on top of the exchange's margin ratio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One tradable contract, or an index that is only quoted."""

    id: str
    name: str
    exchange: str
    product_id: str
    product_name: str
    product_class: str
    year: int
    month: int
    multiplier: int
    tick_num: int
    tick_den: int
    """The price tick is the fraction tick_num / tick_den: ``n * tick_num / tick_den`` is then the
    correctly rounded price of n ticks, which a product of floats is not."""
    tick_value: int
    """What one tick is worth for one lot, in ``UNITS``; exact for every product."""
    reference: int
    """Yesterday's settlement (securities: close) when the market begins, in ticks."""
    limit: int
    """How far the price may go from the reference either way, in ticks."""
    open_date: date
    expiry: date
    underlying: str
    strike: float | None
    option_type: str
    """CALL, PUT or "" for what is no option."""
    sessions: tuple[Session, ...]
    margin_ratio: float
    """The exchange's ratio, both sides; 1 for securities, which are paid for in full."""
    markup: float
    open_fee: Fee
    close_fee: Fee
    close_today_fee: Fee
    max_limit_volume: int
    max_market_volume: int
    buy_lot: int
    """Volumes of buying orders are multiples of this."""
    levels: int
    """Book levels that the exchange shows; 0 for an index."""
    settles_next_day: bool
    """T+1: what was bought today cannot be sold today."""

    @property
    def is_security(self) -> bool:
        return self.exchange in STOCK_EXCHANGES

    @property
    def is_option(self) -> bool:
        return self.option_type != ""

    @property
    def is_tradable(self) -> bool:
        return self.levels > 0

    @property
    def splits_today(self) -> bool:
        """Today's and history's positions are separate rows."""
        return self.exchange in TODAY_EXCHANGES

    @property
    def broker_ratio(self) -> float:
        """What the broker asks: the exchange's ratio and his own markup."""
        return round(self.margin_ratio + self.markup, 6)

    @property
    def price_tick(self) -> float:
        return self.tick_num / self.tick_den

    def price(self, ticks: int) -> float:
        return ticks * self.tick_num / self.tick_den

    def ticks(self, price: float) -> float:
        """A price in ticks; a price off the grid gives no whole number."""
        exact = price * self.tick_den / self.tick_num
        nearest = round(exact)
        # A millionth of a tick is the noise of a double, not a client's mistake.
        return nearest if abs(exact - nearest) < 1e-6 * max(1.0, abs(exact) * 1e-6) else exact

    def amount(self, ticks: int, volume: int) -> int:
        """Turnover in ``UNITS``."""
        return ticks * self.tick_value * volume


@lru_cache(maxsize=8)
def listing(day: date) -> Mapping[str, Instrument]:
    """Everything that is quoted on a trading day, by InstrumentID, underlyings first."""
    result: dict[str, Instrument] = {}
    for security in securities():
        _add(result, _security(security, day))
    for product in futures().values():
        for year, month in listed_months(product, day):
            _add(result, _future(product, year, month))
    for option in options():
        for instrument in _options(option, day, result):
            _add(result, instrument)
    return result


def _add(result: dict[str, Instrument], instrument: Instrument) -> None:
    assert instrument.id not in result, instrument.id
    result[instrument.id] = instrument


def listed_months(product: Product, day: date) -> list[tuple[int, int]]:
    """Delivery months whose last trading day has not passed, at most a year ahead.

    ``months`` is "12" (every month; the nearest LISTED_MONTHS), "odd", "even", "index" (this
    month, the next, and two quarters), "bond" (three quarters), "q6" (six months and then
    quarters), or a list of months.
    """
    ahead = [days.add_months(day.year, day.month, n) for n in range(13)]
    live = [ym for ym in ahead if last_trading_day(product, *ym) >= day][:12]
    quarters = [ym for ym in live if ym[1] % 3 == 0]
    match product.months:
        case "12":
            return live[:LISTED_MONTHS]
        case "odd":
            return [ym for ym in live if ym[1] % 2 == 1]
        case "even":
            return [ym for ym in live if ym[1] % 2 == 0]
        case "index":
            return live[:2] + [ym for ym in quarters if ym not in live[:2]][:2]
        case "bond":
            return quarters[:3]
        case "q6":
            return live[:6] + [ym for ym in quarters if ym not in live[:6]]
        case months:
            wanted = {int(month) for month in months.split(",")}
            return [ym for ym in live if ym[1] in wanted]


def last_trading_day(product: Product, year: int, month: int) -> date:
    """By the contract rules of the exchange; its holidays are not modelled."""
    before_year, before_month = days.add_months(year, month, -1)
    if product.months == "index":
        return days.nth_weekday(year, month, 4, 3)
    if product.months == "bond":
        return days.nth_weekday(year, month, 4, 2)
    if product.code in ("fu", "sc", "lu"):
        return days.nth_trading_day(before_year, before_month, -1)
    if product.code == "ec":
        last = date(*days.add_months(year, month, 1), 1) - timedelta(days=1)
        return days.on_or_before(last - timedelta(days=last.weekday()))
    if product.code in ("jd", "lh"):
        return days.nth_trading_day(year, month, -4)
    if product.exchange in TODAY_EXCHANGES:
        return days.on_or_after(date(year, month, 15))
    return days.nth_trading_day(year, month, 10)


def _future(product: Product, year: int, month: int) -> Instrument:
    tick = product.tick
    # Far months are a little dearer, and each product's curve has its own slope.
    slope = (sum(map(ord, product.code)) % 9 - 3) / 2000
    reference = round(product.price * (1 + slope * (month + 12 * (year % 2) - 6)) / float(tick))
    expiry = last_trading_day(product, year, month)
    code_year = f"{year % 10}" if product.exchange == "CZCE" else f"{year % 100:02}"
    return Instrument(
        id=f"{product.code}{code_year}{month:02}",
        name=f"{product.name}{year % 100:02}{month:02}",
        exchange=product.exchange,
        product_id=product.code,
        product_name=product.name,
        product_class=FUTURE,
        year=year,
        month=month,
        multiplier=product.multiplier,
        tick_num=tick.numerator,
        tick_den=tick.denominator,
        tick_value=_tick_value(tick.numerator, tick.denominator, product.multiplier),
        reference=reference,
        limit=max(5, floor(reference * product.limit_ratio)),
        open_date=days.on_or_after(date(*days.add_months(year - 1, month, 0), 16)),
        expiry=expiry,
        underlying=product.code,
        strike=None,
        option_type="",
        sessions=product.sessions,
        margin_ratio=product.margin_ratio,
        markup=BROKER_MARKUP,
        open_fee=product.open_fee,
        close_fee=product.close_fee,
        close_today_fee=product.close_today_fee,
        max_limit_volume=20 if product.months == "index" else 500,
        max_market_volume=10 if product.months == "index" else 200,
        buy_lot=1,
        levels=5 if product.exchange in TODAY_EXCHANGES else 1,
        settles_next_day=False,
    )


def _security(security: Security, day: date) -> Instrument:
    tick = security.tick
    reference = round(security.price / float(tick))
    is_index = security.kind == "index"
    fee = Fee(0.00025, 0.0)
    sell_fee = Fee(fee.by_money + (STAMP_DUTY if security.kind == "stock" else 0.0), 0.0)
    return Instrument(
        id=security.code,
        name=security.name,
        exchange=security.exchange,
        product_id=f"{security.exchange}{_PRODUCT_OF_KIND[security.kind][0]}",
        product_name=_PRODUCT_OF_KIND[security.kind][1],
        product_class=SPOT,
        year=0,
        month=0,
        multiplier=1,
        tick_num=tick.numerator,
        tick_den=tick.denominator,
        tick_value=_tick_value(tick.numerator, tick.denominator, 1),
        reference=reference,
        limit=floor(reference * security.limit_ratio + 0.5),
        open_date=date(2010, 1, 4),
        expiry=date(2099, 12, 31),
        underlying="",
        strike=None,
        option_type="",
        sessions=INDEX_DAY,
        margin_ratio=1.0,
        markup=0.0,
        open_fee=fee,
        close_fee=sell_fee,
        close_today_fee=sell_fee,
        max_limit_volume=1_000_000,
        max_market_volume=1_000_000,
        buy_lot=100,
        levels=0 if is_index else 5,
        settles_next_day=security.kind != "fund0",
    )


_PRODUCT_OF_KIND: Final = {
    "stock": ("A", "A股"),
    "fund": ("ETF", "基金"),
    "fund0": ("ETF", "基金"),
    "index": ("IDX", "指数"),
}


def _options(
    option: OptionProduct, day: date, listed: dict[str, Instrument]
) -> Iterator[Instrument]:
    for year, month, expiry, underlying in _option_months(option, day, listed):
        spot = underlying.price(underlying.reference)
        centre = round(spot / option.strike_step)
        for k in range(centre - STRIKES_EACH_SIDE, centre + STRIKES_EACH_SIDE + 1):
            for kind in (CALL, PUT):
                yield _option(
                    option, year, month, expiry, underlying, k * option.strike_step, kind, day
                )


def _option_months(
    option: OptionProduct, day: date, listed: dict[str, Instrument]
) -> list[tuple[int, int, date, Instrument]]:
    """The nearest month of each option product that has not expired."""
    if option.underlying in listed:
        ahead = [days.add_months(day.year, day.month, n) for n in range(2)]
        months = [(*ym, days.nth_weekday(*ym, 4, 3), listed[option.underlying]) for ym in ahead]
    else:
        months = [
            (i.year, i.month, option_expiry(i.exchange, i.year, i.month), i)
            for i in listed.values()
            if i.product_id == option.underlying and i.product_class == FUTURE
        ]
    return [m for m in months if m[2] >= day][:1]


def option_expiry(exchange: str, year: int, month: int) -> date:
    """Last trading day of options on futures, in the month before the future's own."""
    before = days.add_months(year, month, -1)
    if exchange in TODAY_EXCHANGES:
        return days.nth_trading_day(*before, -5)
    if exchange == "DCE":
        return days.nth_trading_day(*before, 12)
    if exchange == "CZCE":
        return days.on_or_before(date(*before, 13))
    return days.nth_trading_day(*before, 5)


def _option(
    option: OptionProduct,
    year: int,
    month: int,
    expiry: date,
    underlying: Instrument,
    strike: int,
    kind: str,
    day: date,
) -> Instrument:
    tick = option.tick
    spot = underlying.price(underlying.reference)
    worth = premium(kind, spot, strike, max(1, (expiry - day).days) / 365)
    letter = "C" if kind == CALL else "P"
    # InstrumentName is char[21]: no room for the whole name of the product.
    name = option.name.removesuffix("期权").removesuffix("股指")
    return Instrument(
        id=option_id(option.exchange, option.code, year, month, letter, strike),
        name=f"{name}{year % 100:02}{month:02}{'购' if kind == CALL else '沽'}{strike}",
        exchange=option.exchange,
        product_id=option.product_ids[0 if kind == CALL else 1],
        product_name=option.name,
        product_class=SPOT_OPTION if underlying.is_security else OPTION,
        year=year,
        month=month,
        multiplier=option.multiplier,
        tick_num=tick.numerator,
        tick_den=tick.denominator,
        tick_value=_tick_value(tick.numerator, tick.denominator, option.multiplier),
        reference=max(1, round(worth / float(tick))),
        # Options may move by what their underlying may move.
        limit=floor(underlying.price(underlying.limit) / float(tick)),
        open_date=days.on_or_after(date(*days.add_months(year, month, -6), 16)),
        expiry=expiry,
        underlying=underlying.id,
        strike=float(strike),
        option_type=kind,
        sessions=underlying.sessions,
        margin_ratio=option.margin_ratio,
        markup=0.0,
        open_fee=option.fee,
        close_fee=option.fee,
        close_today_fee=option.fee,
        max_limit_volume=20 if underlying.is_security else 100,
        max_market_volume=10 if underlying.is_security else 100,
        buy_lot=1,
        levels=5 if option.exchange in TODAY_EXCHANGES else 1,
        settles_next_day=False,
    )


def option_id(exchange: str, code: str, year: int, month: int, letter: str, strike: int) -> str:
    """Each exchange's own spelling: cu2612C70000, m2701-C-3000, SR701C6000, IO2612-C-4000."""
    if exchange == "CZCE":
        return f"{code}{year % 10}{month:02}{letter}{strike}"
    dash = "" if exchange in TODAY_EXCHANGES else "-"
    return f"{code}{year % 100:02}{month:02}{dash}{letter}{dash}{strike}"


def premium(kind: str, spot: float, strike: float, years: float) -> float:
    """Black's formula without interest."""
    deviation = OPTION_VOLATILITY * sqrt(years)
    d1 = log(spot / strike) / deviation + deviation / 2
    call = spot * _normal(d1) - strike * _normal(d1 - deviation)
    return call if kind == CALL else call - spot + strike


def delta(kind: str, spot: float, strike: float, years: float) -> float:
    """How the premium moves with its underlying."""
    deviation = OPTION_VOLATILITY * sqrt(years)
    call = _normal(log(spot / strike) / deviation + deviation / 2)
    return call if kind == CALL else call - 1


def _normal(x: float) -> float:
    return (1 + erf(x / sqrt(2))) / 2


def _tick_value(numerator: int, denominator: int, multiplier: int) -> int:
    value, rest = divmod(numerator * multiplier * UNITS, denominator)
    assert rest == 0, (numerator, denominator, multiplier)
    return value
