"""The SDK against real workers on the embedded exchange: what is lost is healed or told."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.client import (
    Account,
    Client,
    Fresh,
    Gap,
    Place,
    Restarted,
    Return,
    Returns,
    Stale,
    Tick,
    Ticks,
    addresses_of,
)
from bus.errors import Refused, Unavailable
from sim.control import SimControl
from tests.support.buslink import MdLink, TdLink
from tests.support.group import CHECKOUT, Group

USER, PASSWORD, BROKER = "028742", "123456", "9999"
WAIT_S = 30.0


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    overrides: dict[str, Any] = {
        "sim": {"queries_per_second": 0},
        "md_worker": {"retry_s": 0.2, "step_s": 0.5},
        "td_worker": {"retry_s": 0.2, "step_s": 0.5},
    }
    with Group(tmp_path_factory.mktemp("client"), overrides=overrides) as group:
        group.start("sim", "md_worker", "td_worker")
        yield group


@pytest.fixture(scope="module")
def instrument(group: Group) -> str:
    with TdLink(group) as td:
        td.login()
        rows = td.request("ReqQryInstrument", ProductID="rb", ExchangeID="SHFE")
        return str(rows[0]["InstrumentID"])


def run(group: Group, scenario: Callable[[Client], Awaitable[None]], **options: Any) -> None:
    """One client's program, within a bounded time."""

    async def whole() -> None:
        async with Client(addresses_of(str(group.config_file)), **options) as client:
            async with asyncio.timeout(WAIT_S):
                await scenario(client)

    asyncio.run(whole())


async def until(items: Ticks | Returns, fact: Callable[[Any], bool]) -> list[Any]:
    """All items up to the first that is wanted."""
    seen: list[Any] = []
    async for item in items:
        seen.append(item)
        if fact(item):
            return seen
    raise AssertionError(f"it ended after {seen}")


def is_tick(item: object) -> bool:
    return isinstance(item, Tick)


def seqs(items: list[Any]) -> list[int]:
    """Of the ticks and returns among them."""
    return [item.seq for item in items if isinstance(item, (Tick, Return))]


def missing(items: list[Any]) -> list[int]:
    """The seqs that their gaps name."""
    gaps = [item for item in items if isinstance(item, Gap)]
    return [seq for gap in gaps for seq in range(gap.first, (gap.last or 0) + 1)]


# -- ticks -----------------------------------------------------------------------------------


def test_a_late_joiner_begins_with_the_last_tick_and_misses_none_from_there(
    group: Group, instrument: str
) -> None:
    async def scenario(client: Client) -> None:
        with MdLink(group) as md:
            md.subscribe(f"tick/{instrument}/")
            md.next("OnRtnDepthMarketData")
            ticks = client.ticks(instrument)
            (first,) = await until(ticks, is_tick)
            more = [await anext(ticks) for _ in range(3)]
        assert first.instrument == instrument
        assert seqs(more) == [first.seq + n for n in (1, 2, 3)]
        assert client.name(first) == "OnRtnDepthMarketData"
        assert client.fields(first)["InstrumentID"] == instrument

    run(group, scenario)


def test_a_star_follows_what_others_subscribe(group: Group, instrument: str) -> None:
    async def scenario(client: Client) -> None:
        with MdLink(group) as md:
            md.subscribe(f"tick/{instrument}/")
            (*_, tick) = await until(client.ticks("*"), is_tick)
            assert tick.instrument == instrument
            wide = client.ticks(instrument[:2] + "*", instrument)
            ticks = [await anext(wide) for _ in range(3)]
            assert seqs(ticks) == [seqs(ticks)[0] + n for n in range(3)]

    run(group, scenario)


def test_a_worker_that_is_killed_is_seen_and_its_new_epoch_is_complete(
    group: Group, instrument: str
) -> None:
    async def scenario(client: Client) -> None:
        ticks = client.ticks(instrument, complete=True)
        (*_, first) = await until(ticks, is_tick)
        await asyncio.to_thread(group.kill, "md_worker")
        await until(ticks, lambda item: isinstance(item, Stale))
        await asyncio.to_thread(group.start, "md_worker")
        seen = await until(ticks, lambda item: is_tick(item) and item.epoch > first.epoch)
        fresh, gap, restarted, *_ = seen
        assert isinstance(fresh, Fresh)
        assert isinstance(gap, Gap)
        assert (gap.epoch, gap.last, gap.reason) == (first.epoch, None, "restarted")
        assert restarted == Restarted(f"tick/{instrument}/", seen[-1].epoch)
        assert seen[-1].seq == 1, "nothing of the new epoch is missing"

    run(group, scenario)


class Broken:
    """Loses messages of one client on the way to it: the frames that ``loses`` names."""

    def __init__(self, client: Client, ticks: Ticks) -> None:
        self.lost: list[bytes] = []
        self.losing = False
        assert client._market is not None
        subscriber = client._market._subscriber
        deliver = subscriber._on_message

        def pass_on(frame: bytes) -> None:
            if self.losing and frame.startswith(b"tick/"):
                self.lost.append(frame)
            else:
                deliver(frame)

        subscriber._on_message = pass_on


@pytest.mark.parametrize("heal", [True, False])
def test_what_the_bus_lost_is_healed_in_its_place_or_else_reported(
    group: Group, instrument: str, heal: bool
) -> None:
    async def scenario(client: Client) -> None:
        ticks = client.ticks(instrument, complete=True)
        broken = Broken(client, ticks)
        (*_, first) = await until(ticks, is_tick)
        broken.losing = True
        while len([f for f in broken.lost if len(f) > 200]) < 3:
            await asyncio.sleep(0.01)
        broken.losing = False
        seen = await until(ticks, lambda item: is_tick(item) and item.seq > first.seq + 5)
        got, gaps = seqs(seen), missing(seen)
        assert sorted(got + gaps) == list(range(first.seq + 1, seen[-1].seq + 1))
        assert got == sorted(got)
        assert (not gaps) is heal, "the negative control: nothing else brings them back"
        assert (client.counters.healed >= 3) is heal

    run(group, scenario, heal=heal)


def test_the_lost_end_of_a_silent_topic_shows_in_a_beat(group: Group, instrument: str) -> None:
    async def scenario(client: Client) -> None:
        ticks = client.ticks(instrument)
        broken = Broken(client, ticks)
        (*_, first) = await until(ticks, is_tick)
        broken.losing = True
        while len([f for f in broken.lost if len(f) > 200]) < 2:
            await asyncio.sleep(0.01)
        with SimControl(group.config["sim"]["listen"]) as sim:
            sim.disconnect(side="md", seconds=3.0)
            broken.losing = False  # nothing but Beats from here
            seen = [await anext(ticks) for _ in range(2)]
        assert seqs(seen) == [first.seq + 1, first.seq + 2]
        await until(ticks, lambda item: is_tick(item) and item.seq > first.seq + 5)

    run(group, scenario)


def test_a_program_that_does_not_take_its_ticks_gets_the_newest_and_the_truth(
    group: Group, instrument: str
) -> None:
    async def scenario(client: Client) -> None:
        slow, other = client.ticks(instrument, limit=3), client.ticks(instrument)
        (*_, first) = await until(slow, is_tick)
        await until(other, lambda item: is_tick(item) and item.seq >= first.seq + 8)
        seen = await until(slow, lambda item: is_tick(item) and item.seq >= first.seq + 8)
        got, gaps = seqs(seen), missing(seen)
        assert {item.reason for item in seen if isinstance(item, Gap)} == {"slow"}
        assert sorted(got + gaps) == list(range(first.seq + 1, seen[-1].seq + 1))
        assert client.counters.slow == len(gaps)

    run(group, scenario)


class Reader:
    """The SDK in a process of its own, all of whose items are kept by topic."""

    def __init__(self, group: Group, folder: Path, way: str, names: list[str]) -> None:
        self._out = folder / "items"
        command = [sys.executable, "-m", "tests.support.tick_reader", str(group.config_file)]
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [*command, way, *names], cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=out
            )

    def items(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for line in self._out.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                item = msgspec.json.decode(line)
                found.setdefault(item[1], []).append(item)
        return found

    def wait(self, fact: Callable[[dict[str, list[Any]]], bool]) -> dict[str, list[Any]]:
        deadline = time.monotonic() + WAIT_S
        while not fact(items := self.items()):
            assert time.monotonic() < deadline
            assert self.process.poll() is None
            time.sleep(0.1)
        return items

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.mark.parametrize("way", ["newest", "complete"])
def test_a_subscriber_that_was_frozen_knows_all_that_it_missed(tmp_path: Path, way: str) -> None:
    overrides = {"bus": {"high_water": 600}, "md_worker": {"keep_ticks": 3}}
    with Group(tmp_path, overrides=overrides) as group:
        group.start("sim", "md_worker", "td_worker")
        with TdLink(group) as td:
            td.login()
            names = [str(row["InstrumentID"]) for row in td.request("ReqQryInstrument")][:500]
        reader = Reader(group, tmp_path, way, names)
        try:
            before = reader.wait(lambda items: len(items) == len(names))
            reader.process.send_signal(signal.SIGSTOP)
            with MdLink(group) as md:  # more than the queues and the kernel's buffers take
                begin = ticks_of(md)
                md.wait_for(lambda: ticks_of(md) >= begin + 4000)
            reader.process.send_signal(signal.SIGCONT)
            frozen = {topic: items[-1][4] for topic, items in before.items()}
            after = reader.wait(
                lambda items: all(
                    items[topic][-1][0] == "Tick" and items[topic][-1][4] > seq + 12
                    for topic, seq in frozen.items()
                )
            )
        finally:
            reader.close()
    gaps = [item for items in after.values() for item in items if item[0] == "Gap"]
    assert gaps, "the queues were too short for what was published"
    for items in after.values():
        parts = [item for item in items if item[0] in ("Tick", "Gap")]
        assert [part[3] for part in parts[1:]] == [part[4] + 1 for part in parts[:-1]]


def ticks_of(md: MdLink) -> int:
    return int(md.state_now()["ticks"])


def test_an_iterator_ends_with_its_client(group: Group, instrument: str) -> None:
    async def scenario(client: Client) -> None:
        ticks = client.ticks(instrument)
        await until(ticks, is_tick)
        await ticks.aclose()
        assert [item async for item in ticks if not is_tick(item)] == []

    run(group, scenario)
    with MdLink(group) as md:
        md.state(wanted=0)


@pytest.mark.parametrize("name", ["", "a/b", "a\0b"])
def test_what_is_no_instrument_is_an_error(group: Group, name: str) -> None:
    async def scenario(client: Client) -> None:
        with pytest.raises(ValueError, match="is no instrument"):
            client.ticks(name)

    run(group, scenario)


# -- returns ---------------------------------------------------------------------------------


class Orders:
    """Another client of the same account, whose orders make the returns. It also keeps what it
    hears, which is the truth: it is the first subscriber and loses nothing."""

    def __init__(self, group: Group, instrument: str) -> None:
        self._group, self._instrument = group, instrument
        self._link: TdLink | None = None

    def make(self, count: int) -> None:
        """So many orders that are filled at once; returns when the last trade is published."""
        if self._link is None:
            self._link = TdLink(self._group)
            self._link.login()
            self._link.follow()
            (quote,) = self._link.request("ReqQryDepthMarketData", InstrumentID=self._instrument)
            self._price = float(str(quote["UpperLimitPrice"]))
        for _ in range(count):
            self._link.order(self._instrument, self._price)
            self._link.next("OnRtnTrade")

    def journal(self) -> list[tuple[int, int]]:
        """The places of everything that was published today."""
        with TdLink(self._group) as td:
            td.login()
            return [(m.epoch, m.seq) for m in td.returns()[0]]

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


@pytest.fixture
def orders(group: Group, instrument: str) -> Iterator[Orders]:
    orders = Orders(group, instrument)
    yield orders
    orders.close()


async def login(client: Client) -> Account:
    return await client.login(USER, PASSWORD, broker_id=BROKER)


def is_trade(client: Client) -> Callable[[Any], bool]:
    return lambda item: isinstance(item, Return) and client.name(item) == "OnRtnTrade"


def places(items: list[Any]) -> list[tuple[int, int]]:
    return [(item.epoch, item.seq) for item in items if isinstance(item, Return)]


async def up_to(returns: Returns, place: tuple[int, int]) -> list[Any]:
    return await until(returns, lambda i: isinstance(i, Return) and (i.epoch, i.seq) >= place)


def test_returns_come_from_the_login_on_or_from_the_beginning_of_the_day(
    group: Group, orders: Orders
) -> None:
    async def scenario(client: Client) -> None:
        await asyncio.to_thread(orders.make, 1)
        account = await login(client)
        returns = account.returns()
        await asyncio.to_thread(orders.make, 2)
        seen = await until(returns, is_trade(client))
        seen += await until(returns, is_trade(client))
        assert client.fields(seen[-1])["InvestorID"] == USER
        journal = await asyncio.to_thread(orders.journal)
        behind = [p for p in journal if p > (account.reached.epoch, account.reached.seq)]
        assert places(seen) == behind[: len(seen)]
        day = await up_to(account.returns(since=Place(0, 0)), journal[-1])
        assert places(day) == journal
        half = journal[len(journal) // 2]
        rest = await up_to(account.returns(since=Place(*half)), journal[-1])
        assert places(rest) == [p for p in journal if p > half]

    run(group, scenario)


def test_a_wrong_password_and_a_worker_that_is_away_are_errors(group: Group) -> None:
    async def scenario(client: Client) -> None:
        with pytest.raises(Refused) as refused:
            await client.login(USER, "wrong", broker_id=BROKER)
        assert refused.value.error_id == 3
        group.freeze("td_worker")
        try:
            with pytest.raises(Unavailable):
                await client.login(USER, PASSWORD, broker_id=BROKER, timeout_s=0.3)
        finally:
            group.thaw("td_worker")

    run(group, scenario)


class BrokenReturns:
    """Loses returns, and Beats, on the way to one client."""

    def __init__(self, client: Client) -> None:
        self.losing = False
        assert client._trading is not None
        subscriber = client._trading._subscriber
        deliver = subscriber._on_message

        def pass_on(frame: bytes) -> None:
            if not (self.losing and frame.startswith(b"td/")):
                deliver(frame)

        subscriber._on_message = pass_on


@pytest.mark.parametrize("heal", [True, False])
def test_lost_returns_are_healed_completely_also_the_last_ones(
    group: Group, orders: Orders, heal: bool
) -> None:
    async def scenario(client: Client) -> None:
        await asyncio.to_thread(orders.make, 1)
        account = await login(client)
        returns, broken = account.returns(), BrokenReturns(client)
        await asyncio.to_thread(orders.make, 1)
        broken.losing = True
        await asyncio.to_thread(orders.make, 2)
        broken.losing = False  # nothing but a Beat tells
        journal = await asyncio.to_thread(orders.journal)
        wanted = [p for p in journal if p > (account.reached.epoch, account.reached.seq)]
        if heal:
            seen = await up_to(returns, wanted[-1])
            assert places(seen) == wanted
            assert client.counters.healed > 0
        else:
            seen = await until(returns, lambda item: isinstance(item, Gap))
            assert len(places(seen)) < len(wanted)
            assert client.counters.lost > 0

    run(group, scenario, heal=heal)


def test_returns_go_on_across_kills_of_the_worker_without_a_hole(
    group: Group, orders: Orders
) -> None:
    async def scenario(client: Client) -> None:
        await asyncio.to_thread(orders.make, 1)
        account = await login(client)
        begin = (account.reached.epoch, account.reached.seq)  # each login moves it
        returns, broken = account.returns(), BrokenReturns(client)
        for _ in range(3):
            broken.losing = True  # the end of the old epoch is known to the journal alone
            await asyncio.to_thread(orders.make, 1)
            orders.close()
            await asyncio.to_thread(group.restart, "td_worker")
            broken.losing = False
            await asyncio.to_thread(orders.make, 1)
        journal = await asyncio.to_thread(orders.journal)
        seen = await up_to(returns, journal[-1])
        wanted = [p for p in journal if p > begin]
        assert places(seen) == wanted
        assert len([item for item in seen if isinstance(item, Restarted)]) == 3
        assert [item for item in seen if isinstance(item, Gap)] == []

    run(group, scenario)


def test_a_slow_program_loses_no_return(group: Group, orders: Orders) -> None:
    async def scenario(client: Client) -> None:
        await asyncio.to_thread(orders.make, 1)
        account = await login(client)
        returns = account.returns(limit=3)
        await asyncio.to_thread(orders.make, 4)
        journal = await asyncio.to_thread(orders.journal)
        seen = await up_to(returns, journal[-1])
        assert (
            places(seen)
            == [p for p in journal if p > (account.reached.epoch, account.reached.seq)][: len(seen)]
        )
        assert places(seen)[-1] >= journal[-1]

    run(group, scenario)
