"""Ticks on their way into the files, without a socket: gaps, days, late ones, a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from bus.endpoints import Addresses
from bus.frames import BEAT, HEADER, Flag, message_type
from recorder.days import Days
from recorder.tick_stream import TickStream
from recorder.ticks.record import GAP
from recorder.ticks.store import TickStore
from schemas import catalogue
from schemas.calendar import exchange_calendar

CATALOGUE = catalogue.load()
CODEC = CATALOGUE.codec("DepthMarketData")
TICK = message_type("OnRtnDepthMarketData")
MONDAY, TUESDAY = "20261123", "20261124"
NAME = "rb2701"
TEN = 1_795_399_200 * 10**9  # on MONDAY


def frame(
    seq: int, *, day: str = MONDAY, epoch: int = 7, kind: int = TICK, topic: str = f"tick/{NAME}/"
) -> bytes:
    now = TEN + seq * 1000
    header = HEADER.pack(epoch, seq, now, now, kind, CATALOGUE.layout_id, Flag.HAS_FIELD)
    raw = CODEC.pack({"TradingDay": day, "InstrumentID": NAME, "Volume": seq})
    return topic.encode() + b"\0" + header + (b"" if kind == BEAT else raw)


class Rig:
    """A stream without md_worker: what is lost stays lost."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.context: zmq.Context[Any] = zmq.Context()
        self.folder = folder
        self.begin()

    def begin(self) -> None:
        self.loop.run_until_complete(self._begin())

    async def _begin(self) -> None:
        stores = TickStore(self.folder / "ticks"), TickStore(self.folder / "late")
        days = Days(exchange_calendar(), CODEC, CATALOGUE.layout_id)
        self.stream = TickStream(self.context, Addresses(), None, stores, days, [])
        self.stream.healing = False

    def feed(self, *frames: bytes) -> None:
        for each in frames:
            self.stream._on_frame(each)

    def records(self, day: str = MONDAY, late: bool = False) -> list[tuple[int, int] | int]:
        """Seqs; of a gap the first and the last missing."""
        store = self.stream.late if late else self.stream.store
        found: list[tuple[int, int] | int] = []
        for reader in store.readers(day, NAME):
            with reader:
                for each in reader.records():
                    gap = each.type == GAP
                    found.append((each.first_missing or 0, each.seq) if gap else each.seq)
        return found

    def close(self) -> None:
        self.stream.store.close()
        self.stream.late.close()

    def end(self) -> None:
        self.close()
        self.context.destroy(linger=0)
        self.loop.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.end()


def test_ticks_are_written_with_the_batch(rig: Rig) -> None:
    rig.feed(frame(1), frame(2), frame(2, kind=BEAT), frame(2), frame(1))
    assert rig.records() == []
    rig.stream.flush()
    assert rig.records() == [1, 2]
    counters = rig.stream.counters
    assert (counters.received, counters.written, counters.lost) == (2, 2, 0)
    assert counters.last_ns == TEN + 2000


def test_what_is_lost_is_marked_where_it_is_missing(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.feed(frame(1), frame(5), frame(6))
    rig.stream.flush()
    assert rig.records() == [1, (2, 4), 5, 6]
    assert rig.stream.counters.lost == 3
    (record,) = [r for r in caplog.records if r.message == "ticks lost"]
    assert record.fields["ticks"] == 3  # type: ignore[attr-defined]


def test_an_end_that_only_a_beat_tells_of_is_marked_too(rig: Rig) -> None:
    rig.feed(frame(1), frame(3, kind=BEAT))
    rig.stream.flush()
    assert rig.records() == [1, (2, 3)]
    rig.feed(frame(4))
    rig.stream.flush()
    assert rig.records() == [1, (2, 3), 4]


def test_what_was_before_the_recorder_is_marked_but_nobody_lost_it(rig: Rig) -> None:
    rig.feed(frame(50), frame(51))
    rig.stream.flush()
    assert rig.records() == [(1, 49), 50, 51]
    assert rig.stream.counters.lost == 0
    rig.feed(frame(53))
    assert rig.stream.counters.lost == 1


def test_another_start_of_the_publisher_is_marked(rig: Rig) -> None:
    rig.feed(frame(1), frame(1, epoch=8), frame(2, epoch=8), frame(9, epoch=7))
    rig.stream.flush()
    assert rig.records() == [1, (0, 0), 1, 2]


def test_the_night_is_of_the_next_day_and_a_loss_between_two_days_is_in_both(rig: Rig) -> None:
    rig.feed(frame(1), frame(2), frame(4, day=TUESDAY), frame(5, day=TUESDAY))
    rig.stream.flush()
    assert rig.records(MONDAY) == [1, 2, (3, 3)]
    assert rig.records(TUESDAY) == [(3, 3), 4, 5]


def test_late_ticks_have_files_of_their_own(rig: Rig) -> None:
    late = f"late/{NAME}/"
    rig.feed(frame(1), frame(1, topic=late), frame(2), frame(2, topic=late))
    rig.stream.flush()
    assert rig.records() == rig.records(late=True) == [1, 2]
    assert rig.stream.instruments == 2


def test_after_a_restart_it_goes_on_from_the_last_place_of_the_file(rig: Rig) -> None:
    rig.feed(frame(1), frame(2))
    rig.close()
    rig.begin()
    rig.feed(frame(2), frame(3, day=TUESDAY), frame(5, day=TUESDAY))
    rig.stream.flush()
    assert rig.records(MONDAY) == [1, 2]
    assert rig.records(TUESDAY) == [3, (4, 4), 5]
    rig.close()
    rig.begin()
    rig.feed(frame(7, day=TUESDAY))
    rig.stream.flush()
    assert rig.records(TUESDAY) == [3, (4, 4), 5, (6, 6), 7]
    assert rig.stream.counters.lost == 1


def test_structs_of_another_version_are_kept_by_the_day_they_came(rig: Rig) -> None:
    at = frame(1).index(b"\0") + 1
    header = HEADER.pack(7, 1, TEN, 0, TICK, 0x6601, Flag.HAS_FIELD)
    rig.feed(frame(1)[:at] + header + b"short")
    rig.stream.flush()
    assert rig.stream.store.days() == [MONDAY]


def test_the_way_of_a_tick_is_short(rig: Rig) -> None:
    frames = [frame(seq) for seq in range(1, 5001)]
    began = time.thread_time_ns()
    rig.feed(*frames)
    rig.stream.flush()
    assert (time.thread_time_ns() - began) / 5000 < 100_000  # ns; 5,000 on a quiet machine
    day_of = rig.stream._days.of(NAME)
    body = frames[0][-CODEC.size :]
    began = time.thread_time_ns()
    for _ in range(5000):
        day_of(body, TEN)
    assert (time.thread_time_ns() - began) / 5000 < 10_000  # 300
