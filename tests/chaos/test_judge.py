"""The verdict finds each kind of wrong, and nothing wrong where all is right."""

from __future__ import annotations

from typing import Any

import pytest

from bus.orders import OrderState, Outcome

from .diary import Entry, Intent, NoRecord, Refused, Saw, Told, Tried, Wanted, Wrong
from .judge import Evidence, judge

USER, ID, MARK = "100001", "bus-1", "100001.bus-1"
ORDER = Intent(
    instrument="rb2610", exchange="SHFE", direction="0", offset="0", price=3000.0, volume=2
)
SECOND = 10**9


def accepted(**other: Any) -> dict[str, Any]:
    entry = {
        "kind": "AcceptedOrder",
        "now_ns": SECOND,
        "exchange": "SHFE",
        "order_sys_id": "  17",
        "user": USER,
        "order_memo": "m1",
        "business_unit": MARK,
        "instrument": "rb2610",
        "direction": "0",
        "offset": "0",
        "price": 3000.0,
        "volume": 2,
    }
    return entry | other


def traded(volume: int = 2) -> dict[str, Any]:
    return {
        "kind": "ExecutedTrade",
        "exchange": "SHFE",
        "order_sys_id": "  17",
        "volume": volume,
    }


ENDED = {"kind": "EndedOrder", "exchange": "SHFE", "order_sys_id": "  17"}
REFUSED = {
    "kind": "RefusedOrder",
    "now_ns": SECOND,
    "user": USER,
    "session_id": 7,
    "order_memo": "m1",
    "business_unit": MARK,
    "error_id": 31,
}

STRANGER = REFUSED | {"session_id": 0, "error_id": 6}


def told(state: str, **other: Any) -> Told:
    return Told(**{"id": ID, "number": 1, "at_ns": 5, "state": state, **other})


def outcome(state: OrderState, traded: int = 0) -> Outcome:
    return Outcome(
        order_id="1",
        client_order_id=ID,
        state=state,
        exchange_id="SHFE",
        order_sys_id="  17",
        volume_traded=traded,
    )


FILLED = outcome(OrderState.FILLED, 2)
NOTHING = Outcome(order_id="1", state=OrderState.NOT_SENT)


def kinds(
    ledger: list[dict[str, Any]],
    entries: list[Entry],
    end: Outcome | None,
    *,
    memos: dict[str, str] | None = None,
    deaths_ns: tuple[int, ...] = (),
) -> set[str]:
    diary = [Wanted(ID, ORDER), Tried(ID, 1, SECOND), *entries]
    stores = {USER: {"m1": MARK} if memos is None else memos}
    evidence = Evidence(ledger, {(USER, "bus"): diary}, {MARK: end}, stores, deaths_ns)
    return {fault.kind for fault in judge(evidence).faults}


@pytest.mark.parametrize(
    ("ledger", "entries", "end"),
    [
        ([accepted(), traded()], [told("SENT"), told("FILLED", volume_traded=2)], FILLED),
        ([accepted(), traded(1)], [told("ACK")], outcome(OrderState.ACK, 1)),
        ([accepted(), ENDED], [told("CANCELLED")], outcome(OrderState.CANCELLED)),
        ([REFUSED], [told("ACK"), told("REJECTED")], outcome(OrderState.REJECTED)),
        ([STRANGER], [told("NOT_SENT")], NOTHING),
        ([STRANGER], [told("REJECTED")], outcome(OrderState.REJECTED)),
        ([], [Refused(ID, 1, 5, -1, "expired")], None),
        ([], [told("UNKNOWN"), told("NOT_SENT")], NOTHING),
        ([accepted(), traded()], [NoRecord(ID, 5)], FILLED),
    ],
)
def test_what_is_right_passes(
    ledger: list[dict[str, Any]], entries: list[Entry], end: Outcome | None
) -> None:
    assert kinds(ledger, entries, end) == set()


@pytest.mark.parametrize(
    ("kind", "ledger", "entries", "end"),
    [
        ("sent twice", [accepted(), accepted(), traded()], [], FILLED),
        ("sent twice", [accepted(), traded(), REFUSED], [], FILLED),
        ("without an intent", [accepted(order_memo="m2"), traded()], [], FILLED),
        ("without an intent", [accepted(), traded()], [], None),
        ("without an intent", [accepted(business_unit="100001.bus-2")], [], None),
        ("shown to others", [accepted(user="100002"), traded()], [], FILLED),
        ("shown to others", [], [Wrong("100002 was shown it")], None),
        ("changed on the way", [accepted(volume=20), traded()], [], FILLED),
        ("changed on the way", [accepted(price=3001.0), traded()], [], FILLED),
        ("stated wrongly", [accepted(), traded()], [Refused(ID, 1, 5, -1, "expired")], FILLED),
        ("stated wrongly", [accepted(), traded()], [NoRecord(ID, 2 * SECOND)], FILLED),
        ("stated wrongly", [accepted(), traded()], [told("NOT_SENT")], FILLED),
        ("stated wrongly", [accepted(), traded()], [told("REJECTED")], FILLED),
        ("stated wrongly", [REFUSED], [told("NOT_SENT")], outcome(OrderState.REJECTED)),
        ("stated wrongly", [REFUSED], [], NOTHING),
        ("stated wrongly", [STRANGER], [told("FILLED", volume_traded=2)], FILLED),
        ("sent twice", [STRANGER, accepted(), traded()], [], FILLED),
        ("stated wrongly", [], [told("ACK")], NOTHING),
        ("stated wrongly", [accepted(), traded(1)], [told("FILLED")], outcome(OrderState.ACK, 1)),
        ("stated wrongly", [accepted()], [told("CANCELLED")], outcome(OrderState.ACK)),
        ("stated wrongly", [accepted()], [told("ACK", volume_traded=1)], outcome(OrderState.ACK)),
        ("stated wrongly", [accepted(), traded()], [], outcome(OrderState.ACK, 2)),
        ("stated wrongly", [accepted(), traded()], [], outcome(OrderState.FILLED, 1)),
        ("stated wrongly", [accepted(), traded()], [], NOTHING),
        ("unresolved", [accepted(), traded()], [], outcome(OrderState.UNKNOWN)),
        ("unresolved", [], [], outcome(OrderState.INTENT)),
    ],
)
def test_what_is_wrong_is_found(
    kind: str, ledger: list[dict[str, Any]], entries: list[Entry], end: Outcome | None
) -> None:
    assert kind in kinds(ledger, entries, end)


def test_an_order_has_one_identity_for_everybody() -> None:
    saw = Saw(owner=USER, mark=MARK, session_id=8, order_ref="1", status="a0", traded=0)
    ledger = [accepted(), traded()]
    same = told("SENT", session_id=8, order_ref="1")
    other = told("SENT", session_id=9, order_ref="1")
    assert kinds(ledger, [saw, same], FILLED) == set()
    assert kinds(ledger, [saw, other], FILLED) == {"identity differs"}


def test_an_exchange_that_died_is_not_asked_in_the_end_but_an_end_stays() -> None:
    ledger, died = [accepted(), traded()], (2 * SECOND,)
    assert kinds(ledger, [told("FILLED")], FILLED, deaths_ns=died) == set()
    unknown = outcome(OrderState.UNKNOWN)
    assert kinds(ledger, [told("FILLED")], unknown, deaths_ns=died) == set()
    changed = kinds(ledger, [told("FILLED")], outcome(OrderState.CANCELLED), deaths_ns=died)
    assert changed == {"stated wrongly"}


@pytest.mark.parametrize(
    ("at_ns", "faults"), [(SECOND + 1, {"stated wrongly"}), (3 * SECOND, set())]
)
def test_what_an_exchange_had_may_be_denied_after_its_death(at_ns: int, faults: set[str]) -> None:
    absent = told("NOT_SENT", at_ns=at_ns)
    assert kinds([accepted()], [absent], NOTHING, deaths_ns=(2 * SECOND,)) == faults


def test_orders_of_another_program_are_nobodys() -> None:
    outside = accepted(business_unit=f"{USER}.outside-1", order_sys_id="18", order_memo="")
    assert kinds([outside], [], None) == set()
