"""The structs of the hot paths as typed, frozen msgspec Structs.

    tick = decode(Tick, raw, catalogue)        # struct bytes -> Tick
    tick.bid_price1                            # None where CTP sent "no value"
    raw = encode(InputOrder(instrument_id="rb2610", limit_price=3500.0), catalogue)
    msgspec.json.encode(tick)                  # with CTP's names: {"TradingDay": ...}

    named(catalogue, "QryInstrument")         # the class of any other struct, made on demand

By name and without types all structs go through :class:`schemas.codec.Codec`.
"""

from .account import InvestorPosition, TradingAccount
from .base import CtpStruct, ctp_name
from .convert import decode, decoder, encode
from .market import Instrument, InstrumentStatus, SpecificInstrument, Tick
from .named import ALL, named
from .orders import InputOrder, InputOrderAction, Order, OrderAction, Trade
from .session import RspInfo, RspUserLogin

__all__ = [
    "ALL",
    "CtpStruct",
    "InputOrder",
    "InputOrderAction",
    "Instrument",
    "InstrumentStatus",
    "InvestorPosition",
    "Order",
    "OrderAction",
    "RspInfo",
    "RspUserLogin",
    "SpecificInstrument",
    "Tick",
    "Trade",
    "TradingAccount",
    "ctp_name",
    "decode",
    "decoder",
    "encode",
    "named",
]
