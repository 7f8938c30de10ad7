"""Publisher, router and caller over real sockets of one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import Refused, Unavailable, request_failed
from bus.frames import BEAT, Flag, Row, message_type, unpack_message, unpack_row
from bus.publisher import Publisher
from bus.rpc import Call, Caller, Router, refusal

LAYOUT = 0x670B
T = TypeVar("T")


class Bench:
    """Makes what a test needs and closes all of it."""

    def __init__(self) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self._made: list[Any] = []

    def publisher(self, epoch: int = 1, keep: int = 1) -> Publisher:
        return self._keep(Publisher(self.context, "inproc://pub", epoch, LAYOUT, keep))

    def router(self) -> Router:
        return self._keep(Router(self.context, "inproc://rpc", LAYOUT))

    def socket(self, kind: int, address: str) -> Any:
        socket = self._keep(self.context.socket(kind))
        socket.connect(address)
        return socket

    def close(self) -> None:
        for made in self._made:
            made.close()
        self.context.destroy(linger=0)

    def _keep(self, made: T) -> T:
        self._made.append(made)
        return made


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def subscriptions(publisher: Publisher, count: int) -> list[tuple[bool, str]]:
    seen: list[tuple[bool, str]] = []
    deadline = time.monotonic() + 5
    while len(seen) < count and time.monotonic() < deadline:
        seen += publisher.subscriptions()
        time.sleep(0.001)
    return seen


def test_each_topic_counts_for_itself_and_keeps_its_last(bench: Bench) -> None:
    publisher = bench.publisher(epoch=5)
    sub = bench.socket(zmq.SUB, "inproc://pub")
    sub.subscribe(b"tick/")
    assert subscriptions(publisher, 1) == [(True, "tick/")]
    a, b = publisher.stream("tick/a/"), publisher.stream("tick/b/")
    assert [publisher.publish(s, 1, 2, b"body", 3) for s in (a, b, a)] == [1, 1, 2]
    got = [unpack_message(sub.recv()) for _ in range(3)]
    assert [(m.topic, m.epoch, m.seq) for m in got] == [
        ("tick/a/", 5, 1), ("tick/b/", 5, 1), ("tick/a/", 5, 2),
    ]  # fmt: skip
    assert got[0][5:] == (1, LAYOUT, 2, b"body")
    assert a.last is not None
    assert unpack_message(a.last) == got[2]
    assert publisher.tell("state/x/", "State", {"a": 1}) == 1


def test_a_beat_tells_how_far_a_topic_has_come_and_is_no_message_of_it(bench: Bench) -> None:
    publisher = bench.publisher(epoch=5)
    sub = bench.socket(zmq.SUB, "inproc://pub")
    sub.subscribe(b"tick/")
    assert subscriptions(publisher, 1) == [(True, "tick/")]
    a = publisher.stream("tick/a/")
    publisher.publish(a, 1, 2, b"body", 33)
    publisher.beat(["tick/a/", "tick/b/"])
    publisher.publish(a, 1, 2, b"body", 34)
    tick, first, second, after = [unpack_message(sub.recv()) for _ in range(4)]
    assert (first.topic, first.epoch, first.seq, first.recv_ns) == ("tick/a/", 5, 1, 33)
    assert (second.topic, second.epoch, second.seq, second.recv_ns) == ("tick/b/", 5, 0, 0)
    assert first[5:] == second[5:] == (BEAT, LAYOUT, Flag.LOCAL, b"")
    assert tick.sent_ns <= first.sent_ns <= after.sent_ns
    assert after.seq == 2
    assert unpack_message(publisher.last("tick/a/") or b"") == after
    assert publisher.last("tick/b/") is None


def test_what_is_kept_after_a_place_can_be_had_again(bench: Bench) -> None:
    publisher = bench.publisher(epoch=5, keep=3)

    def since(epoch: int, seq: int) -> tuple[list[int], int]:
        kept, last = publisher.since("tick/a/", epoch, seq)
        return [unpack_message(frame).seq for frame in kept], last

    assert since(5, 0) == ([], 0)
    stream = publisher.stream("tick/a/")
    publisher.publish(stream, 1, 2, b"body", 3)
    assert since(5, 0) == ([1], 1)
    for _ in range(4):
        publisher.publish(stream, 1, 2, b"body", 3)
    assert since(5, 3) == ([4, 5], 5)
    assert since(5, 5) == since(5, 9) == since(6, 1) == ([], 5)
    assert since(5, 0) == since(4, 77) == ([3, 4, 5], 5)
    publisher.forget("tick/a/")  # it says nothing about now; it was published all the same
    assert since(5, 3) == ([4, 5], 5)
    publisher.drop("tick/a/")
    assert since(5, 3) == ([], 5)


def test_interest_comes_and_goes_with_the_subscribers(bench: Bench) -> None:
    publisher = bench.publisher()
    subs = [bench.socket(zmq.SUB, "inproc://pub") for _ in range(2)]
    for sub in subs:
        sub.subscribe(b"tick/rb2610/")
    assert subscriptions(publisher, 1) == [(True, "tick/rb2610/")]
    time.sleep(0.05)
    subs[0].close(linger=0)
    subs[1].close(linger=0)
    assert subscriptions(publisher, 1) == [(False, "tick/rb2610/")]


def answer(router: Router, handle: Any) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if received := router.receive():
            handle(*received)
            return
        time.sleep(0.001)
    raise AssertionError("no call came")


async def ask(caller: Caller, router: Router, handle: Any, **options: Any) -> list[Row]:
    rows: asyncio.Queue[Row] = asyncio.Queue()
    options.setdefault("deadline_ns", time.time_ns() + 10**9)
    caller.call("ReqX", rows.put_nowait, **options)
    await asyncio.to_thread(answer, router, handle)
    got = [await asyncio.wait_for(rows.get(), 5)]
    while not got[-1].flags & Flag.LAST:
        got.append(await asyncio.wait_for(rows.get(), 5))
    return got


def test_a_call_arrives_whole_and_gets_all_its_rows(bench: Bench) -> None:
    router = bench.router()
    calls: list[Call] = []

    def handle(peer: bytes, call: Call) -> None:
        calls.append(call)
        for index in range(3):
            flags = Flag.HAS_FIELD | (Flag.LAST if index == 2 else 0)
            router.send(peer, Row(call.id, index, call.request_id, 9, LAYOUT, flags, b"row"))

    async def main() -> list[Row]:
        caller = Caller(bench.context, "inproc://rpc", "td_worker")
        try:
            return await ask(caller, router, handle, session=b"s" * 16, request_id=-5, body=b"b")
        finally:
            caller.close()

    rows = asyncio.run(main())
    assert [row.after_seq for row in rows] == [0, 1, 2]
    assert {row.request_id for row in rows} == {-5}
    assert (calls[0].method, calls[0].session, calls[0].body) == ("ReqX", b"s" * 16, b"b")


def test_a_refusal_comes_with_number_text_and_detail(bench: Bench) -> None:
    router = bench.router()

    async def main() -> Refused | None:
        caller = Caller(bench.context, "inproc://rpc", "td_worker")
        refuse = router.refuse
        rows = await ask(caller, router, lambda p, c: refuse(p, c, request_failed("front away")))
        caller.close()
        return refusal(rows[0])

    refused = asyncio.run(main())
    assert refused is not None
    assert (refused.error_id, refused.error_msg) == (-1, "CTP:请求失败")
    assert refused.detail == "front away"


def test_nothing_is_queued_for_a_worker_that_is_not_there(bench: Bench, tmp_path: Path) -> None:
    async def main() -> None:
        caller = Caller(bench.context, f"ipc://{tmp_path}/nobody", "td_worker")
        with pytest.raises(Unavailable, match="td_worker is not connected"):
            caller.call("ReqOrderInsert", lambda row: None, deadline_ns=time.time_ns() + 10**9)
        caller.close()

    asyncio.run(main())


def test_calls_end_when_the_worker_hangs_up_and_after_what_it_said(
    bench: Bench, tmp_path: Path
) -> None:
    address = f"ipc://{tmp_path}/rpc"
    heard: list[str] = []

    async def main() -> None:
        router = Router(bench.context, address, LAYOUT)
        caller = Caller(bench.context, address, "td_worker")
        lost = asyncio.Event()

        def call(name: str, last: Any = lambda: None) -> None:
            def on_lost() -> None:
                heard.append(f"{name} lost")
                last()

            deadline_ns = time.time_ns() + 10**9
            caller.call("ReqX", lambda row: heard.append(name), on_lost, deadline_ns=deadline_ns)

        async def connected() -> None:
            while True:
                try:
                    return call("answered")
                except Unavailable:
                    await asyncio.sleep(0.001)

        await asyncio.wait_for(connected(), 5)
        call("begun")
        call("unheard", lost.set)
        for flag in (Flag.LAST, 0):
            answer(router, lambda p, c, f=flag: router.send(p, Row(c.id, 0, 0, 9, LAYOUT, f, b"")))
        async with asyncio.timeout(20):
            while len(heard) < 2:
                await asyncio.sleep(0.001)
        router.close()
        await asyncio.wait_for(lost.wait(), 5)
        await asyncio.sleep(0.05)
        with pytest.raises(Unavailable):
            call("late")
        caller.close()

    asyncio.run(main())
    assert heard[:2] == ["answered", "begun"]
    assert sorted(heard[2:]) == ["begun lost", "unheard lost"]


def test_a_worker_that_reads_nothing_for_a_while_is_still_connected(bench: Bench) -> None:
    router = bench.router()

    async def main() -> None:
        caller = Caller(bench.context, "inproc://rpc", "td_worker")
        for _ in range(20_000):
            caller.call("ReqX", lambda row: None, deadline_ns=time.time_ns() + 10**9)
        caller.close()

    asyncio.run(main())
    assert router.receive() is not None


def test_rows_after_forget_and_rows_of_strangers_are_dropped(bench: Bench) -> None:
    router = bench.router()

    async def main() -> list[Row]:
        caller = Caller(bench.context, "inproc://rpc", "td_worker")
        rows: list[Row] = []
        number = caller.call("ReqX", rows.append, deadline_ns=time.time_ns() + 10**9)
        caller.forget(number)

        def handle(peer: bytes, call: Call) -> None:
            router.send(peer, Row(call.id, 0, 0, 1, LAYOUT, Flag.LAST, b""))
            router.send(peer, Row(99, 0, 0, 1, LAYOUT, Flag.LAST, b""))

        await asyncio.to_thread(answer, router, handle)
        await asyncio.sleep(0.05)
        caller.close()
        return rows

    assert asyncio.run(main()) == []


def test_a_flood_of_malformed_calls_gives_the_loop_its_turn(bench: Bench) -> None:
    router = bench.router()
    dealer = bench.socket(zmq.DEALER, "inproc://rpc")
    for _ in range(1000):
        dealer.send(b"\xc1")
    turns = 0
    while router.malformed < 1000:
        assert router.receive() is None
        turns += 1
    assert turns >= 4


def test_malformed_calls_are_passed_over(bench: Bench) -> None:
    router = bench.router()
    dealer = bench.socket(zmq.DEALER, "inproc://rpc")
    for frames in (
        [b""],
        [b"\xc1"],
        [b"x" * 99],
        [msgspec.msgpack.encode([1, 2, 3])],
        [b"a", b"b"],
        [b"\x93\x01\xa2\xff\xfe\x01"],  # a method that is no UTF-8
        [msgspec.msgpack.encode([0, "Good", 5])],
        [msgspec.msgpack.encode([-1, "Good", 5])],
        [msgspec.msgpack.encode([2**64 - 1, "Good", 5])],
        [msgspec.msgpack.encode([1, "Good", 5, b"", 2**31])],
        [msgspec.msgpack.encode([1, "Good", 2**64 - 1])],
        [msgspec.msgpack.encode([1, "G" * 65, 5])],
        [msgspec.msgpack.encode([1, "Good", 5, b"s" * 17])],
        [b"\x9a\x01\xa1G\x05\xc4\x00\x00\xc4\x00\xa0\xa0\xc2" + b"\x91" * 100_000 + b"\xc0"],
    ):
        dealer.send_multipart(frames)
    dealer.send(msgspec.msgpack.encode(Call(1, "Good", 5)))
    methods: list[str] = []
    answer(router, lambda peer, call: methods.append(call.method))
    assert methods == ["Good"]
    assert router.receive() is None
    assert router.malformed == 14


def test_a_caller_that_comes_again_before_its_old_connection_is_gone_is_heard(
    tmp_path: Path,
) -> None:
    bench = Bench()
    try:
        router = bench._keep(Router(bench.context, f"ipc://{tmp_path}/rpc", LAYOUT))
        dealers = [bench._keep(bench.context.socket(zmq.DEALER)) for _ in range(2)]
        methods: list[str] = []
        for number, dealer in enumerate(dealers, 1):
            dealer.set(zmq.IDENTITY, b"the same")
            dealer.connect(f"ipc://{tmp_path}/rpc")
            dealer.send(msgspec.msgpack.encode(Call(number, f"Call{number}", 5)))
            deadline = time.monotonic() + 5
            while len(methods) < number and time.monotonic() < deadline:
                if router.socket.poll(100):
                    answer(router, lambda peer, call: methods.append(call.method))
        assert methods == ["Call1", "Call2"]
        router.send(b"the same", Row(2, 0, 0, 1, LAYOUT, Flag.LAST, b""))
        assert dealers[1].poll(5000)
        assert router.dropped == 0
    finally:
        bench.close()


@given(st.binary(max_size=60))
def test_no_bytes_stop_a_router(wire: bytes) -> None:
    bench = Bench()
    try:
        router = bench.router()
        dealer = bench.socket(zmq.DEALER, "inproc://rpc")
        dealer.send(wire)
        dealer.send(msgspec.msgpack.encode(Call(1, "Good", 5)))
        while received := router.receive():
            router.refuse(*received, request_failed("whatever it was, a row can answer it"))
    finally:
        bench.close()


def test_a_row_for_a_caller_that_is_gone_is_counted(bench: Bench) -> None:
    router = bench.router()
    router.send(b"nobody", Row(1, 0, 0, message_type("State"), LAYOUT, Flag.LAST, b""))
    assert router.dropped == 1


def test_a_caller_is_reachable_until_it_closes_and_does_not_see_the_probe(bench: Bench) -> None:
    router = bench.router()
    assert not router.reachable(b"nobody")
    dealer = bench.socket(zmq.DEALER, "inproc://rpc")
    dealer.send(msgspec.msgpack.encode(Call(1, "Hello", 5)))
    peers: list[bytes] = []
    answer(router, lambda peer, call: peers.append(peer))
    assert router.reachable(peers[0])
    assert unpack_row(dealer.recv()).id == 0, "an id that no call has"
    dealer.close(linger=0)
    deadline = time.monotonic() + 5
    while router.reachable(peers[0]):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert router.dropped == 0


def test_what_a_peer_makes_up_is_no_subscription(bench: Bench) -> None:
    publisher = bench.publisher()
    peer = bench.socket(zmq.XSUB, "inproc://pub")
    for message in (b"", b"\x02tick/a/", b"tick/a/", b"\x01" + b"\xff\xfe", b"\x01tick/a/"):
        peer.send(message)
    assert subscriptions(publisher, 2) == [(True, "\ufffd\ufffd"), (True, "tick/a/")]


def test_a_flood_of_subscriptions_is_taken_in_portions(bench: Bench) -> None:
    publisher = bench.publisher()
    sub = bench.context.socket(zmq.SUB)
    sub.set(zmq.SNDHWM, 100_000)
    sub.connect("inproc://pub")
    for number in range(10_000):
        sub.subscribe(f"tick/{number}/")
    first = publisher.subscriptions()
    rest = subscriptions(publisher, 10_000 - len(first))
    sub.close(linger=0)
    assert 0 < len(first) <= 8192
    assert [topic for _, topic in first + rest] == [f"tick/{n}/" for n in range(10_000)]


def test_asking_for_the_last_message_makes_no_stream(bench: Bench) -> None:
    publisher = bench.publisher()
    assert publisher.last("tick/a/") is None
    publisher.forget("tick/a/")
    assert not publisher._streams
    publisher.publish(publisher.stream("tick/a/"), 1, 2, b"body", 3)
    assert unpack_message(publisher.last("tick/a/") or b"").seq == 1
    publisher.forget("tick/a/")
    assert publisher.last("tick/a/") is None
    assert publisher.publish(publisher.stream("tick/a/"), 1, 2, b"body", 3) == 2


def test_a_topic_that_comes_back_never_repeats_a_seq(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has heard the earlier ones would take a repeated one for old and pass over it."""
    monkeypatch.setattr("bus.publisher._MOST_ENDED", 2)
    publisher = bench.publisher()
    for topic, messages in (("td/9999/x/", 3), ("td/9999/y/", 1), ("td/9999/z/", 1)):
        for _ in range(messages):
            publisher.tell(topic, "Mark", None)
        publisher.drop(topic)
    publisher.drop("td/9999/nobody/")
    assert not publisher._streams
    assert len(publisher._ended) == 2, "x is not remembered by its name"
    assert publisher.tell("td/9999/y/", "Mark", None) > 1
    assert publisher.tell("td/9999/x/", "Mark", None) > 3
