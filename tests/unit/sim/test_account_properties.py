"""Whatever clients do: no money appears, nothing is negative, and what ends is let go."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.exchange import reports
from sim.exchange.counter import Counter
from sim.exchange.instruments import Instrument, listing
from sim.exchange.ledger import AcceptedOrder, EndedOrder, ExecutedTrade
from sim.exchange.market import STEP_NS
from sim.exchange.values import UNITS
from tests.unit.sim.trader import NOW_NS, USERS, Trader, exchange, log_in, quote_of

# Split rows, one row, a stock (T+1), a fund (T+0), options of both kinds of exchange.
INSTRUMENTS = (
    ("cu2603", 1),
    ("m2605", 1),
    ("600000", 100),
    ("518880", 100),
    ("cu2602C79000", 1),
    ("IO2601-P-4500", 1),
)
DAY_NS = 24 * 3600 * 10**9

orders = st.tuples(
    st.just("order"),
    st.integers(0, 1),
    st.integers(0, len(INSTRUMENTS) - 1),
    st.sampled_from("01"),
    # Mostly openings, else there is little to close.
    st.sampled_from("000134"),
    st.integers(-3, 6),
    st.integers(1, 12),
    st.sampled_from(["31", "31", "11", "12", "13"]),
)
cancels = st.tuples(st.just("cancel"), st.integers(0, 1), st.integers(0, 20))
moves = st.tuples(st.just("step"), st.integers(1, 3))
# Long ones: short scripts hold no position that anything could go wrong with.
scripts = st.lists(st.one_of(orders, orders, orders, cancels, moves), min_size=20, max_size=50)


@pytest.fixture(scope="module", autouse=True)
def small_exchange() -> Iterator[None]:
    """Only what the scripts trade is listed: 884 instruments would take most of the time."""
    codes = {code for code, _ in INSTRUMENTS} | {"cu2602", "000300"}

    def some(day: date) -> dict[str, Instrument]:
        return {code: i for code, i in listing(day).items() if code in codes}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.exchange.floor.listing", some)
        yield


class Play:
    """A script of clients' doings on an exchange."""

    def __init__(self) -> None:
        self.counter: Counter = exchange()
        self.now_ns = NOW_NS
        self.traders = self._log_in()
        self.fees: dict[tuple[str, str], int] = {}

    def _log_in(self) -> list[Trader]:
        return [log_in(self.counter, user, self.now_ns) for user in USERS]

    def run(self, script: list[tuple[Any, ...]]) -> None:
        for verb, *arguments in script:
            do: Callable[..., None] = getattr(self, verb)
            do(*arguments)
            check_accounts(self)

    def order(
        self, who: int, what: int, side: str, offset: str, off: int, volume: int, kind: str
    ) -> None:
        code, lot = INSTRUMENTS[what]
        quote = quote_of(self.counter, code)
        aim = quote.bid + off if side == "0" else quote.ask - off
        ticks = min(max(aim, quote.lower), quote.upper)
        self.traders[who].events(
            code,
            quote.instrument.price(ticks),
            volume * lot,
            Direction=side,
            CombOffsetFlag=offset,
            TimeCondition=kind[0],
            VolumeCondition=kind[1],
            MinVolume=min(volume, 5) * lot,
        )

    def cancel(self, who: int, back: int) -> None:
        rows = self.traders[who].rows("ReqQryOrder")
        if rows:
            self.traders[who].cancel(rows[-1 - back % len(rows)])

    def step(self, count: int) -> None:
        for _ in range(count):
            self.now_ns += STEP_NS
            self.counter.advance(self.now_ns)

    def next_day(self) -> None:
        self.now_ns += DAY_NS
        self.counter.advance(self.now_ns)
        self.traders = self._log_in()

    def cancel_all(self) -> None:
        for trader in self.traders:
            for row in trader.rows("ReqQryOrder"):
                if row["OrderStatus"] in ("1", "3"):
                    trader.cancel(row)


def check_accounts(play: Play) -> None:
    floor = play.counter._floor
    for user in USERS:
        account = play.counter.gate.users[user].account
        live = [o for o in floor.orders if o.user == user and o.is_live]
        assert account.frozen_margin == sum(o.frozen_margin * o.left for o in live)
        assert account.frozen_commission == sum(o.frozen_commission * o.left for o in live)
        assert account.frozen_cash == sum(o.frozen_cash * o.left for o in live)
        positions = list(account.positions())
        parts = [(p, part) for p in positions for part in (p.today, p.history)]
        assert account.margin == sum(part.margin for _, part in parts) >= 0
        for position, part in parts:
            lots = [lot for lot in part.lots if lot.volume]
            assert part.volume == sum(lot.volume for lot in lots) >= 0
            assert part.margin == sum(lot.margin * lot.volume for lot in lots)
            assert part.cost == sum(
                position.instrument.amount(lot.basis, lot.volume) for lot in lots
            )
            assert part.frozen >= 0 and part.pending_volume >= 0
        for position in positions:
            assert position.today.frozen + position.history.frozen <= position.volume
            if not position.long:
                assert not position.instrument.is_security, "sold short"
        assert account.balance(floor.last) == recomputed(play, user) - fees(play, user)


def recomputed(play: Play, user: str) -> int:
    """The balance before fees, from the exchange's own record of trades."""
    total = 20_000_000 * UNITS
    for trade in play.counter.ledger.trades():
        if trade.user == user:
            quote = quote_of(play.counter, trade.instrument)
            instrument = quote.instrument
            sign = 1 if trade.direction == "0" else -1
            ticks = round(instrument.ticks(trade.price))
            now = 0 if instrument.is_option else quote.last
            total += sign * instrument.amount(now - ticks, trade.volume)
    return total


def fees(play: Play, user: str) -> int:
    """Commission of all days; the account itself knows only today's."""
    account = play.counter.gate.users[user].account
    play.fees[user, play.counter.trading_day] = account.commission
    return sum(amount for (owner, _), amount in play.fees.items() if owner == user)


@settings(max_examples=60, deadline=None)
@given(scripts)
def test_money_and_lots_add_up_at_every_moment(script: list[tuple[Any, ...]]) -> None:
    Play().run(script)


@settings(max_examples=60, deadline=None)
@given(scripts, scripts)
def test_they_add_up_over_the_end_of_a_day(
    monday: list[tuple[Any, ...]], tuesday: list[tuple[Any, ...]]
) -> None:
    play = Play()
    play.run(monday)
    play.next_day()
    check_accounts(play)
    for trader in play.traders:
        account = trader.account()
        assert account["FrozenMargin"] == account["FrozenCash"] == 0.0
        assert account["Commission"] == account["CloseProfit"] == account["CashIn"] == 0.0
        assert trader.rows("ReqQryOrder") == []
    play.run(tuesday)


@settings(max_examples=60, deadline=None)
@given(scripts)
def test_nothing_stays_frozen_when_orders_end(script: list[tuple[Any, ...]]) -> None:
    play = Play()
    play.run(script)
    play.cancel_all()
    for trader in play.traders:
        account = trader.account()
        assert account["FrozenMargin"] == 0.0
        assert account["FrozenCommission"] == 0.0
        assert account["FrozenCash"] == 0.0
        for row in trader.rows("ReqQryInvestorPosition"):
            assert row["LongFrozen"] == row["ShortFrozen"] == 0


@settings(max_examples=60, deadline=None)
@given(scripts)
def test_every_trade_has_two_sides_and_every_order_adds_up(script: list[tuple[Any, ...]]) -> None:
    play = Play()
    play.run(script)
    play.cancel_all()
    sides: Tally[tuple[str, str, str]] = Tally()
    ordered: dict[tuple[str, str], int] = {}
    for entry in play.counter.ledger.since():
        match entry:
            case AcceptedOrder():
                ordered[entry.exchange, entry.order_sys_id] = entry.volume
            case ExecutedTrade():
                sides[entry.exchange, entry.trade_id, entry.direction] += 1
                ordered[entry.exchange, entry.order_sys_id] -= entry.volume
                if entry.against:
                    other = "1" if entry.direction == "0" else "0"
                    sides[entry.exchange, entry.trade_id, other] += 0
            case EndedOrder():
                ordered[entry.exchange, entry.order_sys_id] -= entry.untraded
    assert set(ordered.values()) <= {0}
    assert all(count == 1 for count in sides.values()), "unique, and both sides there"


@settings(max_examples=40, deadline=None)
@given(scripts)
def test_the_private_stream_tells_the_same_story_as_the_queries(
    script: list[tuple[Any, ...]],
) -> None:
    play = Play()
    play.run(script)
    for trader in play.traders:
        stream = play.counter.private_stream(trader.user, 0)
        assert [event.seq for event in stream] == list(range(1, len(stream) + 1))
        assert all(event.user == trader.user for event in stream)
        last = {
            str(event.field["OrderLocalID"]): event.field
            for event in stream
            if event.callback == "OnRtnOrder" and event.field
        }
        assert list(last.values()) == sorted(
            trader.rows("ReqQryOrder"), key=lambda row: list(last).index(str(row["OrderLocalID"]))
        )
        trades = [event.field for event in stream if event.callback == "OnRtnTrade"]
        assert trades == trader.rows("ReqQryTrade")


@settings(max_examples=30, deadline=None)
@given(scripts)
def test_the_same_script_makes_the_same_story(script: list[tuple[Any, ...]]) -> None:
    one, other = Play(), Play()
    one.run(script)
    other.run(script)
    assert one.counter.ledger.since() == other.counter.ledger.since()
    for user in USERS:
        assert one.counter.private_stream(user, 0) == other.counter.private_stream(user, 0)


@settings(max_examples=40, deadline=None)
@given(scripts)
def test_rows_add_up_to_the_account(script: list[tuple[Any, ...]]) -> None:
    play = Play()
    play.run(script)
    for trader in play.traders:
        floor = play.counter._floor
        account = play.counter.gate.users[trader.user].account
        total = reports.trading_account(account, floor, "9999")
        rows = trader.rows("ReqQryInvestorPosition")
        details = trader.rows("ReqQryInvestorPositionDetail")
        for name, column in (
            ("CurrMargin", "UseMargin"),
            ("Commission", "Commission"),
            ("CloseProfit", "CloseProfit"),
            ("PositionProfit", "PositionProfit"),
            ("CashIn", "CashIn"),
            ("FrozenMargin", "FrozenMargin"),
            ("FrozenCash", "FrozenCash"),
        ):
            assert abs(float(total[name] or 0) - sum_of(rows, column)) < 0.01, name
        assert abs(sum_of(details, "Margin") - sum_of(rows, "UseMargin")) < 0.01
        assert sum_of(details, "Volume") == sum_of(rows, "Position")


def sum_of(rows: list[dict[str, Any]], column: str) -> float:
    return float(sum(row[column] for row in rows))
