"""The quick form of a tick's JSON against the plain one."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

import schemas.catalogue
from schemas.calendar import Calendar, always_open, exchange_calendar
from schemas.codec import Codec, Value
from schemas.layout import Field, Layout
from schemas.xtp.tick_json import compile_tick_json
from schemas.xtp.ticks import tick

from ..test_calendar import at

CATALOGUE = schemas.catalogue.load()
LAYOUT = CATALOGUE.layouts["DepthMarketData"]
CODEC = CATALOGUE.codec("DepthMarketData")
CALENDARS = [exchange_calendar(), always_open()]
QUICK = [compile_tick_json(LAYOUT, calendar) for calendar in CALENDARS]

doubles = st.none() | st.sampled_from([0.0, -0.0, 3000.0, 3.0e38, 1e16]) | st.floats(width=64)
texts = st.sampled_from(["20261120", "20261123", "09:30:00", "21:00:01", "23:59:59", "m2609"])
words = texts | st.text('rb"\\/:,%null期', max_size=4)
exchanges = st.sampled_from(["SHFE", "DCE", "CZCE", "SZSE", ""])
multipliers = st.sampled_from([1, 5, 300])
# Around the date of the samples, by minutes and by days.
moments = st.integers(0, 4 * 24 * 60).map(lambda m: at("11-19 12:00:00") + m * 60_000_000_000)


def value_of(kind: str) -> st.SearchStrategy[Value]:
    return {"d": doubles, "s": words}.get(
        kind, st.sampled_from([0, 500, 999]) | st.integers(-(2**31), 2**31 - 1)
    )


ticks = st.fixed_dictionaries({f.name: value_of(f.kind) for f in LAYOUT.fields}).map(CODEC.pack)
changes = st.lists(
    st.sampled_from(LAYOUT.fields).flatmap(lambda f: st.tuples(st.just(f.name), value_of(f.kind)))
)


def plain(raw: bytes, exchange: str, multiplier: int, recv_ns: int, calendar: Calendar) -> bytes:
    record = tick(CODEC.unpack(raw), exchange, multiplier, recv_ns, calendar)
    return json.dumps(record, allow_nan=False).encode("ascii")


def check(raw: bytes, exchange: str, multiplier: int, recv_ns: int) -> None:
    for quick, calendar in zip(QUICK, CALENDARS, strict=True):
        expected = plain(raw, exchange, multiplier, recv_ns, calendar)
        assert quick(raw, exchange, multiplier, recv_ns) == expected


@given(ticks, changes, exchanges, multipliers, moments)
def test_a_tick_and_what_follows_it_read_as_from_the_plain_form(
    raw: bytes, steps: list[tuple[str, Value]], exchange: str, multiplier: int, recv_ns: int
) -> None:
    check(raw, exchange, multiplier, recv_ns)
    for name, value in steps:
        raw = CODEC.patch(raw, {name: value})
        check(raw, exchange, multiplier, recv_ns)


@given(st.binary(min_size=LAYOUT.size, max_size=LAYOUT.size), exchanges, moments)
def test_any_bytes_read_as_from_the_plain_form(raw: bytes, exchange: str, recv_ns: int) -> None:
    check(raw, exchange, 10, recv_ns)


@given(
    st.sampled_from(["rb2610", "m2609", "SR609", "600000", "au2612"]),
    st.sampled_from(["20261119", "20261120", "20261121", "20261123", ""]),
    st.sampled_from(["20261119", "20261120", "20261121", "20261123", ""]),
    st.times().map(lambda time: f"{time:%H:%M:%S}"),
    moments,
)
def test_the_quick_date_is_the_exact_one(
    instrument: str, trading: str, action: str, clock: str, recv_ns: int
) -> None:
    fields = {"InstrumentID": instrument, "TradingDay": trading, "ActionDay": action}
    check(CODEC.pack({**fields, "UpdateTime": clock}), "DCE", 10, recv_ns)


def test_more_instruments_than_are_kept() -> None:
    for number in range(5000):
        text = QUICK[0](CODEC.pack({"InstrumentID": f"i{number}"}), "DCE", 10, 0)
        assert json.loads(text)["ticker"] == f"i{number}"


def test_a_binding_of_before_the_long_names() -> None:
    """API 6.3.15 has the names in front, short, and no bands."""
    moved = {"InstrumentID": 31, "ExchangeID": 9, "ExchangeInstID": 31}
    gone = {"reserve1", "reserve2", "BandingUpperPrice", "BandingLowerPrice", *moved}
    first, *others = (field for field in LAYOUT.fields if field.name not in gone)
    fields, end = [], 0
    for name, kind, size in [
        (first.name, first.kind, first.size),
        *((name, "s", size) for name, size in moved.items()),
        *((field.name, field.kind, field.size) for field in others),
    ]:
        align = 1 if kind in "sc" else size
        begin = (end + align - 1) // align * align
        fields.append(Field(name, kind, begin, size))
        end = begin + size
    layout = Layout("DepthMarketData", (end + 7) // 8 * 8, tuple(fields))
    raw = Codec(layout).pack({"InstrumentID": "rb2610", "LastPrice": 3120.0, "BidPrice2": 3119.0})
    record = tick(Codec(layout).unpack(raw), "SHFE", 10, 0)
    assert (record["ticker"], record["bid"][1]) == ("rb2610", 3119.0)
    assert compile_tick_json(layout)(raw, "SHFE", 10, 0) == json.dumps(record).encode()
