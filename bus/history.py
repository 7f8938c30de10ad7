"""Bodies of the recorder's verbs about what has been.

=========  =========  ==============================================================================
verb       body       answer
=========  =========  ==============================================================================
Ticks      Ticks      rows "TickBlock" (``TickBlock``), the last one "Ticks" with a ``TicksEnd``
LastTicks  LastTicks  a row "LastTick" (``TickBlock``) for each instrument, in the order asked for
Events     Events     rows "EventBlock" (a list of ``Event``), the last one "Events" with a ``Page``
Answers    Answers    rows "AnswerBlock" (a list of ``Answered``), the last one "Answers", ``Page``
=========  =========  ==============================================================================

All bodies are msgpack maps. Where nothing is on record the answer is empty, no error. What came a
moment ago is on record when it is written: ``batch_s`` later at the latest.

A day is a trading day, "20261123"; "" is the one of now. Ticks are named by their places in their
stream, events and answers by a number of the recorder's that rises. To go on, ask again with
``after`` set to what the last row says; that holds while more is recorded, and after a restart.

``form``: "raw" are published messages without their topic, header (``bus.frames.HEADER``) and
struct, one behind the other. Headers of type "Gap" stand for messages that are not on record: epoch
and seq are those of the last, the body begins with the seq of the first (u64, 0: nobody knows) and
is as long as a tick's. "json" is one array of the objects that ws_edge sends as DepthMarketData.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from .orders import Place

VERBS: Final = frozenset({"Ticks", "LastTicks", "Events", "Answers"})
MOST_INSTRUMENTS: Final = 20_000  # of one call; all exchanges together have fewer
MOST_EVENTS: Final = 1_000  # of one call
MOST_ANSWERS: Final = 100  # of one call, parts of 500 rows

Form = Literal["raw", "json"]
EventStream = Literal["order_events", "trade_events"]
AnswerKind = Literal["orders", "trades", "assets", "positions"]
Instrument = Annotated[str, Meta(min_length=1, max_length=80)]
Day = Annotated[str, Meta(pattern=r"^([0-9]{8})?$", max_length=8)]
_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Name = Annotated[str, Meta(max_length=64)]


class Ticks(msgspec.Struct, frozen=True, kw_only=True):
    """The ticks of one instrument on one day.

    since_ns  only those received at this Unix time or later
    after     only those behind this place
    limit     at most so many; 0: all
    """

    instrument: Instrument
    day: Day = ""
    since_ns: _Count = 0
    after: Place | None = None
    limit: _Count = 0
    form: Form = "raw"


class LastTicks(msgspec.Struct, frozen=True, kw_only=True):
    """The newest tick on record of each, from whichever day."""

    instruments: list[str]
    form: Form = "raw"


class TickBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Some ticks.

    size     "raw": bytes of each record, header and body; "json": 0
    ticks    how many are in ``data``
    gaps     marks between them that something is missing; only "raw" holds the marks themselves
    damaged  records that could not be read, left out
    data     see ``form``; empty without a tick
    """

    size: int
    ticks: int
    gaps: int
    damaged: int
    data: bytes


class TicksEnd(msgspec.Struct, frozen=True, kw_only=True):
    """``place`` is where to go on, None before anything; ``more``: the limit has left some out."""

    day: str
    place: Place | None
    more: bool


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """What was published of an account's orders or trades on one day, errors included.

    slot        of a session that one client has for himself
    instrument  "": of all
    """

    broker: _Name
    user: _Name
    stream: EventStream
    instrument: Annotated[str, Meta(max_length=80)] = ""
    day: Day = ""
    after: _Count = 0
    limit: Annotated[int, Meta(ge=1, le=MOST_EVENTS)] = MOST_EVENTS
    slot: _Count = 0


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it was published, see ``bus.frames.Message``.

    number    its place among the account's
    callback  "OnRtnOrder"
    """

    number: int
    day: str
    epoch: int
    seq: int
    recv_ns: int
    callback: str
    layout: int
    flags: int
    body: bytes


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What the counter answered an account's queries on one day.

    kind        "orders" are answers to ReqQryOrder, "trades" to ReqQryTrade, "assets" to
                ReqQryTradingAccount, "positions" to ReqQryInvestorPosition
    request_id  only the answer to this query
    asker       only answers to who gave this name at Attach; with ``request_id`` only to his query
                of that number. "": to all
    latest      only the newest answer that has ended without an error
    """

    broker: _Name
    user: _Name
    kind: AnswerKind
    request_id: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] | None = None
    latest: bool = False
    day: Day = ""
    after: _Count = 0
    limit: Annotated[int, Meta(ge=1, le=MOST_ANSWERS)] = MOST_ANSWERS
    slot: _Count = 0
    asker: _Name = ""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of one answer; its parts have the same ``epoch`` and ``answer``. It is complete
    when a part has ``last`` and none is missing.

    number       the place of this part among the account's
    request_ids  of all queries that it answered
    askers       the names of who asked, in the same order; "" of who gave none
    asked_ns     Unix time when the counter was asked, ``arrived_ns``: when this part came
    first        how many rows the parts before this one have
    rows         structs of ``layout``
    error_id     why there is no answer, or no more of it
    """

    number: int
    day: str
    epoch: int
    answer: int
    request_ids: list[int]
    asked_ns: int
    arrived_ns: int
    layout: int
    first: int
    rows: list[bytes]
    last: bool
    error_id: int
    error_msg: str
    askers: list[str] = []


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """``after`` is where to go on; ``more``: the limit has left some out."""

    day: str
    after: int
    more: bool
