"""Frames between the exchange and its API modules."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import wire
from sim.wire import (
    Answered,
    Beat,
    Bye,
    Call,
    Codes,
    CodesSeen,
    CodeUsed,
    Command,
    Hello,
    Inbox,
    Raise,
    Result,
    Subscribe,
    Welcome,
    WireError,
    frame,
)

FROM_CLIENT: list[wire.ToServer] = [
    Hello("td", 0x670B, wire.RESUME, wire.QUICK, "20260105", 7),
    Call("ReqOrderInsert", -1, b"\x00\xff"),
    Subscribe("SubscribeMarketData", ["rb2610", "螺纹"]),
    Beat(),
    CodesSeen(3),
    CodeUsed("ReqQryOrder"),
    Command(1, "fault", {"do": "freeze", "seconds": 1.5}),
]
FROM_SERVER: list[wire.ToClient] = [
    Welcome(10, 15.0, 40.0),
    Raise("OnRtnOrder", b"\x01" * 600, None, 5, False, 0, 9),
    Codes(2, {"ReqOrderInsert": [-3, -2]}),
    Answered(8),
    Beat(),
    Bye(0x1001),
    Result(1, [{"a": 1}], ""),
]


def test_messages_come_out_as_they_went_in() -> None:
    for message in FROM_CLIENT:
        assert wire.from_client(Inbox().receive(frame(message))[0]) == message
    for answer in FROM_SERVER:
        assert wire.from_server(Inbox().receive(frame(answer))[0]) == answer


@given(st.lists(st.integers(1, 40), min_size=1))
def test_messages_do_not_depend_on_how_the_stream_was_cut(cuts: list[int]) -> None:
    stream = b"".join(frame(message) for message in FROM_SERVER)
    inbox = Inbox()
    bodies: list[bytes] = []
    while stream:
        size = cuts[len(bodies) % len(cuts)]
        bodies += inbox.receive(stream[:size])
        stream = stream[size:]
    assert [wire.from_server(body) for body in bodies] == FROM_SERVER


def test_an_announced_length_beyond_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(WireError):
        Inbox().receive(struct.pack("<I", wire.MAX_FRAME_BYTES + 1))
    with pytest.raises(WireError):
        frame(Result(1, "x" * wire.MAX_FRAME_BYTES))


@given(st.binary(max_size=60))
def test_anything_else_is_an_error_of_the_wire(body: bytes) -> None:
    for decode in (wire.from_client, wire.from_server):
        try:
            decode(body)
        except WireError:
            continue


@pytest.mark.parametrize("message", [Welcome(1, 1.0, 1.0), Raise("OnRtnOrder")])
def test_a_client_cannot_say_what_only_a_server_says(message: wire.ToClient) -> None:
    with pytest.raises(WireError):
        wire.from_client(Inbox().receive(frame(message))[0])
