"""Which days go, and what is said before."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder import retention

MB = 1 << 20
DAYS = ["20261119", "20261120", "20261123", "20261124"]


@pytest.mark.parametrize(
    ("keep", "current", "gone"),
    [
        (4, set[str](), []),
        (2, {"20261124"}, DAYS[:2]),
        (1, {"20261124"}, DAYS[:3]),
        (1, {"20261119", "20261124"}, DAYS[1:3]),
    ],
)
def test_the_oldest_days_go_but_never_a_current_one(
    keep: int, current: set[str], gone: list[str]
) -> None:
    assert retention.too_many(DAYS, keep, current) == gone


def test_before_a_day_goes_for_want_of_room_there_is_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    space = retention.Space(100)
    assert (space.judge(500 * MB), space.low) == (False, False)
    assert not caplog.records
    assert not space.judge(50 * MB)  # it has fallen at once: a warning comes first all the same
    assert space.low
    assert [record.message for record in caplog.records] == ["the disk fills up"]
    assert space.judge(50 * MB)
    assert not space.judge(150 * MB)
    assert len(caplog.records) == 1
    assert not space.judge(201 * MB)
    assert not space.judge(150 * MB)
    assert len(caplog.records) == 2


def test_a_day_is_removed_from_each_folder_and_what_cannot_be_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folders = [tmp_path / "ticks", tmp_path / "late"]
    (folders[0] / DAYS[0]).mkdir(parents=True)
    (folders[0] / DAYS[0] / "rb2701.ticks").write_bytes(b"x")
    assert retention.remove(folders, DAYS[0], "keep_days")
    assert not (folders[0] / DAYS[0]).exists()
    (folders[0] / DAYS[1]).write_bytes(b"a file, no folder")
    assert not retention.remove(folders, DAYS[1], "keep_days")
    assert "a day could not be removed" in caplog.text


def test_free_bytes_are_those_of_the_folder(tmp_path: Path) -> None:
    assert retention.free_bytes(tmp_path) > 0
