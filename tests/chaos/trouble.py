"""What a front does to its clients while processes die: cuts, late bytes, lost and doubled news."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from sim.control import ControlError, SimControl

from . import mix
from .orders_on_wire import order_fields

OUTSIDE: Final = "outside"  # begins the names of orders that no client of ours placed
LATEST_S: Final = 0.3
"""Bytes of a dead connection come so late at the most; ``unsent_s`` of td_worker is longer."""


_START_S: Final = 20.0


class Trouble:
    """Makes one trouble at a time. An exchange that is dead makes none."""

    def __init__(
        self, address: str, users: Sequence[str], markets: list[mix.Market], seed: int
    ) -> None:
        self._address, self._users, self._markets = address, users, markets
        self._chance = random.Random(f"trouble/{seed}")
        self._kinds: dict[str, Callable[[SimControl], Any]] = {
            "front cut": lambda sim: sim.disconnect(side="td", seconds=self._up_to(0.3)),
            "bytes late": lambda sim: sim.late("ReqOrderInsert", self._up_to(LATEST_S), times=3),
            "order lost": lambda sim: sim.lose("ReqOrderInsert"),
            "refusal lost": lambda sim: sim.lose("OnRspOrderInsert"),
            "returns doubled": lambda sim: sim.duplicate("OnRtnOrder", times=5),
            "trade before order": lambda sim: sim.reorder(
                "OnRtnOrder", until="OnRtnTrade", max_s=0.2
            ),
            "queries slow": lambda sim: sim.delay("ReqQryOrder", 0.2),
            "outside order": self._outside,
        }
        self.made: Counter[str] = Counter()

    def make(self) -> None:
        kind = self._chance.choice(list(self._kinds))
        with contextlib.suppress(ControlError), SimControl(self._address) as sim:
            self._kinds[kind](sim)
            self.made[kind] += 1

    def end(self) -> None:
        """No more of it. What stands on a connection without an answer is resolved by its end."""
        with self._exchange() as sim:
            sim.clear()
            sim.disconnect(side="td")

    def _exchange(self) -> SimControl:
        """Of an exchange that may just have been started."""
        deadline = time.monotonic() + _START_S
        while True:
            try:
                return SimControl(self._address)
            except ControlError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _up_to(self, seconds: float) -> float:
        return self._chance.uniform(0, seconds)

    def _outside(self, sim: SimControl) -> None:
        user = self._chance.choice(self._users)
        name = f"{OUTSIDE}-{self.made['outside order']}"
        fields = order_fields(user, name, mix.draw(self._chance, self._markets))
        sim.outside(user, "ReqOrderInsert", **fields)


def is_outside(mark: str) -> bool:
    return mark.partition(".")[2].startswith(OUTSIDE)
