"""A WebSocket client for tests: JSON in, JSON out, blocking, with limits on waiting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support import canary

WAIT_S = 30.0

# An order for the day to buy one lot, to open, at a limit: without the instrument and the price.
ONE_LOT = {
    "OrderPriceType": "2",
    "Direction": "0",
    "CombOffsetFlag": "0",
    "CombHedgeFlag": "1",
    "VolumeTotalOriginal": 1,
    "TimeCondition": "3",
    "VolumeCondition": "1",
    "MinVolume": 1,
    "ContingentCondition": "1",
    "ForceCloseReason": "0",
}


def bearer(token: str) -> dict[str, str]:
    """The header with a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}


class WsClient:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message, ensure_ascii=False))

    def text(self, timeout_s: float = WAIT_S) -> str:
        """The next message as it came."""
        text = self.connection.recv(timeout_s)
        assert isinstance(text, str)
        return canary.check(text)

    def hear(self, timeout_s: float = WAIT_S) -> dict[str, Any]:
        heard: dict[str, Any] = json.loads(self.text(timeout_s))
        return heard

    def hear_of(self, name: str, timeout_s: float = WAIT_S) -> dict[str, Any]:
        """The next message of this MsgType; others are skipped."""
        while (heard := self.hear(timeout_s))["MsgType"] != name:
            pass
        return heard

    def ask(self, **message: Any) -> dict[str, Any]:
        self.send(**message)
        return self.hear()

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """The rows of one reply, others skipped."""
        while True:
            heard = self.hear_of(name)
            yield heard
            if heard.get("IsLast") or "Detail" in heard:
                return

    def log_in(self, user: str = "028742", password: str = "123456") -> dict[str, Any]:
        payload = {"UserID": user, "Password": password}
        return self.ask(MsgType="ReqUserLogin", ReqUserLogin=payload, RequestID=0)

    def silent(self) -> bool:
        """Whether nothing waits: the edge answers in order, so a Ping finds out."""
        self.send(MsgType="Ping")
        return bool(self.hear()["MsgType"] == "Pong")


@contextmanager
def ws(url: str, **options: Any) -> Iterator[WsClient]:
    """A connected client; options go to ``websockets``.

    Large messages are allowed, and its end does not wait for what the test has not read.
    """
    defaults = {"max_size": None, "proxy": None, "close_timeout": 0.2}
    with connect(url, **{**defaults, **options}) as connection:
        yield WsClient(connection)
