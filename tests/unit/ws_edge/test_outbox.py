"""A slow client: ticks thinned out, everything else kept up to a bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.edge_core import Pipe, text_of
from ws_edge.counters import Counters
from ws_edge.frames import text_frame
from ws_edge.outbox import Outbox


class Bench:
    def __init__(self, limit: int = 1000) -> None:
        self.pipe, self.counters = Pipe(), Counters()
        self.outbox = Outbox(self.pipe, self.pipe, self.counters, limit, 0)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_newest_tick_of_each_instrument_waits(bench: Bench) -> None:
    bench.outbox.pause()
    for number, name in enumerate(["a", "b", "a", "a", "c", "b"]):
        bench.outbox.tick(name, b"%d" % number)
    assert bench.pipe.frames == []
    bench.outbox.drop("c")
    bench.outbox.resume()
    assert bench.pipe.frames == [b"3", b"5"]
    assert bench.counters.conflated == 3
    bench.outbox.tick("a", b"6")
    assert bench.pipe.frames[2:] == [b"6"]


def test_what_waits_may_fill_the_pipe_again(bench: Bench) -> None:
    bench.outbox.pause()
    for name in "abc":
        bench.outbox.tick(name, name.encode())
    written = bench.pipe.write

    def write(data: bytes) -> None:
        written(data)
        bench.outbox.pause()

    bench.pipe.write = write  # type: ignore[method-assign]
    bench.outbox.resume()
    assert bench.pipe.frames == [b"a"]
    bench.outbox.resume()
    assert bench.pipe.frames == [b"a", b"b"]


def test_replies_are_written_although_the_client_is_slow(bench: Bench) -> None:
    bench.outbox.pause()
    bench.pipe.waiting = 900
    bench.outbox.send(b"reply")
    assert bench.pipe.frames == [text_frame(b"reply")]
    assert bench.pipe.given_up is None


def test_beyond_the_bound_the_client_is_given_up(bench: Bench) -> None:
    bench.outbox.pause()
    bench.outbox.tick("a", b"1")
    bench.pipe.waiting = 1001
    bench.outbox.send(b"reply")
    assert bench.pipe.given_up == (1013, "too slow")
    bench.outbox.send(b"more")
    bench.outbox.resume()
    assert bench.pipe.frames == [text_frame(b"reply")]
    assert bench.counters.overflows == 1


def test_nothing_is_written_to_a_socket_that_is_not_open(bench: Bench) -> None:
    bench.pipe.open = False
    bench.outbox.send(b"reply")
    bench.outbox.tick("a", b"1")
    assert bench.pipe.frames == []


def test_a_client_that_takes_nothing_is_stalled(bench: Bench) -> None:
    assert not bench.outbox.stalled()
    assert not bench.outbox.stalled()
    bench.outbox.pause()
    bench.pipe.waiting = 500
    assert not bench.outbox.stalled()  # it had no time yet
    bench.outbox.send(b"x" * 98)
    bench.pipe.waiting = 600
    assert bench.outbox.stalled()


def test_a_client_that_takes_a_little_is_not_stalled(bench: Bench) -> None:
    bench.outbox.pause()
    for waiting in (500, 499, 498):
        bench.pipe.waiting = waiting
        assert not bench.outbox.stalled()


@given(st.integers(0, 70_000))
def test_frames_can_be_read_back(size: int) -> None:
    text = "期" * (size // 3) + "x" * (size % 3)
    assert text_of(text_frame(text.encode())) == text


def test_a_frame_beyond_64_kib() -> None:
    frame = text_frame(b"x" * 0x10000)
    assert frame[:10] == b"\x81\x7f" + (0x10000).to_bytes(8, "big")
