# Of API 6.7.11.0, written by python -m bus.client.stubs
from collections.abc import Callable

from .. import structs
from ...frames import Row
from .. import ctp as asynchronous
from .loop import Loop
from .order import Order

class Ctp:
    def __init__(self, loop: Loop, ctp: asynchronous.Ctp) -> None: ...
    def ReqAuthenticate(
        self,
        fields: structs.ReqAuthenticate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RspAuthenticate]: ...
    def ReqUserPasswordUpdate(
        self,
        fields: structs.UserPasswordUpdate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.UserPasswordUpdate]: ...
    def ReqTradingAccountPasswordUpdate(
        self,
        fields: structs.TradingAccountPasswordUpdate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TradingAccountPasswordUpdate]: ...
    def ReqUserAuthMethod(
        self,
        fields: structs.ReqUserAuthMethod = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RspUserAuthMethod]: ...
    def ReqGenUserCaptcha(
        self,
        fields: structs.ReqGenUserCaptcha = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RspGenUserCaptcha]: ...
    def ReqGenUserText(
        self,
        fields: structs.ReqGenUserText = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RspGenUserText]: ...
    def ReqOrderInsert(
        self,
        fields: structs.InputOrder = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    def ReqParkedOrderInsert(
        self,
        fields: structs.ParkedOrder = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    def ReqParkedOrderAction(
        self,
        fields: structs.ParkedOrderAction = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ParkedOrderAction]: ...
    def ReqOrderAction(
        self,
        fields: structs.InputOrderAction = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    def ReqQryMaxOrderVolume(
        self,
        fields: structs.QryMaxOrderVolume = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.QryMaxOrderVolume]: ...
    def ReqSettlementInfoConfirm(
        self,
        fields: structs.SettlementInfoConfirm = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SettlementInfoConfirm]: ...
    def ReqRemoveParkedOrder(
        self,
        fields: structs.RemoveParkedOrder = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RemoveParkedOrder]: ...
    def ReqRemoveParkedOrderAction(
        self,
        fields: structs.RemoveParkedOrderAction = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RemoveParkedOrderAction]: ...
    def ReqExecOrderInsert(
        self,
        fields: structs.InputExecOrder = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    def ReqExecOrderAction(
        self,
        fields: structs.InputExecOrderAction = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    def ReqForQuoteInsert(
        self,
        fields: structs.InputForQuote = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    def ReqQuoteInsert(
        self,
        fields: structs.InputQuote = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    def ReqQuoteAction(
        self,
        fields: structs.InputQuoteAction = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    def ReqBatchOrderAction(
        self,
        fields: structs.InputBatchOrderAction = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    def ReqOptionSelfCloseInsert(
        self,
        fields: structs.InputOptionSelfClose = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    def ReqOptionSelfCloseAction(
        self,
        fields: structs.InputOptionSelfCloseAction = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    def ReqCombActionInsert(
        self,
        fields: structs.InputCombAction = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    def ReqQryOrder(
        self,
        fields: structs.QryOrder = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Order]: ...
    def ReqQryTrade(
        self,
        fields: structs.QryTrade = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Trade]: ...
    def ReqQryInvestorPosition(
        self,
        fields: structs.QryInvestorPosition = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorPosition]: ...
    def ReqQryTradingAccount(
        self,
        fields: structs.QryTradingAccount = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TradingAccount]: ...
    def ReqQryInvestor(
        self,
        fields: structs.QryInvestor = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Investor]: ...
    def ReqQryTradingCode(
        self,
        fields: structs.QryTradingCode = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TradingCode]: ...
    def ReqQryInstrumentMarginRate(
        self,
        fields: structs.QryInstrumentMarginRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InstrumentMarginRate]: ...
    def ReqQryInstrumentCommissionRate(
        self,
        fields: structs.QryInstrumentCommissionRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InstrumentCommissionRate]: ...
    def ReqQryUserSession(
        self,
        fields: structs.QryUserSession = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.UserSession]: ...
    def ReqQryExchange(
        self,
        fields: structs.QryExchange = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Exchange]: ...
    def ReqQryProduct(
        self,
        fields: structs.QryProduct = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Product]: ...
    def ReqQryInstrument(
        self,
        fields: structs.QryInstrument = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Instrument]: ...
    def ReqQryDepthMarketData(
        self,
        fields: structs.QryDepthMarketData = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.DepthMarketData]: ...
    def ReqQryTraderOffer(
        self,
        fields: structs.QryTraderOffer = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TraderOffer]: ...
    def ReqQrySettlementInfo(
        self,
        fields: structs.QrySettlementInfo = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SettlementInfo]: ...
    def ReqQryTransferBank(
        self,
        fields: structs.QryTransferBank = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TransferBank]: ...
    def ReqQryInvestorPositionDetail(
        self,
        fields: structs.QryInvestorPositionDetail = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorPositionDetail]: ...
    def ReqQryNotice(
        self,
        fields: structs.QryNotice = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Notice]: ...
    def ReqQrySettlementInfoConfirm(
        self,
        fields: structs.QrySettlementInfoConfirm = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SettlementInfoConfirm]: ...
    def ReqQryInvestorPositionCombineDetail(
        self,
        fields: structs.QryInvestorPositionCombineDetail = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorPositionCombineDetail]: ...
    def ReqQryCFMMCTradingAccountKey(
        self,
        fields: structs.QryCFMMCTradingAccountKey = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.CFMMCTradingAccountKey]: ...
    def ReqQryEWarrantOffset(
        self,
        fields: structs.QryEWarrantOffset = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.EWarrantOffset]: ...
    def ReqQryInvestorProductGroupMargin(
        self,
        fields: structs.QryInvestorProductGroupMargin = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorProductGroupMargin]: ...
    def ReqQryExchangeMarginRate(
        self,
        fields: structs.QryExchangeMarginRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ExchangeMarginRate]: ...
    def ReqQryExchangeMarginRateAdjust(
        self,
        fields: structs.QryExchangeMarginRateAdjust = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ExchangeMarginRateAdjust]: ...
    def ReqQryExchangeRate(
        self,
        fields: structs.QryExchangeRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ExchangeRate]: ...
    def ReqQrySecAgentACIDMap(
        self,
        fields: structs.QrySecAgentACIDMap = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SecAgentACIDMap]: ...
    def ReqQryProductExchRate(
        self,
        fields: structs.QryProductExchRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ProductExchRate]: ...
    def ReqQryProductGroup(
        self,
        fields: structs.QryProductGroup = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ProductGroup]: ...
    def ReqQryMMInstrumentCommissionRate(
        self,
        fields: structs.QryMMInstrumentCommissionRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.MMInstrumentCommissionRate]: ...
    def ReqQryMMOptionInstrCommRate(
        self,
        fields: structs.QryMMOptionInstrCommRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.MMOptionInstrCommRate]: ...
    def ReqQryInstrumentOrderCommRate(
        self,
        fields: structs.QryInstrumentOrderCommRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InstrumentOrderCommRate]: ...
    def ReqQrySecAgentTradingAccount(
        self,
        fields: structs.QryTradingAccount = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TradingAccount]: ...
    def ReqQrySecAgentCheckMode(
        self,
        fields: structs.QrySecAgentCheckMode = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SecAgentCheckMode]: ...
    def ReqQrySecAgentTradeInfo(
        self,
        fields: structs.QrySecAgentTradeInfo = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SecAgentTradeInfo]: ...
    def ReqQryOptionInstrTradeCost(
        self,
        fields: structs.QryOptionInstrTradeCost = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.OptionInstrTradeCost]: ...
    def ReqQryOptionInstrCommRate(
        self,
        fields: structs.QryOptionInstrCommRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.OptionInstrCommRate]: ...
    def ReqQryExecOrder(
        self,
        fields: structs.QryExecOrder = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ExecOrder]: ...
    def ReqQryForQuote(
        self,
        fields: structs.QryForQuote = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ForQuote]: ...
    def ReqQryQuote(
        self,
        fields: structs.QryQuote = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Quote]: ...
    def ReqQryOptionSelfClose(
        self,
        fields: structs.QryOptionSelfClose = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.OptionSelfClose]: ...
    def ReqQryInvestUnit(
        self,
        fields: structs.QryInvestUnit = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestUnit]: ...
    def ReqQryCombInstrumentGuard(
        self,
        fields: structs.QryCombInstrumentGuard = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.CombInstrumentGuard]: ...
    def ReqQryCombAction(
        self,
        fields: structs.QryCombAction = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.CombAction]: ...
    def ReqQryTransferSerial(
        self,
        fields: structs.QryTransferSerial = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TransferSerial]: ...
    def ReqQryAccountregister(
        self,
        fields: structs.QryAccountregister = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Accountregister]: ...
    def ReqQryContractBank(
        self,
        fields: structs.QryContractBank = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ContractBank]: ...
    def ReqQryParkedOrder(
        self,
        fields: structs.QryParkedOrder = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ParkedOrder]: ...
    def ReqQryParkedOrderAction(
        self,
        fields: structs.QryParkedOrderAction = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ParkedOrderAction]: ...
    def ReqQryTradingNotice(
        self,
        fields: structs.QryTradingNotice = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TradingNotice]: ...
    def ReqQryBrokerTradingParams(
        self,
        fields: structs.QryBrokerTradingParams = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.BrokerTradingParams]: ...
    def ReqQryBrokerTradingAlgos(
        self,
        fields: structs.QryBrokerTradingAlgos = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.BrokerTradingAlgos]: ...
    def ReqQueryCFMMCTradingAccountToken(
        self,
        fields: structs.QueryCFMMCTradingAccountToken = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.QueryCFMMCTradingAccountToken]: ...
    def ReqFromBankToFutureByFuture(
        self,
        fields: structs.ReqTransfer = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    def ReqFromFutureToBankByFuture(
        self,
        fields: structs.ReqTransfer = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    def ReqQueryBankAccountMoneyByFuture(
        self,
        fields: structs.ReqQueryAccount = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ReqQueryAccount]: ...
    def ReqQryClassifiedInstrument(
        self,
        fields: structs.QryClassifiedInstrument = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Instrument]: ...
    def ReqQryCombPromotionParam(
        self,
        fields: structs.QryCombPromotionParam = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.CombPromotionParam]: ...
    def ReqQryRiskSettleInvstPosition(
        self,
        fields: structs.QryRiskSettleInvstPosition = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RiskSettleInvstPosition]: ...
    def ReqQryRiskSettleProductStatus(
        self,
        fields: structs.QryRiskSettleProductStatus = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RiskSettleProductStatus]: ...
    def ReqQrySPBMFutureParameter(
        self,
        fields: structs.QrySPBMFutureParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMFutureParameter]: ...
    def ReqQrySPBMOptionParameter(
        self,
        fields: structs.QrySPBMOptionParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMOptionParameter]: ...
    def ReqQrySPBMIntraParameter(
        self,
        fields: structs.QrySPBMIntraParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMIntraParameter]: ...
    def ReqQrySPBMInterParameter(
        self,
        fields: structs.QrySPBMInterParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMInterParameter]: ...
    def ReqQrySPBMPortfDefinition(
        self,
        fields: structs.QrySPBMPortfDefinition = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMPortfDefinition]: ...
    def ReqQrySPBMInvestorPortfDef(
        self,
        fields: structs.QrySPBMInvestorPortfDef = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMInvestorPortfDef]: ...
    def ReqQryInvestorPortfMarginRatio(
        self,
        fields: structs.QryInvestorPortfMarginRatio = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorPortfMarginRatio]: ...
    def ReqQryInvestorProdSPBMDetail(
        self,
        fields: structs.QryInvestorProdSPBMDetail = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorProdSPBMDetail]: ...
    def ReqQryInvestorCommoditySPMMMargin(
        self,
        fields: structs.QryInvestorCommoditySPMMMargin = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorCommoditySPMMMargin]: ...
    def ReqQryInvestorCommodityGroupSPMMMargin(
        self,
        fields: structs.QryInvestorCommodityGroupSPMMMargin = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorCommodityGroupSPMMMargin]: ...
    def ReqQrySPMMInstParam(
        self,
        fields: structs.QrySPMMInstParam = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPMMInstParam]: ...
    def ReqQrySPMMProductParam(
        self,
        fields: structs.QrySPMMProductParam = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPMMProductParam]: ...
    def ReqQrySPBMAddOnInterParameter(
        self,
        fields: structs.QrySPBMAddOnInterParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMAddOnInterParameter]: ...
    def ReqQryRCAMSCombProductInfo(
        self,
        fields: structs.QryRCAMSCombProductInfo = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RCAMSCombProductInfo]: ...
    def ReqQryRCAMSInstrParameter(
        self,
        fields: structs.QryRCAMSInstrParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RCAMSInstrParameter]: ...
    def ReqQryRCAMSIntraParameter(
        self,
        fields: structs.QryRCAMSIntraParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RCAMSIntraParameter]: ...
    def ReqQryRCAMSInterParameter(
        self,
        fields: structs.QryRCAMSInterParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RCAMSInterParameter]: ...
    def ReqQryRCAMSShortOptAdjustParam(
        self,
        fields: structs.QryRCAMSShortOptAdjustParam = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RCAMSShortOptAdjustParam]: ...
    def ReqQryRCAMSInvestorCombPosition(
        self,
        fields: structs.QryRCAMSInvestorCombPosition = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RCAMSInvestorCombPosition]: ...
    def ReqQryInvestorProdRCAMSMargin(
        self,
        fields: structs.QryInvestorProdRCAMSMargin = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorProdRCAMSMargin]: ...
    def ReqQryRULEInstrParameter(
        self,
        fields: structs.QryRULEInstrParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RULEInstrParameter]: ...
    def ReqQryRULEIntraParameter(
        self,
        fields: structs.QryRULEIntraParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RULEIntraParameter]: ...
    def ReqQryRULEInterParameter(
        self,
        fields: structs.QryRULEInterParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RULEInterParameter]: ...
    def ReqQryInvestorProdRULEMargin(
        self,
        fields: structs.QryInvestorProdRULEMargin = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorProdRULEMargin]: ...
    def ReqQryInvestorPortfSetting(
        self,
        fields: structs.QryInvestorPortfSetting = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorPortfSetting]: ...
    def ReqQryInvestorInfoCommRec(
        self,
        fields: structs.QryInvestorInfoCommRec = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorInfoCommRec]: ...
    def ReqQryCombLeg(
        self,
        fields: structs.QryCombLeg = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.CombLeg]: ...
    def ReqOffsetSetting(
        self,
        fields: structs.InputOffsetSetting = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InputOffsetSetting]: ...
    def ReqCancelOffsetSetting(
        self,
        fields: structs.InputOffsetSetting = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InputOffsetSetting]: ...
    def ReqQryOffsetSetting(
        self,
        fields: structs.QryOffsetSetting = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.OffsetSetting]: ...
