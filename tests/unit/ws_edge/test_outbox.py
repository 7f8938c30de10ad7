"""A slow client: ticks thinned out, everything else kept up to a bound."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.edge_core import Pipe, text_of
from ws_edge.counters import Counters
from ws_edge.frames import text_frame
from ws_edge.outbox import Outbox
from ws_edge.ticks import Instrument

A, B, C = (Instrument(name, name.encode()) for name in "ABC")


class Bench:
    def __init__(self, limit: int = 1000) -> None:
        self.pipe, self.counters = Pipe(), Counters()
        self.outbox = self.pipe.outbox = Outbox(self.pipe, self.pipe, self.counters, limit, 0)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def texts(data: bytes) -> list[str]:
    """The messages of whole frames."""
    found = []
    while data:
        start, size = (4, int.from_bytes(data[2:4], "big")) if data[1] == 126 else (2, data[1])
        found.append(text_of(data[: start + size]))
        data = data[start + size :]
    return found


def test_the_newest_tick_of_each_instrument_waits(bench: Bench) -> None:
    bench.outbox.pause()
    for number, instrument in enumerate([A, B, A, A, C, B]):
        bench.outbox.tick(instrument, b"%d" % number)
    assert bench.pipe.frames == []
    bench.outbox.drop(C)
    bench.outbox.resume()
    assert bench.pipe.frames == [b"35"]
    assert bench.counters.conflated == 3
    bench.outbox.tick(A, b"6")
    assert bench.pipe.frames[1:] == [b"6"]
    assert (bench.counters.deliveries, bench.counters.withdrawn) == (3, 1)
    assert bench.counters.writes == 2


def test_what_waits_may_fill_the_pipe_again(bench: Bench) -> None:
    bench.pipe.on_write = bench.outbox.pause
    bench.outbox.pause()
    for instrument in (A, B):
        bench.outbox.tick(instrument, instrument.topic * 70_000)
    bench.outbox.resume()
    assert [frame[:1] for frame in bench.pipe.frames] == [b"A"]
    bench.outbox.tick(B, b"newer")
    bench.outbox.resume()
    assert bench.pipe.frames[1:] == [b"newer"]
    assert bench.counters.conflated == 1


def test_replies_wait_for_a_slow_client_and_precede_its_ticks(bench: Bench) -> None:
    bench.outbox.pause()
    bench.outbox.tick(A, b"tick")
    bench.outbox.send(b"reply")
    assert bench.pipe.frames == []
    bench.outbox.resume()
    assert bench.pipe.frames == [text_frame(b"reply") + b"tick"]
    assert bench.pipe.given_up is None


def test_beyond_the_bound_the_client_is_given_up(bench: Bench) -> None:
    bench.outbox.pause()
    bench.outbox.tick(A, b"1")
    bench.pipe.waiting = 900
    bench.outbox.send(b"x" * 50)
    assert bench.pipe.given_up is None
    bench.outbox.send(b"x" * 50)
    assert bench.pipe.given_up == (1013, "too slow")
    bench.outbox.send(b"more")
    bench.outbox.tick(A, b"2")
    bench.outbox.resume()
    assert bench.pipe.frames == []  # what waited is freed
    assert bench.counters.overflows == 1
    assert bench.counters.withdrawn == 2


def test_a_close_for_another_reason_leaves_no_reply_out(bench: Bench) -> None:
    bench.outbox.pause()
    bench.outbox.tick(A, b"1")
    bench.outbox.send(b"reply")
    bench.pipe.give_up(1012, "")
    assert bench.pipe.frames == [text_frame(b"reply")]
    bench.outbox.send(b"more")
    bench.outbox.resume()
    assert len(bench.pipe.frames) == 1


def test_a_client_that_takes_nothing_is_stalled(bench: Bench) -> None:
    assert not bench.outbox.stalled()
    assert not bench.outbox.stalled()
    bench.outbox.pause()
    bench.pipe.waiting = 500
    assert not bench.outbox.stalled()  # it had no time yet
    bench.outbox.send(b"x" * 98)
    bench.pipe.waiting = 506  # a ping of the library
    assert bench.outbox.stalled()


def test_a_client_that_takes_a_little_is_not_stalled(bench: Bench) -> None:
    bench.outbox.pause()
    for waiting in (500, 499, 498):
        bench.pipe.waiting = waiting
        assert not bench.outbox.stalled()


def test_who_asks_is_told_what_newer_ticks_replaced(bench: Bench) -> None:
    bench.outbox.tells_gaps = True
    bench.outbox.pause()
    for number in range(4):
        bench.outbox.tick(A, text_frame(b"%d" % number))
    bench.outbox.tick(B, text_frame(b"b"))
    bench.outbox.gap(B, 2, "lost")
    bench.outbox.gap(B, 3, "lost")
    bench.outbox.resume()
    (data,) = bench.pipe.frames
    assert texts(data) == [
        '{"MsgType":"Conflated","Conflated":{"InstrumentID":"A","Ticks":3}}',
        "3",
        '{"MsgType":"Gap","Gap":{"InstrumentID":"B","Missing":5,"Reason":"lost"}}',
        "b",
    ]


def test_a_restart_hides_how_much_was_lost_around_it(bench: Bench) -> None:
    bench.outbox.tells_gaps = True
    bench.outbox.pause()
    bench.outbox.gap(A, 2, "lost")
    bench.outbox.gap(A, None, "restarted")
    bench.outbox.gap(A, 1, "lost")
    bench.outbox.resume()
    (data,) = bench.pipe.frames
    assert texts(data) == [
        '{"MsgType":"Gap","Gap":{"InstrumentID":"A","Missing":null,"Reason":"restarted"}}'
    ]


STEPS = st.lists(st.sampled_from([*"aaabbbcprprsd", "fill"]), max_size=60)


@given(STEPS, st.booleans())
def test_whatever_happens_ticks_come_in_order_and_are_all_accounted_for(
    steps: list[str], tells: bool
) -> None:
    """Letters: a tick of that instrument; p, r: pause, resume; s: a reply; d: drop a; fill: the
    next write fills the pipe."""
    bench = Bench(1 << 20)
    outbox, pipe = bench.outbox, bench.pipe
    outbox.tells_gaps = tells
    filled: list[int] = []

    def on_write() -> None:
        if filled:
            filled.pop()
            outbox.pause()

    pipe.on_write = on_write
    names = {"a": A, "b": B, "c": C}
    sent: Counter[str] = Counter()
    replies = dropped = 0
    for step in steps:
        if step in names:
            sent[step] += 1
            text = json.dumps({"MsgType": step, "n": sent[step], "dropped": dropped})
            outbox.tick(names[step], text_frame(text.encode()))
        elif step == "s":
            replies += 1
            text = json.dumps({"MsgType": "s", "n": replies, "sent": dict(sent)})
            outbox.send(text.encode())
        elif step == "d":
            dropped = sent["a"]
            outbox.drop(A)
        elif step == "fill":
            filled.append(1)
        else:
            (outbox.pause if step == "p" else outbox.resume)()
    while not outbox.ready:
        outbox.resume()
    heard = [json.loads(text) for frame in pipe.frames for text in texts(frame)]
    check(heard, sent, replies, dropped)
    counters = bench.counters
    assert counters.deliveries == sum(item["MsgType"] in names for item in heard)
    total = counters.deliveries + counters.conflated + counters.withdrawn
    assert total == sent.total()
    if tells and not dropped:
        told = [item["Conflated"]["Ticks"] for item in heard if item["MsgType"] == "Conflated"]
        assert sum(told) == counters.conflated


def check(heard: list[dict[str, Any]], sent: Counter[str], replies: int, dropped: int) -> None:
    for name in "abc":
        numbers = [item["n"] for item in heard if item["MsgType"] == name]
        assert numbers == sorted(set(numbers))
        if sent[name] and not (name == "a" and dropped == sent["a"]):
            assert numbers[-1] == sent[name]
    assert [item["n"] for item in heard if item["MsgType"] == "s"] == list(range(1, replies + 1))
    place: Counter[str] = Counter()
    for item in heard:  # no tick overtakes a reply that was sent before it
        if item["MsgType"] == "s":
            assert all(count <= item["sent"].get(name, 0) for name, count in place.items())
        elif item["MsgType"] in "abc":
            place[item["MsgType"]] = item["n"]


@given(st.integers(0, 70_000))
def test_frames_can_be_read_back(size: int) -> None:
    text = "期" * (size // 3) + "x" * (size % 3)
    assert text_of(text_frame(text.encode())) == text


def test_a_frame_beyond_64_kib() -> None:
    frame = text_frame(b"x" * 0x10000)
    assert frame[:10] == b"\x81\x7f" + (0x10000).to_bytes(8, "big")
