"""The replay window, shared by processes through a file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tcp_edge.wire.window import SIZE, ReplayWindow
from tcp_edge.wire.wire import Replayed
from tests.support.group import CHECKOUT

NOW = 1_800_000_000_000
NONCE = b"twelve bytes"


def nonces(count: int, begin: bytes = b"") -> list[bytes]:
    return [(begin + sha256(b"%d" % number).digest())[:12] for number in range(count)]


class Clock:
    def __init__(self) -> None:
        self.ms = NOW

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def window(tmp_path: Path, clock: Clock) -> Iterator[ReplayWindow]:
    made = ReplayWindow(tmp_path / "window", 30, clock, booted_ms=0)
    yield made
    made.close()


def test_a_line_is_good_once_as_long_as_its_time_is(window: ReplayWindow, clock: Clock) -> None:
    window.enter(NOW, NONCE)
    for clock.ms in (NOW, NOW + 1, NOW + 15_000, NOW + 29_999, NOW + 30_000, NOW - 30_000):
        with pytest.raises(Replayed, match="before"):
            window.enter(NOW, NONCE)
    for clock.ms in (NOW + 30_001, NOW - 30_001):
        with pytest.raises(Replayed, match="clock"):
            window.enter(NOW, NONCE)


def test_a_line_from_ahead_is_remembered_until_it_is_too_old(
    window: ReplayWindow, clock: Clock
) -> None:
    window.enter(NOW + 30_000, NONCE)
    clock.ms = NOW + 60_000
    with pytest.raises(Replayed, match="before"):
        window.enter(NOW + 30_000, NONCE)


def test_another_nonce_is_another_line(window: ReplayWindow) -> None:
    for nonce in nonces(1000):
        window.enter(NOW, nonce)


def test_the_window_outlives_the_process(tmp_path: Path, clock: Clock) -> None:
    first = ReplayWindow(tmp_path / "window", 30, clock, booted_ms=0)
    first.enter(NOW, NONCE)
    first.close()
    again = ReplayWindow(tmp_path / "window", 30, clock, booted_ms=0)
    with pytest.raises(Replayed):
        again.enter(NOW, NONCE)
    again.close()


def test_a_full_bucket_refuses_and_is_free_again_in_time(
    window: ReplayWindow, clock: Clock
) -> None:
    same_bucket = nonces(64, b"same")
    for nonce in same_bucket[:32]:
        window.enter(NOW, nonce)
    with pytest.raises(Replayed, match="too many"):
        window.enter(NOW, same_bucket[32])
    with pytest.raises(Replayed, match="before"):
        window.enter(NOW, same_bucket[31])
    clock.ms = NOW + 34_000
    for nonce in same_bucket[32:]:
        window.enter(clock.ms, nonce)


def test_after_a_boot_there_is_a_pause(tmp_path: Path, clock: Clock) -> None:
    window = ReplayWindow(tmp_path / "window", 30, clock, booted_ms=NOW - 10_000)
    with pytest.raises(Replayed, match="start"):
        window.enter(NOW + 20_000, NONCE)
    window.enter(NOW + 20_001, NONCE)
    window.close()


def test_the_file_is_private_and_has_its_room_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "window"
    ReplayWindow(path).close()
    said = path.stat()
    assert said.st_mode & 0o777 == 0o600
    assert said.st_size == SIZE
    assert said.st_blocks * 512 >= SIZE


RACER = """
import sys
from hashlib import sha256
from pathlib import Path
from tcp_edge.wire.window import ReplayWindow
from tcp_edge.wire.wire import Replayed

window, now = ReplayWindow(Path(sys.argv[1]), 30, lambda: 5_000_000, booted_ms=-10**6), 0
print("ready", flush=True)
sys.stdin.readline()
for number in range(20_000):
    try:
        window.enter(5_000_000, sha256(b"%d" % number).digest()[:12])
    except Replayed:
        pass
    else:
        now += 1
print(now)
"""


def test_of_processes_that_race_one_gets_the_line(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path / "window")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdout and racer.stdout.readline() == b"ready\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write(b"go\n")
        racer.stdin.flush()
    won = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    assert sum(won) == 20_000, won


def test_a_line_that_waits_for_the_lock_is_judged_by_the_time_after_it(
    window: ReplayWindow, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.enter(NOW, NONCE)
    clock.ms = NOW + 29_000
    held: list[int] = []

    def wait(file: int, kind: int, *where: int) -> None:
        """The first to lock stands still until the place of its line has been given away."""
        if not held:
            held.append(kind)
            clock.ms = NOW + 40_000
            window.enter(NOW + 40_000, NONCE[:4] + b" another")

    monkeypatch.setattr("fcntl.lockf", wait)
    with pytest.raises(Replayed, match="clock"):
        window.enter(NOW, NONCE)


# -- the file goes, and the clock goes back -------------------------------------------------------

HOUR = 3_600_000


def at(path: Path, clock: Clock) -> ReplayWindow:
    return ReplayWindow(path / "window", 30, clock, booted_ms=0)


def taken(window: ReplayWindow, unix_ms: int, nonce: bytes = NONCE) -> bool:
    try:
        window.enter(unix_ms, nonce)
    except Replayed:
        return False
    return True


def run(window: ReplayWindow, clock: Clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.ms += 1000
        window.tend()


def test_without_the_file_there_is_a_pause_and_then_a_new_one_that_all_obey(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = at(tmp_path, clock), at(tmp_path, clock)
    clock.ms += 1000
    assert taken(first, clock.ms - 1000)
    (tmp_path / "window").unlink()
    first.tend()
    assert first.describe()["removed"] == 1
    assert "lines are refused" in caplog.text
    late = at(tmp_path, clock)  # finds the file that the first has made, and what stands in it
    second.tend()
    for each in (first, second, late):
        assert not taken(each, clock.ms - 1000)
        assert not taken(each, clock.ms, b"another one!")
        assert each.describe()["refuses_s"] >= 30
    for each in (first, second, late):
        run(each, clock, 40)
    assert taken(late, clock.ms)
    assert not taken(first, clock.ms)
    assert not taken(second, clock.ms)
    assert first.describe()["refuses_s"] == 0
    for each in (first, second, late):
        each.close()


def test_a_file_in_the_place_of_ours_is_noticed(tmp_path: Path, clock: Clock) -> None:
    window = at(tmp_path, clock)
    (tmp_path / "window").unlink()
    other = at(tmp_path, clock)  # it was quicker, and knows of nothing
    assert taken(window, NOW)
    window.tend()
    other.tend()
    assert not taken(other, NOW)
    window.close()
    other.close()


def test_a_process_that_does_not_look_takes_a_line_twice(tmp_path: Path, clock: Clock) -> None:
    """The control."""
    window = at(tmp_path, clock)
    assert taken(window, NOW)
    (tmp_path / "window").unlink()
    other = at(tmp_path, clock)
    assert taken(other, NOW)
    window.close()
    other.close()


def test_when_no_new_file_can_be_made_nothing_is_taken_until_it_can(
    tmp_path: Path, clock: Clock
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    window = at(folder, clock)
    (folder / "window").unlink()
    folder.rmdir()
    run(window, clock, 100)
    assert not taken(window, clock.ms)
    assert window.describe() == {"refuses_s": 30, "removed": 1, "clock_back": 0}
    folder.mkdir()
    run(window, clock, 40)
    assert taken(window, clock.ms)
    window.close()


@pytest.mark.parametrize("back_ms", [45_000, HOUR])
@pytest.mark.parametrize("again", [False, True], ids=["running", "restarted"])
def test_with_the_clock_set_back_old_lines_are_refused(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, back_ms: int, again: bool
) -> None:
    window = at(tmp_path, clock)
    assert taken(window, NOW)
    run(window, clock, back_ms // 1000)
    fill(window, clock)
    clock.ms = NOW
    if again:
        window.close()
        window = at(tmp_path, clock)
    assert not taken(window, NOW)
    window.tend()
    assert not taken(window, NOW)
    assert window.describe()["refuses_s"] == pytest.approx(back_ms / 1000 - 30, abs=2)
    assert window.describe()["clock_back"] == (not again)
    assert "lines are refused" in caplog.text
    run(window, clock, back_ms // 1000)
    assert taken(window, clock.ms, b"another one!")
    window.close()


def fill(window: ReplayWindow, clock: Clock) -> None:
    """Gives the place of NONCE away, when it is free."""
    assert taken(window, clock.ms, NONCE[:5] + b"another")


def test_who_forgets_the_time_takes_an_old_line_again(tmp_path: Path, clock: Clock) -> None:
    """The control."""
    window = at(tmp_path, clock)
    assert taken(window, NOW)
    clock.ms += HOUR
    fill(window, clock)
    clock.ms = NOW
    assert taken(window, NOW)
    window.close()


def test_a_small_step_back_refuses_nobody_whose_clock_is_right(
    window: ReplayWindow, clock: Clock
) -> None:
    run(window, clock, 100)
    clock.ms -= 20_000
    assert taken(window, clock.ms)
    window.tend()
    assert window.describe() == {"refuses_s": 0, "removed": 0, "clock_back": 1}
    assert taken(window, clock.ms, b"another one!")


def test_without_steps_nothing_is_refused(window: ReplayWindow, clock: Clock) -> None:
    for number, nonce in enumerate(nonces(300)):
        run(window, clock, 1)
        assert taken(window, clock.ms - 29_999 + 200 * number, nonce)
    assert window.describe() == {"refuses_s": 0, "removed": 0, "clock_back": 0}
