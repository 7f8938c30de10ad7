"""Answers about ticks: any way of asking gives everything once and in order."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.errors import Refused
from bus.frames import HEADER, Flag, message_type, tick_topic
from bus.history import LastTicks, TickBlock, Ticks, TicksEnd
from bus.orders import Place
from recorder.history.blocks import SIZE, Blocks
from recorder.history.ticks import Answer, TickHistory
from recorder.ticks.record import GAP, HEAD_SIZE
from recorder.ticks.store import TickStore
from schemas.errors import BAD_REQUEST

DAY, NAME, LAYOUT, BODY = "20261123", "rb2610", 0x670B, 40
RECORD = HEADER.size + BODY
TICK = message_type("OnRtnDepthMarketData")
_block = msgspec.msgpack.Decoder(TickBlock).decode
_end = msgspec.msgpack.Decoder(TicksEnd).decode


def body(seq: int) -> bytes:
    return seq.to_bytes(8, "little").ljust(BODY, b"x")


def as_json(raw: bytes) -> bytes:
    return b'{"seq":%d}' % int.from_bytes(raw[:8], "little")


class Bench:
    """A folder of ticks that grows, and the history of it."""

    def __init__(self, folder: Path, cache: int = 1 << 20) -> None:
        self.store = TickStore(folder)
        self.blocks = Blocks(as_json, cache)
        self.history = TickHistory(self.store, self.blocks, LAYOUT, lambda name: DAY)
        self.seq = 0

    def add(
        self, count: int, *, day: str = DAY, name: str = NAME, layout: int = LAYOUT, epoch: int = 7
    ) -> None:
        for _ in range(count):
            self.seq += 1
            fields = (epoch, self.seq, self.seq * 1000, 5, TICK, layout, Flag.HAS_FIELD)
            message = tick_topic(name).encode() + b"\0" + HEADER.pack(*fields) + body(self.seq)
            self.store.add(day, name, message)
        self.store.flush()

    def add_gap(self, count: int) -> None:
        first, self.seq = self.seq + 1, self.seq + count
        self.store.add_gap(DAY, NAME, 7, first, self.seq, self.seq * 1000)
        self.store.flush()

    def ask(self, **question: object) -> tuple[list[TickBlock], TicksEnd]:
        asked = msgspec.convert({"instrument": NAME, **question}, Ticks)
        *rows, last = self.history.ticks(asked)
        assert last.last and not any(row.last for row in rows)
        return [_block(row.body) for row in rows], _end(last.body)

    def seqs(self, **question: object) -> list[int]:
        return ticks_of(self.ask(**question)[0])

    def last(self, *names: str, form: str = "raw") -> list[TickBlock]:
        asked = msgspec.convert({"instruments": list(names), "form": form}, LastTicks)
        rows: list[Answer] = list(self.history.last_ticks(asked))
        assert [row.last for row in rows] == [False] * (len(rows) - 1) + [True]
        return [_block(row.body) for row in rows]


def records_of(blocks: list[TickBlock]) -> list[tuple[int, int, int]]:
    """(type, seq, of a gap the first that is missing)."""
    found = []
    for block in blocks:
        for at in range(0, len(block.data), block.size):
            fields = HEADER.unpack_from(block.data, at)
            rest = block.data[at + HEADER.size : at + block.size]
            first = int.from_bytes(rest[:8], "little")
            assert fields[4] == GAP or rest == body(fields[1])
            found.append((fields[4], fields[1], first if fields[4] == GAP else 0))
    return found


def ticks_of(blocks: list[TickBlock]) -> list[int]:
    if any(not block.size for block in blocks):
        texts = [msgspec.json.decode(block.data) if block.data else [] for block in blocks]
        assert [len(text) for text in texts] == [block.ticks for block in blocks]
        return [tick["seq"] for text in texts for tick in text]
    return [seq for kind, seq, _ in records_of(blocks) if kind == TICK]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize("form", ["raw", "json"])
@pytest.mark.parametrize("count", [0, 1, SIZE - 1, SIZE, SIZE + 1, 3 * SIZE])
def test_all_ticks_of_a_day(bench: Bench, form: str, count: int) -> None:
    bench.add(count)
    blocks, end = bench.ask(form=form)
    assert ticks_of(blocks) == list(range(1, count + 1))
    assert end == TicksEnd(day=DAY, place=Place(7, count) if count else None, more=False)


Growth = st.tuples(st.sampled_from(["ticks", "gap", "start", "back", "layout"]), st.integers(1, 90))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(Growth, max_size=8),
    st.lists(st.integers(1, 200), min_size=1),
    st.sampled_from(["raw", "json"]),
    st.sampled_from([0, 1 << 20]),
)
def test_any_paging_gives_everything_once_and_in_order_while_the_file_grows(
    growth: list[tuple[str, int]], limits: list[int], form: str, cache: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), cache)
        found: list[int] = []
        wanted: list[int] = []
        place: Place | None = None
        layout, epoch, asked = LAYOUT, 7, 0
        lowest = highest = epoch

        def page() -> bool:
            nonlocal place, asked
            blocks, end = bench.ask(form=form, limit=limits[asked % len(limits)], after=place)
            found.extend(ticks_of(blocks))
            place, asked = end.place, asked + 1
            return end.more

        for kind, count in growth:
            if kind == "gap" and wanted and epoch == 7:
                bench.add_gap(count)
            elif kind == "layout" and form == "raw":
                layout += 1
            elif kind == "start":
                epoch = highest = highest + 1
                bench.seq = 0
            elif kind == "back" and lowest:
                epoch = lowest = lowest - 1
                bench.seq = 0
            before = bench.seq
            bench.add(count, layout=layout, epoch=epoch)
            wanted += range(before + 1, bench.seq + 1)
            page()
        while page():
            pass
        bench.store.close()
        assert found == wanted


@pytest.mark.parametrize("form", ["raw", "json"])
def test_ticks_in_place_of_what_a_crash_has_left_are_told(bench: Bench, form: str) -> None:
    bench.add(3)
    bench.store.close()
    path = bench.store.folder / DAY / f"{NAME}.ticks"
    os.truncate(path, path.stat().st_size + 1000)
    assert bench.seqs(form=form) == [1, 2, 3]
    assert bench.seqs(form=form, after=Place(7, 1)) == [2, 3]
    assert bench.seqs(form=form, since_ns=2000) == [2, 3]
    assert bench.ask(form=form)[1].place == Place(7, 3)
    bench.add(3)
    blocks, _ = bench.ask(form=form)
    assert ticks_of(blocks) == [1, 2, 3, 4, 5, 6]
    assert not any(block.damaged for block in blocks)


def test_a_file_without_a_head_hides_no_other(bench: Bench) -> None:
    bench.add(3)
    folder = bench.store.folder / "20261124"
    folder.mkdir()
    (folder / f"{NAME}.ticks").write_bytes(b"ctpb")  # no room
    (block,) = bench.last(NAME)
    assert ticks_of([block]) == [3]
    assert bench.seqs(day="20261124") == []


def test_from_a_time_on_and_behind_a_place(bench: Bench) -> None:
    bench.add(200)
    assert bench.seqs(since_ns=150_000) == list(range(150, 201))
    assert bench.seqs(since_ns=149_001, limit=3) == [150, 151, 152]
    assert bench.seqs(after=Place(7, 198)) == [199, 200]
    assert bench.seqs(after=Place(7, 198), since_ns=5) == [199, 200]
    assert bench.seqs(after=Place(6, 10**6)) == list(range(1, 201))
    assert bench.seqs(after=Place(8, 0)) == []


def test_nothing_new_leaves_the_place_where_it_was(bench: Bench) -> None:
    bench.add(3)
    assert bench.ask(after=Place(7, 3)) == (
        [],
        TicksEnd(day=DAY, place=Place(7, 3), more=False),
    )


@pytest.mark.parametrize("question", [{"day": "20200101"}, {"instrument": "unknown"}])
def test_what_is_not_there_is_an_empty_answer(bench: Bench, question: dict[str, str]) -> None:
    bench.add(3)
    blocks, end = bench.ask(**question)
    assert blocks == [] and end.place is None and not end.more


def test_a_gap_is_told_in_its_place_and_only_counted_in_json(bench: Bench) -> None:
    bench.add(2)
    bench.add_gap(3)
    bench.add(1)
    (raw,), _ = bench.ask()
    assert records_of([raw]) == [(TICK, 1, 0), (TICK, 2, 0), (GAP, 5, 3), (TICK, 6, 0)]
    assert (raw.ticks, raw.gaps, raw.size) == (3, 1, RECORD)
    (text,), _ = bench.ask(form="json")
    assert text.data == b'[{"seq":1},{"seq":2},{"seq":6}]'
    assert (text.ticks, text.gaps, text.size) == (3, 1, 0)


@pytest.mark.parametrize("form", ["raw", "json"])
def test_a_damaged_record_is_left_out_and_counted(bench: Bench, tmp_path: Path, form: str) -> None:
    bench.add(5)
    with (tmp_path / DAY / f"{NAME}.ticks").open("r+b") as file:
        file.seek(HEAD_SIZE + 2 * (RECORD + 6) + 50)
        file.write(b"?")
    (block,), _ = bench.ask(form=form)
    assert ticks_of([block]) == [1, 2, 4, 5]
    assert (block.ticks, block.damaged) == (4, 1)


def test_what_was_encoded_is_not_encoded_again(bench: Bench) -> None:
    bench.add(3 * SIZE + 10)
    first = bench.ask(form="json")
    assert bench.blocks.encoded == 3 * SIZE + 10
    assert bench.ask(form="json") == first
    assert bench.seqs(form="json", limit=7) == list(range(1, 8))
    assert bench.blocks.encoded == 3 * SIZE + 10
    bench.add(4)
    bench.ask(form="json")
    assert bench.blocks.encoded == 3 * SIZE + 14


def test_it_counts_what_was_found_and_what_was_encoded(bench: Bench) -> None:
    bench.add(2 * SIZE + 1)
    bench.ask()
    assert (bench.blocks.hits, bench.blocks.misses) == (0, 3)
    bench.add(1)
    bench.ask()
    assert (bench.blocks.hits, bench.blocks.misses) == (2, 4)


def test_a_block_is_encoded_in_slices_with_the_core_given_away_between(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.add(SIZE)
    encoded: list[bytes] = []
    ways: list[int] = []

    def json(raw: bytes) -> bytes:
        encoded.append(raw)
        return as_json(raw)

    monkeypatch.setattr(bench.blocks, "_json", json)
    monkeypatch.setattr("os.sched_yield", lambda: ways.append(len(encoded)))
    bench.ask(form="json")
    assert ways == list(range(8, SIZE + 1, 8))


def test_what_is_kept_is_bounded_and_the_least_used_goes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, cache=2200)  # two blocks
    bench.add(SIZE)
    bench.add(SIZE, name="au2612")
    bench.add(SIZE, name="cu2611")
    for name in (NAME, "au2612", NAME, "cu2611"):
        bench.ask(instrument=name, form="json")
        assert bench.blocks.bytes <= 2200
    before = bench.blocks.encoded
    bench.ask(form="json")
    assert bench.blocks.encoded == before
    bench.ask(instrument="au2612", form="json")
    assert bench.blocks.encoded == before + SIZE
    bench.store.close()


def test_a_file_in_the_place_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.add(3)
    assert bench.seqs() == [1, 2, 3]
    bench.store.close_day(DAY)
    (tmp_path / DAY / f"{NAME}.ticks").unlink()
    bench.add(3)
    assert bench.seqs() == [4, 5, 6]
    bench.store.close()


def test_structs_of_another_version_come_raw_only(bench: Bench) -> None:
    bench.add(2)
    bench.add(2, layout=0x6600)
    assert bench.seqs() == [1, 2, 3, 4]
    assert bench.seqs(form="json", limit=2) == [1, 2]
    assert bench.ask(form="json", limit=2)[1].more
    with pytest.raises(Refused, match="0x6600, not 0x670b"):
        bench.ask(form="json")


def test_the_last_ticks_come_in_the_order_asked_for(bench: Bench) -> None:
    bench.add(2, day="20261120", name="au2612")
    bench.add(3)
    bench.add_gap(4)
    blocks = bench.last("none", NAME, "au2612", NAME)
    assert [ticks_of([block]) for block in blocks] == [[], [5], [2], [5]]
    assert [block.ticks for block in blocks] == [0, 1, 1, 1]
    assert [block.data for block in bench.last(NAME, form="json")] == [b'[{"seq":5}]']


@pytest.mark.parametrize("name", ["", "a/b", "a\0b", "螺" * 27])
def test_what_is_no_instrument_is_refused(bench: Bench, name: str) -> None:
    with pytest.raises(Refused) as caught:
        bench.history.ticks(Ticks(instrument=name))
    assert caught.value.error_id == BAD_REQUEST
    with pytest.raises(Refused):
        bench.history.last_ticks(LastTicks(instruments=[name]))


def test_an_empty_list_is_refused(bench: Bench) -> None:
    with pytest.raises(Refused, match="empty"):
        bench.history.last_ticks(LastTicks(instruments=[]))


def test_a_name_that_looks_like_a_path_stays_in_the_folder(bench: Bench) -> None:
    bench.add(1)
    assert bench.seqs(instrument="..") == []
    with pytest.raises(msgspec.ValidationError):
        bench.ask(day="../..")
