"""Enumerations by generation, and what of them is ever sent."""

from __future__ import annotations

import pytest

from schemas.xtp import orders, price_types, sides
from schemas.xtp.enums import ENUMS, GENERATIONS, Generation, members, name_of
from schemas.xtp.markets import MARKETS

# The numbers that changed hands, and who has them.
CHANGED: list[tuple[str, int, Generation, str]] = [
    ("XTP_EXCHANGE_TYPE", 3, 50, "NQ"),
    ("XTP_MARKET_TYPE", 3, 50, "BJ_A"),
    ("XTP_MARKET_TYPE", 4, 50, "HK"),
    ("XTP_PRICE_TYPE", 8, 18, "LIMIT_OR_CANCEL"),
    ("XTP_SIDE_TYPE", 3, 16, "BUY_OPEN"),
    ("XTP_SIDE_TYPE", 6, 16, "SELL_CLOSE"),
    ("XTP_SIDE_TYPE", 3, 18, ""),
    ("XTP_SIDE_TYPE", 11, 16, ""),
    ("XTP_SIDE_TYPE", 11, 18, "COVER"),
    ("XTP_SIDE_TYPE", 25, 18, "CASH_REPAY_MARGIN"),
    ("XTP_SIDE_TYPE", 25, 32, ""),
    ("XTP_SIDE_TYPE", 27, 18, ""),
    ("XTP_SIDE_TYPE", 27, 32, "SURSTK_TRANS"),
    ("XTP_SIDE_TYPE", 34, 50, "OPT_SPLIT_FORCE_EXCH"),
    ("XTP_POSITION_EFFECT_TYPE", 1, 16, ""),
    ("XTP_POSITION_EFFECT_TYPE", 8, 18, ""),
    ("XTP_POSITION_EFFECT_TYPE", 8, 32, "CREDIT_FORCE_COVER"),
    ("XTP_BUSINESS_TYPE", 10, 16, ""),
    ("XTP_BUSINESS_TYPE", 10, 18, "OPTION"),
    ("XTP_BUSINESS_TYPE", 13, 18, ""),
    ("XTP_BUSINESS_TYPE", 13, 32, "OPTION_COMBINE"),
    ("XTP_BUSINESS_TYPE", 15, 32, ""),
    ("XTP_BUSINESS_TYPE", 15, 50, "BOND_SWAP_STOCK"),
    ("XTP_POSITION_SECURITY_TYPE", 1, 18, ""),
    ("XTP_POSITION_SECURITY_TYPE", 1, 32, "PLACEMENT"),
]


@pytest.mark.parametrize(("enum", "value", "generation", "name"), CHANGED)
def test_a_number_is_read_by_its_generation(
    enum: str, value: int, generation: Generation, name: str
) -> None:
    assert name_of(enum, value, generation) == name


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("enum", ENUMS)
def test_no_number_is_given_twice(enum: str, generation: Generation) -> None:
    found = members(enum, generation)
    assert len(set(found.values())) == len(found)
    for name, value in found.items():
        assert name_of(enum, value, generation) == ("" if name == "UNKNOWN" else name)


def test_what_orders_say_has_the_same_name_in_every_generation() -> None:
    status = members("XTP_ORDER_STATUS_TYPE", 16)
    assert [
        status[name]
        for name in (
            "INIT",
            "ALLTRADED",
            "PARTTRADEDQUEUEING",
            "PARTTRADEDNOTQUEUEING",
            "NOTRADEQUEUEING",
            "CANCELED",
            "REJECTED",
        )
    ] == [
        orders.INIT,
        orders.ALL_TRADED,
        orders.PART_QUEUEING,
        orders.PART_CANCELED,
        orders.QUEUEING,
        orders.CANCELED,
        orders.REJECTED,
    ]
    submit = members("XTP_ORDER_SUBMIT_STATUS_TYPE", 16)
    assert submit["INSERT_SUBMITTED"] == orders.SUBMITTED
    assert submit["INSERT_ACCEPTED"] == orders.ACCEPTED
    assert submit["INSERT_REJECTED"] == orders.INSERT_REJECTED
    assert submit["CANCEL_SUBMITTED"] == orders.CANCEL_SUBMITTED
    assert submit["CANCEL_REJECTED"] == orders.CANCEL_REJECTED
    assert submit["CANCEL_ACCEPTED"] == orders.CANCEL_ACCEPTED
    for enum in ("XTP_ORDER_STATUS_TYPE", "XTP_ORDER_SUBMIT_STATUS_TYPE", "XTP_ACCOUNT_TYPE"):
        assert len({tuple(members(enum, each).items()) for each in GENERATIONS}) == 1


def test_sides_and_effects_are_those_of_the_headers() -> None:
    for generation in GENERATIONS:
        side = members("XTP_SIDE_TYPE", generation)
        assert (side["BUY"], side["SELL"]) == (sides.BUY, sides.SELL)
    effect = members("XTP_POSITION_EFFECT_TYPE", 18)
    assert [effect[name] for name in ("OPEN", "CLOSE", "FORCECLOSE")] == [
        sides.OPEN,
        sides.CLOSE,
        sides.FORCE_CLOSE,
    ]
    assert [effect[name] for name in ("CLOSETODAY", "CLOSEYESTERDAY")] == [
        sides.CLOSE_TODAY,
        sides.CLOSE_YESTERDAY,
    ]
    assert [effect[name] for name in ("FORCEOFF", "LOCALFORCECLOSE")] == [
        sides.FORCE_OFF,
        sides.LOCAL_FORCE_CLOSE,
    ]


def test_price_types_are_those_of_the_headers() -> None:
    numbers = members("XTP_PRICE_TYPE", 50)
    del numbers["UNKNOWN"]
    assert {getattr(price_types, name): name for name in numbers} == {
        value: name for name, value in numbers.items()
    }
    assert set(numbers.values()) | {price_types.LIMIT_FAK} == price_types.KNOWN


def test_shanghai_and_shenzhen_are_numbered_both_ways() -> None:
    quotes, trading = members("XTP_EXCHANGE_TYPE", 16), members("XTP_MARKET_TYPE", 50)
    by_exchange = {market.exchange: market for market in MARKETS}
    shanghai, shenzhen = by_exchange["SSE"], by_exchange["SZSE"]
    assert (shanghai.exchange_id, shenzhen.exchange_id) == (quotes["SH"], quotes["SZ"]) == (1, 2)
    assert (shanghai.market, shenzhen.market) == (trading["SH_A"], trading["SZ_A"]) == (2, 1)
    assert by_exchange["BSE"].market == trading["BJ_A"]
    assert by_exchange["HKEX"].market == trading["HK"]
