"""What the iterator of an account's returns asks for, and what it does with the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from bus.client.items import Fresh, Gap, Restarted, Return, Stale
from bus.client.returns import Returns
from bus.client.way import Counters
from bus.errors import CounterRefused, Refused, Unavailable, refused, request_failed
from bus.frames import BEAT, Flag, Message, Row, message_type
from bus.orders import NOT_KEPT, After, Place
from schemas.errors import NOT_LOGGED_IN
from tests.support.edge_core import published

TOPIC = "td/9999/028742/"
Answer = BaseException | tuple[list[tuple[int, int]], tuple[int, int]]


class Desk:
    """Plays td_worker and the account. ``answers``: to each Returns, in turn; the last stays."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.heal, self.counters = list(answers), True, Counters()
        self.asked: list[tuple[int, int]] = []
        self.calls = self
        self.topic, self.handle, self.reached = TOPIC, b"1", Place(1, 2)
        self.void: list[bytes] = []
        self.refusal: Refused | None = None
        self.next_topic = TOPIC
        self.followed: dict[str, int] = {}

    def add(self, returns: Returns, topic: str) -> None:
        self.followed[topic] = self.followed.get(topic, 0) + 1

    def remove(self, returns: Returns, topic: str) -> None:
        self.followed[topic] -= 1

    async def ask(self, method: str, on_row: Any, silent_s: float, **options: Any) -> Row:
        assert method == "Returns"
        place = msgspec.msgpack.decode(options["body"], type=After)
        self.asked.append((place.epoch, place.seq))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await asyncio.sleep(0)
        if isinstance(answer, BaseException):
            raise answer
        behind = [one for one in answer[0] if one > self.asked[-1]]
        for epoch, seq in behind[: place.most or None]:
            body = published(TOPIC, "OnRtnOrder", seq, epoch=epoch)
            on_row(Row(1, 0, 0, message_type("Return"), 0, 0, body))
        body = msgspec.msgpack.encode(Place(*answer[1]))
        return Row(1, 0, 0, message_type("Returns"), 0, Flag.LAST, body)

    async def log_in_again(self, void: bytes) -> None:
        self.void.append(void)
        if self.refusal is not None:
            raise self.refusal
        self.handle, self.reached = b"2", Place(2, 0)
        self.topic = self.next_topic


def run(desk: Desk, scenario: Callable[[Returns], Awaitable[None]], **options: Any) -> None:
    async def whole() -> None:
        made: Any = desk
        returns = Returns(made, made, options.get("since", desk.reached), options.get("limit", 100))
        try:
            async with asyncio.timeout(10):
                await scenario(returns)
        finally:
            returns.close()
            await asyncio.sleep(0)
        assert not any(desk.followed.values())

    asyncio.run(whole())


def message(seq: int, epoch: int = 1, kind: int = message_type("OnRtnOrder")) -> Message:
    return Message(TOPIC, epoch, seq, 0, 0, kind, 0, 0, b"")


async def places(returns: Returns, count: int) -> list[Any]:
    items = [await anext(returns) for _ in range(count)]
    return [(i.epoch, i.seq) if isinstance(i, Return) else i for i in items]


def test_what_comes_in_order_needs_no_question() -> None:
    desk = Desk()

    async def scenario(returns: Returns) -> None:
        for seq in (3, 4):
            returns.on_message(message(seq))
        returns.on_message(message(4, kind=BEAT))
        assert await places(returns, 2) == [(1, 3), (1, 4)]
        assert desk.asked == []

    run(desk, scenario)


@pytest.mark.parametrize("news", [message(5), message(5, kind=BEAT)])
def test_a_question_that_nobody_answers_is_asked_until_somebody_does(news: Message) -> None:
    desk = Desk(
        Unavailable("td_worker"), request_failed("busy"), ([(1, 3), (1, 4), (1, 5)], (1, 5))
    )

    async def scenario(returns: Returns) -> None:
        returns.on_message(news)
        assert await places(returns, 3) == [(1, 3), (1, 4), (1, 5)]
        assert desk.asked == [(1, 2)] * 3
        returns.on_message(message(6))
        assert await places(returns, 1) == [(1, 6)]

    run(desk, scenario)


def test_a_new_worker_is_logged_in_to_and_asked_without_waiting_for_a_message() -> None:
    desk = Desk(refused(NOT_LOGGED_IN, "x"), ([(1, 3)], (1, 3)))

    async def scenario(returns: Returns) -> None:
        returns.catch_up()  # td_worker's state told its epoch
        assert await places(returns, 2) == [(1, 3), Restarted(TOPIC, 2)]
        assert desk.void == [b"1"]
        returns.on_message(message(1, epoch=2))
        assert await places(returns, 1) == [(2, 1)]

    run(desk, scenario)


def test_a_login_with_another_session_is_followed_there_behind_a_gap() -> None:
    """The numbers of its topic are its own, and those of the old one now somebody else's."""
    desk = Desk(refused(NOT_LOGGED_IN, "x"), ([(2, 1)], (2, 1)))
    desk.next_topic = "td/9999/028742:2/"

    async def scenario(returns: Returns) -> None:
        returns.catch_up()
        assert await places(returns, 3) == [
            Gap(TOPIC, 1, 3, None, "restarted"),
            Restarted(desk.next_topic, 2),
            (2, 1),
        ]
        assert desk.asked == [(1, 2), (2, 0)]
        assert desk.followed == {TOPIC: 0, desk.next_topic: 1}
        assert (desk.void, desk.handle) == ([b"1"], b"2")

    run(desk, scenario)


def test_the_end_of_the_session_is_told_and_the_account_logged_in_again() -> None:
    desk = Desk(([], (1, 3)))

    async def scenario(returns: Returns) -> None:
        returns.on_message(message(3, kind=message_type("SessionLost")))
        assert await places(returns, 2) == [(1, 3), Restarted(TOPIC, 2)]
        assert desk.void == [b"1"]

    run(desk, scenario)


def test_an_account_that_is_not_let_in_again_ends_the_iterator() -> None:
    desk = Desk(refused(NOT_LOGGED_IN, "x"))
    desk.refusal = CounterRefused(3, "CTP:不合法的登录")

    async def scenario(returns: Returns) -> None:
        returns.catch_up()
        with pytest.raises(Refused) as refusal:
            await anext(returns)
        assert refusal.value.error_id == 3

    run(desk, scenario)


def test_what_is_not_kept_is_a_gap_and_the_day_follows() -> None:
    desk = Desk(request_failed(f"the returns after 1/2 {NOT_KEPT}: query"), ([(1, 8)], (1, 8)))

    async def scenario(returns: Returns) -> None:
        assert await places(returns, 2) == [Gap(TOPIC, 0, 10, None, "lost"), Restarted(TOPIC, 1)]
        assert await places(returns, 1) == [(1, 8)]
        assert desk.asked == [(0, 9), (0, 0)]

    run(desk, scenario, since=Place(0, 9))


def test_a_full_queue_is_filled_from_the_journal_when_there_is_room() -> None:
    desk = Desk(([(1, 5), (1, 6), (1, 7)], (1, 7)))

    async def scenario(returns: Returns) -> None:
        for seq in (3, 4, 5, 6, 7):
            returns.on_message(message(seq))
        for _ in range(5):
            await asyncio.sleep(0)
        assert desk.asked == []
        assert await places(returns, 5) == [(1, seq) for seq in (3, 4, 5, 6, 7)]
        assert desk.asked == [(1, 4), (1, 6)], "two at once"

    run(desk, scenario, limit=2)


def test_no_more_wait_in_the_memory_than_were_asked_for_however_many_there_are() -> None:
    desk = Desk(([(1, seq) for seq in range(1, 101)], (1, 100)))

    async def scenario(returns: Returns) -> None:
        returns.on_message(message(100, kind=BEAT))
        for seq in range(3, 101):
            assert await places(returns, 1) == [(1, seq)]
            await asyncio.sleep(0)
            assert len(returns._queue) <= 20

    run(desk, scenario, limit=20)
    assert len(desk.asked) < 20, "not one question for each that is taken"


def test_silence_is_told_and_ends_with_the_next_beat() -> None:
    desk = Desk(([], (1, 2)))

    async def scenario(returns: Returns) -> None:
        for _ in range(8):
            returns.check()
        returns.on_message(message(2, kind=BEAT))
        assert await places(returns, 2) == [Stale(TOPIC), Fresh(TOPIC)]
        await asyncio.sleep(0.01)
        assert desk.asked, "perhaps the session has ended without a word"

    run(desk, scenario)
