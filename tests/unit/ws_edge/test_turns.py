"""One client that sends much, and the others."""

from __future__ import annotations

import asyncio

import pytest

from ws_edge.edge import take_turns
from ws_edge.limits import Share


class Over(Exception):
    pass


@pytest.mark.parametrize(("size", "longest"), [(60, 20), (30_000, 1)])
def test_a_client_that_sends_much_leaves_the_loop_its_turns(size: int, longest: int) -> None:
    waiting = ["x" * size] * 100
    turns = [0]

    async def recv() -> str | bytes:
        if not waiting:
            raise Over
        return waiting.pop()

    def receive(text: str | bytes) -> None:
        turns[-1] += 1

    async def scenario() -> None:
        def turn() -> None:
            turns.append(0)
            if waiting:
                loop.call_soon(turn)

        loop = asyncio.get_running_loop()
        loop.call_soon(turn)
        with pytest.raises(Over):
            await take_turns(recv, receive, Share(loop.time))

    asyncio.run(scenario())
    assert (sum(turns), max(turns)) == (100, longest)
