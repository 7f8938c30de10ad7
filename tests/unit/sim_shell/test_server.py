"""The server on a clock that the test moves, with raw clients of its protocol."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from schemas import catalogue
from sim import wire
from sim.config import SimConfig
from sim.exchange.market import STEP_NS
from sim.service.clock import Clock
from sim.service.listener import listen
from sim.service.packing import Packer
from sim.service.server import Server
from sim.wire import Bye, Call, Hello, Inbox, Raise, ToClient, Welcome

KNOWN = catalogue.load()
MORNING_NS = 1_767_578_400_000_000_000  # Monday 2026-01-05, 10:00 in China
DAY_NS = 86_400 * 10**9


class MovedClock(Clock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self.moment_ns = MORNING_NS

    def now_ns(self) -> int:
        return self.moment_ns

    def until_s(self, moment_ns: int) -> float:
        return 0.005


class Raw:
    """A client without an API module."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._inbox = Inbox()
        self._waiting: list[ToClient] = []

    def say(self, *messages: wire.ToServer) -> None:
        for message in messages:
            self._writer.write(wire.frame(message))

    async def hear(self) -> ToClient:
        while not self._waiting:
            data = await asyncio.wait_for(self._reader.read(1 << 16), 5)
            assert data, "the server has hung up"
            self._waiting = [wire.from_server(body) for body in self._inbox.receive(data)]
        return self._waiting.pop(0)

    async def callback(self, name: str) -> Raise:
        """The next one of this name; others are dropped."""
        while True:
            message = await self.hear()
            if isinstance(message, Raise) and message.callback == name:
                return message

    async def log_in(self) -> Raise:
        packer = Packer(KNOWN)
        fields = {"BrokerID": "9999", "UserID": "028742", "Password": "123456"}
        self.say(Call("ReqUserLogin", 1, packer.struct("ReqUserLogin", fields)))
        return await self.callback("OnRspUserLogin")

    def close(self) -> None:
        self._writer.close()


Connect = Callable[[Hello], Coroutine[None, None, Raw]]
Story = Callable[[MovedClock, Connect], Coroutine[None, None, None]]


def run(story: Story, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell a story to a server on its own socket."""
    clock = MovedClock()
    monkeypatch.setattr("sim.service.server.Clock", lambda speed: clock)

    async def live() -> None:
        server = Server(SimConfig(), KNOWN)
        listening = await listen(folder / "s", server.client)
        market = asyncio.ensure_future(server.run([]))
        clients: list[Raw] = []

        async def connect(hello: Hello) -> Raw:
            client = Raw(*await asyncio.open_unix_connection(folder / "s"))
            clients.append(client)
            client.say(hello)
            return client

        try:
            await story(clock, connect)
        finally:
            market.cancel()
            for client in clients:
                client.close()
            listening.close()
            await asyncio.gather(market, return_exceptions=True)

    asyncio.run(live())


def test_a_new_trading_day_sends_everybody_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(clock: MovedClock, connect: Connect) -> None:
        trader = await connect(Hello("td", KNOWN.layout_id))
        market = await connect(Hello("md", KNOWN.layout_id))
        answer = await trader.log_in()
        await market.log_in()
        assert answer.field
        assert KNOWN.codec("RspUserLogin").get(answer.field, "TradingDay") == "20260105"
        clock.moment_ns += DAY_NS
        for client in (trader, market):
            while not isinstance(message := await client.hear(), Bye):
                continue
            assert message.reason == wire.READ_FAILED
        answer = await (await connect(Hello("td", KNOWN.layout_id))).log_in()
        assert answer.field
        assert KNOWN.codec("RspUserLogin").get(answer.field, "TradingDay") == "20260106"

    run(story, tmp_path, monkeypatch)


def test_a_place_in_the_stream_of_another_day_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(clock: MovedClock, connect: Connect) -> None:
        layout = KNOWN.layout_id
        yesterday = await connect(Hello("td", layout, wire.RESUME, wire.QUICK, "20260102", 5))
        today = await connect(Hello("td", layout, wire.RESUME, wire.QUICK, "20260105", 1))
        await yesterday.log_in()
        await today.log_in()
        order = Packer(KNOWN).struct("InputOrder", {"BrokerID": "9999", "InvestorID": "028742"})
        yesterday.say(Call("ReqOrderInsert", 2, order))  # refused: one return each
        assert (await yesterday.callback("OnErrRtnOrderInsert")).sequence == 1
        yesterday.say(Call("ReqOrderInsert", 3, order))
        assert (await today.callback("OnErrRtnOrderInsert")).sequence == 2

    run(story, tmp_path, monkeypatch)


@pytest.mark.parametrize(("mode", "replayed"), [(wire.RESTART, True), (wire.QUICK, False)])
def test_the_public_stream_is_replayed_to_who_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, replayed: bool
) -> None:
    async def story(clock: MovedClock, connect: Connect) -> None:
        client = await connect(Hello("td", KNOWN.layout_id, wire.QUICK, mode))
        assert isinstance(await client.hear(), wire.Codes)
        assert isinstance(await client.hear(), Welcome)
        await client.log_in()
        client.say(Call("ReqQryOrder", 2, Packer(KNOWN).struct("QryOrder", {})))
        first = await client.hear()
        assert isinstance(first, Raise)
        assert (first.callback == "OnRtnInstrumentStatus") is replayed

    run(story, tmp_path, monkeypatch)


def test_every_step_of_the_clock_is_a_tick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(clock: MovedClock, connect: Connect) -> None:
        client = await connect(Hello("md", KNOWN.layout_id))
        await client.log_in()
        client.say(wire.Subscribe("SubscribeMarketData", ["600000"]))
        codec = KNOWN.codec("DepthMarketData")
        times: list[tuple[object, object]] = []
        while len(times) < 4:
            tick = await client.callback("OnRtnDepthMarketData")
            assert tick.field
            moment = (codec.get(tick.field, "UpdateTime"), codec.get(tick.field, "UpdateMillisec"))
            # The snapshot and the first step may be of the same moment.
            if moment not in times:
                times.append(moment)
                clock.moment_ns += STEP_NS
        assert times == [
            ("10:00:00", 0),
            ("10:00:00", 500),
            ("10:00:01", 0),
            ("10:00:01", 500),
        ]

    run(story, tmp_path, monkeypatch)


@pytest.mark.parametrize("speed", [1.0, 50.0])
def test_the_clock_runs_as_fast_as_told(speed: float) -> None:
    """Each look at it is between two at the real time: this process may stand still anywhere."""
    clock = Clock(speed)
    real = [time.monotonic()]
    began = clock.now_ns()
    real.append(time.monotonic())
    time.sleep(0.05)
    real.append(time.monotonic())
    passed = (clock.now_ns() - began) / 1e9 / speed
    left = clock.until_s(began + 10**12)
    real.append(time.monotonic())
    assert 0.98 * (real[2] - real[1]) <= passed <= 1.02 * (real[3] - real[0])
    gone = 1000 / speed - left
    assert 0.98 * (real[2] - real[1]) <= gone <= 1.02 * (real[3] - real[0])
    assert clock.until_s(began) == 0
