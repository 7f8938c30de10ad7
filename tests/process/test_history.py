"""History asked of a real recorder, while it records."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from bus.client import Client, Gap, Place, Tick, addresses_of, sync
from bus.client.tables import to_pandas, to_polars
from bus.errors import Refused
from bus.frames import HEADER, Flag, message_type, tick_topic, unpack_row
from bus.history import Ticks
from bus.rpc import Call, refusal
from recorder.ticks.store import TickStore
from schemas import catalogue
from schemas.errors import BAD_REQUEST
from tests.support.group import Group
from tests.support.ws_client import ws

NAME, OLD_DAY, OLD = "600000", "20200106", 3000
WAIT_S = 30.0
CODEC = catalogue.load().reply_codec("md", "OnRtnDepthMarketData")


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    overrides: dict[str, Any] = {"recorder": {"instruments": [NAME], "batch_s": 0.05}}
    with Group(tmp_path_factory.mktemp("history"), overrides=overrides) as group:
        _write_old_day(group.data / "recorder" / "ticks")
        group.start("sim", "md_worker", "ws_edge", "recorder")
        yield group


def _write_old_day(folder: Path) -> None:
    store = TickStore(folder)
    for seq in range(1, OLD + 1):
        raw = CODEC.pack({"InstrumentID": NAME, "TradingDay": OLD_DAY, "Volume": seq})
        kind, layout = message_type("OnRtnDepthMarketData"), catalogue.load().layout_id
        header = HEADER.pack(7, seq, seq * 10**9, seq * 10**9, kind, layout, Flag.HAS_FIELD)
        store.add(OLD_DAY, NAME, tick_topic(NAME).encode() + b"\0" + header + raw)
    store.close()


def run(group: Group, scenario: Callable[[Client], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with Client(addresses_of(str(group.config_file))) as client:
            async with asyncio.timeout(WAIT_S):
                await scenario(client)

    asyncio.run(whole())


async def live(client: Client, count: int) -> list[Tick]:
    """What a subscriber sees now."""
    seen: list[Tick] = []
    items = client.ticks(NAME, complete=True)
    async for item in items:
        if isinstance(item, Tick):
            seen.append(item)
        if len(seen) == count:
            break
    await items.aclose()
    return seen


async def recorded(client: Client, last: Tick) -> list[Tick]:
    """All of today, once this one is on record."""
    while True:
        found = await client.history.ticks(NAME)
        ticks = [item for item in found if isinstance(item, Tick)]
        gaps = [item for item in found if isinstance(item, Gap)]
        assert all(gap.last is None or gap.last < ticks[0].seq for gap in gaps), gaps
        if ticks and ticks[-1].seq >= last.seq:
            return ticks
        await asyncio.sleep(0.02)


def test_all_of_today_is_what_a_subscriber_saw(group: Group) -> None:
    async def scenario(client: Client) -> None:
        seen = await live(client, 20)
        found = await recorded(client, seen[-1])
        begin = found.index(seen[0])
        assert found[begin : begin + len(seen)] == seen
        assert client.fields(found[0])["InstrumentID"] == NAME
        (last,) = await client.history.last_ticks(NAME)
        assert last is not None and last.seq >= seen[-1].seq

    run(group, scenario)


def test_a_program_without_a_loop_has_the_same_and_makes_tables_of_it(group: Group) -> None:
    with sync.Client(str(group.config_file)) as client:
        found = client.history.ticks(NAME, day=OLD_DAY)
        frame, same = to_pandas(client, found), to_polars(client, found)
        (last,) = client.history.last_ticks(NAME)
    assert last is not None
    assert list(frame["Volume"]) == same["Volume"].to_list() == list(range(1, OLD + 1))
    assert list(frame["seq"]) == list(range(1, OLD + 1))
    assert frame["recv_time"].iloc[0].value == 10**9


def test_pages_give_everything_once_while_more_is_recorded(group: Group) -> None:
    async def scenario(client: Client) -> None:
        place: Place | None = None
        found: list[Tick] = []
        (begin,) = await live(client, 1)
        while not found or found[-1].seq < begin.seq + 40:
            page = await client.history.ticks(NAME, after=place, limit=7)
            ticks = [item for item in page if isinstance(item, Tick)]
            assert len(ticks) <= 7
            found += ticks
            if found:
                place = Place(found[-1].epoch, found[-1].seq)
        whole = await recorded(client, found[-1])
        assert found == whole[: len(found)]

    run(group, scenario)


def test_as_json_it_is_what_ws_edge_sends(group: Group) -> None:
    with ws(group.url("/md/")) as edge:
        edge.log_in()
        edge.send(MsgType="SubscribeMarketData", InstrumentID=[NAME])
        sent = ""
        while not sent:
            _, _, sent = edge.text().partition('"DepthMarketData":')

    async def scenario(client: Client) -> None:
        while True:
            arrays = await client.history.ticks_json(NAME)
            if any(sent.rstrip("}").encode() in array for array in arrays):
                break
            await asyncio.sleep(0.02)
        ticks = [tick for array in arrays for tick in msgspec.json.decode(array)]
        found = await client.history.ticks(NAME)
        raw = [CODEC.json(item.body) for item in found if isinstance(item, Tick)]
        assert [msgspec.json.decode(text) for text in raw[: len(ticks)]] == ticks

    run(group, scenario)


def test_an_earlier_day(group: Group) -> None:
    async def scenario(client: Client) -> None:
        history = client.history
        found = await history.ticks(NAME, day=OLD_DAY)
        assert [item.seq for item in found if isinstance(item, Tick)] == list(range(1, OLD + 1))
        late = await history.ticks(NAME, day=OLD_DAY, since_ns=2990 * 10**9, limit=5)
        assert [item.seq for item in late if isinstance(item, Tick)] == list(range(2990, 2995))
        one_by_one = [item async for item in history.ticks(NAME, day=OLD_DAY)]
        assert one_by_one == found
        arrays = await history.ticks_json(NAME, day=OLD_DAY)
        assert sum(len(msgspec.json.decode(array)) for array in arrays) == OLD

    run(group, scenario)


def test_what_is_not_there_is_empty_and_what_is_wrong_is_refused(group: Group) -> None:
    async def scenario(client: Client) -> None:
        history = client.history
        assert await history.ticks("unknown") == []
        assert await history.ticks(NAME, day="20190101") == []
        assert await history.ticks_json("unknown") == []
        assert await history.last_ticks("unknown", "other") == [None, None]
        for found in (history.ticks("a/b"), history.ticks(NAME, day="today")):
            with pytest.raises(Refused) as caught:
                await found
            assert caught.value.error_id == BAD_REQUEST

    run(group, scenario)


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x80", msgspec.msgpack.encode([NAME])])
def test_a_body_that_is_none_is_refused(group: Group, body: bytes) -> None:
    with Deaf(group) as caller:
        for verb in ("Ticks", "LastTicks", "Events", "Answers"):
            caller.ask(verb, body)
            error = refusal(unpack_row(caller.read()))
            assert error is not None and error.error_id == BAD_REQUEST and verb in error.detail


class Deaf:
    """A caller that reads when it is told to."""

    def __init__(self, group: Group) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self._dealer = self._context.socket(zmq.DEALER)
        self._dealer.set(zmq.RCVHWM, 1)
        self._dealer.set(zmq.LINGER, 0)
        self._dealer.connect(group.ready["recorder"]["rpc"])
        self._count = 0

    def ask(self, verb: str, body: bytes, left_s: float = 60) -> None:
        self._count += 1
        call = Call(self._count, verb, time.time_ns() + int(left_s * 1e9), body=body)
        self._dealer.send(msgspec.msgpack.encode(call))

    def read(self) -> bytes:
        assert self._dealer.poll(int(WAIT_S * 1000))
        return self._dealer.recv()

    def __enter__(self) -> Deaf:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=0)


def test_callers_that_do_not_read_cost_little_and_hold_up_nobody(group: Group) -> None:
    body = msgspec.msgpack.encode(Ticks(instrument=NAME, day=OLD_DAY, form="json"))

    async def scenario(client: Client) -> None:
        await client.history.ticks_json(NAME, day=OLD_DAY)  # what is kept of it is kept
        before = memory(group)
        callers = [Deaf(group) for _ in range(8)]
        try:
            for caller in callers:
                for _ in range(40):  # 100 MB for each
                    caller.ask("Ticks", body)
            began = time.monotonic()
            for _ in range(5):
                arrays = await client.history.ticks_json(NAME, day=OLD_DAY)
                assert sum(len(msgspec.json.decode(array)) for array in arrays) == OLD
            assert time.monotonic() - began < 15
            assert memory(group) - before < 100 << 20
            seen = await live(client, 5)
            await recorded(client, seen[-1])
        finally:
            for caller in callers:
                caller.__exit__()

    run(group, scenario)


def memory(group: Group) -> int:
    pages = Path(f"/proc/{group.pid('recorder')}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_too_many_instruments_are_refused_and_many_are_not(group: Group) -> None:
    async def scenario(client: Client) -> None:
        names = [f"x{number}" for number in range(2000)]
        *none, last = await client.history.last_ticks(*names, NAME)
        assert none == [None] * 2000 and last is not None
        with pytest.raises(Refused):
            await client.history.last_ticks(*(f"x{number}" for number in range(20_001)))

    run(group, scenario)


def test_a_question_finds_the_recorder_that_comes_back(group: Group) -> None:
    async def scenario(client: Client) -> None:
        found = await client.history.ticks(NAME, day=OLD_DAY)
        asked = asyncio.create_task(client.history.ticks(NAME, day=OLD_DAY)._all())
        await asyncio.to_thread(group.restart, "recorder")
        assert await asked == found
        assert await client.history.ticks(NAME, day=OLD_DAY) == found

    run(group, scenario)


def test_a_stopped_recorder_is_waited_for(group: Group) -> None:
    os.kill(group.pid("recorder"), signal.SIGSTOP)
    try:

        async def scenario(client: Client) -> None:
            asked = asyncio.create_task(client.history.last_ticks(NAME))
            await asyncio.sleep(0.3)
            assert not asked.done()
            group.thaw("recorder")
            assert await asked != [None]

        run(group, scenario)
    finally:
        group.thaw("recorder")
