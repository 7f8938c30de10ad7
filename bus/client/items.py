"""What the iterators of a client give; see the package for when."""

from __future__ import annotations

from typing import Literal

import msgspec

Reason = Literal["lost", "restarted", "slow"]


class Tick(msgspec.Struct, frozen=True, gc=False):
    """One published tick; the fields are those of ``bus.frames.Message``."""

    topic: str
    epoch: int
    seq: int
    recv_ns: int
    sent_ns: int
    type: int
    layout: int
    flags: int
    body: bytes

    @property
    def instrument(self) -> str:
        return self.topic[len("tick/") : -1]


class Return(msgspec.Struct, frozen=True, gc=False):
    """One message of an account; the fields are those of ``bus.frames.Message``."""

    topic: str
    epoch: int
    seq: int
    recv_ns: int
    sent_ns: int
    type: int
    layout: int
    flags: int
    body: bytes


class Gap(msgspec.Struct, frozen=True):
    """Messages that are not coming, ``first`` and ``last`` included; None: nobody knows."""

    topic: str
    epoch: int
    first: int
    last: int | None
    reason: Reason


class Restarted(msgspec.Struct, frozen=True):
    """Another start of the publisher."""

    topic: str
    epoch: int


class Stale(msgspec.Struct, frozen=True):
    """The topic is silent."""

    topic: str


class Fresh(msgspec.Struct, frozen=True):
    """The topic is heard again."""

    topic: str


Item = Tick | Return | Gap | Restarted | Stale | Fresh
