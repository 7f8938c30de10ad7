"""What a process that stood still knows of the age of what it reads."""

from __future__ import annotations

import pytest

from ws_edge.standstill import Standstill


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def standstill(clock: Clock) -> Standstill:
    return Standstill(clock)


def test_a_loop_that_runs_has_read_all_that_came(clock: Clock, standstill: Standstill) -> None:
    for _ in range(10):
        clock.now += 0.3
        assert standstill.waited_s() == 0.0
        assert standstill.beat() == 0.0


def test_what_is_read_first_may_have_come_since_the_last_beat(
    clock: Clock, standstill: Standstill
) -> None:
    clock.now += 8.0
    assert standstill.waited_s() == 8.0
    assert standstill.beat() == 8.0
    clock.now += 0.2
    assert standstill.beat() == 0.0
    assert standstill.waited_s() == pytest.approx(8.2), "its turn may come later"
    for _ in range(4):
        clock.now += 0.21
        standstill.beat()
    assert standstill.waited_s() == 0.0


def test_who_stands_still_again_before_all_is_read_knows_of_the_first_time(
    clock: Clock, standstill: Standstill
) -> None:
    clock.now += 8.0
    standstill.beat()
    clock.now += 5.0
    assert standstill.waited_s() == 13.0
    standstill.beat()
    assert standstill.waited_s() == 13.0
