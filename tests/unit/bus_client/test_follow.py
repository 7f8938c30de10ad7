"""Returns come from the journal whenever they do not come by themselves: each once, in order."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.client.follow import Follow
from bus.client.items import Gap, Item, Restarted, Return
from bus.frames import BEAT, Message

NAME = "td/9999/028742/"


class Road:
    """td_worker with its journal, and the way from it. The iterator begins behind (1, 0)."""

    def __init__(self) -> None:
        self.epoch, self.seq = 1, 0
        self.journal: list[Message] = []
        self.forgotten = 0  # messages at its beginning that are not kept
        self.pipe: list[Message] = []
        self.items: list[Item] = []
        self.room = True
        self.behind = False
        self.follow = Follow(NAME, (1, 0), self.items.append)

    def message(self, kind: int = 1) -> Message:
        return Message(NAME, self.epoch, self.seq, 0, 0, kind, 0, 0, b"")

    # -- what may happen ---------------------------------------------------------------------

    def publish(self) -> None:
        self.seq += 1
        self.journal.append(self.message())
        self.pipe.append(self.message())

    def beat(self) -> None:
        self.pipe.append(self.message(BEAT))

    def arrive(self) -> None:
        if self.pipe:
            takes = self.room and not self.behind
            self.behind |= not self.follow.see(self.pipe.pop(0), takes)

    def lose(self) -> None:
        if self.pipe:
            self.pipe.pop(0)

    def late(self) -> None:
        if self.pipe:
            self.pipe.append(self.pipe.pop(0))

    def restart(self) -> None:
        self.epoch, self.seq, self.behind = self.epoch + 1, 0, True

    def full(self) -> None:
        self.room = not self.room

    def torn(self) -> None:
        """td_worker tells some of it and is lost."""
        for message in self._asked()[:2]:
            self.follow.again(message)

    def told(self) -> None:
        if self.behind:
            for message in self._asked():
                self.follow.again(message)
            last = self.journal[-1] if self.journal else None
            self.follow.reach((last.epoch, last.seq) if last else (0, 0), self.epoch)
            self.behind = not self.follow.complete

    def _asked(self) -> list[Message]:
        return [m for m in self.journal if (m.epoch, m.seq) > self.follow.asked]

    def settle(self) -> None:
        self.room = True
        for _ in range(3):
            self.beat()
            while self.pipe:
                self.arrive()
            self.told()


STEPS: tuple[Callable[[Road], None], ...] = (
    *(Road.publish, Road.publish, Road.arrive, Road.arrive, Road.beat, Road.lose),
    *(Road.late, Road.restart, Road.full, Road.torn, Road.told),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(STEPS), max_size=60))
def test_each_return_is_handed_over_once_and_in_order_across_all_epochs(
    steps: list[Callable[[Road], None]],
) -> None:
    road = Road()
    for step in steps:
        step(road)
    road.settle()
    assert not road.behind
    got = [(item.epoch, item.seq) for item in road.items if isinstance(item, Return)]
    assert got == [(message.epoch, message.seq) for message in road.journal]
    others = [item for item in road.items if not isinstance(item, Return)]
    assert all(isinstance(item, Restarted) for item in others)
    epochs = [item.epoch for item in others if isinstance(item, Restarted)]
    assert epochs == sorted(set(epochs))


def test_what_is_not_kept_is_said_and_the_rest_of_the_day_follows() -> None:
    road = Road()
    road.publish()
    road.arrive()
    road.restart()
    for _ in range(3):
        road.publish()
    road.follow.lose()
    road.follow.lose()
    assert road.follow.asked == (0, 0)
    road.told()
    assert road.items == [
        Return(*road.journal[0]),
        Gap(NAME, 1, 2, None, "lost"),
        Restarted(NAME, 2),
        *[Return(*message) for message in road.journal[1:]],
    ]


def test_a_hole_in_the_journal_is_said() -> None:
    road = Road()
    for _ in range(4):
        road.publish()
    del road.journal[1:3]
    road.behind = True
    road.told()
    assert road.items[1] == Gap(NAME, 1, 2, 3, "lost")


def test_without_healing_it_goes_on_behind_what_is_missing() -> None:
    road = Road()
    road.seq = 3
    road.follow.jump(road.message())
    road.seq = 5
    road.follow.jump(road.message(BEAT))
    road.restart()
    road.follow.jump(road.message(BEAT))
    assert [item for item in road.items if not isinstance(item, Return)] == [
        Gap(NAME, 1, 1, 2, "lost"),
        Gap(NAME, 1, 4, 5, "lost"),
        Gap(NAME, 1, 6, None, "restarted"),
        Restarted(NAME, 2),
    ]
