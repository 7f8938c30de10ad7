"""The JSON payloads: keys and their order from the specification, values from a slow model."""

from __future__ import annotations

import math
import random
import re
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import Catalogue, Side
from schemas.codec import DBL_MAX, Codec, Value
from schemas.layout import Layout
from schemas.text import TEXTS

from .golden_keys import ALIKE, EXTRA, KEYS
from .helpers import FLT_MAX, items, json_model, random_raw

CALLBACKS = [*KEYS, *ALIKE]
HOT = [
    ("md", "OnRtnDepthMarketData"),
    ("md", "OnRspUserLogin"),
    ("md", "OnRspSubMarketData"),
    ("td", "OnRspQryDepthMarketData"),
    ("td", "OnRspUserLogin"),
    ("td", "OnRtnOrder"),
    ("td", "OnRtnTrade"),
    ("td", "OnRspQryTrade"),
    ("td", "OnRspOrderInsert"),
    ("td", "OnRspOrderAction"),
    ("td", "OnErrRtnOrderAction"),
    ("td", "OnRspQryInvestorPosition"),
    ("td", "OnRspQryTradingAccount"),
    ("td", "OnRspQryInstrument"),
    ("td", "OnRtnInstrumentStatus"),
    ("td", "OnRspUserPasswordUpdate"),
]


def replies(catalogue: Catalogue) -> dict[tuple[Side, str], Codec]:
    """The codec of every callback that carries a struct."""
    sides: tuple[Side, Side] = ("md", "td")
    return {
        (side, name): catalogue.reply_codec(side, name)
        for side in sides
        for name, callback in catalogue.api(side).callbacks.items()
        if callback.struct is not None
    }


def expected_keys(catalogue: Catalogue, side: str, name: str, codec: Codec) -> list[str]:
    """The listed keys as far as this version has them, then what the version has beyond."""
    listed = KEYS[ALIKE.get((side, name), (side, name))].split()
    closed = (side, name) == ("md", "OnRspUserLogin")
    extra = [] if closed else EXTRA.get(codec.layout.name, "").split()
    names = {field.name for field in codec.layout.fields}
    if catalogue.layout_id == 0x670B:
        assert set(listed + extra) <= names
    return [key for key in listed + extra if key in names]


@pytest.mark.parametrize(("side", "name"), CALLBACKS)
def test_the_keys_are_those_of_the_specification_in_their_order(
    catalogue: Catalogue, side: Side, name: str
) -> None:
    if name not in catalogue.api(side).callbacks:
        assert catalogue.layout_id < 0x6700, f"{name} came with a later version"
        return
    codec = catalogue.reply_codec(side, name)
    keys = [key for key, _ in items(codec.json(bytes(codec.size)))]
    assert keys == expected_keys(catalogue, side, name, codec)


def test_a_payload_without_a_list_has_all_fields_in_memory_order(catalogue: Catalogue) -> None:
    structs = {catalogue.api(side).callbacks[name].struct for side, name in _installed(catalogue)}
    for (side, name), codec in replies(catalogue).items():
        if codec.layout.name not in structs:
            keys = [key for key, _ in items(codec.json(bytes(codec.size)))]
            names = [field.name for field in codec.layout.fields]
            assert keys == [key for key in names if not re.fullmatch(r"reserve\d*", key)], (
                f"{side} {name}"
            )


def _installed(catalogue: Catalogue) -> list[tuple[Side, str]]:
    return [(side, name) for side, name in replies(catalogue) if (side, name) in CALLBACKS]


def test_reserved_fields_are_sent_in_the_market_data_tick_only(catalogue: Catalogue) -> None:
    with_reserved = {
        (side, name)
        for (side, name), codec in replies(catalogue).items()
        if any(re.fullmatch(r"reserve\d*", key) for key in codec.order)
    }
    has_reserved = any(
        field.name.startswith("reserve") for field in catalogue.layouts["DepthMarketData"].fields
    )
    assert with_reserved == ({("md", "OnRtnDepthMarketData")} if has_reserved else set())


def test_every_payload_of_both_apis_says_what_the_model_says(catalogue: Catalogue) -> None:
    rng = random.Random(10)
    for codec in replies(catalogue).values():
        for _ in range(4):
            check(codec, random_raw(codec.layout, rng))


def check(codec: Codec, raw: bytes) -> None:
    text = codec.json(raw)
    expected = json_model(codec.layout, codec.order, raw)
    assert [(key, repr(value)) for key, value in items(text)] == [
        (key, repr(value)) for key, value in expected.items()
    ], codec.layout.name


@pytest.mark.parametrize(("side", "name"), HOT)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_bytes_become_valid_json(
    catalogue: Catalogue, side: Side, name: str, data: st.DataObject
) -> None:
    codec = catalogue.reply_codec(side, name)
    raw = data.draw(st.binary(min_size=codec.size, max_size=codec.size))
    check(codec, raw)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, b"0.0"),
        (-0.0, b"-0.0"),
        (3500.0, b"3500.0"),
        (3500.2, b"3500.2"),
        (0.1 + 0.2, b"0.30000000000000004"),
        (-12.5, b"-12.5"),
        (1e16, b"1e16"),
        (5e-324, b"5e-324"),
        (-DBL_MAX, b"-1.7976931348623157e308"),
        (DBL_MAX, b"0"),
        (FLT_MAX, b"0"),
        (math.inf, b"0"),
        (-math.inf, b"0"),
        (math.nan, b"0"),
        (struct.unpack("<d", b"\x01\0\0\0\0\0\xf0\xff")[0], b"0"),
    ],
)
def test_a_double_is_a_number_or_zero_for_no_value(
    catalogue: Catalogue, number: float, text: bytes
) -> None:
    codec = catalogue.reply_codec("td", "OnRtnTrade")
    assert b'"Price":' + text + b"," in codec.json(codec.pack({"Price": number}))


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("全部成交".encode("gb18030"), "全部成交"),
        (b"       46792", "       46792"),
        (b"46792       ", "46792       "),
        ("全部成交".encode("gb18030")[:-1], "全部成\ufffd"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"a\x80b", "a\ufffdb"),
        (b"\x81\x30\x81", "\ufffd0\ufffd"),
        (b"\x81\x30\x81\x30", "\x80"),
        ("𠀀€".encode("gb18030"), "𠀀€"),
        (b"a\0rest of an older text", "a"),
        (b'quote " and \\', 'quote " and \\'),
        (b"tab\tline\nbell\x07del\x7f", "tab\tline\nbell\x07del\x7f"),
        (b"null", "null"),
        (b"", ""),
    ],
)
def test_text_is_what_gb18030_says(catalogue: Catalogue, octets: bytes, text: str) -> None:
    codec = catalogue.reply_codec("td", "OnRtnOrder")
    field = next(field for field in codec.layout.fields if field.name == "StatusMsg")
    raw = bytearray(codec.size)
    raw[field.offset : field.offset + len(octets)] = octets
    assert dict(items(codec.json(bytes(raw))))["StatusMsg"] == text


def test_text_without_its_nul_ends_with_the_field(catalogue: Catalogue) -> None:
    codec = catalogue.reply_codec("td", "OnRtnOrder")
    field = next(field for field in codec.layout.fields if field.name == "StatusMsg")
    raw = bytearray(codec.size)
    raw[field.offset : field.offset + field.size] = b"x" * field.size
    assert dict(items(codec.json(bytes(raw))))["StatusMsg"] == "x" * field.size


def test_chinese_text_is_not_escaped_and_control_characters_are(catalogue: Catalogue) -> None:
    codec = catalogue.reply_codec("td", "OnRtnOrder")
    assert '"StatusMsg":"已\\u0001撤"'.encode() in codec.json(codec.pack({"StatusMsg": "已\1撤"}))


@pytest.mark.parametrize("octet", range(256))
def test_a_char_is_one_ascii_character_or_empty(catalogue: Catalogue, octet: int) -> None:
    codec = catalogue.reply_codec("td", "OnRtnOrder")
    field = next(field for field in codec.layout.fields if field.name == "Direction")
    raw = bytearray(codec.size)
    raw[field.offset] = octet
    expected = chr(octet) if 0 < octet < 0x80 else ""
    assert dict(items(codec.json(bytes(raw))))["Direction"] == expected


def test_no_password_is_ever_sent(catalogue: Catalogue) -> None:
    blanked = 0
    for codec in replies(catalogue).values():
        secrets = [
            field.name
            for field in codec.layout.fields
            if field.kind == "s" and re.search("pass_?word|pwd", field.name, re.IGNORECASE)
        ]
        values: dict[str, Value] = dict.fromkeys(secrets, "S3cret")
        text = codec.json(codec.pack(values))
        assert b"S3cret" not in text
        assert all(value == "" for key, value in items(text) if key in secrets)
        assert {key for key, _ in items(text)} >= set(secrets)
        blanked += len(secrets)
    assert blanked >= 20


def test_flags_about_passwords_are_no_passwords(catalogue: Catalogue) -> None:
    codec = catalogue.reply_codec("td", "OnRtnFromBankToFutureByFuture")
    text = codec.json(codec.pack({"BankPwdFlag": "1", "BankPassWord": "x"}))
    assert b'"BankPwdFlag":"1"' in text
    assert b'"BankPassWord":""' in text


@pytest.mark.parametrize(
    ("name", "field"), [("SpecificInstrument", "InstrumentID"), ("SettlementInfo", "Content")]
)
def test_the_text_cache_does_not_grow_without_bound(
    catalogue: Catalogue, name: str, field: str
) -> None:
    codec = catalogue.codec(name)
    for number in range(25_000):
        text = f"i{number}"
        assert codec.get(codec.pack({field: text}), field) == text
    assert len(TEXTS) <= 10_000
    assert max(map(len, TEXTS)) <= 128


def test_a_struct_without_fields_is_an_empty_object() -> None:
    codec = Codec(Layout("Empty", 0, ()))
    assert codec.json(codec.parse({"Any": 1}, "Empty")) == b"{}"
    assert codec.unpack(b"") == {}
