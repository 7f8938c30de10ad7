"""The typed struct of any name: one of those written out in this package, or made on demand.

What is made has the same rules: CTP's names in snake_case, frozen, reserveN left out. A double is
None by default, and 0.0 in the structs of requests, where None would send DBL_MAX to the counter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ..layout import Field
from .account import InvestorPosition, TradingAccount
from .base import CtpStruct
from .market import Instrument, InstrumentStatus, SpecificInstrument, Tick
from .orders import InputOrder, InputOrderAction, Order, OrderAction, Trade
from .session import RspInfo, RspUserLogin

if TYPE_CHECKING:
    from ..catalogue import Catalogue

ALL: Final[tuple[type[CtpStruct], ...]] = (
    InputOrder,
    InputOrderAction,
    Instrument,
    InstrumentStatus,
    InvestorPosition,
    Order,
    OrderAction,
    RspInfo,
    RspUserLogin,
    SpecificInstrument,
    Tick,
    Trade,
    TradingAccount,
)

_WRITTEN: Final = {cls.struct_name: cls for cls in ALL}
_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*")
_RESERVED: Final = re.compile(r"reserve\d*")
_SECRET: Final = re.compile(r"pass_?word|auth_code|token")
_TYPES: Final[dict[str, tuple[type, Any]]] = {
    "s": (str, ""),
    "c": (str, ""),
    "h": (int, 0),
    "i": (int, 0),
    "q": (int, 0),
}


def attribute(ctp: str) -> str:
    """The attribute of a field: InstrumentID is instrument_id, BidPrice1 is bid_price1."""
    return "_".join(word.lower() for word in _WORD.findall(ctp))


def fields_of(catalogue: Catalogue, struct: str) -> list[Field]:
    """Those that mean something. KeyError when the API has no such struct."""
    fields = catalogue.layouts[struct].fields
    return [field for field in fields if not _RESERVED.fullmatch(field.name)]


def kind_of(catalogue: Catalogue, struct: str, field: Field) -> tuple[Any, Any]:
    """Type and default of an attribute."""
    if field.kind in _TYPES:
        return _TYPES[field.kind]
    return float | None, 0.0 if struct in _asked(catalogue) else None


def named(catalogue: Catalogue, struct: str) -> type[CtpStruct]:
    """The class of a struct by CTP's name without CThostFtdc and Field. KeyError when the API has
    no such struct."""
    written = _WRITTEN.get(struct)
    if written is not None:
        return written
    known: type[CtpStruct] | None = catalogue.typed_classes.get(struct)
    if known is None:
        known = catalogue.typed_classes[struct] = _made(catalogue, struct)
    return known


def _shown(self: CtpStruct) -> str:
    """The struct as it prints, without what is secret in it."""
    values = msgspec.structs.asdict(self)
    told = (f"{name}={'...' if _SECRET.search(name) else repr(values[name])}" for name in values)
    return f"{type(self).__name__}({', '.join(told)})"


def _made(catalogue: Catalogue, struct: str) -> type[CtpStruct]:
    fields = fields_of(catalogue, struct)
    made: type[Any] = msgspec.defstruct(
        struct,
        [(attribute(f.name), *kind_of(catalogue, struct, f)) for f in fields],
        bases=(CtpStruct,),
        namespace={
            "struct_name": struct,
            "__doc__": f"CThostFtdc{struct}Field.",
            "__repr__": _shown,
        },
        frozen=True,
        gc=False,
        rename={attribute(field.name): field.name for field in fields},
    )
    return made


def _asked(catalogue: Catalogue) -> frozenset[str]:
    requests = (*catalogue.td.requests.values(), *catalogue.md.requests.values())
    return frozenset(request.struct for request in requests)
