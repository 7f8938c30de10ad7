"""The key order of each webctp payload.

The original lists its keys by hand, some in struct order and some sorted, without the reserved
fields and without fields that came later. Clients may rely on the order, so it is kept; what the
installed binding has beyond it follows in struct order. Structs that the original never sent have
struct order throughout.
"""

from __future__ import annotations

import re
from typing import Final

_RESERVED = re.compile(r"reserve\d*")

# For every callback with this struct, but those below.
_BY_STRUCT: Final = {
    "RspUserLogin": (
        "TradingDay LoginTime BrokerID UserID SystemName FrontID SessionID MaxOrderRef SHFETime "
        "DCETime CZCETime FFEXTime INETime"
    ),
    "Instrument": (
        "InstrumentID ExchangeID InstrumentName ExchangeInstID ProductID ProductClass "
        "DeliveryYear DeliveryMonth MaxMarketOrderVolume MinMarketOrderVolume MaxLimitOrderVolume "
        "MinLimitOrderVolume VolumeMultiple PriceTick CreateDate OpenDate ExpireDate "
        "StartDelivDate EndDelivDate InstLifePhase IsTrading PositionType PositionDateType "
        "LongMarginRatio ShortMarginRatio MaxMarginSideAlgorithm UnderlyingInstrID StrikePrice "
        "OptionsType UnderlyingMultiple CombinationType"
    ),
    "Exchange": "ExchangeID ExchangeName ExchangeProperty",
    "Product": (
        "CloseDealType ExchangeID ExchangeProductID MaxLimitOrderVolume MaxMarketOrderVolume "
        "MinLimitOrderVolume MinMarketOrderVolume MortgageFundUseRange OpenLimitControlLevel "
        "OrderFreqControlLevel PositionDateType PositionType PriceTick ProductClass ProductID "
        "ProductName TradeCurrencyID UnderlyingMultiple VolumeMultiple"
    ),
    "DepthMarketData": (
        "ActionDay AskPrice1 AskPrice2 AskPrice3 AskPrice4 AskPrice5 AskVolume1 AskVolume2 "
        "AskVolume3 AskVolume4 AskVolume5 AveragePrice BandingLowerPrice BandingUpperPrice "
        "BidPrice1 BidPrice2 BidPrice3 BidPrice4 BidPrice5 BidVolume1 BidVolume2 BidVolume3 "
        "BidVolume4 BidVolume5 ClosePrice CurrDelta ExchangeID ExchangeInstID HighestPrice "
        "InstrumentID LastPrice LowerLimitPrice LowestPrice OpenInterest OpenPrice PreClosePrice "
        "PreDelta PreOpenInterest PreSettlementPrice SettlementPrice TradingDay Turnover "
        "UpdateMillisec UpdateTime UpperLimitPrice Volume"
    ),
    "InvestorPositionDetail": (
        "BrokerID CloseAmount CloseProfitByDate CloseProfitByTrade CloseVolume CombInstrumentID "
        "Direction ExchMargin ExchangeID HedgeFlag InstrumentID InvestUnitID InvestorID "
        "LastSettlementPrice Margin MarginRateByMoney MarginRateByVolume OpenDate OpenPrice "
        "PositionProfitByDate PositionProfitByTrade SettlementID SettlementPrice SpecPosiType "
        "TimeFirstVolume TradeID TradeType TradingDay Volume"
    ),
    "ExchangeMarginRate": (
        "BrokerID ExchangeID HedgeFlag InstrumentID LongMarginRatioByMoney "
        "LongMarginRatioByVolume ShortMarginRatioByMoney ShortMarginRatioByVolume"
    ),
    "InstrumentOrderCommRate": (
        "BrokerID ExchangeID HedgeFlag InstrumentID InvestUnitID InvestorID InvestorRange "
        "OrderActionCommByTrade OrderActionCommByVolume OrderCommByTrade OrderCommByVolume"
    ),
    "OptionInstrTradeCost": (
        "BrokerID ExchFixedMargin ExchMiniMargin ExchangeID FixedMargin HedgeFlag InstrumentID "
        "InvestUnitID InvestorID MiniMargin Royalty"
    ),
    "OptionInstrCommRate": (
        "InvestorRange BrokerID InvestorID OpenRatioByMoney OpenRatioByVolume CloseRatioByMoney "
        "CloseRatioByVolume CloseTodayRatioByMoney CloseTodayRatioByVolume StrikeRatioByMoney "
        "StrikeRatioByVolume ExchangeID InvestUnitID InstrumentID"
    ),
    "UserPasswordUpdate": "BrokerID UserID OldPassword NewPassword",
    "InputOrder": (
        "BrokerID InvestorID OrderRef UserID OrderPriceType Direction CombOffsetFlag "
        "CombHedgeFlag LimitPrice VolumeTotalOriginal TimeCondition GTDDate VolumeCondition "
        "MinVolume ContingentCondition StopPrice ForceCloseReason IsAutoSuspend BusinessUnit "
        "RequestID UserForceClose IsSwapOrder ExchangeID InvestUnitID AccountID CurrencyID "
        "ClientID MacAddress InstrumentID IPAddress"
    ),
    "Order": (
        "BrokerID InvestorID OrderRef UserID OrderPriceType Direction CombOffsetFlag "
        "CombHedgeFlag LimitPrice VolumeTotalOriginal TimeCondition GTDDate VolumeCondition "
        "MinVolume ContingentCondition StopPrice ForceCloseReason IsAutoSuspend BusinessUnit "
        "RequestID OrderLocalID ExchangeID ParticipantID ClientID TraderID InstallID "
        "OrderSubmitStatus NotifySequence TradingDay SettlementID OrderSysID OrderSource "
        "OrderStatus OrderType VolumeTraded VolumeTotal InsertDate InsertTime ActiveTime "
        "SuspendTime UpdateTime CancelTime ActiveTraderID ClearingPartID SequenceNo FrontID "
        "SessionID UserProductInfo StatusMsg UserForceClose ActiveUserID BrokerOrderSeq "
        "RelativeOrderSysID ZCETotalTradedVolume IsSwapOrder BranchID InvestUnitID AccountID "
        "CurrencyID MacAddress InstrumentID ExchangeInstID IPAddress"
    ),
    "Trade": (
        "BrokerID InvestorID OrderRef UserID ExchangeID TradeID Direction OrderSysID "
        "ParticipantID ClientID TradingRole OffsetFlag HedgeFlag Price Volume TradeDate TradeTime "
        "TradeType PriceSource TraderID OrderLocalID ClearingPartID BusinessUnit SequenceNo "
        "TradingDay SettlementID BrokerOrderSeq TradeSource InvestUnitID InstrumentID "
        "ExchangeInstID"
    ),
    "InputOrderAction": (
        "BrokerID InvestorID OrderActionRef OrderRef RequestID FrontID SessionID ExchangeID "
        "OrderSysID ActionFlag LimitPrice VolumeChange UserID InvestUnitID MacAddress "
        "InstrumentID IPAddress"
    ),
    "OrderAction": (
        "BrokerID InvestorID OrderActionRef OrderRef RequestID FrontID SessionID ExchangeID "
        "OrderSysID ActionFlag LimitPrice VolumeChange ActionDate ActionTime TraderID InstallID "
        "OrderLocalID ActionLocalID ParticipantID ClientID BusinessUnit OrderActionStatus UserID "
        "StatusMsg BranchID InvestUnitID MacAddress InstrumentID IPAddress"
    ),
    "QryMaxOrderVolume": (
        "BrokerID InvestorID InstrumentID ExchangeID InvestUnitID MaxVolume Direction OffsetFlag "
        "HedgeFlag"
    ),
    "InvestorPosition": (
        "AbandonFrozen BrokerID CashIn CloseAmount CloseProfit CloseProfitByDate "
        "CloseProfitByTrade CloseVolume CombLongFrozen CombPosition CombShortFrozen Commission "
        "ExchangeID ExchangeMargin FrozenCash FrozenCommission FrozenMargin HedgeFlag "
        "InstrumentID InvestUnitID InvestorID LongFrozen LongFrozenAmount MarginRateByMoney "
        "MarginRateByVolume OpenAmount OpenCost OpenVolume PosiDirection Position PositionCost "
        "PositionCostOffset PositionDate PositionProfit PreMargin PreSettlementPrice SettlementID "
        "SettlementPrice ShortFrozen ShortFrozenAmount StrikeFrozen StrikeFrozenAmount "
        "TasPosition TasPositionCost TodayPosition TradingDay UseMargin YdPosition YdStrikeFrozen"
    ),
    "TradingAccount": (
        "AccountID Available Balance BizType BrokerID CashIn CloseProfit Commission Credit "
        "CurrMargin CurrencyID DeliveryMargin Deposit ExchangeDeliveryMargin ExchangeMargin "
        "FrozenCash FrozenCommission FrozenMargin FrozenSwap FundMortgageAvailable FundMortgageIn "
        "FundMortgageOut Interest InterestBase Mortgage MortgageableFund PositionProfit "
        "PreBalance PreCredit PreDeposit PreFundMortgageIn PreFundMortgageOut PreMargin "
        "PreMortgage RemainSwap Reserve ReserveBalance SettlementID SpecProductCloseProfit "
        "SpecProductCommission SpecProductExchangeMargin SpecProductFrozenCommission "
        "SpecProductFrozenMargin SpecProductMargin SpecProductPositionProfit "
        "SpecProductPositionProfitByAlg TradingDay Withdraw WithdrawQuota"
    ),
    "Investor": (
        "Address BrokerID CommModelID IdentifiedCardNo IdentifiedCardType InvestorGroupID "
        "InvestorID InvestorName IsActive MarginModelID Mobile OpenDate Telephone"
    ),
    "TradingCode": (
        "BizType BranchID BrokerID ClientID ClientIDType ExchangeID InvestUnitID InvestorID "
        "IsActive"
    ),
    "InstrumentMarginRate": (
        "BrokerID ExchangeID HedgeFlag InstrumentID InvestUnitID InvestorID InvestorRange "
        "IsRelative LongMarginRatioByMoney LongMarginRatioByVolume ShortMarginRatioByMoney "
        "ShortMarginRatioByVolume"
    ),
    "InstrumentCommissionRate": (
        "BizType BrokerID CloseRatioByMoney CloseRatioByVolume CloseTodayRatioByMoney "
        "CloseTodayRatioByVolume ExchangeID InstrumentID InvestUnitID InvestorID InvestorRange "
        "OpenRatioByMoney OpenRatioByVolume"
    ),
}

_BY_CALLBACK: Final = {
    ("md", "OnRspUserLogin"): (
        "BrokerID CZCETime DCETime FFEXTime FrontID INETime LoginTime MaxOrderRef SessionID "
        "SHFETime SystemName SysVersion TradingDay UserID"
    ),
    ("td", "OnRspQryTrade"): (
        "BrokerID BrokerOrderSeq BusinessUnit ClearingPartID ClientID Direction ExchangeID "
        "ExchangeInstID HedgeFlag InstrumentID InvestUnitID InvestorID OffsetFlag OrderLocalID "
        "OrderRef OrderSysID ParticipantID Price PriceSource SequenceNo SettlementID TradeDate "
        "TradeID TradeSource TradeTime TradeType TraderID TradingDay TradingRole UserID Volume"
    ),
}

# These have exactly the keys above: the market data login of the original never grew.
_CLOSED: Final = {("md", "OnRspUserLogin")}


def field_order(side: str, callback: str, struct: str, names: list[str]) -> tuple[str, ...]:
    """The keys to send for one callback, given the fields of its struct in memory order."""
    if (side, callback) == ("md", "OnRtnDepthMarketData"):
        return tuple(sorted(names))  # all 48, also the reserved ones
    listed = _BY_CALLBACK.get((side, callback)) or _BY_STRUCT.get(struct, "")
    order = [name for name in listed.split() if name in names]
    if (side, callback) not in _CLOSED:
        order += [name for name in names if name not in order and not _RESERVED.fullmatch(name)]
    return tuple(order)
