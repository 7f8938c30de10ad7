"""Ticks, returns and answers as tables."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pandas
import polars
import pytest

from bus.client import Client, Fresh, Gap, Return, Tick, structs
from bus.client.items import Item
from bus.client.tables import answer_rows, columns, to_pandas, to_polars
from bus.endpoints import Addresses
from bus.frames import Flag, join_body, message_type
from bus.history import Answered
from schemas import catalogue as catalogues

CATALOGUE = catalogues.load()
DAY_NS = 1_795_399_200_000_000_000  # 2026-11-23 10:00:00 in Shanghai
TOPIC = "tick/rb2701/"


@pytest.fixture
def client() -> Iterator[Client]:
    addresses = dict.fromkeys(("md_pub", "md_rpc", "td_pub", "td_rpc"), "inproc://nobody")
    client = Client(Addresses(**addresses))  # type: ignore[arg-type]
    yield client
    asyncio.run(client.close())


def tick(seq: int, **values: Any) -> Tick:
    fields: dict[str, Any] = {
        "InstrumentID": "rb2701",
        "TradingDay": "20261123",
        "ActionDay": "20261123",
        "UpdateTime": "10:00:00",
        "UpdateMillisec": 500,
        "LastPrice": 3100.0 + seq,
        "Volume": seq,
        "AskPrice1": None,
    }
    body = CATALOGUE.codec("DepthMarketData").pack(fields | values)
    kind = message_type("OnRtnDepthMarketData")
    return Tick(TOPIC, 7, seq, DAY_NS + seq, 0, kind, CATALOGUE.layout_id, Flag.HAS_FIELD, body)


def returned(name: str, struct: str, seq: int, **values: Any) -> Return:
    flags, body = join_body(CATALOGUE.codec(struct).pack(values), None)
    kind = message_type(name)
    return Return("td/9999/1/", 7, seq, DAY_NS, 0, kind, CATALOGUE.layout_id, flags, body)


def gap(first: int, last: int | None) -> Gap:
    return Gap(TOPIC, 7, first, last, "lost")


ITEMS: list[Item] = [
    tick(1),
    tick(2),
    gap(3, 5),
    Fresh(TOPIC),
    tick(6),
    gap(7, None),
    gap(8, 9),
    tick(10),
]


def test_pandas_has_times_numbers_and_what_is_missing(client: Client) -> None:
    frame = to_pandas(client, [*ITEMS, tick(11, UpdateTime="")])
    assert list(frame.columns[:5]) == ["recv_time", "exchange_time", "epoch", "seq", "missing"]
    assert list(frame["seq"]) == [1, 2, 6, 10, 11]
    assert list(frame["missing"]) == [0, 0, 3, -1, 0]
    assert str(frame["recv_time"].dtype) == "datetime64[ns, Asia/Shanghai]"
    assert frame["recv_time"].iloc[0].value == DAY_NS + 1
    assert str(frame["exchange_time"].iloc[0]) == "2026-11-23 10:00:00.500000+08:00"
    assert pandas.isna(frame["exchange_time"].iloc[4])
    assert frame["LastPrice"].dtype == "float64"
    assert frame["AskPrice1"].isna().all()
    assert list(frame["InstrumentID"].unique()) == ["rb2701"]


def test_polars_has_the_same(client: Client) -> None:
    frame = to_polars(client, ITEMS)
    same = to_pandas(client, ITEMS)
    assert frame.columns == list(same.columns)
    assert frame["missing"].to_list() == list(same["missing"])
    assert frame["recv_time"].dtype == polars.Datetime("ns", "Asia/Shanghai")
    assert frame["recv_time"].to_physical().to_list() == [DAY_NS + seq for seq in (1, 2, 6, 10)]
    assert frame["LastPrice"].to_list() == list(same["LastPrice"])
    assert frame["AskPrice1"].null_count() == 4


def test_without_rows_the_table_is_empty(client: Client) -> None:
    assert to_pandas(client, [gap(1, 2)]).empty
    assert to_polars(client, []).is_empty()


def test_returns_of_one_kind_make_a_table_and_of_several_none(client: Client) -> None:
    order = returned("OnRtnOrder", "Order", 1, OrderRef="1", LimitPrice=3100.0)
    trade = returned("OnRtnTrade", "Trade", 2, TradeID="5", Volume=2)
    assert list(to_pandas(client, [trade, trade])["Volume"]) == [2, 2]
    assert "exchange_time" not in columns(client, [order])
    with pytest.raises(ValueError, match="Order, Trade"):
        to_pandas(client, [order, trade])


def test_answers_and_what_the_recorder_kept_of_them(client: Client) -> None:
    rows = [structs.Trade(trade_id="1", volume=3), structs.Trade(trade_id="2", volume=4)]
    assert list(to_pandas(client, rows)["Volume"]) == [3, 4]
    with pytest.raises(ValueError, match="Order, Trade"):
        to_polars(client, [structs.Order(), structs.Trade()])
    raw = CATALOGUE.codec("Trade").pack({"TradeID": "9", "Volume": 5})
    answered = Answered(
        number=1,
        day="20261123",
        epoch=7,
        answer=1,
        request_ids=[1],
        asked_ns=1,
        arrived_ns=2,
        layout=CATALOGUE.layout_id,
        first=0,
        rows=[raw],
        last=True,
        error_id=0,
        error_msg="",
    )
    assert to_polars(client, answer_rows(client, "trades", [answered]))["TradeID"].to_list() == [
        "9"
    ]


def test_ticks_of_another_version_of_the_api_are_an_error(client: Client) -> None:
    old = tick(1)
    with pytest.raises(ValueError, match="another version"):
        to_pandas(client, [msgspec.structs.replace(old, body=b"")])


def test_the_sdk_needs_neither_pandas_nor_polars() -> None:
    code = "import sys, bus.client.tables, bus.client.sync; print(sorted(NAMES & {*sys.modules}))"
    code = code.replace("NAMES", "{'pandas', 'polars', 'numpy'}")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
