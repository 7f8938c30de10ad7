"""A position that is kept is the counter's, or is asked for anew."""

from __future__ import annotations

import pytest

from bus.strategy.position import Position
from bus.strategy.positions import Positions


class Counter:
    """Answers with as many lots as it was asked; ``during`` happens while it does."""

    def __init__(self) -> None:
        self.asked = 0
        self.unchanged = True
        self.positions = Positions(self.ask, lambda timeout_s: self.unchanged)
        self.positions.heard(True)
        self.traded_meanwhile = False

    def ask(self, instrument: str, timeout_s: float) -> Position:
        self.asked += 1
        if self.traded_meanwhile:
            self.positions.changed(instrument)
        return Position(pos_long=self.asked)

    def lots(self, instrument: str = "rb2701") -> int:
        return self.positions.get(instrument, 1.0).pos_long


def test_the_counter_is_asked_once_until_something_changes() -> None:
    counter = Counter()
    assert [counter.lots(), counter.lots()] == [1, 1]
    counter.positions.changed("au2612")
    assert counter.lots() == 1
    counter.positions.changed("rb2701")
    assert [counter.lots(), counter.lots()] == [2, 2]


def test_what_was_asked_while_it_changed_is_not_kept() -> None:
    counter = Counter()
    counter.traded_meanwhile = True
    assert counter.lots() == 1
    counter.traded_meanwhile = False
    assert [counter.lots(), counter.lots()] == [2, 2]


def test_while_no_returns_are_heard_nothing_is_kept() -> None:
    counter = Counter()
    counter.lots()
    counter.positions.heard(False)
    assert [counter.lots(), counter.lots()] == [2, 3]
    counter.positions.heard(True)
    assert [counter.lots(), counter.lots()] == [4, 4]


def test_what_td_worker_does_not_vouch_for_is_asked_for() -> None:
    counter = Counter()
    counter.lots()
    counter.unchanged = False
    assert counter.lots() == 2
    counter.unchanged = True
    assert counter.lots() == 2


def test_who_changes_his_copy_changes_nothing_else() -> None:
    counter = Counter()
    for _ in range(2):
        position = counter.positions.get("rb2701", 1.0)
        assert position.pos_long == 1
        position.pos_long = 9


def test_no_answer_is_no_empty_position() -> None:
    def ask(instrument: str, timeout_s: float) -> Position:
        raise TimeoutError

    positions = Positions(ask, lambda timeout_s: True)
    with pytest.raises(TimeoutError):
        positions.get("rb2701", 0)
