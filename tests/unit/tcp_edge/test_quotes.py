"""The quote service: golden replies for every command, staleness, pushes and the day's turn.

``tests/golden/ofx/CMD.json`` is a list of requests and replies, the first ones of the list in every
shape of lists. Set CTPBUS_GOLDEN=write to write them anew.
"""

from __future__ import annotations

import asyncio
import json
import os
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final, cast, get_args

import msgspec
import pytest
import zstandard

import schemas.catalogue
from bus.authcodes import Grant
from bus.client import Client as Bus
from bus.client import Fresh, Gap, Restarted, Stale, Tick
from bus.client.items import Item
from bus.endpoints import Addresses
from bus.errors import Unavailable
from bus.frames import HEADER, Flag, message_type
from bus.orders import Place
from bus.stats import buckets
from bus.subscriber import Subscriber
from schemas.calendar import always_open
from schemas.xtp.instruments import Instrument, Instruments
from tcp_edge.config import TcpConfig
from tcp_edge.quote import writer as writer_module
from tcp_edge.quote.front import TOPIC
from tcp_edge.quote.scribe import ANSWER_S, Answer, Question, Scribe, Setting, framed, next_answer
from tcp_edge.quote.service import Access, Quotes
from tcp_edge.quote.subscribed import Subscribed
from tcp_edge.quote.writer import Writer, serve
from tcp_edge.quote.writing import Writers
from tcp_edge.reply import Reply, Shape, failure
from tcp_edge.request import parse
from tcp_edge.service import Client
from tcp_edge.stat import Failed
from tcp_edge.wire.wire import Codec
from tests.support.ofx_command import reply_to

GOLDEN: Final = Path(__file__).parents[2] / "golden" / "ofx"
CATALOGUE: Final = schemas.catalogue.load()
STOCK: Final = Instrument("600000", "SSE", 1, "E", "浦发银行")
FUTURE: Final = Instrument("rb2701", "SHFE", 10, "1", "螺纹钢2701")
NOON_NS: Final = 1_795_320_000_000_000_000  # 2026-11-22 12:00 in China
SETTING: Final = Setting(
    addresses=Addresses(),
    keys="",
    calendar="always",
    binding="openctp_ctp",
    log_level="INFO",
    big_ints=False,
    max_records=1000,
    cache_bytes=1 << 20,
)


def tick(code: str, number: int, exchange: str = "") -> Tick:
    fields: dict[str, Any] = {
        "TradingDay": "20261123",
        "ActionDay": "20261122",
        "InstrumentID": code,
        "ExchangeID": exchange,
        "UpdateTime": f"12:00:{number:02}",
        "UpdateMillisec": 500,
        "LastPrice": 10.31 + number,
        "OpenPrice": 10.2,
        "HighestPrice": 20.0,
        "LowestPrice": 10.0,
        "PreClosePrice": 10.25,
        "Volume": 120300 + number,
        "Turnover": 1240293.5,
        "AveragePrice": 103.1 if code == FUTURE.code else 10.31,
        "BidPrice1": 10.3,
        "BidVolume1": 700,
        "AskPrice1": 10.32,
        "AskVolume1": 300,
    }
    body = CATALOGUE.codec("DepthMarketData").pack(fields)
    kind = message_type("OnRtnDepthMarketData")
    layout = CATALOGUE.layout_id
    return Tick(f"tick/{code}/", 1, number + 1, NOON_NS, NOON_NS, kind, layout, 1, body)


class Stream:
    """What ``bus.client.Client.ticks`` gives."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[Item] = asyncio.Queue()
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[Item]:
        while True:
            yield await self.items.get()

    def close(self) -> None:
        self.closed = True


class History:
    def __init__(self, items: list[Item]) -> None:
        self.items = items
        self.asked: list[Place | None] = []

    async def ticks(self, code: str, *, day: str, after: Place | None) -> AsyncIterator[Item]:
        self.asked.append(after)
        for item in self.items:
            if not isinstance(item, Tick) or after is None or item.seq > after.seq:
                yield item


class FakeBus:
    catalogue = CATALOGUE

    def __init__(self, history: list[Item]) -> None:
        self.streams: dict[str, Stream] = {}
        self.history = History(history)

    def ticks(self, name: str) -> Stream:
        return self.streams.setdefault(name, Stream())


class InProcess:
    """The scribe, without a process of its own."""

    answers = failures = 0

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def ask(self, question: Question) -> Reply:
        answer = await self._writer.answer(question)
        assert answer.stat == 200, answer
        return Reply(b"", answer.records, answer.parts)

    async def close(self) -> None:
        pass


class Silent:
    """In the place of a subscriber."""

    def subscribe(self, prefix: bytes) -> None:
        pass

    def close(self) -> None:
        pass


class NoAccess:
    async def grant(self, client: Client, request: Any, right: str) -> Grant:
        raise AssertionError("the listener is on loopback")

    def known(self, client: Client, request: Any, right: str) -> Grant | None:
        raise AssertionError("the listener is on loopback")

    def stands(self, client: Client, right: str) -> bool:
        return True


class Service:
    def __init__(
        self,
        path: Path,
        history: list[Item] | None = None,
        config: TcpConfig | None = None,
        access: Access | None = None,
    ) -> None:
        self.bus = FakeBus(history or [])
        self.day = "20261123"
        self.on_state: Callable[[bytes], None] = lambda frame: None
        bus = cast(Bus, self.bus)
        writers = Writers(CATALOGUE, always_open(), big_ints=False)
        self.quotes = Quotes(
            config or TcpConfig(max_subscriptions=3),
            bus,
            access=access or NoAccess(),
            next_reqid=iter(range(1, 1000)).__next__,
            instruments=lambda: Instruments([STOCK, FUTURE]),
            writer=writers.of,
            foreign=writers.foreign,
            scribe=cast(Scribe, InProcess(Writer(bus, SETTING))),
            subscribed=Subscribed(path / "subscribed.json"),
            today=lambda: self.day,
            listen=self._listen,
            bus_delays=buckets(),
        )
        self.client = Client("127.0.0.1", None, "", "string")

    def _listen(self, on_frame: Callable[[bytes], None]) -> Subscriber:
        self.on_state = on_frame
        return cast(Subscriber, Silent())

    async def __aenter__(self) -> Service:
        await self.quotes.start()
        self.say(logged_in=True)
        return self

    def say(self, logged_in: bool) -> None:
        """What the worker tells of its front."""
        header = HEADER.pack(1, 1, NOON_NS, NOON_NS, message_type("State"), 0, Flag.MSGPACK)
        body = msgspec.msgpack.encode({"logged_in": logged_in})
        self.on_state(TOPIC.encode() + b"\0" + header + body)

    async def __aexit__(self, *_: object) -> None:
        await self.quotes.close()

    async def put(self, *items: Item) -> None:
        for item in items:
            await self.bus.streams[item.topic[5:-1]].items.put(item)
        for _ in range(3 * len(items)):
            await asyncio.sleep(0)

    async def ask(self, asked: dict[str, Any], client: Client | None = None) -> bytes:
        request = parse(json.dumps(asked))
        reply = await reply_to(self.quotes, client or self.client, request)
        if reply.packed:
            return zlib.decompress(b"".join(reply.packed))
        return reply.body


STOCK_CODE: Final = {"code": "600000", "market": "SH"}
SUBSCRIBE: Final = {"cmd": 110001, "params": [STOCK_CODE, {"code": "rb2701"}]}
LATEST: Final = {"cmd": 100001, "params": STOCK_CODE}
REQUESTS: Final[list[dict[str, Any]]] = [
    LATEST,
    {"cmd": 100001, "params": {"code": "rb2701", "market": 101}},
    {"cmd": 100001, "params": {"code": "rb2710"}},
    {"cmd": 100002, "params": STOCK_CODE},
    {"cmd": 100002, "params": {"code": "600000", "since": 20261122120001500}},
    {"cmd": 100002, "params": {"code": "rb2701", "market": "SHFE", "since": 30000000000000000}},
    {"cmd": 100003, "params": [STOCK_CODE, {"code": "rb2701"}]},
]


def test_every_command_gives_the_golden_reply_in_every_shape(tmp_path: Path) -> None:
    async def main() -> dict[int, list[dict[str, Any]]]:
        told: dict[int, list[dict[str, Any]]] = {
            cmd: [] for cmd in (110001, 100001, 100002, 100003)
        }

        async def note(request: dict[str, Any], shape: Shape) -> None:
            try:
                reply = await service.ask(request, Client("127.0.0.1", None, "", shape))
            except Failed as failed:
                reply = failure(failed).body
            exchange = {"shape": shape, "request": request, "reply": reply.decode("ascii")}
            told[request["cmd"]].append(exchange)

        async with Service(tmp_path, [tick(STOCK.code, 0), tick(STOCK.code, 1)]) as service:
            await note(SUBSCRIBE, "string")
            await note(LATEST, "string")
            for code, number in ((STOCK.code, 0), (FUTURE.code, 0), (STOCK.code, 1)):
                await service.put(tick(code, number))
            for request in REQUESTS:
                for shape in get_args(Shape):
                    await note(request, shape)
        return told

    for cmd, told in asyncio.run(main()).items():
        file = GOLDEN / f"{cmd}.json"
        if os.environ.get("CTPBUS_GOLDEN") == "write":
            file.write_text(json.dumps(told, indent=1) + "\n", "ascii")
        assert told == json.loads(file.read_text("ascii"))


def test_a_tick_that_may_not_be_the_newest_says_so_until_the_next_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with Service(tmp_path) as service:
            await service.ask(SUBSCRIBE)

            async def stale() -> bool:
                codecs: tuple[Codec, ...] = ("", "zlib")
                for codec in codecs:
                    client = Client("127.0.0.1", None, codec)
                    reply = json.loads(await service.ask(LATEST, client))
                assert list(reply)[-1] == "stale" or "stale" not in reply
                return bool(reply.get("stale", False))

            topic = "tick/600000/"
            await service.put(tick(STOCK.code, 0))
            assert not await stale()
            await service.put(Gap(topic, 1, 2, 3, "lost"))
            assert not await stale()
            await service.put(Stale(topic))
            assert await stale()
            await service.put(Fresh(topic))
            assert not await stale()
            await service.put(Restarted(topic, 2))
            assert await stale()
            await service.put(Stale(topic), Fresh(topic))
            assert await stale()
            await service.put(tick(STOCK.code, 1))
            assert not await stale()
            service.say(logged_in=False)
            assert await stale()
            # While the front is away none can be of now, whoever has kept it.
            await service.put(tick(STOCK.code, 2))
            assert await stale()
            service.say(logged_in=True)
            assert await stale()
            await service.put(tick(STOCK.code, 3))
            assert not await stale()
        async with Service(tmp_path) as service:  # subscribed, and nothing is known yet
            service.quotes._front._heard = service.quotes._front._logged_in = False
            await service.put(tick(STOCK.code, 3))
            assert await stale()
            service.say(logged_in=True)
            assert not await stale()

    asyncio.run(main())


def test_a_tick_of_another_exchange_with_the_same_code_is_not_the_latest(tmp_path: Path) -> None:
    async def main() -> list[int]:
        seen = []
        async with Service(tmp_path) as service:
            await service.ask(SUBSCRIBE)
            for number, exchange in enumerate(("SSE", "SZSE", "", "BSE")):
                await service.put(tick(STOCK.code, number, exchange))
                seen.append(json.loads(await service.ask(LATEST))["qty"] - 120300)
        return seen

    assert asyncio.run(main()) == [0, 0, 2, 2]


def test_pushes_are_each_tick_once_and_that_one_has_become_stale(tmp_path: Path) -> None:
    async def main() -> None:
        pushed: list[tuple[str, int, dict[str, Any]]] = []

        def push(kind: str, seq: int, record: bytes) -> None:
            pushed.append((kind, seq, json.loads(record)))

        async with Service(tmp_path) as service:
            client = Client("127.0.0.1", push)
            await service.ask(SUBSCRIBE)
            await service.put(tick(STOCK.code, 0))
            ask = SUBSCRIBE | {"push": True}
            await service.ask(ask, client)
            await service.ask(ask, client)
            for item in (tick(STOCK.code, 1), tick(FUTURE.code, 0), Stale("tick/600000/")):
                await service.put(item)
            told = [(record["ticker"], "stale" in record) for _, _, record in pushed[2:]]
            assert told == [("600000", False), ("rb2701", False), ("600000", True)]
            assert [seq for _, seq, _ in pushed] == list(range(1, len(pushed) + 1))
            for _ in range(2):
                service.say(logged_in=False)
            assert (pushed[-1][2]["ticker"], pushed[-1][2]["stale"]) == ("rb2701", True)
            assert len(pushed) == 6
            service.quotes.gone(client)
            await service.put(tick(STOCK.code, 2))
            assert len(pushed) == 6
            with pytest.raises(Failed, match="400"):
                await service.ask(ask)

    asyncio.run(main())


def test_a_tick_that_cannot_be_read_is_counted_and_the_next_ones_come(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        pushed: list[bytes] = []
        async with Service(tmp_path) as service:
            client = Client("127.0.0.1", lambda kind, seq, record: pushed.append(record))
            await service.ask(SUBSCRIBE | {"push": True}, client)
            await service.put(msgspec.structs.replace(tick(STOCK.code, 0), body=b"other structs"))
            assert service.quotes.describe()["ticks_failed"] == 1
            await service.put(tick(STOCK.code, 1))
            assert json.loads(await service.ask(LATEST)) == json.loads(pushed[0])

    asyncio.run(main())
    assert "a tick was not taken" in caplog.text


def test_a_thousand_codes_leave_turns_to_others(tmp_path: Path) -> None:
    codes = [f"{number:06}" for number in range(1000)]
    params = [{"code": code, "market": "SZ"} for code in codes]

    async def main() -> None:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        async with Service(tmp_path, config=TcpConfig()) as service:
            service.quotes._instruments = Instruments
            beside = asyncio.create_task(others())
            await service.ask({"cmd": 110001, "params": params})
            assert service.quotes.describe()["subscribed"] == 1000
            async with asyncio.timeout(20):
                while len(service.bus.streams) < 1000:
                    await asyncio.sleep(0)
            assert turns > 30
            await service.put(*(tick(code, 0) for code in codes))
            turns = 0
            told = json.loads(await service.ask({"cmd": 100003, "params": params}))
            assert [json.loads(each)["ticker"] for each in told] == codes
            assert turns > 30
            beside.cancel()

    asyncio.run(main())


def test_the_days_end_meets_codes_that_are_still_being_followed(tmp_path: Path) -> None:
    params = [{"code": f"{number:06}", "market": "SZ"} for number in range(1000)]

    async def main() -> None:
        async with Service(tmp_path, config=TcpConfig()) as service:
            service.quotes._instruments = Instruments
            asked = asyncio.create_task(service.ask({"cmd": 110001, "params": params}))
            async with asyncio.timeout(20):
                while not service.bus.streams:
                    await asyncio.sleep(0)
            service.day = "20261124"
            service.quotes._turn_day()
            before = len(service.bus.streams)
            await asked
            for _ in range(200):
                await asyncio.sleep(0)
            assert len(service.bus.streams) == before < 1000
            assert all(stream.closed for stream in service.bus.streams.values())

    asyncio.run(main())


@pytest.mark.parametrize("code", ["*", "60*", "6/0", "6\0", "6" * 81])
def test_a_code_that_the_bus_would_read_otherwise_is_refused(code: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with Service(tmp_path) as service:
            service.quotes._instruments = Instruments  # not known yet
            for cmd in (110001, 100001, 100002, 100003):
                with pytest.raises(Failed, match="400"):
                    await service.ask({"cmd": cmd, "params": {"code": code, "market": "SH"}})
            assert not service.bus.streams

    asyncio.run(main())


def test_subscriptions_are_bounded_outlive_the_process_and_end_with_the_day(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with Service(tmp_path) as service:
            await service.ask(SUBSCRIBE)
        async with Service(tmp_path) as service:
            assert service.bus.streams.keys() == {"600000", "rb2701"}
            service.day = "20261124"
            service.quotes._turn_day()
            assert all(stream.closed for stream in service.bus.streams.values())
            assert await service.ask(LATEST) == b"{}"
        later = Service(tmp_path)
        later.quotes._day = later.day = "20261124"
        async with later:
            assert not later.bus.streams
        (tmp_path / "subscribed.json").write_text("garbage")
        async with Service(tmp_path) as service:
            assert not service.bus.streams
            many = [{"code": code, "market": "SH"} for code in range(4)]
            service.quotes._instruments = Instruments
            with pytest.raises(Failed, match="413"):
                await service.ask({"cmd": 110001, "params": many})

    asyncio.run(main())


# -- the writer of lists -----------------------------------------------------------------------


def question(**changes: Any) -> Question:
    made = Question(
        number=1,
        day="20261123",
        code=STOCK.code,
        exchange=STOCK.exchange,
        multiplier=1,
        since=0,
        limit=0,
        shape="string",
        codec="zlib",
    )
    return msgspec.structs.replace(made, **changes)


def answered(items: list[Item], *questions: Question, **setting: Any) -> list[Answer]:
    async def main() -> list[Answer]:
        bus = FakeBus(items)
        writer = Writer(cast(Bus, bus), msgspec.structs.replace(SETTING, **setting))
        return [await writer.answer(each) for each in questions]

    return asyncio.run(main())


def test_a_list_is_the_same_by_every_codec_and_read_once() -> None:
    ticks: list[Item] = [tick(STOCK.code, number % 60) for number in range(600)]
    ticks = [msgspec.structs.replace(cast(Tick, each), seq=n) for n, each in enumerate(ticks, 1)]
    by_zlib, by_zstd = answered(ticks, question(), question(codec="zstd"))
    text = zlib.decompress(b"".join(by_zlib.parts))
    frames = zstandard.ZstdDecompressor().stream_reader(
        b"".join(by_zstd.parts), read_across_frames=True
    )
    assert frames.read() == text
    assert by_zlib.records == by_zstd.records == len(json.loads(text)) == 600


def test_only_what_is_new_is_brought() -> None:
    ticks = [
        msgspec.structs.replace(tick(STOCK.code, number % 60), seq=number)
        for number in range(1, 600)
    ]

    async def main() -> list[Answer]:
        bus = FakeBus(list[Item](ticks[:400]))
        writer = Writer(cast(Bus, bus), SETTING)
        first = await writer.answer(question())
        bus.history.items = list[Item](ticks[400:])
        again = question(run=first.run, pieces=len(first.parts) - 1)
        other = question(run=first.run + 1, pieces=1)
        return [first, await writer.answer(again), await writer.answer(other)]

    first, again, whole = asyncio.run(main())
    assert (first.had, again.had, whole.had) == (0, 1, 0)
    assert (len(first.parts), len(again.parts), len(whole.parts)) == (2, 2, 3)
    assert first.parts[:1] + again.parts == whole.parts
    assert len(json.loads(zlib.decompress(b"".join(whole.parts)))) == 599


def test_ticks_of_another_exchange_with_the_same_code_are_not_in_the_list() -> None:
    ticks = [
        msgspec.structs.replace(tick(STOCK.code, number, exchange), seq=number + 1)
        for number, exchange in enumerate(("", "SSE", "SZSE", "SSE", "SZSE"))
    ]

    bus = FakeBus(list[Item](ticks))

    async def main() -> list[Answer]:
        writer = Writer(cast(Bus, bus), SETTING)
        asked = question(), question(), question(exchange="SZSE")
        return [await writer.answer(each) for each in asked]

    assert [each.records for each in asyncio.run(main())] == [3, 3, 3]
    assert bus.history.asked == [None, Place(1, 5), None]


def test_a_list_that_is_too_long_is_refused_and_a_part_of_it_is_not() -> None:
    ticks: list[Item] = [
        msgspec.structs.replace(tick(STOCK.code, number), seq=number + 1) for number in range(9)
    ]
    whole, part = answered(ticks, question(), question(limit=8), max_records=8)
    assert (whole.stat, whole.records, part.stat, part.records) == (413, 0, 200, 8)


def test_a_small_cache_forgets_and_reads_again() -> None:
    ticks: list[Item] = [tick(STOCK.code, 0)]
    first, other, again = answered(
        ticks, question(), question(exchange="SZSE"), question(), cache_bytes=1
    )
    assert first.parts == again.parts != other.parts
    assert first.run != again.run


def test_a_recorder_that_is_away_is_told_and_fills_no_memory() -> None:
    class Away:
        catalogue = CATALOGUE

        @property
        def history(self) -> Any:
            raise Unavailable("recorder")

    async def main() -> None:
        writer = Writer(cast(Bus, Away()), SETTING)
        for number in range(1000):
            assert (await writer.answer(question(code=f"{number:06}"))).stat == 503
        assert len(writer._days) < 200

    asyncio.run(main())


def test_all_who_wait_for_a_recorder_that_is_away_are_told_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer_module, "_PATIENCE_S", 0.5)

    class Silent:
        catalogue = CATALOGUE

        @property
        def history(self) -> Any:
            return self

        async def ticks(self, code: str, *, day: str, after: Place | None) -> AsyncIterator[Item]:
            await asyncio.Event().wait()
            yield tick(code, 0)

    async def main() -> list[Answer]:
        said, reader = asyncio.StreamReader(), asyncio.StreamReader()
        for number in range(100):
            reader.feed_data(framed(question(number=number, code=f"{number:06}")))
        reader.feed_eof()
        async with asyncio.timeout(20):  # one after the other would take 50 s
            await serve(reader, Writer(cast(Bus, Silent()), SETTING), said.feed_data)
            return [await next_answer(said) for _ in range(100)]

    said = asyncio.run(main())
    assert [each.number for each in said] == list(range(100))
    assert {each.stat for each in said} == {503}


def test_what_nobody_waits_for_any_more_is_not_read() -> None:
    async def main() -> None:
        bus = FakeBus([tick(STOCK.code, 0)])
        writer, now = Writer(cast(Bus, bus), SETTING), asyncio.get_running_loop().time()
        await writer.answer(question(), now - ANSWER_S - 1)
        assert bus.history.asked == []
        assert (await writer.answer(question(), now - ANSWER_S / 2)).records == 1

    asyncio.run(main())


def test_codes_without_ticks_do_not_fill_the_memory() -> None:
    async def main() -> int:
        writer = Writer(cast(Bus, FakeBus([])), SETTING)
        for number in range(1000):
            answer = await writer.answer(question(code=f"{number:06}"))
            assert zlib.decompress(answer.parts[0]) == b"[]"
        return len(writer._days)

    assert asyncio.run(main()) < 200


def test_a_tick_that_cannot_be_written_fails_its_own_code_only() -> None:
    bad = msgspec.structs.replace(tick(STOCK.code, 0), body=b"other structs")

    async def main() -> list[int]:
        bus = FakeBus([bad])
        writer = Writer(cast(Bus, bus), SETTING)
        first = await writer.answer(question())
        bus.history.items = []
        return [first.stat, (await writer.answer(question(code="rb2701"))).stat]

    assert asyncio.run(main()) == [500, 200]
