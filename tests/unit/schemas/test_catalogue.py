"""The catalogue against the binding as Python sees it, and against what a workers' author needs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bus.frames import message_type
from schemas import binding as bindings
from schemas.api import ApiError, read
from schemas.binding import Binding, BindingError
from schemas.catalogue import Catalogue, Side
from schemas.layout import struct_classes

SIDES: list[Side] = ["md", "td"]
COUNTS = {  # requests and callbacks of both APIs, structs
    0x6313: (3, 13, 82, 125, 359),
    0x6609: (3, 13, 95, 138, 405),
    0x6702: (3, 13, 111, 154, 466),
    0x670B: (3, 13, 118, 164, 502),
}
OWN_MESSAGES = ["State", "Stat", "Heartbeat", "Error", "Session", "SessionLost", "Snapshot"]
OWN_MESSAGES += ["Probe", "Sent", "Mark", "Detach", "Beat", "Message", "Since"]


def api_classes(binding: Binding, side: Side) -> tuple[Any, Any]:
    """The API class and the callback class."""
    if side == "md":
        return binding.mdapi.CThostFtdcMdApi, binding.mdapi.CThostFtdcMdSpi
    return binding.tdapi.CThostFtdcTraderApi, binding.tdapi.CThostFtdcTraderSpi


@pytest.mark.parametrize("side", SIDES)
def test_every_request_and_callback_of_the_classes_is_there(
    binding: Binding, catalogue: Catalogue, side: Side
) -> None:
    api, spi = api_classes(binding, side)
    requests = {name for name in dir(api) if name.startswith("Req")}
    callbacks = {name for name in dir(spi) if name.startswith("On")}
    assert set(catalogue.api(side).requests) == requests
    assert set(catalogue.api(side).callbacks) == callbacks


def test_every_struct_of_the_modules_is_there(binding: Binding, catalogue: Catalogue) -> None:
    md, td = struct_classes(binding.mdapi), struct_classes(binding.tdapi)
    assert set(catalogue.layouts) == set(md) | set(td)


def test_the_counts_are_those_of_the_vendors_headers(catalogue: Catalogue) -> None:
    counts = (
        len(catalogue.md.requests),
        len(catalogue.md.callbacks),
        len(catalogue.td.requests),
        len(catalogue.td.callbacks),
        len(catalogue.layouts),
    )
    assert counts == COUNTS.get(catalogue.layout_id, counts)


@pytest.mark.parametrize("side", SIDES)
def test_the_tables_keep_the_order_of_the_classes(
    binding: Binding, catalogue: Catalogue, side: Side
) -> None:
    """The order of the callbacks is that of the C++ virtual table."""
    api, spi = api_classes(binding, side)
    assert list(catalogue.api(side).callbacks) == [n for n in vars(spi) if n.startswith("On")]
    assert list(catalogue.api(side).requests) == [n for n in vars(api) if n.startswith("Req")]
    first = ["OnFrontConnected", "OnFrontDisconnected", "OnHeartBeatWarning"]
    assert list(catalogue.api(side).callbacks)[:3] == first


@pytest.mark.parametrize("side", SIDES)
def test_every_method_takes_what_the_catalogue_says(
    binding: Binding, catalogue: Catalogue, side: Side
) -> None:
    """SWIG's methods have no signature: they are called, with one argument too many as well."""
    api, spi = api_classes(binding, side)
    receiver = spi()
    for name, callback in catalogue.api(side).callbacks.items():
        arguments = [
            *([None] if callback.struct else []),
            *([None] if callback.has_info else []),
            *([0, True] if callback.has_id else []),
            *([0] if callback.number else []),
        ]
        assert getattr(receiver, name)(*arguments) is None
        with pytest.raises(TypeError):
            getattr(receiver, name)(*arguments, 0)
        assert callback.struct is None or callback.struct in catalogue.layouts
    for name, request in catalogue.api(side).requests.items():
        with pytest.raises(TypeError, match="argument 1 of type"):  # so their number is right
            getattr(api, name)(object(), None, 0)
        assert request.struct in catalogue.layouts


@pytest.mark.parametrize("side", SIDES)
def test_every_request_has_a_reply_of_its_own_but_three_logins(
    catalogue: Catalogue, side: Side
) -> None:
    api = catalogue.api(side)
    others = {
        name: request.reply
        for name, request in api.requests.items()
        if request.reply != "OnRsp" + name.removeprefix("Req")
    }
    logins = ["ReqUserLoginWithCaptcha", "ReqUserLoginWithText", "ReqUserLoginWithOTP"]
    assert others == {name: "OnRspUserLogin" for name in logins if name in api.requests}
    for name, request in api.requests.items():
        assert api.callbacks[request.reply].has_id, name
        assert api.callbacks[request.reply].has_info, name


def test_queries_are_told_from_actions(catalogue: Catalogue) -> None:
    requests = catalogue.td.requests
    assert requests["ReqQryOrder"].is_query
    assert not requests["ReqOrderInsert"].is_query
    assert not requests["ReqQueryBankAccountMoneyByFuture"].is_query
    assert requests["ReqQueryBankAccountMoneyByFuture"].only_asks
    assert not requests["ReqOrderInsert"].only_asks


def test_no_two_message_types_of_the_bus_collide(catalogue: Catalogue) -> None:
    names = {*catalogue.md.callbacks, *catalogue.td.callbacks, *OWN_MESSAGES}
    assert len({message_type(name) for name in names}) == len(names)


def test_the_layout_id_names_the_version(catalogue: Catalogue) -> None:
    assert msgspec.structs.replace(catalogue, version="6.7.11.0").layout_id == 0x670B
    assert msgspec.structs.replace(catalogue, version="6.3.19.8").layout_id == 0x6313


def test_there_is_no_codec_for_what_the_api_does_not_have(catalogue: Catalogue) -> None:
    with pytest.raises(KeyError):
        catalogue.codec("NoSuchStruct")
    with pytest.raises(KeyError):
        catalogue.reply_codec("td", "OnNoSuchCallback")
    with pytest.raises(KeyError, match="OnFrontConnected carries no struct"):
        catalogue.reply_codec("td", "OnFrontConnected")


def test_a_codec_is_compiled_once(catalogue: Catalogue) -> None:
    assert catalogue.codec("Order") is catalogue.codec("Order")
    order = catalogue.reply_codec("td", "OnRtnOrder")
    assert catalogue.reply_codec("td", "OnRspQryOrder") is order
    trade = catalogue.reply_codec("td", "OnRtnTrade")
    assert catalogue.reply_codec("td", "OnRspQryTrade") is not trade


@pytest.mark.parametrize("name", ["no_such_binding", "no_such.binding", "", "msgspec"])
def test_a_binding_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BindingError):
        bindings.find(name)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", "does not define Api and Spi"),
        ("class Api: pass", "does not define Api and Spi"),
        (
            "class Api:\n def ReqX(self, p: 'CThostFtdcXField', nRequestID: 'int'): ...\n"
            "class Spi: pass",
            "no callback answers ReqX",
        ),
        (
            "class Api:\n def ReqX(self, nRequestID: 'int'): ...\nclass Spi: pass",
            "not one struct and a request id",
        ),
        (
            "class Api: pass\nclass Spi:\n def OnX(self, a: 'CThostFtdcXField', b: 'double'): ...",
            "which is no form that is known",
        ),
    ],
)
def test_a_source_of_another_form_is_refused(tmp_path: Any, source: str, problem: str) -> None:
    path = tmp_path / "api.py"
    path.write_text(source)
    with pytest.raises(ApiError, match=problem):
        read(path, "Api", "Spi")
