"""The event loop belongs to recording first."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import msgspec
import pytest

from bus.errors import Refused
from bus.history import VERBS
from bus.rpc import Call, Router
from recorder.history.history import History
from recorder.store.reading import Reader
from recorder.ticks.store import TickStore
from schemas.errors import BAD_REQUEST
from tests.unit.recorder.test_turns import FakeRouter


class NoFiles:
    def readers(self, day: str, instrument: str) -> Any:
        return iter(())

    def days(self) -> list[str]:
        return []


def history(router: FakeRouter, busy: bool = False) -> History:
    return History(
        cast(Router, router),
        cast(TickStore, NoFiles()),
        cast(Reader, None),
        json=bytes,
        today=lambda instrument: "20261123",
        busy=lambda: busy,
        cache_bytes=1 << 20,
    )


def call(verb: str, body: object) -> Call:
    return Call(1, verb, time.time_ns() + 10**10, body=msgspec.msgpack.encode(body))


@pytest.mark.parametrize(("busy", "iterations"), [(False, 1), (True, 10)])
def test_while_ticks_wait_one_turn_of_ten_is_history(busy: bool, iterations: int) -> None:
    async def scenario() -> None:
        router = FakeRouter()
        made = history(router, busy)
        made.accept(b"a", call("Ticks", {"instrument": "rb2610"}))
        passed = 0
        while not router.rows:
            await asyncio.sleep(0)
            passed += 1
            assert passed < 100
        assert passed == iterations
        made.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("verb", sorted(VERBS))
@pytest.mark.parametrize("body", [None, [], {}, {"instrument": 1}, {"limit": -1, "broker": "x"}])
def test_a_body_that_is_none_of_ours_is_refused(verb: str, body: object) -> None:
    async def scenario() -> None:
        made = history(FakeRouter())
        with pytest.raises(Refused) as caught:
            made.accept(b"a", call(verb, body))
        assert caught.value.error_id == BAD_REQUEST
        assert verb in caught.value.detail
        made.close()

    asyncio.run(scenario())
