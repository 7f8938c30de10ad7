"""The listing: enough, unique, of true form, live on any date."""

from __future__ import annotations

import re
from collections import Counter as Tally
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.exchange.instruments import FUTURE, listing
from sim.exchange.products import EXCHANGES, futures

DAY = date(2026, 11, 20)
DAYS = st.dates(date(2025, 1, 1), date(2031, 12, 31))
FUTURES_EXCHANGES = {"SHFE", "INE", "DCE", "CZCE", "CFFEX", "GFEX"}


def test_there_are_600_futures_and_options_and_40_securities() -> None:
    by_exchange = Tally(i.exchange for i in listing(DAY).values())
    assert set(by_exchange) == set(EXCHANGES)
    assert sum(by_exchange[e] for e in FUTURES_EXCHANGES) >= 600
    assert by_exchange["SSE"] + by_exchange["SZSE"] >= 40


@pytest.mark.parametrize("exchange", sorted(FUTURES_EXCHANGES))
def test_every_futures_exchange_has_futures_and_options(exchange: str) -> None:
    classes = {i.is_option for i in listing(DAY).values() if i.exchange == exchange}
    assert classes == {True, False}


@pytest.mark.parametrize(
    ("code", "exchange"),
    [
        ("000001", "SZSE"),
        ("000003", "SZSE"),
        ("300359", "SZSE"),
        ("600000", "SSE"),
        ("399001", "SZSE"),
        ("399006", "SZSE"),
    ],
)
def test_well_known_securities_are_there(code: str, exchange: str) -> None:
    assert listing(DAY)[code].exchange == exchange


@pytest.mark.parametrize("code", ["cu2701", "sc2701", "m2701", "SR701", "IF2612", "si2701"])
def test_futures_are_spelled_as_their_exchange_spells_them(code: str) -> None:
    assert code in listing(DAY)


@pytest.mark.parametrize(
    "code",
    ["cu2612C79000", "sc2612C490", "m2701-C-3000", "SR701C5700", "IO2611-P-4500", "si2701-C-8800"],
)
def test_options_are_spelled_as_their_exchange_spells_them(code: str) -> None:
    assert code in listing(DAY)


@pytest.mark.parametrize(
    ("code", "multiplier", "tick"),
    [
        ("cu", 5, 10.0),
        ("au", 1000, 0.02),
        ("sc", 1000, 0.1),
        ("m", 10, 1.0),
        ("i", 100, 0.5),
        ("TA", 5, 2.0),
        ("IF", 300, 0.2),
        ("T", 10_000, 0.005),
        ("TS", 20_000, 0.002),
        ("lc", 1, 20.0),
    ],
)
def test_multipliers_and_ticks_are_true(code: str, multiplier: int, tick: float) -> None:
    product = futures()[code]
    assert (product.multiplier, float(product.tick)) == (multiplier, tick)


@settings(max_examples=40, deadline=None)
@given(DAYS)
def test_every_contract_is_live_and_its_numbers_make_sense(day: date) -> None:
    listed = listing(day)
    assert len(listed) >= 640
    for key, i in listed.items():
        assert key == i.id and len(i.id.encode()) <= 30
        assert i.expiry >= day
        assert i.limit > 0 and i.tick_value > 0 and i.multiplier > 0
        assert i.price(i.reference) > 0
        assert i.ticks(i.price(i.reference)) == i.reference
        assert len(i.name.encode("gb18030")) <= 20
        if i.is_option:
            assert i.strike is not None and i.underlying in listed
            assert i.expiry <= listed[i.underlying].expiry


@settings(max_examples=20, deadline=None)
@given(DAYS)
def test_codes_tell_the_delivery_month(day: date) -> None:
    for i in listing(day).values():
        if i.product_class == FUTURE:
            digits = re.sub(r"^[A-Za-z]+", "", i.id)
            year = f"{i.year % 10}" if i.exchange == "CZCE" else f"{i.year % 100:02}"
            assert digits == f"{year}{i.month:02}"


def test_prices_of_ticks_are_the_nearest_doubles() -> None:
    gold = listing(DAY)["au2612"]
    assert [gold.price(n) for n in (39_000, 39_001, 39_003)] == [780.0, 780.02, 780.06]
    fund = listing(DAY)["510300"]
    assert fund.price(4681) == 4.681
