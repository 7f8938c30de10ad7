"""The payload keys of the webctp protocol, in their order, as its specification lists them."""

from __future__ import annotations

from typing import Final

KEYS: Final = {
    ("md", "OnRspUserLogin"): (
        "BrokerID CZCETime DCETime FFEXTime FrontID INETime LoginTime MaxOrderRef SessionID "
        "SHFETime SystemName SysVersion TradingDay UserID"
    ),
    ("md", "OnRtnDepthMarketData"): (
        "ActionDay AskPrice1 AskPrice2 AskPrice3 AskPrice4 AskPrice5 AskVolume1 AskVolume2 "
        "AskVolume3 AskVolume4 AskVolume5 AveragePrice BandingLowerPrice BandingUpperPrice "
        "BidPrice1 BidPrice2 BidPrice3 BidPrice4 BidPrice5 BidVolume1 BidVolume2 BidVolume3 "
        "BidVolume4 BidVolume5 ClosePrice CurrDelta ExchangeID ExchangeInstID HighestPrice "
        "InstrumentID LastPrice LowerLimitPrice LowestPrice OpenInterest OpenPrice "
        "PreClosePrice PreDelta PreOpenInterest PreSettlementPrice SettlementPrice TradingDay "
        "Turnover UpdateMillisec UpdateTime UpperLimitPrice Volume reserve1 reserve2"
    ),
    ("td", "OnRspUserLogin"): (
        "TradingDay LoginTime BrokerID UserID SystemName FrontID SessionID MaxOrderRef SHFETime "
        "DCETime CZCETime FFEXTime INETime"
    ),
    ("td", "OnRspQryInstrument"): (
        "InstrumentID ExchangeID InstrumentName ExchangeInstID ProductID ProductClass "
        "DeliveryYear DeliveryMonth MaxMarketOrderVolume MinMarketOrderVolume "
        "MaxLimitOrderVolume MinLimitOrderVolume VolumeMultiple PriceTick CreateDate OpenDate "
        "ExpireDate StartDelivDate EndDelivDate InstLifePhase IsTrading PositionType "
        "PositionDateType LongMarginRatio ShortMarginRatio MaxMarginSideAlgorithm "
        "UnderlyingInstrID StrikePrice OptionsType UnderlyingMultiple CombinationType"
    ),
    ("td", "OnRspQryExchange"): ("ExchangeID ExchangeName ExchangeProperty"),
    ("td", "OnRspQryProduct"): (
        "CloseDealType ExchangeID ExchangeProductID MaxLimitOrderVolume MaxMarketOrderVolume "
        "MinLimitOrderVolume MinMarketOrderVolume MortgageFundUseRange OpenLimitControlLevel "
        "OrderFreqControlLevel PositionDateType PositionType PriceTick ProductClass ProductID "
        "ProductName TradeCurrencyID UnderlyingMultiple VolumeMultiple"
    ),
    ("td", "OnRspQryDepthMarketData"): (
        "ActionDay AskPrice1 AskPrice2 AskPrice3 AskPrice4 AskPrice5 AskVolume1 AskVolume2 "
        "AskVolume3 AskVolume4 AskVolume5 AveragePrice BandingLowerPrice BandingUpperPrice "
        "BidPrice1 BidPrice2 BidPrice3 BidPrice4 BidPrice5 BidVolume1 BidVolume2 BidVolume3 "
        "BidVolume4 BidVolume5 ClosePrice CurrDelta ExchangeID ExchangeInstID HighestPrice "
        "InstrumentID LastPrice LowerLimitPrice LowestPrice OpenInterest OpenPrice "
        "PreClosePrice PreDelta PreOpenInterest PreSettlementPrice SettlementPrice TradingDay "
        "Turnover UpdateMillisec UpdateTime UpperLimitPrice Volume"
    ),
    ("td", "OnRspQryInvestorPositionDetail"): (
        "BrokerID CloseAmount CloseProfitByDate CloseProfitByTrade CloseVolume CombInstrumentID "
        "Direction ExchMargin ExchangeID HedgeFlag InstrumentID InvestUnitID InvestorID "
        "LastSettlementPrice Margin MarginRateByMoney MarginRateByVolume OpenDate OpenPrice "
        "PositionProfitByDate PositionProfitByTrade SettlementID SettlementPrice SpecPosiType "
        "TimeFirstVolume TradeID TradeType TradingDay Volume"
    ),
    ("td", "OnRspQryExchangeMarginRate"): (
        "BrokerID ExchangeID HedgeFlag InstrumentID LongMarginRatioByMoney "
        "LongMarginRatioByVolume ShortMarginRatioByMoney ShortMarginRatioByVolume"
    ),
    ("td", "OnRspQryInstrumentOrderCommRate"): (
        "BrokerID ExchangeID HedgeFlag InstrumentID InvestUnitID InvestorID InvestorRange "
        "OrderActionCommByTrade OrderActionCommByVolume OrderCommByTrade OrderCommByVolume"
    ),
    ("td", "OnRspQryOptionInstrTradeCost"): (
        "BrokerID ExchFixedMargin ExchMiniMargin ExchangeID FixedMargin HedgeFlag InstrumentID "
        "InvestUnitID InvestorID MiniMargin Royalty"
    ),
    ("td", "OnRspQryOptionInstrCommRate"): (
        "InvestorRange BrokerID InvestorID OpenRatioByMoney OpenRatioByVolume CloseRatioByMoney "
        "CloseRatioByVolume CloseTodayRatioByMoney CloseTodayRatioByVolume StrikeRatioByMoney "
        "StrikeRatioByVolume ExchangeID InvestUnitID InstrumentID"
    ),
    ("td", "OnRspUserPasswordUpdate"): ("BrokerID UserID OldPassword NewPassword"),
    ("td", "OnRspOrderInsert"): (
        "BrokerID InvestorID OrderRef UserID OrderPriceType Direction CombOffsetFlag "
        "CombHedgeFlag LimitPrice VolumeTotalOriginal TimeCondition GTDDate VolumeCondition "
        "MinVolume ContingentCondition StopPrice ForceCloseReason IsAutoSuspend BusinessUnit "
        "RequestID UserForceClose IsSwapOrder ExchangeID InvestUnitID AccountID CurrencyID "
        "ClientID MacAddress InstrumentID IPAddress"
    ),
    ("td", "OnRtnOrder"): (
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
    ("td", "OnRtnTrade"): (
        "BrokerID InvestorID OrderRef UserID ExchangeID TradeID Direction OrderSysID "
        "ParticipantID ClientID TradingRole OffsetFlag HedgeFlag Price Volume TradeDate "
        "TradeTime TradeType PriceSource TraderID OrderLocalID ClearingPartID BusinessUnit "
        "SequenceNo TradingDay SettlementID BrokerOrderSeq TradeSource InvestUnitID "
        "InstrumentID ExchangeInstID"
    ),
    ("td", "OnRspOrderAction"): (
        "BrokerID InvestorID OrderActionRef OrderRef RequestID FrontID SessionID ExchangeID "
        "OrderSysID ActionFlag LimitPrice VolumeChange UserID InvestUnitID MacAddress "
        "InstrumentID IPAddress"
    ),
    ("td", "OnErrRtnOrderAction"): (
        "BrokerID InvestorID OrderActionRef OrderRef RequestID FrontID SessionID ExchangeID "
        "OrderSysID ActionFlag LimitPrice VolumeChange ActionDate ActionTime TraderID InstallID "
        "OrderLocalID ActionLocalID ParticipantID ClientID BusinessUnit OrderActionStatus "
        "UserID StatusMsg BranchID InvestUnitID MacAddress InstrumentID IPAddress"
    ),
    ("td", "OnRspQryMaxOrderVolume"): (
        "BrokerID InvestorID InstrumentID ExchangeID InvestUnitID MaxVolume Direction "
        "OffsetFlag HedgeFlag"
    ),
    ("td", "OnRspQryTrade"): (
        "BrokerID BrokerOrderSeq BusinessUnit ClearingPartID ClientID Direction ExchangeID "
        "ExchangeInstID HedgeFlag InstrumentID InvestUnitID InvestorID OffsetFlag OrderLocalID "
        "OrderRef OrderSysID ParticipantID Price PriceSource SequenceNo SettlementID TradeDate "
        "TradeID TradeSource TradeTime TradeType TraderID TradingDay TradingRole UserID Volume"
    ),
    ("td", "OnRspQryInvestorPosition"): (
        "AbandonFrozen BrokerID CashIn CloseAmount CloseProfit CloseProfitByDate "
        "CloseProfitByTrade CloseVolume CombLongFrozen CombPosition CombShortFrozen Commission "
        "ExchangeID ExchangeMargin FrozenCash FrozenCommission FrozenMargin HedgeFlag "
        "InstrumentID InvestUnitID InvestorID LongFrozen LongFrozenAmount MarginRateByMoney "
        "MarginRateByVolume OpenAmount OpenCost OpenVolume PosiDirection Position PositionCost "
        "PositionCostOffset PositionDate PositionProfit PreMargin PreSettlementPrice "
        "SettlementID SettlementPrice ShortFrozen ShortFrozenAmount StrikeFrozen "
        "StrikeFrozenAmount TasPosition TasPositionCost TodayPosition TradingDay UseMargin "
        "YdPosition YdStrikeFrozen"
    ),
    ("td", "OnRspQryTradingAccount"): (
        "AccountID Available Balance BizType BrokerID CashIn CloseProfit Commission Credit "
        "CurrMargin CurrencyID DeliveryMargin Deposit ExchangeDeliveryMargin ExchangeMargin "
        "FrozenCash FrozenCommission FrozenMargin FrozenSwap FundMortgageAvailable "
        "FundMortgageIn FundMortgageOut Interest InterestBase Mortgage MortgageableFund "
        "PositionProfit PreBalance PreCredit PreDeposit PreFundMortgageIn PreFundMortgageOut "
        "PreMargin PreMortgage RemainSwap Reserve ReserveBalance SettlementID "
        "SpecProductCloseProfit SpecProductCommission SpecProductExchangeMargin "
        "SpecProductFrozenCommission SpecProductFrozenMargin SpecProductMargin "
        "SpecProductPositionProfit SpecProductPositionProfitByAlg TradingDay Withdraw "
        "WithdrawQuota"
    ),
    ("td", "OnRspQryInvestor"): (
        "Address BrokerID CommModelID IdentifiedCardNo IdentifiedCardType InvestorGroupID "
        "InvestorID InvestorName IsActive MarginModelID Mobile OpenDate Telephone"
    ),
    ("td", "OnRspQryTradingCode"): (
        "BizType BranchID BrokerID ClientID ClientIDType ExchangeID InvestUnitID InvestorID "
        "IsActive"
    ),
    ("td", "OnRspQryInstrumentMarginRate"): (
        "BrokerID ExchangeID HedgeFlag InstrumentID InvestUnitID InvestorID InvestorRange "
        "IsRelative LongMarginRatioByMoney LongMarginRatioByVolume ShortMarginRatioByMoney "
        "ShortMarginRatioByVolume"
    ),
    ("td", "OnRspQryInstrumentCommissionRate"): (
        "BizType BrokerID CloseRatioByMoney CloseRatioByVolume CloseTodayRatioByMoney "
        "CloseTodayRatioByVolume ExchangeID InstrumentID InvestUnitID InvestorID InvestorRange "
        "OpenRatioByMoney OpenRatioByVolume"
    ),
}

# Callbacks with the list of another one.
ALIKE: Final = {
    ("td", "OnErrRtnOrderInsert"): ("td", "OnRspOrderInsert"),
    ("td", "OnRspQryOrder"): ("td", "OnRtnOrder"),
}

# What 6.7.11 has beyond the lists. The market data login is closed: nothing follows there.
EXTRA: Final = {
    "Order": "OrderMemo SessionReqSeq",
    "InputOrder": "OrderMemo SessionReqSeq",
    "InputOrderAction": "OrderMemo SessionReqSeq",
    "OrderAction": "OrderMemo SessionReqSeq",
    "InvestorPosition": "OptionValue",
    "TradingAccount": "OptionValue",
    "Investor": "IsOrderFreq IsOpenVolLimit",
    "RspUserLogin": (
        "SysVersion GFEXTime LoginDRIdentityID UserDRIdentityID LastLoginTime ReserveInfo"
    ),
}
