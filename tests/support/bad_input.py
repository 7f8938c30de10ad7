"""Bad input and the one answer that each gets. None of it may reach a worker."""

from __future__ import annotations

import json
from typing import Any

from tests.support.edge_core import login

TD, MD = "td", "md"
IN = "ReqFromBankToFutureByFuture"
TRANSFER = {"MsgType": IN, "ReqTransfer": {}}
QUERY = {"MsgType": "ReqQryOrder", "QryOrder": {}}


def order(**fields: Any) -> dict[str, Any]:
    return {"MsgType": "ReqOrderInsert", "InputOrder": fields, "RequestID": 3}


def raw_order(text: str) -> str:
    return '{"MsgType":"ReqOrderInsert","RequestID":3,"InputOrder":{%s}}' % text  # noqa: UP031


def subscribe(names: Any) -> dict[str, Any]:
    return {"MsgType": "SubscribeMarketData", "InstrumentID": names}


# (path, message, ErrorID, MsgType of the answer, beginning of Detail)
Case = tuple[str, Any, int, str, str]
CASES: list[Case] = [
    (TD, "", -400, "", "not JSON"),
    (TD, "{", -400, "", "not JSON"),
    (TD, "hello", -400, "", "not JSON"),
    (TD, "{'MsgType':1}", -400, "", "not JSON"),
    (TD, '{"MsgType":"ReqQryOrder",}', -400, "", "not JSON"),
    (TD, '{"MsgType":"ReqQryOrder"}x', -400, "", "not JSON"),
    (TD, '{"a":"\x01"}', -400, "", "not JSON"),
    (TD, '{"a":"\\ud800"}', -400, "", "not JSON"),
    (TD, "\ufeff{}", -400, "", "not JSON"),
    (TD, "[" * 100_000, -400, "", "not JSON"),
    (TD, '{"a":' * 50_000 + "1" + "}" * 50_000, -400, "", "not JSON"),
    (TD, "9" * 100_000, -400, "", "not JSON"),
    (TD, "1e999", -400, "", "not JSON"),
    (TD, "x" * 1_000_000, -400, "", "not JSON"),
    (TD, raw_order('"LimitPrice":NaN'), -400, "", "not JSON"),
    (TD, raw_order('"LimitPrice":Infinity'), -400, "", "not JSON"),
    (TD, raw_order('"LimitPrice":-Infinity'), -400, "", "not JSON"),
    (TD, raw_order('"LimitPrice":1e400'), -400, "", "not JSON"),
    (TD, raw_order('"LimitPrice":+1'), -400, "", "not JSON"),
    (TD, b'{"MsgType":"Ping"}', -400, "", "expected a text frame"),
    (TD, b"", -400, "", "expected a text frame"),
    (TD, b"\xff\xfe", -400, "", "expected a text frame"),
    (TD, [], -400, "", "expected a JSON object"),
    (TD, [login()], -400, "", "expected a JSON object"),
    (TD, "null", -400, "", "expected a JSON object"),
    (TD, "true", -400, "", "expected a JSON object"),
    (TD, '"ReqQryOrder"', -400, "", "expected a JSON object"),
    (TD, "12", -400, "", "expected a JSON object"),
    (TD, {}, -400, "", "MsgType: expected string"),
    (TD, {"msgtype": "ReqQryOrder"}, -400, "", "MsgType: expected string"),
    (TD, {"MsgType": None}, -400, "", "MsgType: expected string"),
    (TD, {"MsgType": 7, "RequestID": 1}, -400, "", "MsgType: expected string"),
    (TD, {"MsgType": ["ReqQryOrder"]}, -400, "", "MsgType: expected string"),
    (TD, {"MsgType": ""}, -404, "", ""),
    (TD, {"MsgType": "reqqryorder"}, -404, "reqqryorder", ""),
    (TD, {"MsgType": "ReqQryNothing", "RequestID": "x"}, -404, "ReqQryNothing", ""),
    (TD, {"MsgType": '"\n期'}, -404, '"\n期', ""),
    (TD, {"MsgType": "SubscribeForQuoteRsp"}, -404, "SubscribeForQuoteRsp", ""),
    (TD, {"MsgType": "RspQryOrder"}, -404, "RspQryOrder", ""),
    (TD, {"MsgType": "ListStrategies"}, -404, "ListStrategies", ""),
    (TD, {"MsgType": "A" * 100_000}, -404, "A" * 100_000, ""),
    (TD, {**order(), "RequestID": "1"}, -400, "ReqOrderInsert", "RequestID: expected int"),
    (TD, {**order(), "RequestID": 1.5}, -400, "ReqOrderInsert", "RequestID: expected int"),
    (TD, {**order(), "RequestID": 2**31}, -400, "ReqOrderInsert", "RequestID: expected int"),
    (TD, {**order(), "RequestID": True}, -400, "ReqOrderInsert", "RequestID: expected int"),
    (TD, {**order(), "RequestID": {}}, -400, "ReqOrderInsert", "RequestID: expected int"),
    (TD, {**order(), "ClientOrderID": ""}, -400, "ReqOrderInsert", "ClientOrderID: expected 1"),
    (TD, {**order(), "ClientOrderID": "x" * 65}, -400, "ReqOrderInsert", "ClientOrderID: exp"),
    (TD, {**order(), "ClientOrderID": "期"}, -400, "ReqOrderInsert", "ClientOrderID: expected"),
    (TD, {**order(), "ClientOrderID": "a\n"}, -400, "ReqOrderInsert", "ClientOrderID: expected"),
    (TD, {**order(), "ClientOrderID": 5}, -400, "ReqOrderInsert", "ClientOrderID: expected"),
    (TD, {**TRANSFER, "ClientOrderID": "a"}, -400, IN, "ClientOrderID: only"),
    (TD, {**order(), "DeadlineMs": 0}, -400, "ReqOrderInsert", "DeadlineMs: expected int"),
    (TD, {**order(), "DeadlineMs": 600_001}, -400, "ReqOrderInsert", "DeadlineMs: expected"),
    (TD, {**order(), "DeadlineMs": 1.5}, -400, "ReqOrderInsert", "DeadlineMs: expected"),
    (TD, {**order(), "DeadlineMs": True}, -400, "ReqOrderInsert", "DeadlineMs: expected"),
    (TD, {**QUERY, "Fresh": 1}, -400, "ReqQryOrder", "Fresh: expected true or false"),
    (TD, {"MsgType": "ReqOrderInsert"}, -400, "ReqOrderInsert", "InputOrder: required"),
    (TD, {"MsgType": "ReqOrderInsert", "inputorder": {}}, -400, "ReqOrderInsert", "InputOrder: "),
    (TD, {**order(), "InputOrder": None}, -400, "ReqOrderInsert", "InputOrder: expected object"),
    (TD, {**order(), "InputOrder": []}, -400, "ReqOrderInsert", "InputOrder: expected object"),
    (TD, {**order(), "InputOrder": "x"}, -400, "ReqOrderInsert", "InputOrder: expected object"),
    (TD, order(LimitPrice="14000"), -400, "ReqOrderInsert", "InputOrder.LimitPrice: "),
    (TD, order(LimitPrice=True), -400, "ReqOrderInsert", "InputOrder.LimitPrice: "),
    (TD, order(LimitPrice=[1]), -400, "ReqOrderInsert", "InputOrder.LimitPrice: "),
    (TD, raw_order('"LimitPrice":' + "9" * 400), -400, "ReqOrderInsert", "InputOrder.LimitPrice: "),
    (TD, order(MinVolume="1"), -400, "ReqOrderInsert", "InputOrder.MinVolume: expected int"),
    (TD, order(MinVolume=1.5), -400, "ReqOrderInsert", "InputOrder.MinVolume: expected int"),
    (TD, order(MinVolume=2**31), -400, "ReqOrderInsert", "InputOrder.MinVolume: out of range"),
    (TD, order(MinVolume=-(2**31) - 1), -400, "ReqOrderInsert", "InputOrder.MinVolume: out of"),
    (TD, order(MinVolume=10**40), -400, "ReqOrderInsert", "InputOrder.MinVolume: out of range"),
    (TD, order(InstrumentID=5), -400, "ReqOrderInsert", "InputOrder.InstrumentID: "),
    (TD, order(InstrumentID={}), -400, "ReqOrderInsert", "InputOrder.InstrumentID: "),
    (TD, order(InstrumentID="x" * 81), -400, "ReqOrderInsert", "InputOrder.InstrumentID: long"),
    (TD, order(BrokerID="期" * 6), -400, "ReqOrderInsert", "InputOrder.BrokerID: longer"),
    (TD, order(InstrumentID="a\0b"), -400, "ReqOrderInsert", "InputOrder.InstrumentID: con"),
    (TD, order(Direction="01"), -400, "ReqOrderInsert", "InputOrder.Direction: "),
    (TD, order(Direction="买"), -400, "ReqOrderInsert", "InputOrder.Direction: "),
    (TD, order(Direction=0), -400, "ReqOrderInsert", "InputOrder.Direction: expected string"),
    (TD, {"MsgType": "ReqQryInstrument"}, -400, "ReqQryInstrument", "QryInstrument: required"),
    (TD, {"MsgType": "ReqUserLogin"}, -400, "ReqUserLogin", "ReqUserLogin: required"),
    (TD, {"MsgType": "ReqUserLogin", "ReqUserLogin": {"UserID": "a"}}, -400, "ReqUserLogin",
     "ReqUserLogin.Password: required"),
    (TD, {"MsgType": "ReqUserLogin", "ReqUserLogin": {"Password": "a"}}, -400, "ReqUserLogin",
     "ReqUserLogin.UserID: required"),
    (TD, login(user="u" * 16), -400, "ReqUserLogin", "ReqUserLogin.UserID: longer than 15"),
    (TD, login(password=5), -400, "ReqUserLogin", "ReqUserLogin.Password: expected string"),  # type: ignore[arg-type]
    (TD, order(), -401, "ReqOrderInsert", ""),
    (TD, {"MsgType": "ReqUserLogout", "UserLogout": {}}, -401, "ReqUserLogout", ""),
    (MD, "nonsense", -400, "", "not JSON"),
    (MD, b"{}", -400, "", "expected a text frame"),
    (MD, {"MsgType": "ReqOrderInsert", "InputOrder": {}}, -404, "ReqOrderInsert", ""),
    (MD, {"MsgType": "RegisterStrategy"}, -404, "RegisterStrategy", ""),
    (MD, {"MsgType": "UnsubscribeMarketData"}, -404, "UnsubscribeMarketData", ""),
    (MD, {"MsgType": "ReqUserLogin"}, -400, "ReqUserLogin", "ReqUserLogin: required"),
    (MD, {"MsgType": "ReqUserLogin", "ReqUserLogin": 1}, -400, "ReqUserLogin", "ReqUserLogin: "),
    (MD, {"MsgType": "SubscribeMarketData"}, -400, "SubscribeMarketData", "InstrumentID: "),
    (MD, subscribe(None), -400, "SubscribeMarketData", "InstrumentID: "),
    (MD, subscribe("rb2610"), -400, "SubscribeMarketData", "InstrumentID: expected a list"),
    (MD, subscribe([]), -400, "SubscribeMarketData", "InstrumentID: "),
    (MD, subscribe({"a": 1}), -400, "SubscribeMarketData", "InstrumentID: "),
    (MD, subscribe(["a", 5]), -400, "SubscribeMarketData", "InstrumentID[1]: expected string"),
    (MD, subscribe(["a", None]), -400, "SubscribeMarketData", "InstrumentID[1]: "),
    (MD, subscribe([["a"]]), -400, "SubscribeMarketData", "InstrumentID[0]: expected string"),
    (MD, subscribe([""]), -400, "SubscribeMarketData", "InstrumentID[0]: "),
    (MD, subscribe(["x" * 81]), -400, "SubscribeMarketData", "InstrumentID[0]: longer than 80"),
    (MD, subscribe(["a/b"]), -400, "SubscribeMarketData", "InstrumentID[0]: "),
    (MD, subscribe(["a\0"]), -400, "SubscribeMarketData", "InstrumentID[0]: "),
    (MD, subscribe(["rb2610"]), -401, "SubscribeMarketData", ""),
    (MD, {"MsgType": "QueryMarketSnapshot", "InstrumentID": 1}, -400, "QueryMarketSnapshot", "I"),
]  # fmt: skip
TEXTS = {-400: "参数有误", -401: "未登录", -404: "Not implemented"}


def given_id(message: Any) -> int | None:
    """The RequestID of a message, if it is one."""
    document = json.loads(message) if isinstance(message, str) else message
    given = document.get("RequestID") if isinstance(document, dict) else None
    return given if type(given) is int and given < 2**31 else None


def check(case: Case, heard: dict[str, Any]) -> None:
    """Whether an answer is the specified one, to the last key."""
    _, message, error_id, name, detail = case
    assert heard.pop("MsgType") == name
    assert heard.pop("RspInfo") == {"ErrorID": error_id, "ErrorMsg": TEXTS[error_id]}
    said = heard.pop("Detail", "")
    assert said.startswith(detail) if detail else not said
    assert "\n" not in said
    request_id = None if detail == "not JSON" else given_id(message)
    assert heard == ({"RequestID": request_id} if request_id else {})


def frame(message: Any) -> str | bytes:
    """A message of the table as it goes over the wire."""
    if isinstance(message, str | bytes):
        return message
    return json.dumps(message, ensure_ascii=False)
