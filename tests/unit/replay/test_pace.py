"""The clock of a replayed day."""

from __future__ import annotations

import pytest

from replay.address import MAX, Address, AddressError, parse
from replay.pace import Pace

S = 1_000_000_000


@pytest.mark.parametrize(("speed", "wait"), [(1.0, 10.0), (10.0, 1.0), (0.5, 20.0), (MAX, 0.0)])
def test_a_tick_is_due_when_the_day_has_come_so_far(speed: float, wait: float) -> None:
    pace = Pace(speed)
    pace.begin(100 * S, 5.0)
    assert pace.wait_s(110 * S, 5.0) == pytest.approx(wait)
    assert pace.wait_s(110 * S, 5.0 + wait) <= 1e-6
    assert pace.wait_s(99 * S, 5.0) <= 0


def test_a_long_silence_is_cut() -> None:
    pace = Pace(10.0, pause_s=60.0)
    pace.begin(0, 0.0)
    assert pace.wait_s(30 * S, 0.0) == pytest.approx(3.0)
    assert pace.wait_s(36_000 * S, 3.0) == pytest.approx(6.0)
    assert pace.wait_s(36_000 * S, 6.0) == pytest.approx(3.0), "and stays cut"
    assert pace.day_ns(9.0) == pytest.approx(36_000 * S)


def test_addresses() -> None:
    address = parse(
        "replay://var/a%20b?speed=max&day=20261123&pause=5&loop=1&wait=0&layout=ctp&calendar=always"
    )
    assert address == Address(address.folder, "20261123", MAX, 0.0, 5.0, True, "ctp", "always")
    assert str(address.folder) == "var/a b"
    assert parse(str(address)) == address
    assert parse("replay:///x") == Address(address.folder.__class__("/x"))


@pytest.mark.parametrize(
    "query",
    [
        "speed=0",
        "speed=nan",
        "speed=-1",
        "wait=-1",
        "pause=x",
        "loop=yes",
        "day=1",
        "a=1",
        "day=1&day=2",
    ],
)
def test_options_that_mean_nothing_are_refused(query: str) -> None:
    with pytest.raises(AddressError):
        parse(f"replay://x?{query}")
