"""Whatever a counter sends becomes a record with its keys in order, and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas.catalogue
from schemas.xtp import structs
from schemas.xtp.account import asset, positions
from schemas.xtp.instruments import Instrument, Instruments
from schemas.xtp.order_ids import OrderIds
from schemas.xtp.orders import OrderNames, order, refused, trade

CATALOGUE = schemas.catalogue.load()
NAMES = OrderNames(1)
NOW = 1_795_000_000_000_000_000
Fields = dict[str, Any]
INFO = {"ErrorID": 1, "ErrorMsg": "x"}
RECORDS: list[tuple[str, Callable[[Fields], Fields], Fields]] = [
    ("Order", lambda f: order(f, NAMES, NOW), structs.ORDER | structs.ORDER_EXTRA),
    ("InputOrder", lambda f: refused(f, INFO, NAMES, NOW), structs.ORDER | structs.ORDER_EXTRA),
    ("Trade", lambda f: trade(f, NAMES, 10, NOW), structs.TRADE | structs.TRADE_EXTRA),
    ("TradingAccount", asset, structs.ASSET | structs.ASSET_EXTRA),
    (
        "InvestorPosition",
        lambda f: positions([f, f], Instruments())[0],
        structs.POSITION | structs.POSITION_EXTRA,
    ),
]


@pytest.mark.parametrize(("struct", "make", "keys"), RECORDS, ids=[each[0] for each in RECORDS])
@given(st.data())
def test_any_bytes(
    struct: str, make: Callable[[Fields], Fields], keys: Fields, data: st.DataObject
) -> None:
    codec = CATALOGUE.codec(struct)
    raw = data.draw(st.binary(min_size=codec.size, max_size=codec.size))
    record = make(codec.unpack(raw))
    assert list(record) == list(keys)
    for key, zero in keys.items():
        assert type(record[key]) is type(zero), key
    json.dumps(record, allow_nan=False).encode("ascii")


@given(st.binary(min_size=872, max_size=2 * 872))
def test_any_order_gets_a_number(raw: bytes) -> None:
    codec = CATALOGUE.codec("Order")
    ids = OrderIds("20261120", "9999", "1")
    for begin in (0, len(raw) - codec.size):
        fields = codec.unpack(raw[begin : begin + codec.size])
        known = ids.learn(fields)
        assert 0 < known.order_xtp_id < 2**53
        assert ids.get(known.order_xtp_id) is known


@given(st.binary(min_size=616, max_size=616))
def test_any_instrument(raw: bytes) -> None:
    instrument = Instrument.of(CATALOGUE.codec("Instrument").unpack(raw))
    assert instrument.multiplier != 0
    assert Instruments([instrument]).get(instrument.code, instrument.exchange) == instrument
