"""Who confirms the settlement, and what waits for it."""

from __future__ import annotations

import msgspec
import pytest

from bus.errors import Refused
from schemas.counter import Event
from td_worker.login.settlement import Settlement
from td_worker.login.states import State
from tests.unit.td_worker.fakes import CATALOGUE, CONFIG, Desk

DAY = "20260304"


def login(day: str = DAY) -> Event:
    field = CATALOGUE.codec("RspUserLogin").pack({"TradingDay": day})
    return Event("OnRspUserLogin", field, None, 0, True, 0, 0)


def row(date: str = "") -> Event:
    field = CATALOGUE.codec("SettlementInfoConfirm").pack({"ConfirmDate": date}) if date else None
    return Event("OnRspQrySettlementInfoConfirm", field, None, 0, True, 0, 0)


def asked(policy: str) -> list[str]:
    desk = Desk(config=msgspec.structs.replace(CONFIG, settlement=policy))
    desk.client(b"a")
    desk.connect()
    while desk.gate.state is not State.READY:
        desk.answer()
    assert desk.admitted == [b"a"]
    return desk.counter.names[2:]


def test_what_a_login_asks_for() -> None:
    assert asked("auto") == ["ReqSettlementInfoConfirm"]
    assert asked("ask") == ["ReqQrySettlementInfoConfirm"]
    assert asked("never") == []


@pytest.mark.parametrize("date", ["", "20260303"])
def test_orders_wait_for_a_client_who_confirms(date: str) -> None:
    made = Settlement(CATALOGUE, "ask")
    made.logged_in(login())
    made.row(row(date))
    with pytest.raises(Refused, match=r"42 CTP:结算结果未确认: ReqQrySettlementInfo gives"):
        made.check()
    made.confirm()
    made.check()
    made.logged_in(login())
    made.check()
    made.logged_in(login("20260305"))
    with pytest.raises(Refused):
        made.check()


def test_what_was_confirmed_today_elsewhere_counts() -> None:
    made = Settlement(CATALOGUE, "ask")
    made.logged_in(login())
    made.row(row("20260303"))
    made.row(row(DAY))
    made.check()


@pytest.mark.parametrize("policy", ["auto", "never"])
def test_otherwise_nothing_waits_here(policy: str) -> None:
    made = Settlement(CATALOGUE, "auto" if policy == "auto" else "never")
    made.logged_in(login())
    made.check()
