"""Random histories: every viewer sees the same name, and no name points at two orders."""

from __future__ import annotations

import os
from typing import Any

import pytest

from td_worker.orders import book
from td_worker.orders.index import Index
from td_worker.orders.store import Store

from .histories import History, run

_COUNT = int(os.environ.get("CTPBUS_HISTORIES", "2000"))
_PARTS = 4
_ENOUGH = 200  # histories in which a mistake shows


@pytest.mark.parametrize("part", range(_PARTS))
def test_names_are_right_in_every_history(part: int) -> None:
    count = _COUNT // _PARTS
    run(count, part * count)


def test_without_the_store_a_restart_uses_names_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    restart = History.restart

    def forgetful(history: History) -> None:
        history.store = Store(None)
        restart(history)

    monkeypatch.setattr(History, "restart", forgetful)
    with pytest.raises(AssertionError):
        run(_ENOUGH)


def test_without_the_stale_rule_an_old_state_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> bool:
        return False

    monkeypatch.setattr(book, "is_stale", never)
    with pytest.raises(AssertionError, match="stale"):
        run(_ENOUGH)


def test_a_trade_that_is_not_held_has_a_wrong_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Index, "is_outside", lambda *_: True)
    with pytest.raises(AssertionError, match="a trade without its name"):
        run(_ENOUGH)


def test_the_reference_alone_takes_an_outsiders_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_reference(index: Index, shape: Any, raw: bytes) -> Any:
        return index._by_issued.get(raw[shape.ref].partition(b"\0")[0])

    monkeypatch.setattr(Index, "refused", by_reference)
    with pytest.raises(AssertionError):
        run(_ENOUGH)


def test_without_the_numbers_a_renamed_order_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "keys", lambda *_: [])
    with pytest.raises(AssertionError):
        run(_ENOUGH)
