"""What counts as wrong between the SDK's word and the exchange's record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bus.client import Order, OrderState
from bus.client.terms import limit_order
from bus.orders import Outcome
from tests.chaos.sdk import faults


def order(state: OrderState) -> Order:
    nobody: Any = None
    made = Order(nobody, "mine", "ReqOrderInsert", limit_order("rb2701", "buy", 1, 3100.0))
    made.told(Outcome(order_id="1", state=state))
    return made


@pytest.mark.parametrize(
    ("state", "arrived", "wrong"),
    [
        (OrderState.CANCELLED, 1, False),
        (OrderState.NOT_SENT, 0, False),
        (OrderState.CANCELLED, 0, True),
        (OrderState.CANCELLED, 2, True),
        (OrderState.NOT_SENT, 1, True),
        (OrderState.UNKNOWN, 1, True),
    ],
)
def test_an_order_is_there_once_or_was_not_sent(
    tmp_path: Path, state: OrderState, arrived: int, wrong: bool
) -> None:
    ledger = tmp_path / "ledger"
    entry = {"kind": "AcceptedOrder", "user": "1", "price": 3100.0}
    ledger.write_text("".join(json.dumps(entry) + "\n" for _ in range(arrived)))
    assert bool(faults([("1", order(state))], ledger)) is wrong


def test_an_order_of_which_nobody_knows_is_wrong(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    ledger.write_text(json.dumps({"kind": "AcceptedOrder", "user": "1", "price": 3101.0}))
    assert faults([], ledger) == ["of nobody: ('1', 3101.0)"]
