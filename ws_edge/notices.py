"""What a client is told about its market data when it asks (``notices=gap``, ``notices=stale``).

gap    what was published and did not reach it: ``Gap`` for what was lost before this edge (Missing
       null: nobody knows how many, md_worker was started anew), ``Conflated`` for ticks that newer
       ones replaced because the client was slow
stale  that ticks are not, or no longer, of now: ``Stale``; ``Fresh`` when the reason is gone
"""

from __future__ import annotations

from typing import Literal

import msgspec

GapReason = Literal["lost", "restarted"]
# See ``freshness``.
StaleReason = Literal["front", "md_worker", "feed", "old"]

_encode = msgspec.json.Encoder().encode


def gap(instrument: str, missing: int | None, reason: GapReason) -> bytes:
    """Before the tick that shows it."""
    payload = {"InstrumentID": instrument, "Missing": missing, "Reason": reason}
    return _encode({"MsgType": "Gap", "Gap": payload})


def conflated(instrument: str, ticks: int) -> bytes:
    """Before the tick that replaced so many."""
    payload = {"InstrumentID": instrument, "Ticks": ticks}
    return _encode({"MsgType": "Conflated", "Conflated": payload})


def stale(instrument: str, reason: StaleReason, age_ms: int) -> bytes:
    """``instrument`` "": all of the socket. ``age_ms``: since when, or of the tick."""
    payload = {"InstrumentID": instrument, "Reason": reason, "AgeMs": age_ms}
    return _encode({"MsgType": "Stale", "Stale": payload})


def fresh(reason: StaleReason, instrument: str = "") -> bytes:
    """What was told by ``Stale`` is over."""
    payload = {"InstrumentID": instrument, "Reason": reason}
    return _encode({"MsgType": "Fresh", "Fresh": payload})
