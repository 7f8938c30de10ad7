"""How many authcodes of each user may still be used. No I/O."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from bus.authcodes import Grant

_MOST_USERS: Final = 1000
_MOST_CODES: Final = 1000  # of one user


class Issued:
    """Of this run of the login service, for people: what is beyond the bounds is not counted."""

    def __init__(self) -> None:
        self._codes: OrderedDict[str, deque[tuple[int, int]]] = OrderedDict()

    def add(self, grant: Grant) -> None:
        codes = self._codes.setdefault(grant.user, deque(maxlen=_MOST_CODES))
        codes.append((grant.expires, grant.serial))
        self._codes.move_to_end(grant.user)
        if len(self._codes) > _MOST_USERS:
            self._codes.popitem(last=False)

    def live(self, now: float, ended: Callable[[str, int], bool]) -> dict[str, int]:
        """By user; nobody who has none. ``ended``: whether a user's serial has."""
        for user, codes in list(self._codes.items()):
            kept = [(at, serial) for at, serial in codes if at > now and not ended(user, serial)]
            if kept:
                self._codes[user] = deque(kept, _MOST_CODES)
            else:
                del self._codes[user]
        return {user: len(codes) for user, codes in self._codes.items()}
