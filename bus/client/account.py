"""An account: its login, and the iterator of its returns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Self, Unpack

import msgspec
import zmq

from schemas.catalogue import Catalogue
from schemas.codec import Value
from schemas.errors import NOT_LOGGED_IN, Action, login_action

from ..errors import Refused, Unavailable
from ..frames import (
    FrameError,
    Message,
    Row,
    account_topic,
    message_type,
    split_body,
    state_topic,
    unpack_message,
)
from ..orders import NOT_KEPT, After, Attach, Place
from ..retry import Pauses
from ..rpc import Caller, OnRow, OnSilence, SessionBody
from ..secrets import Secret
from ..subscriber import Subscriber
from .calls import Calls, Options
from .follow import Follow
from .items import Fresh, Gap, Item, Return, Stale
from .pulse import CHECK_S, Pulse
from .queue import Queue
from .way import Way

log = logging.getLogger(__name__)

_AGAIN_S: Final = 0.2
_LOGIN_AGAIN_S: Final = 1.0
_LOGIN_S: Final = 15.0  # a front may be slow
_SILENT_S: Final = 5.0
_STATE: Final = state_topic("td_worker")
_RETURN: Final = message_type("Return")
_LATE_S: Final = 1.0  # an answer takes so long from td_worker to us
_SESSION: Final = message_type("Session")
_LOGGED_IN: Final = message_type("OnRspUserLogin")
_SESSION_LOST: Final = message_type("SessionLost")
_decode_session: Final = msgspec.msgpack.Decoder(SessionBody).decode
_decode_place: Final = msgspec.msgpack.Decoder(Place).decode


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
        self._followers: dict[str, dict[Returns, None]] = {}
        self._subscriber.subscribe(_STATE.encode())
        self._timer = self._loop.call_later(CHECK_S, self._check)

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


class Account:
    """A login. ``handle`` is that of the latest one, for calls of one's own; ``topic`` has the
    account's returns; ``place`` is how far they had come at that login, ``session`` the fields of
    the OnRspUserLogin that it got, with a FrontID and SessionID that nobody else has.

    Without a ``password`` it attaches as ``name`` to an account that td_worker logs in by itself.
    """

    def __init__(
        self,
        trading: Trading,
        broker_id: str,
        user: str,
        password: Secret | None,
        name: str = "",
    ) -> None:
        self.broker_id, self.user, self.name = broker_id, user, name
        self.handle, self.topic = b"", ""
        self.session: dict[str, Value] = {}
        self.place = Place(0, 0)
        self._trading, self._password = trading, password
        self._lock = asyncio.Lock()

    def returns(self, since: Place | None = None, *, limit: int = 10_000) -> Returns:
        """See the package; ``limit`` items wait in the memory at the most, others in td_worker's
        journal."""
        return Returns(self._trading, self, self.place if since is None else since, limit)

    async def request(
        self,
        method: str,
        body: Mapping[str, Value] | bytes = b"",
        on_row: Callable[[Row], None] = lambda row: None,
        *,
        deadline_s: float = 10.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> Row:
        """Ask the counter, or td_worker, with this login: the last row; ``on_row`` gets those
        before it. ``body``: the fields of the request's struct, or its bytes, or a verb's body.
        Raises Refused, Unavailable when nothing was sent, Unanswered when no answer comes."""
        return await self._trading.calls.ask(
            method,
            on_row,
            deadline_s + _LATE_S,
            session=self.handle,
            body=self.pack(method, body),
            deadline_s=deadline_s,
            request_id=request_id,
            fresh=fresh,
        )

    def start(
        self,
        method: str,
        fields: Mapping[str, Value] | bytes,
        on_row: OnRow,
        on_silence: OnSilence,
        silent_s: float,
        **options: Unpack[Options],
    ) -> None:
        """The same for what has no sure end, such as an order: ``on_row`` gets each row; when none
        comes for ``silent_s`` before the last one, ``on_silence`` is called and no more come.
        Raises Unavailable when nothing was sent."""
        options = {"session": self.handle, **options, "body": self.pack(method, fields)}
        self._trading.calls.start(method, on_row, on_silence, silent_s, **options)

    def pack(self, method: str, body: Mapping[str, Value] | bytes) -> bytes:
        """Raises FieldError for a text that does not fit."""
        if isinstance(body, bytes):
            return body
        catalogue = self._trading.catalogue
        return catalogue.codec(catalogue.td.requests[method].struct).pack(body)

    def leave(self) -> None:
        """Log out: what was asked with this login and not answered yet is not answered any more."""
        if self in self._trading.accounts:
            self._trading.accounts.remove(self)
            self._trading.calls.tell("Detach", session=self.handle)

    async def log_in(self) -> None:
        """Raises Refused when the counter, or td_worker, does not let the account in."""
        while True:
            try:
                await self._log_in()
                return
            except Unavailable:
                await asyncio.sleep(_AGAIN_S)

    async def log_in_again(self, void: bytes) -> None:
        """This handle counts no more. Raises Refused when the counter does not let the account in;
        what is td_worker's own trouble passes, and so does a counter that is not open yet."""
        pauses = Pauses(_LOGIN_AGAIN_S)
        async with self._lock:
            while self.handle == void:
                try:
                    await self.log_in()
                except CounterRefused as refusal:
                    if login_action(refusal.error_id) is not Action.RETRY:
                        raise
                    await asyncio.sleep(pauses.take())
                except Refused:
                    await asyncio.sleep(_LOGIN_AGAIN_S)

    async def _log_in(self) -> None:
        method, body = self._question()
        sessions: list[SessionBody] = []

        def take(row: Row) -> None:
            if row.type == _SESSION:
                sessions.append(_decode_session(row.body))

        last = await self._trading.calls.ask(method, take, _LOGIN_S, body=body)
        self._check(last)
        if not sessions:
            raise Unavailable("td_worker")
        session = sessions[-1]
        if not self.handle:
            self._trading.accounts.append(self)
        self.handle, self.place = session.handle, Place(session.epoch, last.after_seq)
        self.topic = session.topic or account_topic(session.broker, session.user)

    def _question(self) -> tuple[str, bytes]:
        if self._password is None:
            return "Attach", msgspec.msgpack.encode(Attach(user=self.user, name=self.name))
        values = {"BrokerID": self.broker_id, "UserID": self.user}
        password = {"Password": self._password.reveal()}
        return "ReqUserLogin", self._trading.catalogue.codec("ReqUserLogin").pack(values | password)

    def _check(self, row: Row) -> None:
        catalogue = self._trading.catalogue
        field, info = split_body(row.flags, row.body, catalogue.layouts["RspInfo"].size)
        if field is not None and row.type == _LOGGED_IN:
            self.session = catalogue.codec("RspUserLogin").unpack(field)
        if info is not None:
            error = catalogue.codec("RspInfo").unpack(info)
            if error["ErrorID"]:
                raise CounterRefused(int(str(error["ErrorID"])), str(error["ErrorMsg"]))


class CounterRefused(Refused):
    """The counter does not let the account in."""


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
        self._asking = False
        self._told = 0  # rows of the answer so far
        self._void = b""  # a handle that counts no more
        trading.add(self, self._topic)
        self._task = asyncio.get_running_loop().create_task(self._work())
        if since != account.place:
            self.catch_up()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        return await self._queue.get()

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
                at = self._account.place
                if (item.epoch, item.seq) > (at.epoch, at.seq):
                    self._void = self._account.handle
                    self.catch_up()
            case Gap(last=int(last)):
                self._trading.counters.lost += last - item.first + 1
        self._queue.put(item)

    def _end(self, why: BaseException) -> None:
        if not self._task.done():
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

    async def _ask(self) -> bool:
        """Once, for as many as there is room for; whether td_worker has told everything."""
        account, follow = self._account, self._follow
        if self._void:
            await account.log_in_again(self._void)
            self._void = b""
        handle = account.handle
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
        follow.reach((reached.epoch, reached.seq), account.place.epoch)
        return True

    def _on_row(self, row: Row) -> None:
        if row.type == _RETURN:
            self._told += 1
            self._trading.counters.healed += self._follow.again(unpack_message(row.body))
