"""Who is logged in to the web page. No I/O.

A session ends by logout, some time after the last thing its user did, and at the latest after
``LONGEST_S``. What a page does by itself does not keep it. Sessions live in this process: after a
restart everybody logs in again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from .texts import Lang

LONGEST_S: Final = 12 * 3600.0
FAREWELL_S: Final = 3.0
_MOST: Final = 100


@dataclass(eq=False)
class Session:
    """``began``, ``used``, ``over_at``: of the clock of Sessions. ``kept``: what its pages keep
    for the next time."""

    user: str
    peer: str
    lang: Lang
    began: float
    used: float
    over: bool = False
    over_at: float = 0.0
    kept: dict[str, Any] = field(default_factory=dict)


class Sessions:
    def __init__(self, idle_s: float, clock: Callable[[], float]) -> None:
        self._idle_s, self._clock = idle_s, clock
        self._sessions: dict[bytes, Session] = {}

    def start(self, user: str, peer: str, lang: Lang) -> str:
        """Its token. The oldest one of too many ends."""
        self._prune()
        while len(self._sessions) >= _MOST:
            self._end(self._sessions.pop(next(iter(self._sessions))))
        token = secrets.token_urlsafe(32)
        now = self._clock()
        self._sessions[_key(token)] = Session(user, peer, lang, now, now)
        return token

    def find(self, token: str) -> Session | None:
        session = self._sessions.get(_key(token))
        return session if session is not None and self.alive(session) else None

    def use(self, session: Session) -> None:
        """Its user did something."""
        if self.alive(session):
            session.used = self._clock()

    def alive(self, session: Session) -> bool:
        now = self._clock()
        if now - session.used >= self._idle_s or now - session.began >= LONGEST_S:
            self._end(session)
        return not session.over

    def long_over(self, session: Session) -> bool:
        """Its pages have had the time to take their leave."""
        return session.over and self._clock() - session.over_at > FAREWELL_S

    def end(self, session: Session) -> None:
        self._end(session)
        self._prune()

    def end_others(self, kept: Session) -> None:
        """Of the same user, when his password has changed."""
        for session in self._sessions.values():
            if session.user == kept.user and session is not kept:
                self._end(session)
        self._prune()

    def _end(self, session: Session) -> None:
        if not session.over:
            session.over, session.over_at = True, self._clock()

    def _prune(self) -> None:
        self._sessions = {
            key: session for key, session in self._sessions.items() if self.alive(session)
        }


def _key(token: str) -> bytes:
    # Looked up by a hash: how long that takes tells nothing about tokens that there are.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
