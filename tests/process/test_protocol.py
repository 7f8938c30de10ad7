"""A reader who knows bus/PROTOCOL.md and nothing else of ctpbus understands real workers."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import zmq

from tests.support.buslink import TdLink
from tests.support.group import Group
from tests.support.protocol import Document

PAGE: Final = Document.read("PROTOCOL.md")
STOCK: Final = "600000"
TIMEOUT_MS: Final = 20_000
Fields = dict[str, Any]


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    path: Path = tmp_path_factory.mktemp("group")
    with Group(path) as made:
        made.start("sim", "md_worker", "td_worker")
        yield made


def read(mark: str, frame: bytes) -> tuple[Fields, bytes]:
    """A header by its documented table, and the body."""
    layout = PAGE.struct(mark)
    names = [row[0] for row in PAGE.table(mark)]
    return dict(zip(names, layout.unpack_from(frame), strict=True)), frame[layout.size :]


def type_of(name: str) -> int:
    return next(int(number, 16) for told, number, _ in PAGE.table("types") if told == name)


def bit(name: str) -> int:
    return next(int(number) for told, number, _ in PAGE.table("flags") if told == name)


class Reader:
    """A SUB of one who knows the page."""

    def __init__(self, socket: zmq.Socket[Any], address: str, topic: str) -> None:
        self._socket = socket
        socket.subscribe(topic)
        socket.connect(address)

    def next(self, name: str) -> tuple[Fields, bytes]:
        """The next message of this type."""
        until = time.monotonic() + TIMEOUT_MS / 1000
        while time.monotonic() < until:
            assert self._socket.poll(TIMEOUT_MS), "nothing came"
            _, _, rest = self._socket.recv().partition(b"\0")
            header, body = read("header", rest)
            if header["type"] == type_of(name):
                return header, body
        raise AssertionError(f"no {name}")


class Stranger:
    """A program with libzmq, msgpack and the page."""

    def __init__(self) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self._sockets: list[zmq.Socket[Any]] = []

    def close(self) -> None:
        for socket in self._sockets:
            socket.close(linger=0)
        self._context.term()

    def reader(self, address: str, topic: str) -> Reader:
        return Reader(self._socket(zmq.SUB), address, topic)

    def call(self, address: str, method: str, body: object) -> list[tuple[Fields, bytes]]:
        """Header and body of each row of the answer."""
        socket = self._socket(zmq.DEALER)
        socket.connect(address)
        deadline_ns = time.time_ns() + 10**10
        raw = body if isinstance(body, bytes) else msgspec.msgpack.encode(body)
        socket.send(msgspec.msgpack.encode([5, method, deadline_ns, b"", 0, raw]))
        rows: list[tuple[Fields, bytes]] = []
        while not rows or not rows[-1][0]["flags"] & bit("LAST"):
            assert socket.poll(TIMEOUT_MS), f"{method} was not answered"
            rows.append(read("row", socket.recv()))
            assert rows[-1][0]["id"] == 5
        return rows

    def _socket(self, kind: int) -> zmq.Socket[Any]:
        self._sockets.append(self._context.socket(kind))
        return self._sockets[-1]


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    made = Stranger()
    yield made
    made.close()


def test_a_tick_is_read_by_the_documented_offsets(group: Group, stranger: Stranger) -> None:
    reader = stranger.reader(group.ready["md_worker"]["pub"], f"tick/{STOCK}/")
    header, body = reader.next("OnRtnDepthMarketData")
    assert (header["flags"], header["layout"]) == (bit("HAS_FIELD"), 0x670B)
    assert header["recv_ns"] <= header["sent_ns"] <= time.time_ns()
    assert len(body) == 584
    at = {name: (int(offset), int(size)) for name, offset, size in PAGE.table("offsets")}
    begin, size = at["InstrumentID"]
    assert body[begin : begin + size].partition(b"\0")[0] == STOCK.encode()
    assert struct.unpack_from("<d", body, at["LastPrice"][0])[0] > 0
    begin, size = at["UpdateTime"]
    assert body[begin : begin + size].count(b":") == 2
    beat, nothing = reader.next("Beat")
    assert (beat["epoch"], beat["flags"], nothing) == (header["epoch"], bit("LOCAL"), b"")
    assert beat["seq"] >= header["seq"]


def test_a_late_joiner_gets_the_last_message_and_those_after_a_place(
    group: Group, stranger: Stranger
) -> None:
    ready = group.ready["md_worker"]
    topic = f"tick/{STOCK}/"
    first, _ = stranger.reader(ready["pub"], topic).next("OnRtnDepthMarketData")
    second, _ = stranger.reader(ready["pub"], topic).next("OnRtnDepthMarketData")
    ((row, message),) = stranger.call(ready["rpc"], "Snapshot", [STOCK])
    assert row["type"] == type_of("Snapshot")
    last, _ = read("header", message.partition(b"\0")[2])
    assert (last["epoch"], last["seq"]) >= (second["epoch"], second["seq"])
    place = {"topic": topic, "epoch": first["epoch"], "seq": first["seq"] - 1}
    *rows, (end, reached) = stranger.call(ready["rpc"], "Since", place)
    assert end["type"] == type_of("Since")
    assert {row["type"] for row, _ in rows} == {type_of("Message")}
    seqs = [read("header", body.partition(b"\0")[2])[0]["seq"] for _, body in rows]
    assert seqs == list(range(first["seq"], seqs[-1] + 1))
    assert msgspec.msgpack.decode(reached) == {"epoch": first["epoch"], "seq": seqs[-1]}


def test_every_documented_verb_is_known(group: Group, stranger: Stranger) -> None:
    for worker in ("md", "td"):
        rpc = group.ready[f"{worker}_worker"]["rpc"]
        for method in PAGE.keys(f"verbs: {worker}"):
            header, body = stranger.call(rpc, method, b"\x91\xa1x")[-1]
            if header["type"] == type_of("Error"):
                assert msgspec.msgpack.decode(body)["error_id"] in (-1, -400, -401), method
    (header, body) = stranger.call(group.ready["md_worker"]["rpc"], "NoSuchVerb", b"")[-1]
    assert msgspec.msgpack.decode(body)["error_id"] == -404


def test_the_state_messages_have_the_documented_keys(group: Group, stranger: Stranger) -> None:
    with TdLink(group) as td:
        td.login()
        for worker in ("md", "td"):
            pub = group.ready[f"{worker}_worker"]["pub"]
            _, body = stranger.reader(pub, f"state/{worker}_worker/").next("State")
            state = msgspec.msgpack.decode(body)
            assert sorted(state) == sorted(PAGE.keys(f"state: {worker}"))
            for account in state.get("accounts", []):
                assert all(f"`{key}`" in PAGE.text for key in account)
