"""A client of the exchange's core, in one line per request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from sim.exchange import days
from sim.exchange.counter import Counter, Settings
from sim.exchange.events import Event
from sim.exchange.market import STEP_NS, Quote
from sim.exchange.settings import UserSettings
from sim.exchange.values import Fields, Value, number, text

MONDAY = datetime(2026, 1, 5, 10, 0, tzinfo=days.CHINA)
NOW_NS = int(MONDAY.timestamp()) * 10**9
USERS = ("100001", "100002")
SETTINGS = Settings(
    confirm_settlement=False, users=tuple(UserSettings(user) for user in ("028742", *USERS))
)


@dataclass
class Trader:
    """One session, logged in as one user."""

    counter: Counter
    user: str
    session: int
    now_ns: int = NOW_NS
    requests: int = field(default=0)

    def ask(self, method: str, **fields: Value) -> list[Event]:
        self.requests += 1
        return self.counter.request(self.session, method, fields, self.requests, self.now_ns)

    def order(
        self, instrument: str, price: float = 0.0, volume: int = 1, **fields: Value
    ) -> Fields:
        """Send an order (buy to open, limit, for the day) and give its last state."""
        events = self.events(instrument, price, volume, **fields)
        orders = [e.field for e in events if e.callback == "OnRtnOrder" and e.user == self.user]
        assert orders and orders[-1] is not None, events
        sent = orders[0]
        assert sent is not None
        own = [o for o in orders if o and o["OrderLocalID"] == sent["OrderLocalID"]]
        return own[-1] or {}

    def events(
        self, instrument: str, price: float = 0.0, volume: int = 1, **fields: Value
    ) -> list[Event]:
        merged = {**input_order(self.user, instrument, price, volume), **fields}
        return self.ask("ReqOrderInsert", **merged)

    def refusal(
        self, instrument: str, price: float = 0.0, volume: int = 1, **fields: Value
    ) -> tuple[int | None, str]:
        """Send an order that the counter refuses and give the error."""
        merged = {**input_order(self.user, instrument, price, volume), **fields}
        answer, copy = self.ask("ReqOrderInsert", **merged)
        assert (answer.callback, copy.callback) == ("OnRspOrderInsert", "OnErrRtnOrderInsert")
        assert answer.session == self.session and copy.user == self.user
        assert answer.error_id == copy.error_id
        return answer.error_id, answer.error_msg

    def cancel(self, order: Fields) -> list[Event]:
        return self.ask(
            "ReqOrderAction",
            BrokerID="9999",
            InvestorID=self.user,
            ActionFlag="0",
            ExchangeID=order["ExchangeID"],
            OrderSysID=order["OrderSysID"],
        )

    def rows(self, method: str, **filters: Value) -> list[Fields]:
        return [event.field for event in self.ask(method, **filters) if event.field is not None]

    def account(self) -> Fields:
        (row,) = self.rows("ReqQryTradingAccount")
        return row

    def held(self, instrument: str) -> dict[tuple[str, str], int]:
        """Position by (direction, position date)."""
        return {
            (text(row, "PosiDirection"), text(row, "PositionDate")): int(number(row, "Position"))
            for row in self.rows("ReqQryInvestorPosition", InstrumentID=instrument)
        }

    def quote(self, instrument: str) -> Quote:
        return quote_of(self.counter, instrument)


def input_order(user: str, instrument: str, price: float, volume: int) -> Fields:
    return {
        "BrokerID": "9999",
        "InvestorID": user,
        "InstrumentID": instrument,
        "LimitPrice": price,
        "VolumeTotalOriginal": volume,
        "OrderPriceType": "2",
        "Direction": "0",
        "CombOffsetFlag": "0",
        "CombHedgeFlag": "1",
        "TimeCondition": "3",
        "VolumeCondition": "1",
        "ContingentCondition": "1",
        "ForceCloseReason": "0",
    }


def exchange(**settings: object) -> Counter:
    """A counter at ten on a Monday, one step after its start, so that the books are full."""
    counter = Counter(replace(SETTINGS, **settings), NOW_NS)  # type: ignore[arg-type]
    counter.advance(NOW_NS)
    return counter


def log_in(counter: Counter, user: str = "100001", now_ns: int = NOW_NS) -> Trader:
    session = counter.connect(now_ns)
    answers = counter.request(
        session,
        "ReqUserLogin",
        {"BrokerID": "9999", "UserID": user, "Password": "123456"},
        0,
        now_ns,
    )
    assert [answer.error_id for answer in answers] == [0]
    return Trader(counter, user, session, now_ns)


def quote_of(counter: Counter, instrument: str) -> Quote:
    return counter._floor.market.quotes[instrument]


def still(counter: Counter, instrument: str, bid: int, ask: int, volume: int = 10) -> Quote:
    """Set the market's book of an instrument, in ticks; it stays until the next step."""
    quote = quote_of(counter, instrument)
    quote.bid, quote.ask = bid, ask
    quote.bid_volumes = [volume] * 5
    quote.ask_volumes = [volume] * 5
    return quote


def steps(counter: Counter, now_ns: int, count: int) -> list[Event]:
    """Let the market make some steps; what happened to orders."""
    events = []
    for k in range(1, count + 1):
        events += counter.advance(now_ns + k * STEP_NS)[1]
    return events
