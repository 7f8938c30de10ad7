"""The board of ticks without its sockets: joined writes, holes, heartbeats, new epochs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.frames import FrameError, tick_topic
from tests.support.edge_core import CATALOGUE, Pipe, pack, published, text_of
from ws_edge.counters import Counters
from ws_edge.dialect import TickFrames
from ws_edge.outbox import Outbox
from ws_edge.ticks import TickBoard

RB, AU = "rb2610", "au2612"


class Client:
    """One socket. ``heard``: (instrument, volume) of ticks, and the notices."""

    def __init__(self, board: Bench, style: int = 0, *, tells: bool = False) -> None:
        self.pipe = Pipe()
        self.outbox = self.pipe.outbox = Outbox(
            self.pipe, self.pipe, board.counters, 1 << 20, style
        )
        self.outbox.tells_gaps = tells

    def heard(self) -> list[Any]:
        frames, self.pipe.frames = self.pipe.frames, []
        found: list[Any] = []
        for data in frames:
            while data:
                long = data[1] == 126
                end = 4 + int.from_bytes(data[2:4], "big") if long else 2 + data[1]
                message = json.loads(text_of(data[:end]))
                data = data[end:]
                if "DepthMarketData" in message:
                    tick = message["DepthMarketData"]
                    found.append((tick["InstrumentID"], tick["Volume"]))
                else:
                    found.append(message[message["MsgType"]])
        return found


class Bench:
    def __init__(self, *names: str) -> None:
        self.counters = Counters()
        self.asked: list[tuple[list[str], Callable[[bytes], None], Callable[[bool], None]]] = []
        self.first: list[str] = []
        self.now = 5.0
        self.board = TickBoard(
            tick_topic,
            lambda topic: None,
            lambda topic: None,
            TickFrames(CATALOGUE),
            self.counters,
            fetch=self._fetch,
            first=lambda instrument, message: self.first.append(instrument.name),
            now=lambda: self.now,
        )
        self.instruments = {name: self.board.claim(name) for name in names or (RB, AU)}

    def _fetch(
        self,
        names: Sequence[str],
        on_message: Callable[[bytes], None],
        done: Callable[[bool], None],
    ) -> None:
        self.asked.append((list(names), on_message, done))

    def client(self, *names: str, style: int = 0, tells: bool = False) -> Client:
        client = Client(self, style, tells=tells)
        for name in names or self.instruments:
            self.instruments[name].outboxes[client.outbox] = None
        return client

    def take(self, *ticks: tuple[str, int], epoch: int = 1) -> None:
        for name, seq in ticks:
            self.board.take(tick(name, seq, epoch))

    def beat(self, name: str, seq: int, epoch: int = 1) -> None:
        self.board.on_message(published(tick_topic(name), "Beat", seq, epoch=epoch))


def tick(name: str, seq: int, epoch: int = 1) -> bytes:
    """Its volume is its seq."""
    field = pack("DepthMarketData", InstrumentID=name, Volume=seq)
    return published(tick_topic(name), "OnRtnDepthMarketData", seq, field, epoch=epoch)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def lost(missing: int | None, reason: str = "lost", name: str = RB) -> dict[str, Any]:
    return {"InstrumentID": name, "Missing": missing, "Reason": reason}


# -- joined writes ---------------------------------------------------------------------------


def test_ticks_of_one_turn_are_one_write_for_each_socket(bench: Bench) -> None:
    both, one = bench.client(), bench.client(AU, style=1)
    bench.take((RB, 1), (AU, 1), (RB, 2))
    assert both.pipe.frames == one.pipe.frames == []
    bench.board.flush()
    assert len(both.pipe.frames) == len(one.pipe.frames) == 1
    assert both.heard() == [(RB, 1), (AU, 1), (RB, 2)]
    assert one.heard() == [(AU, 1)]
    assert (bench.counters.deliveries, bench.counters.writes) == (4, 2)


def test_a_socket_that_leaves_gets_none_of_what_waits(bench: Bench) -> None:
    client = bench.client()
    bench.take((RB, 1), (AU, 1))
    bench.board.leave(bench.instruments[RB], client.outbox)
    bench.board.flush()
    assert client.heard() == [(AU, 1)]


def test_a_tick_that_cannot_be_read_takes_no_other_with_it(bench: Bench) -> None:
    client = bench.client()
    bench.take((RB, 1))
    with pytest.raises(FrameError):
        bench.board.take(published(tick_topic(AU), "OnRtnDepthMarketData", 1, b"short"))
    bench.take((RB, 2))
    bench.board.flush()
    assert client.heard() == [(RB, 1), (RB, 2)]


def test_a_tick_that_cannot_be_read_is_a_loss_and_no_sign_of_life(bench: Bench) -> None:
    client = bench.client(RB, tells=True)
    bench.take((RB, 1))
    bench.board.flush()
    with pytest.raises(FrameError):
        bench.board.take(published(tick_topic(RB), "OnRtnDepthMarketData", 2, b"short"))
    bench.board.send_last(bench.instruments[RB], client.outbox)
    assert bench.counters.ticks == 1
    bench.take((RB, 3))
    bench.board.flush()
    assert client.heard() == [(RB, 1), (RB, 1), lost(1), (RB, 3)]


def test_a_socket_that_fails_takes_no_tick_from_the_others(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError

    alone, joined, good = bench.client(RB), bench.client(AU), bench.client()
    alone.pipe.on_write = joined.pipe.on_write = fail
    bench.board.on_message(tick(RB, 1))
    bench.take((RB, 2), (AU, 1), (AU, 2))
    bench.board.flush()
    assert good.heard() == [(RB, 1), (RB, 2), (AU, 1), (AU, 2)]
    for client in (alone, joined):
        assert client.pipe.given_up == (1011, "internal error")
    assert {record.getMessage() for record in caplog.records} == {"a socket cannot be written to"}


# -- holes -----------------------------------------------------------------------------------


def test_a_hole_is_told_to_who_asks_between_the_ticks_around_it(bench: Bench) -> None:
    asks, plain = bench.client(tells=True), bench.client()
    bench.take((RB, 1), (RB, 4), (AU, 1))
    bench.board.flush()
    assert asks.heard() == [(RB, 1), lost(2), (RB, 4), (AU, 1)]
    assert plain.heard() == [(RB, 1), (RB, 4), (AU, 1)]
    assert bench.counters.ticks_lost == 2


def test_a_slow_client_is_told_of_the_hole_before_the_newest_tick(bench: Bench) -> None:
    client = bench.client(tells=True)
    client.outbox.pause()
    for seq in (1, 2, 5, 6):
        bench.board.on_message(tick(RB, seq))
    client.outbox.resume()
    conflated = {"InstrumentID": RB, "Ticks": 3}
    assert client.heard() == [lost(2), conflated, (RB, 6)]


def test_a_new_epoch_is_told_and_the_old_one_never_comes_back() -> None:
    bench = Bench()
    client = bench.client(tells=True)
    bench.take((RB, 7), (AU, 3))
    bench.take((RB, 1), epoch=2)
    bench.take((RB, 8), (AU, 4))
    bench.board.flush()
    assert client.heard() == [(RB, 7), (AU, 3), lost(None, "restarted"), (RB, 1)]
    bench.take((AU, 1), epoch=2)
    bench.board.flush()
    assert client.heard() == [lost(None, "restarted", AU), (AU, 1)]


def test_the_first_tick_after_a_loss_of_the_front_is_announced(bench: Bench) -> None:
    bench.take((RB, 1), (RB, 2), (AU, 1))
    assert bench.first == [RB, AU]
    bench.board.forget_front()
    bench.take((RB, 3))
    assert bench.first == [RB, AU, RB]


# -- heartbeats ------------------------------------------------------------------------------


def test_a_lost_tail_is_fetched_and_the_rest_told(bench: Bench) -> None:
    client = bench.client(tells=True)
    bench.take((RB, 1), (AU, 1))
    bench.board.flush()
    bench.beat(AU, 1)
    assert bench.asked == []
    assert bench.instruments[AU].heard == bench.board.heard == 5.0
    bench.beat(RB, 4)
    ((names, on_message, done),) = bench.asked
    assert names == [RB]
    client.heard()
    on_message(tick(RB, 4))
    done(True)
    assert client.heard() == [lost(2), (RB, 4)]
    bench.beat(RB, 4)
    assert len(bench.asked) == 1
    assert (bench.counters.tails_lost, bench.counters.ticks_lost) == (1, 2)


def test_a_tail_of_which_nothing_is_kept_is_told_as_lost(bench: Bench) -> None:
    client = bench.client(RB, tells=True)
    bench.take((RB, 1))
    bench.beat(RB, 3)
    bench.asked[0][2](True)
    assert client.heard() == [(RB, 1), lost(2)]
    bench.beat(RB, 3)
    assert len(bench.asked) == 1


def test_nobody_answers_and_the_next_heartbeat_asks_again(bench: Bench) -> None:
    client = bench.client(RB)
    bench.beat(RB, 3)
    bench.beat(RB, 3)
    assert len(bench.asked) == 1  # one question at a time
    bench.asked[0][2](False)
    assert len(bench.asked) == 2  # the second heartbeat's
    bench.asked[1][2](False)
    bench.beat(RB, 3)
    bench.asked[2][1](tick(RB, 3))
    bench.asked[2][2](True)
    assert client.heard() == [(RB, 3)]


def test_a_heartbeat_of_a_new_epoch_without_ticks_is_a_restart(bench: Bench) -> None:
    client = bench.client(RB, tells=True)
    bench.take((RB, 5))
    bench.beat(RB, 0, epoch=2)
    bench.beat(RB, 9, epoch=1)
    bench.take((RB, 6))
    bench.take((RB, 1), epoch=2)
    bench.board.flush()
    assert client.heard() == [(RB, 5), lost(None, "restarted"), (RB, 1)]
    assert bench.asked == []


# -- everything together ---------------------------------------------------------------------

STEPS = st.lists(
    st.sampled_from(["rb", "rb", "au", "lose", "restart", "flush", "pause", "resume", "reply"]),
    max_size=60,
)


@given(STEPS)
def test_a_client_that_asks_can_account_for_every_tick(steps: list[str]) -> None:
    """What it gets, what it is told, and the end: the newest tick of each instrument."""
    bench = Bench()
    client = bench.client(tells=True)
    seqs = {RB: 0, AU: 0}
    epoch = 1
    last = {RB: 0, AU: 0}
    for step in steps:
        if step in ("rb", "au", "lose"):
            name = AU if step == "au" else RB
            seqs[name] += 1
            if step != "lose":
                last[name] = seqs[name]
                bench.take((name, seqs[name]), epoch=epoch)
        elif step == "restart":
            epoch += 1
            seqs = {RB: 0, AU: 0}
            for name in seqs:
                bench.board.take(published(tick_topic(name), "Beat", 0, epoch=epoch))
        elif step == "flush":
            bench.board.flush()
        elif step == "reply":
            client.outbox.send(b'{"MsgType":"reply","reply":"reply"}')
        else:
            (client.outbox.pause if step == "pause" else client.outbox.resume)()
    bench.board.flush()
    client.outbox.resume()
    heard = client.heard()
    assert heard.count("reply") == steps.count("reply")
    for name in (RB, AU):
        volumes = [item[1] for item in heard if isinstance(item, tuple) and item[0] == name]
        told = [i for i in heard if isinstance(i, dict) and i["InstrumentID"] == name]
        if last[name]:
            assert volumes[-1] == last[name]
        if "restart" not in steps:
            conflated = sum(notice.get("Ticks", 0) for notice in told)
            missing = sum(notice.get("Missing", 0) for notice in told)
            begin = 1 if "lose" not in steps else first_of(steps, name)
            if last[name]:
                assert len(volumes) + conflated + missing == last[name] - begin + 1
            assert volumes == sorted(set(volumes))


def first_of(steps: list[str], name: str) -> int:
    """The seq of the first tick that came: nothing is known of those before it."""
    if name == AU:
        return 1
    return (
        [step for step in steps if step in ("rb", "lose")].index("rb") + 1 if "rb" in steps else 1
    )
