"""Records of realistic stocks and futures, written down: tests/golden/xtp/*.json.

Each case: ``struct`` and ``fields`` of the counter (what is not named is 0 or empty, null is "no
value"), ``call`` and its other arguments, and the ``record`` with its keys in order.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

import schemas.catalogue
from schemas.closing import Closable
from schemas.xtp import account, insert, orders, ticks
from schemas.xtp.instruments import Instrument, Instruments
from schemas.xtp.tick_json import compile_tick_json

from ..test_calendar import at

FOLDER: Final = Path(__file__).parents[3] / "golden" / "xtp"
FILES: Final = sorted(FOLDER.glob("*.json"))
CASES: Final = [
    pytest.param(case, id=f"{path.stem}: {case['case']}")
    for path in FILES
    for case in json.loads(path.read_text("utf-8"))
]
CATALOGUE = schemas.catalogue.load()
INSTRUMENTS: Final = Instruments(
    [
        Instrument("rb2701", "SHFE", 10, "1", "螺纹钢2701"),
        Instrument("m2701", "DCE", 10, "1", "豆粕2701"),
        Instrument("SR701", "CZCE", 10, "1", "白糖701"),
        Instrument("IF2612", "CFFEX", 300, "1", "沪深2612"),
        Instrument("000001", "SZSE", 1, "E", "平安银行"),
        Instrument("600000", "SSE", 1, "E", "浦发银行"),
    ]
)


def unpacked(struct: str, fields: dict[str, Any]) -> dict[str, Any]:
    codec = CATALOGUE.codec(struct)
    return codec.unpack(codec.pack(fields))


def tick(case: dict[str, Any]) -> object:
    codec = CATALOGUE.codec("DepthMarketData")
    raw = codec.pack(case["fields"])
    instrument = INSTRUMENTS.find(case["fields"]["InstrumentID"])
    arguments = (instrument.exchange, instrument.multiplier, at(case["received"]))
    record = ticks.tick(codec.unpack(raw), *arguments)
    assert compile_tick_json(codec.layout)(raw, *arguments) == json.dumps(record).encode()
    return record


def order(case: dict[str, Any]) -> object:
    names = orders.OrderNames(**case["names"])
    amount = case.get("trade_amount", 0.0)
    fields = unpacked("Order", case["fields"])
    return orders.order(fields, names, at(case["received"]), trade_amount=amount)


def refused(case: dict[str, Any]) -> object:
    names, fields = orders.OrderNames(**case["names"]), unpacked("InputOrder", case["fields"])
    return orders.refused(fields, case["info"], names, at(case["received"]))


def trade(case: dict[str, Any]) -> object:
    fields, names = unpacked("Trade", case["fields"]), orders.OrderNames(**case["names"])
    instrument = INSTRUMENTS.find(fields["InstrumentID"])
    return orders.trade(fields, names, instrument.multiplier, at(case["received"]))


def asset(case: dict[str, Any]) -> object:
    return account.asset(unpacked("TradingAccount", case["fields"]), stock=case["stock"])


def positions(case: dict[str, Any]) -> object:
    rows = [unpacked("InvestorPosition", row) for row in case["fields"]]
    return account.positions(rows, INSTRUMENTS)


def place(case: dict[str, Any]) -> object:
    params = case["fields"]
    instrument = INSTRUMENTS.find(params["ticker"], params.get("market"))
    closable = Closable(*case["closable"]) if "closable" in case else None
    return insert.insert(params, instrument, case["tick"], closable=closable).fields


CALLS: Final = {
    "tick": tick,
    "order": order,
    "refused": refused,
    "trade": trade,
    "asset": asset,
    "positions": positions,
    "insert": place,
}


@pytest.mark.parametrize("case", CASES)
def test_the_record_is_as_written_down(case: dict[str, Any]) -> None:
    made = CALLS[case["call"]](case)
    # As text: keys in order, 0 is not 0.0.
    assert json.dumps(made, indent=1) == json.dumps(case["record"], indent=1)


def test_every_record_is_there() -> None:
    assert {case.values[0]["call"] for case in CASES} == set(CALLS)  # type: ignore[index]
