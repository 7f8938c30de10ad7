"""What the recorder costs at a rate that no exchange has, and that nothing is lost at it.

    python -m tests.bench.record [--seconds 60] [--rate 20000] [--instruments 600]

A process publishes real structs over a real socket as md_worker does, a recorder keeps them; then
each seq is looked for in its files. "writing": the part of it that is about files, measured by
itself on the same ticks in batches of the same size. "whole process": all its threads, with what
it takes to receive. Memory is that after a sixth of the time and at the end.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

import schemas.catalogue
from bus.frames import HEADER, Flag, message_type, tick_topic
from recorder.ticks.record import GAP
from recorder.ticks.store import TickStore
from tests.support.fake_md import FakeMd
from tests.support.group import Group

from .programs import cpu_ns, rss_bytes
from .table import finish, header, row, verdict

BATCH_S = 0.2
PORTIONS_PER_S = 200
DAY = "20261123"
WRITING_PERCENT = 10.0
GROWTH_MB = 8.0
WAIT_S = 60.0
_TICK = message_type("OnRtnDepthMarketData")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--instruments", type=int, default=600)
    options = parser.parse_args()
    header("recorder")
    names = [f"rb{number:04}" for number in range(2601, 2601 + options.instruments)]
    raws = structs(names)
    with tempfile.TemporaryDirectory() as folder:
        writing = _writing_us(Path(folder), names, raws, options.rate)
    percent = writing * options.rate / 1e4
    row("writing", us_a_tick=writing, percent_of_a_core=percent)
    with tempfile.TemporaryDirectory() as folder:
        lost, growth = _record(Path(folder), names, raws, options.seconds, options.rate)
    finish(
        [
            verdict("ticks that are not in the files", lost, 1, ""),
            verdict("CPU of writing", percent, WRITING_PERCENT, "%"),
            verdict("growth of memory", growth, GROWTH_MB, "MB"),
        ]
    )


def _writing_us(folder: Path, names: list[str], raws: dict[str, bytes], rate: int) -> float:
    """CPU time of a tick from its message to its file, with the writes of each batch."""
    store, layout = TickStore(folder), schemas.catalogue.load().layout_id
    batch = [names[number % len(names)] for number in range(int(rate * BATCH_S))]
    costs, seq = [], 0
    for _ in range(10):
        frames = []
        for name in batch:
            seq += 1
            head = HEADER.pack(1, seq, seq, seq, _TICK, layout, Flag.HAS_FIELD)
            frames.append(((DAY, name), head, raws[name]))
        began = time.thread_time_ns()
        for frame in frames:
            store.put(*frame)
        store.flush()
        costs.append((time.thread_time_ns() - began) / len(batch) / 1e3)
    store.close()
    return sorted(costs)[len(costs) // 2]


def _record(
    folder: Path, names: list[str], raws: dict[str, bytes], seconds: float, rate: int
) -> tuple[int, float]:
    """How many ticks are not in the files, and how many MB the memory has grown."""
    settings = {"calendar": "always", "recorder": {"batch_s": BATCH_S, "min_free_mb": 0}}
    with Group(folder, overrides=settings) as group:
        ready = multiprocessing.Event()
        counts: multiprocessing.Queue[dict[str, int]] = multiprocessing.Queue()
        publisher = multiprocessing.Process(
            target=flood, args=(group, names, raws, seconds, rate, ready, counts)
        )
        publisher.start()
        group.start("recorder")
        ready.wait(WAIT_S)
        pid = group.pid("recorder")
        began, cpu = time.monotonic(), cpu_ns(pid)
        memory = []
        for sixth in range(1, 7):
            time.sleep(max(0.0, began + seconds * sixth / 6 - time.monotonic()))
            memory.append(rss_bytes(pid) / 1e6)
        spent = (cpu_ns(pid) - cpu) / (time.monotonic() - began) / 1e7
        published = counts.get(timeout=WAIT_S)
        total = sum(published.values())
        store = TickStore(group.data / "recorder" / "ticks")
        deadline = time.monotonic() + WAIT_S
        while (lost := lost_ticks(store, published)) and time.monotonic() < deadline:
            time.sleep(0.5)
        row("whole process", percent_of_a_core=spent, us_a_tick=spent * 1e4 / rate)
        row("ticks", published=total, per_s=int(total / seconds), lost=lost)
        row("memory at each sixth", mb=" ".join(f"{each:.0f}" for each in memory))
        assert group.stop("recorder") == 0, group.log("recorder")
        publisher.terminate()
        publisher.join()
        return lost, memory[-1] - memory[0]


def flood(
    group: Group,
    names: list[str],
    raws: dict[str, bytes],
    seconds: float,
    rate: int,
    ready: multiprocessing.synchronize.Event,
    counts: multiprocessing.Queue[dict[str, int]],
) -> None:
    with FakeMd(group) as md:
        md.wait_subscribed("tick/")
        ready.set()
        topics = [tick_topic(name) for name in names]
        portion, number = rate // PORTIONS_PER_S, 0
        streams = [md.begin(topic) for topic in topics]
        began = time.monotonic()
        for turn in range(int(seconds * PORTIONS_PER_S)):
            for _ in range(portion):
                at = number % len(names)
                md.publisher.publish(
                    streams[at], _TICK, Flag.HAS_FIELD, raws[names[at]], time.time_ns()
                )
                number += 1
            time.sleep(max(0.0, began + (turn + 1) / PORTIONS_PER_S - time.monotonic()))
        counts.put({name: stream.seq for name, stream in zip(names, streams, strict=True)})
        time.sleep(2 * WAIT_S)  # it still beats, and tells again what was lost on the way


def lost_ticks(store: TickStore, published: dict[str, int]) -> int:
    lost = 0
    for name, count in published.items():
        seqs: set[int] = set()
        for reader in store.readers(DAY, name):
            with reader:
                seqs.update(record.seq for record in reader.records() if record.type != GAP)
        lost += len(set(range(1, count + 1)) - seqs)
    return lost


def structs(names: list[str]) -> dict[str, bytes]:
    codec = schemas.catalogue.load().codec("DepthMarketData")
    return {
        name: codec.pack(
            {
                "TradingDay": DAY,
                "ActionDay": DAY,
                "InstrumentID": name,
                "UpdateTime": "09:30:00",
                "LastPrice": 3000.0 + number,
                "Volume": number,
            }
        )
        for number, name in enumerate(names)
    }


if __name__ == "__main__":
    main()
