"""A statement arrives as it was written, wherever the counter cuts it."""

from __future__ import annotations

import msgspec
import pytest

import schemas.catalogue
from ws_edge.names import methods
from ws_edge.requests import Request
from ws_edge.statement import METHOD, Statements

CATALOGUE = schemas.catalogue.load()
CODEC = CATALOGUE.reply_codec("td", "OnRspQrySettlementInfo")
TEXT = '交易结算单 "Statement"\r\n保证金占用 㐀 €: 1.00\r\n' * 3


def request() -> Request:
    return Request(methods(CATALOGUE, "td")[METHOD], 1)


def rows(octets: bytes, size: int) -> list[bytes]:
    (content,) = (part for part in CODEC.layout.fields if part.name == "Content")
    made = []
    for begin in range(0, len(octets), size):
        raw = bytearray(CODEC.pack({"SettlementID": 1}))
        part = octets[begin : begin + size]
        raw[content.offset : content.offset + len(part)] = part
        made.append(bytes(raw))
    return made


def told(statements: Statements, asked: Request, row: bytes, last: bool) -> str:
    payload = msgspec.json.decode(statements.payload(asked, CODEC, row, last))
    assert payload.keys() == set(CODEC.order)
    assert payload["SettlementID"] == 1
    return str(payload["Content"])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 500])
def test_a_character_that_is_cut_is_whole_in_the_end(size: int) -> None:
    parts = rows(TEXT.encode("gb18030"), size)
    statements, asked = Statements(), request()
    end = len(parts) - 1
    text = [told(statements, asked, row, number == end) for number, row in enumerate(parts)]
    assert "".join(text) == TEXT


def test_without_the_bytes_of_the_row_before_it_would_be_lost() -> None:
    parts = rows(TEXT.encode("gb18030"), 7)
    assert "\ufffd" in "".join(msgspec.json.decode(CODEC.json(row))["Content"] for row in parts)


def test_two_equal_requests_do_not_mix() -> None:
    first, second = rows("单".encode("gb18030"), 1)
    statements, one, other = Statements(), request(), request()
    assert told(statements, one, first, False) == told(statements, other, first, False) == ""
    assert told(statements, one, second, True) == told(statements, other, second, True) == "单"


def test_what_never_ends_is_forgotten_and_a_foreign_byte_stays_one() -> None:
    statements = Statements()
    (cut,) = rows(b"\xb5", 1)
    for _ in range(1000):
        told(statements, request(), cut, False)
    assert len(statements._open) == 100
    assert told(statements, request(), cut, True) == "\ufffd"
