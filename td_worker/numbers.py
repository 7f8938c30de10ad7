"""nRequestID: our numbers at the counter, never a client's."""

from __future__ import annotations

from schemas.catalogue import Catalogue
from schemas.counter import Event


class RequestIds:
    """1, 2, 3 … of one session, shared by its login and its requests."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last = self._last % 0x7FFFFFFF + 1
        return self._last


def error_id(catalogue: Catalogue, event: Event) -> int:
    """ErrorID of a callback; 0 also when the counter gave no RspInfo."""
    if event.info is None:
        return 0
    return int(catalogue.codec("RspInfo").get(event.info, "ErrorID") or 0)
