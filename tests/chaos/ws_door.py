"""td_worker by ws_edge, as a program that speaks WebSocket."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from typing import Any, Final

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from . import diary
from .client import Answer, Spec
from .diary import Intent, NoRecord, Refused, Told
from .orders_on_wire import BROKER, cancel_fields, order_fields, seen

_CONNECT_S: Final = 1.0
_NOT_LOGGED_IN: Final = -401
_NAMES: Final = {
    "state": "State",
    "duplicate": "Duplicate",
    "session_id": "SessionID",
    "order_ref": "OrderRef",
    "front_id": "FrontID",
    "exchange_id": "ExchangeID",
    "order_sys_id": "OrderSysID",
    "volume_traded": "VolumeTraded",
    "error_id": "ErrorID",
    "error_msg": "ErrorMsg",
}


class WsDoor:
    """One socket at a time, connected again when it is gone."""

    def __init__(self, spec: Spec, url: str) -> None:
        self._spec, self._url = spec, url
        self._socket: ClientConnection | None = None
        self._logged_in = False
        self._again = 0.0
        self._ids = itertools.count(1)
        self._asked: dict[int, tuple[str, int]] = {}

    @property
    def open(self) -> bool:
        return self._logged_in

    def hear(self, wait_s: float) -> list[Answer]:
        try:
            return self._listen(wait_s)
        except (OSError, WebSocketException):
            self._hang_up()
            return []

    def insert(self, order: str, number: int, intent: Intent, deadline_s: float) -> None:
        request = self._send(
            "ReqOrderInsert",
            InputOrder=order_fields(self._spec.user, order, intent),
            ClientOrderID=order,
            DeadlineMs=max(1, int(deadline_s * 1000)),
        )
        self._asked[request] = (order, number)

    def ask(self, order: str) -> None:
        request = self._send("QryOrderOutcome", QryOrderOutcome={"ClientOrderID": order})
        self._asked[request] = (order, 0)

    def cancel(self, intent: Intent, told: Told) -> None:
        fields = cancel_fields(self._spec.user, intent, told)
        self._send("ReqOrderAction", InputOrderAction=fields)

    def _listen(self, wait_s: float) -> list[Answer]:
        now = time.monotonic()
        if self._socket is None and now >= self._again:
            self._again = now + 0.1
            options: dict[str, Any] = {"max_size": None, "proxy": None, "compression": None}
            self._socket = connect(self._url, open_timeout=_CONNECT_S, **options)
        if self._socket is None:
            time.sleep(wait_s)
            return []
        if not self._logged_in and now >= self._again:
            self._again = now + _CONNECT_S
            login = {"BrokerID": BROKER, "UserID": self._spec.user}
            self._send("ReqUserLogin", ReqUserLogin={**login, "Password": self._spec.password})
        answers: list[Answer] = []
        with contextlib.suppress(TimeoutError):
            while self._socket is not None and len(answers) < 500:
                answers += self._message(json.loads(self._socket.recv(wait_s)))
                wait_s = 0
        return answers

    def _send(self, kind: str, **keys: Any) -> int:
        """A request that cannot be sent is one without an answer."""
        request = next(self._ids)
        if self._socket is not None:
            try:
                self._socket.send(json.dumps({"MsgType": kind, "RequestID": request, **keys}))
            except (OSError, WebSocketException):
                self._hang_up()
        return request

    def _hang_up(self) -> None:
        socket, self._socket, self._logged_in = self._socket, None, False
        if socket is not None:
            socket.close_socket()

    def _message(self, message: dict[str, Any]) -> list[Answer]:
        kind = message["MsgType"]
        error = message.get("RspInfo") or {}
        number = int(error.get("ErrorID", 0))
        if kind == "RspUserLogin":
            self._logged_in = number == 0
            return []
        if kind in ("RtnOrder", "RtnTrade"):
            return seen(self._spec.user, message[kind.removeprefix("Rtn")])
        if number == _NOT_LOGGED_IN:
            self._logged_in = False
        order, attempt = self._asked.get(message.get("RequestID", 0), ("", 0))
        if not order:
            return []
        return self._answer(kind, order, attempt, number, message)

    def _answer(
        self, kind: str, order: str, attempt: int, error: int, message: dict[str, Any]
    ) -> list[Answer]:
        if kind == "OrderOutcome" or (kind == "RspQryOrderOutcome" and error == 0):
            outcome = message.get("OrderOutcome")
            if outcome is None:
                return [NoRecord(order, diary.now_ns())]
            return [_told(order, attempt, outcome)]
        if attempt == 0 or error == 0:
            return []
        if error > 0:
            text = message["RspInfo"]["ErrorMsg"]
            told = {"state": "REJECTED", "error_id": error, "error_msg": text}
            return [Told(id=order, number=attempt, at_ns=diary.now_ns(), **told)]
        detail = str(message.get("Detail", ""))
        if "not known" in detail:
            return []
        return [Refused(order, attempt, diary.now_ns(), error, detail)]


def _told(order: str, attempt: int, outcome: dict[str, Any]) -> Told:
    if outcome["ClientOrderID"] != order:
        raise AssertionError(f"asked for {order}, told of {outcome}")
    known = {name: outcome[key] for name, key in _NAMES.items()}
    return Told(id=order, number=attempt, at_ns=diary.now_ns(), **known)
