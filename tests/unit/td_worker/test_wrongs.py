"""Guessing passwords is slow, for the one who guesses."""

from __future__ import annotations

import pytest

from bus.errors import Refused
from td_worker.login.wrongs import Wrongs

ME, OTHER = ("u", "me"), ("u", "other")


def guess(wrongs: Wrongs, heard: list[int], now: float, deadline: float = 1e9) -> None:
    wrongs.check(ME, now)
    wrongs.wrong(ME, lambda: heard.append(1), now, deadline)


def test_each_wrong_one_of_an_origin_is_answered_later_than_the_one_before() -> None:
    wrongs, heard, now, pauses = Wrongs(1.0), [0], 0.0, []
    heard.clear()
    for number in range(6):
        guess(wrongs, heard, now)
        began = now
        while len(heard) == number:
            now += 0.5
            wrongs.timers(now)
        pauses.append(now - began)
    assert pauses == [1, 2, 4, 8, 10, 10]
    assert wrongs.total == 6


def test_guesses_at_the_same_time_do_not_help_and_others_do_not_wait() -> None:
    wrongs = Wrongs(1.0)
    guess(wrongs, [], 0)
    with pytest.raises(Refused, match=r"nothing is tried for 0\.5 s"):
        wrongs.check(ME, 0.5)
    wrongs.check(OTHER, 0.5)
    wrongs.check(("v", "me"), 0.5)
    wrongs.check(ME, 1.0)


def test_a_short_deadline_brings_the_answer_forward_but_not_the_next_guess() -> None:
    wrongs: Wrongs = Wrongs(8.0)
    heard: list[int] = []
    guess(wrongs, heard, 0, deadline=0.5)
    wrongs.timers(0.5)
    assert heard == [1]
    with pytest.raises(Refused):
        wrongs.check(ME, 7)


def test_the_right_one_and_time_forgive() -> None:
    wrongs = Wrongs(1.0)
    for now in (0, 10, 20):
        guess(wrongs, [], now)
    wrongs.right(ME)
    guess(wrongs, [], 30)
    wrongs.check(ME, 31)
    for now in (40, 50, 60, 1000):
        guess(wrongs, [], now)
    wrongs.check(ME, 1001)


def test_so_many_answers_may_wait() -> None:
    wrongs = Wrongs(1.0)
    heard: list[int] = []
    for number in range(1500):
        wrongs.wrong(("u", str(number)), lambda: heard.append(1), 0, 1e9)
    assert (len(wrongs), len(heard)) == (1000, 500)
    wrongs.timers(1)
    assert (len(wrongs), len(heard)) == (0, 1500)
