"""One order on its way through counter and exchange, and the trades it makes."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from sim.exchange.instruments import Instrument
from sim.exchange.values import Fields

BUY: Final = "0"
SELL: Final = "1"

LIMIT: Final = "2"
ANY_PRICE: Final = "1"
BEST_PRICE: Final = "3"
FIVE_LEVELS: Final = "G"

IMMEDIATE: Final = "1"
THIS_SECTION: Final = "2"
GOOD_FOR_DAY: Final = "3"

ANY_VOLUME: Final = "1"
MINIMUM_VOLUME: Final = "2"
ALL_VOLUME: Final = "3"

OPEN: Final = "0"
CLOSE: Final = "1"
FORCE_CLOSE: Final = "2"
CLOSE_TODAY: Final = "3"
CLOSE_YESTERDAY: Final = "4"

SPECULATION: Final = "1"

# OrderStatus
ALL_TRADED: Final = "0"
PART_TRADED: Final = "1"
QUEUEING: Final = "3"
CANCELLED: Final = "5"
UNKNOWN: Final = "a"

# OrderSubmitStatus
SUBMITTED: Final = "0"
ACCEPTED: Final = "3"
INSERT_REJECTED: Final = "4"


class Effect(Enum):
    """What an order does to the position of its user."""

    OPEN = "open"
    CLOSE_ANY = "close any"
    CLOSE_TODAY = "close today"
    CLOSE_HISTORY = "close history"


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """Prices in ticks; ``frozen_*`` is money per lot in ``UNITS``, held for what is ``left``."""

    number: int
    user: str
    instrument: Instrument
    buy: bool
    effect: Effect
    hedge: str
    price_type: str
    time_condition: str
    volume_condition: str
    min_volume: int
    ticks: int
    volume: int
    left: int
    fields: Fields
    """The CTP Order struct as last told; only the desk writes it."""
    traded: int = 0
    status: str = UNKNOWN
    frozen_margin: int = 0
    frozen_commission: int = 0
    frozen_cash: int = 0
    frozen_amount: int = 0
    """Turnover of one lot at the price that was frozen for."""

    @property
    def long(self) -> bool:
        """The side of the position that this order changes."""
        return self.buy if self.effect is Effect.OPEN else not self.buy

    @property
    def is_live(self) -> bool:
        return self.status in (UNKNOWN, QUEUEING, PART_TRADED)


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of one client's order; both sides of a crossing share ``trade_number``."""

    trade_number: int
    order: Order
    ticks: int
    volume: int
    against: str
    """UserID of the other side, "" for the market itself."""
