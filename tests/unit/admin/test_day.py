"""What is asked for of the day's data, and the file that it becomes."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from admin.day.csv import csv_lines
from admin.day.query import COLUMNS, STREAMS, Query, QueryError
from admin.day.records import Record
from schemas import catalogue as catalogues

USUAL = {"stream": "ticks", "instrument": "rb2701", "account": "028742"}


def test_an_address_says_the_same_as_the_form() -> None:
    for stream in STREAMS:
        query = Query.of({**USUAL, "stream": stream, "day": "20261123", "latest": True}, ["028742"])
        assert Query.of(dict(parse_qsl(query.address)), ["028742"]) == query


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"stream": "secrets"}, "data.no_stream"),
        ({"day": "2026-11-23"}, "data.no_day"),
        ({"day": "../../etc"}, "data.no_day"),
        ({"instrument": ""}, "data.no_instrument"),
        ({"instrument": "rb*"}, "data.no_instrument"),
        ({"instrument": "a/b"}, "data.no_instrument"),
        ({"instrument": "x" * 81}, "data.no_instrument"),
        ({"stream": "orders", "account": "somebody"}, "data.no_account"),
        ({"stream": "orders", "account": None}, "data.no_account"),
    ],
)
def test_what_is_no_question_is_refused(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(QueryError) as caught:
        Query.of({**USUAL, **changes}, ["028742"])
    assert caught.value.key == key


def test_a_file_has_a_harmless_name() -> None:
    query = Query("ticks", "028742", 'IO2612-C-4400";x', "20261123")
    assert query.file_name == "ticks-IO2612-C-4400__x-20261123.csv"
    assert Query("orders", "028742").file_name == "orders-028742.csv"


def test_each_column_is_one_of_the_struct() -> None:
    catalogue = catalogues.load("openctp_ctp")
    structs = {
        "ticks": "DepthMarketData",
        "order_events": "Order",
        "trade_events": "Trade",
        "orders": "Order",
        "trades": "Trade",
        "assets": "TradingAccount",
        "positions": "InvestorPosition",
    }
    ours = {"at", "callback", "seq", "ErrorMsg"}
    for stream, columns in COLUMNS.items():
        names = {field.name for field in catalogue.layouts[structs[stream]].fields}
        assert set(columns) - names <= ours


def lines(*rows: dict[str, Any]) -> str:
    async def records() -> AsyncIterator[Record]:
        for row in rows:
            yield lambda row=row: row  # type: ignore[misc]

    async def all_of() -> str:
        return "".join([text async for text in csv_lines(records())])

    return asyncio.run(all_of())


def test_a_file_is_read_by_a_spreadsheet_as_it_was_meant() -> None:
    made = lines(
        {"name": "浦发,银行", "price": -1.5, "none": None},
        {"name": "=cmd()", "price": 1e-05, "none": ""},
    )
    assert made.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(made.removeprefix("\ufeff"))))
    assert rows[0] == {"name": "浦发,银行", "price": "-1.5", "none": ""}
    assert rows[1]["name"] == "'=cmd()"


def test_what_is_missing_is_a_line_too() -> None:
    made = lines({"gap": True, "seq": "1–4"}, {"seq": 5, "price": 1.0}, {"gap": True, "seq": "6–7"})
    rows = list(csv.DictReader(io.StringIO(made.removeprefix("\ufeff"))))
    assert [row["seq"] for row in rows] == ["1–4", "5", "6–7"]
    assert "1–4" in lines({"gap": True, "seq": "1–4"})


def test_nothing_is_a_file_without_lines() -> None:
    assert lines() == "\ufeff"
