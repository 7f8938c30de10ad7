"""Lists that were asked for before, in memory that has a bound. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """What was put the longest ago goes first when all weigh more than ``most`` bytes; the last one
    stays. ``weight``: of all, each as it was when it was put."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.weight = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        found = self._values.get(key)
        return None if found is None else found[0]

    def put(self, key: K, value: V, weight: int) -> None:
        if key in self._values:
            self.weight -= self._values.pop(key)[1]
        self._values[key] = value, weight
        self.weight += weight
        while self.weight > self._most and len(self._values) > 1:
            _, (_, gone) = self._values.popitem(last=False)
            self.weight -= gone
