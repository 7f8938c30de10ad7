"""docs/xtp_mapping.md against the code: which fields of the counter a key depends on, and names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

import schemas.catalogue
from schemas.xtp import orders, price_types, structs
from schemas.xtp.enums import members, name_of
from schemas.xtp.errors import XtpError
from schemas.xtp.markets import MARKETS

from .test_golden import CALLS, FOLDER

DOCS: Final = Path(__file__).parents[4] / "docs"
LANGUAGES: Final = ("xtp_mapping.md", "xtp_mapping.zh.md")
CATALOGUE = schemas.catalogue.load()

# Heading of the document's table; golden file, call, struct of the counter, keys.
RECORDS: Final[dict[str, tuple[str, str, str, dict[str, Any]]]] = {
    "DepthMarketData": ("tick", "tick", "DepthMarketData", structs.TICK | structs.TICK_EXTRA),
    "XTPOrderInfo": ("order", "order", "Order", structs.ORDER | structs.ORDER_EXTRA),
    "XTPTradeReport": ("trade", "trade", "Trade", structs.TRADE | structs.TRADE_EXTRA),
    "XTPQueryAssetRsp": ("asset", "asset", "TradingAccount", structs.ASSET | structs.ASSET_EXTRA),
    "XTPQueryStkPositionRsp": (
        "position",
        "positions",
        "InvestorPosition",
        structs.POSITION | structs.POSITION_EXTRA,
    ),
}
_SIXTEEN: Final = {
    "DepthMarketData": structs.TICK,
    "XTPOrderInfo": structs.ORDER,
    "XTPTradeReport": structs.TRADE,
    "XTPQueryAssetRsp": structs.ASSET,
    "XTPQueryStkPositionRsp": structs.POSITION,
}
Call = Callable[[dict[str, Any]], object]
_TEXTS: Final = {
    "InstrumentID": ("SR701", "000001"),
    "ExchangeID": ("DCE", ""),
    "TradingDay": ("20261118", ""),
    "ActionDay": ("20261119", ""),
    **dict.fromkeys(("InsertTime", "UpdateTime", "CancelTime", "TradeTime"), ("08:30:00", "")),
}
_CHARS: Final = (*"0123456aG", "")
_FIELD: Final = re.compile(r"`([A-Z][A-Za-z]*\d?)`(?:…`[A-Za-z]*(\d)`)?")


def others(name: str, kind: str, value: Any) -> tuple[Any, ...]:
    """Values that the field might have as well."""
    if kind == "c":
        return _CHARS
    if kind == "s":
        return _TEXTS.get(name, ("7", ""))
    return ((value or 0) + 1, 0, None) if kind == "d" else ((value or 0) + 1, 0)


@cache
def dependencies(heading: str) -> dict[str, set[str]]:
    """By key: the counter's fields of which one, changed alone, changes it."""
    file, call, struct, keys = RECORDS[heading]
    found: dict[str, set[str]] = {key: set() for key in keys}
    for case in json.loads((FOLDER / f"{file}.json").read_text("utf-8")):
        many = isinstance(case["fields"], list)
        for row in case["fields"] if many else [case["fields"]]:
            if case["call"] == call:
                _change(CALLS[call], case, row, many, struct, found)
    return found


def _change(
    call: Call,
    case: dict[str, Any],
    row: dict[str, Any],
    many: bool,
    struct: str,
    found: dict[str, set[str]],
) -> None:
    def record(fields: dict[str, Any]) -> dict[str, Any]:
        made = call({**case, "fields": [fields] if many else fields})
        assert isinstance(made, dict | list)
        return made if isinstance(made, dict) else made[0]

    before = record(row)
    for field in CATALOGUE.layouts[struct].fields:
        for value in others(field.name, field.kind, row.get(field.name)):
            for key, changed in record({**row, field.name: value}).items():
                if changed != before[key]:
                    found[key].add(field.name)


def tables(language: str) -> dict[str, list[list[str]]]:
    """Rows by the first word of the heading above them, without the row of column names."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in (DOCS / language).read_text("utf-8").splitlines():
        if line.startswith("#"):
            heading = line.strip("# ").split()[0]
        elif line.startswith("|"):
            found.setdefault(heading, []).append([cell.strip() for cell in line[1:-1].split("|")])
    return {heading: rows[2:] for heading, rows in found.items()}


def named(cell: str) -> set[str]:
    """The counter's fields in a cell; `BidPrice1`…`BidPrice5` are five."""
    names: set[str] = set()
    for first, last in _FIELD.findall(cell):
        stem = first.rstrip("0123456789")
        names |= {f"{stem}{n}" for n in range(1, int(last) + 1)} if last else {first}
    return names


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("heading", RECORDS)
def test_every_key_and_what_it_comes_from(language: str, heading: str) -> None:
    wanted, documented = dependencies(heading), []
    extra = {key for key in RECORDS[heading][3] if key not in _SIXTEEN[heading]}
    for keys, source in tables(language)[heading]:
        for key in re.findall(r"\w+", keys):
            documented.append(key)
            # Which exchange and multiplier an instrument has is told in words.
            found = wanted[key] - ({"InstrumentID"} if key != "ticker" else set())
            found -= {"ExchangeID"} if key != "market" else set()
            assert named(source) == found, key
            assert ("*" in keys) == (key in extra), key
    assert documented == list(RECORDS[heading][3])


@pytest.mark.parametrize("language", LANGUAGES)
def test_markets(language: str) -> None:
    assert [(row[1], int(row[2]), int(row[3])) for row in tables(language)["market"]] == [
        (each.exchange, each.exchange_id, each.market) for each in MARKETS
    ]
    for row, market in zip(tables(language)["market"], MARKETS, strict=True):
        assert tuple(re.findall(r"\w+", row[0])) == market.names


@pytest.mark.parametrize("language", LANGUAGES)
def test_price_types(language: str) -> None:
    rows = {int(row[0].split()[0]): row for row in tables(language)["price_type"]}
    assert rows.keys() == price_types.KNOWN
    for number, (name, *cells) in rows.items():
        if number != price_types.LIMIT_FAK:
            assert name.split()[1] == name_of("XTP_PRICE_TYPE", number, 50)
        for exchange, cell in zip(("CFFEX", "DCE", "SHFE"), cells, strict=True):
            assert cell.split()[0] == terms(number, exchange), (number, exchange)


def terms(number: int, exchange: str) -> str:
    tick = {"UpperLimitPrice": 4.0, "LowerLimitPrice": 1.0, "BidPrice1": 2.0, "AskPrice1": 3.0}
    try:
        plain, minimum = (
            price_types.priced(number, exchange, True, 2.5, tick, fak) for fak in (False, True)
        )
    except XtpError:
        return "400"
    volume = plain[2] if plain == minimum else "FAK"
    return f"`{plain[0]}/{plain[1]}/{volume}`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_order_status(language: str) -> None:
    rows = tables(language)["order_status"]
    documented = {int(row[0].split()[0]): row[0].split()[1] for row in rows}
    numbers = members("XTP_ORDER_STATUS_TYPE", 16)
    del numbers["UNKNOWN"]
    assert documented == {number: name for name, number in numbers.items()}
    for row in rows:
        sent = orders.STATUS_BACK[int(row[0].split()[0])]
        assert set(sent) <= set(re.findall(r"`(\w)`", row[1]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_of_an_order_that_is_placed(language: str) -> None:
    keys = [
        key for row in tables(language)["XTPOrderInsertInfo"] for key in re.findall(r"\w+", row[0])
    ]
    assert keys == [*structs.INSERT, *structs.INSERT_EXTRA]
