"""What concerns all topics of a client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bus.client import Client, Gap, Restarted, Tick
from bus.endpoints import Addresses
from bus.errors import ConfigError
from tests.support.edge_core import published

A, B = "tick/a/", "tick/b/"


def run(addresses: Addresses, scenario: Callable[[Client], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(10), Client(addresses) as client:
            await scenario(client)

    asyncio.run(whole())


def nobody(folder: Path) -> Addresses:
    """Sockets of workers that are not there."""
    at = f"ipc://{folder}/"
    return Addresses(md_pub=at + "md_pub", md_rpc=at + "md_rpc", td_pub=at + "p", td_rpc=at + "r")


def test_no_topic_shows_an_old_epoch_after_a_new_one_of_another(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        ticks = client.ticks("a", "b")
        market = client._market
        assert market is not None
        for topic, seq, epoch in ((A, 1, 1), (B, 1, 1), (A, 1, 2), (B, 2, 1), (B, 1, 2)):
            market._on_frame(published(topic, "OnRtnDepthMarketData", seq, b"x", epoch=epoch))
        items = [await anext(ticks) for _ in range(8)]
        assert [(i.topic, i.epoch) for i in items if isinstance(i, Tick)] == [
            (A, 1), (B, 1), (A, 2), (B, 2),
        ]  # fmt: skip
        assert Restarted(B, 2) in items[:7], "all topics hear of it at once"
        assert Gap(B, 1, 2, None, "restarted") in items

    run(nobody(tmp_path), scenario)


def test_a_frame_that_is_no_message_does_no_harm(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        ticks = client.ticks("*")
        market = client._market
        assert market is not None
        for frame in (b"", b"tick/a/", b"tick/a/\0short"):
            market._on_frame(frame)
        market._on_frame(published(A, "OnRtnDepthMarketData", 1, b"x"))
        assert isinstance(await anext(ticks), Tick)

    run(nobody(tmp_path), scenario)


def test_a_tcp_address_without_keys_is_an_error() -> None:
    with pytest.raises(ConfigError, match="keys"):
        Client(Addresses(md_pub="tcp://127.0.0.1:1"))


def test_a_name_that_is_given_twice_is_one_topic(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        ticks = client.ticks("a", "a", "a*")
        market = client._market
        assert market is not None
        for seq in (1, 2):
            market._on_frame(published(A, "OnRtnDepthMarketData", seq, b"x"))
        await ticks.aclose()
        assert [item.seq async for item in ticks if isinstance(item, Tick)] == [1, 2]
        await ticks.aclose()

    run(nobody(tmp_path), scenario)
