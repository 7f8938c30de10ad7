"""Messages of the bus in a loop that has other things to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
import zmq

from bus.frames import Flag, Row, message_type, pack_row
from bus.rpc import Caller
from bus.subscriber import Subscriber

COUNT = 1000
TURN = 100  # in one turn: a slice when the socket speaks and one that was left over


class Turns:
    """Counts what is handled between two turns of the loop."""

    def __init__(self) -> None:
        self.handled = self.turn = self.longest = 0
        asyncio.get_running_loop().call_soon(self._next)

    def handle(self, _: object) -> None:
        self.handled += 1
        self.turn += 1
        self.longest = max(self.longest, self.turn)

    def _next(self) -> None:
        self.turn = 0
        if self.handled < COUNT:
            asyncio.get_running_loop().call_soon(self._next)

    async def done(self, count: int = COUNT) -> None:
        async with asyncio.timeout(10):
            while self.handled < count:
                await asyncio.sleep(0.001)


def test_a_flood_of_messages_leaves_the_loop_its_turns() -> None:
    async def scenario(context: Any, pub: Any) -> None:
        turns = Turns()
        subscriber = Subscriber(context, "inproc://pub", turns.handle)
        subscriber.subscribe(b"a/")
        assert pub.recv() == b"\x01a/"
        for number in range(COUNT):
            pub.send(b"a/\0%d" % number)
        await turns.done()
        assert turns.longest <= TURN
        subscriber.unsubscribe(b"a/")
        assert pub.recv() == b"\x00a/"
        subscriber.close()

    run(zmq.XPUB, "inproc://pub", scenario)


def test_a_message_that_cannot_be_handled_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(context: Any, pub: Any) -> None:
        turns = Turns()

        def handle(message: bytes) -> None:
            turns.handle(message)
            if message == b"bad":
                raise ValueError

        subscriber = Subscriber(context, "inproc://pub", handle)
        subscriber.subscribe(b"")
        pub.recv()
        for message in (b"bad", b"good"):
            pub.send(message)
        await turns.done(2)
        assert subscriber.unhandled == 1
        subscriber.close()

    with caplog.at_level(logging.ERROR):
        run(zmq.XPUB, "inproc://pub", scenario)
    assert [record.getMessage() for record in caplog.records] == ["a message was not handled"]


def test_the_end_of_each_slice_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(context: Any, pub: Any) -> None:
        slices: list[int] = []
        turns = Turns()

        def on_slice() -> None:
            slices.append(turns.handled)
            if len(slices) == 1:
                raise ValueError

        subscriber = Subscriber(context, "inproc://pub", turns.handle, on_slice)
        subscriber.subscribe(b"")
        pub.recv()
        for _ in range(COUNT):
            pub.send(b"a")
        await turns.done()
        await asyncio.sleep(0)
        assert slices[-1] == COUNT
        assert len(slices) >= COUNT // 50
        assert subscriber.unhandled == 1
        subscriber.close()

    with caplog.at_level(logging.ERROR):
        run(zmq.XPUB, "inproc://pub", scenario)


def test_a_flood_of_rows_leaves_the_loop_its_turns() -> None:
    async def scenario(context: Any, router: Any) -> None:
        turns = Turns()
        caller = Caller(context, "inproc://rpc", "worker")
        number = caller.call("ReqQryInstrument", turns.handle, deadline_ns=0)
        peer, _ = router.recv_multipart()
        row = Row(number, 0, 0, message_type("OnRspQryInstrument"), 0, int(Flag.HAS_FIELD), b"x")
        for _ in range(COUNT):
            router.send_multipart((peer, pack_row(row)))
        await turns.done()
        assert turns.longest <= TURN
        caller.close()

    run(zmq.ROUTER, "inproc://rpc", scenario)


def run(kind: int, address: str, scenario: Callable[[Any, Any], Any]) -> None:
    context: Any = zmq.Context()
    socket = context.socket(kind)
    socket.bind(address)
    try:
        asyncio.run(scenario(context, socket))
    finally:
        context.destroy(linger=0)
