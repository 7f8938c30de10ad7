"""What was had of lists before, so that only what is new has to be brought. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Generic, NamedTuple, TypeVar

_EACH: Final = 500  # bytes that a list counts for beside its pieces

K = TypeVar("K")


class Had(NamedTuple):
    """``run``: of the list's maker; another one has other pieces. 0: nothing was had."""

    run: int = 0
    pieces: tuple[bytes, ...] = ()


class Kept(Generic[K]):
    """Lists that nobody has asked for the longest go first when all are more than ``most`` bytes;
    the last one stays."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lists: OrderedDict[K, Had] = OrderedDict()
        self.weight = 0

    def __getitem__(self, key: K) -> Had:
        return self._lists.get(key, Had())

    def put(self, key: K, had: Had) -> None:
        self.weight += _weight(had) - _weight(self._lists.pop(key, None))
        self._lists[key] = had
        while self.weight > self._most and len(self._lists) > 1:
            self.weight -= _weight(self._lists.popitem(last=False)[1])


def _weight(had: Had | None) -> int:
    return 0 if had is None else sum(map(len, had.pieces)) + _EACH
