"""The iterator of an account's returns."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Self

import msgspec

from schemas.errors import NOT_LOGGED_IN

from ..errors import Refused, Unavailable
from ..frames import Message, Row, message_type, unpack_message
from ..orders import NOT_KEPT, After, Place
from .follow import Follow
from .items import Fresh, Gap, Item, Restarted, Return, Stale
from .pulse import Pulse
from .queue import Queue

if TYPE_CHECKING:
    from .account import Account
    from .trading import Trading

log = logging.getLogger(__name__)

_AGAIN_S: Final = 0.2
_SILENT_S: Final = 5.0
_RETURN: Final = message_type("Return")
_SESSION_LOST: Final = message_type("SessionLost")
_decode_place: Final = msgspec.msgpack.Decoder(Place).decode


class Returns:
    """An asynchronous iterator; see the package.

    While everything comes in order nothing is asked. Whatever does not (a loss, a new epoch, a
    consumer who was slow) makes ``_work`` ask td_worker for all that is behind the last item, for
    as long as it takes; what comes live meanwhile is among the answers.
    """

    def __init__(self, trading: Trading, account: Account, since: Place, limit: int) -> None:
        self._trading, self._account, self._topic = trading, account, account.topic
        self._queue = Queue(1 << 62, lambda count: None)  # it is never conflated
        self._limit = limit
        self._follow = Follow(self._topic, (since.epoch, since.seq), self._put)
        self._pulse = Pulse()
        self._behind = asyncio.Event()
        self._asking = self._closed = False
        self._told = 0  # rows of the answer so far
        self._void = b""  # a handle that counts no more
        trading.add(self, self._topic)
        self._task = asyncio.get_running_loop().create_task(self._work())
        if since != account.reached:
            self.catch_up()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        return await self._queue.get()

    def ready(self, most: int) -> list[Item]:
        """Items that have come, without waiting for any."""
        return self._queue.ready(most)

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        """What has come can still be taken."""
        self._end(StopAsyncIteration())

    def on_message(self, message: Message) -> None:
        if self._pulse.heard():
            self._queue.put(Fresh(self._topic))
        asks = self._asking or self._behind.is_set()
        room = len(self._queue) < self._limit and not asks
        if not self._follow.see(message, room or not self._trading.heal):
            if self._trading.heal:
                self.catch_up()
            else:
                self._follow.jump(message)

    def catch_up(self) -> None:
        """Something may be missing."""
        if self._trading.heal:
            self._behind.set()

    def check(self) -> None:
        """Once in CHECK_S."""
        if self._pulse.check():
            self._queue.put(Stale(self._topic))
        if self._pulse.stale:  # perhaps the session has ended, and a login makes a new one
            self.catch_up()

    def _put(self, item: Item) -> None:
        match item:
            case Return(type=kind) if kind == _SESSION_LOST:
                at = self._account.reached
                if (item.epoch, item.seq) > (at.epoch, at.seq):
                    self._void = self._account.handle
                    self.catch_up()
            case Gap(last=int(last)):
                self._trading.counters.lost += last - item.first + 1
        self._queue.put(item)

    def _end(self, why: BaseException) -> None:
        if not self._task.done() and not self._closed:
            self._closed = True
            self._trading.remove(self, self._topic)
            self._task.cancel()
        self._queue.end(why)

    async def _work(self) -> None:
        try:
            while True:
                await self._behind.wait()
                # Not at each item that is taken: what is asked for fills the queue again.
                await self._queue.below(max(1, self._limit // 2))
                self._asking = True
                self._behind.clear()  # who has news of a loss from here on may come too late
                answered = await self._ask()
                self._asking = False
                if not answered or not self._follow.complete:
                    self._behind.set()
                    await asyncio.sleep(_AGAIN_S)
        except Refused as refusal:
            self._trading.remove(self, self._topic)
            self._queue.end(refusal)
        except Exception as exc:
            log.exception("the returns of an account have ended")
            self._trading.remove(self, self._topic)
            self._queue.end(exc)

    def _move(self, topic: str) -> None:
        """A session of one's own is another one at each login. What the old one was not told any
        more nobody knows."""
        self._trading.remove(self, self._topic)
        self._trading.add(self, topic)
        epoch, seq = self._follow.place
        self._queue.put(Gap(self._topic, epoch, seq + 1, None, "restarted"))
        self._queue.put(Restarted(topic, self._account.reached.epoch))
        self._topic = topic
        self._follow = Follow(topic, (self._account.reached.epoch, 0), self._put)

    async def _ask(self) -> bool:
        """Once, for as many as there is room for; whether td_worker has told everything."""
        account = self._account
        if self._void:
            await account.log_in_again(self._void)
            self._void = b""
        if account.topic != self._topic:
            self._move(account.topic)
        handle, follow = account.handle, self._follow
        most, self._told = max(1, self._limit - len(self._queue)), 0
        try:
            last = await self._trading.calls.ask(
                "Returns",
                self._on_row,
                _SILENT_S,
                session=handle,
                body=msgspec.msgpack.encode(After(*follow.asked, most)),
            )
        except Unavailable:
            return False
        except Refused as refusal:
            if refusal.error_id == NOT_LOGGED_IN:
                self._void = handle
            elif NOT_KEPT in refusal.detail:
                follow.lose()
            return False
        if self._told == most:
            return False
        reached = _decode_place(last.body)
        follow.reach((reached.epoch, reached.seq), account.reached.epoch)
        return True

    def _on_row(self, row: Row) -> None:
        if row.type == _RETURN:
            self._told += 1
            self._trading.counters.healed += self._follow.again(unpack_message(row.body))
