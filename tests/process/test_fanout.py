"""ws_edge under more ticks than its clients, or it itself, can take one by one."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bus.frames import tick_topic
from tests.bench.clients import Line
from tests.bench.programs import rss_bytes
from tests.support.crowd import Crowd
from tests.support.edge_core import pack
from tests.support.fake_worker import wait_until
from tests.support.ws_client import ws

from .test_ws_edge import Stage, certificate, subscribe

NAMES = ("rb2610", "hc2610", "au2612", "ag2612", "IF2612")
MB = 1 << 20
StageOf = Callable[..., Stage]


@pytest.fixture
def stage_of(tmp_path: Path) -> Iterator[StageOf]:
    """A stage with these settings of ws_edge; ``entry``: a module in its place."""
    stages: list[Stage] = []

    def start(entry: str = "ws_edge", **config: Any) -> Stage:
        folder = tmp_path / str(len(stages))
        folder.mkdir()
        stage = Stage(folder, entry, **config)
        stages.append(stage)
        stage.start("md")
        return stage

    yield start
    for stage in stages:
        stage.close()


def crowd_of(stage: Stage, count: int, query: str = "") -> Crowd:
    port = urlsplit(stage.url("")).port
    assert port is not None
    crowd = Crowd(port, count, NAMES, query)
    for name in NAMES:
        stage.md.wait_subscribed(tick_topic(name))
    return crowd


class Flood:
    """Ticks of all instruments in turn, flat out; a tick's Volume counts those of its instrument
    and is in the struct's own bytes."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self.volume = stage, 0

    def publish(self, rounds: int) -> None:
        for _ in range(rounds):
            self.volume += 1
            for name in NAMES:
                field = pack("DepthMarketData", InstrumentID=name, Volume=self.volume)
                self._stage.md.publish(tick_topic(name), "OnRtnDepthMarketData", field)

    @property
    def last(self) -> dict[str, int]:
        return dict.fromkeys(NAMES, self.volume)

    @property
    def ticks(self) -> int:
        return self.volume * len(NAMES)


def totals(stage: Stage) -> dict[str, int]:
    """The counters of ws_edge, which is stopped for them."""
    assert stage.group.stop("ws_edge") == 0
    records = [json.loads(line) for line in stage.group.log("ws_edge").splitlines()]
    (found,) = [record for record in records if record["event"] == "totals"]
    counts: dict[str, int] = found
    return counts


def test_ticks_that_wait_share_a_write(stage_of: StageOf) -> None:
    stage, clients = stage_of(), 5
    flood = Flood(stage)
    with crowd_of(stage, clients) as crowd:
        stage.group.freeze("ws_edge")
        flood.publish(20)
        stage.group.thaw("ws_edge")
        crowd.read_until(lambda: crowd.have(flood.last))
        assert [client.ticks for client in crowd.clients] == [flood.ticks] * clients
    counts = totals(stage)
    assert counts["deliveries"] == flood.ticks * clients
    assert counts["writes"] <= counts["deliveries"] / 5


def test_a_tick_that_comes_alone_waits_for_no_other(stage_of: StageOf) -> None:
    stage, rounds = stage_of(), 10
    with crowd_of(stage, 3) as crowd:
        flood = Flood(stage)
        for _ in range(rounds):
            for name in NAMES:
                field = pack("DepthMarketData", InstrumentID=name, Volume=flood.volume + 1)
                stage.md.publish(tick_topic(name), "OnRtnDepthMarketData", field)
                crowd.read_until(
                    lambda name=name: all(  # type: ignore[misc]
                        client.last.get(name) == flood.volume + 1 for client in crowd.clients
                    )
                )
            flood.volume += 1
    counts = totals(stage)
    assert counts["writes"] == counts["deliveries"] == flood.ticks * 3


@pytest.mark.parametrize("clients", [20, 100])
def test_under_saturation_every_tick_is_delivered_or_counted(
    stage_of: StageOf, clients: int
) -> None:
    """Half of the ticks come while nobody reads, the others while everybody does."""
    stage = stage_of()
    flood = Flood(stage)
    with crowd_of(stage, clients) as crowd:
        flood.publish(300)
        publishing = threading.Thread(target=flood.publish, args=(300,))
        publishing.start()
        crowd.read_until(lambda: not publishing.is_alive())
        publishing.join()
        crowd.read_until(lambda: crowd.have(flood.last))
        assert [client.falls for client in crowd.clients] == [0] * clients
        delivered = crowd.ticks
    counts = totals(stage)
    assert counts["ticks"] == flood.ticks
    assert counts["ticks_lost"] == 0
    assert counts["deliveries"] == delivered
    assert counts["conflated"] > clients * 100
    assert delivered + counts["conflated"] + counts["withdrawn"] == flood.ticks * clients


def test_who_reads_on_in_time_is_told_how_much_was_left_out(stage_of: StageOf) -> None:
    stage, clients = stage_of(), 10
    flood = Flood(stage)
    with crowd_of(stage, clients, "?notices=gap") as crowd:
        flood.publish(300)
        crowd.read_until(lambda: crowd.have(flood.last))
        for client in crowd.clients:
            assert client.conflated > 100
            assert client.ticks + client.conflated == flood.ticks
            assert client.missing == 0
        conflated = crowd.conflated
    assert totals(stage)["conflated"] == conflated


def test_ticks_are_thinned_out_below_tls_too(stage_of: StageOf, tmp_path: Path) -> None:
    key, cert = certificate(tmp_path)
    stage = stage_of(cert_file=cert, key_file=key)
    flood = Flood(stage)
    context = ssl.create_default_context(cafile=cert)
    with ws(stage.url("/md/?notices=gap"), ssl=context) as client:
        client.ask(MsgType="ReqUserLogin", ReqUserLogin={})
        subscribe(stage, client, *NAMES)
        last: dict[str, int] = {}
        conflated = delivered = 0

        def read() -> None:
            nonlocal conflated, delivered
            heard = client.hear()
            if heard["MsgType"] == "Conflated":
                conflated += heard["Conflated"]["Ticks"]
            else:
                delivered += 1
                tick = heard["DepthMarketData"]
                last[tick["InstrumentID"]] = tick["Volume"]

        for rounds in (1, 2000):  # the second time the client does not read meanwhile
            flood.publish(rounds)
            while last != flood.last:
                read()
        assert conflated > 100
        assert delivered + conflated == flood.ticks


def feed(stage: Stage, flood: Flood, reading: Crowd, enough: Callable[[], bool]) -> int:
    """Ticks until it is enough, at the speed of those who read. How many bytes of memory ws_edge
    took meanwhile."""
    pid = stage.group.pid("ws_edge")
    before = grown = rss_bytes(pid)
    deadline = time.monotonic() + 60
    while not enough():
        assert time.monotonic() < deadline, stage.group.log("ws_edge")[-2000:]
        flood.publish(20)
        reading.read_until(lambda: reading.have(flood.last))
        grown = max(grown, rss_bytes(pid))
    return grown - before


@pytest.mark.parametrize("entry", ["ws_edge", "tests.support.edges.endless"])
def test_stuck_clients_cost_little_memory(stage_of: StageOf, entry: str) -> None:
    stage = stage_of(entry)
    flood = Flood(stage)
    with crowd_of(stage, 1) as reading, crowd_of(stage, 40):
        feed(stage, flood, reading, lambda: flood.volume >= 100)
        grown = feed(stage, flood, reading, lambda: flood.volume >= 500)
    assert (grown < 16 * MB) is (entry == "ws_edge")


@pytest.mark.parametrize("entry", ["ws_edge", "tests.support.edges.abrupt"])
def test_stuck_clients_are_told_when_they_read_on_after_their_end(
    stage_of: StageOf, entry: str
) -> None:
    stage, clients = stage_of(entry, stall_s=2.0), 40
    flood = Flood(stage)
    with crowd_of(stage, 1) as reading, crowd_of(stage, clients) as stuck:
        ended = '"event":"closed"'
        feed(stage, flood, reading, lambda: stage.group.log("ws_edge").count(ended) >= clients)
        stuck.read_until(lambda: all(client.ended for client in stuck.clients))
        told = [client.closed for client in stuck.clients].count((1013, "too slow"))
        assert (told == clients) is (entry == "ws_edge")
        assert reading.clients[0].closed is None
    counts = totals(stage)
    assert counts["stalls"] == clients
    assert counts["overflows"] == 0


_CLOSE = b"\x88\x82\0\0\0\0\x03\xe8"  # a masked Close frame, 1000


def leave(line: Line, way: int) -> None:
    """One of the ways in which clients end."""
    if way == 0:  # a reset
        linger = struct.pack("ii", 1, 0)
        line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        line.close()
    elif way == 1:
        line.close()
    elif way == 2:
        line.socket.sendall(_CLOSE)
    elif way == 3:
        line.socket.shutdown(socket.SHUT_WR)


def test_clients_that_come_and_go_in_a_flood_harm_nobody(stage_of: StageOf) -> None:
    stage = stage_of()
    flood = Flood(stage)
    stop = threading.Event()

    def publish() -> None:
        while not stop.wait(0.002):
            flood.publish(5)

    publishing = threading.Thread(target=publish)
    with ExitStack() as stack:
        reading = stack.enter_context(crowd_of(stage, 1))
        publishing.start()
        stack.callback(publishing.join)
        stack.callback(stop.set)
        port = urlsplit(stage.url("")).port
        assert port is not None
        for number in range(300):
            line = Line(port, "/md/?notices=gap")
            stack.callback(line.close)
            line.log_in()
            line.subscribe(NAMES)
            leave(line, number % 5)  # the fifth only stops reading
            before = reading.clients[0].reads
            reading.read_until(lambda: reading.clients[0].reads > before)  # noqa: B023
        stop.set()
        publishing.join()
        reading.read_until(lambda: reading.have(flood.last))
        assert reading.clients[0].falls == 0
    assert totals(stage)["unhandled"] == 0
    assert "Traceback" not in stage.group.log("ws_edge")


@pytest.mark.parametrize("way", [2, 3])
def test_a_goodbye_without_an_end_holds_nothing(stage_of: StageOf, way: int) -> None:
    """Who says that he leaves, and takes nothing of what waits for him: the line is cut, though a
    ping of the library waits behind all that."""
    stage = stage_of(ping_interval_s=0.2)
    flood = Flood(stage)
    with crowd_of(stage, 1) as reading:
        line = Line(urlsplit(stage.url("")).port or 0, "/md/")
        with line.socket:
            line.log_in()
            line.subscribe(NAMES)
            feed(stage, flood, reading, lambda: flood.volume >= 500)
            time.sleep(0.5)  # longer than the interval of pings
            leave(line, way)
            wait_until(
                lambda: '"event":"closed"' in stage.group.log("ws_edge"),
                lambda: "the connection is held",
            )


def test_pings_of_who_reads_nothing_pile_up_no_pongs(stage_of: StageOf) -> None:
    stage = stage_of(send_limit_bytes=MB, stall_s=3600.0)
    line = Line(urlsplit(stage.url("")).port or 0, "/md/")
    ping = b"\x89\xfd" + bytes(4) + b"p" * 125
    # Until the line is cut, which is some time after the Close.
    until = time.monotonic() + 20
    with line.socket, pytest.raises(OSError):
        while time.monotonic() < until:
            line.socket.sendall(ping * 500)
    assert '"code":1013' in stage.group.log("ws_edge")
    assert totals(stage)["overflows"] == 1
