"""The limits of all accounts of a td_worker: the file, and the ticks that its rules go by."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from weakref import WeakSet, WeakValueDictionary

import zmq

from bus.endpoints import Addresses
from bus.links import is_tcp
from bus.security import Keys
from schemas.catalogue import Catalogue

from .feed import Feed
from .resolved import Resolved, needs_ticks
from .session import SessionLimits
from .shared import Shared
from .ticks import Ticks
from .watch import Watch


class Limits:
    """``file`` "": no rules, but kill switches and meters. Raises ConfigError for a wrong file."""

    def __init__(
        self,
        catalogue: Catalogue,
        file: str,
        context: zmq.Context[Any],
        addresses: Addresses,
        poller: zmq.Poller,
        keys: Keys | None = None,
    ) -> None:
        if keys is not None and is_tcp(addresses.md_pub):
            keys.server_key("md_worker")  # at the start, not when a rule first needs a tick
        self._keys = keys
        self._catalogue, self._context, self._addresses = catalogue, context, addresses
        self._poller = poller
        self._watch = Watch(Path(file).absolute() if file else None)
        self._ticks = Ticks(catalogue)
        self._feed: Feed | None = None
        # A session that is let go takes its limits with it.
        self._sessions: WeakSet[SessionLimits] = WeakSet()
        self._shared: WeakValueDictionary[str, Shared] = WeakValueDictionary()
        self._adopt(time.monotonic())

    def session(self, user: str, folder: Path) -> SessionLimits:
        """Those of one session of an account; ``folder`` is the account's own."""
        shared = self._shared.get(user)
        if shared is None:
            shared = self._shared[user] = Shared(user, folder)
        rules = Resolved(self._watch.rules, user)
        limits = SessionLimits(self._catalogue, user, shared, rules, self._ticks)
        self._sessions.add(limits)
        self._ticks.want(rules.listed(), time.monotonic())
        return limits

    def timers(self, now: float) -> None:
        """Look at the file and take ticks; never waits."""
        if self._watch.changed(now):
            self._adopt(now)
        if self._feed is not None:
            self._feed.pump(now)

    def describe(self) -> dict[str, Any]:
        """For the state message; an account's part comes from its own limits."""
        return {
            "file": self._watch.path,
            "error": self._watch.error,
            "reloads": self._watch.reloads,
            "killed": bool(self._watch.rules.kill),
            "ticks": len(self._ticks) if self._feed is not None else None,
        }

    def _adopt(self, now: float) -> None:
        """The rules of the file hold from now on."""
        for limits in list(self._sessions):
            limits.rules = Resolved(self._watch.rules, limits.user)
            self._ticks.want(limits.rules.listed(), now)
        needed = needs_ticks(self._watch.rules)
        if needed and self._feed is None:
            self._feed = Feed(self._context, self._addresses, self._ticks, self._keys)
            for socket in self._feed.sockets:
                self._poller.register(socket, zmq.POLLIN)
        elif not needed and self._feed is not None:
            for socket in self._feed.sockets:
                self._poller.unregister(socket)
            self._feed.close()
            self._feed = None
            self._ticks.clear()
