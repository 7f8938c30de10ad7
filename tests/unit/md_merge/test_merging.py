"""Several feeds made one stream, without I/O."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas.catalogue
from md_merge import merging
from md_merge.merging import DOUBT_NS, DOUBT_TICKS, Merger, Tally, Verdict

CATALOGUE = schemas.catalogue.load()
LAYOUT = CATALOGUE.layouts["DepthMarketData"]
CODEC = CATALOGUE.codec("DepthMarketData")
NEW, DUPLICATE, LATE, FORGOTTEN = Verdict
SECOND = 1_000_000_000


def tick(
    volume: int = 0,
    time: str = "09:30:00",
    millisec: int = 0,
    day: str = "20260105",
    **values: object,
) -> bytes:
    fields = {"TradingDay": day, "Volume": volume, "UpdateTime": time, "UpdateMillisec": millisec}
    return CODEC.pack({**fields, **values})  # type: ignore[dict-item]


class Feeds:
    """A merger with some feeds and a clock that goes on by a millisecond a tick."""

    def __init__(self, count: int = 2, name: str = "rb2610", remembered: int = 256) -> None:
        self.merger = Merger(LAYOUT, remembered)
        self.tallies = [Tally(number) for number in range(count)]
        self.name, self.now_ns = name, SECOND

    def take(self, feed: int, raw: bytes) -> Verdict:
        self.now_ns += 1_000_000
        return self.merger.take(self.tallies[feed], self.name, raw, self.now_ns)


def test_the_first_wins_and_the_second_is_told_how_far_behind_it_was() -> None:
    feeds = Feeds()
    assert [feeds.take(0, tick(1)), feeds.take(0, tick(2))] == [NEW, NEW]
    assert [feeds.take(1, tick(1)), feeds.take(1, tick(2)), feeds.take(1, tick(3))] == [
        *[DUPLICATE] * 2,
        NEW,
    ]
    a, b = feeds.tallies
    assert (a.first, a.duplicates, b.first, b.duplicates) == (2, 0, 1, 2)
    assert (a.lags, b.lags) == ([], [2_000_000, 2_000_000])


def test_a_tick_that_a_front_sends_again_says_nothing_of_its_lag() -> None:
    feeds = Feeds()
    assert [feeds.take(feed, tick(1)) for feed in (0, 1, 0, 1)] == [NEW, *[DUPLICATE] * 3]
    assert [len(tally.lags) for tally in feeds.tallies] == [0, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"time": "09:30:01"},
        {"millisec": 500},
        {"OpenInterest": 7.0},
        {"BidPrice1": 1.0},
        {"AskVolume5": 3},
        {"volume": 2},
        {"day": "20260106"},
    ],
)
def test_each_part_of_the_content_makes_another_tick(change: dict[str, object]) -> None:
    feeds = Feeds()
    values: dict[str, object] = {"volume": 1}
    assert feeds.take(0, tick(1)) is NEW
    assert feeds.take(1, tick(**(values | change))) is NEW  # type: ignore[arg-type]


def test_prices_of_a_spread_below_zero_are_told_apart() -> None:
    feeds = Feeds(name="SPD SR601&SR605")
    assert feeds.take(0, tick(1, BidPrice1=-1.0)) is NEW
    assert feeds.take(0, tick(1, BidPrice1=-2.0)) is NEW
    assert feeds.take(1, tick(1, BidPrice1=-2.0)) is DUPLICATE


def test_a_price_that_is_no_number_is_the_same_from_each_feed() -> None:
    feeds = Feeds()
    raw = bytearray(tick(1))
    offset = next(field.offset for field in LAYOUT.fields if field.name == "BidPrice1")
    raw[offset : offset + 8] = struct.pack("<d", float("nan"))
    assert [feeds.take(feed, bytes(raw)) for feed in (0, 1)] == [NEW, DUPLICATE]


@pytest.mark.parametrize(
    "change",
    [
        {"ExchangeID": "SHFE"},
        {"ActionDay": "20260104"},
        {"Turnover": 5.0},
        {"AveragePrice": 5.0},
        {"LastPrice": 5.0},
    ],
)
def test_what_fronts_fill_in_differently_makes_no_other_tick(change: dict[str, object]) -> None:
    feeds = Feeds()
    assert feeds.take(0, tick(1)) is NEW
    assert feeds.take(1, tick(1, **change)) is DUPLICATE  # type: ignore[arg-type]


def test_bytes_behind_a_text_and_between_fields_do_not_count() -> None:
    feeds = Feeds()
    raw = tick(1)
    dirty = bytearray(raw)
    covered = set()
    for field in LAYOUT.fields:
        size = field.size - 1 if field.kind == "s" else field.size
        covered |= set(range(field.offset, field.offset + size))
    for place in set(range(LAYOUT.size)) - covered:
        dirty[place] ^= 0xFF
    assert dirty != raw
    assert feeds.take(0, raw) is NEW
    assert feeds.take(1, bytes(dirty)) is DUPLICATE


@pytest.mark.parametrize(
    ("name", "ticks"),
    [
        # Night before day, midnight in between, then the next trading day from volume 0.
        (
            "rb2610",
            [
                tick(0, "20:59:00"),
                tick(5, "21:00:00"),
                tick(5, "23:59:59", 500),
                tick(5, "00:00:00"),
                tick(5, "02:30:00"),
                tick(5, "09:00:00"),
                tick(9, "14:59:59"),
                tick(9, "15:00:00"),
                tick(0, "20:59:00", day="20260106"),
            ],
        ),
        # The natural day: the night of a date comes after its day session.
        (
            "SR601",
            [
                tick(0, "09:00:00"),
                tick(9, "15:00:00"),
                tick(0, "20:59:00"),
                tick(3, "21:00:00"),
                tick(3, "23:30:00"),
                tick(3, "09:00:00", day="20260106"),
                tick(4, "15:00:00", day="20260106"),
            ],
        ),
    ],
)
def test_the_order_of_a_day(name: str, ticks: list[bytes]) -> None:
    feeds = Feeds(name=name)
    assert [feeds.take(0, raw) for raw in ticks] == [NEW] * len(ticks)
    late = Feeds(name=name)
    assert late.take(0, ticks[-1]) is NEW
    assert [late.take(1, raw) for raw in ticks] == [LATE] * (len(ticks) - 1) + [DUPLICATE]


@pytest.mark.parametrize("name", ["SR601", "TA609", "SR601C5000", "SPD SR601&SR605"])
def test_the_milliseconds_of_czce_give_no_order(name: str) -> None:
    feeds = Feeds(name=name)
    assert feeds.take(0, tick(1, millisec=500)) is NEW
    assert feeds.take(1, tick(1, millisec=0)) is NEW


@pytest.mark.parametrize("name", ["rb2610", "IF2612", "IO2612-C-4000", "600000", "SP a2601&a2605"])
def test_those_of_others_do(name: str) -> None:
    feeds = Feeds(name=name)
    assert feeds.take(0, tick(1, millisec=500)) is NEW
    assert feeds.take(1, tick(1, millisec=0)) is LATE


def test_what_cannot_be_ordered_goes_on_as_it_comes() -> None:
    feeds = Feeds()
    assert feeds.take(0, tick(1, BidVolume1=1)) is NEW
    assert feeds.take(1, tick(1, BidVolume1=2)) is NEW


def test_a_feed_that_leaves_the_trading_day_empty_belongs_to_the_day_of_the_others() -> None:
    feeds = Feeds()
    assert feeds.take(0, tick(1)) is NEW
    assert feeds.take(1, tick(1, day="")) is DUPLICATE
    assert feeds.take(1, tick(2, day="")) is NEW
    assert feeds.take(0, tick(2)) is DUPLICATE
    assert feeds.take(0, tick(1, "09:29:00")) is LATE


def test_what_is_older_than_the_memory_is_left_out_because_it_may_have_been_there() -> None:
    feeds = Feeds(remembered=8)
    for volume in range(100):
        assert feeds.take(0, tick(volume)) is NEW
    thawed = Counter(feeds.take(1, tick(volume)) for volume in range(100))
    assert thawed[NEW] == thawed[LATE] == 0
    assert thawed[DUPLICATE] >= 8
    assert feeds.tallies[1].forgotten == thawed[FORGOTTEN]


def test_a_last_tick_that_nobody_knows_any_more_goes_out_once_more() -> None:
    feeds = Feeds()
    feeds.take(0, tick(1))
    feeds.take(0, tick(2))
    feeds.merger.renew("rb2610")
    feeds.merger.renew("nobody")
    assert feeds.take(1, tick(1)) is DUPLICATE
    assert feeds.take(1, tick(2)) is NEW
    assert feeds.take(0, tick(2)) is DUPLICATE


@pytest.mark.parametrize("wrong", [tick(10_000), tick(0, day="20991231")])
def test_a_tick_that_cannot_be_true_does_not_stop_the_stream_for_long(wrong: bytes) -> None:
    feeds = Feeds()
    assert feeds.take(0, wrong) is NEW
    step = DOUBT_NS // (DOUBT_TICKS - 1)
    verdicts = []
    for volume in range(DOUBT_TICKS + 2):
        feeds.now_ns += step
        verdicts.append(feeds.take(0, tick(volume)))
    assert verdicts == [*[LATE] * (DOUBT_TICKS - 1), *[NEW] * 3]
    assert feeds.merger.doubts == 1


def test_many_old_ticks_at_once_do_not_make_the_stream_begin_anew() -> None:
    feeds = Feeds()
    feeds.take(0, tick(1000))
    assert {feeds.take(1, tick(volume)) for volume in range(200)} == {LATE}
    feeds.take(0, tick(1001))
    feeds.now_ns += 2 * DOUBT_NS
    assert feeds.take(1, tick(200)) is LATE


# -- whatever the feeds do ---------------------------------------------------------------------


@st.composite
def markets(draw: st.DrawFn) -> list[bytes]:
    """The ticks of a day in order. Some differ in the book alone."""
    volume, seconds, ticks = 0, 0, []
    for number in range(draw(st.integers(1, 40))):
        volume += draw(st.sampled_from((0, 0, 1, 5)))
        seconds += draw(st.sampled_from((0, 1, 60, 3600)))
        hour, rest = divmod(21 * 3600 + seconds, 3600)
        time = f"{hour % 24:02}:{rest // 60:02}:{rest % 60:02}"
        if hour >= 38:  # 14:00, the end of this market
            break
        ticks.append(tick(volume, time, number % 2 * 500, BidVolume1=number))
    return ticks


@st.composite
def scripts(draw: st.DrawFn, market: list[bytes]) -> list[tuple[int, bytes]]:
    """What comes from two feeds, each with losses, repetitions, delays and places swapped."""
    come = []
    for feed in (0, 1):
        dies = draw(st.integers(0, len(market) * 2))  # a feed that is killed brings no more
        delay = draw(st.integers(0, 10))
        for at, raw in enumerate(market[:dies]):
            for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2)))):
                come.append((at + delay + draw(st.integers(0, 6)), feed, raw))
    return [(feed, raw) for _, feed, raw in sorted(come, key=lambda entry: entry[:2])]


@given(st.data())
def test_stream_and_late_are_all_that_came_once_and_the_volume_never_falls(
    data: st.DataObject,
) -> None:
    script = data.draw(scripts(data.draw(markets())))
    feeds = Feeds()
    verdicts = [(feeds.take(feed, raw), raw) for feed, raw in script]
    stream = [raw for verdict, raw in verdicts if verdict is NEW]
    late = [raw for verdict, raw in verdicts if verdict is LATE]
    assert Counter(stream + late) == dict.fromkeys((raw for _, raw in script), 1)
    volumes = [int(CODEC.unpack(raw)["Volume"] or 0) for raw in stream]
    assert volumes == sorted(volumes)
    assert sum(t.first + t.duplicates + t.late for t in feeds.tallies) == len(script)


@given(st.data(), st.integers(1, 6))
def test_with_a_memory_that_is_too_small_nothing_is_there_twice_either(
    data: st.DataObject, remembered: int
) -> None:
    script = data.draw(scripts(data.draw(markets())))
    feeds = Feeds(remembered=remembered)
    verdicts = [(feeds.take(feed, raw), raw) for feed, raw in script]
    out = Counter(raw for verdict, raw in verdicts if verdict in (NEW, LATE))
    assert set(out.values()) <= {1}
    left_out = sum(tally.forgotten for tally in feeds.tallies)
    assert len({raw for _, raw in script} - out.keys()) <= left_out


@given(st.data())
def test_a_complete_feed_is_the_stream_whatever_the_other_one_does(data: st.DataObject) -> None:
    """One feed in order and whole, the other one with holes, behind, and dead in the end: nothing
    of the market is missing, and only what the other one was first with can be late."""
    market = data.draw(markets())
    other = [raw for feed, raw in data.draw(scripts(market)) if feed == 1]
    feeds = Feeds()
    out = []
    for verdict, raw in _interleaved(feeds, market, other, data):
        if verdict in (NEW, LATE):
            out.append(raw)
    assert Counter(out) == Counter(dict.fromkeys(market, 1))


def _interleaved(
    feeds: Feeds, market: list[bytes], other: list[bytes], data: st.DataObject
) -> Iterator[tuple[Verdict, bytes]]:
    left = list(other)
    for raw in market:
        yield feeds.take(0, raw), raw
        for _ in range(data.draw(st.integers(0, 3))):
            if left:
                again = left.pop(0)
                yield feeds.take(1, again), again


def test_without_the_memory_of_contents_every_tick_is_there_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The negative control of the tests above."""
    numbers = iter(range(10_000))
    monkeypatch.setattr(merging, "hash", lambda values: next(numbers), raising=False)
    feeds = Feeds()
    assert [feeds.take(feed, tick(1)) for feed in (0, 1)] == [NEW, NEW]
