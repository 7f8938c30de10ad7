"""What each exchange accepts: order types, offsets, prices and volumes (ctp_facts section 7)."""

from math import floor
from typing import Final

from sim.exchange.instruments import Instrument
from sim.exchange.market import Quote
from sim.exchange.orders import (
    ALL_VOLUME,
    ANY_PRICE,
    ANY_VOLUME,
    BEST_PRICE,
    CLOSE,
    CLOSE_TODAY,
    FIVE_LEVELS,
    GOOD_FOR_DAY,
    IMMEDIATE,
    LIMIT,
    MINIMUM_VOLUME,
    OPEN,
    SPECULATION,
    THIS_SECTION,
    Effect,
    Order,
)
from sim.exchange.refusals import ExchangeRefusedError

Combination = tuple[str, str, str]
"""OrderPriceType, TimeCondition, VolumeCondition."""

_COMMON: Final[frozenset[Combination]] = frozenset(
    {
        (LIMIT, GOOD_FOR_DAY, ANY_VOLUME),
        (LIMIT, IMMEDIATE, ALL_VOLUME),
        (LIMIT, IMMEDIATE, MINIMUM_VOLUME),
        # Not documented, but what common clients send for FAK, and accepted in practice.
        (LIMIT, IMMEDIATE, ANY_VOLUME),
    }
)
_DALIAN: Final = _COMMON | {(ANY_PRICE, IMMEDIATE, ALL_VOLUME), (LIMIT, THIS_SECTION, ANY_VOLUME)}
_BEST: Final = _COMMON | {
    (BEST_PRICE, IMMEDIATE, ANY_VOLUME),
    (BEST_PRICE, GOOD_FOR_DAY, ANY_VOLUME),
    (FIVE_LEVELS, IMMEDIATE, ANY_VOLUME),
    (FIVE_LEVELS, GOOD_FOR_DAY, ANY_VOLUME),
}
COMBINATIONS: Final[dict[str, frozenset[Combination]]] = {
    "SHFE": _COMMON,
    "INE": _COMMON,
    "DCE": _DALIAN,
    "GFEX": _DALIAN,
    "CFFEX": _BEST,
    "CZCE": _COMMON | {(ANY_PRICE, GOOD_FOR_DAY, ALL_VOLUME)},
    "SSE": _BEST,
    "SZSE": _BEST | {(ANY_PRICE, IMMEDIATE, ALL_VOLUME)},
}


def effect(instrument: Instrument, *, buy: bool, offset: str) -> Effect:
    """What an order's offset means on its exchange.

    Securities have no offsets: buying opens, selling closes. SHFE and INE take a plain close as
    one of yesterday's lots; elsewhere every close means any lot (CTP converts '3' and '4').
    """
    if instrument.is_security:
        if buy:
            return Effect.OPEN
        return Effect.CLOSE_HISTORY if instrument.settles_next_day else Effect.CLOSE_ANY
    if offset == OPEN:
        return Effect.OPEN
    if instrument.splits_today:
        return Effect.CLOSE_TODAY if offset == CLOSE_TODAY else Effect.CLOSE_HISTORY
    return Effect.CLOSE_ANY


def traded_offset(instrument: Instrument, offset: str) -> str:
    """The offset as it comes back in trades."""
    if instrument.splits_today or offset == OPEN or instrument.is_security:
        return offset
    return CLOSE


def whole_ticks(instrument: Instrument, price: float) -> int:
    """The order's price on the grid; CZCE cuts a price off to its tick."""
    return floor(instrument.ticks(price))


def check(order: Order, price: float, quote: Quote, *, is_open: bool) -> None:
    """Raise ExchangeRefusedError when the exchange does not take this order."""
    instrument = order.instrument
    combination = (order.price_type, order.time_condition, order.volume_condition)
    if not is_open:
        raise ExchangeRefusedError("当前状态禁止此项操作")
    if combination not in COMBINATIONS[instrument.exchange]:
        raise ExchangeRefusedError("不被支持的报单类型")
    if order.price_type == LIMIT:
        _check_price(instrument, price, quote)
    _check_volume(order)
    closes_as_hedger = order.effect is not Effect.OPEN and order.hedge != SPECULATION
    if instrument.exchange == "CZCE" and closes_as_hedger:
        raise ExchangeRefusedError("平仓投机套保标志错误")


def _check_price(instrument: Instrument, price: float, quote: Quote) -> None:
    ticks = instrument.ticks(price)
    if ticks != floor(ticks) and instrument.exchange != "CZCE":
        raise ExchangeRefusedError("价格非最小单位倍数")
    if floor(ticks) > quote.upper:
        raise ExchangeRefusedError("价格超出涨停板")
    if floor(ticks) < quote.lower:
        raise ExchangeRefusedError("价格跌破跌停板")


def _check_volume(order: Order) -> None:
    instrument = order.instrument
    is_limit = order.price_type == LIMIT
    if order.volume > (instrument.max_limit_volume if is_limit else instrument.max_market_volume):
        raise ExchangeRefusedError("报单手数超过最大下单量")
    if order.min_volume > order.volume:
        raise ExchangeRefusedError("最小成交量大于报单数量")
    if order.buy and order.volume % instrument.buy_lot:
        raise ExchangeRefusedError("买入数量不是整手")
