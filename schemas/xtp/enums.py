"""Members of XTP's enumerations, by generation of its headers.

Generations: 16 (1.1.16 of 2017), 18 (1.1.18), 32 (2.2.32), 50 (2.2.50). UNKNOWN moves from one to
the next, so its number means something else to another client: it is never sent, and 3, 8, 10, 13,
15 and 27 are read by the generation of who sent them.
"""

from __future__ import annotations

from typing import Final, Literal

from .errors import XtpError, wrong

Generation = Literal[16, 18, 32, 50]
GENERATIONS: Final[tuple[Generation, ...]] = (16, 18, 32, 50)

# An enumeration, then what each generation added; -NAME: gone again.
_TABLE: Final = """
XTP_EXCHANGE_TYPE
  16 SH 1 SZ 2 UNKNOWN 3
  50 NQ 3 UNKNOWN 4
XTP_MARKET_TYPE
  16 INIT 0 SZ_A 1 SH_A 2 UNKNOWN 3
  50 BJ_A 3 HK 4 UNKNOWN 5
XTP_PRICE_TYPE
  16 LIMIT 1 BEST_OR_CANCEL 2 BEST5_OR_LIMIT 3 BEST5_OR_CANCEL 4 ALL_OR_CANCEL 5
  16 FORWARD_BEST 6 REVERSE_BEST_LIMIT 7 UNKNOWN 8
  18 LIMIT_OR_CANCEL 8 UNKNOWN 9
XTP_SIDE_TYPE
  16 BUY 1 SELL 2 BUY_OPEN 3 SELL_OPEN 4 BUY_CLOSE 5 SELL_CLOSE 6
  16 PURCHASE 7 REDEMPTION 8 SPLIT 9 MERGE 10 UNKNOWN 11
  18 -BUY_OPEN -SELL_OPEN -BUY_CLOSE -SELL_CLOSE COVER 11 FREEZE 12
  18 MARGIN_TRADE 21 SHORT_SELL 22 REPAY_MARGIN 23 REPAY_STOCK 24 CASH_REPAY_MARGIN 25
  18 STOCK_REPAY_STOCK 26 UNKNOWN 27
  32 -CASH_REPAY_MARGIN SURSTK_TRANS 27 GRTSTK_TRANSIN 28 GRTSTK_TRANSOUT 29
  32 OPT_COMBINE 31 OPT_SPLIT 32 OPT_SPLIT_FORCE 33 OPT_SPLIT_FORCE_EXCH 34 UNKNOWN 50
XTP_POSITION_EFFECT_TYPE
  18 INIT 0 OPEN 1 CLOSE 2 FORCECLOSE 3 CLOSETODAY 4 CLOSEYESTERDAY 5 FORCEOFF 6
  18 LOCALFORCECLOSE 7 UNKNOWN 8
  32 CREDIT_FORCE_COVER 8 CREDIT_FORCE_CLEAR 9 CREDIT_FORCE_DEBT 10 CREDIT_FORCE_UNCOND 11
  32 UNKNOWN 12
XTP_ORDER_STATUS_TYPE
  16 INIT 0 ALLTRADED 1 PARTTRADEDQUEUEING 2 PARTTRADEDNOTQUEUEING 3 NOTRADEQUEUEING 4
  16 CANCELED 5 REJECTED 6 UNKNOWN 7
XTP_ORDER_SUBMIT_STATUS_TYPE
  16 INSERT_SUBMITTED 1 INSERT_ACCEPTED 2 INSERT_REJECTED 3 CANCEL_SUBMITTED 4
  16 CANCEL_REJECTED 5 CANCEL_ACCEPTED 6
XTP_BUSINESS_TYPE
  16 CASH 0 IPOS 1 REPO 2 ETF 3 MARGIN 4 DESIGNATION 5 ALLOTMENT 6
  16 STRUCTURED_FUND_PURCHASE_REDEMPTION 7 STRUCTURED_FUND_SPLIT_MERGE 8 MONEY_FUND 9 UNKNOWN 10
  18 OPTION 10 EXECUTE 11 FREEZE 12 UNKNOWN 13
  32 OPTION_COMBINE 13 EXECUTE_COMBINE 14 UNKNOWN 15
  50 BOND_SWAP_STOCK 15 UNKNOWN 16
XTP_ACCOUNT_TYPE
  16 NORMAL 0 CREDIT 1 DERIVE 2 UNKNOWN 3
XTP_POSITION_DIRECTION_TYPE
  18 NET 0 LONG 1 SHORT 2 COVERED 3
XTP_POSITION_SECURITY_TYPE
  32 NORMAL 0 PLACEMENT 1 UNKNOWN 2
"""


def _read() -> dict[tuple[str, Generation], dict[str, int]]:
    found: dict[tuple[str, Generation], dict[str, int]] = {}
    for block in _TABLE.strip().split("\nXTP"):
        enum, *lines = block.splitlines()
        members: dict[str, int] = {}
        for generation in GENERATIONS:
            for line in lines:
                since, *words = line.split()
                if int(since) == generation:
                    _change(members, words)
            found["XTP" + enum.removeprefix("XTP"), generation] = dict(members)
    return found


def _change(members: dict[str, int], words: list[str]) -> None:
    rest = iter(words)
    for word in rest:
        if word.startswith("-"):
            del members[word[1:]]
        else:
            members[word] = int(next(rest))


_MEMBERS: Final = _read()
ENUMS: Final = tuple(dict.fromkeys(enum for enum, _ in _MEMBERS))


def members(enum: str, generation: Generation) -> dict[str, int]:
    """Numbers by name; empty where that generation had no such enumeration."""
    return dict(_MEMBERS[enum, generation])


def name_of(enum: str, value: int, generation: Generation | None = None) -> str:
    """The member with this number, "" without one and for UNKNOWN. Without a generation the latest
    name that the number has had."""
    for each in reversed(GENERATIONS) if generation is None else (generation,):
        for name, number in _MEMBERS[enum, each].items():
            if number == value and name != "UNKNOWN":
                return name
    return ""


def unsupported(key: str, enum: str, value: int) -> XtpError:
    """Of a client's number; its name tells him which header he has."""
    name = name_of(enum, value)
    return wrong(f"{key} {value}{f' ({name})' if name else ''} is not supported")
