"""What subscribers of md_merge leave behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import zmq

from bus.config import Common, Loaded
from md_merge.merge import Merge
from md_worker.config import FeedConfig, MdConfig

MANY = 300


def test_names_that_were_made_up_are_forgotten(tmp_path: Path) -> None:
    config = MdConfig(feeds={"a": FeedConfig(front="tcp://127.0.0.1:1")})

    async def scenario() -> None:
        merge = Merge(Loaded(Common(data=str(tmp_path)), config))
        merge.loop = asyncio.get_running_loop()
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        merge._open(context)
        before = set(merge.publisher._streams)
        subscriber = context.socket(zmq.SUB)
        subscriber.connect(merge.addresses.md_pub)
        for number in range(MANY):
            subscriber.subscribe(f"tick/made{number}/")
        async with asyncio.timeout(30):
            while len(merge.topics) < MANY:
                await asyncio.sleep(0.01)
                merge._take_interest()
        subscriber.close(linger=0)
        async with asyncio.timeout(30):
            while merge.topics:
                await asyncio.sleep(0.01)
                merge._take_interest()
        assert set(merge.publisher._streams) == before
        for feed in merge.feeds:
            feed.close()
        merge.loop.remove_reader(merge.router_fd)
        merge.loop.remove_reader(merge.publisher.fd)
        merge.router.close()
        merge.publisher.close()
        merge._lock.close()
        context.destroy(linger=0)

    asyncio.run(scenario())
