"""From messages of the bus to rows. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any, Final

import msgspec

from bus.answers import ASSETS, ORDERS, POSITIONS, TRADES, Answer
from bus.client import Gap
from bus.frames import Message, message_type, session_of, split_body
from schemas.catalogue import Catalogue

from .tables import ANSWERS, ASKERS, EVENTS, GAPS, PLACES, REQUESTS
from .writing import Row

# The returns that each stream keeps, and the question whose answers.
EVENT_STREAMS: Final = {
    "order_events": ("OnRtnOrder", "OnErrRtnOrderInsert", "OnErrRtnOrderAction"),
    "trade_events": ("OnRtnTrade",),
}
ANSWER_STREAMS: Final = {
    "orders": ORDERS,
    "trades": TRADES,
    "assets": ASSETS,
    "positions": POSITIONS,
}

# Columns by the fields of the structs, each of which has some of them.
_TEXTS: Final = {
    "exchange": "ExchangeID",
    "instrument": "InstrumentID",
    "order_ref": "OrderRef",
    "order_sys_id": "OrderSysID",
    "trade_id": "TradeID",
}
_NUMBERS: Final = {"front_id": "FrontID", "session_id": "SessionID"}
_DAY: Final = "TradingDay"
_FIRST_DAY: Final = "19900101"
_encode: Final = msgspec.msgpack.Encoder().encode

# (instrument, "" for none; Unix time in ns) to the trading day of that moment, "20261123".
DayOf = Callable[[str, int], str]


class Rows:
    """``day_of`` is asked where a struct does not tell its trading day."""

    def __init__(self, catalogue: Catalogue, day_of: DayOf) -> None:
        self._catalogue, self._day_of = catalogue, day_of
        self._info_size = catalogue.layouts["RspInfo"].size
        self._names = {
            message_type(name): name for names in EVENT_STREAMS.values() for name in names
        }

    def event(self, stream: str, message: Message) -> Row:
        """A return of one of the callbacks in ``EVENT_STREAMS``."""
        callback = self._names[message.type]
        field, _ = split_body(message.flags, message.body, self._info_size)
        struct = self._catalogue.td.callbacks[callback].struct
        identity = self._identity(str(struct), message.layout, field)
        day = identity.pop(_DAY) or self._day_of(str(identity["instrument"]), message.recv_ns)
        values = {
            **_place(message),
            **_session(message),
            **identity,
            "day": day,
            "stream": stream,
            "callback": callback,
            "flags": message.flags,
            "body": message.body,
        }
        return Row(EVENTS, values, stream, len(message.body))

    def answer(self, stream: str, message: Message, answer: Answer) -> list[Row]:
        day = self._day_of_answer(answer, message.recv_ns)
        askers = _askers(answer)
        values = {
            **_place(message),
            **_session(message),
            "layout": answer.layout,
            "day": day,
            "kind": answer.method,
            "number": answer.number,
            "first": answer.first,
            "count": len(answer.rows),
            "last": answer.last,
            "asked_ns": answer.asked_ns,
            "error_id": answer.error_id,
            "error_msg": _without_null(answer.error_msg),
            "request_ids": _encode(answer.request_ids),
            "rows": _encode(answer.rows),
            "askers": _encode(askers),
        }
        asked = [
            Row(REQUESTS, {**_place(message), "day": day, "request_id": request_id})
            for request_id in dict.fromkeys(answer.request_ids)
        ]
        named = [
            Row(ASKERS, {**_place(message), "day": day, "asker": asker, "request_id": request_id})
            for asker, request_id in dict.fromkeys(zip(askers, answer.request_ids, strict=True))
            if asker
        ]
        return [Row(ANSWERS, values, stream, len(message.body)), *asked, *named]

    def gap(self, stream: str, gap: Gap, now_ns: int) -> list[Row]:
        """Nobody can give these; the place goes on behind them."""
        values = {
            "topic": gap.topic,
            "stream": stream,
            "epoch": gap.epoch,
            "first": gap.first,
            "last": gap.last,
            "day": self._day_of("", now_ns),
            "noted_ns": now_ns,
        }
        rows = [Row(GAPS, values)]
        if gap.last is not None:
            place = {"topic": gap.topic, "stream": stream, "epoch": gap.epoch, "seq": gap.last}
            rows.append(Row(PLACES, place))
        return rows

    def _identity(self, struct: str, layout: int, field: bytes | None) -> dict[str, Any]:
        """Of a struct of another version of the API nothing can be read; it is kept as it is."""
        codec = self._catalogue.codec(struct)
        known = {f.name for f in codec.layout.fields} if layout == self._catalogue.layout_id else ()
        if field is None or len(field) != codec.size:
            known = ()
        get = codec.get
        texts = {
            column: str(get(field, name)).strip() if field is not None and name in known else ""
            for column, name in (*_TEXTS.items(), (_DAY, _DAY))
        }
        if not _is_day(texts[_DAY]):
            texts[_DAY] = ""
        numbers = {
            column: get(field, name) or 0 if field is not None and name in known else 0
            for column, name in _NUMBERS.items()
        }
        return {**texts, **numbers}

    def _day_of_answer(self, answer: Answer, recv_ns: int) -> str:
        """Of its first row."""
        struct = self._catalogue.td.callbacks[
            self._catalogue.td.requests[answer.method].reply
        ].struct
        row = answer.rows[0] if answer.rows else None
        day = str(self._identity(str(struct), answer.layout, row)[_DAY])
        return day or self._day_of("", recv_ns)


def _askers(answer: Answer) -> list[str]:
    """One for each who asked; a td_worker of the version before names nobody."""
    names = [_without_null(name) for name in answer.askers[: len(answer.request_ids)]]
    return names + [""] * (len(answer.request_ids) - len(names))


def _without_null(text: str) -> str:
    return text.replace("\0", " ")  # PostgreSQL has no form for it


@lru_cache(maxsize=64)
def _is_day(text: str) -> bool:
    """Rows of anything else would be found under no day, and never be removed, or at once."""
    if len(text) != 8 or not (text.isascii() and text.isdigit()) or text < _FIRST_DAY:
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def _place(message: Message) -> dict[str, Any]:
    return {"topic": message.topic, "epoch": message.epoch, "seq": message.seq}


def _session(message: Message) -> dict[str, Any]:
    broker, user, slot = session_of(message.topic)
    return {
        "broker": broker,
        "user": user,
        "slot": slot,
        "arrived_ns": message.recv_ns,
        "layout": message.layout,
    }
