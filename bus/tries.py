"""How often somebody may be wrong: growing delays after failed logins and authcodes.

A *peer* is an IPv4 address, or the 64 bits of an IPv6 network. After some failures its next try is
not looked at before a delay is over, up to a minute. A *user* who is tried from everywhere has a
delay too, up to a few seconds only: one stranger, who has to wait a minute, leaves him the rest of
it. From a peer where he has got in before he has a delay of his own instead of both, so that
neither strangers elsewhere, however many, nor other clients behind his address keep him out.

Nothing waits here: who comes too early is told so. Everything is forgotten after a quiet quarter of
an hour, and the memory is bounded.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from .errors import BusError

_MOST: Final = 10_000  # entries of each table
_LONGEST_NAME: Final = 64
_FORGET_S: Final = 900.0
_MOST_AT_ONCE: Final = 128  # tries of one peer that are being looked at


class TooManyTries(BusError):
    """It was not looked at; the text says why."""


@dataclass
class _Entry:
    failures: int = 0
    until: float = 0.0  # before it nothing is looked at
    last: float = 0.0


class Meter:
    """Failures by key. ``free`` of them cost nothing; then 1 s, 2 s, 4 s … up to ``longest_s``."""

    def __init__(self, free: int, longest_s: float, clock: Callable[[], float]) -> None:
        self._free, self._longest_s, self._clock = free, longest_s, clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """How long nothing of it is looked at; 0: now."""
        entry = self._entries.get(key)
        return 0.0 if entry is None else max(0.0, entry.until - self._clock())

    def delays(self, key: str) -> bool:
        """Whether the next failure costs something."""
        entry = self._entries.get(key)
        return entry is not None and entry.failures >= self._free

    def fail(self, key: str) -> None:
        now = self._clock()
        entry = self._entries.pop(key, None)
        if entry is None or now - max(entry.last, entry.until) > _FORGET_S:
            entry = _Entry()
        self._entries[key] = entry
        entry.failures += 1
        entry.last = now
        if entry.failures > self._free:
            delay = 2.0 ** min(entry.failures - self._free - 1, 20)
            entry.until = now + min(self._longest_s, delay)
        if len(self._entries) > _MOST:
            self._entries.popitem(last=False)

    def take_back(self, key: str) -> None:
        """A failure that was none."""
        entry = self._entries.get(key)
        if entry is not None:
            entry.failures -= 1
            entry.until = 0.0
            if entry.failures <= 0:
                del self._entries[key]


class Try:
    """One that is being looked at; it has failed unless ``succeeded`` is called."""

    def __init__(self) -> None:
        self.right = False

    def succeeded(self) -> None:
        self.right = True


class Tries:
    """Of one kind: logins, tokens or authcodes. ``refusal`` makes the error that is raised.
    ``knows`` is asked, when there is a delay, whether the user has got in from a peer before, in
    another process or before the start of this one."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        refusal: Callable[[str], Exception] = TooManyTries,
        knows: Callable[[str, str], bool] = lambda peer, user: False,
    ) -> None:
        self._refusal, self.knows = refusal, knows
        self._peers = Meter(3, 60.0, clock)
        self._users = Meter(10, 5.0, clock)
        self._known = Meter(3, 60.0, clock)
        self._entered: OrderedDict[str, None] = OrderedDict()  # peer and user
        self._running: Counter[str] = Counter()
        self.failed = self.refused = 0

    @contextmanager
    def one(self, peer: str, user: str) -> Iterator[Try]:
        """Around one try. Raises ``refusal`` when it comes too early or with too many others. An
        error inside counts as neither right nor wrong."""
        peer, user = network(peer), user[:_LONGEST_NAME]
        both = f"{peer} {user}"
        keys = self._keys(peer, user, both)
        self._admit(peer, keys)
        # Counted before it is known, so that many at once do not all slip through; but not as
        # long as nobody was wrong, when many clients of one address log in together.
        before = [(meter, key) for meter, key in keys if meter.delays(key)]
        for meter, key in before:
            meter.fail(key)
        self._running[peer] += 1
        attempt = Try()
        try:
            yield attempt
        except BaseException:
            self._take_back(before)
            raise
        finally:
            self._running[peer] -= 1
            if not self._running[peer]:
                del self._running[peer]
        if attempt.right:
            self._take_back(before)
            self._remember(both)
            return
        self.failed += 1
        for meter, key in keys:
            if (meter, key) not in before:
                meter.fail(key)

    def wait_s(self, peer: str, user: str) -> float:
        """How long a try of this peer for this user would be refused; 0: not."""
        peer, user = network(peer), user[:_LONGEST_NAME]
        return _longest(self._keys(peer, user, f"{peer} {user}"))

    def is_early(self, peer: str, user: str) -> bool:
        """Whether a try is not to be looked at, which is counted."""
        early = self.wait_s(peer, user) > 0
        self.refused += early
        return early

    def count(self, peer: str, user: str) -> None:
        """A failure, for who does not know when it begins that it is a try."""
        peer, user = network(peer), user[:_LONGEST_NAME]
        self.failed += 1
        for meter, key in self._keys(peer, user, f"{peer} {user}"):
            meter.fail(key)

    def has_entered(self, peer: str, user: str) -> bool:
        """Whether he has got in from there, here."""
        return f"{network(peer)} {user[:_LONGEST_NAME]}" in self._entered

    def enter(self, peer: str, user: str) -> None:
        """Likewise, when it was right."""
        self._remember(f"{network(peer)} {user[:_LONGEST_NAME]}")

    def wrong(self, peer: str) -> None:
        """One that is known to have failed. Raises ``refusal`` when it came too early."""
        with self.one(peer, ""):
            pass

    def describe(self) -> dict[str, object]:
        return {"failed": self.failed, "refused": self.refused}

    def _keys(self, peer: str, user: str, both: str) -> list[tuple[Meter, str]]:
        if both in self._entered:
            return [(self._known, both)]
        keys = [(self._peers, peer)] + ([(self._users, user)] if user else [])
        if user and any(meter.delays(key) for meter, key in keys) and self.knows(peer, user):
            self._remember(both)
            return [(self._known, both)]
        return keys

    def _admit(self, peer: str, keys: list[tuple[Meter, str]]) -> None:
        wait_s = _longest(keys)
        if wait_s > 0:
            self.refused += 1
            text = f"too many failed tries; wait {math.ceil(wait_s)} s"
            raise self._refusal(text)
        if self._running[peer] >= _MOST_AT_ONCE:
            self.refused += 1
            raise self._refusal("too many tries at once")

    def _take_back(self, keys: list[tuple[Meter, str]]) -> None:
        for meter, key in keys:
            meter.take_back(key)

    def _remember(self, both: str) -> None:
        self._entered[both] = None
        self._entered.move_to_end(both)
        if len(self._entered) > _MOST:
            self._entered.popitem(last=False)


def _longest(keys: list[tuple[Meter, str]]) -> float:
    return max(meter.wait_s(key) for meter, key in keys)


@lru_cache(maxsize=4096)
def network(peer: str) -> str:
    """An IPv6 host has 2**64 addresses, so its network counts."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
