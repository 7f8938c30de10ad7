"""What the live page shows, without a page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from admin.live.feed import flowing
from admin.live.quotes import GAP_S, Followed, Level, Mark, quote
from admin.live.rates import Rates, quantile_ms
from admin.live.series import Series
from admin.watch.health import Colour, Light
from bus.client import Fresh, Gap, Restarted, Stale, Tick
from bus.client.items import Item
from bus.stats import MdStat

TOPIC = "tick/rb2701/"


def tick(seq: int = 1) -> Tick:
    return Tick(TOPIC, 1, seq, 0, 0, 0, 0, 0, b"")


def gap(first: int, last: int | None, reason: Any = "lost") -> Gap:
    return Gap(TOPIC, 1, first, last, reason)


@pytest.mark.parametrize(
    ("items", "mark"),
    [
        ([], Mark.WAITING),
        ([Stale(TOPIC)], Mark.WAITING),
        ([tick()], Mark.FRESH),
        ([tick(), Stale(TOPIC)], Mark.STALE),
        ([tick(), Stale(TOPIC), Fresh(TOPIC)], Mark.FRESH),
        ([tick(), Restarted(TOPIC, 2)], Mark.STALE),
        ([tick(), Restarted(TOPIC, 2), tick()], Mark.FRESH),
        ([tick(), gap(2, 3), tick(4)], Mark.GAP),
        ([tick(), gap(2, None), Restarted(TOPIC, 2), tick()], Mark.GAP),
        ([gap(1, 3), tick(4)], Mark.FRESH),  # before anybody looked
        ([tick(), gap(2, 3, "slow"), tick(4)], Mark.FRESH),  # the page was slow, not the bus
        ([tick(), gap(2, 3), Stale(TOPIC)], Mark.STALE),
    ],
)
def test_a_quote_is_marked_by_what_came(items: list[Item], mark: Mark) -> None:
    followed = Followed()
    for item in items:
        followed.take(item, 100.0)
    assert followed.mark(101.0, True) is mark


def test_a_loss_is_shown_for_a_while_and_counted_for_good() -> None:
    followed = Followed()
    for item in (tick(), gap(2, 6), tick(7)):
        followed.take(item, 100.0)
    assert followed.mark(100.0 + GAP_S - 1, True) is Mark.GAP
    assert followed.mark(100.0 + GAP_S + 1, True) is Mark.FRESH
    assert (followed.lost, followed.ticks) == (5, 2)


def test_without_a_front_the_last_tick_is_stale() -> None:
    followed = Followed()
    followed.take(tick(), 100.0)
    assert followed.mark(100.1, False) is Mark.STALE


def light(name: str, colour: Colour) -> Light:
    return Light(name, colour, 0, "", "")


@pytest.mark.parametrize(
    ("lights", "flows"),
    [
        ([], True),
        ([("md_front.md_worker", Colour.GREEN), ("md_data.md_worker", Colour.GREY)], True),
        ([("md_front.md_worker", Colour.RED), ("md_data.md_worker", Colour.GREY)], False),
        ([("md_front.md_worker", Colour.GREEN), ("md_data.md_worker", Colour.RED)], False),
        ([("md_data.md_worker_a", Colour.RED), ("md_data.md_worker_b", Colour.GREEN)], True),
        ([("td_front", Colour.RED), ("md_data.md_worker", Colour.GREEN)], True),
    ],
)
def test_ticks_flow_while_one_feed_is_well(lights: list[tuple[str, Colour]], flows: bool) -> None:
    assert flowing(light(*each) for each in lights) is flows


FIELDS: dict[str, Any] = {
    "ExchangeID": "SHFE",
    "LastPrice": 3105.0,
    "PreSettlementPrice": 3100.0,
    "PreClosePrice": 3090.0,
    "OpenPrice": None,
    "HighestPrice": 3110.0,
    "LowestPrice": 3095.0,
    "UpperLimitPrice": 3300.0,
    "LowerLimitPrice": 2900.0,
    "Volume": 12,
    "OpenInterest": 100.0,
    "UpdateTime": "09:00:01",
    "UpdateMillisec": 5,
    **{f"{side}{what}{n}": None for side in ("Bid", "Ask") for what in ("Price",) for n in "12345"},
    **{f"{side}Volume{n}": 0 for side in ("Bid", "Ask") for n in "12345"},
    "BidPrice1": 3104.0,
    "BidVolume1": 7,
    "AskPrice1": 3105.0,
}


def test_a_quote_leaves_out_what_the_counter_does_not_say() -> None:
    found = quote("rb2701", FIELDS, 5)
    assert found.bids == (Level(3104.0, 7),)
    assert found.asks == ()  # a price without a volume is none
    assert (found.change, found.open) == (5.0, None)
    assert found.change_percent == pytest.approx(5 / 31)
    assert found.time == "09:00:01.005"
    nothing = quote("rb2701", {**FIELDS, "LastPrice": None, "PreSettlementPrice": None}, 5)
    assert (nothing.change, nothing.change_percent, nothing.base) == (None, None, 3090.0)


def test_a_series_keeps_the_newest_value_of_each_step_and_stays_bounded() -> None:
    series = Series(span_s=10, step_s=1)
    for ms in range(0, 60_000, 100):
        series.add(float(ms), ms / 100)
    points = series.points()
    assert len(points) <= 12
    assert points[-1] == (59_900.0, 599.0)
    series.add(100.0, 1.0)  # older: a line does not go back
    assert series.points() == points


def test_a_hole_in_a_series_stays() -> None:
    series = Series(span_s=10, step_s=1)
    series.add(0.0, None)
    assert len(series) == 0
    series.add(0.0, 1.0)
    series.add(100.0, None)
    series.add(200.0, None)
    series.add(300.0, 2.0)
    assert series.points() == [(0.0, 1.0), (100.0, None), (300.0, 2.0)]


def test_what_was_before_stands_before_what_came_meanwhile() -> None:
    series = Series(span_s=10, step_s=1)
    series.add(9_000.0, 9.0)
    series.begin([(float(ms), ms / 1000) for ms in range(-20_000, 12_000, 500)])
    points = series.points()
    assert points[-1] == (9_000.0, 9.0)
    assert points == sorted(points)
    assert points[0][0] >= -1_000.0
    json.dumps(points)


def stat(count: int, pid: int = 1, hops: dict[str, list[int]] | None = None) -> MdStat:
    return MdStat(
        program="md_worker",
        pid=pid,
        started_ns=0,
        interval_s=1.0,
        memory=0,
        cpu_s=0.0,
        files=0,
        most_files=0,
        counters={"ticks": count, "ticks_failed": 0},
        queues={},
        kinds={"requests": {"100001": count}},
        hops=hops or {},
    )


def test_rates_are_differences_within_one_life_of_a_process() -> None:
    rates = Rates()
    for at, each in enumerate([stat(10), stat(30), stat(5, pid=2), stat(7, pid=2)]):
        rates.look({"md_worker": each}, at * 1000.0)
    assert [value for _, value in rates.rates["md_worker", "ticks"].points()] == [20.0, 2.0]
    assert ("md_worker", "ticks_failed") not in rates.rates
    assert [value for _, value in rates.rates["md_worker", "requests"].points()] == [20.0, 2.0]


def test_the_same_word_is_counted_once() -> None:
    rates, told = Rates(), [stat(1), stat(2)]
    for each in (told[0], told[1], told[1], told[1]):
        rates.look({"md_worker": each}, 1000.0)
    assert rates.number == 2


def test_delays_are_of_the_last_second() -> None:
    rates = Rates()
    slow, fast = [0] * 20 + [100], [0] * 10 + [98, 0, 2]
    both = [slow[n] + (fast[n] if n < len(fast) else 0) for n in range(len(slow))]
    for at, counts in enumerate([slow, both, both]):
        rates.look({"md_worker": stat(0, hops={"bus": counts})}, at * 1000.0)
    hop = rates.hops["md_worker", "bus"]
    assert (hop.messages, hop.p50_ms, hop.p99_ms) == (100, 2**10 / 1e6, 2**12 / 1e6)
    # Nothing in the last second: a hole, not a zero.
    assert [value for _, value in rates.delays["md_worker", "bus"].points()] == [2**12 / 1e6, None]


def test_a_quantile_of_nothing_is_nothing() -> None:
    assert quantile_ms([], 0.5) == 0.0
    assert quantile_ms([0, 1], 0.99) == 2 / 1e6
