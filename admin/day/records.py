"""Rows of the recorder, one by one; they are decoded when somebody looks into them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any, Final, NamedTuple, cast

from bus.client import Answered, Client, Gap, Tick
from bus.client.items import Return
from bus.frames import Flag, split_body
from bus.history import AnswerKind

from .query import EVENTS, Query

Row = dict[str, Any]
Record = Callable[[], Row]

PAGE: Final = 100
_ZONE: Final = timezone(timedelta(hours=8))
_STRUCTS: Final = {
    "orders": "Order",
    "trades": "Trade",
    "assets": "TradingAccount",
    "positions": "InvestorPosition",
}


class Page(NamedTuple):
    rows: list[Row]
    more: bool


async def page(client: Client, broker: str, query: Query, first: int) -> Page:
    """``PAGE`` rows behind the first ``first``. Raises Refused, and Unavailable without a
    recorder."""
    found: list[Row] = []
    at = 0
    async for record in records(client, broker, query, first + PAGE + 1):
        at += 1
        if at > first + PAGE:
            return Page(found, True)
        if at > first:
            found.append(record())
    return Page(found, False)


async def records(
    client: Client, broker: str, query: Query, limit: int = 0
) -> AsyncIterator[Record]:
    """``limit``: more are not looked for, as far as the recorder can tell. Raises as ``page``."""
    history = client.history
    if query.stream == "ticks":
        async for item in history.ticks(query.instrument, day=query.day, limit=limit):
            yield _of_tick(client, item)
    elif query.stream in EVENTS:
        events = history.events(
            broker,
            query.account,
            query.stream,
            instrument=query.instrument,
            day=query.day,
        )
        async for event in events:
            yield _of_event(client, event)
    else:
        answers = history.answers(
            broker,
            query.account,
            cast(AnswerKind, query.stream),
            latest=query.latest,
            day=query.day,
        )
        async for answered in answers:
            for record in _of_answer(client, query, answered):
                yield record


def _of_tick(client: Client, item: Tick | Gap) -> Record:
    if isinstance(item, Gap):
        first, last = item.first or "?", "?" if item.last is None else item.last
        return lambda: {"gap": True, "epoch": item.epoch, "seq": f"{first}–{last}"}
    tick = item
    return lambda: {
        "at": clock(tick.recv_ns),
        "epoch": tick.epoch,
        "seq": tick.seq,
        **_known(client, tick.layout, lambda: client.fields(tick)),
    }


def _of_event(client: Client, item: Return) -> Record:
    def made() -> Row:
        row = {"at": clock(item.recv_ns), "callback": client.name(item), "seq": item.seq}
        row |= _known(client, item.layout, lambda: client.fields(item))
        if item.layout == client.catalogue.layout_id and not item.flags & Flag.MSGPACK:
            size = client.catalogue.layouts["RspInfo"].size
            _, raw = split_body(item.flags, item.body, size)
            info = client.catalogue.codec("RspInfo").unpack(raw) if raw is not None else {}
            row |= {name: info[name] for name in ("ErrorID", "ErrorMsg") if info.get("ErrorID")}
        return row

    return made


def _of_answer(client: Client, query: Query, answered: Answered) -> list[Record]:
    codec = client.catalogue.codec(_STRUCTS[query.stream])
    at = clock(answered.arrived_ns)
    known = answered.layout == client.catalogue.layout_id
    rows = answered.rows
    if known and query.instrument and query.stream != "assets":
        rows = [raw for raw in rows if codec.get(raw, "InstrumentID") == query.instrument]

    def made(raw: bytes) -> Row:
        return {
            "at": at,
            "asked_by": " ".join(name for name in answered.askers if name),
            **_known(client, answered.layout, lambda: codec.unpack(raw)),
        }

    return [partial(made, raw) for raw in rows]


def _known(client: Client, layout: int, fields: Callable[[], Row]) -> Row:
    """Of another version of the API nobody knows where the fields lie."""
    return fields() if layout == client.catalogue.layout_id else {}


def clock(at_ns: int) -> str:
    """Of the exchanges."""
    return datetime.fromtimestamp(at_ns / 1e9, _ZONE).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
