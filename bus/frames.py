"""The bytes on the bus. Little-endian; a C program reads the header by a packed struct.

A published message is one frame (two frames cost twice as much in pyzmq)::

    topic  NUL  epoch u32  seq u64  recv_ns u64  sent_ns u64  type u16  layout u16  flags u16  body

topic     ASCII, ends in "/" because SUB matches prefixes: "tick/rb2610/" would otherwise also
          bring the option rb2610C3500. See the functions below for the topics there are.
epoch     the start of the publisher, +1 each time, kept on disk; the first is the Unix time.
          seq begins at 1 in each epoch
seq       +1 per message of one topic; a gap is a loss
recv_ns   Unix time when the counter's callback began; sent_ns when the message was made
type      which callback or message: crc32 of its name, lower 16 bits (``message_type``)
layout    version of the API whose structs the body holds: 6.7.11 is 0x670B
flags     what the body holds, see ``Flag``
body      the callback's struct, then its CThostFtdcRspInfoField, as C memory; or msgpack

Once a second each topic that somebody subscribes (ticks, quotes), and each account's, also brings a
message of type "Beat" (``BEAT``): seq is that of the last message in this epoch (0: none yet),
recv_ns too, sent_ns is now, the body is empty. It takes no seq itself. It comes in the pipe of the
messages, so a seq above the last one that arrived is a loss; no Beat for 3 s is the loss of the
publisher, the link or the subscription. A reader passes over types that he does not know.

A reply on the RPC socket has its own short header and the same kind of body::

    id u64  after_seq u64  request_id i32  type u16  layout u16  flags u16  body

id         the number the caller gave to its call; a call may have many reply rows
after_seq  what had been published on the account's topic when the row was made (0: nothing): who
           handles that much of the topic first sees replies and returns in the counter's order
"""

from __future__ import annotations

import struct
import zlib
from functools import cache
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

HEADER: Final = struct.Struct("<IQQQHHH")
ROW_HEADER: Final = struct.Struct("<QQiHHH")


class Flag:
    """What a body holds and how it came about.

    Plain ints: one operation on an IntFlag costs 0.7 µs, and a row meets eight of them.
    """

    HAS_FIELD: Final = 1  # the callback's struct comes first
    HAS_INFO: Final = 2  # a CThostFtdcRspInfoField comes next
    MSGPACK: Final = 4  # neither: a message of our own
    LAST: Final = 8  # the last row of a reply
    LOCAL: Final = 16  # made by a worker, not by the counter
    SENT: Final = 32  # the request was handed to the counter's API; rows may follow


class Message(NamedTuple):
    """One published message. ``body`` is what follows the header."""

    topic: str
    epoch: int
    seq: int
    recv_ns: int
    sent_ns: int
    type: int
    layout: int
    flags: int
    body: bytes


class Row(NamedTuple):
    """One row of a reply."""

    id: int
    after_seq: int
    request_id: int
    type: int
    layout: int
    flags: int
    body: bytes


class FrameError(ValueError):
    """Bytes that are no message of this protocol."""


@cache
def message_type(name: str) -> int:
    """The 16-bit number of a callback ("OnRtnOrder") or of a message of our own ("State")."""
    return zlib.crc32(name.encode()) & 0xFFFF


BEAT: Final = message_type("Beat")


def tick_topic(instrument: str) -> str:
    """OnRtnDepthMarketData of one instrument; the tick stream."""
    return f"tick/{instrument}/"


def quote_topic(instrument: str) -> str:
    """OnRtnForQuoteRsp of one instrument: somebody asks for a quote."""
    return f"quote/{instrument}/"


def account_topic(broker: str, user: str, slot: int = 0) -> str:
    """All returns of one account, and the notices of its session; ``slot`` is 0, or the number of
    a session that one client has for himself.

    Quoted as in a URL: a user "a/b" must not land under the topic of a user "a".
    """
    return f"td/{_session(broker, user, slot)}/"


def answer_topic(broker: str, user: str, slot: int = 0) -> str:
    """What the counter answers to the clients of one account, see ``bus.answers``; the same name
    as ``account_topic``'s."""
    return f"answer/{_session(broker, user, slot)}/"


def session_of(topic: str) -> tuple[str, str, int]:
    """(broker, user, slot) of an ``account_topic`` or ``answer_topic``. Raises ValueError."""
    _, broker, own, _ = topic.split("/")
    user, _, slot = own.partition(":")
    return unquote(broker), unquote(user), int(slot or 0)


def notice_topic(process: str) -> str:
    """Callbacks about a process's front that belong to no request and no account: connected,
    disconnected, heartbeat late, an OnRspError out of the blue."""
    return f"notice/{process}/"


def state_topic(process: str) -> str:
    """What a process is doing, once a second and at each change."""
    return f"state/{process}/"


def stat_topic(process: str) -> str:
    """What a process counts, once a second."""
    return f"stat/{process}/"


def _session(broker: str, user: str, slot: int) -> str:
    own = f":{slot}" if slot else ""
    return f"{quote(broker, safe='')}/{quote(user, safe='')}{own}"


def unpack_message(frame: bytes) -> Message:
    """Raises FrameError."""
    end = frame.find(b"\0")
    if end < 0 or len(frame) < end + 1 + HEADER.size:
        raise FrameError("not a ctpbus message")
    topic = frame[:end].decode("utf-8", "replace")
    fields = HEADER.unpack_from(frame, end + 1)
    return Message._make((topic, *fields, frame[end + 1 + HEADER.size :]))


def pack_row(row: Row) -> bytes:
    return ROW_HEADER.pack(*row[:6]) + row.body


def unpack_row(frame: bytes) -> Row:
    """Raises FrameError."""
    if len(frame) < ROW_HEADER.size:
        raise FrameError("not a ctpbus reply")
    return Row._make((*ROW_HEADER.unpack_from(frame), frame[ROW_HEADER.size :]))


def join_body(field: bytes | None, info: bytes | None) -> tuple[int, bytes]:
    """(flags, body) of a callback's struct and RspInfo; None is a NULL pointer."""
    flags = (Flag.HAS_FIELD if field is not None else 0) | (
        Flag.HAS_INFO if info is not None else 0
    )
    return int(flags), (field or b"") + (info or b"")


def split_body(flags: int, body: bytes, info_size: int) -> tuple[bytes | None, bytes | None]:
    """The inverse of ``join_body``; ``info_size`` is the size of the RspInfo struct."""
    end = len(body) - info_size if flags & Flag.HAS_INFO else len(body)
    field = body[:end] if flags & Flag.HAS_FIELD else None
    return field, body[end:] if flags & Flag.HAS_INFO else None
