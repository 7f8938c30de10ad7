"""Files of ticks: what was added comes back, whatever happened in between."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.frames import HEADER, Flag, message_type, tick_topic
from recorder.ticks.reading import DayReader
from recorder.ticks.record import GAP, HEAD_SIZE, FileError, Head, pack_head, unpack_head
from recorder.ticks.store import TickStore

DAY, NAME, LAYOUT, SIZE = "20261123", "rb2610", 0x670B, 40
TICK = message_type("OnRtnDepthMarketData")


def message(seq: int, name: str = NAME, epoch: int = 7, size: int = SIZE) -> bytes:
    header = HEADER.pack(epoch, seq, seq * 1000, seq * 1000 + 5, TICK, LAYOUT, Flag.HAS_FIELD)
    return tick_topic(name).encode() + b"\0" + header + seq.to_bytes(8, "little").ljust(size, b"x")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TickStore]:
    made = TickStore(tmp_path)
    yield made
    made.close()


def fill(store: TickStore, seqs: range, name: str = NAME) -> None:
    for seq in seqs:
        store.add(DAY, name, message(seq, name))
    store.flush()


def only(store: TickStore, name: str = NAME) -> DayReader:
    (reader,) = store.readers(DAY, name)
    return reader


def seqs(store: TickStore, name: str = NAME) -> list[int]:
    found = []
    for reader in store.readers(DAY, name):
        with reader:
            found += [record.seq for record in reader.records()]
    return found


def test_messages_come_back_to_the_last_byte_while_the_file_is_open(store: TickStore) -> None:
    fill(store, range(1, 4))
    with only(store) as reader:
        for seq, record in zip(range(1, 4), reader.records(), strict=True):
            packed = HEADER.pack(*record[:7]) + record.body
            assert packed == message(seq).partition(b"\0")[2]
        assert reader.head == Head(LAYOUT, SIZE, DAY, NAME)
    assert store.ticks == 3


def test_nothing_is_in_the_file_before_a_flush(store: TickStore) -> None:
    fill(store, range(1, 2))
    store.add(DAY, NAME, message(2))
    assert seqs(store) == [1]
    assert store.last(DAY, NAME) == (7, 2)
    store.flush()
    assert seqs(store) == [1, 2]


def test_times_and_places_are_found(store: TickStore) -> None:
    fill(store, range(1, 101))
    with only(store) as reader:
        assert reader.after_time(0) == 0
        assert reader.after_time(50_000) == 49
        assert reader.after_time(50_001) == 50
        assert reader.after_time(10**9) == len(reader) == 100
        assert reader.after_place(7, 0) == reader.after_place(6, 999) == 0
        assert reader.after_place(7, 30) == 30
        assert reader.after_place(8, 0) == 100
        assert [body[:1] for body in reader.bodies(9, 12)] == [b"\x0a", b"\x0b", b"\x0c"]


@given(cut=st.integers(0, 400), flip=st.integers(-1, 399))
def test_what_a_crash_leaves_is_cut_off_behind_the_last_good_record(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flip: int
) -> None:
    folder = tmp_path_factory.mktemp("ticks")
    store = TickStore(folder)
    fill(store, range(1, 6))
    store.close()
    path = folder / DAY / f"{NAME}.ticks"
    raw = bytearray(path.read_bytes())
    whole = len(raw)
    raw = raw[: max(0, whole - cut)]
    if 0 <= flip < len(raw) - HEAD_SIZE:
        raw[len(raw) - 1 - flip] ^= 0xFF
    path.write_bytes(raw)
    again = TickStore(folder)
    again.add(DAY, NAME, message(6))
    again.close()
    found = seqs(again)
    assert found[-1] == 6
    # A damaged record in the middle is left out; one at the end is overwritten.
    assert set(found[:-1]) <= set(range(1, 6)) and found == sorted(found)
    if not cut and flip < 0:
        assert found == [1, 2, 3, 4, 5, 6]
    assert (path.stat().st_size - HEAD_SIZE) % 80 == 0


def test_a_full_disk_leaves_whole_records_and_a_mark(
    store: TickStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(store, range(1, 4))
    real = os.pwrite

    def full(file: int, data: Any, at: int) -> int:
        if len(data) > 30:
            return real(file, data[:30], at)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        fill(store, range(4, 7))
        fill(store, range(7, 9))
    assert (seqs(store), store.lost) == ([1, 2, 3], 5)
    assert "ticks could not be written" in caplog.text
    fill(store, range(9, 11))
    with only(store) as reader:
        records = list(reader.records())
    assert [record.seq for record in records] == [1, 2, 3, 8, 9, 10]
    assert (records[3].type, records[3].first_missing) == (GAP, 4)


def test_a_disk_that_cannot_even_cut_leaves_the_same_mark(
    store: TickStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, range(1, 4))

    def broken(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", broken)
        patch.setattr(os, "ftruncate", broken)
        fill(store, range(4, 7))
    fill(store, range(7, 8))
    with only(store) as reader:
        records = [(each.type == GAP, each.first_missing, each.seq) for each in reader.records()]
    assert records[3:] == [(True, 4, 6), (False, None, 7)]


def test_gaps_are_records_that_no_reader_takes_for_ticks(store: TickStore) -> None:
    fill(store, range(1, 3))
    store.add_gap(DAY, NAME, 7, 3, 5, 5000)
    store.add_gap(DAY, NAME, 8, 0, 0, 6000)
    store.add(DAY, NAME, message(6, epoch=8))
    store.flush()
    with only(store) as reader:
        known, unknown = list(reader.records())[2:4]
        assert (known.type, known.first_missing, known.seq) == (GAP, 3, 5)
        assert (unknown.type, unknown.first_missing, unknown.epoch) == (GAP, None, 8)
        assert len(reader.bodies(0, 10)) == 3


def test_another_layout_begins_another_file(store: TickStore) -> None:
    fill(store, range(1, 3))
    store.add(DAY, NAME, message(3, size=48))
    store.flush()
    assert seqs(store) == [1, 2, 3]
    assert store.instruments(DAY) == [NAME]
    assert len(list((store.folder / DAY).iterdir())) == 2


def parts(store: TickStore) -> list[list[tuple[int, int]]]:
    found = []
    for reader in store.readers(DAY, NAME):
        with reader:
            found.append([(record.epoch, record.seq) for record in reader.records()])
    return found


def test_a_lower_epoch_begins_another_file_and_each_file_stays_in_order(store: TickStore) -> None:
    for epoch, seq in ((7, 1), (5, 1), (5, 2), (6, 1), (9, 1)):
        store.add(DAY, NAME, message(seq, epoch=epoch))
    store.flush()
    assert parts(store) == [[(7, 1)], [(5, 1), (5, 2), (6, 1), (9, 1)]]
    store.add_gap(DAY, NAME, 8, 0, 0, 6000)
    store.close()
    again = TickStore(store.folder)
    assert again.last(DAY, NAME) == (8, 0)
    again.add(DAY, NAME, message(1, epoch=8))
    again.close()
    assert parts(store)[1:] == [[(5, 1), (5, 2), (6, 1), (9, 1)], [(8, 0), (8, 1)]]


def test_a_layout_that_comes_back_goes_on_behind_the_other(store: TickStore) -> None:
    for seq, size in ((1, SIZE), (2, 48), (3, SIZE)):
        store.add(DAY, NAME, message(seq, size=size))
    store.close()
    assert parts(store) == [[(7, 1)], [(7, 2)], [(7, 3)]]
    assert store.last(DAY, NAME) == (7, 3)


def test_what_a_file_has_is_not_added_again_and_no_gap_is_told_of_it(store: TickStore) -> None:
    fill(store, range(1, 5))
    store.add_gap(DAY, NAME, 7, 1, 3, 5000)
    fill(store, range(2, 6))
    store.add_gap(DAY, NAME, 7, 4, 7, 9000)
    store.flush()
    with only(store) as reader:
        records = list(reader.records())
    assert [record.seq for record in records] == [1, 2, 3, 4, 5, 7]
    assert records[-1].first_missing == 6


@pytest.mark.parametrize("name", ["rb2610", "SP a2109&a2201", "m2601-C-3000", "a.2", "600000"])
def test_any_instrument_has_a_file_of_its_own(store: TickStore, name: str) -> None:
    fill(store, range(1, 2), name)
    assert store.instruments(DAY) == [name]
    assert store.last(DAY, name) == (7, 1)
    assert (store.last(DAY, "x"), store.last("20261124", name)) == (None, None)
    assert store.days() == [DAY]
    assert (store.folder / DAY).stat().st_mode & 0o777 == 0o700


def test_files_beyond_the_limit_are_closed_and_opened_again(
    store: TickStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recorder.ticks.store.MOST_OPEN", 2)
    for seq in range(1, 4):
        for name in ("a1", "b1", "c1"):
            store.add(DAY, name, message(seq, name))
    store.flush()
    assert [seqs(store, name) for name in ("a1", "b1", "c1")] == [[1, 2, 3]] * 3


def test_who_reads_while_the_end_is_cut_off_reads_what_is_left(store: TickStore) -> None:
    fill(store, range(1, 501))
    with only(store) as reader:
        assert len(reader) == 500
        os.truncate(store.folder / DAY / f"{NAME}.ticks", HEAD_SIZE + 3 * 80)
        assert [record.seq for record in reader.records()] == [1, 2, 3]
        assert [len(raw) for raw in reader.raw(1, 5)] == [80, 80, 0, 0]
        assert len(reader.bodies(0, len(reader))) == 3
        for read in (lambda: reader[3], lambda: reader.place(3), lambda: reader.after_time(1)):
            with pytest.raises(FileError, match="shorter"):
                read()
    reader.close()


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ticks"
    path.write_bytes(b"short")
    with pytest.raises(FileError, match="not a file of ticks"):
        DayReader(path)
    path.write_bytes(b"y" * 500)
    with pytest.raises(FileError, match="not a file of ticks"):
        DayReader(path)
    future = bytearray(pack_head(Head(LAYOUT, SIZE, DAY, NAME)))
    future[8] = 2
    with pytest.raises(FileError, match="version 2"):
        unpack_head(bytes(future))


def test_days_that_are_written_are_told_and_those_that_are_over_closed(store: TickStore) -> None:
    fill(store, range(1, 3))
    assert store.touched == store.open_days() == {DAY}
    store.touched.clear()
    store.flush()
    assert store.touched == set()
    store.close_day(DAY)
    assert store.open_days() == set()
    fill(store, range(3, 4))
    assert seqs(store) == [1, 2, 3]


def test_a_folder_that_cannot_be_written_loses_ticks_and_nothing_else(
    store: TickStore, caplog: pytest.LogCaptureFixture
) -> None:
    (store.folder / DAY).write_bytes(b"a file in the place of the folder")
    fill(store, range(1, 4))
    fill(store, range(4, 6))
    store.add_gap(DAY, NAME, 7, 1, 2, 0)
    assert (store.ticks, store.lost) == (0, 5)
    assert [record.message for record in caplog.records] == ["ticks could not be written"]
    (store.folder / DAY).unlink()
    fill(store, range(6, 7))
    with only(store) as reader:
        assert [(r.type == GAP, r.first_missing, r.seq) for r in reader.records()] == [
            (True, 1, 5),
            (False, None, 6),
        ]
    assert caplog.records[-1].message == "ticks are written again"


def test_a_name_that_no_file_can_have_is_lost_and_said(
    store: TickStore, caplog: pytest.LogCaptureFixture
) -> None:
    long = "连" * 40
    fill(store, range(1, 3), long)
    store.add_gap(DAY, long, 7, 3, 3, 0)
    assert store.lost == 2
    assert "ticks could not be written" in caplog.text
