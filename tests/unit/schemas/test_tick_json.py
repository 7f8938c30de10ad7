"""The quick form of a tick's JSON against the plain one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import schemas.catalogue
from schemas.codec import Value
from schemas.fields import struct_of
from schemas.tick_json import compile_tick_json
from schemas.webctp_json import compile_json

CATALOGUE = schemas.catalogue.load()
LAYOUT = CATALOGUE.layouts["DepthMarketData"]
ORDER = CATALOGUE.reply_codec("md", "OnRtnDepthMarketData").order
CODEC = CATALOGUE.codec("DepthMarketData")
plain = compile_json(LAYOUT, ORDER, struct_of(LAYOUT))
quick = compile_tick_json(LAYOUT, ORDER)

doubles = st.none() | st.sampled_from([0.0, 3000.0, 3.0e38]) | st.floats(width=64)
texts = st.text('rb"\\/:,null期', max_size=4)


def value_of(kind: str) -> st.SearchStrategy[Value]:
    return {"d": doubles, "s": texts}.get(kind, st.integers(-(2**31), 2**31 - 1))


ticks = st.fixed_dictionaries({f.name: value_of(f.kind) for f in LAYOUT.fields}).map(CODEC.pack)
changes = st.lists(
    st.sampled_from(LAYOUT.fields).flatmap(lambda f: st.tuples(st.just(f.name), value_of(f.kind)))
)


@given(ticks, changes)
def test_a_tick_and_what_follows_it_read_as_from_the_plain_form(
    raw: bytes, steps: list[tuple[str, Value]]
) -> None:
    assert quick(raw) == plain(raw)
    for name, value in steps:
        raw = CODEC.patch(raw, {name: value})
        assert quick(raw) == plain(raw)
        assert quick(raw) == plain(raw)


@given(st.binary(min_size=LAYOUT.size, max_size=LAYOUT.size))
def test_any_bytes_read_as_from_the_plain_form(raw: bytes) -> None:
    assert quick(raw) == plain(raw)


def test_more_instruments_than_are_kept() -> None:
    raw = CODEC.pack({"BidPrice2": None})
    for number in range(5000):
        assert b'"InstrumentID":"i%d"' % number in quick(
            CODEC.patch(raw, {"InstrumentID": f"i{number}"})
        )
