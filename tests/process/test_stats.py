"""Every process of a group says once a second what it counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest
import zmq

from bus.config import Common
from bus.endpoints import resolve
from bus.frames import stat_topic, unpack_message
from bus.stats import MdStat, stat_address
from tests.support.group import Group
from tests.support.ws_client import ws

PROGRAMS: Final = ("sim", "md_worker", "td_worker", "ws_edge", "tcp_edge", "recorder")
STOCK: Final = "600000"
TIMEOUT_S: Final = 20.0


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    with Group(tmp_path_factory.mktemp("stats")) as made:
        made.start(*PROGRAMS)
        yield made


class Reader:
    def __init__(self, group: Group) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        data = str(group.data)
        addresses = resolve(Common().bus, data)
        for program in PROGRAMS:
            self._socket.subscribe(stat_topic(program))
        own = [
            stat_address(addresses, data, name)
            for name in ("sim", "ws_edge", "tcp_edge", "recorder")
        ]
        for address in (*own, addresses.md_pub, addresses.td_pub):
            self._socket.connect(address)
        self.latest: dict[str, MdStat] = {}

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close(linger=0)
        self._context.term()

    def wait(self, program: str, **least: int) -> MdStat:
        """Until these counters are at least so high."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            stat = self.latest.get(program)
            if stat and all(stat.counters[name] >= count for name, count in least.items()):
                return stat
            assert time.monotonic() < deadline, (program, stat)
            if self._socket.poll(1000):
                message = unpack_message(self._socket.recv())
                read = msgspec.msgpack.decode(message.body, type=MdStat)
                assert message.topic == stat_topic(read.program)
                self.latest[read.program] = read


def test_each_process_is_heard_with_what_it_uses(group: Group) -> None:
    with Reader(group) as reader:
        for program in PROGRAMS:
            stat = reader.wait(program)
            assert stat.pid == group.pid(program)
            assert stat.memory > 1 << 20
            assert stat.cpu_s > 0
            assert 0.9 < stat.interval_s < 10
            assert "123456" not in str(stat)


def test_the_ways_of_a_tick_are_measured(group: Group) -> None:
    with Reader(group) as reader, ws(group.url("/md/")) as client:
        client.send(MsgType="ReqUserLogin", ReqUserLogin={"UserID": "", "Password": ""})
        client.hear_of("RspUserLogin")
        client.send(MsgType="SubscribeMarketData", InstrumentID=[STOCK])
        edge = reader.wait("ws_edge", ticks=5)
        worker = reader.wait("md_worker", ticks=5)
        record = reader.wait("recorder", written=3)
        reader.latest.clear()
        worker, edge = reader.wait("md_worker", ticks=6), reader.wait("ws_edge", ticks=9)
        assert worker.instruments == [STOCK]
        assert worker.levels == {"subscribed": 1, "wanted": 1}
        assert sum(worker.hops["publish"]) == worker.counters["ticks"]
        assert sum(worker.hops["front"]) >= 1
        assert 1 <= sum(edge.hops["bus"]) <= edge.counters["ticks"] // 4 + 1
        assert sum(edge.hops["write"]) == sum(edge.hops["bus"])
        assert len(edge.hops["write"]) < 32  # below 4 s
        assert sum(record.hops["record"]) >= 1
        assert edge.levels["md_clients"] == 1
        assert 0 <= edge.ages["md_worker"] < 5
        assert 0 <= edge.ages["td_worker"] < 5
        assert 0 <= record.ages["md_worker"] < 5
