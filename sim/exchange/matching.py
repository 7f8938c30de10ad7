"""Matching by price and time: clients' orders against each other and against the market's book.

At one price a client's resting order goes before the market's own volume. A trade is made at the
price of what was resting. What the market shows is what can be had: its volume is taken away
until the next step refills it.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from sim.exchange.market import DEPTH, Quote
from sim.exchange.orders import (
    ALL_VOLUME,
    ANY_PRICE,
    BEST_PRICE,
    FIVE_LEVELS,
    IMMEDIATE,
    LIMIT,
    MINIMUM_VOLUME,
    Fill,
    Order,
)


class Book:
    """Clients' resting orders of one instrument, best first on either side."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids: list[Order] = []
        self.asks: list[Order] = []

    def side(self, buy: bool) -> list[Order]:
        return self.bids if buy else self.asks

    def add(self, order: Order) -> None:
        insort(self.side(order.buy), order, key=_priority)

    def remove(self, order: Order) -> None:
        self.side(order.buy).remove(order)

    def levels(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]] | None:
        """Resting volume for the market's snapshot, or None when there is none."""
        if not self.bids and not self.asks:
            return None
        return [(o.ticks, o.left) for o in self.bids], [(o.ticks, o.left) for o in self.asks]


def _priority(order: Order) -> tuple[int, int]:
    return (-order.ticks if order.buy else order.ticks, order.number)


Chance = tuple[int, int, Order | None]
"""Something to trade with: price in ticks, lots, and the client's order or None (the market)."""

_MARKET_NUMBER: Final = 1 << 62
"""Behind every client's order at the same price."""


class Matcher:
    """The exchanges' matching of all instruments."""

    def __init__(self, first_trade: int = 1) -> None:
        self._books: dict[str, Book] = {}
        # TradeID is unique within one exchange only, and so it is here.
        self._next_trade: defaultdict[str, int] = defaultdict(lambda: first_trade)

    def submit(self, order: Order, quote: Quote) -> list[Fill]:
        """Match a new order; what is left then rests, or is to be cancelled by the caller.

        The order rests when it ``rests`` and has volume left.
        """
        chances = list(self._chances(order, quote))
        available = sum(volume for _, volume, _ in chances)
        if available < _required(order):
            return []
        fills: list[Fill] = []
        for ticks, volume, contra in chances:
            if not order.left:
                break
            fills += self._trade(order, contra, quote, ticks, min(order.left, volume))
        if order.left and rests(order) and (order.price_type == LIMIT or fills):
            if order.price_type != LIMIT:
                order.ticks = fills[-1].ticks
            self._book(quote).add(order)
        self._show(quote)
        return fills

    def cancel(self, order: Order, quote: Quote) -> None:
        self._book(quote).remove(order)
        self._show(quote)

    def market_moved(self, quotes: dict[str, Quote]) -> list[Fill]:
        """Fill resting orders that the refilled market has come to; the price is the order's."""
        fills: list[Fill] = []
        for key, book in list(self._books.items()):
            quote = quotes[key]
            for order in (*book.bids, *book.asks):
                fills += self._met(order, quote)
            self._show(quote)
        return fills

    def _met(self, order: Order, quote: Quote) -> Iterator[Fill]:
        """Trade a resting order with the market's volume at its price or better."""
        sign = 1 if order.buy else -1
        for ticks, volume in quote.asks() if order.buy else quote.bids():
            if not order.left or sign * ticks > sign * order.ticks:
                return
            lots = min(order.left, volume)
            quote.take(from_asks=order.buy, ticks=ticks, volume=lots)
            yield self._fill(order, quote, order.ticks, lots, "")

    def is_resting(self, order: Order) -> bool:
        book = self._books.get(order.instrument.id)
        return book is not None and order in book.side(order.buy)

    def _book(self, quote: Quote) -> Book:
        return self._books.setdefault(quote.instrument.id, Book())

    def _show(self, quote: Quote) -> None:
        book = self._book(quote)
        for side in (book.bids, book.asks):
            side[:] = [order for order in side if order.left]
        quote.resting = book.levels()
        if quote.resting is None:
            del self._books[quote.instrument.id]

    def _chances(self, order: Order, quote: Quote) -> Iterator[Chance]:
        """What the order may trade with, in the order of price and time."""
        contra = self._book(quote).side(not order.buy)
        found: list[tuple[int, int, int, Order | None]] = [
            (other.ticks, other.number, other.left, other) for other in contra
        ]
        market = quote.asks() if order.buy else quote.bids()
        found += [(ticks, _MARKET_NUMBER, volume, None) for ticks, volume in market]
        sign = 1 if order.buy else -1
        found.sort(key=lambda chance: (sign * chance[0], chance[1]))
        prices = sorted({chance[0] for chance in found}, key=lambda ticks: sign * ticks)
        allowed = set(prices[: _levels(order.price_type)])
        for ticks, _, volume, other in found:
            if order.price_type == LIMIT and sign * ticks > sign * order.ticks:
                return
            if ticks in allowed:
                yield ticks, volume, other

    def _trade(
        self, order: Order, contra: Order | None, quote: Quote, ticks: int, volume: int
    ) -> list[Fill]:
        if contra is None:
            quote.take(from_asks=order.buy, ticks=ticks, volume=volume)
            return [self._fill(order, quote, ticks, volume, "")]
        fill = self._fill(order, quote, ticks, volume, contra.user)
        contra.left -= volume
        contra.traded += volume
        return [fill, Fill(fill.trade_number, contra, ticks, volume, order.user)]

    def _fill(self, order: Order, quote: Quote, ticks: int, volume: int, against: str) -> Fill:
        order.left -= volume
        order.traded += volume
        quote.trade(ticks, volume)
        exchange = order.instrument.exchange
        number = self._next_trade[exchange]
        self._next_trade[exchange] = number + 1
        return Fill(number, order, ticks, volume, against)


def rests(order: Order) -> bool:
    """Whether what is left of the order stays in the book.

    A CZCE market order (any price, good for day) does not: the exchange cancels its rest.
    """
    return order.time_condition != IMMEDIATE and order.price_type != ANY_PRICE


def _required(order: Order) -> int:
    """The volume without which an order does not trade at all."""
    if order.time_condition != IMMEDIATE:
        return 0
    if order.volume_condition == ALL_VOLUME:
        return order.volume
    return order.min_volume if order.volume_condition == MINIMUM_VOLUME else 0


def _levels(price_type: str) -> int | None:
    """How many price levels an order of this type may go through; None: all."""
    return {BEST_PRICE: 1, FIVE_LEVELS: DEPTH}.get(price_type)
