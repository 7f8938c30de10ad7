"""Whatever happens to the messages of a topic, each is handed over once, in order, or reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bus.client.conflate import MOST, conflate
from bus.client.items import Fresh, Gap, Item, Restarted, Stale, Tick
from bus.client.topic import Topic
from bus.client.way import Counters
from bus.errors import Unavailable
from bus.frames import BEAT, Flag, Message, Row, message_type
from bus.healing import GO_BACK_S, HEAL_S, UNREACHED_S
from bus.orders import Place
from bus.rpc import OnRow, OnSilence
from tests.support.edge_core import Clock, published

NAME = "tick/rb2610/"
TICK = message_type("OnRtnDepthMarketData")
KEPT = 6  # messages that the publisher can tell again


class Road:
    """A publisher that is started anew, the way from it, and the verb Since."""

    def __init__(self, complete: bool, heal: bool = True, kept: int = KEPT) -> None:
        self.clock = Clock()
        self.later, self.now = self.clock.later, lambda: self.clock.now
        self.heal, self.counters, self.kept = heal, Counters(), kept
        self.answer_s = HEAL_S
        self.epoch, self.seq = 1, 0
        self.there = True
        self.pipe: list[Message] = []
        self.asked: list[tuple[Place, OnRow, OnSilence]] = []
        self.items: list[Item] = []
        self.topic = Topic(NAME, self, self.items.append, complete)

    def message(self, seq: int, kind: int = TICK, epoch: int = 0) -> Message:
        return Message(NAME, epoch or self.epoch, seq, 0, 0, kind, 0, Flag.HAS_FIELD, b"%d" % seq)

    def since(self, topic: str, place: Place, on_row: OnRow, on_silence: OnSilence) -> None:
        assert topic == NAME
        if not self.there:
            raise Unavailable("md_worker")
        assert not self.asked, "one question at a time"
        self.asked.append((place, on_row, on_silence))

    # -- what may happen ---------------------------------------------------------------------

    def publish(self) -> None:
        self.seq += 1
        self.pipe.append(self.message(self.seq))

    def beat(self) -> None:
        self.pipe.append(self.message(self.seq, BEAT))

    def arrive(self) -> None:
        if self.pipe:
            self.topic.on_message(self.pipe.pop(0))

    def twice(self) -> None:
        if self.pipe:
            self.topic.on_message(self.pipe[0])

    def late(self) -> None:
        """What comes first goes to the end: no pipe does that, and it must do no harm."""
        if self.pipe:
            self.pipe.append(self.pipe.pop(0))

    def lose(self) -> None:
        if self.pipe:
            self.pipe.pop(0)

    def restart(self) -> None:
        self.epoch, self.seq = self.epoch + 1, 0
        self.silence()

    def answer(self) -> None:
        if not self.asked:
            return
        place, on_row, _ = self.asked.pop()
        seq = place.seq if place.epoch == self.epoch else 0
        for number in range(max(seq, self.seq - self.kept) + 1, self.seq + 1):
            body = published(NAME, "OnRtnDepthMarketData", number, b"%d" % number, epoch=self.epoch)
            on_row(row("Message", body))
        on_row(row("Since", msgspec.msgpack.encode(Place(self.epoch, self.seq)), Flag.LAST))

    def silence(self) -> None:
        if self.asked:
            self.asked.pop()[2]("")

    def refuse(self) -> None:
        if self.asked:
            self.asked.pop()[1](row("Error", b"", Flag.LAST))

    def time(self) -> None:
        self.clock.advance(0.3)

    def away(self) -> None:
        self.there = not self.there

    def snapshot(self) -> None:
        self.topic.on_snapshot(self.message(self.seq) if self.seq else None)

    def settle(self, answers: bool = True) -> None:
        """A quiet time: all that is in the pipe arrives, and Beats."""
        self.there = True
        for _ in range(3):
            self.beat()
            while self.pipe:
                self.arrive()
            for _ in range(int(UNREACHED_S / 0.3) + 2):
                if answers:
                    self.answer()
                self.time()
            self.silence()

    # -- what must hold ----------------------------------------------------------------------

    def check(self) -> None:
        """From the first item on, each seq is there once: as a tick, or in a gap."""
        place: tuple[int, int] | None = None
        ended = False  # by a gap without an end, of this epoch
        for item in self.items:
            match item:
                case Tick():
                    assert item.body == b"%d" % item.seq
                    first, last = (item.epoch, item.seq), (item.epoch, item.seq)
                case Gap(last=None):
                    assert place is None or (item.epoch, item.first) == (place[0], place[1] + 1)
                    place, ended = (item.epoch, item.first - 1), True
                    continue
                case Gap(last=int(end)):
                    first, last = (item.epoch, item.first), (item.epoch, end)
                    assert last >= first
                case Restarted():
                    assert ended
                    assert place is not None
                    assert item.epoch > place[0]
                    place, ended = (item.epoch, 0), False
                    continue
                case _:
                    continue
            assert not ended, "after the end of an epoch comes the next one"
            assert place is None or first == (place[0], place[1] + 1), self.items
            place = last
        if place is not None:
            assert place == (self.epoch, self.seq), "nothing that was published is left"

    def gaps(self) -> list[Gap]:
        return [item for item in self.items if isinstance(item, Gap) and item.last is not None]

    def seqs(self) -> list[int]:
        return [item.seq for item in self.items if isinstance(item, Tick)]


def row(name: str, body: bytes, flags: int = 0) -> Row:
    return Row(1, 0, 0, message_type(name), 0, flags, body)


def hear(road: Road, epoch: int, seconds: float) -> None:
    """A publisher that has published one tick in this epoch, once a second."""
    road.epoch, road.seq = epoch, 1
    for _ in range(int(seconds)):
        road.clock.advance(1.0)
        road.beat()
        road.arrive()
        road.answer()


def test_a_publisher_whose_folder_was_restored_is_heard_again() -> None:
    road = Road(complete=True)
    hear(road, epoch=7, seconds=3)
    road.publish()
    road.arrive()
    hear(road, epoch=3, seconds=GO_BACK_S)
    assert road.seqs() == [2]
    hear(road, epoch=3, seconds=2)
    assert road.items[-3:-1] == [Gap(NAME, 7, 3, None, "restarted"), Restarted(NAME, 3)]
    assert road.seqs() == [2, 1]
    road.publish()
    road.arrive()
    assert road.seqs() == [2, 1, 2]


def test_what_comes_late_of_an_older_epoch_changes_nothing() -> None:
    road = Road(complete=True)
    hear(road, epoch=7, seconds=1)
    for _ in range(20):
        road.topic.on_message(road.message(9, epoch=3))
        hear(road, epoch=7, seconds=1)
    assert road.items == []


STEPS: tuple[Callable[[Road], None], ...] = (
    *(Road.publish, Road.publish, Road.arrive, Road.arrive, Road.beat),
    *(Road.twice, Road.late, Road.lose, Road.restart, Road.answer, Road.silence),
    *(Road.refuse, Road.time, Road.away, Road.snapshot),
)
steps = st.lists(st.sampled_from(STEPS), max_size=60)


@settings(deadline=None, max_examples=300)
@given(st.booleans(), st.booleans(), steps)
@example(True, True, [Road.publish, Road.arrive, Road.publish, Road.lose, Road.restart])
@example(False, True, [Road.publish, Road.arrive, *[Road.publish] * 9, *[Road.lose] * 9])
def test_each_message_is_handed_over_once_in_order_or_reported(
    complete: bool, answers: bool, steps: list[Callable[[Road], None]]
) -> None:
    road = Road(complete)
    for step in steps:
        step(road)
    road.settle(answers)
    road.check()


@settings(deadline=None)
@given(st.lists(st.sampled_from((Road.publish, Road.lose, Road.arrive, Road.beat)), max_size=60))
def test_complete_means_complete_as_long_as_it_is_kept(
    steps: list[Callable[[Road], None]],
) -> None:
    road = Road(complete=True, kept=1000)
    for step in steps:
        step(road)
        road.answer()
    road.settle()
    road.check()
    assert road.gaps() == []


@settings(deadline=None)
@given(st.booleans(), steps)
def test_without_healing_nothing_is_asked_and_all_that_is_lost_is_reported(
    complete: bool, steps: list[Callable[[Road], None]]
) -> None:
    road = Road(complete, heal=False)
    for step in steps:
        step(road)
        assert road.asked == []
    road.settle()
    road.check()
    assert road.counters.healed == 0


def conflated(road: Road) -> None:
    road.items[:] = conflate(road.items)
    assert len(road.items) <= MOST


@settings(deadline=None, max_examples=300)
@given(st.booleans(), st.lists(st.sampled_from((*STEPS, conflated)), max_size=60))
@example(False, [Road.publish, Road.arrive, Road.publish, Road.lose, Road.restart, conflated])
def test_who_takes_nothing_is_told_what_was_left_out_and_keeps_the_newest(
    complete: bool, steps: list[Callable[[Road], None]]
) -> None:
    road = Road(complete)
    for step in steps:
        step(road)
    road.settle()
    newest = next((item for item in reversed(road.items) if isinstance(item, Tick)), None)
    conflated(road)
    road.check()
    if newest is not None and newest.epoch == road.epoch:
        assert newest in road.items


def joined(complete: bool = False, **options: Any) -> Road:
    road = Road(complete, **options)
    road.publish()
    road.arrive()
    return road


def test_the_newest_comes_at_once_and_what_is_missing_is_said() -> None:
    road = joined()
    road.topic.on_message(road.message(4))
    assert road.items[1:] == [Gap(NAME, 1, 2, 3, "lost"), Tick(*road.message(4))]
    assert road.asked == []


def test_who_wants_all_waits_for_what_is_missing() -> None:
    road = joined(complete=True)
    road.seq = 4
    road.topic.on_message(road.message(4))
    assert road.seqs() == [1]
    road.answer()
    assert road.seqs() == [1, 2, 3, 4]
    assert road.counters.healed == 2


def behind_a_hole() -> Road:
    road = joined(complete=True)
    road.seq = 4
    road.there = False
    road.topic.on_message(road.message(4))
    return road


def test_a_publisher_that_cannot_be_asked_yet_is_waited_for() -> None:
    """After a cut the link of the messages is there before that of the calls."""
    road = behind_a_hole()
    road.clock.advance(UNREACHED_S - 1)
    road.there = True
    road.clock.advance(0.5)
    road.answer()
    assert road.seqs() == [1, 2, 3, 4]
    assert road.gaps() == []


def test_questions_that_are_lost_with_their_link_are_put_again() -> None:
    road = behind_a_hole()
    road.there = True
    for _ in range(4):
        road.clock.advance(HEAL_S - 0.5)
        road.silence()
    road.clock.advance(HEAL_S - 0.5)
    road.answer()
    assert road.gaps() == []


def test_a_publisher_that_cannot_be_asked_at_all_is_not_waited_for_for_ever() -> None:
    road = behind_a_hole()
    road.clock.advance(UNREACHED_S - 0.5)
    assert road.gaps() == []
    road.clock.advance(1)
    assert road.gaps() == [Gap(NAME, 1, 2, 3, "lost")]
    assert road.seqs() == [1, 4]


@pytest.mark.parametrize("complete", [True, False])
def test_a_lost_end_that_a_beat_shows_is_fetched(complete: bool) -> None:
    road = joined(complete)
    road.seq = 3
    road.beat()
    road.arrive()
    road.answer()
    assert road.seqs() == [1, 2, 3]


def test_what_is_fetched_too_late_is_not_shown_behind_a_newer_one() -> None:
    road = joined()
    road.seq = 3
    road.beat()
    road.arrive()
    road.publish()
    road.arrive()
    road.answer()
    assert road.seqs() == [1, 4]
    road.check()


def test_an_old_epoch_never_follows_a_new_one() -> None:
    road = joined()
    road.restart()
    road.publish()
    road.arrive()
    old = road.message(7, epoch=1)
    road.topic.on_message(old)
    road.topic.on_message(old._replace(type=BEAT))
    assert road.items[1:] == [
        Gap(NAME, 1, 2, None, "restarted"),
        Restarted(NAME, 2),
        Tick(*road.message(1)),
    ]


def test_a_new_epoch_counts_from_its_first_message() -> None:
    road = joined(complete=True)
    road.restart()
    road.seq = 2
    road.publish()
    road.arrive()
    assert road.seqs() == [1]
    road.answer()
    assert road.seqs() == [1, 1, 2, 3]


def test_a_late_joiner_gets_the_last_tick_although_a_beat_came_first() -> None:
    road = Road(complete=True)
    road.seq = 9
    road.beat()
    road.arrive()
    road.snapshot()
    assert road.seqs() == [9]
    road.topic.on_message(road.message(10))
    assert road.seqs() == [9, 10]


def test_without_a_last_tick_a_late_joiner_fetches_no_old_one() -> None:
    road = Road(complete=True)
    road.seq = 9
    road.beat()
    road.arrive()
    road.topic.on_snapshot(None)
    assert (road.items, road.asked) == ([], [])
    road.topic.on_message(road.message(11))
    road.seq = 11
    road.answer()
    assert road.seqs() == [10, 11]


def test_a_snapshot_that_is_late_is_left_out() -> None:
    road = Road(complete=True)
    road.topic.on_message(road.message(9))
    road.topic.on_snapshot(road.message(8))
    road.topic.on_snapshot(road.message(11))
    assert (road.seqs(), road.asked) == ([9], [])


def test_a_message_of_an_unknown_type_is_passed_over_and_is_no_gap() -> None:
    road = joined()
    road.topic.on_message(road.message(2, message_type("SomethingNew")))
    road.topic.on_message(road.message(3))
    assert road.seqs() == [1, 3]
    assert road.gaps() == []


def test_a_silent_topic_is_stale_until_it_is_heard() -> None:
    road = joined()
    for _ in range(6):
        road.topic.check()
    assert road.items[1:] == []
    for _ in range(6):
        road.topic.check()
    assert road.items[1:] == [Stale(NAME)]
    road.beat()
    road.arrive()
    assert road.items[1:] == [Stale(NAME), Fresh(NAME)]


def test_a_process_that_stood_still_waits_for_the_answer_that_is_there() -> None:
    road = joined(complete=True)
    road.seq = 3
    road.topic.on_message(road.message(3))
    road.clock.now += 60.0
    road.time()
    road.answer()
    assert road.seqs() == [1, 2, 3]
