"""What the journal of returns costs td_worker.

    python -m tests.bench.journal_cost

One return through ``Returns.publish`` with the journal and without it, alternating in one run; the
start of a worker with a full day in the journal; a replay of that day over ROUTER and DEALER.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, cast

import msgspec
import zmq

import schemas.catalogue
from bus.frames import Flag, unpack_row
from bus.orders import Place
from bus.publisher import Publisher
from bus.rpc import Call, Router
from schemas.counter import Event
from td_worker.returns.journal import Journal
from td_worker.returns.replays import Replays
from td_worker.returns.stream import Returns

from .table import finish, header, row, verdict

CATALOGUE = schemas.catalogue.load()
DAY = "20261123"
PORTION, PORTIONS = 1000, 20
DAYFUL = 100_000
HANDLE = bytes(16)


class NoJournal:
    """Keeps the counts of what was published, as without a journal the worker would."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}

    def begin(self, day: str) -> None:
        """There is no file."""

    def times(self, digest: bytes) -> int:
        return self._counts.get(digest, 0)

    def append(self, digest: bytes, frame: bytes) -> None:
        self._counts[digest] = self._counts.get(digest, 0) + 1


def order(number: int) -> Event:
    values = {"ExchangeID": "SHFE", "OrderSysID": f"{number:>12}", "OrderStatus": "3"}
    field = CATALOGUE.codec("Order").pack({**values, "InstrumentID": "rb2601"})
    return Event("OnRtnOrder", field, None, 0, True, 0, 1)


def spent(returns: Returns, events: list[Event]) -> float:
    """Microseconds a return."""
    began = time.perf_counter()
    for event in events:
        returns.publish(event)
    return (time.perf_counter() - began) / len(events) * 1e6


def publishing(publisher: Publisher, folder: Path) -> tuple[float, float]:
    """Median microseconds of a publish (without, with)."""
    made = []
    for user, journal in (("a", cast(Journal, NoJournal())), ("b", Journal(folder, 10))):
        returns = Returns(CATALOGUE, publisher, journal, "9999", user)
        returns.new_day(DAY)
        made.append(returns)
    without, kept = [], []
    for number in range(PORTIONS):
        events = [order(number * PORTION + n) for n in range(PORTION)]
        without.append(spent(made[0], events))
        kept.append(spent(made[1], events))
    return median(without), median(kept)


def fill(publisher: Publisher, folder: Path) -> None:
    returns = Returns(CATALOGUE, publisher, Journal(folder, 10), "9999", "c")
    returns.new_day(DAY)
    for number in range(DAYFUL):
        returns.publish(order(number))
    returns.journal.close()


def load(folder: Path) -> tuple[Journal, float]:
    """The journal as a worker finds it at its start, and seconds."""
    began = time.perf_counter()
    journal = Journal(folder, 10)
    journal.open()
    journal.begin(DAY)
    return journal, time.perf_counter() - began


def replay(context: zmq.Context[Any], address: str, journal: Journal) -> tuple[float, float]:
    """(seconds until the last row, longest turn in ms of CPU) of a whole day for one caller. What
    other programs take from the turn is not counted."""
    router = Router(context, address, CATALOGUE.layout_id)
    replays = Replays(router, CATALOGUE.layout_id)
    dealer = context.socket(zmq.DEALER)
    dealer.connect(address)
    body = msgspec.msgpack.encode(Place(0, 0))
    call = Call(1, "Returns", time.time_ns() + 10**11, HANDLE, 0, body)
    dealer.send(msgspec.msgpack.encode(call))
    while (received := router.receive()) is None:
        time.sleep(0.001)
    began = time.perf_counter()
    replays.accept(*received, journal)
    longest, rows = 0.0, 0
    while True:
        turn = time.thread_time()
        replays.pump(time.monotonic())
        longest = max(longest, time.thread_time() - turn)
        while dealer.poll(0):
            rows += 1
            if unpack_row(dealer.recv()).flags & Flag.LAST:
                assert rows == DAYFUL + 1
                router.close()
                dealer.close(0)
                return time.perf_counter() - began, longest * 1e3


def main() -> None:
    header("journal of returns")
    context: zmq.Context[Any] = zmq.Context()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        publisher = Publisher(context, f"ipc://{name}/pub", 1, CATALOGUE.layout_id)
        subscriber = context.socket(zmq.SUB)
        subscriber.set(zmq.RCVHWM, 0)
        subscriber.connect(f"ipc://{name}/pub")
        subscriber.subscribe("td/")
        while not publisher.subscriptions():
            time.sleep(0.01)
        without, kept = publishing(publisher, folder / "cost")
        row("publish, us", without=without, journal=kept, ratio=kept / without)
        fill(publisher, folder / "day")
        (path,) = (folder / "day").iterdir()
        journal, load_s = load(folder / "day")
        size = path.stat().st_size / 1e6
        row(f"load of {DAYFUL} returns", s=load_s, MB=size, us_each=load_s / DAYFUL * 1e6)
        replay_s, turn_ms = replay(context, f"ipc://{name}/rpc", journal)
        row(f"replay of {DAYFUL} returns", s=replay_s, longest_turn_ms=turn_ms)
        publisher.close()
    context.destroy(linger=0)
    finish(
        [
            verdict("publish with the journal to without", kept / without, 3, "x"),
            verdict("load of a full day", load_s, 1, "s"),
            verdict("longest turn of a replay", turn_ms, 5, "ms"),
        ]
    )


if __name__ == "__main__":
    main()
