"""What all typed structs share: the naming rule and the options."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

# Words that CTP writes in capitals.
_CAPITALS: Final = frozenset(
    {"id", "ip", "gtd", "sn", "dr", "zce", "shfe", "dce", "czce", "ffex", "ine", "gfex"}
)


def ctp_name(attribute: str) -> str:
    """CTP's name of an attribute: instrument_id is InstrumentID, bid_price1 is BidPrice1."""
    return "".join(
        word.upper() if word in _CAPITALS else word.capitalize() for word in attribute.split("_")
    )


class CtpStruct(msgspec.Struct, frozen=True, gc=False, rename=ctp_name):
    """One struct of the CTP API, with the fields of 6.7.11 in memory order.

    Left out are the fields named reserveN: they hold the place of InstrumentID, ExchangeInstID,
    ProductID or IPAddress from the time before those grew, and mean nothing.
    Text is as the counter sent it, blanks included; a flag of one character is "" when unset.
    Dates are "YYYYMMDD", times "HH:MM:SS" in China Standard Time. In what a counter sends, a
    double is None where CTP wrote DBL_MAX ("no value"), and None is also the default for fields
    that an older API does not have.
    """

    struct_name: ClassVar[str]
    """CTP's name without CThostFtdc and Field: the key of ``catalogue.layouts``."""
