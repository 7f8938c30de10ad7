"""Texts that grow and are compressed in pieces."""

from __future__ import annotations

import json
import zlib

from hypothesis import given
from hypothesis import strategies as st

from tcp_edge.quote.pieces import RECORDS, Growing, joined_adler


def growing(count: int) -> tuple[Growing, list[bytes]]:
    records = [
        json.dumps({"n": number, "x": "y" * (number % 7)}).encode() for number in range(count)
    ]
    made = Growing()
    for number, record in enumerate(records):
        made.add(record, number // 2)
    return made, records


@given(st.integers(0, 3 * RECORDS + 1))
def test_pieces_behind_each_other_are_the_text_and_one_zlib_stream(count: int) -> None:
    made, records = growing(count)
    text = b"[" + b", ".join(records) + b"]"
    assert made.text() == text
    assert zlib.decompress(made.zlib()) == text
    assert (made.count, made.size) == (count, len(text))


@given(st.integers(0, 2 * RECORDS + 5), st.integers(0, RECORDS), st.integers(0, RECORDS + 9))
def test_some_records_are_those_from_a_time_on(count: int, since: int, limit: int) -> None:
    made, records = growing(count)
    expected = [record for number, record in enumerate(records) if number // 2 >= since]
    assert made.chosen(since, limit) == (expected[:limit] if limit else expected)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_the_checksum_of_two_texts_comes_from_theirs(first: bytes, second: bytes) -> None:
    whole = joined_adler(zlib.adler32(first), zlib.adler32(second), len(second))
    assert whole == zlib.adler32(first + second)


def test_a_stream_read_by_another_hand_is_the_same() -> None:
    made, records = growing(RECORDS * 2 + 10)
    reader = zlib.decompressobj()
    stream = made.zlib()
    text = b"".join(reader.decompress(stream[at : at + 100]) for at in range(0, len(stream), 100))
    assert reader.eof
    assert json.loads(text) == [json.loads(record) for record in records]
