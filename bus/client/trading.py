"""The way to td_worker for all accounts of a client."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import zmq

from schemas.catalogue import Catalogue

from ..frames import FrameError, state_topic, unpack_message
from ..rpc import Caller
from ..subscriber import Subscriber
from .asking import Classes, classes_of
from .calls import Calls
from .pulse import CHECK_S
from .way import Way

if TYPE_CHECKING:
    from .account import Account
    from .returns import Returns

_STATE: Final = state_topic("td_worker")


class Trading:
    """One SUB and one DEALER socket to td_worker for all accounts of a client."""

    def __init__(self, context: zmq.Context[Any], way: Way, catalogue: Catalogue) -> None:
        self.catalogue, self.counters, self.heal = catalogue, way.counters, way.heal
        self._loop = asyncio.get_running_loop()
        addresses, keys = way.addresses, way.keys
        self._caller = Caller(context, addresses.td_rpc, "td_worker", keys)
        self._subscriber = Subscriber(
            context,
            addresses.td_pub,
            self._on_frame,
            keys=keys,
            worker="td_worker",
            high_water=addresses.high_water,
        )
        self.calls = Calls(self._caller, self._loop.call_later)
        self.epoch = 0  # of td_worker
        self.accounts: list[Account] = []
        self.exchanges: dict[str, str] = {}  # by instrument, as far as somebody has asked
        self._followers: dict[str, dict[Returns, None]] = {}
        self._subscriber.subscribe(_STATE.encode())
        self._timer = self._loop.call_later(CHECK_S, self._check)

    @cached_property
    def classes(self) -> Classes:
        """The typed structs of rows."""
        return classes_of(self.catalogue, "td")

    def add(self, returns: Returns, topic: str) -> None:
        self._followers.setdefault(topic, {})[returns] = None
        self._subscriber.subscribe(topic.encode())

    def remove(self, returns: Returns, topic: str) -> None:
        followers = self._followers[topic]
        del followers[returns]
        if not followers:
            del self._followers[topic]
        self._subscriber.unsubscribe(topic.encode())

    def all(self) -> list[Returns]:
        return [returns for followers in self._followers.values() for returns in followers]

    def close(self) -> None:
        for account in self.accounts:
            account.close()
        for returns in self.all():
            returns.close()
        for account in self.accounts:
            self.calls.tell("Detach", session=account.handle)
        self._timer.cancel()
        self._subscriber.close()
        self._caller.close()

    def _on_frame(self, frame: bytes) -> None:
        try:
            message = unpack_message(frame)
        except FrameError:
            return
        if message.topic == _STATE:
            self._on_state(message.epoch)
        for returns in list(self._followers.get(message.topic, ())):
            returns.on_message(message)

    def _on_state(self, epoch: int) -> None:
        """A td_worker that was started anew publishes nothing of an account without a login."""
        if epoch > self.epoch:
            self.epoch = epoch
            for returns in self.all():
                returns.catch_up()

    def _check(self) -> None:
        self._timer = self._loop.call_later(CHECK_S, self._check)
        for returns in self.all():
            returns.check()
