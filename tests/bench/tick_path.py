"""What one tick costs on its way: md_worker, ws_edge, and to JSON.

    python -m tests.bench.tick_path

md_worker: the duration of the C++ callback, as the stand-in front sees it, with md_worker doing all
its work inside (raw copy, header, PUB send). "flat out": the next tick comes as soon as the last
callback has returned; "1,000/s": caches are cold and ZeroMQ must wake its thread for each message.
The
other two parts are edge_path.py and json_ratio.py.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import zmq

from tests.support.front import Front
from tests.support.group import Group

from . import edge_path, json_ratio
from .table import finish, header, row, verdict

INSTRUMENTS = [f"rb26{month:02}" for month in range(1, 13)]
FLAT_OUT_TICKS = 200_000
PACED_TICKS = 3_000
TIMEOUT_S = 60.0


def worker() -> bool:
    header("md_worker, one tick")
    with tempfile.TemporaryDirectory() as folder:
        front = Front(Path(folder), TICK_RATE=-1)
        with Group(Path(folder), sim=False, front_env=front.env) as group:
            group.start("md_worker")
            pub = group.ready["md_worker"]["pub"]
            with Reader(pub, receives=False):
                _measure(front, "flat out, a subscriber that does not read", 0, FLAT_OUT_TICKS)
            with Reader(pub):
                mean = _measure(front, "flat out, a subscriber that reads", 0, FLAT_OUT_TICKS)
                _measure(front, "1,000/s, a subscriber that reads", 1000, PACED_TICKS)
    return verdict("md_worker, callback to the end of the PUB send", mean, 6, "us")


class Reader:
    """A process that subscribes to the topic of each instrument, and reads them or does not."""

    def __init__(self, pub: str, receives: bool = True) -> None:
        context = multiprocessing.get_context("spawn")
        self._ready = context.Event()
        self._process = context.Process(target=_read, args=(pub, receives, self._ready))

    def __enter__(self) -> None:
        self._process.start()
        assert self._ready.wait(TIMEOUT_S)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()


def _read(pub: str, receives: bool, ready: Event) -> None:
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.connect(pub)
    for instrument in INSTRUMENTS:
        socket.subscribe(f"tick/{instrument}/")
    ready.set()
    while receives:
        socket.recv(copy=False)
    time.sleep(3600)


def _measure(front: Front, name: str, rate: int, ticks: int) -> float:
    """Prints one line; the mean in microseconds."""
    _wait_for_subscriptions(front)
    front.tell("clear")
    front.tell("rate", rate)
    front.tell("count", ticks)
    began = time.monotonic()
    while (figures := front.report("mdfront"))["ticks"] < ticks:
        assert time.monotonic() - began < TIMEOUT_S, figures
    front.tell("rate", -1)
    row(
        name,
        mean_us=figures["callback_ns_mean"] / 1000,
        p50_us=figures["callback_ns_p50"] / 1000,
        p99_us=figures["callback_ns_p99"] / 1000,
        max_us=figures["callback_ns_max"] / 1000,
    )
    return float(figures["callback_ns_mean"]) / 1000


def _wait_for_subscriptions(front: Front) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while front.report("mdfront")["subscribed"] < len(INSTRUMENTS):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def main() -> None:
    kept = [worker(), edge_path.main(), json_ratio.main()]
    finish(kept)


if __name__ == "__main__":
    main()
