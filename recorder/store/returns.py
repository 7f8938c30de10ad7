"""td_worker's topics of all accounts; what is missing of the returns is asked for.

A recorder has no login. It may ask for returns all the same, by the topic, as soon as the account
is logged in (``td_worker.worker``); until then it hears Beats of the account, or nothing at all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec
import zmq

from bus.answers import Answer
from bus.client import Gap, Place, Return
from bus.client.calls import Calls
from bus.client.follow import Follow
from bus.client.items import Item
from bus.endpoints import Addresses
from bus.errors import Refused, Unavailable
from bus.frames import FrameError, Message, Row, message_type, unpack_message
from bus.orders import NOT_KEPT, After
from bus.rpc import Caller
from bus.security import Keys
from bus.subscriber import Subscriber

log = logging.getLogger("recorder")

_RETURNS: Final = "td/"
_ANSWERS: Final = "answer/"
_ANSWER: Final = message_type("Answer")
_RETURN: Final = message_type("Return")
_SILENT_S: Final = 5.0
_AGAIN_S: Final = 0.2
_PAUSE_S: Final = 0.02  # others have their turn
_MOST_QUESTIONS: Final = 20  # at a time, of 100 that td_worker answers to everybody
MOST_AT_ONCE: Final = 2000  # returns; td_worker tells 20,000 a second
_decode_answer: Final = msgspec.msgpack.Decoder(Answer).decode
_decode_place: Final = msgspec.msgpack.Decoder(Place).decode

OnReturn = Callable[[Message], None]
OnAnswer = Callable[[Message, Answer], None]


class Link:
    """One SUB and one DEALER to td_worker for all streams. A part of the event loop's thread.

    missed     answers that were lost on the way; nobody can give them again
    malformed  answers that are none
    """

    def __init__(self, context: zmq.Context[Any], addresses: Addresses, keys: Keys | None) -> None:
        self.missed = self.malformed = 0
        self._on_return: dict[OnReturn, None] = {}
        self._on_answer: dict[OnAnswer, None] = {}
        self._places: dict[str, tuple[int, int]] = {}  # of topics of answers
        self._turn = asyncio.Semaphore(_MOST_QUESTIONS)
        self._caller = Caller(context, addresses.td_rpc, "td_worker", keys)
        self._calls = Calls(self._caller, asyncio.get_running_loop().call_later)
        self._subscriber = Subscriber(
            context,
            addresses.td_pub,
            self._on_frame,
            keys=keys,
            worker="td_worker",
            high_water=addresses.high_water,
        )

    @property
    def unhandled(self) -> int:
        """Messages that some stream failed with, see the log."""
        return self._subscriber.unhandled

    def hear_returns(self, take: OnReturn) -> None:
        self._on_return[take] = None
        self._subscriber.subscribe(_RETURNS.encode())

    def hear_answers(self, take: OnAnswer) -> None:
        if not self._on_answer:
            self._places.clear()  # what came while nobody listened was not lost
        self._on_answer[take] = None
        self._subscriber.subscribe(_ANSWERS.encode())

    def leave_returns(self, take: OnReturn) -> None:
        if take in self._on_return:
            del self._on_return[take]
            self._subscriber.unsubscribe(_RETURNS.encode())

    def leave_answers(self, take: OnAnswer) -> None:
        if take in self._on_answer:
            del self._on_answer[take]
            self._subscriber.unsubscribe(_ANSWERS.encode())

    async def returns_after(
        self, topic: str, place: tuple[int, int], take: Callable[[Message], object]
    ) -> tuple[int, int] | None:
        """What is behind a place, in order; (0, 0): behind the beginning of the trading day. How
        far it goes; None when there is more. Raises Refused and Unavailable."""
        told = 0

        def on_row(row: Row) -> None:
            nonlocal told
            if row.type == _RETURN:
                told += 1
                take(unpack_message(row.body))

        body = msgspec.msgpack.encode(After(*place, MOST_AT_ONCE, topic))
        async with self._turn:
            last = await self._calls.ask("Returns", on_row, _SILENT_S, body=body)
        reached = _decode_place(last.body)
        return (reached.epoch, reached.seq) if told < MOST_AT_ONCE else None

    def close(self) -> None:
        self._subscriber.close()
        self._caller.close()

    def _on_frame(self, frame: bytes) -> None:
        try:
            message = unpack_message(frame)
        except FrameError:
            return
        if message.topic.startswith(_RETURNS):
            for take in list(self._on_return):
                take(message)
        elif message.type == _ANSWER:
            self._count_missed(message)
            try:
                answer = _decode_answer(message.body)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                self.malformed += 1
                return
            for hear in list(self._on_answer):
                hear(message, answer)

    def _count_missed(self, message: Message) -> None:
        epoch, seq = self._places.get(message.topic, (message.epoch, message.seq - 1))
        if epoch != message.epoch:  # how many the old one still had nobody knows
            epoch, seq = message.epoch, 0
        self.missed += max(0, message.seq - seq - 1)
        self._places[message.topic] = (message.epoch, message.seq)


class Topic:
    """The returns of one account for one stream, each once and in order, however long it takes to
    get them. ``room`` says whether any can be taken now, or 2,000 when they are asked for; others
    stay in td_worker's journal."""

    def __init__(
        self,
        link: Link,
        topic: str,
        place: tuple[int, int],
        take: Callable[[Message], None],
        lose: Callable[[Gap], None],
        room: Callable[[], bool],
    ) -> None:
        self._link, self._topic = link, topic
        self._take, self._lose, self._room = take, lose, room
        self._follow = Follow(topic, place, self._put)
        self._epoch = 0  # of td_worker
        self._behind = asyncio.Event()
        self._asking = False
        self._task = asyncio.get_running_loop().create_task(self._work())

    def on_message(self, message: Message) -> None:
        self._epoch = max(self._epoch, message.epoch)
        free = not self._asking and not self._behind.is_set() and self._room()
        if not self._follow.see(message, free):
            self._behind.set()

    def close(self) -> None:
        self._task.cancel()

    def _put(self, item: Item) -> None:
        match item:
            case Return():
                self._take(Message(*(getattr(item, name) for name in Message._fields)))
            case Gap():
                self._lose(item)

    async def _work(self) -> None:
        while True:
            await self._behind.wait()
            while not self._room():
                await asyncio.sleep(_AGAIN_S)
            self._asking = True
            self._behind.clear()  # who has news of a loss from here on may come too late
            try:
                again = await self._ask()
            except Exception:
                log.exception("returns were not healed", extra={"fields": {"topic": self._topic}})
                again = False  # the next Beat tries again
            self._asking = False
            if again:
                self._behind.set()
                await asyncio.sleep(_PAUSE_S)

    async def _ask(self) -> bool:
        """Once; whether to ask again without waiting for the account's next Beat."""
        follow = self._follow
        try:
            reached = await self._link.returns_after(self._topic, follow.asked, follow.again)
        except Unavailable:
            return False
        except Refused as refusal:
            if NOT_KEPT in refusal.detail:
                follow.lose()
                return True
            return False
        if reached is None:
            return True
        follow.reach(reached, self._epoch)
        return not follow.complete
