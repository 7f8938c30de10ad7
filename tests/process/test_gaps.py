"""What is lost on the bus is fetched or told, by the edge as a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bus.frames import tick_topic
from tests.support.edge_core import pack, published, row
from tests.support.ws_client import WsClient, ws

from .test_ws_edge import Stage, subscribe, tick

NAME = "rb2610"
TOPIC = tick_topic(NAME)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    try:
        stage.start("md")
        yield stage
    finally:
        stage.close()


@pytest.fixture
def client(stage: Stage) -> Iterator[WsClient]:
    """It has the instrument, and its tick number 1."""
    with ws(stage.url("/md/?notices=gap")) as client:
        client.ask(MsgType="ReqUserLogin", ReqUserLogin={})
        subscribe(stage, client, NAME)
        tick(stage.md, NAME, Volume=1)
        assert volume(client) == 1
        yield client


def volume(client: WsClient) -> int:
    heard: int = client.hear()["DepthMarketData"]["Volume"]
    return heard


def gap(missing: int | None, reason: str) -> dict[str, Any]:
    payload = {"InstrumentID": NAME, "Missing": missing, "Reason": reason}
    return {"MsgType": "Gap", "Gap": payload}


def test_a_lost_tail_shows_in_the_heartbeat_and_its_newest_tick_is_fetched(
    stage: Stage, client: WsClient
) -> None:
    field = pack("DepthMarketData", InstrumentID=NAME, Volume=4)
    newest = published(TOPIC, "OnRtnDepthMarketData", 4, field)
    stage.md.script("Snapshot", row("Snapshot", newest, last=True))
    stage.md.publisher.stream(TOPIC).seq = 4  # 2 to 4 were published and lost
    stage.md.publisher.beat([TOPIC])
    assert client.hear() == gap(2, "lost")
    assert volume(client) == 4
    tick(stage.md, NAME, Volume=5)
    assert volume(client) == 5
    assert client.silent()


def test_a_hole_is_told_before_the_tick_that_shows_it(stage: Stage, client: WsClient) -> None:
    stage.md.publisher.stream(TOPIC).seq = 3
    tick(stage.md, NAME, Volume=4)
    assert client.hear() == gap(2, "lost")
    assert volume(client) == 4


def test_a_new_md_worker_is_told_before_its_first_tick(stage: Stage, client: WsClient) -> None:
    stage.stop_worker("md")
    stage.worker("md", epoch=2).wait_subscribed(TOPIC)
    tick(stage.md, NAME, Volume=1)
    assert client.hear() == gap(None, "restarted")
    assert volume(client) == 1
    assert client.silent()
