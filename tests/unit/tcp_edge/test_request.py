"""Requests as clients of many makes write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcp_edge.request import Request, _parse_other, parse
from tcp_edge.stat import Failed, Stat


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ('{"cmd": 1}', (1, "", None, None, 0, {})),
        ('{"CMD": "000001", "Params": ""}', (1, "", None, None, 0, {})),
        ('{"cmd": 000001, "params": {"UserName": "a"}}', (1, "", {"username": "a"}, None, 0, {})),
        ('{"cmd": 7, "params": "{\\"Code\\": 1}"}', (7, "", {"code": 1}, None, 0, {})),
        ('{"cmd": 7, "params": [{"CODE": "a"}, 5]}', (7, "", [{"code": "a"}, 5], None, 0, {})),
        ('{"cmd": 7, "params": 12}', (7, "", 12, 12, 0, {})),
        ('{"cmd": 7, "params": {"ReqId": "4"}}', (7, "", {"reqid": "4"}, 4, 0, {})),
        ('{"cmd": 7, "params": 12, "reqid": 9}', (7, "", 12, 9, 0, {})),
        ('{"cmd": 7, "AuthCode": 12345678}', (7, "12345678", None, None, 0, {})),
        ('{"cmd": 7, "wait": "99999999"}', (7, "", None, None, 60_000, {})),
        ('{"cmd": 7, "wait": -5, "Push": true}', (7, "", None, None, 0, {"push": True})),
        (
            '{"cmd": 7, "params": 18446744073709551615}',
            (7, "", 18446744073709551615, 18446744073709551615, 0, {}),
        ),
    ],
)
def test_a_request_is_read_leniently(text: str, request_: tuple[Any, ...]) -> None:
    assert parse(text) == Request(*request_)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "[]", "7", "null", "{}", '{"cmd": null}', '{"cmd": 1.5}', '{"cmd": true}'),
        *('{"cmd": "x"}', '{"cmd": 1} {"cmd": 1}', '{"cmd": 1, "params": "{"}', "{" * 100_000),
        *('{"cmd": 1, "params": NaN}', '{"cmd": 1, "params": 1e999}', '{"cmd": 1, "reqid": []}'),
        *('{"cmd": 1, "params": "\\ud800"}', '{"cmd": ' + "9" * 5000 + "}", "[" * 100_000),
    ],
)
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(Failed) as refused:
        parse(text)
    assert refused.value.stat is Stat.BAD_REQUEST


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
keys = st.sampled_from(["cmd", "CMD", "params", "authcode", "reqid", "wait", "push"])


@given(st.dictionaries(keys, json_values), st.booleans())
def test_whatever_comes_is_a_request_or_refused(envelope: dict[str, Any], twice: bool) -> None:
    text = json.dumps(envelope)
    try:
        parse(json.dumps({"cmd": 1, "params": text}) if twice else text)
    except Failed as refused:
        assert refused.stat is Stat.BAD_REQUEST


@given(st.dictionaries(keys, json_values))
def test_a_request_in_its_usual_form_is_read_no_other_way(envelope: dict[str, Any]) -> None:
    text = json.dumps(envelope | {"cmd": 7})
    assert told(parse, text) == told(_parse_other, text)


def told(read: Callable[[str], Request], text: str) -> str:
    try:
        return repr(read(text))
    except Failed as refused:
        return str(refused)


@pytest.mark.parametrize(
    "text",
    [
        '{"cmd": 210005, "params": {"quantity": 1, "Quantity": 100}}',
        '{"cmd": 210005, "params": "{\\"side\\": 1, \\"SIDE\\": 2}"}',
        '{"cmd": 110001, "params": [{"code": "1", "CODE": "2"}]}',
        '{"cmd": 1, "CMD": 2}',
        '{"cmd": "2_10005"}',
        '{"cmd": 200004, "reqid": "1_0"}',
        '{"cmd": 200004, "reqid": "\u0661"}',
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(Failed) as failed:
        parse(text)
    assert failed.value.stat is Stat.BAD_REQUEST
