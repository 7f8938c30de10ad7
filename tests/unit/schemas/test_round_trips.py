"""Every struct of the API: our bytes against the binding's own properties."""

from __future__ import annotations

import math
import random
import re
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import layout as layouts
from schemas.binding import Binding
from schemas.catalogue import Catalogue
from schemas.codec import DBL_MAX, Codec, FieldError, Value
from schemas.layout import Field, Layout

from .helpers import (
    FLT_MAX,
    INTS,
    fitting,
    model,
    random_raw,
    random_values,
    read,
    same,
    struct_class,
    write,
)

SIDES = ["mdapi", "tdapi"]


def in_the_struct(field: Field, value: Value) -> Value:
    """What stands in memory for a value."""
    return DBL_MAX if field.kind == "d" and value is None else value


def seen(obj: Any, field: Field) -> Any:
    """What the property gives, but for two habits: SettlementInfo.Content is given as bytes (the
    counter cuts a statement into rows within characters), an unset char as "" or as NUL."""
    value = getattr(obj, field.name)
    text = value.decode("gb18030") if isinstance(value, bytes) else value
    return "" if text == "\0" else text


@pytest.mark.parametrize("side", SIDES)
def test_what_we_pack_is_what_the_properties_give(
    binding: Binding, catalogue: Catalogue, side: str
) -> None:
    rng = random.Random(1)
    for name, layout in catalogue.layouts.items():
        obj = struct_class(getattr(binding, side), name)()
        codec = catalogue.codec(name)
        for _ in range(4):
            values = random_values(layout, rng)
            write(obj, codec.pack(values))
            for field in layout.fields:
                expected = in_the_struct(field, values[field.name])
                assert same(seen(obj, field), expected), f"{name}.{field.name}"


@pytest.mark.parametrize("side", SIDES)
def test_what_a_client_sends_is_what_the_properties_give(
    binding: Binding, catalogue: Catalogue, side: str
) -> None:
    rng = random.Random(2)
    for name, layout in catalogue.layouts.items():
        obj = struct_class(getattr(binding, side), name)()
        values = random_values(layout, rng)
        write(obj, catalogue.codec(name).parse(values, name))
        for field in layout.fields:
            value = values[field.name]
            unset = 0.0 if field.kind == "d" and value is None else value
            assert same(seen(obj, field), unset), f"{name}.{field.name}"


@pytest.mark.parametrize("side", SIDES)
def test_what_the_properties_set_is_what_we_unpack(
    binding: Binding, catalogue: Catalogue, side: str
) -> None:
    """ASCII only: text of the properties is not the counter's (see the control below)."""
    rng = random.Random(3)
    for name, layout in catalogue.layouts.items():
        obj = struct_class(getattr(binding, side), name)()
        values = random_values(layout, rng)
        for field in layout.fields:
            value = values[field.name]
            if field.kind == "s":
                value = values[field.name] = re.sub("[^ -~]", "", str(value))
            setattr(obj, field.name, in_the_struct(field, value))
        raw = read(obj, layout.size)
        assert catalogue.codec(name).unpack(raw) == values, name


@pytest.mark.parametrize("side", SIDES)
def test_both_apis_have_one_layout_for_structs_of_one_name(
    binding: Binding, catalogue: Catalogue, side: str
) -> None:
    classes = layouts.struct_classes(getattr(binding, side))
    assert classes
    for name, cls in classes.items():
        assert layouts.derive(name, cls) == catalogue.layouts[name]


def test_every_field_of_random_bytes_means_what_the_model_says(catalogue: Catalogue) -> None:
    rng = random.Random(4)
    for name, layout in catalogue.layouts.items():
        codec = catalogue.codec(name)
        for _ in range(3):
            raw = random_raw(layout, rng)
            values = codec.unpack(raw)
            assert list(values) == [field.name for field in layout.fields]
            for field in layout.fields:
                expected = model(field, raw)
                assert same(values[field.name], expected), f"{name}.{field.name}"
                assert same(codec.get(raw, field.name), expected), f"{name}.{field.name}"


def test_every_layout_is_that_of_a_c_compiler(catalogue: Catalogue) -> None:
    """The module struct's native mode aligns as C does; "0d" at the end pads as an array would."""
    for layout in catalogue.layouts.values():
        code, largest = "@", "c"
        for field in layout.fields:
            member = f"{field.size}s" if field.kind in "sc" else field.kind
            assert struct.calcsize(f"{code}0{member[-1]}") == field.offset
            code += member
            largest = max(largest, member[-1].replace("s", "c"), key=struct.calcsize)
        assert struct.calcsize(f"{code}0{largest}") == layout.size


def test_a_struct_without_a_value_is_zeroed_memory(catalogue: Catalogue) -> None:
    for name, layout in catalogue.layouts.items():
        assert layout.fields
        codec = catalogue.codec(name)
        assert codec.pack({}) == codec.parse({}, name) == bytes(layout.size)


PROBE = Layout(
    "Probe",
    60,
    (
        Field("Text", "s", 0, 21),
        Field("Short", "s", 21, 2),
        Field("Flag", "c", 23, 1),
        Field("Int", "i", 24, 4),
        Field("Small", "h", 28, 2),
        Field("Big", "q", 32, 8),
        Field("Price", "d", 40, 8),
        Field("Other", "d", 48, 8),
        Field("Single", "s", 56, 1),
    ),
)
TEXT = st.text(st.characters(codec="gb18030", exclude_characters="\0"))
PRICE = st.floats(max_value=FLT_MAX, exclude_max=True, allow_infinity=False, allow_nan=False)


@given(
    st.fixed_dictionaries(
        {
            "Text": TEXT.map(lambda text: fitting(text, 21)),
            "Short": st.sampled_from(["", "1"]),
            "Flag": st.sampled_from([chr(octet) for octet in range(1, 128)]) | st.just(""),
            "Int": st.integers(-INTS["i"], INTS["i"] - 1),
            "Small": st.integers(-INTS["h"], INTS["h"] - 1),
            "Big": st.integers(-INTS["q"], INTS["q"] - 1),
            "Price": PRICE | st.none(),
            "Other": PRICE | st.none(),
            "Single": st.just(""),
        }
    )
)
def test_unpack_undoes_pack(values: dict[str, Value]) -> None:
    codec = Codec(PROBE)
    raw = codec.pack(values)
    assert len(raw) == PROBE.size
    assert {key: repr(value) for key, value in codec.unpack(raw).items()} == {
        key: repr(value) for key, value in values.items()
    }
    given_values = {key: value for key, value in values.items() if value is not None}
    assert codec.parse(values, "Probe") == codec.pack(given_values)


@given(st.binary(min_size=PROBE.size, max_size=PROBE.size))
@settings(max_examples=300)
def test_any_bytes_unpack_as_the_model_says(raw: bytes) -> None:
    values = Codec(PROBE).unpack(raw)
    for field in PROBE.fields:
        assert same(values[field.name], model(field, raw))


def test_patch_changes_only_the_named_fields(catalogue: Catalogue) -> None:
    codec = catalogue.codec("Order")
    raw = random_raw(codec.layout, random.Random(5))
    patched = codec.patch(raw, {"SessionID": -7, "StatusMsg": "已撤单", "NoSuchField": 1})
    expected = codec.unpack(raw) | {"SessionID": -7, "StatusMsg": "已撤单"}
    assert codec.unpack(patched) == expected
    assert codec.patch(raw, {}) == raw


def test_pack_ignores_names_of_other_versions_and_refuses_what_does_not_fit(
    catalogue: Catalogue,
) -> None:
    codec = catalogue.codec("InputOrder")
    assert codec.pack({"NoSuchField": "x"}) == bytes(codec.size)
    with pytest.raises(FieldError, match=r"^OrderRef: longer than 12 bytes in GB18030$"):
        codec.pack({"OrderRef": "报" * 7})
    with pytest.raises(FieldError, match=r"^Direction: expected one ASCII character$"):
        codec.pack({"Direction": "01"})
    with pytest.raises(KeyError):
        codec.get(bytes(codec.size), "NoSuchField")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, DBL_MAX, FLT_MAX, 1e39])
def test_doubles_that_are_no_number_are_no_value(catalogue: Catalogue, number: float) -> None:
    codec = catalogue.codec("InputOrder")
    assert codec.unpack(codec.pack({"LimitPrice": number}))["LimitPrice"] is None


# Controls: why structs are neither written nor read through the properties.


def test_control_text_set_through_a_property_is_not_what_it_gives_back(binding: Binding) -> None:
    obj = binding.tdapi.CThostFtdcRspInfoField()
    obj.ErrorMsg = "报单错误"
    assert obj.ErrorMsg != "报单错误"
    assert read(obj, 88)[4:].startswith("报单错误".encode())


def test_control_a_property_takes_nan_and_an_unknown_name(binding: Binding) -> None:
    obj = binding.tdapi.CThostFtdcInputOrderField()
    obj.LimitPrice = math.nan
    obj.LimitPrise = 1.0
    assert math.isnan(obj.LimitPrice)


def test_control_a_property_loses_the_text_around_a_foreign_byte(
    binding: Binding, catalogue: Catalogue
) -> None:
    codec = catalogue.codec("RspInfo")
    obj = binding.tdapi.CThostFtdcRspInfoField()
    octets = "报单".encode("gb18030") + b"\xff, end"  # no character of GB18030 begins with FF
    raw = bytes(4) + octets.ljust(codec.size - 4, b"\0")
    write(obj, raw)
    assert "end" not in obj.ErrorMsg
    assert codec.unpack(raw)["ErrorMsg"] == "报单\ufffd, end"
