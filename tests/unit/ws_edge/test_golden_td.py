"""Every request and reply of the original on /td/, byte for byte, written from the protocol."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.support.edge_core import CATALOGUE, Client, Core, error, info, pack, row, sent

# Key order of each reply; a number in front of a name: 0 an integer, 1 a double.
ORDERS = {
    "UserPasswordUpdate": "BrokerID UserID OldPassword NewPassword",
    "InputOrder": (
        "BrokerID InvestorID OrderRef UserID OrderPriceType Direction CombOffsetFlag CombHedgeFlag"
        " 1LimitPrice 0VolumeTotalOriginal TimeCondition GTDDate VolumeCondition 0MinVolume"
        " ContingentCondition 1StopPrice ForceCloseReason 0IsAutoSuspend BusinessUnit 0RequestID"
        " 0UserForceClose 0IsSwapOrder ExchangeID InvestUnitID AccountID CurrencyID ClientID"
        " MacAddress InstrumentID IPAddress OrderMemo 0SessionReqSeq"
    ),
    "InputOrderAction": (
        "BrokerID InvestorID 0OrderActionRef OrderRef 0RequestID 0FrontID 0SessionID ExchangeID"
        " OrderSysID ActionFlag 1LimitPrice 0VolumeChange UserID InvestUnitID MacAddress"
        " InstrumentID IPAddress OrderMemo 0SessionReqSeq"
    ),
    "OrderAction": (
        "BrokerID InvestorID 0OrderActionRef OrderRef 0RequestID 0FrontID 0SessionID ExchangeID"
        " OrderSysID ActionFlag 1LimitPrice 0VolumeChange ActionDate ActionTime TraderID 0InstallID"
        " OrderLocalID ActionLocalID ParticipantID ClientID BusinessUnit OrderActionStatus UserID"
        " StatusMsg BranchID InvestUnitID MacAddress InstrumentID IPAddress OrderMemo"
        " 0SessionReqSeq"
    ),
    "QryMaxOrderVolume": (
        "BrokerID InvestorID InstrumentID ExchangeID InvestUnitID 0MaxVolume Direction OffsetFlag"
        " HedgeFlag"
    ),
    "Order": (
        "BrokerID InvestorID OrderRef UserID OrderPriceType Direction CombOffsetFlag CombHedgeFlag"
        " 1LimitPrice 0VolumeTotalOriginal TimeCondition GTDDate VolumeCondition 0MinVolume"
        " ContingentCondition 1StopPrice ForceCloseReason 0IsAutoSuspend BusinessUnit 0RequestID"
        " OrderLocalID ExchangeID ParticipantID ClientID TraderID 0InstallID OrderSubmitStatus"
        " 0NotifySequence TradingDay 0SettlementID OrderSysID OrderSource OrderStatus OrderType"
        " 0VolumeTraded 0VolumeTotal InsertDate InsertTime ActiveTime SuspendTime UpdateTime"
        " CancelTime ActiveTraderID ClearingPartID 0SequenceNo 0FrontID 0SessionID UserProductInfo"
        " StatusMsg 0UserForceClose ActiveUserID 0BrokerOrderSeq RelativeOrderSysID"
        " 0ZCETotalTradedVolume 0IsSwapOrder BranchID InvestUnitID AccountID CurrencyID MacAddress"
        " InstrumentID ExchangeInstID IPAddress OrderMemo 0SessionReqSeq"
    ),
    "RtnTrade": (
        "BrokerID InvestorID OrderRef UserID ExchangeID TradeID Direction OrderSysID ParticipantID"
        " ClientID TradingRole OffsetFlag HedgeFlag 1Price 0Volume TradeDate TradeTime TradeType"
        " PriceSource TraderID OrderLocalID ClearingPartID BusinessUnit 0SequenceNo TradingDay"
        " 0SettlementID 0BrokerOrderSeq TradeSource InvestUnitID InstrumentID ExchangeInstID"
    ),
    "Trade": (
        "BrokerID 0BrokerOrderSeq BusinessUnit ClearingPartID ClientID Direction ExchangeID"
        " ExchangeInstID HedgeFlag InstrumentID InvestUnitID InvestorID OffsetFlag OrderLocalID"
        " OrderRef OrderSysID ParticipantID 1Price PriceSource 0SequenceNo 0SettlementID TradeDate"
        " TradeID TradeSource TradeTime TradeType TraderID TradingDay TradingRole UserID 0Volume"
    ),
    "InvestorPosition": (
        "0AbandonFrozen BrokerID 1CashIn 1CloseAmount 1CloseProfit 1CloseProfitByDate"
        " 1CloseProfitByTrade 0CloseVolume 0CombLongFrozen 0CombPosition 0CombShortFrozen"
        " 1Commission ExchangeID 1ExchangeMargin 1FrozenCash 1FrozenCommission 1FrozenMargin"
        " HedgeFlag InstrumentID InvestUnitID InvestorID 0LongFrozen 1LongFrozenAmount"
        " 1MarginRateByMoney 1MarginRateByVolume 1OpenAmount 1OpenCost 0OpenVolume PosiDirection"
        " 0Position 1PositionCost 1PositionCostOffset PositionDate 1PositionProfit 1PreMargin"
        " 1PreSettlementPrice 0SettlementID 1SettlementPrice 0ShortFrozen 1ShortFrozenAmount"
        " 0StrikeFrozen 1StrikeFrozenAmount 0TasPosition 1TasPositionCost 0TodayPosition"
        " TradingDay 1UseMargin 0YdPosition 0YdStrikeFrozen 1OptionValue"
    ),
    "TradingAccount": (
        "AccountID 1Available 1Balance BizType BrokerID 1CashIn 1CloseProfit 1Commission 1Credit"
        " 1CurrMargin CurrencyID 1DeliveryMargin 1Deposit 1ExchangeDeliveryMargin 1ExchangeMargin"
        " 1FrozenCash 1FrozenCommission 1FrozenMargin 1FrozenSwap 1FundMortgageAvailable"
        " 1FundMortgageIn 1FundMortgageOut 1Interest 1InterestBase 1Mortgage 1MortgageableFund"
        " 1PositionProfit 1PreBalance 1PreCredit 1PreDeposit 1PreFundMortgageIn"
        " 1PreFundMortgageOut 1PreMargin 1PreMortgage 1RemainSwap 1Reserve 1ReserveBalance"
        " 0SettlementID 1SpecProductCloseProfit 1SpecProductCommission 1SpecProductExchangeMargin"
        " 1SpecProductFrozenCommission 1SpecProductFrozenMargin 1SpecProductMargin"
        " 1SpecProductPositionProfit 1SpecProductPositionProfitByAlg TradingDay 1Withdraw"
        " 1WithdrawQuota 1OptionValue"
    ),
    "Investor": (
        "Address BrokerID CommModelID IdentifiedCardNo IdentifiedCardType InvestorGroupID"
        " InvestorID InvestorName 0IsActive MarginModelID Mobile OpenDate Telephone IsOrderFreq"
        " IsOpenVolLimit"
    ),
    "TradingCode": (
        "BizType BranchID BrokerID ClientID ClientIDType ExchangeID InvestUnitID InvestorID"
        " 0IsActive"
    ),
    "InstrumentMarginRate": (
        "BrokerID ExchangeID HedgeFlag InstrumentID InvestUnitID InvestorID InvestorRange"
        " 0IsRelative 1LongMarginRatioByMoney 1LongMarginRatioByVolume 1ShortMarginRatioByMoney"
        " 1ShortMarginRatioByVolume"
    ),
    "InstrumentCommissionRate": (
        "BizType BrokerID 1CloseRatioByMoney 1CloseRatioByVolume 1CloseTodayRatioByMoney"
        " 1CloseTodayRatioByVolume ExchangeID InstrumentID InvestUnitID InvestorID InvestorRange"
        " 1OpenRatioByMoney 1OpenRatioByVolume"
    ),
    "Instrument": (
        "InstrumentID ExchangeID InstrumentName ExchangeInstID ProductID ProductClass 0DeliveryYear"
        " 0DeliveryMonth 0MaxMarketOrderVolume 0MinMarketOrderVolume 0MaxLimitOrderVolume"
        " 0MinLimitOrderVolume 0VolumeMultiple 1PriceTick CreateDate OpenDate ExpireDate"
        " StartDelivDate EndDelivDate InstLifePhase 0IsTrading PositionType PositionDateType"
        " 1LongMarginRatio 1ShortMarginRatio MaxMarginSideAlgorithm UnderlyingInstrID 1StrikePrice"
        " OptionsType 1UnderlyingMultiple CombinationType"
    ),
    "Exchange": "ExchangeID ExchangeName ExchangeProperty",
    "Product": (
        "CloseDealType ExchangeID ExchangeProductID 0MaxLimitOrderVolume 0MaxMarketOrderVolume"
        " 0MinLimitOrderVolume 0MinMarketOrderVolume MortgageFundUseRange OpenLimitControlLevel"
        " OrderFreqControlLevel PositionDateType PositionType 1PriceTick ProductClass ProductID"
        " ProductName TradeCurrencyID 1UnderlyingMultiple 0VolumeMultiple"
    ),
    "DepthMarketData": (
        "ActionDay 1AskPrice1 1AskPrice2 1AskPrice3 1AskPrice4 1AskPrice5 0AskVolume1 0AskVolume2"
        " 0AskVolume3 0AskVolume4 0AskVolume5 1AveragePrice 1BandingLowerPrice 1BandingUpperPrice"
        " 1BidPrice1 1BidPrice2 1BidPrice3 1BidPrice4 1BidPrice5 0BidVolume1 0BidVolume2"
        " 0BidVolume3 0BidVolume4 0BidVolume5 1ClosePrice 1CurrDelta ExchangeID ExchangeInstID"
        " 1HighestPrice InstrumentID 1LastPrice 1LowerLimitPrice 1LowestPrice 1OpenInterest"
        " 1OpenPrice 1PreClosePrice 1PreDelta 1PreOpenInterest 1PreSettlementPrice"
        " 1SettlementPrice TradingDay 1Turnover 0UpdateMillisec UpdateTime 1UpperLimitPrice"
        " 0Volume"
    ),
    "InvestorPositionDetail": (
        "BrokerID 1CloseAmount 1CloseProfitByDate 1CloseProfitByTrade 0CloseVolume CombInstrumentID"
        " Direction 1ExchMargin ExchangeID HedgeFlag InstrumentID InvestUnitID InvestorID"
        " 1LastSettlementPrice 1Margin 1MarginRateByMoney 1MarginRateByVolume OpenDate 1OpenPrice"
        " 1PositionProfitByDate 1PositionProfitByTrade 0SettlementID 1SettlementPrice SpecPosiType"
        " 0TimeFirstVolume TradeID TradeType TradingDay 0Volume"
    ),
    "ExchangeMarginRate": (
        "BrokerID ExchangeID HedgeFlag InstrumentID 1LongMarginRatioByMoney"
        " 1LongMarginRatioByVolume 1ShortMarginRatioByMoney 1ShortMarginRatioByVolume"
    ),
    "InstrumentOrderCommRate": (
        "BrokerID ExchangeID HedgeFlag InstrumentID InvestUnitID InvestorID InvestorRange"
        " 1OrderActionCommByTrade 1OrderActionCommByVolume 1OrderCommByTrade 1OrderCommByVolume"
    ),
    "OptionInstrTradeCost": (
        "BrokerID 1ExchFixedMargin 1ExchMiniMargin ExchangeID 1FixedMargin HedgeFlag InstrumentID"
        " InvestUnitID InvestorID 1MiniMargin 1Royalty"
    ),
    "OptionInstrCommRate": (
        "InvestorRange BrokerID InvestorID 1OpenRatioByMoney 1OpenRatioByVolume 1CloseRatioByMoney"
        " 1CloseRatioByVolume 1CloseTodayRatioByMoney 1CloseTodayRatioByVolume 1StrikeRatioByMoney"
        " 1StrikeRatioByVolume ExchangeID InvestUnitID InstrumentID"
    ),
    "RspUserLogin": (
        "TradingDay LoginTime BrokerID UserID SystemName 0FrontID 0SessionID MaxOrderRef SHFETime"
        " DCETime CZCETime FFEXTime INETime SysVersion"
    ),
}
# request, payload key, reply payload key, payload when there is no row
REQUESTS = [
    ("ReqUserPasswordUpdate", "UserPasswordUpdate", "UserPasswordUpdate", "null"),
    ("ReqOrderInsert", "InputOrder", "InputOrder", "null"),
    ("ReqOrderAction", "InputOrderAction", "InputOrderAction", "null"),
    ("ReqQryMaxOrderVolume", "QryMaxOrderVolume", "QryMaxOrderVolume", "null"),
    ("ReqQryOrder", "QryOrder", "Order", "null"),
    ("ReqQryTrade", "QryTrade", "Trade", "null"),
    ("ReqQryInvestorPosition", "QryInvestorPosition", "InvestorPosition", "null"),
    ("ReqQryTradingAccount", "QryTradingAccount", "TradingAccount", "null"),
    ("ReqQryInvestor", "QryInvestor", "Investor", "null"),
    ("ReqQryTradingCode", "QryTradingCode", "TradingCode", "null"),
    ("ReqQryInstrumentMarginRate", "QryInstrumentMarginRate", "InstrumentMarginRate", "null"),
    (
        "ReqQryInstrumentCommissionRate",
        "QryInstrumentCommissionRate",
        "InstrumentCommissionRate",
        "null",
    ),
    ("ReqQryInstrument", "QryInstrument", "Instrument", "{}"),
    ("ReqQryInstrument", "ReqQryInstrument", "Instrument", "{}"),
    ("ReqQryExchange", "QryExchange", "Exchange", "{}"),
    ("ReqQryProduct", "QryProduct", "Product", "{}"),
    ("ReqQryDepthMarketData", "QryDepthMarketData", "DepthMarketData", "{}"),
    ("ReqQryInvestorPositionDetail", "QryInvestorPositionDetail", "InvestorPositionDetail", "{}"),
    ("ReqQryExchangeMarginRate", "QryExchangeMarginRate", "ExchangeMarginRate", "{}"),
    (
        "ReqQryInstrumentOrderCommRate",
        "QryInstrumentOrderCommRate",
        "InstrumentOrderCommRate",
        "{}",
    ),
    ("ReqQryOptionInstrTradeCost", "QryOptionInstrTradeCost", "OptionInstrTradeCost", "{}"),
    ("ReqQryOptionInstrCommRate", "QryOptionInstrCommRate", "OptionInstrCommRate", "{}"),
]
_DEFAULTS = {"0": 0, "1": 0.0}


def payload(name: str, **values: Any) -> str:
    """The JSON of a reply struct with these values, all others unset."""
    keys = ORDERS[name].split()
    document: dict[str, Any] = {key.lstrip("01"): _DEFAULTS.get(key[0], "") for key in keys}
    assert values.keys() <= document.keys()
    return json.dumps(document | values, ensure_ascii=False, separators=(",", ":"))


def text(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
def client(core: Core) -> Client:
    return core.td_in()


def test_the_reply_of_every_request_has_the_keys_of_the_original(
    core: Core, client: Client
) -> None:
    for request, key, reply_key, _ in REQUESTS:
        client.send({"MsgType": request, key: {"BrokerID": "9999"}, "RequestID": 7})
        reply, struct = "OnRsp" + request[3:], CATALOGUE.td.callbacks["OnRsp" + request[3:]].struct
        assert struct is not None
        line = row(reply, pack(struct), None)
        core.td_worker.answer(request, line, row(reply, pack(struct), info(), last=True))
        body = payload(reply_key)
        head = f'{{"MsgType":"Rsp{request[3:]}","RspInfo":'
        assert client.texts() == [
            f'{head}null,"RequestID":7,"{reply_key}":{body}}}',
            f'{head}{{"ErrorID":0,"ErrorMsg":"CTP:No Error"}},"RequestID":7,"IsLast":true,'
            f'"{reply_key}":{body}}}',
        ]


def test_no_row_is_null_or_an_empty_object(core: Core, client: Client) -> None:
    for request, key, reply_key, empty in REQUESTS:
        client.send({"MsgType": request, key: {}, "RequestID": 0})
        core.td_worker.answer(request, row("OnRsp" + request[3:], last=True))
        assert client.texts() == [
            f'{{"MsgType":"Rsp{request[3:]}","RspInfo":null,"IsLast":true,"{reply_key}":{empty}}}'
        ]


def test_an_error_of_the_counter_is_passed_on(core: Core, client: Client) -> None:
    client.send({"MsgType": "ReqOrderInsert", "InputOrder": {}, "RequestID": 3})
    refused = info(31, "CTP:资金不足")
    field = pack("InputOrder", InstrumentID="rb2610", LimitPrice=3000.5, OrderRef="           1")
    core.td_worker.answer(
        "ReqOrderInsert", sent(), row("OnRspOrderInsert", field, refused, last=True)
    )
    body = payload("InputOrder", InstrumentID="rb2610", LimitPrice=3000.5, OrderRef="           1")
    assert client.texts() == [
        '{"MsgType":"RspOrderInsert","RspInfo":{"ErrorID":31,"ErrorMsg":"CTP:资金不足"},'
        f'"RequestID":3,"IsLast":true,"InputOrder":{body}}}'
    ]


def test_ids_keep_their_blanks_and_a_missing_price_is_zero(core: Core, client: Client) -> None:
    client.send({"MsgType": "ReqQryOrder", "QryOrder": {}})
    field = pack("Order", OrderSysID="       46792", LimitPrice=None, StopPrice=0.0, FrontID=-1)
    core.td_worker.answer("ReqQryOrder", row("OnRspQryOrder", field, last=True))
    body = payload("Order", OrderSysID="       46792", LimitPrice=0, StopPrice=0.0, FrontID=-1)
    assert client.texts() == [
        f'{{"MsgType":"RspQryOrder","RspInfo":null,"IsLast":true,"Order":{body}}}'
    ]


def test_passwords_are_not_echoed(core: Core, client: Client) -> None:
    field = {"UserID": "028742", "OldPassword": "old", "NewPassword": "new"}
    client.send({"MsgType": "ReqUserPasswordUpdate", "UserPasswordUpdate": field})
    raw = core.td_worker.take("ReqUserPasswordUpdate")
    assert CATALOGUE.codec("UserPasswordUpdate").get(raw.body, "NewPassword") == "new"
    core.td_worker.tell(raw, sent(), row("OnRspUserPasswordUpdate", raw.body, info(), last=True))
    body = payload("UserPasswordUpdate", BrokerID="9999", UserID="028742")
    (heard,) = client.texts()
    assert heard.endswith(f'"UserPasswordUpdate":{body}}}')


@pytest.mark.parametrize(
    ("name", "struct", "key", "order", "error_id"),
    [
        ("OnRtnOrder", "Order", "Order", "Order", None),
        ("OnRtnTrade", "Trade", "Trade", "RtnTrade", None),
        ("OnErrRtnOrderInsert", "InputOrder", "InputOrder", "InputOrder", 30),
        ("OnErrRtnOrderAction", "OrderAction", "OrderAction", "OrderAction", 26),
    ],
)
def test_pushes(
    core: Core, client: Client, name: str, struct: str, key: str, order: str, error_id: int | None
) -> None:
    failed = None if error_id is None else info(error_id, "CTP:错误")
    core.publish(name, 2, pack(struct, InstrumentID="rb2610"), failed)
    rsp_info = "null" if error_id is None else f'{{"ErrorID":{error_id},"ErrorMsg":"CTP:错误"}}'
    body = payload(order, InstrumentID="rb2610")
    assert client.texts() == [f'{{"MsgType":"{name[2:]}","RspInfo":{rsp_info},"{key}":{body}}}']


def test_the_names_of_the_account_are_filled_in_where_they_are_empty(
    core: Core, client: Client
) -> None:
    client.send({"MsgType": "ReqOrderInsert", "InputOrder": {"BrokerID": "", "InvestorID": "x"}})
    body = core.td_worker.take("ReqOrderInsert").body
    codec = CATALOGUE.codec("InputOrder")
    names = ("BrokerID", "InvestorID", "UserID", "AccountID")
    assert [codec.get(body, name) for name in names] == ["9999", "x", "028742", ""]


def test_of_the_two_keys_of_one_request_the_regular_one_wins(core: Core, client: Client) -> None:
    both = {"ReqQryInstrument": {"InstrumentID": "b"}, "QryInstrument": {"InstrumentID": "a"}}
    client.send({"MsgType": "ReqQryInstrument", **both})
    body = core.td_worker.take("ReqQryInstrument").body
    assert CATALOGUE.codec("QryInstrument").get(body, "InstrumentID") == "a"


def test_chinese_text_goes_out_as_gb18030(core: Core, client: Client) -> None:
    client.send({"MsgType": "ReqOrderInsert", "InputOrder": {"BusinessUnit": "期货"}})
    assert "期货".encode("gb18030") in core.td_worker.take("ReqOrderInsert").body


def test_every_request_of_the_api_is_known_and_named_by_the_rule(
    core: Core, client: Client
) -> None:
    logins = {"ReqUserLogin", "ReqUserLogout"}
    requests = [r for r in CATALOGUE.td.requests.values() if r.name not in logins]
    for request in requests:
        if request.reply == "OnRspUserLogin":
            continue
        client.send({"MsgType": request.name, request.struct: {}, "RequestID": 9})
        asked = core.td_worker.take(request.name)
        assert len(asked.body) == CATALOGUE.layouts[request.struct].size
        struct = CATALOGUE.td.callbacks[request.reply].struct
        assert struct is not None
        core.td_worker.tell(asked, row(request.reply, pack(struct), info(), last=True))
        (heard,) = client.heard()
        assert heard["MsgType"] == "Rsp" + request.name.removeprefix("Req")
        assert heard["IsLast"] is True
        assert isinstance(heard[struct], dict)
    assert len(CATALOGUE.td.requests) == 118


@pytest.mark.parametrize(
    ("error_id", "error_msg", "name"),
    [
        (-1, "CTP:请求失败", "RspQryOrder"),
        (-2, "CTP:未处理请求超过许可数", "RspQryOrder"),
        (-3, "CTP:每秒发送请求数超过许可数", "RspQryOrder"),
        (-9, "CTP:请求失败", "RspQryOrder"),
        (-400, "参数有误", "ReqQryOrder"),
        (-401, "未登录", "ReqQryOrder"),
        (-404, "Not implemented", "ReqQryOrder"),
    ],
)
def test_local_errors_of_the_worker(
    core: Core, client: Client, error_id: int, error_msg: str, name: str
) -> None:
    client.send({"MsgType": "ReqQryOrder", "QryOrder": {}, "RequestID": 4})
    core.td_worker.answer("ReqQryOrder", error(error_id, error_msg, "why"))
    rsp_info = f'{{"ErrorID":{error_id},"ErrorMsg":"{error_msg}"}}'
    assert client.texts() == [
        f'{{"MsgType":"{name}","RspInfo":{rsp_info},"RequestID":4,"Detail":"why"}}'
    ]


def test_an_order_beyond_a_limit_of_the_gateway_is_answered_like_one_that_the_counter_refuses(
    core: Core, client: Client
) -> None:
    client.send({"MsgType": "ReqOrderInsert", "InputOrder": {}, "RequestID": 4})
    detail = "max_volume 10 of account 028742: 25 lots"
    core.td_worker.answer("ReqOrderInsert", error(-403, "超出网关限额", detail))
    assert client.texts() == [
        '{"MsgType":"RspOrderInsert","RspInfo":{"ErrorID":-403,"ErrorMsg":"超出网关限额"},'
        f'"RequestID":4,"Detail":"{detail}"}}'
    ]


def test_an_rsp_error_ends_its_request(core: Core, client: Client) -> None:
    client.send({"MsgType": "ReqQryExchange", "QryExchange": {}, "RequestID": 4})
    line = row("OnRspError", None, info(90, "CTP：查询未就绪，请稍后重试"), last=True)
    core.td_worker.answer("ReqQryExchange", line)
    assert client.texts() == [
        '{"MsgType":"RspQryExchange","RspInfo":{"ErrorID":90,'
        '"ErrorMsg":"CTP：查询未就绪，请稍后重试"},"RequestID":4,"IsLast":true,"Exchange":{}}'
    ]


def test_the_messages_are_json_of_utf_8(core: Core, client: Client) -> None:
    core.publish("OnRtnOrder", 2, pack("Order", StatusMsg='已\u0001撤"单\\'))
    (heard,) = client.texts()
    assert msgspec.json.decode(heard)["Order"]["StatusMsg"] == '已\u0001撤"单\\'
