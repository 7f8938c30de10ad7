"""A small blocking client of the bus for tests; one thread uses it.

    with MdLink(group) as md:
        md.subscribe(tick_topic("rb2610"))
        tick = md.next("OnRtnDepthMarketData")
    with TdLink(group) as td:
        td.login()
        td.order(instrument, price=..., volume=1)
        rows = td.request("ReqQryOrder")

Rows and messages are decoded by the catalogue. Everything waits for facts and fails after
``WAIT_S``.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import zmq

import schemas.catalogue
from bus.frames import (
    BEAT,
    Flag,
    Message,
    Row,
    account_topic,
    message_type,
    split_body,
    unpack_message,
    unpack_row,
)
from bus.orders import OutcomeQuery, Place
from bus.rpc import Call
from bus.since import Since
from schemas.catalogue import Side
from schemas.codec import Value
from tests.support.group import Group

TIMEOUT_S: Final = 10.0  # of a call
WAIT_S: Final = 30.0
PORTION: Final = 1000
OWN: Final = (
    *("Error", "Session", "State", "Snapshot", "Sent", "Mark", "Detach", "SessionLost"),
    *("Return", "Returns", "Outcome", "SetCancelOnDisconnect", "SetKillSwitch"),
    *("Stat", "Beat", "Message", "Since", "Answer"),
)
Fields = dict[str, Value]


@dataclass(frozen=True)
class Content:
    """What a row or a message says. ``name`` is the callback's, or one of ``OWN``."""

    name: str
    flags: int
    field: bytes | None
    values: Fields
    error_id: int
    error_text: str
    own: Any

    def __getitem__(self, name: str) -> Value:
        return self.values[name]


@dataclass(frozen=True)
class Reply(Content):
    """One row of an answer."""

    after_seq: int
    request_id: int
    body: bytes

    @property
    def last(self) -> bool:
        return bool(self.flags & Flag.LAST)

    @property
    def detail(self) -> str:
        return str(self.own["detail"]) if self.name == "Error" else ""


@dataclass(frozen=True)
class Published(Content):
    """One message of a stream."""

    topic: str
    epoch: int
    seq: int
    recv_ns: int


class Link:
    """One client of one worker: a DEALER for calls and a SUB for topics."""

    def __init__(self, group: Group, side: Side, worker: str = "") -> None:
        self.side: Side = side
        self.worker = worker or f"{side}_worker"
        self.catalogue = schemas.catalogue.load()
        self._info_size = self.catalogue.layouts["RspInfo"].size
        self._names = {message_type(name): name for name in OWN}
        self._names |= {message_type(name): name for name in self.catalogue.api(side).callbacks}
        addresses = group.ready[self.worker]
        self._context: zmq.Context[Any] = zmq.Context()
        self._dealer = self._context.socket(zmq.DEALER)
        self._dealer.set(zmq.IDENTITY, b"t" + os.urandom(8))
        self._dealer.set(zmq.SNDHWM, 100_000)  # a worker may stand still
        self._dealer.connect(addresses["rpc"])
        self._sub = self._context.socket(zmq.SUB)
        self._sub.set(zmq.RCVHWM, 100_000)
        self._sub.connect(addresses["pub"])
        self._ids = itertools.count(1)
        self._rows: dict[int, list[Reply]] = {}
        self._messages: list[Published] = []
        self.beats: list[Message] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._context.destroy(linger=0)

    # -- calls -------------------------------------------------------------------------------

    def send(
        self,
        method: str,
        body: bytes = b"",
        *,
        session: bytes = b"",
        request_id: int = 0,
        timeout_s: float = TIMEOUT_S,
        client_order_id: str = "",
    ) -> int:
        """Send a call whose deadline is ``timeout_s`` from now; its number."""
        number = next(self._ids)
        deadline_ns = time.time_ns() + int(timeout_s * 1e9)
        call = Call(number, method, deadline_ns, session, request_id, body, client_order_id)
        self.send_raw(msgspec.msgpack.encode(call))
        return number

    def send_raw(self, frame: bytes) -> None:
        """Any bytes instead of a call."""
        self._dealer.send(frame)

    def rows(self, number: int, count: int = 0) -> list[Reply]:
        """The answer of a call up to its last row, or its first ``count`` rows."""

        def complete() -> bool:
            rows = self._rows.get(number, [])
            return len(rows) >= count > 0 or bool(rows and rows[-1].last)

        self._wait(complete, f"the answer of call {number}")
        rows = self._rows.get(number, [])
        self._rows[number] = rows[count:] if count else []
        return rows[:count] if count else rows

    def call(self, method: str, body: bytes = b"", **options: Any) -> list[Reply]:
        return self.rows(self.send(method, body, **options))

    def answered(self, number: int) -> bool:
        """Whether something of an answer has come by now."""
        self.pump()
        return bool(self._rows.get(number))

    # -- streams -----------------------------------------------------------------------------

    def subscribe(self, *topics: str) -> None:
        for topic in topics:
            self._sub.subscribe(topic.encode())

    def unsubscribe(self, *topics: str) -> None:
        for topic in topics:
            self._sub.unsubscribe(topic.encode())

    def next(
        self, name: str, accept: Callable[[Published], bool] = lambda message: True
    ) -> Published:
        """The next message of this name that is accepted; others before it stay for later."""
        found: list[Published] = []

        def there() -> bool:
            for index, message in enumerate(self._messages):
                if message.name == name and accept(message):
                    found.append(self._messages.pop(index))
                    return True
            return False

        self._wait(there, name)
        return found[0]

    def taken(self) -> list[Published]:
        """Everything that has come and was not asked for yet."""
        self.pump()
        messages, self._messages = self._messages, []
        return messages

    def state(self, **wanted: object) -> dict[str, Any]:
        """Ask for the worker's state until these keys have these values."""
        states: list[dict[str, Any]] = []

        def reached() -> bool:
            states.append(self.state_now())
            return all(states[-1][key] == value for key, value in wanted.items())

        try:
            self._wait(reached, f"state {wanted}")
        except AssertionError as exc:
            raise AssertionError(f"{exc}; it was {states[-1]}") from None
        return states[-1]

    def state_now(self) -> dict[str, Any]:
        """What the state messages say, asked for."""
        own: dict[str, Any] = self.call("State")[0].own
        return own

    # -- inside ------------------------------------------------------------------------------

    def pump(self, wait_s: float = 0.0) -> None:
        """Take what has arrived."""
        poller = zmq.Poller()
        poller.register(self._dealer, zmq.POLLIN)
        poller.register(self._sub, zmq.POLLIN)
        poller.poll(int(wait_s * 1000))
        for frame in _drain(self._dealer):
            row = unpack_row(frame)
            if row.id:
                self._rows.setdefault(row.id, []).append(self._reply(row))
        for frame in _drain(self._sub):
            message = unpack_message(frame)
            if message.type == BEAT:
                self.beats.append(message)
            else:
                self._messages.append(self._published(message))

    def wait_for(self, fact: Callable[[], bool], what: str = "") -> None:
        """Go on taking what arrives until ``fact`` holds."""
        self._wait(fact, what or "a fact")

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.worker}: no {what} within {WAIT_S} s")
            self.pump(0.01)

    def _reply(self, row: Row) -> Reply:
        return Reply(
            *self._content(row.type, row.flags, row.body), row.after_seq, row.request_id, row.body
        )

    def _published(self, message: Message) -> Published:
        content = self._content(message.type, message.flags, message.body)
        return Published(*content, message.topic, message.epoch, message.seq, message.recv_ns)

    def _content(
        self, kind: int, flags: int, body: bytes
    ) -> tuple[str, int, bytes | None, Fields, int, str, Any]:
        name = self._names.get(kind, "OnFrontConnected")
        own: Any = msgspec.msgpack.decode(body) if flags & Flag.MSGPACK else None
        if name == "Error":
            return name, flags, None, {}, own["error_id"], own["error_msg"], own
        field = info = None
        if own is None and name not in OWN:
            field, info = split_body(flags, body, self._info_size)
        error_id, error_text = 0, ""
        if info is not None:
            codec = self.catalogue.codec("RspInfo")
            error_id, error_text = (
                int(codec.get(info, "ErrorID") or 0),
                str(codec.get(info, "ErrorMsg")),
            )
        return name, flags, field, self._values(name, field), error_id, error_text, own

    def _values(self, name: str, field: bytes | None) -> Fields:
        if field is None:
            return {}
        struct = self.catalogue.api(self.side).callbacks[name].struct
        assert struct is not None
        return self.catalogue.codec(struct).unpack(field)


class MdLink(Link):
    """A client of md_worker, or of another process that does the same."""

    def __init__(self, group: Group, worker: str = "md_worker") -> None:
        super().__init__(group, "md", worker)

    def names(self, method: str, instruments: list[str], **options: Any) -> list[Reply]:
        """A call whose body is a list of instruments."""
        return self.call(method, msgspec.msgpack.encode(instruments), **options)

    def login(self, **options: Any) -> Reply:
        body = bytes(self.catalogue.layouts["ReqUserLogin"].size)
        return self.call("ReqUserLogin", body, **options)[-1]

    def snapshot(self, *instruments: str) -> list[Published | None]:
        """The last messages of instruments; None for one that has none."""
        rows = self.names("Snapshot", list(instruments))
        return [
            self._published(unpack_message(row.body)) if row.flags & Flag.HAS_FIELD else None
            for row in rows
        ]

    def since(self, topic: str, epoch: int, seq: int) -> tuple[list[Published], tuple[int, int]]:
        """What is kept of a topic after a place, and the place reached."""
        *rows, last = self.call("Since", msgspec.msgpack.encode(Since(topic, epoch, seq)))
        assert [row.name for row in (*rows, last)] == ["Message"] * len(rows) + ["Since"], last
        reached = (last.own["epoch"], last.own["seq"])
        return [self._published(unpack_message(row.body)) for row in rows], reached


class TdLink(Link):
    """A client of td_worker, with one login at a time."""

    def __init__(self, group: Group) -> None:
        super().__init__(group, "td")
        self.user, self.handle = "", b""
        self._refs = itertools.count(int(time.time() * 1000) % 10**9)

    def body(self, method: str, **values: Value) -> bytes:
        return self.catalogue.codec(self.catalogue.td.requests[method].struct).pack(values)

    def try_login(
        self, user: str = "028742", password: str = "123456", **options: Any
    ) -> list[Reply]:
        """The rows of the answer; the handle is kept when there is one."""
        body = self.body("ReqUserLogin", BrokerID="9999", UserID=user, Password=password)
        rows = self.call("ReqUserLogin", body, **options)
        for row in rows:
            if row.name == "Session":
                self.user, self.handle = user, row.own["handle"]
        return rows

    def login(self, user: str = "028742", password: str = "123456", **options: Any) -> Reply:
        """A login that must succeed; its OnRspUserLogin."""
        rows = self.try_login(user, password, **options)
        assert [row.name for row in rows] == ["Session", "OnRspUserLogin"], rows
        assert rows[-1].error_id == 0, rows[-1]
        return rows[-1]

    def follow(self, user: str = "028742") -> None:
        """Subscribe the returns of an account, and wait until they arrive."""
        self.subscribe(account_topic("9999", user))
        mark = [0]

        def arrived() -> bool:
            self.call("Mark", session=self.handle)
            mark[0] += 1
            self.pump(0.05)
            return any(message.name == "Mark" for message in self._messages)

        self.wait_for(arrived, "mark")

    def ask(self, method: str, *, timeout_s: float = TIMEOUT_S, **values: Value) -> int:
        """Send a request of the logged-in account; its number."""
        body = self.body(method, **values)
        return self.send(method, body, session=self.handle, timeout_s=timeout_s)

    def request(self, method: str, **values: Value) -> list[Reply]:
        """The same, and wait for the whole answer."""
        return self.rows(self.send(method, self.body(method, **values), session=self.handle))

    def returns(self, epoch: int = 0, seq: int = 0) -> tuple[list[Published], tuple[int, int]]:
        """What was published after a place, once more, and the place reached."""
        body = msgspec.msgpack.encode(Place(epoch, seq))
        *rows, last = self.call("Returns", body, session=self.handle)
        assert [row.name for row in (*rows, last)] == ["Return"] * len(rows) + ["Returns"], last
        reached = (last.own["epoch"], last.own["seq"])
        return [self._published(unpack_message(row.body)) for row in rows], reached

    def order(
        self,
        instrument: str,
        price: float,
        *,
        exchange: str = "SHFE",
        timeout_s: float = TIMEOUT_S,
        client_order_id: str = "",
        **values: Value,
    ) -> int:
        """Buy one lot to open at a limit; the number of the call."""
        body = self.order_body(instrument, price, exchange, **values)
        options: Any = {"timeout_s": timeout_s, "client_order_id": client_order_id}
        return self.send("ReqOrderInsert", body, session=self.handle, **options)

    def outcome(self, **query: Any) -> Reply:
        """What became of an order: the only row of QryOrderOutcome."""
        body = msgspec.msgpack.encode(OutcomeQuery(**query))
        (row,) = self.call("QryOrderOutcome", body, session=self.handle)
        return row

    def wait_outcome(self, state: str, **query: Any) -> Reply:
        """The same, until it is in this state."""
        rows: list[Reply] = []

        def reached() -> bool:
            rows.append(self.outcome(**query))
            return rows[-1].name == "Outcome" and rows[-1].own["state"] == state

        try:
            self._wait(reached, f"outcome {state}")
        except AssertionError as exc:
            raise AssertionError(f"{exc}; it was {rows[-1]}") from None
        return rows[-1]

    def order_body(
        self, instrument: str, price: float, exchange: str = "SHFE", **values: Value
    ) -> bytes:
        """A lot to buy, to open, at a limit. The OrderRef rises."""
        fields: Fields = {
            "BrokerID": "9999",
            "InvestorID": self.user,
            "UserID": self.user,
            "InstrumentID": instrument,
            "ExchangeID": exchange,
            "OrderRef": f"{next(self._refs):>12}",
            "OrderPriceType": "2",
            "Direction": "0",
            "CombOffsetFlag": "0",
            "CombHedgeFlag": "1",
            "LimitPrice": price,
            "VolumeTotalOriginal": 1,
            "TimeCondition": "3",
            "VolumeCondition": "1",
            "MinVolume": 1,
            "ContingentCondition": "1",
            "ForceCloseReason": "0",
        }
        return self.body("ReqOrderInsert", **(fields | values))


def _drain(socket: Any) -> Iterator[bytes]:
    """What has arrived; not more than a portion, for a flood never ends."""
    for _ in range(PORTION):
        if not socket.get(zmq.EVENTS) & zmq.POLLIN:
            return
        yield socket.recv()
