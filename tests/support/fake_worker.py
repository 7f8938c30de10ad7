"""A worker by script: the two sockets of td_worker or md_worker, answered by the test's lines.

with FakeWorker(addresses.td_pub, addresses.td_rpc) as worker:
    worker.script("ReqUserLogin", session_row(), row("OnRspUserLogin", ..., last=True))
    worker.wait_for("ReqUserLogin")
    worker.publish("td/9999/028742/", "OnRtnOrder", pack("Order"))
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import msgspec
import zmq

from bus.frames import Row, join_body, message_type
from bus.publisher import Publisher
from bus.rpc import Call, Router

from .edge_core import CATALOGUE, Line

_POLL_MS = 5
_WAIT_S = 10.0
Script = Callable[[Call], list[Line]]


class FakeWorker:
    """``calls`` holds everything that arrived; what has no script gets no answer."""

    def __init__(self, pub: str, rpc: str, epoch: int = 1, keep: int = 1) -> None:
        self.calls: list[Call] = []
        self._peers: dict[int, bytes] = {}
        self._scripts: dict[str, Script] = {}
        self._todo: queue.SimpleQueue[tuple[Call, tuple[Line, ...]]] = queue.SimpleQueue()
        self._context: zmq.Context[Any] = zmq.Context()
        self.publisher = Publisher(self._context, pub, epoch, CATALOGUE.layout_id, keep)
        self._router = Router(self._context, rpc, CATALOGUE.layout_id)
        self._running = True
        self._subscriptions: set[str] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def script(self, method: str, *lines: Line) -> None:
        """Answer every call of this method with these rows."""
        self._scripts[method] = lambda call: list(lines)

    def answer_by(self, method: str, script: Script) -> None:
        self._scripts[method] = script

    def tell(self, call: Call, *lines: Line) -> None:
        """Rows for a call that came earlier."""
        self._todo.put((call, lines))

    def publish(
        self, topic: str, name: str, field: bytes | None = None, info: bytes | None = None
    ) -> int:
        """The seq of the message."""
        flags, body = join_body(field, info)
        stream = self.publisher.stream(topic)
        return self.publisher.publish(stream, message_type(name), flags, body, time.time_ns())

    def wait_for(self, method: str, count: int = 1) -> Call:
        """The call number ``count`` of this method."""
        calls: list[Call] = []

        def there() -> bool:
            calls[:] = [call for call in list(self.calls) if call.method == method]
            return len(calls) >= count

        wait_until(there, lambda: f"{method} is not among {[c.method for c in self.calls]}")
        return calls[count - 1]

    def wait_subscribed(self, topic: str, wanted: bool = True) -> None:
        """Until a subscriber wants this very prefix, or nobody does any more."""
        wait_until(lambda: (topic in self._subscriptions) is wanted, lambda: topic)

    def close(self) -> None:
        self._running = False
        self._thread.join()
        self._router.close()
        self.publisher.close()
        self._context.destroy(linger=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        while self._running:
            self._router.socket.poll(_POLL_MS)
            while received := self._router.receive():
                peer, call = received
                self._peers[call.id] = peer
                self.calls.append(call)
                script = self._scripts.get(call.method)
                self._send(call, tuple(script(call)) if script else ())
            while not self._todo.empty():
                self._send(*self._todo.get())
            for wanted, topic in self.publisher.subscriptions():
                (self._subscriptions.add if wanted else self._subscriptions.discard)(topic)

    def _send(self, call: Call, lines: tuple[Line, ...]) -> None:
        for line in lines:
            header = (call.id, line.after_seq, call.request_id, message_type(line.name))
            self._router.send(
                self._peers[call.id],
                Row(*header, CATALOGUE.layout_id, int(line.flags), line.body),
            )


def wait_until(fact: Callable[[], bool], complaint: Callable[[], str]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not fact():
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.002)


def names_of(call: Call) -> list[str]:
    """The instruments of a list call."""
    return msgspec.msgpack.decode(call.body, type=list[str])
