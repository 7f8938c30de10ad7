"""order_xtp_id: the same number for an order by whatever name it comes."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.xtp import order_ids
from schemas.xtp.order_ids import OrderIds, order_xtp_id

OF = ("20261120", "9999", "100001")
GOLDEN = 7003722542515772


def ids() -> OrderIds:
    return OrderIds(*OF)


def fields(ref: str = "1", session: int = -7, sys: str = "", local: str = "") -> dict[str, Any]:
    return {
        "FrontID": 1,
        "SessionID": session,
        "OrderRef": ref,
        "ExchangeID": "SHFE",
        "InstrumentID": "rb2701",
        "TraderID": "T1" if local else "",
        "OrderLocalID": local,
        "OrderSysID": sys,
        "RelativeOrderSysID": "",
    }


def test_the_number_is_53_bits_of_a_hash_of_the_names() -> None:
    text = b"20261120|9999|100001|1|-7|12"
    digest = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
    assert order_xtp_id(*OF, 1, -7, "          12") == digest >> 11
    # Written down, because clients keep these numbers over an update of the gateway.
    assert order_xtp_id(*OF, 1, -7, "12") == GOLDEN
    assert order_xtp_id(*OF, 1, -7, "12", 1) != GOLDEN


@given(
    st.text(max_size=8),
    st.text(max_size=10),
    st.text(max_size=12),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.text(max_size=12),
)
def test_a_double_holds_every_number(
    day: str, broker: str, investor: str, front: int, session: int, ref: str
) -> None:
    number = order_xtp_id(day, broker, investor, front, session, ref)
    assert 0 < number < 2**53
    assert int(float(number)) == number


def test_an_order_keeps_its_number_from_sending_to_its_end() -> None:
    book = ids()
    sent = book.place(1, -7, "1", "SHFE", "rb2701")
    number = sent.order_xtp_id
    for told in (fields(), fields(local="  5"), fields(local="  5", sys="   99")):
        assert book.learn(told).order_xtp_id == number
    assert (sent.order_sys_id, sent.order_local_id, sent.trader_id) == ("   99", "  5", "T1")
    trade = {"ExchangeID": "SHFE", "OrderSysID": "99", "TraderID": "T1", "OrderLocalID": "5"}
    assert book.of_trade(trade) is book.get(number) is book.of_triple(1, -7, " 1") is sent
    assert len(book) == 1


def test_a_counter_that_renames_its_orders_makes_no_new_ones() -> None:
    """After a flow-clearing restart the triple is another one."""
    book = ids()
    first = book.learn(fields("1", -7, sys="99", local="5"))
    assert book.learn(fields("800", 3, sys="99", local="5")) is first
    assert book.learn(fields("801", 3, local="5")) is first
    assert book.learn(fields("802", 3)) is not first


def test_another_order_with_the_same_triple_is_another_order() -> None:
    book = ids()
    first = book.learn(fields("1", sys="99", local="5"))
    others = [
        book.learn(fields("1", sys="100", local="7")),
        book.learn(fields("1", local="6")),
        book.learn(fields("1") | {"InstrumentID": "au2612"}),
    ]
    numbers = {each.order_xtp_id for each in (first, *others)}
    assert len(numbers) == 4
    assert book.learn(fields("1", sys="99")) is first


def test_a_conditional_order_stays_itself_when_its_condition_comes_true() -> None:
    book = ids()
    waiting = book.learn(fields("1", sys="TJBD_1"))
    triggered = fields("1", sys="99", local="5") | {"RelativeOrderSysID": "TJBD_1"}
    assert book.learn(triggered) is waiting
    assert book.learn(fields("1", sys="99")) is waiting
    assert waiting.order_sys_id == "99"


def test_the_same_numbers_come_of_the_same_returns() -> None:
    told = [fields(str(n), -7, sys=f"{n:>12}", local=f"{n:>6}") for n in range(200)]
    one, other = ids(), ids()
    numbers = [one.learn(each).order_xtp_id for each in told]
    assert [other.learn(each).order_xtp_id for each in reversed(told)] == numbers[::-1]
    assert len(set(numbers)) == 200


def test_exchanges_number_for_themselves() -> None:
    book = ids()
    one = book.learn(fields("1", sys="99"))
    other = book.learn(fields("2", sys="99") | {"ExchangeID": "DCE"})
    assert one is not other


def test_a_trade_that_comes_first_has_no_number_yet() -> None:
    trade = {"ExchangeID": "SHFE", "OrderSysID": "99", "TraderID": "", "OrderLocalID": ""}
    book = ids()
    book.learn(fields())
    assert book.of_trade(trade) is None
    assert book.of_trade(trade | {"OrderSysID": ""}) is None


def test_two_orders_never_share_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def poor(*name: Any) -> int:
        attempt = name[-1]
        tried.append(attempt)
        return 5 + int(attempt)

    monkeypatch.setattr(order_ids, "order_xtp_id", poor)
    book = ids()
    assert [book.learn(fields(str(n))).order_xtp_id for n in range(3)] == [5, 6, 7]
    assert tried == [0, 0, 1, 0, 1, 2]
    assert book.learn(fields("1")).order_xtp_id == 6


def test_nothing_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    class Zero:
        def __init__(self, *_: object, **__: object) -> None: ...

        def digest(self) -> bytes:
            return bytes(8)

    monkeypatch.setattr(hashlib, "blake2b", Zero)
    assert order_xtp_id(*OF, 1, 1, "1") == 1
