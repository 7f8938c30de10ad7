"""Reply texts: JSON in UTF-8 with everything outside ASCII escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal, NamedTuple

from .stat import Failed, Stat

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


def many(records: Sequence[bytes], shape: Shape) -> Reply:
    """``records`` are JSON objects already."""
    if shape == "object":
        items: list[bytes] = list(records)
    else:
        items = [json.dumps(record.decode("ascii")).encode("ascii") for record in records]
    if shape == "nested":
        items = [b"[" + item + b"]" for item in items]
    return Reply(b"[" + b", ".join(items) + b"]", len(records))
