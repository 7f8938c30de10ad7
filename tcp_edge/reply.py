"""Reply texts: JSON in UTF-8 with everything outside ASCII escaped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from .stat import Failed, Stat

_AT_ONCE: Final = 64  # records that are written as texts: 5 us each

Shape = Literal["string", "nested", "object"]


class Reply(NamedTuple):
    """``body`` is JSON; ``records`` how many there are in it, by which the wire compresses.
    ``packed``: in the place of a body, what the wire's own codec has made of one elsewhere, in
    parts that stand behind each other.
    ``secret``: its length must not tell what is in it, so v2 does not compress it."""

    body: bytes
    records: int = 1
    packed: tuple[bytes, ...] = ()
    secret: bool = False


def status(reqid: int, **more: object) -> Reply:
    return one({"stat": int(Stat.ACCEPTED), "reqid": reqid, **more})


def failure(failed: Failed) -> Reply:
    return one({"stat": int(failed.stat), "reqid": failed.reqid, "msg": failed.detail})


def one(record: object) -> Reply:
    return Reply(json.dumps(record).encode("ascii"))


async def many(records: Sequence[bytes], shape: Shape) -> Reply:
    """``records`` are JSON objects already. In slices, before which other clients have their
    turn."""
    items: list[bytes] = []
    for begin in range(0, len(records), _AT_ONCE):
        if begin:
            await asyncio.sleep(0)
        items += _shaped(records[begin : begin + _AT_ONCE], shape)
    return Reply(b"[" + b", ".join(items) + b"]", len(records))


def _shaped(records: Sequence[bytes], shape: Shape) -> Sequence[bytes]:
    if shape == "object":
        return records
    items = [json.dumps(record.decode("ascii")).encode("ascii") for record in records]
    return [b"[" + item + b"]" for item in items] if shape == "nested" else items
