"""The journal of returns: what it keeps, finds again and does on a bad disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.frames import HEADER
from bus.orders import Place
from td_worker.returns.journal import Journal
from td_worker.returns.records import NO_DIGEST

DAY, NEXT_DAY = "20261123", "20261124"
DIGEST = bytes(range(16))


def frame(epoch: int, seq: int, body: bytes = b"body") -> bytes:
    return b"td/9999/u1/\0" + HEADER.pack(epoch, seq, 0, 0, 1, 0x670B, 1) + body


def opened(folder: Path, day: str | None = DAY, keep_days: int = 3) -> Journal:
    """As after a start of the worker."""
    journal = Journal(folder, keep_days)
    journal.open()
    if day is not None:
        journal.begin(day)
    return journal


def filled(folder: Path, *frames: bytes, day: str = DAY) -> Journal:
    journal = opened(folder, day)
    for number, made in enumerate(frames):
        journal.append(number.to_bytes(16, "little"), made)
    return journal


def after(journal: Journal, epoch: int, seq: int) -> list[bytes]:
    return list(journal.after(Place(epoch, seq)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "account" / "returns"


# -- places ----------------------------------------------------------------------------------


def test_everything_after_a_place_is_found_also_over_starts_and_days(folder: Path) -> None:
    days = [
        (DAY, [frame(4, 1), frame(4, 2)]),
        (DAY, [frame(6, 1)]),
        (NEXT_DAY, [frame(6, 2), frame(6, 3)]),
        (NEXT_DAY, [frame(7, 1)]),
    ]
    for day, frames in days:
        filled(folder, *frames, day=day).close()
    journal = opened(folder, NEXT_DAY)
    frames = [made for _, some in days for made in some]
    places = [(4, 1), (4, 2), (6, 1), (6, 2), (6, 3), (7, 1)]
    for number, place in enumerate(places, start=1):
        assert after(journal, *place) == frames[number:], place
    assert after(journal, 4, 0) == frames
    assert after(journal, 0, 0) == frames[3:], "the present day"
    assert journal.last == Place(7, 1)


@pytest.mark.parametrize("place", [(4, 3), (5, 0), (5, 1), (6, 4), (7, 0), (3, 2), (0, 1)])
def test_a_place_that_is_not_known_is_said_to_be_so(folder: Path, place: tuple[int, int]) -> None:
    filled(folder, frame(4, 1), frame(4, 2)).close()
    journal = filled(folder, frame(6, 1), frame(6, 2), frame(6, 3))
    with pytest.raises(LookupError):
        journal.after(Place(*place))


def test_a_place_of_a_day_that_is_gone_is_not_known_but_the_last_of_it_is(folder: Path) -> None:
    journal = opened(folder)
    for seq, day in enumerate((DAY, NEXT_DAY, "20261125"), start=1):
        journal.begin(day)
        journal.append(NO_DIGEST, frame(4, 2 * seq - 1))
        journal.append(NO_DIGEST, frame(4, 2 * seq))
    assert after(journal, 4, 2) == [frame(4, seq) for seq in (3, 4, 5, 6)]
    with pytest.raises(LookupError):
        journal.after(Place(4, 1))


def test_a_day_that_comes_back_goes_on_in_its_file(folder: Path) -> None:
    journal = filled(folder, frame(4, 1))
    for seq, day in ((2, NEXT_DAY), (3, DAY)):
        journal.begin(day)
        journal.append(DIGEST, frame(4, seq))
    assert after(journal, 4, 0) == [frame(4, seq) for seq in (1, 2, 3)]
    assert after(journal, 0, 0) == [frame(4, 1), frame(4, 3)]
    assert journal.times(bytes(15) + b"\0") == 0
    assert journal.times(DIGEST) == 1


def test_what_is_appended_while_it_is_read_does_not_change_what_is_read(folder: Path) -> None:
    journal = filled(folder, frame(4, 1), frame(4, 2))
    reading = journal.after(Place(0, 0))
    got = [next(reading)]
    journal.append(NO_DIGEST, frame(4, 3))
    assert [*got, *reading] == [frame(4, 1), frame(4, 2)]


# -- days and files --------------------------------------------------------------------------


def test_what_comes_before_the_day_is_known_is_written_when_it_is(folder: Path) -> None:
    journal = opened(folder, day=None)
    journal.append(NO_DIGEST, frame(4, 1))
    assert not journal.exists
    journal.begin(DAY)
    journal.append(NO_DIGEST, frame(4, 2))
    journal.close()
    assert after(opened(folder), 4, 0) == [frame(4, 1), frame(4, 2)]


def test_digests_count_for_their_day_alone(folder: Path) -> None:
    journal = opened(folder)
    for seq in (1, 2):
        journal.append(DIGEST, frame(4, seq))
    journal.append(NO_DIGEST, frame(4, 3))
    journal.close()
    again = opened(folder)
    assert (again.times(DIGEST), again.times(NO_DIGEST)) == (2, 0)
    again.begin(NEXT_DAY)
    assert again.times(DIGEST) == 0


def test_files_are_kept_for_some_days_and_closed_to_others(folder: Path) -> None:
    days = [f"2026112{number}" for number in range(1, 7)]
    for epoch, day in enumerate(days, start=1):
        filled(folder, frame(epoch, 1), day=day).close()
    assert sorted(path.stem for path in folder.iterdir()) == days[-3:]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_the_name_of_a_day_stays_inside_the_folder(folder: Path) -> None:
    filled(folder, frame(1, 1), day="../../x").close()
    filled(folder, frame(2, 1), day="").close()
    assert len(list(folder.iterdir())) == 2
    assert after(opened(folder, ""), 0, 0) == [frame(2, 1)]


def test_a_login_without_a_day_belongs_to_the_day_before_it(folder: Path) -> None:
    journal = filled(folder, frame(1, 1))
    journal.begin("")
    journal.append(NO_DIGEST, frame(1, 2))
    assert after(journal, 0, 0) == [frame(1, 1), frame(1, 2)]
    assert len(list(folder.iterdir())) == 1


# -- torn ends -------------------------------------------------------------------------------


FRAMES = [frame(4, 1), frame(4, 2, b""), frame(4, 3, bytes(100))]
SIZES = [len(made) + 24 for made in FRAMES]


def whole(length: int) -> int:
    """How many records fit into so many bytes."""
    return sum(sum(SIZES[: count + 1]) <= length for count in range(len(SIZES)))


def file_of(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


@pytest.mark.parametrize("length", range(sum(SIZES) + 1))
def test_a_file_that_ends_at_any_byte_goes_on_behind_its_last_whole_record(
    folder: Path, length: int
) -> None:
    filled(folder, *FRAMES).close()
    os.truncate(file_of(folder), length)
    journal = opened(folder)
    journal.append(NO_DIGEST, frame(5, 1))
    kept = FRAMES[: whole(length)]
    assert after(journal, 0, 0) == [*kept, frame(5, 1)]
    journal.close()
    again = opened(folder)
    assert after(again, 0, 0) == [*kept, frame(5, 1)]
    assert [again.times(number.to_bytes(16, "little")) for number in (1, 2)] == [
        int(len(kept) > number) for number in (1, 2)
    ]


@given(st.integers(0, sum(SIZES) - 1), st.integers(1, 255), st.binary(max_size=80))
def test_a_damaged_byte_ends_the_file_there_and_nothing_behind_it_comes_back(
    at: int, change: int, garbage: bytes
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        filled(folder, *FRAMES).close()
        path = file_of(folder)
        data = bytearray(path.read_bytes())
        data[at] ^= change
        path.write_bytes(data + garbage)
        journal = opened(folder)
        kept = FRAMES[: whole(at)]
        assert after(journal, 0, 0) == kept
        for seq in (1, 2):  # as long as what was there
            journal.append(NO_DIGEST, frame(5, seq, bytes(100)))
        journal.close()
        again = opened(folder)
        assert after(again, 0, 0) == [*kept, *(frame(5, seq, bytes(100)) for seq in (1, 2))]
        again.close()


def test_a_record_that_is_damaged_later_is_not_handed_out(folder: Path) -> None:
    journal = filled(folder, *FRAMES)
    with file_of(folder).open("r+b") as file:
        file.seek(SIZES[0] + 30)
        file.write(b"\xff")
    reading = journal.after(Place(0, 0))
    assert next(reading) == FRAMES[0]
    with pytest.raises(OSError, match="damaged"):
        next(reading)


# -- a bad disk ------------------------------------------------------------------------------


class Disk:
    """Takes ``room`` bytes more, then writes what still fits and fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int, error: int) -> None:
        self.room, self._error = room, error
        self._pwrite = os.pwrite
        monkeypatch.setattr(os, "pwrite", self.pwrite)

    def pwrite(self, fd: int, data: bytes, start: int) -> int:
        part = data[: self.room]
        self.room -= len(part)
        if not part:
            raise OSError(self._error, os.strerror(self._error))
        return self._pwrite(fd, part, start)


@pytest.fixture(params=[errno.ENOSPC, errno.EIO])
def disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    yield Disk(monkeypatch, 250, request.param)


MANY = [frame(4, seq) for seq in range(1, 400)]


def test_on_a_full_disk_the_memory_serves_and_the_file_goes_on_when_it_can(
    folder: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "td_worker")
    journal = filled(folder, *MANY)
    assert journal.failing
    assert journal.waiting >= len(MANY) - 4
    assert after(journal, 4, 1) == MANY[1:]
    assert [journal.times(number.to_bytes(16, "little")) for number in (1, 300)] == [1, 1]
    journal.flush(10.0)
    assert journal.failing
    disk.room = 1 << 20
    journal.flush(10.5)
    assert journal.failing, "it is tried once a second"
    for _ in range(3):
        journal.flush(11.0)
    assert (journal.failing, journal.waiting) == (False, 0)
    journal.append(NO_DIGEST, frame(4, 400))
    journal.close()
    assert after(opened(folder), 4, 0) == [*MANY, frame(4, 400)]
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


def test_what_a_full_disk_has_is_whole_when_the_worker_dies(folder: Path, disk: Disk) -> None:
    filled(folder, *MANY).close()
    disk.room = 1 << 20
    journal = opened(folder)
    assert after(journal, 0, 0) == MANY[:3]
    with pytest.raises(LookupError):
        journal.after(Place(4, 4))


def test_a_folder_that_cannot_be_made_loses_no_return(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "account").write_text("in the way")
    journal = filled(tmp_path / "account" / "returns", *FRAMES)
    assert journal.failing
    assert after(journal, 0, 0) == FRAMES
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_file_that_cannot_be_read_is_left_as_it_is(folder: Path) -> None:
    """A folder in its place stands for it: reading it fails."""
    (folder / f"{DAY}.returns").mkdir(parents=True)
    journal = filled(folder, *FRAMES)
    for now in (1.0, 3.0):
        journal.flush(now)
    assert journal.failing
    assert after(journal, 0, 0) == FRAMES
