"""How much one address and one user may take of the process. No I/O.

An address is that of an IPv4 host, or the 64 bits of an IPv6 network. It and the user who comes
from there have an account of what they use; a connection needs both to have something left.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from bus.tries import network

from .config import LimitsConfig, WsConfig

_BURST_S: Final = 2.0  # so much of a rate may come at once
_MOST: Final = 10_000  # accounts of each kind that are kept though nobody is connected
_AT_ONCE: Final = 4
_CROWD: Final = 2  # times the limit
_LONGEST_DEBT_S: Final = 10.0  # beyond it a connection is closed


class Bucket:
    """So much a second, and ``burst`` at once. ``per_s`` 0: any amount."""

    __slots__ = ("_at", "_burst", "_left", "_per_s")

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s, self._burst, self._left, self._at = per_s, burst, burst, now

    def take(self, now: float) -> bool:
        """One, if there is one."""
        if not self._per_s:
            return True
        self._fill(now)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def spend(self, amount: float, now: float) -> float:
        """What has come already; for so many seconds nothing more should."""
        if not self._per_s:
            return 0.0
        self._fill(now)
        self._left -= amount
        return max(0.0, -self._left / self._per_s)

    def _fill(self, now: float) -> None:
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now


class Use:
    """What one address, or one user, has used. ``whose``: for people."""

    def __init__(self, limits: LimitsConfig, whose: str, longest: int, now: float) -> None:
        self.limits, self.whose = limits, whose
        self.connections = 0
        self.handshakes = Bucket(limits.handshakes_per_s, _burst(limits.handshakes_per_s), now)
        self.messages = Bucket(limits.messages_per_s, _burst(limits.messages_per_s), now)
        per_s = limits.bytes_per_s
        self.octets = Bucket(per_s, max(_burst(per_s), longest), now)

    @property
    def full(self) -> bool:
        """Whether the connections are more than may be."""
        return 0 < self.limits.connections < self.connections

    @property
    def crowded(self) -> bool:
        """Whether there are so many that it is not worth to tell them why they are refused."""
        return 0 < _CROWD * self.limits.connections < self.connections


class Share:
    """What one connection draws on. Nothing is asked of one without limits."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._uses: list[Use] = []
        self._over = False
        self._patience: dict[Use, Bucket] = {}
        self.stubborn = False  # so many messages came too early that nobody looks at the answers

    def hold(self, use: Use) -> None:
        """Until ``let_go``; nothing is held after it, for a connection that has ended meanwhile."""
        if not self._over:
            use.connections += 1
            self._uses.append(use)

    def handshake(self, use: Use | None = None) -> bool:
        """Whether there may be one more, of ``use`` or of whoever holds the connection."""
        now = self._now()
        uses = self._uses if use is None else [use]
        return not any(one.full or not one.handshakes.take(now) for one in uses)

    def let_go(self) -> None:
        """The connection has ended."""
        self._over = True
        for use in self._uses:
            use.connections -= 1
        self._uses.clear()
        self._patience.clear()

    def heard(self, size: int) -> bool:
        """Bytes have come; False when too many did, though nothing was read for long."""
        return self._debt_s(size) <= _LONGEST_DEBT_S

    @property
    def pause_s(self) -> float:
        """So long nothing more should be read."""
        return self._debt_s(0)

    def message(self) -> str:
        """ "" when one more is within the limits, else which one is not."""
        if not self._uses:
            return ""
        now = self._now()
        for use in self._uses:
            if not use.messages.take(now):
                self.stubborn |= not self._patience_with(use, now).take(now)
                return f"messages_per_s {use.limits.messages_per_s:g} of {use.whose}"
        return ""

    def _debt_s(self, size: int) -> float:
        if not self._uses:
            return 0.0
        now = self._now()
        return max(use.octets.spend(size, now) for use in self._uses)

    def _patience_with(self, use: Use, now: float) -> Bucket:
        """As many again as may come, and those of ten seconds at once."""
        if use not in self._patience:
            per_s = use.limits.messages_per_s
            self._patience[use] = Bucket(per_s, max(100.0, _LONGEST_DEBT_S * per_s), now)
        return self._patience[use]


class Limits:
    """Of one process."""

    def __init__(self, config: WsConfig, now: Callable[[], float]) -> None:
        self._config, self._now = config, now
        self._uses: OrderedDict[str, Use] = OrderedDict()

    def share(self) -> Share:
        return Share(self._now)

    def peer(self, address: str) -> Use | None:
        """None: it has no limits."""
        limits = self._config.per_peer
        if limits is None:
            if not address or _is_loopback(address):
                return None
            limits = LimitsConfig()
        return self._use(limits, f"the address {network(address)}")

    def user(self, name: str) -> Use | None:
        """None: it is nobody in particular."""
        return self._use(self._config.per_user, f"the user {name}") if name else None

    def _use(self, limits: LimitsConfig, whose: str) -> Use:
        use = self._uses.pop(whose, None)
        if use is None:
            use = Use(limits, whose, self._config.max_message_bytes, self._now())
            self._forget()
        self._uses[whose] = use
        return use

    def _forget(self) -> None:
        """Those that were asked for longest ago, unless they are connected. A few at a time, so
        that this takes no longer when all of them are."""
        for _ in range(min(_AT_ONCE, len(self._uses) - _MOST + 1)):
            whose, use = next(iter(self._uses.items()))
            if use.connections:
                self._uses.move_to_end(whose)
            else:
                del self._uses[whose]


def _burst(per_s: float) -> float:
    return max(1.0, _BURST_S * per_s)


@lru_cache(maxsize=4096)
def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped.is_loopback
    return found.is_loopback
