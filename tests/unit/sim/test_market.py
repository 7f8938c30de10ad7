"""The synthetic market: deterministic, on the price grid, inside the limits, complete."""

from __future__ import annotations

from datetime import date

import pytest

from sim.exchange.counter import Counter
from sim.exchange.instruments import listing
from sim.exchange.market import STEP_NS, Market
from sim.exchange.settings import Settings
from sim.exchange.values import Fields, number
from tests.unit.sim.trader import NOW_NS, exchange, quote_of

DAY = date(2026, 1, 5)


def run(seed: int, count: int) -> list[Fields]:
    market = Market(listing(DAY), DAY, seed, always=True)
    ticks: list[Fields] = []
    for k in range(count):
        now_ns = NOW_NS + k * STEP_NS
        ticks += market.ticks(market.move(now_ns), now_ns)
    return ticks


def test_the_same_seed_makes_the_same_market() -> None:
    assert run(7, 20) == run(7, 20)
    assert run(7, 20) != run(8, 20)


def test_every_instrument_has_a_tick_twice_a_second() -> None:
    counter = exchange()
    names = {i.id for i in counter.instruments()}
    for k in (1, 2):
        ticks, _ = counter.advance(NOW_NS + k * STEP_NS)
        assert {tick["InstrumentID"] for tick in ticks} == names


def test_prices_are_on_the_grid_and_inside_the_limits() -> None:
    instruments = listing(DAY)
    for tick in run(3, 60):
        i = instruments[str(tick["InstrumentID"])]
        upper, lower = number(tick, "UpperLimitPrice"), number(tick, "LowerLimitPrice")
        prices = [tick["LastPrice"], tick["HighestPrice"], tick["LowestPrice"], tick["OpenPrice"]]
        prices += [tick[f"{side}Price{k}"] for side in ("Bid", "Ask") for k in range(1, 6)]
        for price in prices:
            if price is not None:
                assert lower <= float(price) <= upper, (i.id, tick)
                assert i.ticks(float(price)) == round(i.ticks(float(price)))


def test_highs_lows_and_totals_only_grow() -> None:
    before: dict[str, Fields] = {}
    for tick in run(5, 50):
        key = str(tick["InstrumentID"])
        last = number(tick, "LastPrice")
        assert number(tick, "LowestPrice") <= last <= number(tick, "HighestPrice")
        if key in before:
            for name in ("Volume", "Turnover", "HighestPrice"):
                assert number(tick, name) >= number(before[key], name)
        before[key] = tick


@pytest.mark.parametrize(
    ("code", "levels"),
    [("cu2603", 5), ("sc2603", 5), ("600000", 5), ("m2605", 1), ("SR605", 1), ("T2603", 1)],
)
def test_an_exchange_shows_its_number_of_levels(code: str, levels: int) -> None:
    tick = exchange().snapshot(code)
    assert tick is not None
    for k in range(1, 6):
        shown = k <= levels
        assert (tick[f"BidPrice{k}"] is not None) == shown
        assert (number(tick, f"BidVolume{k}") > 0) == shown


def test_an_index_has_a_price_and_no_book() -> None:
    tick = exchange().snapshot("399001")
    assert tick is not None
    assert number(tick, "LastPrice") > 0 and tick["BidPrice1"] is None
    assert tick["AskVolume1"] == 0


def test_at_the_upper_limit_nobody_sells() -> None:
    counter = exchange()
    quote = quote_of(counter, "cu2603")
    quote.bid = quote.upper + 50
    quote.move(0)
    tick = quote.snapshot("10:00:00", 0)
    assert tick["LastPrice"] == tick["BidPrice1"] == tick["UpperLimitPrice"]
    assert tick["AskPrice1"] is None and tick["AskVolume1"] == 0


def test_at_the_lower_limit_nobody_buys() -> None:
    counter = exchange()
    quote = quote_of(counter, "cu2603")
    quote.bid = quote.lower - 50
    quote.move(0)
    tick = quote.snapshot("10:00:00", 0)
    assert tick["LastPrice"] == tick["AskPrice1"] == tick["LowerLimitPrice"]
    assert tick["BidPrice1"] is None and tick["BidVolume1"] == 0


def test_average_price_is_turnover_by_volume_but_true_at_czce() -> None:
    counter = exchange()
    for code, factor in (("cu2603", 5), ("SR605", 1)):
        tick = counter.snapshot(code)
        assert tick is not None
        ratio = number(tick, "AveragePrice") / number(tick, "LastPrice")
        assert ratio == pytest.approx(factor, rel=0.02)


def test_dates_at_night_differ_by_exchange() -> None:
    # Friday 21:30: the trading day is Monday's.
    friday_night = NOW_NS + (4 * 24 * 60 + 11 * 60 + 30) * 60 * 10**9
    counter = Counter(Settings(), friday_night)
    dates = {
        code: (tick["TradingDay"], tick["ActionDay"])
        for code in ("cu2603", "m2605", "SR605")
        if (tick := counter.snapshot(code)) is not None
    }
    assert dates == {
        "cu2603": ("20260112", "20260109"),
        "m2605": ("20260112", "20260112"),
        "SR605": ("20260109", "20260109"),
    }


def test_times_step_by_half_seconds() -> None:
    counter = exchange()
    stamps = []
    for k in range(1, 5):
        counter.advance(NOW_NS + k * STEP_NS)
        tick = counter.snapshot("cu2603")
        assert tick is not None
        stamps.append((tick["UpdateTime"], tick["UpdateMillisec"]))
    assert stamps == [("10:00:00", 500), ("10:00:01", 0), ("10:00:01", 500), ("10:00:02", 0)]


def test_no_value_is_none_during_the_day() -> None:
    tick = exchange().snapshot("cu2603")
    assert tick is not None
    assert tick["ClosePrice"] is tick["SettlementPrice"] is tick["CurrDelta"] is None


def test_a_sleep_is_not_run_through() -> None:
    counter = exchange()
    ticks, _ = counter.advance(NOW_NS + 3600 * 10**9)
    assert len(ticks) <= 9 * len(counter.instruments())
    assert counter.next_step_ns == NOW_NS + 3600 * 10**9 + STEP_NS


@pytest.mark.parametrize(
    ("minutes", "quoting"),
    [
        (0, {"cu2603", "m2605", "600000"}),  # Monday 10:00
        (20, {"600000"}),  # 10:20, the break of the commodity exchanges
        (8 * 60, set()),  # 18:00
        (12 * 60, {"cu2603", "m2605"}),  # 22:00
        (14 * 60 + 30, {"cu2603"}),  # 00:30
        (-9 * 60, set()),  # Monday 01:00: there is no Sunday night
        (4 * 1440 + 14 * 60 + 30, {"cu2603"}),  # Saturday 00:30 is Friday's night
        (5 * 1440, set()),  # Saturday 10:00
    ],
)
def test_by_exchange_hours_only_open_products_quote(minutes: int, quoting: set[str]) -> None:
    now_ns = NOW_NS + minutes * 60 * 10**9
    counter = Counter(Settings(hours="exchange"), now_ns)
    ticks, _ = counter.advance(now_ns)
    names = {tick["InstrumentID"] for tick in ticks}
    assert names & {"cu2603", "m2605", "600000"} == quoting
    # Even then there is a last tick of everything.
    assert counter.snapshot("cu2603") is not None
