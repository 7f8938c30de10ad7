"""One client: places orders, gets answers or none, asks, cancels, and writes everything down."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bus.orders import FINAL, OrderState

from . import diary, mix
from .diary import Diary, Intent, NoRecord, Refused, Saw, Told, Tried, Wanted, Wrong

_MOST_OPEN: Final = 6
_MOST_TRIES: Final = 4
_SETTLED: Final = {state.value for state in FINAL}
_LIVES: Final = OrderState.ACK.value

Answer = Told | Refused | NoRecord | Saw | Wrong


class Door(Protocol):
    """A way to td_worker. ``hear`` gives what has come; nothing may be sent while not ``open``."""

    @property
    def open(self) -> bool: ...
    def hear(self, wait_s: float) -> list[Answer]: ...
    def insert(self, order: str, number: int, intent: Intent, deadline_s: float) -> None: ...
    def ask(self, order: str) -> None: ...
    def cancel(self, intent: Intent, told: Told) -> None: ...


@dataclass(frozen=True)
class Spec:
    """Who this client is. ``kind``, "bus" or "ws", begins his order ids, so the clients of two
    accounts use the same ones."""

    user: str
    password: str
    kind: str
    file: Path
    seed: int
    pace_s: float
    repeats: bool
    markets: list[mix.Market]


@dataclass(slots=True)
class Open:
    """An order without a final answer."""

    intent: Intent
    tries: int = 0
    patience: float = 0.0  # when to do something about it
    told: Told | None = None
    cancelled: bool = False


class Client:
    """Goes on from its file, for ever."""

    def __init__(self, spec: Spec, door: Door) -> None:
        self._spec, self._door = spec, door
        self._diary = Diary(spec.file)
        self._orders: dict[str, Open] = {}
        self._count = 0
        for entry in diary.read(spec.file):
            self._remember(entry)
        self._chance = random.Random(f"{spec.seed}/{spec.user}/{spec.kind}/{time.time_ns()}")
        self._next = 0.0

    def run(self) -> None:
        while True:
            for answer in self._door.hear(0.01):
                self._take(answer)
            if self._door.open:
                self._act(time.monotonic())

    def _remember(self, entry: diary.Entry) -> None:
        """What the one before me wrote."""
        match entry:
            case Wanted():
                self._count += 1
                self._orders[entry.id] = Open(entry.intent)
            case Tried():
                self._orders[entry.id].tries = entry.number
            case Told() | NoRecord() | Refused():
                self._learn(entry)

    def _take(self, answer: Answer) -> None:
        if isinstance(answer, Told) and self._is_old(answer):
            return
        self._diary.write(answer)
        if not isinstance(answer, (Saw, Wrong)):
            self._learn(answer)

    def _is_old(self, told: Told) -> bool:
        known = self._orders.get(told.id)
        before = known.told if known else None
        return (
            before is not None
            and (before.state, before.volume_traded) == (told.state, told.volume_traded)
            and before.duplicate == told.duplicate
        )

    def _learn(self, answer: Told | Refused | NoRecord) -> None:
        order = self._orders.get(answer.id)
        if order is None:
            return
        now = time.monotonic()
        if isinstance(answer, Told):
            order.told = answer
            if answer.state in _SETTLED:
                del self._orders[answer.id]
            else:
                order.patience = now + 0.5
        elif order.told is None:
            if order.tries >= _MOST_TRIES or (order.tries and not self._spec.repeats):
                del self._orders[answer.id]  # given up; whatever became of it
            else:
                order.patience = now + 0.2

    def _act(self, now: float) -> None:
        for name, order in list(self._orders.items()):
            if now >= order.patience:
                self._go_on(name, order, now)
        waiting = sum(order.told is None for order in self._orders.values())
        if now >= self._next and waiting < _MOST_OPEN:
            self._next = now + self._chance.expovariate(1 / self._spec.pace_s)
            self._place()

    def _place(self) -> None:
        self._count += 1
        name = f"{self._spec.kind}-{self._count}"
        intent = mix.draw(self._chance, self._spec.markets)
        self._diary.write(Wanted(name, intent))
        order = self._orders[name] = Open(intent)
        self._try(name, order)

    def _try(self, name: str, order: Open) -> None:
        order.tries += 1
        deadline_s = self._chance.choice((0.02, 0.3, 1.0, 3.0))
        deadline_ns = diary.now_ns() + int(deadline_s * 1e9)
        self._diary.write(Tried(name, order.tries, deadline_ns))
        self._door.insert(name, order.tries, order.intent, deadline_s)
        order.patience = time.monotonic() + self._chance.uniform(0.2, 1.5)

    def _go_on(self, name: str, order: Open, now: float) -> None:
        """No answer, or not the last one: ask, say it again, or cancel it."""
        order.patience = now + self._chance.uniform(0.3, 2.0)
        again = (self._spec.repeats or order.tries == 0) and order.tries < _MOST_TRIES
        if again and order.told is None and self._chance.random() < 0.5:
            self._try(name, order)
        elif order.told is not None and order.told.state == _LIVES and self._done_with(name, order):
            del self._orders[name]
        elif order.told is not None and not order.cancelled and self._chance.random() < 0.3:
            order.cancelled = True
            self._door.cancel(order.intent, order.told)
        elif again and order.told is not None and self._chance.random() < 0.1:
            self._try(name, order)  # though it is known
        else:
            self._door.ask(name)

    def _done_with(self, name: str, order: Open) -> bool:
        """A resting order is watched for a while and then left alone."""
        return order.cancelled or self._chance.random() < 0.2
