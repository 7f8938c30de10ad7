# Of API 6.7.11.0, written by python -m bus.client.stubs
from collections.abc import Callable

from . import structs
from ..frames import Row
from .account import Account
from .order import Order

class Ctp:
    def __init__(self, account: Account) -> None: ...
    async def ReqAuthenticate(
        self,
        fields: structs.ReqAuthenticate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RspAuthenticate]: ...
    async def ReqUserPasswordUpdate(
        self,
        fields: structs.UserPasswordUpdate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.UserPasswordUpdate]: ...
    async def ReqTradingAccountPasswordUpdate(
        self,
        fields: structs.TradingAccountPasswordUpdate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TradingAccountPasswordUpdate]: ...
    async def ReqUserAuthMethod(
        self,
        fields: structs.ReqUserAuthMethod = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RspUserAuthMethod]: ...
    async def ReqGenUserCaptcha(
        self,
        fields: structs.ReqGenUserCaptcha = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RspGenUserCaptcha]: ...
    async def ReqGenUserText(
        self,
        fields: structs.ReqGenUserText = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RspGenUserText]: ...
    async def ReqOrderInsert(
        self,
        fields: structs.InputOrder = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    async def ReqParkedOrderInsert(
        self,
        fields: structs.ParkedOrder = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    async def ReqParkedOrderAction(
        self,
        fields: structs.ParkedOrderAction = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ParkedOrderAction]: ...
    async def ReqOrderAction(
        self,
        fields: structs.InputOrderAction = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    async def ReqQryMaxOrderVolume(
        self,
        fields: structs.QryMaxOrderVolume = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.QryMaxOrderVolume]: ...
    async def ReqSettlementInfoConfirm(
        self,
        fields: structs.SettlementInfoConfirm = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SettlementInfoConfirm]: ...
    async def ReqRemoveParkedOrder(
        self,
        fields: structs.RemoveParkedOrder = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RemoveParkedOrder]: ...
    async def ReqRemoveParkedOrderAction(
        self,
        fields: structs.RemoveParkedOrderAction = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RemoveParkedOrderAction]: ...
    async def ReqExecOrderInsert(
        self,
        fields: structs.InputExecOrder = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    async def ReqExecOrderAction(
        self,
        fields: structs.InputExecOrderAction = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    async def ReqForQuoteInsert(
        self,
        fields: structs.InputForQuote = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    async def ReqQuoteInsert(
        self,
        fields: structs.InputQuote = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    async def ReqQuoteAction(
        self,
        fields: structs.InputQuoteAction = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    async def ReqBatchOrderAction(
        self,
        fields: structs.InputBatchOrderAction = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    async def ReqOptionSelfCloseInsert(
        self,
        fields: structs.InputOptionSelfClose = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    async def ReqOptionSelfCloseAction(
        self,
        fields: structs.InputOptionSelfCloseAction = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    async def ReqCombActionInsert(
        self,
        fields: structs.InputCombAction = ...,
        /,
        *,
        client_order_id: str = "",
    ) -> Order: ...
    async def ReqQryOrder(
        self,
        fields: structs.QryOrder = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Order]: ...
    async def ReqQryTrade(
        self,
        fields: structs.QryTrade = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Trade]: ...
    async def ReqQryInvestorPosition(
        self,
        fields: structs.QryInvestorPosition = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorPosition]: ...
    async def ReqQryTradingAccount(
        self,
        fields: structs.QryTradingAccount = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TradingAccount]: ...
    async def ReqQryInvestor(
        self,
        fields: structs.QryInvestor = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Investor]: ...
    async def ReqQryTradingCode(
        self,
        fields: structs.QryTradingCode = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TradingCode]: ...
    async def ReqQryInstrumentMarginRate(
        self,
        fields: structs.QryInstrumentMarginRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InstrumentMarginRate]: ...
    async def ReqQryInstrumentCommissionRate(
        self,
        fields: structs.QryInstrumentCommissionRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InstrumentCommissionRate]: ...
    async def ReqQryUserSession(
        self,
        fields: structs.QryUserSession = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.UserSession]: ...
    async def ReqQryExchange(
        self,
        fields: structs.QryExchange = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Exchange]: ...
    async def ReqQryProduct(
        self,
        fields: structs.QryProduct = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Product]: ...
    async def ReqQryInstrument(
        self,
        fields: structs.QryInstrument = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Instrument]: ...
    async def ReqQryDepthMarketData(
        self,
        fields: structs.QryDepthMarketData = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.DepthMarketData]: ...
    async def ReqQryTraderOffer(
        self,
        fields: structs.QryTraderOffer = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TraderOffer]: ...
    async def ReqQrySettlementInfo(
        self,
        fields: structs.QrySettlementInfo = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SettlementInfo]: ...
    async def ReqQryTransferBank(
        self,
        fields: structs.QryTransferBank = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TransferBank]: ...
    async def ReqQryInvestorPositionDetail(
        self,
        fields: structs.QryInvestorPositionDetail = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorPositionDetail]: ...
    async def ReqQryNotice(
        self,
        fields: structs.QryNotice = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Notice]: ...
    async def ReqQrySettlementInfoConfirm(
        self,
        fields: structs.QrySettlementInfoConfirm = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SettlementInfoConfirm]: ...
    async def ReqQryInvestorPositionCombineDetail(
        self,
        fields: structs.QryInvestorPositionCombineDetail = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorPositionCombineDetail]: ...
    async def ReqQryCFMMCTradingAccountKey(
        self,
        fields: structs.QryCFMMCTradingAccountKey = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.CFMMCTradingAccountKey]: ...
    async def ReqQryEWarrantOffset(
        self,
        fields: structs.QryEWarrantOffset = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.EWarrantOffset]: ...
    async def ReqQryInvestorProductGroupMargin(
        self,
        fields: structs.QryInvestorProductGroupMargin = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorProductGroupMargin]: ...
    async def ReqQryExchangeMarginRate(
        self,
        fields: structs.QryExchangeMarginRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ExchangeMarginRate]: ...
    async def ReqQryExchangeMarginRateAdjust(
        self,
        fields: structs.QryExchangeMarginRateAdjust = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ExchangeMarginRateAdjust]: ...
    async def ReqQryExchangeRate(
        self,
        fields: structs.QryExchangeRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ExchangeRate]: ...
    async def ReqQrySecAgentACIDMap(
        self,
        fields: structs.QrySecAgentACIDMap = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SecAgentACIDMap]: ...
    async def ReqQryProductExchRate(
        self,
        fields: structs.QryProductExchRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ProductExchRate]: ...
    async def ReqQryProductGroup(
        self,
        fields: structs.QryProductGroup = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ProductGroup]: ...
    async def ReqQryMMInstrumentCommissionRate(
        self,
        fields: structs.QryMMInstrumentCommissionRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.MMInstrumentCommissionRate]: ...
    async def ReqQryMMOptionInstrCommRate(
        self,
        fields: structs.QryMMOptionInstrCommRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.MMOptionInstrCommRate]: ...
    async def ReqQryInstrumentOrderCommRate(
        self,
        fields: structs.QryInstrumentOrderCommRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InstrumentOrderCommRate]: ...
    async def ReqQrySecAgentTradingAccount(
        self,
        fields: structs.QryTradingAccount = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TradingAccount]: ...
    async def ReqQrySecAgentCheckMode(
        self,
        fields: structs.QrySecAgentCheckMode = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SecAgentCheckMode]: ...
    async def ReqQrySecAgentTradeInfo(
        self,
        fields: structs.QrySecAgentTradeInfo = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SecAgentTradeInfo]: ...
    async def ReqQryOptionInstrTradeCost(
        self,
        fields: structs.QryOptionInstrTradeCost = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.OptionInstrTradeCost]: ...
    async def ReqQryOptionInstrCommRate(
        self,
        fields: structs.QryOptionInstrCommRate = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.OptionInstrCommRate]: ...
    async def ReqQryExecOrder(
        self,
        fields: structs.QryExecOrder = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ExecOrder]: ...
    async def ReqQryForQuote(
        self,
        fields: structs.QryForQuote = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ForQuote]: ...
    async def ReqQryQuote(
        self,
        fields: structs.QryQuote = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Quote]: ...
    async def ReqQryOptionSelfClose(
        self,
        fields: structs.QryOptionSelfClose = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.OptionSelfClose]: ...
    async def ReqQryInvestUnit(
        self,
        fields: structs.QryInvestUnit = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestUnit]: ...
    async def ReqQryCombInstrumentGuard(
        self,
        fields: structs.QryCombInstrumentGuard = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.CombInstrumentGuard]: ...
    async def ReqQryCombAction(
        self,
        fields: structs.QryCombAction = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.CombAction]: ...
    async def ReqQryTransferSerial(
        self,
        fields: structs.QryTransferSerial = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TransferSerial]: ...
    async def ReqQryAccountregister(
        self,
        fields: structs.QryAccountregister = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Accountregister]: ...
    async def ReqQryContractBank(
        self,
        fields: structs.QryContractBank = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ContractBank]: ...
    async def ReqQryParkedOrder(
        self,
        fields: structs.QryParkedOrder = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ParkedOrder]: ...
    async def ReqQryParkedOrderAction(
        self,
        fields: structs.QryParkedOrderAction = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ParkedOrderAction]: ...
    async def ReqQryTradingNotice(
        self,
        fields: structs.QryTradingNotice = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.TradingNotice]: ...
    async def ReqQryBrokerTradingParams(
        self,
        fields: structs.QryBrokerTradingParams = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.BrokerTradingParams]: ...
    async def ReqQryBrokerTradingAlgos(
        self,
        fields: structs.QryBrokerTradingAlgos = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.BrokerTradingAlgos]: ...
    async def ReqQueryCFMMCTradingAccountToken(
        self,
        fields: structs.QueryCFMMCTradingAccountToken = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.QueryCFMMCTradingAccountToken]: ...
    async def ReqFromBankToFutureByFuture(
        self,
        fields: structs.ReqTransfer = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    async def ReqFromFutureToBankByFuture(
        self,
        fields: structs.ReqTransfer = ...,
        /,
        *,
        on_late: Callable[[Row], None] = ...,
        timeout_s: float = 5.0,
    ) -> None: ...
    async def ReqQueryBankAccountMoneyByFuture(
        self,
        fields: structs.ReqQueryAccount = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.ReqQueryAccount]: ...
    async def ReqQryClassifiedInstrument(
        self,
        fields: structs.QryClassifiedInstrument = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.Instrument]: ...
    async def ReqQryCombPromotionParam(
        self,
        fields: structs.QryCombPromotionParam = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.CombPromotionParam]: ...
    async def ReqQryRiskSettleInvstPosition(
        self,
        fields: structs.QryRiskSettleInvstPosition = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RiskSettleInvstPosition]: ...
    async def ReqQryRiskSettleProductStatus(
        self,
        fields: structs.QryRiskSettleProductStatus = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RiskSettleProductStatus]: ...
    async def ReqQrySPBMFutureParameter(
        self,
        fields: structs.QrySPBMFutureParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMFutureParameter]: ...
    async def ReqQrySPBMOptionParameter(
        self,
        fields: structs.QrySPBMOptionParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMOptionParameter]: ...
    async def ReqQrySPBMIntraParameter(
        self,
        fields: structs.QrySPBMIntraParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMIntraParameter]: ...
    async def ReqQrySPBMInterParameter(
        self,
        fields: structs.QrySPBMInterParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMInterParameter]: ...
    async def ReqQrySPBMPortfDefinition(
        self,
        fields: structs.QrySPBMPortfDefinition = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMPortfDefinition]: ...
    async def ReqQrySPBMInvestorPortfDef(
        self,
        fields: structs.QrySPBMInvestorPortfDef = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMInvestorPortfDef]: ...
    async def ReqQryInvestorPortfMarginRatio(
        self,
        fields: structs.QryInvestorPortfMarginRatio = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorPortfMarginRatio]: ...
    async def ReqQryInvestorProdSPBMDetail(
        self,
        fields: structs.QryInvestorProdSPBMDetail = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorProdSPBMDetail]: ...
    async def ReqQryInvestorCommoditySPMMMargin(
        self,
        fields: structs.QryInvestorCommoditySPMMMargin = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorCommoditySPMMMargin]: ...
    async def ReqQryInvestorCommodityGroupSPMMMargin(
        self,
        fields: structs.QryInvestorCommodityGroupSPMMMargin = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorCommodityGroupSPMMMargin]: ...
    async def ReqQrySPMMInstParam(
        self,
        fields: structs.QrySPMMInstParam = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPMMInstParam]: ...
    async def ReqQrySPMMProductParam(
        self,
        fields: structs.QrySPMMProductParam = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPMMProductParam]: ...
    async def ReqQrySPBMAddOnInterParameter(
        self,
        fields: structs.QrySPBMAddOnInterParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.SPBMAddOnInterParameter]: ...
    async def ReqQryRCAMSCombProductInfo(
        self,
        fields: structs.QryRCAMSCombProductInfo = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RCAMSCombProductInfo]: ...
    async def ReqQryRCAMSInstrParameter(
        self,
        fields: structs.QryRCAMSInstrParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RCAMSInstrParameter]: ...
    async def ReqQryRCAMSIntraParameter(
        self,
        fields: structs.QryRCAMSIntraParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RCAMSIntraParameter]: ...
    async def ReqQryRCAMSInterParameter(
        self,
        fields: structs.QryRCAMSInterParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RCAMSInterParameter]: ...
    async def ReqQryRCAMSShortOptAdjustParam(
        self,
        fields: structs.QryRCAMSShortOptAdjustParam = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RCAMSShortOptAdjustParam]: ...
    async def ReqQryRCAMSInvestorCombPosition(
        self,
        fields: structs.QryRCAMSInvestorCombPosition = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RCAMSInvestorCombPosition]: ...
    async def ReqQryInvestorProdRCAMSMargin(
        self,
        fields: structs.QryInvestorProdRCAMSMargin = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorProdRCAMSMargin]: ...
    async def ReqQryRULEInstrParameter(
        self,
        fields: structs.QryRULEInstrParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RULEInstrParameter]: ...
    async def ReqQryRULEIntraParameter(
        self,
        fields: structs.QryRULEIntraParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RULEIntraParameter]: ...
    async def ReqQryRULEInterParameter(
        self,
        fields: structs.QryRULEInterParameter = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.RULEInterParameter]: ...
    async def ReqQryInvestorProdRULEMargin(
        self,
        fields: structs.QryInvestorProdRULEMargin = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorProdRULEMargin]: ...
    async def ReqQryInvestorPortfSetting(
        self,
        fields: structs.QryInvestorPortfSetting = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorPortfSetting]: ...
    async def ReqQryInvestorInfoCommRec(
        self,
        fields: structs.QryInvestorInfoCommRec = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InvestorInfoCommRec]: ...
    async def ReqQryCombLeg(
        self,
        fields: structs.QryCombLeg = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.CombLeg]: ...
    async def ReqOffsetSetting(
        self,
        fields: structs.InputOffsetSetting = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InputOffsetSetting]: ...
    async def ReqCancelOffsetSetting(
        self,
        fields: structs.InputOffsetSetting = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.InputOffsetSetting]: ...
    async def ReqQryOffsetSetting(
        self,
        fields: structs.QryOffsetSetting = ...,
        /,
        *,
        timeout_s: float = 30.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[structs.OffsetSetting]: ...
