"""Whether ticks and orders notice that admin dies: their p99 while it is killed and started again.

    python -m tests.bench.admin_killed [--kills 100]

Rounds take turns: in one half admin listens in peace, in the other it is killed and started ten
times at any moment of its life. Peace is measured twice: what the two differ by is the machine's,
and where they differ by more than what is asked for, a p99 says nothing and the verdict is missed.
Each figure is the median of the rounds, so that a burst of somebody else spoils one of them alone.
A tick's time is from md_worker's callback to a subscriber, an order's from the call to td_worker's
row that it was sent.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
import zmq

from bus.frames import HEADER, ROW_HEADER, message_type, tick_topic
from bus.rpc import Call
from tests.support.buslink import TdLink
from tests.support.group import CHECKOUT, Group

from .table import finish, header, quantile, row, verdict

KILLS_A_ROUND: Final = 10
LONGEST_LIFE_S: Final = 1.5
ORDER_EVERY_S: Final = 0.02
CHANGE: Final = 0.20
# Below it a share says nothing: the kernel's turns on a shared machine are as long.
NOISE_US: Final = 100.0
INSTRUMENTS: Final = 200  # each ticks twice a second
USER: Final = "028742"
Times = tuple[list[float], list[float]]
_TICK, _SENT = message_type("OnRtnDepthMarketData"), message_type("Sent")
OVERRIDES: Final[dict[str, Any]] = {
    "sim": {"queries_per_second": 0},
    "td_worker": {"queries_per_s": 1000},
    "admin": {"port": 0, "disk_free_mb": 0},
}


class Admin:
    """As supervisord starts it."""

    def __init__(self, group: Group) -> None:
        self._command = [
            *("nice", "-n", "19", sys.executable, "-m", "admin"),
            *("--config", str(group.config_file)),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def wait_ready(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), "admin has ended"

    def kill(self) -> None:
        process, self._process = self._process, None
        assert process is not None
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


class Ticks(threading.Thread):
    """Counts the delays of ticks in microseconds into ``into``."""

    def __init__(self, context: zmq.Context[Any], address: str, names: list[str]) -> None:
        super().__init__(daemon=True)
        self.into: list[float] = []
        self._socket = context.socket(zmq.SUB)
        for name in names:
            self._socket.subscribe(tick_topic(name))
        self._socket.connect(address)

    def run(self) -> None:
        while True:
            frame = self._socket.recv()
            fields = HEADER.unpack_from(frame, frame.index(b"\0") + 1)
            if fields[4] == _TICK:
                self.into.append((time.time_ns() - fields[2]) / 1e3)


class Orders:
    def __init__(self, context: zmq.Context[Any], address: str, link: TdLink) -> None:
        self._link, self._count = link, 0
        self._dealer = context.socket(zmq.DEALER)
        self._dealer.connect(address)
        instruments = link.request("ReqQryInstrument", ProductID="rb", ExchangeID="SHFE")
        self._name = str(instruments[0]["InstrumentID"])
        (quote,) = link.request("ReqQryDepthMarketData", InstrumentID=self._name)
        assert isinstance(quote["UpperLimitPrice"], float)
        self._price = quote["UpperLimitPrice"]

    def one(self) -> float:
        """Microseconds from the call to the row Sent."""
        self._count += 1
        body = self._link.order_body(self._name, self._price)
        deadline = time.time_ns() + 10**10
        call = Call(self._count, "ReqOrderInsert", deadline, self._link.handle, 0, body)
        began = time.monotonic_ns()
        self._dealer.send(msgspec.msgpack.encode(call))
        while True:
            assert self._dealer.poll(10_000), "no answer"
            fields = ROW_HEADER.unpack_from(self._dealer.recv())
            if fields[0] == self._count and fields[3] == _SENT:
                return (time.monotonic_ns() - began) / 1e3


def measure(ticks: Ticks, orders: Orders, until: threading.Event) -> Times:
    ticks.into, took = [], []
    while not until.is_set():
        took.append(orders.one())
        until.wait(ORDER_EVERY_S)
    return ticks.into, took


def while_killed(admin: Admin, kills: int, done: threading.Event) -> None:
    for _ in range(kills):
        time.sleep(random.uniform(0, LONGEST_LIFE_S))
        admin.kill()
        admin.start()
    done.set()


def run(folder: Path, kills: int) -> bool:
    context: zmq.Context[Any] = zmq.Context()
    calm: list[Times] = []
    again: list[Times] = []
    killed: list[Times] = []
    with Group(folder, overrides=OVERRIDES) as group:
        group.start("sim", "md_worker", "td_worker", "ws_edge", "tcp_edge")
        admin = Admin(group)
        with TdLink(group) as link:
            link.login(USER)
            names = [str(each["InstrumentID"]) for each in link.request("ReqQryInstrument")]
            ticks = Ticks(context, group.ready["md_worker"]["pub"], names[:INSTRUMENTS])
            orders = Orders(context, group.ready["td_worker"]["rpc"], link)
            ticks.start()
            admin.start()
            left = kills
            while left:
                admin.wait_ready()
                portion = min(left, KILLS_A_ROUND)
                left -= portion
                for half in (calm, again):
                    peace = threading.Event()
                    threading.Timer(portion * LONGEST_LIFE_S / 4, peace.set).start()
                    half.append(measure(ticks, orders, peace))
                war = threading.Event()
                threading.Thread(target=while_killed, args=(admin, portion, war)).start()
                killed.append(measure(ticks, orders, war))
            admin.kill()
    return _compare(calm, again, killed, kills)


def _compare(calm: list[Times], again: list[Times], killed: list[Times], kills: int) -> bool:
    words = ("admin in peace", "in peace, once more", f"killed {kills} times")
    kept = []
    for which, name in enumerate(("ticks", "orders")):
        p99s = []
        for when, rounds in zip(words, (calm, again, killed), strict=True):
            parts = [times[which] for times in rounds]
            p50, p99 = (median(quantile(part, share) for part in parts) for share in (0.5, 0.99))
            row(f"{name}, {when}", n=sum(map(len, parts)), p50_us=p50, p99_us=p99)
            p99s.append(p99)
        was, also, now = p99s
        kept.append(
            verdict(f"{name}: p99, the two in peace", max(was, also), _most(min(was, also)), "us")
        )
        kept.append(verdict(f"{name}: p99, killed", now, _most((was + also) / 2), "us"))
    return all(kept)


def _most(p99_us: float) -> float:
    return p99_us * (1 + CHANGE) + NOISE_US


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    arguments = parser.parse_args()
    header("ticks and orders while admin is killed, us")
    with tempfile.TemporaryDirectory() as folder:
        finish([run(Path(folder), arguments.kills)])


if __name__ == "__main__":
    main()
