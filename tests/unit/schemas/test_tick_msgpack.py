"""A tick as a MessagePack array against its JSON."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Value
from schemas.fields import NO_VALUE
from schemas.tick_msgpack import compile_tick_msgpack, short_number
from tests.unit.schemas.test_tick_json import CODEC, LAYOUT, ORDER, changes, plain, ticks

array = compile_tick_msgpack(LAYOUT, ORDER)


def named(raw: bytes) -> dict[str, Any]:
    return dict(zip(ORDER, msgspec.msgpack.decode(array(raw)), strict=True))


@given(ticks, changes)
def test_a_tick_and_what_follows_it_have_the_values_of_the_json(
    raw: bytes, steps: list[tuple[str, Value]]
) -> None:
    assert named(raw) == json.loads(plain(raw))
    for name, value in steps:
        raw = CODEC.patch(raw, {name: value})
        assert named(raw) == json.loads(plain(raw))
        assert named(raw) == json.loads(plain(raw))


@given(st.binary(min_size=LAYOUT.size, max_size=LAYOUT.size))
def test_any_bytes_have_the_values_of_the_json(raw: bytes) -> None:
    assert named(raw) == json.loads(plain(raw))


@given(st.floats(max_value=NO_VALUE, exclude_max=True, allow_nan=False, allow_infinity=False))
def test_a_short_number_is_the_same_number(value: float) -> None:
    assert short_number(value) == value


def test_more_prices_and_instruments_than_are_kept() -> None:
    raw = CODEC.pack({"BidPrice2": None})
    for number in range(25_000):
        values: dict[str, Value] = {"InstrumentID": f"i{number}", "LastPrice": number / 2}
        found = named(CODEC.patch(raw, values))
        assert {name: found[name] for name in values} == values
