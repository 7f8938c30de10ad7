"""Cancel-on-disconnect without processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest

from bus.errors import Refused
from td_worker.disconnect import Disconnects
from td_worker.orders.book import Book
from td_worker.orders.record import Record

DAY, NEXT_DAY = "20261122", "20261123"


class FakeRecord:
    def __init__(self, number: int, session_id: int) -> None:
        self.number, self.session_id = number, session_id
        self.order_id = f"{DAY}-{number}"
        self.state = type("State", (), {"value": "ACK"})


class FakeBook:
    """``records`` are live."""

    def __init__(self, *sessions: int) -> None:
        self.records = [FakeRecord(number, each) for number, each in enumerate(sessions)]

    def live(self, session_id: int) -> list[FakeRecord]:
        return [record for record in self.records if record.session_id == session_id]


class Scene:
    def __init__(self, folder: Path, book: FakeBook, status: int = 0) -> None:
        self.path = folder / "account" / "disconnect.json"
        self.book, self.status = book, status
        self.cancelled: list[int] = []
        self.now = 0.0
        self.restart()

    def restart(self, day: str = DAY) -> None:
        self.disconnects = Disconnects(self.path)
        self.disconnects.begin(day)

    def poll(self, later_s: float = 0.0) -> list[int]:
        """What is cancelled now."""
        self.now += later_s
        self.cancelled.clear()
        self.disconnects.poll(cast(Book, self.book), self.now, self._cancel)
        return list(self.cancelled)

    def _cancel(self, record: Record) -> int:
        self.cancelled.append(record.number)
        return self.status


def test_only_who_wants_it_and_did_not_log_out_loses_his_orders(tmp_path: Path) -> None:
    scene = Scene(tmp_path, FakeBook(1, 2, 3, 4))
    for session_id in (1, 2, 3):
        scene.disconnects.arm(session_id, True)
    scene.disconnects.arm(3, False)
    for session_id, clean in ((1, False), (2, True), (3, False), (4, False)):
        scene.disconnects.ended(session_id, DAY, clean)
    assert scene.poll() == [0]


@pytest.mark.parametrize("status", [0, -1])
def test_a_cancel_is_repeated_until_the_order_has_ended(tmp_path: Path, status: int) -> None:
    scene = Scene(tmp_path, FakeBook(1, 1), status)
    scene.disconnects.arm(1, True)
    scene.disconnects.ended(1, DAY, False)
    assert scene.poll() == [0, 1]
    assert scene.poll(1.0) == []
    assert scene.poll(1.0) == [0, 1]
    scene.book.records.pop(0)
    assert scene.poll(2.0) == [1]
    scene.book.records.clear()
    assert scene.poll(2.0) == []
    scene.book.records.append(FakeRecord(9, 1))
    assert scene.poll(2.0) == [], "it is over"


def test_an_order_that_nobody_can_cancel_now_costs_few_attempts(tmp_path: Path) -> None:
    """The noon break has two hours; the exchange counts every cancel."""
    scene = Scene(tmp_path, FakeBook(1))
    scene.disconnects.arm(1, True)
    scene.disconnects.ended(1, DAY, False)
    attempts = sum(len(scene.poll(1.0)) for _ in range(7200))
    assert 200 < attempts < 300


def test_after_a_restart_every_login_has_ended(tmp_path: Path) -> None:
    scene = Scene(tmp_path, FakeBook(1, 2))
    scene.disconnects.arm(1, True)
    scene.restart()
    assert scene.poll() == [0]
    scene.restart()
    assert scene.poll() == [0], "also when the worker died before the order had ended"


def test_orders_of_a_day_before_have_ended_with_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path, FakeBook(1))
    scene.disconnects.arm(1, True)
    scene.disconnects.ended(1, DAY, False)
    scene.disconnects.begin(NEXT_DAY)
    assert scene.poll() == []


def test_a_login_that_outlives_the_day_keeps_its_wish(tmp_path: Path) -> None:
    scene = Scene(tmp_path, FakeBook(1))
    scene.disconnects.arm(1, True)
    scene.disconnects.begin(NEXT_DAY)
    scene.disconnects.ended(1, NEXT_DAY, False)
    assert scene.poll() == [0]


def test_a_wish_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    scene = Scene(tmp_path, FakeBook(1))
    scene.path.parent.write_text("no folder")
    with pytest.raises(Refused, match="nothing has changed"):
        scene.disconnects.arm(1, True)
    scene.disconnects.ended(1, DAY, False)
    assert scene.poll() == []


def test_a_disk_with_room_for_a_part_of_the_wish_keeps_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path, FakeBook(1, 2))
    scene.disconnects.arm(1, True)
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, content: write(fd, content[:5]))
    with pytest.raises(Refused, match="nothing has changed"):
        scene.disconnects.arm(2, True)
    scene.restart()
    assert scene.poll() == [0]


def test_a_file_that_is_none_is_told_and_left_behind(tmp_path: Path) -> None:
    scene = Scene(tmp_path, FakeBook(1))
    scene.disconnects.arm(1, True)
    scene.path.write_bytes(b"{")
    scene.restart()
    assert scene.poll() == []
    scene.disconnects.arm(1, True)
    assert scene.path.stat().st_mode & 0o777 == 0o600
