"""Cancel-on-disconnect: who wants it, and whose orders are to be cancelled."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from bus.errors import request_failed

from .orders.book import Book
from .orders.record import Record

log = logging.getLogger("td_worker")

# An order that does not end is one that the exchange lets nobody cancel now, as in a break; each
# attempt counts with its meters, so after the first ones they are rarer.
_AGAIN_S: Final = (2.0, 30.0)
_SOON: Final = 10


class _State(msgspec.Struct):
    """Virtual SessionIDs: of logins that want it, and of those that have ended (with the trading
    day on which they had orders)."""

    armed: set[int] = set()
    ended: dict[int, str] = {}


class Disconnects:
    """One account's. Kept in a file, since it must also act on what an earlier process left.

    An order is cancelled again every two seconds, later on every thirty, until it has ended: the
    front may have been away, and an order of unknown outcome may appear later.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = self._load()
        self._again: dict[int, float] = {}  # by the number of the record
        self._times: dict[int, int] = {}  # the same

    @property
    def pending(self) -> bool:
        """Orders are still to be cancelled."""
        return bool(self._state.ended)

    def begin(self, day: str) -> None:
        """A login has told the trading day. Orders ended with the day before."""
        state = self._state
        left = {session: on for session, on in state.ended.items() if on in ("", day)}
        ended = dict.fromkeys(left, day)
        if ended != state.ended:
            state.ended = ended
            self._save()
        self._again.clear()
        self._times.clear()

    def arm(self, session_id: int, on: bool) -> None:
        """Raises Refused when it cannot be kept, and nothing is changed then."""
        if on == (session_id in self._state.armed):
            return
        before = set(self._state.armed)
        (self._state.armed.add if on else self._state.armed.discard)(session_id)
        if not self._save():
            self._state.armed = before
            raise request_failed("it cannot be kept on the disk; nothing has changed")

    def ended(self, session_id: int, day: str, clean: bool) -> None:
        """A login ended; ``clean`` when its client logged out."""
        if session_id in self._state.armed:
            self._state.armed.discard(session_id)
            if not clean:
                self._state.ended[session_id] = day
            self._save()

    def poll(
        self, book: Book, now: float, cancel: Callable[[Record], int], everything: bool = False
    ) -> None:
        """Cancel what is due, or all that lives; only while the session is ready."""
        if everything:
            self._cancel_due(book.live(), now, cancel)
        for session_id in list(self._state.ended):
            live = book.live(session_id)
            self._cancel_due(live, now, cancel)
            if not live:
                del self._state.ended[session_id]
                self._save()

    # -- inside ------------------------------------------------------------------------------

    def _cancel_due(self, live: list[Record], now: float, cancel: Callable[[Record], int]) -> None:
        for record in live:
            if now >= self._again.get(record.number, 0.0):
                self._cancel(record, now, cancel)

    def _cancel(self, record: Record, now: float, cancel: Callable[[Record], int]) -> None:
        times = self._times[record.number] = self._times.get(record.number, 0) + 1
        self._again[record.number] = now + _AGAIN_S[times > _SOON]
        fields = {"order_id": record.order_id, "state": record.state.value, "status": 0}
        fields["status"] = cancel(record)
        log.warning("an order is cancelled by the worker", extra={"fields": fields})

    def _load(self) -> _State:
        """What an earlier process left: all its logins have ended with it."""
        try:
            state = msgspec.json.decode(self._path.read_bytes(), type=_State)
        except FileNotFoundError:
            return _State()
        except (OSError, msgspec.MsgspecError) as exc:
            fields = {"path": str(self._path), "error": str(exc)}
            log.error("cancel-on-disconnect has no memory", extra={"fields": fields})
            return _State()
        return _State(ended=dict.fromkeys(state.armed, "") | state.ended)

    def _save(self) -> bool:
        """Whether it is on the disk."""
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                content = msgspec.json.encode(self._state)
                if os.write(file, content) < len(content):
                    raise OSError(errno.ENOSPC, "only a part of it has room")
                os.fsync(file)
            finally:
                os.close(file)
            new.replace(self._path)
        except OSError as exc:
            fields = {"path": str(self._path), "error": str(exc)}
            log.error("cancel-on-disconnect is not kept", extra={"fields": fields})
            return False
        return True
