"""The order of a day's ticks."""

from __future__ import annotations

from pathlib import Path

from recorder.ticks.store import TickStore
from replay.timeline import Timeline
from schemas import catalogue
from tests.support.recording import DAY, NINE_NS, message, record, tick

LAYOUT = catalogue.load().layout_id
SIZE = catalogue.load().codec("DepthMarketData").size


def timeline(folder: Path) -> Timeline:
    return Timeline(folder, DAY, LAYOUT, SIZE)


def rest(line: Timeline) -> list[bytes]:
    bodies = []
    while line.due_ns is not None:
        bodies.append(line.take().body)
    return bodies


def test_all_instruments_in_the_order_of_their_times(tmp_path: Path) -> None:
    bodies = record(tmp_path, ["a1", "b1", "c1"], 4)
    line = timeline(tmp_path)
    assert [line.join(name) for name in ("c1", "a1", "b1", "none")] == [None] * 4
    assert rest(line) == [bodies[name][n] for n in range(4) for name in ("a1", "b1", "c1")]
    assert line.span() == (NINE_NS, NINE_NS + 1_500_002_000, 12)
    line.close()


def test_who_joins_in_the_middle_gets_the_last_tick_and_then_each_one(tmp_path: Path) -> None:
    bodies = record(tmp_path, ["a1", "b1"], 6)
    line = timeline(tmp_path)
    line.join("a1")
    for _ in range(3):
        line.take()
    last = line.join("b1")
    assert last is not None and last.body == bodies["b1"][1], "the third comes 1 us later"
    line.leave("a1")
    assert rest(line) == bodies["b1"][2:]
    line.leave("b1")
    again = line.join("b1")
    assert again is not None and again.body == bodies["b1"][-1]
    line.close()


def test_gaps_and_damaged_records_are_counted_and_clocks_may_go_back(tmp_path: Path) -> None:
    store = TickStore(tmp_path)
    times = [0, 5, 3, 9]
    bodies = [tick("a1", n) for n in range(4)]
    for seq, (at, body) in enumerate(zip(times, bodies, strict=True), 1):
        store.add(DAY, "a1", message("a1", seq, NINE_NS + at, body))
    store.add_gap(DAY, "a1", 7, 5, 9, NINE_NS + 10)
    store.add(DAY, "a1", message("a1", 10, NINE_NS + 11, bodies[0]))
    store.close()
    path = tmp_path / DAY / "a1.ticks"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    line = timeline(tmp_path)
    line.join("a1")
    assert rest(line) == bodies
    assert (line.gaps, line.damaged, line.played) == (1, 1, 4)
    line.rewind()
    line.join("a1")
    assert rest(line) == bodies
    line.close()


def test_structs_of_another_version_are_not_played(tmp_path: Path) -> None:
    record(tmp_path, ["a1"], 3)
    line = Timeline(tmp_path, DAY, LAYOUT + 1, SIZE)
    line.join("a1")
    assert (rest(line), line.span()) == ([], (0, 0, 0))
    line.close()
