"""Markets and codes as clients write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.xtp import markets
from schemas.xtp.errors import XtpError
from schemas.xtp.instruments import Instrument, Instruments
from schemas.xtp.markets import MARKETS, code_of, exchange_id, market_number, market_of

TABLE = Instruments(
    [
        Instrument("000001", "SZSE", 1, "E", "平安银行"),
        Instrument("000001", "SSE", 1, "I", "上证指数"),
        Instrument("600000", "SSE", 1, "4", "浦发银行"),
        Instrument("000002", "SZSE", 1, "E", "万科A"),
        Instrument("rb2701", "SHFE", 10, "1", "螺纹钢2701"),
        Instrument("00700", "HKEX", 1, "E", "腾讯控股"),
        Instrument("10004321", "SSE", 10000, "2", "50ETF购"),
    ]
)

# market, and the exchange whose market it is
GOLDEN: list[tuple[Any, str]] = [
    (1, "SZSE"),
    (2, "SSE"),
    ("1", "SZSE"),
    (" 2 ", "SSE"),
    ("SH", "SSE"),
    ("sh", "SSE"),
    ("sse", "SSE"),
    ("Sz", "SZSE"),
    ("SZSE", "SZSE"),
    ("bj", "BSE"),
    (3, "BSE"),
    ("BSE", "BSE"),
    ("hk", "HKEX"),
    (4, "HKEX"),
    (101, "SHFE"),
    ("102", "DCE"),
    ("czce", "CZCE"),
    (104, "CFFEX"),
    ("INE", "INE"),
    (106, "GFEX"),
    (None, ""),
    ("", ""),
    (0, ""),
    ("0", ""),
]


@pytest.mark.parametrize(("value", "exchange"), GOLDEN)
def test_a_market_is_a_text_or_a_number(value: Any, exchange: str) -> None:
    assert market_of(value) == exchange


def test_swapped_markets_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read as ``exchange_id``, the numbers send an order to the other exchange."""
    monkeypatch.setattr(
        markets, "_BY_NUMBER", {each.exchange_id: each.exchange for each in MARKETS}
    )
    with pytest.raises(AssertionError):
        test_a_market_is_a_text_or_a_number(1, "SZSE")


@pytest.mark.parametrize(
    "value", [5, 100, 107, -1, "XX", "SH SZ", "²", "９", True, 1.0, [], {}, "9" * 5000]
)
def test_other_markets_are_refused(value: Any) -> None:
    with pytest.raises(XtpError) as caught:
        market_of(value)
    assert caught.value.stat == 400


@pytest.mark.parametrize("market", MARKETS)
def test_each_market_is_found_by_all_that_it_is_called(market: Any) -> None:
    for name in market.names:
        assert market_of(name) == market_of(name.lower()) == market.exchange
    assert market_of(market_number(market.exchange)) == market.exchange
    assert market_of(str(market.market)) == market.exchange


def test_an_exchange_that_is_not_known_has_the_number_of_none() -> None:
    assert exchange_id("NYSE") == market_number("NYSE") == exchange_id("") == 0


@pytest.mark.parametrize(
    ("value", "exchange", "code"),
    [
        (1, "SZSE", "000001"),
        (600000, "SSE", "600000"),
        (830799, "BSE", "830799"),
        (700, "HKEX", "700"),
        (1, "", "1"),
        (" 000001 ", "SZSE", "000001"),
        ("1", "SZSE", "1"),
        ("rb2701", "SHFE", "rb2701"),
    ],
)
def test_only_mainland_codes_get_their_zeros_back(value: Any, exchange: str, code: str) -> None:
    assert code_of(value, exchange) == code


@pytest.mark.parametrize("value", [None, "", "  ", True, -1, 1.0, []])
def test_other_codes_are_refused(value: Any) -> None:
    with pytest.raises(XtpError):
        code_of(value, "SZSE")


@pytest.mark.parametrize(
    ("code", "market", "exchange"),
    [
        ("000001", "SZ", "SZSE"),
        ("000001", 1, "SZSE"),
        ("000001", 2, "SSE"),
        (1, "sz", "SZSE"),
        (1, 2, "SSE"),
        (2, None, "SZSE"),
        ("600000", "", "SSE"),
        ("rb2701", None, "SHFE"),
        ("rb2701", 101, "SHFE"),
        ("00700", None, "HKEX"),
    ],
)
def test_a_code_is_found(code: Any, market: Any, exchange: str) -> None:
    assert TABLE.find(code, market).exchange == exchange


@pytest.mark.parametrize(
    ("code", "market", "stat"),
    [
        ("000001", None, 400),
        (1, None, 400),
        ("999999", None, 404),
        ("600000", "SZ", 404),
        (700, "HK", 404),
        ("RB2701", None, 404),
        ("rb2701", "nowhere", 400),
    ],
)
def test_a_code_that_is_not_found(code: Any, market: Any, stat: int) -> None:
    with pytest.raises(XtpError) as caught:
        TABLE.find(code, market)
    assert caught.value.stat == stat


def test_the_counters_own_names() -> None:
    assert TABLE.get("000001", "SSE") == Instrument("000001", "SSE", 1, "I", "上证指数")
    assert TABLE.get("000001") is None
    assert TABLE.get("rb2701") is not None
    assert TABLE.get("rb2701", "DCE") is None
    assert len(TABLE) == len(list(TABLE)) == 7


def test_without_a_table_the_words_must_do() -> None:
    empty = Instruments()
    assert empty.guess(1, "SZ") == Instrument("000001", "SZSE")
    assert empty.guess("rb2701") == Instrument("rb2701", "SHFE")
    assert TABLE.guess("rb2701").multiplier == 10
    with pytest.raises(XtpError):
        empty.guess("000001")
    with pytest.raises(XtpError):
        TABLE.guess("rb2799")


@pytest.mark.parametrize(
    ("code", "market", "stock", "option"),
    [
        ("600000", None, True, False),
        ("000001", "SH", True, False),
        ("rb2701", None, False, False),
        ("10004321", None, False, True),
    ],
)
def test_stocks_and_options(code: str, market: Any, stock: bool, option: bool) -> None:
    found = TABLE.find(code, market)
    assert (found.is_stock, found.is_option) == (stock, option)


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()))
def test_nothing_else_is_raised(value: Any) -> None:
    for call in (market_of, TABLE.find, TABLE.guess, lambda each: TABLE.find("rb2701", each)):
        try:
            call(value)
        except XtpError as exc:
            assert exc.stat in (400, 404)
