"""The bytes on the bus."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import frames
from bus.frames import Flag, Row

U64 = st.integers(0, 2**64 - 1)
U16 = st.integers(0, 2**16 - 1)


def test_a_message_has_the_bytes_of_the_written_format() -> None:
    header = struct.pack("<IQQQHHH", 7, 8, 9, 10, 11, 0x670B, 1)
    message = frames.unpack_message(b"tick/rb2610/\0" + header + b"body\0body")
    assert message == ("tick/rb2610/", 7, 8, 9, 10, 11, 0x670B, 1, b"body\0body")


@pytest.mark.parametrize("frame", [b"", b"tick/x/", b"tick/x/\0", b"tick/x/\0" + b"x" * 33])
def test_bytes_that_are_no_message_are_refused(frame: bytes) -> None:
    with pytest.raises(frames.FrameError):
        frames.unpack_message(frame)


@given(U64, U64, st.integers(-(2**31), 2**31 - 1), U16, U16, U16, st.binary(max_size=50))
def test_a_row_comes_back_as_it_was(
    number: int, seq: int, request_id: int, kind: int, layout: int, flags: int, body: bytes
) -> None:
    row = Row(number, seq, request_id, kind, layout, flags, body)
    assert frames.unpack_row(frames.pack_row(row)) == row


def test_a_short_row_is_refused() -> None:
    with pytest.raises(frames.FrameError):
        frames.unpack_row(b"x" * 25)


@given(st.none() | st.binary(max_size=20), st.none() | st.binary(min_size=88, max_size=88))
def test_struct_and_info_are_told_apart(field: bytes | None, info: bytes | None) -> None:
    flags, body = frames.join_body(field, info)
    assert frames.split_body(flags | Flag.LAST, body, 88) == (field, info)


def test_a_user_cannot_choose_a_name_under_another_users_topic() -> None:
    topic = frames.account_topic("9999", "a")
    for user in ("a/b", "a/", "a/../a", "a\0", "ä"):
        other = frames.account_topic("9999", user)
        assert not other.startswith(topic)
        assert other.isascii()
        assert other.count("/") == 3
        assert "\0" not in other
