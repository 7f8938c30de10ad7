"""Field dicts to structs and back."""

from __future__ import annotations

import pytest

from schemas import catalogue
from sim.exchange.events import Event
from sim.exchange.values import Fields
from sim.service.packing import Packer


@pytest.fixture(scope="module")
def packer() -> Packer:
    return Packer(catalogue.load())


def test_an_event_becomes_structs(packer: Packer) -> None:
    event = Event(1, None, "OnRspQryOrder", {"OrderRef": "7"}, 9, "CTP:无此权限", 5, False)
    message = packer.event("td", event)
    assert message
    assert message.field is not None
    assert message.info is not None
    assert packer.catalogue.codec("Order").get(message.field, "OrderRef") == "7"
    assert packer.catalogue.codec("RspInfo").get(message.info, "ErrorMsg") == "CTP:无此权限"
    assert (message.request_id, message.last) == (5, False)


def test_no_error_number_is_no_info_and_no_field_is_null(packer: Packer) -> None:
    message = packer.event("td", Event(1, None, "OnRspQryOrder", None))
    assert message
    assert message.field is message.info is None


def test_the_private_stream_is_numbered_and_the_public_one_is_not(packer: Packer) -> None:
    order = packer.event("td", Event(None, "1", "OnRtnOrder", {}, seq=3))
    status = packer.event("td", Event(None, None, "OnRtnInstrumentStatus", {}, seq=3))
    assert order
    assert status
    assert (order.sequence, status.sequence) == (3, 0)


def test_a_callback_that_this_version_does_not_have_is_left_out(packer: Packer) -> None:
    assert packer.event("td", Event(None, None, "OnRtnFuture", {})) is None


def test_a_text_that_is_too_long_is_cut_between_characters(packer: Packer) -> None:
    raw = packer.struct("Investor", {"OpenDate": "一二三四五", "InvestorID": "x"})
    assert packer.catalogue.codec("Investor").get(raw, "OpenDate") == "一二三四"
    assert packer.catalogue.codec("Investor").get(raw, "InvestorID") == "x"


def test_a_wrong_char_is_left_empty(packer: Packer) -> None:
    raw = packer.struct("Order", {"OrderStatus": "ab"})
    assert packer.catalogue.codec("Order").get(raw, "OrderStatus") == ""


def test_no_value_reaches_every_double_and_nothing_else(packer: Packer) -> None:
    fields: Fields = {"InstrumentID": "rb2610", "Volume": 3, "LastPrice": 1.0, "Turnover": 2.0}
    message = packer.event("md", Event(None, None, "OnRtnDepthMarketData", fields))
    assert message
    emptied = packer.without_values("md", message)
    assert emptied.field
    values = packer.catalogue.codec("DepthMarketData").unpack(emptied.field)
    assert (values["InstrumentID"], values["Volume"]) == ("rb2610", 3)
    doubles = [f.name for f in packer.catalogue.layouts["DepthMarketData"].fields if f.kind == "d"]
    assert all(values[name] is None for name in doubles)


@pytest.mark.parametrize(
    ("name", "body"), [("ReqNothing", b""), ("ReqQryOrder", b"short"), ("ReqQryOrder", b"")]
)
def test_a_request_of_another_form_does_not_fit(packer: Packer, name: str, body: bytes) -> None:
    assert not packer.fits("td", name, body)


def test_a_request_is_read_as_it_was_packed(packer: Packer) -> None:
    body = packer.struct("QryOrder", {"InstrumentID": "rb2610"})
    assert packer.fits("td", "ReqQryOrder", body)
    assert packer.request("td", "ReqQryOrder", body)["InstrumentID"] == "rb2610"
