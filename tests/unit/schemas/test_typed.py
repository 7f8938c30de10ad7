"""The typed structs against the catalogue and the codecs."""

from __future__ import annotations

import math
import random
import timeit
from functools import partial

import msgspec
import pytest

from schemas import typed
from schemas.catalogue import Catalogue
from schemas.codec import DBL_MAX, FieldError
from schemas.layout import Field, Layout
from schemas.typed import ALL, CtpStruct, InputOrder, Order, RspInfo, Tick, TradingAccount

from .helpers import model, random_raw, random_values, same

KINDS = {"s": str, "c": str, "i": int, "h": int, "d": float | None}


def shown(layout_names: list[str]) -> list[str]:
    return [name for name in layout_names if not name.startswith("reserve")]


@pytest.mark.parametrize("cls", ALL)
def test_the_fields_are_those_of_the_newest_api(catalogue: Catalogue, cls: type[CtpStruct]) -> None:
    """In an older API some are missing, but none is there that the struct does not have."""
    layout = catalogue.layouts[cls.struct_name]
    names = shown([field.name for field in layout.fields])
    if catalogue.layout_id == 0x670B:
        assert list(cls.__struct_encode_fields__) == names
    assert set(names) <= set(cls.__struct_encode_fields__)


@pytest.mark.parametrize("cls", ALL)
def test_the_types_are_those_of_the_struct(catalogue: Catalogue, cls: type[CtpStruct]) -> None:
    kinds = {field.name: field.kind for field in catalogue.layouts[cls.struct_name].fields}
    for field in msgspec.structs.fields(cls):
        if field.encode_name in kinds:
            assert field.type == KINDS[kinds[field.encode_name]], field.name


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("instrument_id", "InstrumentID"),
        ("bid_price1", "BidPrice1"),
        ("ip_address", "IPAddress"),
        ("gtd_date", "GTDDate"),
        ("zce_total_traded_volume", "ZCETotalTradedVolume"),
        ("user_dr_identity_id", "UserDRIdentityID"),
        ("trading_segment_sn", "TradingSegmentSN"),
        ("shfe_time", "SHFETime"),
        ("yd_position", "YdPosition"),
    ],
)
def test_a_name_follows_from_ctps(attribute: str, name: str) -> None:
    assert typed.ctp_name(attribute) == name


@pytest.mark.parametrize("cls", ALL)
def test_decode_gives_what_the_bytes_mean(catalogue: Catalogue, cls: type[CtpStruct]) -> None:
    rng = random.Random(6)
    layout = catalogue.layouts[cls.struct_name]
    fields = {field.name: field for field in layout.fields}
    defaults = msgspec.to_builtins(cls())
    for _ in range(50):
        raw = random_raw(layout, rng)
        values = msgspec.structs.asdict(typed.decode(cls, raw, catalogue))
        for value, name in zip(values.values(), cls.__struct_encode_fields__, strict=True):
            expected = model(fields[name], raw) if name in fields else defaults[name]
            assert same(value, expected), f"{name}: {value!r} is not {expected!r}"


def test_a_field_that_the_api_lacks_has_its_default(catalogue: Catalogue) -> None:
    order = Layout("InputOrder", 16, (Field("OrderRef", "s", 0, 13),))
    tick = Layout("DepthMarketData", 8, (Field("LastPrice", "d", 0, 8),))
    small = msgspec.structs.replace(
        catalogue, layouts={"InputOrder": order, "DepthMarketData": tick}
    )
    raw = small.codec("InputOrder").pack({"OrderRef": "7"})
    assert typed.decode(InputOrder, raw, small) == InputOrder(order_ref="7")
    assert typed.encode(InputOrder(order_ref="7", limit_price=1.5), small) == raw
    raw = small.codec("DepthMarketData").pack({"LastPrice": 2.5})
    assert typed.decode(Tick, raw, small) == Tick(last_price=2.5)
    with pytest.raises(KeyError):
        typed.decode(Order, raw, small)


@pytest.mark.parametrize("cls", ALL)
def test_encode_undoes_decode(catalogue: Catalogue, cls: type[CtpStruct]) -> None:
    rng = random.Random(7)
    codec = catalogue.codec(cls.struct_name)
    for _ in range(20):
        values = {
            name: "" if name.startswith("reserve") else value
            for name, value in random_values(codec.layout, rng).items()
        }
        raw = codec.pack(values)
        assert typed.encode(typed.decode(cls, raw, catalogue), catalogue) == raw


@pytest.mark.parametrize("cls", ALL)
def test_json_has_the_names_of_ctp(catalogue: Catalogue, cls: type[CtpStruct]) -> None:
    layout = catalogue.layouts[cls.struct_name]
    values = random_values(layout, random.Random(8))
    obj = typed.decode(cls, catalogue.codec(cls.struct_name).pack(values), catalogue)
    text = msgspec.json.encode(obj)
    decoded = msgspec.json.decode(text)
    assert list(decoded) == list(cls.__struct_encode_fields__)
    assert all(decoded[name] == values[name] for name in shown(list(values)))
    assert msgspec.json.decode(text, type=cls) == obj


def test_no_value_is_none_and_goes_back_as_dbl_max(catalogue: Catalogue) -> None:
    codec = catalogue.codec("DepthMarketData")
    for number in (DBL_MAX, math.nan, math.inf, -math.inf):
        tick = typed.decode(Tick, codec.pack({"LastPrice": number, "Volume": 3}), catalogue)
        assert tick.last_price is None
        assert tick.volume == 3
        assert tick.bid_price1 == 0.0
        assert typed.encode(tick, catalogue) == codec.pack({"LastPrice": None, "Volume": 3})


def test_an_order_without_prices_sends_zeros_not_dbl_max(catalogue: Catalogue) -> None:
    raw = typed.encode(InputOrder(instrument_id="rb2610", direction="0"), catalogue)
    order = catalogue.codec("InputOrder").unpack(raw)
    assert (order["LimitPrice"], order["StopPrice"]) == (0.0, 0.0)
    assert (order["InstrumentID"], order["Direction"]) == ("rb2610", "0")


def test_what_the_counter_did_not_say_of_money_is_none() -> None:
    assert TradingAccount().available is None


def test_a_text_that_does_not_fit_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(FieldError, match=r"^ErrorMsg: longer than 80 bytes in GB18030$"):
        typed.encode(RspInfo(error_id=1, error_msg="错" * 41), catalogue)


def test_structs_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Order().limit_price = 1.0  # type: ignore[misc]


def test_a_tick_is_decoded_in_a_few_microseconds(catalogue: Catalogue) -> None:
    """About 2 µs; the bound only catches the loss of the compiled form (8 µs) on a slow machine."""
    decode = typed.decoder(Tick, catalogue)
    raw = random_raw(catalogue.layouts["DepthMarketData"], random.Random(9))
    unpack = catalogue.codec("DepthMarketData").unpack
    # Many short rounds of both in turn: some of each are without the machine's other work.
    rounds = [
        [timeit.timeit(partial(each, raw), number=100) for each in (decode, unpack)]
        for _ in range(60)
    ]
    quick, slow = map(min, zip(*rounds, strict=True))
    assert quick < slow / 2
