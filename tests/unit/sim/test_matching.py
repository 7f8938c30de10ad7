"""Matching: prices, times, volumes, immediate orders, and clients among themselves."""

from __future__ import annotations

import pytest

from sim.exchange.counter import Counter
from sim.exchange.market import STEP_NS
from sim.exchange.values import Fields, Value, number, text
from tests.unit.sim.trader import NOW_NS, Trader, exchange, log_in, quote_of, steps, still

BID, ASK = 7930, 7931  # cu2603 in ticks of 10 yuan: 79300 and 79310
FAK: dict[str, Value] = {"TimeCondition": "1", "VolumeCondition": "1"}
FOK: dict[str, Value] = {"TimeCondition": "1", "VolumeCondition": "3"}
SELL: dict[str, Value] = {"Direction": "1"}


@pytest.fixture
def counter() -> Counter:
    counter = exchange()
    still(counter, "cu2603", BID, ASK)
    return counter


@pytest.fixture
def trader(counter: Counter) -> Trader:
    return log_in(counter)


def state(order: Fields) -> tuple[str, str, int, int]:
    return (
        text(order, "OrderStatus"),
        text(order, "OrderSubmitStatus"),
        int(number(order, "VolumeTraded")),
        int(number(order, "VolumeTotal")),
    )


def prices(trader: Trader) -> list[tuple[float, int]]:
    rows = trader.rows("ReqQryTrade")
    return [(number(row, "Price"), int(number(row, "Volume"))) for row in rows]


# The market shows 10 lots on each of five levels: asks 79310 to 79350, bids 79300 to 79260.
@pytest.mark.parametrize(
    ("price", "volume", "extra", "expected", "trades"),
    [
        (79300, 3, {}, ("3", "3", 0, 3), []),
        (79310, 3, {}, ("0", "3", 3, 0), [(79310, 3)]),
        (79350, 3, {}, ("0", "3", 3, 0), [(79310, 3)]),
        (79320, 15, {}, ("0", "3", 15, 0), [(79310, 10), (79320, 5)]),
        (79320, 25, {}, ("1", "3", 20, 5), [(79310, 10), (79320, 10)]),
        (79300, 3, FAK, ("5", "0", 0, 3), []),
        (79320, 25, FAK, ("5", "0", 20, 5), [(79310, 10), (79320, 10)]),
        (79320, 25, FOK, ("5", "0", 0, 25), []),
        (79320, 20, FOK, ("0", "3", 20, 0), [(79310, 10), (79320, 10)]),
        (
            79320,
            25,
            {**FAK, "VolumeCondition": "2", "MinVolume": 21},
            ("5", "0", 0, 25),
            [],
        ),
        (
            79320,
            25,
            {**FAK, "VolumeCondition": "2", "MinVolume": 20},
            ("5", "0", 20, 5),
            [(79310, 10), (79320, 10)],
        ),
        (79300, 3, SELL, ("0", "3", 3, 0), [(79300, 3)]),
        (79310, 3, SELL, ("3", "3", 0, 3), []),
        (79290, 25, SELL, ("1", "3", 20, 5), [(79300, 10), (79290, 10)]),
    ],
)
def test_orders_meet_the_shown_book(
    trader: Trader,
    price: float,
    volume: int,
    extra: dict[str, Value],
    expected: tuple[str, str, int, int],
    trades: list[tuple[float, int]],
) -> None:
    order = trader.order("cu2603", price, volume, **extra)
    assert state(order) == expected
    assert prices(trader) == trades


# IF2603 in ticks of 0.2; 10 lots a level. Limit 20 lots, market orders 10.
@pytest.mark.parametrize(
    ("price_type", "time_condition", "volume", "per_level", "expected", "trades"),
    [
        ("3", "1", 10, 4, ("5", "0", 4, 6), [(22501, 4)]),
        ("3", "3", 10, 4, ("1", "3", 4, 6), [(22501, 4)]),
        ("G", "1", 10, 4, ("0", "3", 10, 0), [(22501, 4), (22502, 4), (22503, 2)]),
        ("G", "1", 10, 1, ("5", "0", 5, 5), [(22501 + k, 1) for k in range(5)]),
        ("G", "3", 10, 1, ("1", "3", 5, 5), [(22501 + k, 1) for k in range(5)]),
        ("G", "3", 10, 0, ("5", "0", 0, 10), []),
    ],
)
def test_best_price_and_five_level_orders(
    price_type: str,
    time_condition: str,
    volume: int,
    per_level: int,
    expected: tuple[str, str, int, int],
    trades: list[tuple[int, int]],
) -> None:
    counter = exchange()
    quote = still(counter, "IF2603", 22500, 22501, per_level)
    trader = log_in(counter)
    extra: dict[str, Value] = {"OrderPriceType": price_type, "TimeCondition": time_condition}
    order = trader.order("IF2603", 0.0, volume, **extra)
    assert state(order) == expected
    assert prices(trader) == [(quote.instrument.price(ticks), lots) for ticks, lots in trades]


@pytest.mark.parametrize(
    ("instrument", "extra", "volume", "expected"),
    [
        ("m2605", {"TimeCondition": "1", "VolumeCondition": "3"}, 30, ("0", "3", 30, 0)),
        ("m2605", {"TimeCondition": "1", "VolumeCondition": "3"}, 60, ("5", "0", 0, 60)),
        ("SR605", {"TimeCondition": "3", "VolumeCondition": "3"}, 60, ("5", "0", 50, 10)),
    ],
)
def test_market_orders_take_any_price_and_do_not_rest(
    instrument: str, extra: dict[str, Value], volume: int, expected: tuple[str, str, int, int]
) -> None:
    counter = exchange()
    reference = quote_of(counter, instrument).instrument.reference
    still(counter, instrument, reference, reference + 1)
    order = log_in(counter).order(instrument, 0.0, volume, OrderPriceType="1", **extra)
    assert state(order) == expected


def test_a_resting_order_fills_at_its_price_when_the_market_comes(
    counter: Counter, trader: Trader
) -> None:
    order = trader.order("cu2603", 79290, 2)
    assert state(order) == ("3", "3", 0, 2)
    quote_of(counter, "cu2603").bid = BID - 20
    told = [event.callback for event in steps(counter, NOW_NS, 1)]
    assert told == ["OnRtnOrder", "OnRtnTrade"]
    assert prices(trader) == [(79290, 2)]


def test_a_large_resting_order_fills_in_parts(counter: Counter, trader: Trader) -> None:
    trader.order("cu2603", 79350, 80)
    events = steps(counter, NOW_NS, 40)
    fields = [e.field for e in events if e.callback == "OnRtnOrder" and e.field]
    statuses = [text(f, "OrderStatus") for f in fields]
    assert len(statuses) > 2 and set(statuses[:-1]) == {"1"} and statuses[-1] == "0"
    traded = [int(number(f, "VolumeTraded")) for f in fields]
    assert traded == sorted(traded) and traded[-1] == 80


def test_what_the_market_shows_is_shared_by_the_orders_it_comes_to(counter: Counter) -> None:
    first, second = log_in(counter, "100001"), log_in(counter, "100002")
    still(counter, "cu2603", 7900, 7950)
    first.order("cu2603", 79200, 4)
    second.order("cu2603", 79200, 4)
    quote = still(counter, "cu2603", 7919, 7920, 5)
    quote.ask_volumes = [5, 0, 0, 0, 0]
    fills = counter._floor.matcher.market_moved(counter._floor.market.quotes)
    assert [(fill.order.user, fill.volume) for fill in fills] == [("100001", 4), ("100002", 1)]
    assert quote.asks() == []


def test_clients_trade_with_each_other_at_the_resting_price(counter: Counter) -> None:
    buyer, seller = log_in(counter, "100001"), log_in(counter, "100002")
    still(counter, "cu2603", 7900, 7950)
    buyer.order("cu2603", 79200, 5)
    events = seller.events("cu2603", 79100, 3, Direction="1")
    users = [(e.user, e.callback) for e in events]
    assert users[1:] == [
        ("100002", "OnRtnOrder"),
        ("100002", "OnRtnTrade"),
        ("100001", "OnRtnOrder"),
        ("100001", "OnRtnTrade"),
    ]
    (bought,), (sold,) = buyer.rows("ReqQryTrade"), seller.rows("ReqQryTrade")
    assert bought["TradeID"] == sold["TradeID"]
    assert (bought["Price"], sold["Price"]) == (79200, 79200)
    assert (bought["Direction"], sold["Direction"]) == ("0", "1")


def test_price_goes_before_time_and_time_before_later(counter: Counter) -> None:
    first, second = log_in(counter, "100001"), log_in(counter, "100002")
    still(counter, "cu2603", 7900, 7950)
    first.order("cu2603", 79200, 1)
    second.order("cu2603", 79200, 1)
    second.order("cu2603", 79210, 1)
    seller = log_in(counter, "028742")
    seller.order("cu2603", 79200, 2, **SELL)
    assert prices(seller) == [(79210, 1), (79200, 1)]
    assert prices(first) == [(79200, 1)]
    assert prices(second) == [(79210, 1)]


def test_a_client_goes_before_the_market_at_one_price(counter: Counter) -> None:
    buyer, seller = log_in(counter, "100001"), log_in(counter, "100002")
    buyer.order("cu2603", 79300, 1)
    seller.order("cu2603", 79300, 1, **SELL)
    assert prices(buyer) == [(79300, 1)]


def test_both_sides_of_a_self_trade_share_a_trade_id(trader: Trader, counter: Counter) -> None:
    still(counter, "cu2603", 7900, 7950)
    trader.order("cu2603", 79200, 1)
    trader.order("cu2603", 79200, 1, **SELL)
    one, other = trader.rows("ReqQryTrade")
    assert one["TradeID"] == other["TradeID"]
    assert {one["Direction"], other["Direction"]} == {"0", "1"}


def test_taken_volume_is_gone_until_the_next_step(counter: Counter, trader: Trader) -> None:
    assert state(trader.order("cu2603", 79310, 10))[0] == "0"
    assert state(trader.order("cu2603", 79310, 1, **FAK))[0] == "5"
    counter.advance(NOW_NS + STEP_NS)
    ask = quote_of(counter, "cu2603").asks()[0][0]
    assert state(trader.order("cu2603", ask * 10.0, 1, **FAK))[0] == "0"


def test_resting_orders_are_shown_in_the_market_data(counter: Counter, trader: Trader) -> None:
    still(counter, "cu2603", 7900, 7950)
    trader.order("cu2603", 79200, 7)
    quote = quote_of(counter, "cu2603")
    tick = quote.snapshot("10:00:00", 0)
    assert (tick["BidPrice1"], tick["BidVolume1"]) == (79200.0, 7)
    assert tick["BidPrice2"] == 79000.0


def test_trades_of_clients_count_in_the_market_data(counter: Counter, trader: Trader) -> None:
    quote = quote_of(counter, "cu2603")
    before = quote.volume
    trader.order("cu2603", 79320, 15)
    assert quote.volume - before == 15
    assert quote.last == 7932


def test_a_cancelled_order_is_out_of_the_book(counter: Counter, trader: Trader) -> None:
    order = trader.order("cu2603", 79200, 2)
    (event,) = trader.cancel(order)
    assert event.field is not None
    assert state(event.field) == ("5", "3", 0, 2)
    quote_of(counter, "cu2603").bid = 7800
    assert steps(counter, NOW_NS, 1) == []


def test_all_orders_of_an_exchange_are_cancelled_at_once(counter: Counter) -> None:
    trader = log_in(counter)
    for instrument, price in (("cu2603", 79000), ("cu2604", 75000), ("m2605", 2900)):
        still(counter, instrument, 10**5, 10**5 + 1, 0)
        trader.order(instrument, price, 1)
    ask: dict[str, Value] = {"BrokerID": "9999", "InvestorID": "100001", "ExchangeID": "SHFE"}
    events = trader.ask("ReqBatchOrderAction", **ask)
    assert [event.callback for event in events] == ["OnRtnOrder", "OnRtnOrder"]
    live = [row for row in trader.rows("ReqQryOrder") if row["OrderStatus"] == "3"]
    assert [row["InstrumentID"] for row in live] == ["m2605"]
