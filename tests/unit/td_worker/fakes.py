"""A counter and callers without processes, for the parts of a session."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import schemas.catalogue
from bus.errors import Refused
from bus.frames import HEADER, unpack_message
from bus.publisher import Stream
from bus.rpc import Call
from bus.secrets import Secret
from bus.stats import buckets
from schemas.codec import Value
from schemas.counter import Counter, Event
from td_worker.config import TdConfig
from td_worker.login.attempts import Attempt
from td_worker.login.gate import Gate
from td_worker.login.guard import Guard
from td_worker.login.settlement import Settlement
from td_worker.login.wrongs import Wrongs
from td_worker.numbers import RequestIds
from td_worker.replies import Replies

CATALOGUE = schemas.catalogue.load()
CONFIG = TdConfig(front="tcp://x", broker_id="9999", app_id="app", step_s=5, retry_s=10, login_s=8)
NEXT = {
    "ReqAuthenticate": "OnRspAuthenticate",
    "ReqUserLogin": "OnRspUserLogin",
    "ReqUserLoginWithOTP": "OnRspUserLogin",
    "ReqQrySettlementInfoConfirm": "OnRspQrySettlementInfoConfirm",
    "ReqSettlementInfoConfirm": "OnRspSettlementInfoConfirm",
    "ReqUserLogout": "OnRspUserLogout",
    "ReqUserPasswordUpdate": "OnRspUserPasswordUpdate",
}


class FakeCounter:
    """Notes what is asked; the test answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes, int]] = []
        self.status = 0

    def request(self, name: str, raw: bytes, number: int) -> int:
        self.asked.append((name, raw, number))
        return self.status

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.asked]

    def passwords(self) -> list[Value]:
        codec = CATALOGUE.codec("ReqUserLogin")
        return [codec.get(raw, "Password") for name, raw, _ in self.asked if name == "ReqUserLogin"]


class FakeReplies:
    """Notes who hears what."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, str, int]] = []

    def event(self, peer: bytes, call: Call, event: Event, last: bool | None = None) -> None:
        assert event.last if last is None else last, "a login ends with its first row"
        error = CATALOGUE.codec("RspInfo").get(event.info, "ErrorID") if event.info else 0
        self.heard.append((peer, event.name, int(error or 0)))

    def sent(self, peer: bytes, call: Call) -> None:
        self.heard.append((peer, "Sent", 0))

    def refuse(self, peer: bytes, call: Call, error: Refused) -> None:
        self.heard.append((peer, "Error", error.error_id))


class FakePublisher:
    """Makes the messages and sends them nowhere; ``breaks``: the process ends right before."""

    def __init__(self, epoch: int = 1) -> None:
        self.epoch = epoch
        self.frames: list[bytes] = []
        self.delays = buckets()
        self.breaks = False
        self._streams: dict[str, Stream] = {}

    @property
    def bodies(self) -> list[bytes]:
        return [unpack_message(frame).body for frame in self.frames]

    def stream(self, topic: str) -> Stream:
        return self._streams.setdefault(topic, Stream(topic))

    def publish(
        self,
        stream: Stream,
        kind: int,
        flags: int,
        body: bytes,
        recv_ns: int,
        keep: Callable[[bytes], None] | None = None,
    ) -> int:
        stream.seq += 1
        header = HEADER.pack(self.epoch, stream.seq, recv_ns, 0, kind, CATALOGUE.layout_id, flags)
        frame = stream.prefix + header + body
        if keep is not None:
            keep(frame)
        if self.breaks:
            raise RuntimeError("killed")
        self.frames.append(frame)
        return stream.seq


class NoGuard:
    """Lets every password go to the front."""

    def begin(self, who: object, now: float) -> bool:
        return True

    def end(self, who: object) -> None: ...

    def has_refused(self, password: Secret) -> bool:
        return False

    def objection(self, password: Secret, now: float) -> None: ...

    def wait_s(self, now: float) -> float:
        return 0.0

    def accepted(self, password: Secret) -> None: ...

    def refused(self, password: Secret | None, error: int, now: float) -> None: ...


class Desk:
    """A gate between a counter and clients, both played by the test. ``now`` is its clock."""

    def __init__(
        self, config: TdConfig = CONFIG, recovers: bool = True, guard: Guard | None = None
    ) -> None:
        self.recovers = recovers  # at once
        self.fits = True  # the trading day
        self.wrongs = Wrongs(0.0)
        self.settlement = Settlement(CATALOGUE, config.settlement)
        self.counter, self.replies = FakeCounter(), FakeReplies()
        self.admitted: list[bytes] = []
        self.notes: list[str] = []  # what the gate told the session
        self.now = 100.0
        self.gate = Gate(
            CATALOGUE,
            config,
            "u1",
            cast(Counter, self.counter),
            cast(Replies, self.replies),
            RequestIds(),
            guard or cast(Guard, NoGuard()),
            self.wrongs,
            self.settlement,
            fits=lambda login: self.fits,
            on_login=lambda login: self.notes.append("login"),
            on_recovering=self._recovering,
            on_ready=lambda: self.notes.append("ready"),
            admit=lambda attempt, login: self.admitted.append(attempt.peer),
            on_lost=lambda error: self.notes.append(f"lost {error}"),
            on_logout=lambda: self.notes.append("logout"),
        )

    def client(
        self,
        peer: bytes,
        password: str = "right",
        patience_s: float = 8.0,
        method: str = "ReqUserLogin",
        origin: str = "",
    ) -> None:
        body = bytes(CATALOGUE.layouts[CATALOGUE.td.requests[method].struct].size)
        call = Call(1, method, 0, body=body)
        with self._told():
            deadline = self.now + patience_s
            attempt = Attempt(peer, call, Secret(password), deadline, origin or peer.hex())
            self.gate.attach(attempt, self.now)

    def change(self, peer: bytes, old: str, new: str, patience_s: float = 8.0) -> None:
        codec = CATALOGUE.codec("UserPasswordUpdate")
        body = codec.pack({"UserID": "u1", "OldPassword": old, "NewPassword": new})
        deadline_ns = time.time_ns() + int(patience_s * 1e9)
        with self._told():
            call = Call(1, "ReqUserPasswordUpdate", deadline_ns, body=body)
            self.gate.change_password(peer, call, self.now)

    def _recovering(self) -> None:
        if self.recovers:
            self.gate.recovered(self.now)
        else:
            self.notes.append("recovering")

    def connect(self) -> None:
        with self._told():
            self.gate.connected(self.now)

    def disconnect(self) -> None:
        self.gate.disconnected(0x1001)

    def later(self, seconds: float) -> None:
        self.now += seconds
        with self._told():
            self.gate.timers(self.now)

    def answer(self, error: int = 0, index: int = -1, name: str = "") -> bool:
        """The counter answers the last request, or another one."""
        asked, _, number = self.counter.asked[index]
        values: dict[str, Any] = {"ErrorID": error}
        info = CATALOGUE.codec("RspInfo").pack(values)
        event = Event(name or NEXT[asked], None, info, number, True, 0, 0)
        with self._told():
            return self.gate.on_reply(event, self.now)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Wrong passwords are answered at once here."""
        yield
        self.wrongs.timers(self.now)

    def log_in(self) -> None:
        """All the steps."""
        for _ in range(3):
            self.answer()
