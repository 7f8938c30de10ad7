"""td_worker by the bus, as a program that speaks ZeroMQ."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import zmq

from bus.frames import (
    Flag,
    Message,
    Row,
    account_topic,
    message_type,
    split_body,
    unpack_message,
    unpack_row,
)
from bus.orders import NOT_ON_RECORD, Outcome, OutcomeQuery
from bus.rpc import Call, ErrorBody, SessionBody
from schemas import catalogue
from schemas.codec import Value
from schemas.errors import NOT_LOGGED_IN

from . import diary
from .client import Answer, Spec
from .diary import Intent, NoRecord, Refused, Told, Wrong
from .orders_on_wire import BROKER, cancel_fields, order_fields, seen

_LOGIN_S: Final = 2.0
_AGAIN_S: Final = 0.3  # td_worker may have died with the last one
_ERROR, _SESSION = message_type("Error"), message_type("Session")
_SENT, _OUTCOME = message_type("Sent"), message_type("Outcome")
_REFUSED: Final = message_type("OnRspOrderInsert")
_ORDER, _TRADE = message_type("OnRtnOrder"), message_type("OnRtnTrade")
_decode_outcome = msgspec.msgpack.Decoder(Outcome).decode
_decode_error = msgspec.msgpack.Decoder(ErrorBody).decode
_decode_session = msgspec.msgpack.Decoder(SessionBody).decode
_encode = msgspec.msgpack.Encoder().encode


class BusDoor:
    """One DEALER for the life of the client; td_worker may come and go behind it."""

    def __init__(self, spec: Spec, rpc: str, pub: str) -> None:
        self._spec = spec
        self._catalogue = catalogue.load()
        self._info_size = self._catalogue.layouts["RspInfo"].size
        context: zmq.Context[Any] = zmq.Context()
        self._dealer = context.socket(zmq.DEALER)
        self._dealer.set(zmq.IDENTITY, b"x" + os.urandom(8))
        self._dealer.connect(rpc)
        self._sub = context.socket(zmq.SUB)
        self._sub.subscribe(account_topic(BROKER, spec.user).encode())
        self._sub.connect(pub)
        self._poller = zmq.Poller()
        self._poller.register(self._dealer, zmq.POLLIN)
        self._poller.register(self._sub, zmq.POLLIN)
        self._ids = itertools.count(1)
        self._asked: dict[int, tuple[str, int]] = {}  # call -> order id and attempt, 0 a question
        self._logins: set[int] = set()
        self._again = 0.0
        self._handle = b""

    @property
    def open(self) -> bool:
        return bool(self._handle)

    def hear(self, wait_s: float) -> list[Answer]:
        if not self._handle and time.monotonic() >= self._again:
            self._log_in()
        self._poller.poll(int(wait_s * 1000))
        answers: list[Answer] = []
        for frame in _frames(self._dealer):
            answers += self._row(unpack_row(frame))
        for frame in _frames(self._sub):
            answers += self._message(unpack_message(frame))
        return answers

    def insert(self, order: str, number: int, intent: Intent, deadline_s: float) -> None:
        body = self._pack("ReqOrderInsert", **order_fields(self._spec.user, order, intent))
        call = self._call("ReqOrderInsert", body, deadline_s, order)
        self._asked[call] = (order, number)

    def ask(self, order: str) -> None:
        body = _encode(OutcomeQuery(client_order_id=order))
        self._asked[self._call("QryOrderOutcome", body, 3.0)] = (order, 0)

    def cancel(self, intent: Intent, told: Told) -> None:
        body = self._pack("ReqOrderAction", **cancel_fields(self._spec.user, intent, told))
        self._call("ReqOrderAction", body, 3.0)

    def _log_in(self) -> None:
        user, password = self._spec.user, self._spec.password
        body = self._pack("ReqUserLogin", BrokerID=BROKER, UserID=user, Password=password)
        self._again = time.monotonic() + _AGAIN_S
        self._logins.add(self._call("ReqUserLogin", body, _LOGIN_S))

    def _call(self, method: str, body: bytes, deadline_s: float, order: str = "") -> int:
        number = next(self._ids)
        deadline_ns = time.time_ns() + int(deadline_s * 1e9)
        call = Call(number, method, deadline_ns, self._handle, number, body, client_order_id=order)
        self._dealer.send(_encode(call))
        return number

    def _pack(self, method: str, **values: Value) -> bytes:
        struct = self._catalogue.td.requests[method].struct
        return self._catalogue.codec(struct).pack(values)

    def _row(self, row: Row) -> list[Answer]:
        if row.type == _SESSION and row.id in self._logins:
            self._logins.clear()
            self._handle = _decode_session(row.body).handle
            return []
        if row.type == _ERROR:
            return self._error(row, _decode_error(row.body))
        order, number = self._asked.get(row.id, ("", 0))
        if not order:
            return []
        if row.type in (_SENT, _OUTCOME) and row.flags & Flag.MSGPACK:
            return [self._told(order, number, _decode_outcome(row.body))]
        if row.type == _REFUSED:
            return self._refusal(order, number, row)
        return []

    def _error(self, row: Row, error: ErrorBody) -> list[Answer]:
        order, number = self._asked.pop(row.id, ("", 0))
        if error.error_id == NOT_LOGGED_IN:
            self._handle = b""
        elif row.id in self._logins:
            self._again = time.monotonic() + 0.1
        if number:
            detail = f"{error.error_msg} {error.detail}"
            return [Refused(order, number, diary.now_ns(), error.error_id, detail)]
        if order and NOT_ON_RECORD in error.detail:
            return [NoRecord(order, diary.now_ns())]
        return []

    def _told(self, order: str, number: int, outcome: Outcome) -> Told:
        fields = msgspec.structs.asdict(outcome)
        known = {name: fields[name] for name in Told.__struct_fields__ if name in fields}
        if outcome.client_order_id != order:
            raise AssertionError(f"asked for {order}, told of {outcome}")
        return Told(
            **{**known, "state": outcome.state.value}, id=order, number=number, at_ns=diary.now_ns()
        )

    def _refusal(self, order: str, number: int, row: Row) -> list[Answer]:
        _, info = split_body(row.flags, row.body, self._info_size)
        error = self._catalogue.codec("RspInfo").unpack(info) if info else {}
        if not error.get("ErrorID"):
            return []
        told: dict[str, Any] = {"error_id": error["ErrorID"], "error_msg": error["ErrorMsg"]}
        return [Told(id=order, number=number, at_ns=diary.now_ns(), state="REJECTED", **told)]

    def _message(self, message: Message) -> list[Answer]:
        if message.type not in (_ORDER, _TRADE):
            return []
        name = "OnRtnOrder" if message.type == _ORDER else "OnRtnTrade"
        field, _ = split_body(message.flags, message.body, self._info_size)
        struct = self._catalogue.td.callbacks[name].struct
        if field is None or struct is None:
            return [Wrong(f"{name} without a struct")]
        return seen(self._spec.user, self._catalogue.codec(struct).unpack(field))


def _frames(socket: Any) -> Iterator[bytes]:
    for _ in range(500):
        if not socket.get(zmq.EVENTS) & zmq.POLLIN:
            return
        yield socket.recv()
