"""Returns that are lost between the worker and the edge reach the viewers all the same."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bus.frames import Flag, account_topic
from bus.healing import _MOST_AHEAD, HEAL_S, UNREACHED_S, answer_s
from bus.links import HEARTBEAT_TIMEOUT_MS
from bus.orders import Place
from tests.support.edge_core import (
    BROKER,
    HANDLE,
    USER,
    Client,
    Core,
    Line,
    error,
    own,
    pack,
    published,
    row,
    session_row,
)

TOPIC = account_topic(BROKER, USER)
LOST = (1012, "returns were lost; log in again, query orders and trades")


def frame(seq: int, topic: str = TOPIC) -> bytes:
    return published(topic, "OnRtnOrder", seq, pack("Order", VolumeTraded=seq))


def again(*frames: bytes, reached: int) -> list[Line]:
    """The worker's answer, up to ``reached``."""
    rows = [Line("Return", Flag.LOCAL | Flag.HAS_FIELD, one) for one in frames]
    return [*rows, own("Returns", Place(1, reached), last=True)]


class Road:
    """The stream of one account from a worker that loses nothing to a client, by a road that may.
    The client's login reply and its mark (seq 1) have arrived."""

    def __init__(self) -> None:
        self.core = Core()
        self.client = self.core.td_in()
        self.seq = 1
        self.late: list[int] = []
        self.replies: list[int] = []  # what each of them waits for

    def arrive(self, seq: int) -> None:
        self.core.publish("OnRtnOrder", seq, pack("Order", VolumeTraded=seq))

    def do(self, step: str) -> None:
        if step in ("publish", "lose", "delay", "twice"):
            self.seq += 1
        if step == "publish":
            self.arrive(self.seq)
        elif step == "delay":
            self.late.append(self.seq)
        elif step == "late" and self.late:
            self.arrive(self.late.pop(0))
        elif step == "twice":
            self.arrive(self.seq)
            self.arrive(self.seq)
        elif step == "old":
            self.arrive(max(1, self.seq - 1))
        elif step == "answer":
            self.answer()
        elif step == "reply":
            self.replies.append(self.seq)
            number = len(self.replies)
            self.client.send({"MsgType": "ReqQryOrder", "QryOrder": {}, "RequestID": number})
            line = row("OnRspQryOrder", last=True, after_seq=self.seq)
            self.core.td_worker.answer("ReqQryOrder", line)
        elif step == "time":
            self.core.clock.advance(0.04)

    def answer(self) -> None:
        if "Returns" in self.core.td_worker.methods():
            asked = self.core.td_worker.take("Returns")
            place = msgspec.msgpack.decode(asked.body, type=Place)
            assert (place.epoch, asked.session) == (1, HANDLE)
            frames = [frame(seq) for seq in range(place.seq + 1, self.seq + 1)]
            self.core.td_worker.tell(asked, *again(*frames, reached=self.seq))

    def end(self, heals: bool = True) -> None:
        """The next Beat tells how far the stream has come."""
        self.core.returns().expect((1, self.seq))
        for _ in range(30):
            if heals:
                self.answer()
            self.core.clock.advance(0.1)

    def heard(self) -> list[Any]:
        """The number of each return, and ("reply", number)."""
        return [
            heard["Order"]["VolumeTraded"]
            if heard["MsgType"] == "RtnOrder"
            else ("reply", heard["RequestID"])
            for heard in self.client.heard()
        ]


STEPS = ("publish", "lose", "delay", "late", "twice", "old", "answer", "reply", "time")


def test_an_answer_takes_back_nothing_that_was_told_after_its_question() -> None:
    """The Beat comes before the last row of an answer that was made before it."""
    core = Core()
    client = core.td_in()
    core.publish("OnRtnOrder", 3, pack("Order", VolumeTraded=3))
    asked = core.td_worker.take("Returns")
    *rows, reached = again(frame(2), reached=3)
    core.td_worker.tell(asked, *rows)
    core.returns().expect((1, 4))
    core.td_worker.tell(asked, reached)
    core.clock.advance(0.2)
    core.td_worker.answer("Returns", *again(frame(4), reached=4))
    assert [heard["Order"]["VolumeTraded"] for heard in client.heard()] == [2, 3, 4]


@settings(deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=40))
@example(["lose", "publish"])
@example(["lose"])
@example(["lose", "reply"])
def test_whatever_the_road_does_each_return_arrives_once_and_in_order(steps: list[str]) -> None:
    road = Road()
    for step in steps:
        road.do(step)
    road.end()
    heard = road.heard()
    assert [one for one in heard if isinstance(one, int)] == list(range(2, road.seq + 1))
    numbers = [number for one in heard if not isinstance(one, int) for number in one[1:]]
    assert numbers == list(range(1, len(road.replies) + 1))
    for number, waited_for in enumerate(road.replies, 1):
        assert (
            road.seq == 1
            or waited_for == 1
            or waited_for in heard[: heard.index(("reply", number))]
        )
    assert road.core.counters.returns_lost == road.core.counters.held_too_long == 0


def test_without_the_second_way_they_are_lost_and_the_client_knows() -> None:
    road = Road()
    for step in ("lose", "publish", "lose", "reply", "lose"):
        road.do(step)
    road.end(heals=False)
    assert road.heard() == []
    assert road.client.pipe.given_up == LOST
    counters = road.core.counters
    assert (counters.returns_lost, counters.returns_healed, counters.held_too_long) == (1, 0, 1)


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
def client(core: Core) -> Client:
    return core.td_in()


def numbers(client: Client) -> list[int]:
    return [heard["Order"]["VolumeTraded"] for heard in client.heard()]


def arrive(core: Core, *seqs: int, epoch: int = 1) -> None:
    for seq in seqs:
        core.publish("OnRtnOrder", seq, pack("Order", VolumeTraded=seq), epoch=epoch)


def test_all_viewers_get_what_was_missing_and_it_is_counted(core: Core, client: Client) -> None:
    other = core.td_in()
    arrive(core, 2, 5)
    assert [numbers(client), numbers(other)] == [[2], [2]]
    core.td_worker.answer("Returns", *again(frame(3), frame(4), frame(5), reached=5))
    assert [numbers(client), numbers(other)] == [[3, 4, 5], [3, 4, 5]]
    assert (core.counters.returns_healed, core.counters.returns_lost) == (2, 0)


def test_what_the_worker_has_not_kept_is_lost_at_once(core: Core, client: Client) -> None:
    arrive(core, 2, 6)
    core.td_worker.answer("Returns", *again(frame(4), reached=6))
    assert (numbers(client), client.pipe.given_up) == ([2], LOST)
    assert core.returns().place == (1, 6)
    assert (core.counters.returns_healed, core.counters.returns_lost) == (1, 2)


def test_a_loss_during_the_answer_is_asked_for_as_well(core: Core, client: Client) -> None:
    arrive(core, 3)
    arrive(core, 6)
    core.td_worker.answer("Returns", *again(frame(2), frame(3), frame(4), reached=4))
    assert numbers(client) == [2, 3, 4]
    core.clock.advance(0.11)
    core.td_worker.answer("Returns", *again(frame(5), frame(6), reached=6))
    assert numbers(client) == [5, 6]


@pytest.mark.parametrize("answer", [[error(-401, "未登录")], [error(-1, "x", "later")]])
def test_a_refusal_is_not_the_last_word(core: Core, client: Client, answer: list[Line]) -> None:
    arrive(core, 3)
    core.td_worker.answer("Returns", *answer)
    core.clock.advance(0.11)
    core.td_worker.answer("Returns", *again(frame(2), reached=3))
    assert numbers(client) == [2, 3]


def test_a_worker_that_cannot_be_reached_now_is_asked_later(core: Core, client: Client) -> None:
    core.td_worker.there = False
    arrive(core, 3)
    core.td_worker.there = True
    core.clock.advance(0.11)
    core.td_worker.answer("Returns", *again(frame(2), reached=3))
    assert numbers(client) == [2, 3]


def test_returns_outlast_a_link_of_calls_that_comes_back_late(core: Core, client: Client) -> None:
    core.td_worker.there = False
    arrive(core, 3)
    core.clock.advance(UNREACHED_S - 1)
    assert client.pipe.given_up is None
    core.td_worker.there = True
    core.clock.advance(0.11)
    core.td_worker.answer("Returns", *again(frame(2), reached=3))
    assert numbers(client) == [2, 3]


def test_a_worker_that_cannot_be_reached_at_all_is_a_loss(core: Core, client: Client) -> None:
    core.td_worker.there = False
    arrive(core, 3)
    core.clock.advance(UNREACHED_S + 1)
    assert client.pipe.given_up == LOST


def test_over_tcp_an_answer_may_take_as_long_as_a_cut_is_not_noticed() -> None:
    assert answer_s("ipc:///run/td_rpc") == HEAL_S
    assert answer_s("tcp://10.0.0.1:5553") > HEAL_S + HEARTBEAT_TIMEOUT_MS / 1000
    assert answer_s("tcp://10.0.0.1:5553") < UNREACHED_S


def test_the_hold_is_bounded_in_time_and_in_number(core: Core, client: Client) -> None:
    arrive(core, 3)
    core.clock.advance(1.99)
    assert numbers(client) == []
    assert client.pipe.given_up is None
    core.clock.advance(0.02)
    assert client.pipe.given_up == LOST
    assert core.returns().place == (1, 3)
    core.td_worker.take("Returns")
    core.clock.advance(5)
    arrive(core, *range(5, 5 + _MOST_AHEAD))
    assert core.returns().place == (1, 3)
    arrive(core, 5 + _MOST_AHEAD)
    assert core.returns().place == (1, 5 + _MOST_AHEAD)
    assert core.counters.returns_lost == 2


def test_a_long_answer_has_the_time_that_it_needs(core: Core, client: Client) -> None:
    arrive(core, 9)
    asked = core.td_worker.take("Returns")
    for seq in range(2, 9):
        core.clock.advance(1.5)
        core.td_worker.tell(asked, *again(frame(seq), reached=9)[:1])
    assert numbers(client) == list(range(2, 10))


def test_the_latest_login_asks_and_without_one_nobody_does(core: Core) -> None:
    arrive(core, 1, 4)
    assert core.td_worker.methods() == []
    core.td_in()
    later = core.td()
    later.send({"MsgType": "ReqUserLogin", "ReqUserLogin": {"UserID": USER, "Password": "x"}})
    done = row("OnRspUserLogin", pack("RspUserLogin"), last=True, after_seq=1)
    core.td_worker.answer("ReqUserLogin", session_row(b"2" * 16), done)
    arrive(core, 6)
    assert core.td_worker.take("Returns").session == b"2" * 16


def test_a_new_epoch_ends_the_gaps_of_the_old_one(core: Core, client: Client) -> None:
    arrive(core, 3)
    arrive(core, 1, epoch=2)
    assert (numbers(client), client.pipe.given_up) == ([], LOST)
    assert core.returns().place == (2, 1)
    core.clock.advance(10)
    assert core.counters.returns_lost == 1
    arrive(core, 4)
    assert core.returns().place == (2, 1)


def test_a_return_of_another_account_is_never_shown(core: Core, client: Client) -> None:
    arrive(core, 3)
    other = frame(2, account_topic(BROKER, "100001"))
    with pytest.raises(ValueError, match="among those of"):
        core.td_worker.answer("Returns", *again(other, reached=3))
    assert numbers(client) == []


def test_an_end_that_could_not_be_had_is_healed_when_it_shows(core: Core, client: Client) -> None:
    core.returns().expect((1, 3))
    core.clock.advance(3)
    core.td_worker.take("Returns")
    core.clock.advance(3)
    arrive(core, 4)
    core.td_worker.answer("Returns", *again(frame(2), frame(3), frame(4), reached=4))
    assert numbers(client) == [2, 3, 4]
    assert core.counters.returns_lost == 0


def test_an_end_that_could_not_be_had_is_asked_for_at_the_next_beat(
    core: Core, client: Client
) -> None:
    """The worker stood still; then it is there again, and nothing else happens for hours."""
    core.returns().expect((1, 3))
    core.clock.advance(9)
    core.td_worker.take("Returns")
    core.returns().expect((1, 3))
    core.td_worker.answer("Returns", *again(frame(2), frame(3), reached=3))
    assert numbers(client) == [2, 3]


@pytest.mark.parametrize("answered", [True, False])
def test_a_place_that_never_was_hides_nothing(core: Core, client: Client, answered: bool) -> None:
    core.returns().expect((1, 1000))
    if answered:
        core.td_worker.answer("Returns", *again(reached=1))
    core.clock.advance(10)
    arrive(core, 2, 3)
    assert numbers(client) == [2, 3]


def test_a_loss_that_a_beat_tells_is_no_proof_for_a_login(core: Core) -> None:
    core.td_in()
    returns, proven = core.returns(), []
    returns.watch((1, 2), lambda: proven.append(True))
    returns.expect((1, 5))
    core.clock.advance(3)
    assert returns.place == (1, 1)
    assert proven == []
    arrive(core, 2)
    assert proven == [True]
