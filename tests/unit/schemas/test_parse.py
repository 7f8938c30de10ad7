"""JSON objects of clients: what becomes struct bytes, and the exact words for what does not."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalogue import Catalogue
from schemas.codec import DBL_MAX, FieldError

from .helpers import INTS

STRING = "expected string"
CHAR = "expected one ASCII character"
INT = "expected int"
NUMBER = "expected number"
FINITE = "not a finite number"
INT32 = "out of range for a 32-bit int"
NUL = "contains a NUL"
FOREIGN = "contains a character that GB18030 does not have"
REF = "longer than 12 bytes in GB18030"

BAD: list[tuple[str, Any, str]] = [
    ("OrderRef", 123456, STRING),
    ("OrderRef", 1.5, STRING),
    ("OrderRef", True, STRING),
    ("OrderRef", False, STRING),
    ("OrderRef", [], STRING),
    ("OrderRef", ["S3cret"], STRING),
    ("OrderRef", {}, STRING),
    ("OrderRef", {"S3cret": "S3cret"}, STRING),
    ("OrderRef", "1234567890123", REF),
    ("OrderRef", "S3cret" * 1000, REF),
    ("OrderRef", "报" * 7, REF),
    ("OrderRef", "报单报单报单x", REF),
    ("OrderRef", "€" * 7, REF),
    ("OrderRef", "𠀀𠀀𠀀x", REF),
    ("OrderRef", "ñ" * 4, REF),
    ("OrderRef", "S3cret\0", NUL),
    ("OrderRef", "\0S3cret", NUL),
    ("OrderRef", "S3\0cret", NUL),
    ("OrderRef", "\0\0", NUL),
    ("OrderRef", "\ud800", FOREIGN),
    ("OrderRef", "S3cret\udcb0", FOREIGN),
    ("OrderRef", "\ude00\ud83d", FOREIGN),
    ("Direction", 0, STRING),
    ("Direction", 48, STRING),
    ("Direction", True, STRING),
    ("Direction", ["0"], STRING),
    ("Direction", "01", CHAR),
    ("Direction", " 0", CHAR),
    ("Direction", "买", CHAR),
    ("Direction", "é", CHAR),
    ("Direction", "\x80", CHAR),
    ("Direction", "\udc80", CHAR),
    ("Direction", "\0\0", CHAR),
    ("Direction", "0\0", CHAR),
    ("Direction", "S3cret" * 1000, CHAR),
    ("MinVolume", "1", INT),
    ("MinVolume", "", INT),
    ("MinVolume", "S3cret", INT),
    ("MinVolume", 1.0, INT),
    ("MinVolume", 1.5, INT),
    ("MinVolume", math.nan, INT),
    ("MinVolume", [1], INT),
    ("MinVolume", {}, INT),
    ("MinVolume", 2**31, INT32),
    ("MinVolume", -(2**31) - 1, INT32),
    ("MinVolume", 2**63, INT32),
    ("MinVolume", 2**64 + 1, INT32),
    ("MinVolume", -(10**400), INT32),
    ("IsAutoSuspend", "true", INT),
    ("LimitPrice", "14000", NUMBER),
    ("LimitPrice", "", NUMBER),
    ("LimitPrice", "NaN", NUMBER),
    ("LimitPrice", True, NUMBER),
    ("LimitPrice", False, NUMBER),
    ("LimitPrice", [3500.0], NUMBER),
    ("LimitPrice", {"S3cret": 1}, NUMBER),
    ("LimitPrice", math.nan, FINITE),
    ("LimitPrice", math.inf, FINITE),
    ("LimitPrice", -math.inf, FINITE),
    ("LimitPrice", 10**309, "out of range for a double"),
    ("LimitPrice", -(10**5000), "out of range for a double"),
]


@pytest.mark.parametrize(
    ("field", "value", "problem"), BAD, ids=[f"{n}-{row[0]}" for n, row in enumerate(BAD)]
)
def test_a_bad_value_is_named_by_its_field_and_never_quoted(
    catalogue: Catalogue, field: str, value: Any, problem: str
) -> None:
    with pytest.raises(FieldError) as error:
        catalogue.codec("InputOrder").parse({field: value}, "InputOrder")
    assert str(error.value) == f"InputOrder.{field}: {problem}"
    assert (error.value.path, error.value.problem) == (f"InputOrder.{field}", problem)
    assert "S3cret" not in str(error.value)


def test_the_limit_in_the_text_is_that_of_the_field(catalogue: Catalogue) -> None:
    for layout in catalogue.layouts.values():
        codec = catalogue.codec(layout.name)
        for field in layout.fields:
            if field.kind == "s":
                assert codec.parse({field.name: "x" * (field.size - 1)}, "X") != bytes(codec.size)
                with pytest.raises(FieldError) as error:
                    codec.parse({field.name: "x" * field.size}, "X")
                limit = f"longer than {field.size - 1} bytes in GB18030"
                assert str(error.value) == f"X.{field.name}: {limit}"


@pytest.mark.parametrize(("value", "good"), [(2**15 - 1, True), (2**15, False), (-(2**15), True)])
def test_a_short_int_has_16_bits(catalogue: Catalogue, value: int, good: bool) -> None:
    codec = catalogue.codec("CommPhase")
    if good:
        raw = codec.parse({"CommPhaseNo": value}, "CommPhase")
        assert codec.unpack(raw)["CommPhaseNo"] == value
    else:
        with pytest.raises(FieldError) as error:
            codec.parse({"CommPhaseNo": value}, "CommPhase")
        assert str(error.value) == "CommPhase.CommPhaseNo: out of range for a 16-bit int"


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("OrderRef", "           1", "           1"),
        ("OrderRef", "报单报单报单", "报单报单报单"),
        ("OrderRef", "𠀀𠀀𠀀", "𠀀𠀀𠀀"),
        ("OrderRef", "\0", ""),
        ("OrderRef", "\x01\n", "\x01\n"),
        ("Direction", "\0", ""),
        ("Direction", "", ""),
        ("Direction", "0", "0"),
        ("Direction", " ", " "),
        ("Direction", "\x7f", "\x7f"),
        ("MinVolume", True, 1),
        ("MinVolume", False, 0),
        ("MinVolume", 2**31 - 1, 2**31 - 1),
        ("MinVolume", -(2**31), -(2**31)),
        ("LimitPrice", 3500, 3500.0),
        ("LimitPrice", -1, -1.0),
        ("LimitPrice", 2**63, 2.0**63),
        ("LimitPrice", 1e-320, 1e-320),
        ("LimitPrice", DBL_MAX, None),
    ],
)
def test_a_good_value_is_stored(
    catalogue: Catalogue, field: str, value: Any, stored: object
) -> None:
    codec = catalogue.codec("InputOrder")
    values = codec.unpack(codec.parse({field: value}, "InputOrder"))
    assert repr(values[field]) == repr(stored)
    assert codec.pack({field: stored}) == codec.parse({field: value}, "InputOrder")  # type: ignore[dict-item]


def test_null_and_absent_keys_are_unset_and_unknown_keys_ignored(catalogue: Catalogue) -> None:
    codec = catalogue.codec("InputOrder")
    payload: dict[str, object] = dict.fromkeys((field.name for field in codec.layout.fields), None)
    assert codec.parse(payload, "InputOrder") == bytes(codec.size)
    assert codec.parse({}, "InputOrder") == bytes(codec.size)
    unknown = {"limitprice": "x", "": [], "Nope": {"a": 1}, "__class__": 1, "LimitPrice ": "x"}
    assert codec.parse(unknown, "InputOrder") == bytes(codec.size)


def test_the_first_bad_field_is_reported(catalogue: Catalogue) -> None:
    with pytest.raises(FieldError, match=r"^P\.LimitPrice: expected number$"):
        catalogue.codec("InputOrder").parse({"LimitPrice": "x", "MinVolume": "x"}, "P")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw builds the strategies
def test_any_json_is_stored_or_refused_by_a_field_error(
    catalogue: Catalogue, data: st.DataObject
) -> None:
    codec = catalogue.codec("InputOrder")
    names = st.sampled_from([field.name for field in codec.layout.fields])
    payload = data.draw(st.dictionaries(names, JSON, max_size=4))
    try:
        raw = codec.parse(payload, "InputOrder")
    except FieldError as error:
        assert error.path.removeprefix("InputOrder.") in payload
        assert "\n" not in str(error)
    else:
        stored = codec.unpack(raw)
        for name, value in payload.items():
            assert stored[name] in (value, None) or value in (None, "\0")
        assert len(raw) == codec.size


@given(st.integers(-INTS["i"], INTS["i"] - 1), st.text(max_size=6))
def test_what_a_client_sends_comes_back_as_json(
    catalogue: Catalogue, number: int, text: str
) -> None:
    codec = catalogue.codec("InputOrder")
    try:
        raw = codec.parse({"MinVolume": number, "BusinessUnit": text}, "InputOrder")
    except FieldError:
        assert "\0" in text or len(text.encode("gb18030", "replace")) > 20
        return
    sent = json.loads(codec.json(raw))
    assert sent["MinVolume"] == number
    assert sent["BusinessUnit"] == text.replace("\0", "")
