"""Lists that grow and are compressed in pieces."""

from __future__ import annotations

import json
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tcp_edge.quote.packing import ListCodec, packing
from tcp_edge.quote.pieces import RECORDS, Growing

CODECS: tuple[ListCodec, ...] = ("zlib", "zstd")


def records_of(count: int) -> list[bytes]:
    return [json.dumps({"n": number, "x": "y" * (number % 7)}).encode() for number in range(count)]


def growing(count: int, codec: ListCodec = "zlib") -> tuple[Growing, list[bytes]]:
    records = records_of(count)
    made = Growing(packing(codec))
    for number, record in enumerate(records):
        made.add(record, number // 2)
    return made, records


def opened(stream: bytes, codec: ListCodec) -> bytes:
    if codec == "zlib":
        return zlib.decompress(stream)
    reader = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
    text: bytes = reader.read()
    return text


@given(st.integers(0, 3 * RECORDS + 1), st.sampled_from(CODECS))
def test_pieces_behind_each_other_are_the_text_and_one_stream(count: int, codec: ListCodec) -> None:
    made, records = growing(count, codec)
    text = b"[" + b", ".join(records) + b"]"
    assert opened(b"".join(made.packed()), codec) == text
    assert (made.count, made.size) == (count, len(text))


@given(
    st.integers(0, 2 * RECORDS + 5),
    st.integers(0, RECORDS),
    st.integers(0, RECORDS + 9),
    st.sampled_from(CODECS),
)
def test_some_records_are_those_from_a_time_on(
    count: int, since: int, limit: int, codec: ListCodec
) -> None:
    made, records = growing(count, codec)
    expected = [record for number, record in enumerate(records) if number // 2 >= since]
    assert made.chosen(since, limit) == (expected[:limit] if limit else expected)


@pytest.mark.parametrize("codec", CODECS)
def test_what_was_had_stays_the_beginning_while_the_list_grows(codec: ListCodec) -> None:
    made, had = Growing(packing(codec)), list[bytes]()
    records = records_of(3 * RECORDS + 2)
    for number, record in enumerate(records):
        made.add(record, number)
        if number % 50 == 0 or number >= 3 * RECORDS - 2:
            for _ in range(2):  # the second time it is the end of before
                *new, end = made.packed(len(had))
                had += new
                text = opened(b"".join((*had, end)), codec)
                assert text == b"[" + b", ".join(records[: number + 1]) + b"]"
    assert len(had) == 3


def test_a_stream_read_by_another_hand_is_the_same() -> None:
    made, records = growing(RECORDS * 2 + 10)
    reader = zlib.decompressobj()
    stream = b"".join(made.packed())
    text = b"".join(reader.decompress(stream[at : at + 100]) for at in range(0, len(stream), 100))
    assert reader.eof
    assert json.loads(text) == [json.loads(record) for record in records]
