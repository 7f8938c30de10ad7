"""Sessions, logins, streams, queries and the answer to everything else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.exchange.counter import Counter, Settings
from sim.exchange.events import Event
from sim.exchange.intake import client_id
from sim.exchange.products import EXCHANGES
from sim.exchange.queries import QUERIES
from sim.exchange.settings import UserSettings
from sim.exchange.values import Fields, Value, text
from tests.unit.sim.trader import NOW_NS, SETTINGS, exchange, input_order, log_in

DAY_NS = 24 * 3600 * 10**9
LOGIN: Fields = {"BrokerID": "9999", "UserID": "100001", "Password": "123456"}


def one(counter: Counter, session: int, method: str, fields: Fields, now_ns: int = NOW_NS) -> Event:
    (event,) = counter.request(session, method, fields, 4, now_ns)
    assert event.session == session and event.request_id == 4 and event.last
    return event


@pytest.mark.parametrize(
    "changes",
    [{"BrokerID": "1"}, {"UserID": "nobody"}, {"Password": "x"}, {"Password": None}],
)
def test_a_wrong_login_is_error_3(changes: dict[str, Value]) -> None:
    counter = exchange()
    event = one(counter, counter.connect(NOW_NS), "ReqUserLogin", {**LOGIN, **changes})
    assert (event.callback, event.error_id) == ("OnRspUserLogin", 3)
    assert event.error_msg == "CTP:不合法的登录"


def test_a_login_tells_session_and_times() -> None:
    counter = exchange()
    first, second = (
        one(counter, counter.connect(NOW_NS), "ReqUserLogin", LOGIN).field for _ in range(2)
    )
    assert first is not None and second is not None
    assert first["TradingDay"] == "20260105" and first["LoginTime"] == "10:00:00"
    assert first["SessionID"] != second["SessionID"]
    assert first["FrontID"] == 1 and first["MaxOrderRef"] == "1"


def test_a_second_login_on_a_session_is_not_answered() -> None:
    trader = log_in(exchange())
    assert trader.ask("ReqUserLogin", **LOGIN) == []


def test_authentication_is_asked_for_when_there_are_codes() -> None:
    counter = exchange(auth_codes={"app": "code"})
    session = counter.connect(NOW_NS)
    assert one(counter, session, "ReqUserLogin", LOGIN).error_id == 63
    wrong: Fields = {"AppID": "app", "AuthCode": "other"}
    assert one(counter, session, "ReqAuthenticate", wrong).error_id == 63
    right: Fields = {"AppID": "app", "AuthCode": "code"}
    assert one(counter, session, "ReqAuthenticate", right).error_id == 0
    assert one(counter, session, "ReqUserLogin", LOGIN).error_id == 0


def test_many_wrong_passwords_lock_the_user_for_a_while() -> None:
    counter = exchange(lock_after_failures=3, lock_s=60.0)
    session = counter.connect(NOW_NS)
    wrong: Fields = {**LOGIN, "Password": "x"}
    assert [one(counter, session, "ReqUserLogin", wrong).error_id for _ in range(3)] == [3, 3, 3]
    assert one(counter, session, "ReqUserLogin", LOGIN).error_id == 75
    assert one(counter, session, "ReqUserLogin", LOGIN, NOW_NS + 61 * 10**9).error_id == 0


def test_sessions_of_a_user_are_limited() -> None:
    counter = Counter(Settings(users=(UserSettings("100001", max_sessions=1),)), NOW_NS)
    first, second = counter.connect(NOW_NS), counter.connect(NOW_NS)
    assert one(counter, first, "ReqUserLogin", LOGIN).error_id == 0
    assert one(counter, second, "ReqUserLogin", LOGIN).error_id == 60
    counter.disconnect(first)
    assert one(counter, second, "ReqUserLogin", LOGIN).error_id == 0


@pytest.mark.parametrize("error_id", [131, 140, 141])
def test_a_password_that_must_be_changed_is_changed_in_the_same_session(error_id: int) -> None:
    user = UserSettings("100001", password_error=error_id)
    counter = Counter(Settings(users=(user,)), NOW_NS)
    session = counter.connect(NOW_NS)
    update: Fields = {"UserID": "100001", "OldPassword": "123456", "NewPassword": "better"}
    assert one(counter, session, "ReqUserPasswordUpdate", update).error_id == 6
    assert one(counter, session, "ReqUserLogin", LOGIN).error_id == error_id
    for changes, refusal in (
        ({"OldPassword": "x"}, 14),
        ({"NewPassword": "123456"}, 142),
        ({"UserID": "100002"}, 10),
    ):
        fields: Fields = {**update, **changes}
        assert one(counter, session, "ReqUserPasswordUpdate", fields).error_id == refusal
    assert one(counter, session, "ReqUserPasswordUpdate", update).error_id == 0
    assert one(counter, session, "ReqUserLogin", LOGIN).error_id == 3
    assert one(counter, session, "ReqUserLogin", {**LOGIN, "Password": "better"}).error_id == 0


def test_orders_wait_for_the_settlement_to_be_confirmed() -> None:
    counter = exchange(confirm_settlement=True)
    trader = log_in(counter)
    assert trader.refusal("cu2603", 73000)[0] == 42
    assert trader.rows("ReqQrySettlementInfoConfirm") == []
    assert trader.ask("ReqSettlementInfoConfirm")[0].error_id == 0
    (row,) = trader.rows("ReqQrySettlementInfoConfirm")
    assert (row["ConfirmDate"], row["ConfirmTime"]) == ("20260105", "10:00:00")
    assert trader.order("cu2603", 73000)["OrderStatus"] == "3"
    counter.advance(NOW_NS + DAY_NS)
    trader = log_in(counter, now_ns=NOW_NS + DAY_NS)
    assert trader.refusal("cu2603", 73000)[0] == 42


@pytest.mark.parametrize("method", ["ReqQryOrder", "ReqOrderInsert", "ReqUserLogout", "ReqX"])
def test_before_the_login_there_is_error_6(method: str) -> None:
    counter = exchange()
    assert one(counter, counter.connect(NOW_NS), method, {}).error_id == 6


@pytest.mark.parametrize(
    "method",
    [
        "ReqParkedOrderInsert",
        "ReqQuoteInsert",
        "ReqExecOrderInsert",
        "ReqCombActionInsert",
        "ReqFromBankToFutureByFuture",
        "ReqQueryCFMMCTradingAccountToken",
        "ReqGenUserCaptcha",
    ],
)
def test_an_action_that_is_not_modelled_is_refused(method: str) -> None:
    (event,) = log_in(exchange()).ask(method)
    assert event.callback == method.replace("Req", "OnRsp", 1)
    assert (event.error_id, event.error_msg) == (27, "CTP:不支持的功能")


@pytest.mark.parametrize("method", ["ReqQryNotice", "ReqQryQuote", "ReqQryTransferSerial"])
def test_a_query_that_is_not_modelled_is_empty(method: str) -> None:
    (event,) = log_in(exchange()).ask(method)
    assert (event.field, event.error_id, event.last) == (None, None, True)


@pytest.mark.parametrize("method", sorted(QUERIES))
def test_every_query_ends_with_its_last_row(method: str) -> None:
    trader = log_in(exchange())
    trader.order("cu2603", 79900, 2)
    events = trader.ask(method, InstrumentID="cu2603")
    assert [event.last for event in events] == [False] * (len(events) - 1) + [True]
    assert {event.callback for event in events} == {method.replace("Req", "OnRsp", 1)}
    assert {event.request_id for event in events} == {trader.requests}


@pytest.mark.parametrize(
    ("method", "filters", "count"),
    [
        ("ReqQryExchange", {}, len(EXCHANGES)),
        ("ReqQryExchange", {"ExchangeID": "SHFE"}, 1),
        ("ReqQryInstrument", {"InstrumentID": "cu2603"}, 1),
        ("ReqQryInstrument", {"InstrumentID": "cu2603", "ExchangeID": "DCE"}, 0),
        ("ReqQryInstrument", {"ProductID": "cu"}, 8),
        ("ReqQryInstrument", {"ProductID": "none"}, 0),
        ("ReqQryProduct", {"ProductID": "cu"}, 1),
        ("ReqQryProduct", {"ProductClass": "6"}, 3),
        ("ReqQryDepthMarketData", {"InstrumentID": "600000"}, 1),
        ("ReqQryTradingCode", {"ExchangeID": "SSE"}, 1),
        ("ReqQryTradingAccount", {}, 1),
        ("ReqQryTradingAccount", {"CurrencyID": "USD"}, 0),
        ("ReqQryInstrumentMarginRate", {}, 0),
        ("ReqQryInstrumentMarginRate", {"InstrumentID": "cu2603"}, 1),
        ("ReqQryInstrumentCommissionRate", {"InstrumentID": "cu2603"}, 1),
        ("ReqQryInvestor", {}, 1),
        ("ReqQrySettlementInfo", {"TradingDay": "19990101"}, 0),
        ("ReqQryUserSession", {}, 1),
    ],
)
def test_queries_apply_their_filters(method: str, filters: dict[str, Value], count: int) -> None:
    assert len(log_in(exchange()).rows(method, **filters)) == count


@pytest.mark.parametrize(
    "fields", [{"InvestorID": "100002"}, {"BrokerID": "1"}, {"AccountID": "100002"}]
)
def test_nobody_sees_the_account_of_another(fields: dict[str, Value]) -> None:
    (event,) = log_in(exchange()).ask("ReqQryTradingAccount", **fields)
    assert (event.error_id, event.field) == (9, None)


def test_every_exchange_of_an_instrument_is_listed() -> None:
    trader = log_in(exchange())
    listed = {row["ExchangeID"] for row in trader.rows("ReqQryExchange")}
    assert {row["ExchangeID"] for row in trader.rows("ReqQryInstrument")} == listed


def test_max_order_volume_can_be_ordered_and_one_more_cannot() -> None:
    trader = log_in(exchange())
    quote = trader.quote("cu2603")
    wanted: Fields = {"InstrumentID": "cu2603", "Direction": "0", "OffsetFlag": "0"}
    (row,) = trader.rows("ReqQryMaxOrderVolume", **wanted)
    volume = int(row["MaxVolume"] or 0)
    price = quote.instrument.price(quote.last)
    assert 0 < volume < 500
    assert trader.refusal("cu2603", price, volume + 1)[0] == 31
    assert trader.order("cu2603", price, volume)["OrderStatus"] != "5"


def test_order_memo_and_request_id_come_back() -> None:
    order = log_in(exchange()).order("cu2603", 73000, OrderMemo="memo 1")
    assert (order["OrderMemo"], order["RequestID"]) == ("memo 1", 1)
    assert order["ClientID"] == client_id("100001")


def test_exchange_numbers_are_padded_and_counted_by_exchange() -> None:
    trader = log_in(exchange())
    ids = [
        text(trader.order(code, price), "OrderSysID")
        for code, price in (("cu2603", 73000), ("cu2604", 73000), ("m2605", 2900))
    ]
    assert {len(sys_id) for sys_id in ids} == {12}
    assert ids[0] == ids[2] and int(ids[1]) == int(ids[0]) + 1


def test_a_later_start_on_the_same_day_gives_no_number_twice() -> None:
    early = log_in(exchange()).order("cu2603", 73000)
    later = Counter(SETTINGS, NOW_NS + 10 * 10**9)
    late = log_in(later).order("cu2603", 73000)
    assert int(text(late, "OrderSysID")) > int(text(early, "OrderSysID"))


def test_the_private_stream_replays_from_any_point() -> None:
    counter = exchange()
    trader = log_in(counter)
    told = []
    for volume in (1, 2, 3):
        told += [e for e in trader.events("cu2603", 79900, volume) if e.session is None]
    trader.refusal("cu2603", 73000, 0)
    stream = counter.private_stream("100001", 0)
    assert stream[: len(told)] == told
    assert stream[-1].callback == "OnErrRtnOrderInsert"
    for seq in range(len(stream) + 1):
        assert counter.private_stream("100001", seq) == stream[seq:]
    assert counter.last_seq("100001") == len(stream)
    assert counter.private_stream("100001", len(stream) + 5) == []
    assert counter.private_stream("100002", 0) == []


def test_the_public_stream_tells_the_phase_of_each_product() -> None:
    counter = exchange()
    stream = counter.private_stream(None, 0)
    phases = {
        event.field["InstrumentID"]: event.field["InstrumentStatus"]
        for event in stream
        if event.field
    }
    assert {event.callback for event in stream} == {"OnRtnInstrumentStatus"}
    assert phases["cu"] == phases["SSEA"] == "2"
    assert len(phases) == len(log_in(counter).rows("ReqQryProduct"))


def test_by_exchange_hours_phases_change_and_are_told() -> None:
    counter = Counter(Settings(hours="exchange"), NOW_NS)
    _, events = counter.advance(NOW_NS + 15 * 60 * 10**9)
    assert {e.field["InstrumentStatus"] for e in events if e.field} == {"1"}
    assert "cu" in {e.field["InstrumentID"] for e in events if e.field}


def test_a_request_for_a_quote_is_told_to_everybody() -> None:
    trader = log_in(exchange())
    answer, told = trader.ask("ReqForQuoteInsert", InstrumentID="m2603-C-3000")
    assert (answer.callback, answer.error_id) == ("OnRspForQuoteInsert", 0)
    assert (told.callback, told.session, told.user) == ("OnRtnForQuoteRsp", None, None)


def test_a_flow_reset_keeps_what_the_exchanges_know() -> None:
    counter = exchange()
    trader = log_in(counter)
    order = trader.order("cu2603", 73000, OrderRef="77")
    trader.order("cu2603", 79900, 1)
    counter.flow_reset()
    assert counter.user_of(trader.session) == ""
    trader = log_in(counter)
    orders = trader.rows("ReqQryOrder")
    assert orders[0]["OrderSysID"] == order["OrderSysID"]
    assert orders[0]["SessionID"] != order["SessionID"] and orders[0]["RequestID"] == 0
    callbacks = [event.callback for event in counter.private_stream("100001", 0)]
    assert callbacks == ["OnRtnOrder", "OnRtnOrder", "OnRtnTrade"]
    assert trader.cancel(order)[0].callback == "OnRtnOrder"


def test_the_day_ends_sessions_streams_and_orders() -> None:
    counter = exchange()
    trader = log_in(counter)
    trader.order("cu2603", 73000)
    counter.advance(NOW_NS + DAY_NS)
    assert counter.trading_day == "20260106"
    assert counter.user_of(trader.session) == ""
    assert counter.private_stream("100001", 0) == []
    account = log_in(counter, now_ns=NOW_NS + DAY_NS).account()
    assert account["FrozenMargin"] == 0.0 and account["Balance"] == 20_000_000.0


values = st.one_of(
    st.none(), st.integers(-(2**31), 2**31 - 1), st.floats(), st.text(max_size=13), st.just("1")
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(input_order("", "", 0.0, 0))), values, max_size=6))
def test_no_order_raises(changes: dict[str, Value]) -> None:
    trader = SHARED
    fields = {**input_order("100001", "cu2603", 79300.0, 1), **changes}
    events = trader.ask("ReqOrderInsert", **fields)
    assert events and all(isinstance(event, Event) for event in events)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([*sorted(QUERIES), "ReqOrderAction", "ReqUserPasswordUpdate", "ReqQryAny"]),
    st.dictionaries(
        st.sampled_from(["InstrumentID", "ExchangeID", "OrderSysID", "FrontID", "HedgeFlag"]),
        values,
    ),
)
def test_no_other_request_raises(method: str, fields: dict[str, Value]) -> None:
    assert SHARED.ask(method, **fields)


SHARED = log_in(exchange())
