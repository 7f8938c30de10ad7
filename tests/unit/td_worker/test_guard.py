"""No password may lock an account: which ones the guard lets go to the front, and when."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from bus.errors import Refused
from bus.secrets import Secret
from td_worker.login.guard import Guard
from td_worker.login.wrongs import Wrongs
from tests.unit.td_worker.fakes import CONFIG, Desk

NOW = 1_800_000_000.0
HOUR = 3600.0


def guard(folder: Path, place: str = "tcp://x", address: Guard | None = None) -> Guard:
    return Guard(folder / "guard.json", place, 1800.0, address)


def objects(made: Guard, password: str, now: float = NOW) -> str:
    """Why a password does not go to the front; "" when it does."""
    objection = made.objection(Secret(password), now)
    return "" if objection is None else f"{objection.error_id} {objection.detail}"


def refuse(made: Guard, *passwords: str, error: int = 3, now: float = NOW) -> None:
    for password in passwords:
        made.refused(Secret(password), error, now)


def test_a_refused_password_is_never_sent_again_also_after_a_restart(tmp_path: Path) -> None:
    refuse(guard(tmp_path), "w1")
    for made in (guard(tmp_path), guard(tmp_path)):
        assert objects(made, "w1").startswith("3 ")
        assert objects(made, "w1", NOW + 1000 * HOUR).startswith("3 ")
        assert objects(made, "w2") == ""


def test_no_password_is_in_the_file(tmp_path: Path) -> None:
    made = guard(tmp_path)
    refuse(made, "geheim-1")
    made.accepted(Secret("geheim-2"))
    assert b"geheim" not in (tmp_path / "guard.json").read_bytes()
    assert (tmp_path / "guard.json").stat().st_mode & 0o77 == 0


def test_three_reach_the_front_then_come_growing_pauses_then_a_day(tmp_path: Path) -> None:
    made = guard(tmp_path)
    sent = []
    day = 24 * 60
    for minute in (
        0,
        1,
        2,
        3,
        11,
        12,
        13,
        31,
        32,
        33,
        60,
        31 + day,
        32 + day,
        33 + day,
        32 + 2 * day,
    ):
        if not objects(made, f"w{minute}", NOW + 60 * minute):
            sent.append(minute)
            refuse(made, f"w{minute}", now=NOW + 60 * minute)
    assert sent == [0, 1, 2, 12, 32, 32 + day, 32 + 2 * day]


def test_a_success_ends_the_pauses_and_clears_that_password(tmp_path: Path) -> None:
    made = guard(tmp_path)
    refuse(made, "w1", "w2", "w3")
    assert objects(made, "right").startswith("-1 ")
    made.accepted(Secret("w3"))
    assert [objects(made, password)[:2] for password in ("w1", "w3", "w4")] == ["3 ", "", ""]


def test_wrong_ones_of_others_do_not_keep_out_who_was_in_before(tmp_path: Path) -> None:
    made = guard(tmp_path)
    made.accepted(Secret("right"))
    refuse(made, "w1", "w2", "w3", "w4", "w5")
    assert objects(made, "w6").startswith("-1 ")
    assert objects(guard(tmp_path), "right") == ""
    refuse(made, "right")
    assert objects(made, "right").startswith("-1 "), "the front has changed its mind"
    assert objects(made, "right", NOW + 24 * HOUR) == "", "it may be in disorder"


@pytest.mark.parametrize("error", [75, 143, 144])
def test_after_a_lock_nothing_goes_to_the_front_for_a_while(tmp_path: Path, error: int) -> None:
    address = Guard(tmp_path / "address.json", "", 1800.0, None)
    made = guard(tmp_path / "a", address=address)
    other = guard(tmp_path / "b", address=address)
    made.accepted(Secret("right"))
    refuse(made, "right", error=error)
    assert objects(made, "right").startswith(f"{error} no login is tried for another 1800 s")
    assert made.wait_s(NOW + 1799) == 1
    assert (objects(other, "x") == "") is (error == 75), "an address is everybody's"
    again = guard(tmp_path / "a", address=Guard(tmp_path / "address.json", "", 1800.0, None))
    assert objects(again, "right", NOW + 60).startswith(f"{error} ")
    assert objects(again, "right", NOW + 1801) == ""


def test_what_may_have_had_another_reason_counts_but_is_not_remembered(tmp_path: Path) -> None:
    made = guard(tmp_path)
    for _ in range(3):
        made.refused(None, 3, NOW)
    assert objects(made, "maybe right").startswith("-1 ")
    assert objects(made, "maybe right", NOW + 600) == ""


def test_what_another_front_refused_says_nothing(tmp_path: Path) -> None:
    refuse(guard(tmp_path), "w1")
    assert objects(guard(tmp_path, place="tcp://y"), "w1") == ""


def test_a_file_that_cannot_be_read_or_written_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "guard.json").mkdir()
    made = guard(tmp_path)
    refuse(made, "w1")
    assert objects(made, "w1").startswith("3 ")
    assert objects(made, "w2") == ""


def test_one_session_after_the_other_logs_in_and_one_without_an_answer_stops_none(
    tmp_path: Path,
) -> None:
    made, one, other = guard(tmp_path), object(), object()
    assert [made.begin(who, 1.0) for who in (one, other, one)] == [True, False, True]
    made.end(other)
    assert not made.begin(other, 10.9)
    assert made.begin(other, 11.1)
    made.end(one)
    assert not made.begin(one, 12.0)
    made.end(other)
    assert made.begin(one, 12.0)


# -- in the gate -----------------------------------------------------------------------------


def refused_by_the_front(desk: Desk, *passwords: str) -> None:
    for number, password in enumerate(passwords):
        desk.client(f"{number}{password}".encode(), password)
        desk.answer()
        desk.answer(error=3)


def test_what_the_guard_objects_to_does_not_reach_the_front(tmp_path: Path) -> None:
    desk = Desk(guard=guard(tmp_path))
    desk.connect()
    refused_by_the_front(desk, "w1", "w2", "w3")
    asked = len(desk.counter.asked)
    desk.client(b"again", "w2")
    desk.client(b"new", "w4")
    assert desk.replies.heard[-2:] == [(b"again", "OnRspUserLogin", 3), (b"new", "Error", -1)]
    assert len(desk.counter.asked) == asked
    assert desk.counter.passwords() == ["w1", "w2", "w3"]


def test_after_a_lock_the_session_waits_with_its_own_login_too(tmp_path: Path) -> None:
    made = guard(tmp_path)
    desk = Desk(guard=made)
    desk.client(b"a")
    desk.connect()
    desk.log_in()
    made.refused(None, 75, time.time())
    desk.disconnect()
    desk.connect()
    asked = len(desk.counter.asked)
    desk.later(1700)
    assert len(desk.counter.asked) == asked


@pytest.mark.parametrize("method", ["ReqUserLoginWithOTP", "ReqUserLogin"])
def test_only_a_plain_login_says_that_the_password_is_wrong(tmp_path: Path, method: str) -> None:
    desk = Desk(config=CONFIG, guard=guard(tmp_path))
    desk.client(b"a", "right", method=method)
    desk.connect()
    desk.answer()
    desk.answer(error=3)
    known = objects(guard(tmp_path), "right").startswith("3 ")
    assert known is (method == "ReqUserLogin")


def hashes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Each costs the main thread, and so the orders of all accounts, 12 ms."""
    made: list[bytes] = []

    def scrypt(text: bytes, **_: object) -> bytes:
        made.append(text)
        return hashlib.sha256(text).digest()

    monkeypatch.setattr("td_worker.login.guard.hashlib.scrypt", scrypt)
    return made


def test_guesses_that_are_only_turned_away_slow_their_origin_as_well(tmp_path: Path) -> None:
    desk = Desk(guard=guard(tmp_path))
    desk.wrongs = desk.gate._wrongs = Wrongs(1.0)
    desk.connect()
    refused_by_the_front(desk, "w1", "w2", "w3")
    desk.client(b"x", "w4", origin="o")
    with pytest.raises(Refused, match="nothing is tried for"):
        desk.wrongs.check(("u1", "o"), desk.now)
    assert (b"x", "Error", -1) not in desk.replies.heard
    desk.later(1.1)
    assert (b"x", "Error", -1) in desk.replies.heard


def test_passwords_that_wait_for_the_front_do_not_stop_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(guard=guard(tmp_path))
    for number in range(3):
        desk.client(b"x", f"w{number}", origin="o")
    desk.client(b"x", "w1", origin="o")
    with pytest.raises(Refused, match="too many different passwords"):
        desk.client(b"x", "w3", origin="o")
    for number in range(3, 50):
        desk.client(b"x", f"w{number}", origin=f"o{number}")
    with pytest.raises(Refused, match="too many different passwords"):
        desk.client(b"x", "w50", origin="o50")
    made = hashes(monkeypatch)
    desk.connect()
    for _ in range(3):
        desk.answer()
        desk.answer(error=3)
    assert len(made) <= 52
    assert len(desk.replies.heard) == 51


def test_the_same_password_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reconnect of each account brings it."""
    made, desk = hashes(monkeypatch), guard(tmp_path)
    for _ in range(3):
        desk.accepted(Secret("right"))
    assert len(made) == 1
