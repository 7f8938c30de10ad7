"""What td_worker adds to an order and to its first return, against the least that it could do.

    python -m tests.bench.order_path

Added: from the client's send to the API call, and from the callback to the client's receive. The
yardstick is a ROUTER in a process of its own that commits one row to SQLite (WAL, synchronous
FULL) and echoes the call. Both take turns in one run. The counter is the embedded exchange.
"""

from __future__ import annotations

import mmap
import multiprocessing
import sqlite3
import struct
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import msgspec
import zmq

from bus.frames import HEADER, account_topic, message_type
from bus.rpc import Call
from tests.support.buslink import TdLink
from tests.support.group import CHECKOUT, Group

from .table import finish, header, quantile, row, verdict

ROUNDS, PORTION, WARM = 30, 20, 40
SETTINGS: dict[str, Any] = {
    "sim": {"queries_per_second": 0},
    "td_worker": {"queries_per_s": 1000},
}
USER: Final = "028742"
TIMEOUT_MS: Final = 10_000
_ORDER, _TRADE = message_type("OnRtnOrder"), message_type("OnRtnTrade")
_STAMP: Final = struct.Struct("<Q")
# In the worker: when the API was called for each order, Unix ns. The first number counts them.
PATCH: Final = """
import mmap, os, struct, time
import schemas.counter as c
file = open({stamps!r}, "r+b")
stamps, stamp, request = mmap.mmap(file.fileno(), 0), struct.Struct("<Q"), c.Counter.request
def stamped(self, name, raw, request_id):
    if name == "ReqOrderInsert":
        count = stamp.unpack_from(stamps)[0] + 1
        stamp.pack_into(stamps, 8 * count, time.time_ns())
        stamp.pack_into(stamps, 0, count)
    return request(self, name, raw, request_id)
c.Counter.request = stamped
"""


def commit_and_echo(folder: str, ready: Connection) -> None:
    """The least that a worker does which records an order before it acts."""
    context: zmq.Context[Any] = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.bind(f"ipc://{folder}/echo")
    table = sqlite3.connect(f"{folder}/echo.db", isolation_level=None)
    table.execute("PRAGMA journal_mode=WAL")
    table.execute("PRAGMA synchronous=FULL")
    table.execute("CREATE TABLE calls (number INTEGER PRIMARY KEY, body BLOB)")
    ready.send(True)
    while True:
        peer, call = router.recv_multipart()
        table.execute("INSERT INTO calls (body) VALUES (?)", (call,))
        router.send_multipart((peer, call))


class Echo:
    """The client of the yardstick."""

    def __init__(self, context: zmq.Context[Any], folder: str) -> None:
        self._dealer = context.socket(zmq.DEALER)
        self._dealer.connect(f"ipc://{folder}/echo")

    def round_trip(self, frame: bytes) -> float:
        """Microseconds."""
        began = time.time_ns()
        self._dealer.send(frame)
        _wait(self._dealer)
        self._dealer.recv()
        return (time.time_ns() - began) / 1e3


class Orders:
    """A logged-in client of td_worker with nothing between it and its sockets."""

    def __init__(self, context: zmq.Context[Any], group: Group, link: TdLink, stamps: Path) -> None:
        self._link = link
        self._dealer, self._sub = context.socket(zmq.DEALER), context.socket(zmq.SUB)
        self._dealer.connect(group.ready["td_worker"]["rpc"])
        self._sub.connect(group.ready["td_worker"]["pub"])
        self._sub.subscribe(account_topic("9999", USER).encode())
        with stamps.open("r+b") as file:
            self._stamps = mmap.mmap(file.fileno(), 0)
        rows = link.request("ReqQryInstrument", ProductID="rb", ExchangeID="SHFE")
        name = str(rows[0]["InstrumentID"])
        (quote,) = link.request("ReqQryDepthMarketData", InstrumentID=name)
        price = quote["UpperLimitPrice"]
        assert isinstance(price, float)
        self._instrument, self._price, self._count = name, price, 0
        mark = Call(1, "Mark", time.time_ns() + 10**10, link.handle)
        while not self._sub.poll(50):  # until the subscription is there
            self._dealer.send(msgspec.msgpack.encode(mark))
        while self._sub.poll(50):
            self._sub.recv()

    def frame(self) -> bytes:
        """The next order."""
        self._count += 1
        body = self._link.order_body(self._instrument, self._price)
        deadline = time.time_ns() + 10**10
        return msgspec.msgpack.encode(
            Call(self._count, "ReqOrderInsert", deadline, self._link.handle, 0, body)
        )

    def send(self, frame: bytes) -> tuple[float, float]:
        """Microseconds (to the API, back from the first callback) of one order that is filled."""
        count = self._called(0) + 1
        began = time.time_ns()
        self._dealer.send(frame)
        back = self._first_return()
        return (self._called(count) - began) / 1e3, back

    def _called(self, number: int) -> int:
        value: int = _STAMP.unpack_from(self._stamps, 8 * number)[0]
        return value

    def _first_return(self) -> float:
        back = 0.0
        while True:
            _wait(self._sub)
            frame = self._sub.recv()
            at = time.time_ns()
            fields = HEADER.unpack_from(frame, frame.index(b"\0") + 1)
            if fields[4] == _ORDER and not back:
                back = (at - fields[2]) / 1e3
            if fields[4] == _TRADE:
                return back


def _wait(socket: zmq.Socket[Any]) -> None:
    assert socket.poll(TIMEOUT_MS), "no answer"


def measure(folder: Path) -> dict[str, list[float]]:
    """Microseconds of each order and of each echo, taking turns."""
    stamps = folder / "stamps"
    stamps.write_bytes(bytes(8 * (ROUNDS * PORTION + WARM + 1)))
    (folder / "sitecustomize.py").write_text(PATCH.format(stamps=str(stamps)))
    environment = {"PYTHONPATH": f"{folder}:{CHECKOUT}"}
    figures: dict[str, list[float]] = {"there": [], "back": [], "added": [], "echo": []}
    context: zmq.Context[Any] = zmq.Context()
    with Group(folder, overrides=SETTINGS, front_env=environment) as group:
        group.start("sim", "td_worker")
        with TdLink(group) as link:
            link.login(USER)
            orders, echo = Orders(context, group, link, stamps), Echo(context, str(folder))
            for _ in range(WARM):
                frame = orders.frame()
                orders.send(frame)
                echo.round_trip(frame)
            for _ in range(ROUNDS):
                for frame in [orders.frame() for _ in range(PORTION)]:
                    there, back = orders.send(frame)
                    figures["there"].append(there)
                    figures["back"].append(back)
                    figures["added"].append(there + back)
                figures["echo"] += [echo.round_trip(frame) for _ in range(PORTION)]
            context.destroy(linger=0)
    return figures


def show(name: str, values: list[float]) -> None:
    row(name, p50=quantile(values, 0.5), p99=quantile(values, 0.99), n=len(values))


def main() -> None:
    header("time of an order in td_worker, us")
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=commit_and_echo, args=(folder, theirs)
        )
        process.start()
        try:
            assert ours.poll(TIMEOUT_MS / 1e3), "the yardstick did not start"
            figures = measure(Path(folder))
        finally:
            process.kill()
            process.join()
    show("one FULL commit and an echo", figures["echo"])
    show("client to API call", figures["there"])
    show("callback to client", figures["back"])
    show("both", figures["added"])
    ratios = [quantile(figures["added"], at) / quantile(figures["echo"], at) for at in (0.5, 0.99)]
    row("multiples of the yardstick", p50=ratios[0], p99=ratios[1])
    finish([verdict("an order's way to its yardstick, p50", ratios[0], 3, "x")])


if __name__ == "__main__":
    main()
