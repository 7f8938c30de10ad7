"""Tables that stay as they are for a trading day.

What the exchanges and the broker set up before the day, and change by the settlement: contracts,
products, rates, parameters of margin models. Not here, though they look alike: exchange rates and
investors (changed during the day), prices, and everything that orders or money change.

A broker may set an account's rates during the day all the same. ``Call.fresh`` asks anew, and so
does the first query of the next trading day.
"""

from __future__ import annotations

from typing import Final

# The rows are the same whoever asks.
SHARED: Final = frozenset(
    {
        "ReqQryExchange",
        "ReqQryProduct",
        "ReqQryProductGroup",
        "ReqQryInstrument",
        "ReqQryClassifiedInstrument",
        "ReqQryCombInstrumentGuard",
        "ReqQryCombLeg",
        "ReqQryCombPromotionParam",
        "ReqQryExchangeMarginRate",
        "ReqQryExchangeMarginRateAdjust",
        "ReqQryTransferBank",
        "ReqQryContractBank",
        "ReqQrySPBMFutureParameter",
        "ReqQrySPBMOptionParameter",
        "ReqQrySPBMIntraParameter",
        "ReqQrySPBMInterParameter",
        "ReqQrySPBMAddOnInterParameter",
        "ReqQrySPBMPortfDefinition",
        "ReqQrySPMMInstParam",
        "ReqQrySPMMProductParam",
        "ReqQryRCAMSCombProductInfo",
        "ReqQryRCAMSInstrParameter",
        "ReqQryRCAMSIntraParameter",
        "ReqQryRCAMSInterParameter",
        "ReqQryRCAMSShortOptAdjustParam",
        "ReqQryRULEInstrParameter",
        "ReqQryRULEIntraParameter",
        "ReqQryRULEInterParameter",
    }
)

# The rows are those of the account that asks.
OWN: Final = frozenset(
    {
        "ReqQryInstrumentMarginRate",
        "ReqQryInstrumentCommissionRate",
        "ReqQryInstrumentOrderCommRate",
        "ReqQryOptionInstrCommRate",
        "ReqQryMMInstrumentCommissionRate",
        "ReqQryMMOptionInstrCommRate",
        "ReqQryBrokerTradingParams",
        "ReqQryBrokerTradingAlgos",
    }
)


def is_day_table(method: str) -> bool:
    return method in SHARED or method in OWN
