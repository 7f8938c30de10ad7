"""The items of a consumer who did not take them, made few without a lie. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from .items import Fresh, Gap, Item, Reason, Restarted, Return, Stale, Tick

MOST: int = 6  # items of one topic that remain


def conflate(items: Iterable[Item]) -> list[Item]:
    """Of each topic the newest tick, whether it is stale, and what is left out. The order between
    topics is that in which they were heard of first."""
    topics: dict[str, _Topic] = {}
    for item in items:
        topic = topics.get(item.topic)
        if topic is None:
            topic = topics[item.topic] = _Topic(item.topic)
        topic.add(item)
    return [item for topic in topics.values() for item in topic.items()]


class _Topic:
    """Sums up the items of one topic."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._before: Gap | None = None  # what is not known of the epochs before
        self._restarted: Restarted | None = None
        self._hole: Gap | None = None  # of this epoch, before the newest tick
        self._tick: Tick | Return | None = None
        self._tail: Gap | None = None  # behind it
        self._alive: Stale | Fresh | None = None

    def add(self, item: Item) -> None:
        match item:
            case Tick() | Return():
                self._leave_out_tick()
                self._tick = item
            case Gap(last=None):
                self._end_epoch(item)
            case Gap():
                self._tail = self._joined(self._tail, item)
            case Restarted():
                self._restarted = item
            case _:
                self._alive = item

    def items(self) -> list[Item]:
        alive, heard = self._alive, isinstance(self._alive, Fresh)
        found = [
            alive if heard else None,
            self._before,
            self._restarted,
            self._hole,
            self._tick,
            self._tail,
            None if heard else alive,
        ]
        return [item for item in found if item is not None]

    def _leave_out_tick(self) -> None:
        """The tick so far and what was missing behind it are before the newest one."""
        if self._tick is not None:
            seq = self._tick.seq
            left_out = Gap(self._name, self._tick.epoch, seq, seq, "slow")
            self._hole = self._joined(self._hole, left_out)
        if self._tail is not None:
            self._hole = self._joined(self._hole, self._tail)
        self._tick = self._tail = None

    def _end_epoch(self, end: Gap) -> None:
        self._leave_out_tick()
        if self._before is None:
            reason: Reason = end.reason if self._hole is None else self._hole.reason
            first = end.first if self._hole is None else self._hole.first
            self._before = Gap(self._name, end.epoch, first, None, reason)
        self._hole = None

    def _joined(self, before: Gap | None, behind: Gap) -> Gap:
        if before is None:
            return behind
        reason: Reason = "slow" if "slow" in (before.reason, behind.reason) else before.reason
        return Gap(self._name, before.epoch, before.first, behind.last, reason)
