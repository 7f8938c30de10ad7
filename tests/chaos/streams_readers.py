"""The subscribers: processes that write down what they are given until they are killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from bus.client import Client, Fresh, Gap, Place, Restarted, Return, Stale, Tick, addresses_of
from bus.frames import account_topic, tick_topic

from .config import PASSWORD
from .orders_on_wire import BROKER
from .streams_diary import Anew, Diary, Ended, Entry, Figures, Got, Hole, Missed, Silence
from .streams_ledger import digest, frame_of

Way = Literal["complete", "fresh", "returns", "ws", "ws_returns"]
SHOWN: Final = ("OnRtnOrder", "OnRtnTrade")
_FIGURES_S: Final = 0.5
_CONNECT_S: Final = 5.0
_AGAIN_S: Final = 0.1


@dataclass(frozen=True)
class Spec:
    """One subscriber. ``url`` is of the edge's market data, ``config`` the group's file."""

    way: Way
    file: Path
    config: str
    url: str
    names: tuple[str, ...]
    user: str
    heal: bool


def read(spec: Spec) -> None:
    """Never returns, unless a stream ends."""
    diary = Diary(spec.file)
    match spec.way:
        case "ws":
            why = _read_socket(spec, diary)
        case "ws_returns":
            _resume_for_ever(spec, diary)
        case _:
            why = asyncio.run(_read_bus(spec, diary))
    diary.write(Ended(why))


# -- the bus -----------------------------------------------------------------------------------


async def _read_bus(spec: Spec, diary: Diary) -> str:
    client = Client(addresses_of(spec.config), heal=spec.heal)
    items: AsyncIterable[Any]
    if spec.way == "returns":
        account = await client.login(spec.user, PASSWORD, broker_id=BROKER)
        items = account.returns(since=Place(0, 0))
    else:
        items = client.ticks(*spec.names, complete=spec.way == "complete")
    telling = asyncio.create_task(_tell_figures(client, diary))
    try:
        async for item in items:
            diary.write(entry_of(item))
    except Exception as exc:
        return repr(exc)
    finally:
        telling.cancel()
    return "the iterator came to its end"


async def _tell_figures(client: Client, diary: Diary) -> None:
    before: dict[str, int] = {}
    while True:
        values: dict[str, int] = msgspec.to_builtins(client.counters)
        if values != before:
            diary.write(Figures(values))
            before = dict(values)
        await asyncio.sleep(_FIGURES_S)


def entry_of(item: object) -> Entry:
    match item:
        case Tick() | Return():
            topic, *header, body = msgspec.structs.astuple(item)
            seen = digest(frame_of(topic, tuple(header), body)).hex()
            return Got(topic, item.epoch, item.seq, seen)
        case Gap():
            return Hole(item.topic, item.epoch, item.first, item.last)
        case Restarted():
            return Anew(item.topic, item.epoch)
        case Stale():
            return Silence(item.topic, over=False)
        case Fresh():
            return Silence(item.topic, over=True)
    raise TypeError(f"{item} is not known")


# -- WebSocket ---------------------------------------------------------------------------------


def _read_socket(spec: Spec, diary: Diary) -> str:
    try:
        with connect(spec.url, max_size=None, proxy=None, open_timeout=_CONNECT_S) as connection:
            connection.send(json.dumps({"MsgType": "ReqUserLogin", "ReqUserLogin": {}}))
            connection.recv()
            wanted = {"MsgType": "SubscribeMarketData", "InstrumentID": list(spec.names)}
            connection.send(json.dumps(wanted))
            while True:
                entry = entry_of_text(connection.recv())
                if entry is not None:
                    diary.write(entry)
    except (OSError, WebSocketException) as exc:
        return repr(exc)


def _resume_for_ever(spec: Spec, diary: Diary) -> NoReturn:
    """The account's stream with ``seq=on``: each connection goes on where the last one ended."""
    resumer = Resumer(account_topic(BROKER, spec.user))
    while True:
        with (
            contextlib.suppress(OSError, WebSocketException),
            connect(spec.url, max_size=None, proxy=None, open_timeout=_CONNECT_S) as socket,
        ):
            socket.send(json.dumps(resumer.login(spec.user)))
            while not resumer.refused(heard := json.loads(socket.recv())):
                for entry in resumer.hear(heard):
                    diary.write(entry)
        time.sleep(_AGAIN_S)


class Resumer:
    """A client that keeps the last Place, which also tells it of a new start."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._place = "0-0"
        self._epoch = 0

    def login(self, user: str) -> dict[str, Any]:
        payload = {"BrokerID": BROKER, "UserID": user, "Password": PASSWORD}
        return {"MsgType": "ReqUserLogin", "ReqUserLogin": payload, "Resume": self._place}

    def refused(self, heard: dict[str, Any]) -> bool:
        """Whether this is the answer to a login, and not a good one: td_worker is away, say."""
        if not heard["MsgType"].endswith("UserLogin"):
            return False
        return bool(heard.get("RspInfo", {}).get("ErrorID", 0))

    def hear(self, heard: dict[str, Any]) -> list[Entry]:
        if heard["MsgType"] == "RspUserLogin" or "Place" not in heard:
            return []
        self._place = heard["Place"]
        epoch, seq = (int(part) for part in self._place.split("-"))
        if heard["MsgType"] == "Gap":
            return [Hole(self._topic, epoch, seq, None)]
        if "On" + heard["MsgType"] not in SHOWN:
            return []
        entries: list[Entry] = [Got(self._topic, epoch, seq)]
        if epoch > self._epoch and self._epoch:
            entries.insert(0, Anew(self._topic, epoch))
        self._epoch = epoch
        return entries


def entry_of_text(text: str | bytes) -> Entry | None:
    """md_worker has put a tick's place into its own fields, see ``ledger_md_worker``."""
    heard = json.loads(text)
    match heard["MsgType"]:
        case "RtnDepthMarketData":
            tick = heard["DepthMarketData"]
            topic = tick_topic(tick["InstrumentID"])
            return Got(topic, int(tick["Turnover"]), tick["Volume"])
        case "Gap":
            gap = heard["Gap"]
            return Missed(tick_topic(gap["InstrumentID"]), gap["Missing"])
        case "Conflated":
            conflated = heard["Conflated"]
            return Missed(tick_topic(conflated["InstrumentID"]), conflated["Ticks"])
    return None
