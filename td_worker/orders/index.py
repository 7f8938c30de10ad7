"""Finds the record that a struct is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from .families import Shape, integer, text
from .record import Record

Key = tuple[str, bytes, bytes] | tuple[str, bytes, bytes, bytes]
_SAME: Final = ("InstrumentID", "Direction", "VolumeTotalOriginal")


class Index:
    """All records of a day by every name that they have had.

    An order is found by its numbers at the exchange, which never change; then by OrderMemo; then
    by (FrontID, SessionID, OrderRef). The last are assigned anew by a flow-clearing restart, so
    they count only with our RequestID, or where that is not given back, for the same content.
    """

    def __init__(self, insertions: Mapping[str, Shape]) -> None:
        self._insertions = insertions
        self._by_memo: dict[bytes, Record] = {}
        self._by_real: dict[tuple[int, int, str, bytes], Record] = {}
        self._by_client: dict[tuple[int, str, int], Record] = {}
        self._by_issued: dict[bytes, Record] = {}
        self._by_key: dict[Key, Record] = {}
        self._by_parked: dict[bytes, Record] = {}
        self._outside: dict[Key, bytes] = {}  # with the raw SysID
        self._instruments: dict[Key | tuple[int, str, bytes], bytes] = {}  # of those outside
        self._echoes = False  # the counter gives RequestID back, so 0 means an order of others

    def add(self, record: Record) -> None:
        if record.memo:
            self._by_memo[record.memo] = record
        self._by_issued[record.issued] = record
        self._by_client[record.session_id, record.kind, int(record.client_ref)] = record
        self._by_real[_real(record)] = record
        for key in _keys(record):
            self._by_key[key] = record
        if record.parked_id:
            self._by_parked[record.parked_id] = record

    def of_client(self, session_id: int, kind: str, ref: bytes) -> Record | None:
        """By the client's identity; None also for a reference that is no number."""
        digits = ref.strip()
        return self._by_client.get((session_id, kind, int(digits))) if digits.isdigit() else None

    def of_memo(self, memo: bytes) -> Record | None:
        return self._by_memo.get(memo)

    def of_sys(self, kind: str, exchange: bytes, sys: bytes) -> Record | None:
        return self._by_key.get((kind, exchange, sys.strip()))

    def instrument(self, shape: Shape, action: bytes, record: Record | None) -> bytes:
        """Of the order that an action names; empty when it is not known."""
        if record is not None:
            inserted = self._insertions.get(record.method)
            return text(record.body, inserted.content.get("InstrumentID")) if inserted else b""
        named: Key | tuple[int, str, bytes]
        if sys := text(action, shape.sys).strip():
            named = shape.kind, text(action, shape.exchange), sys
        else:
            named = integer(action, shape.session), shape.kind, text(action, shape.ref).strip()
        return self._instruments.get(named, b"")

    def is_issued(self, ref: bytes) -> bool:
        return ref.strip() in self._by_issued

    def raw_sys(self, kind: str, exchange: bytes, sys: bytes) -> bytes:
        """The number with its padding, which an action needs."""
        key = kind, exchange, sys.strip()
        record = self._by_key.get(key)
        if record is not None and record.order_sys_id.strip() == key[2]:
            return record.order_sys_id
        return self._outside.get(key, sys)

    def owner(
        self, shape: Shape, raw: bytes, names: Sequence[Key], action: bool = False
    ) -> Record | None:
        """Of a return, a trade, a row with these ``keys``. The memo and RequestID of an action are
        its own."""
        for key in names:
            record = self._by_key.get(key)
            if record is not None:
                return record
        memo = b"" if action else text(raw, shape.memo)
        record = self._by_memo.get(memo) if memo else None
        if record is not None and self._agrees(record, shape, raw, action):
            return record
        if shape.relative:
            relative = text(raw, shape.relative).strip()
            record = self.of_sys(shape.kind, text(raw, shape.exchange), relative)
            if record is not None and relative:
                return record
        if shape.session is None:
            return None
        front, session = integer(raw, shape.front), integer(raw, shape.session)
        record = self._by_real.get((front, session, shape.kind, text(raw, shape.ref).strip()))
        if record is not None and self._agrees(record, shape, raw, action):
            return record
        return None

    def refused(self, shape: Shape, raw: bytes) -> Record | None:
        """Of a request that the counter gives back, which has no FrontID and SessionID: the
        reference alone may be an outsider's, who numbers as we do."""
        parked = text(raw, shape.parked).strip()
        if parked and parked in self._by_parked:
            return self._by_parked[parked]
        record = self._by_memo.get(text(raw, shape.memo))
        if record is not None and record.kind == shape.kind:
            return record
        record = self._by_issued.get(text(raw, shape.ref).strip())
        if record is None or record.kind != shape.kind or record.leg:
            return None
        if record.memo and text(raw, shape.memo):
            return None
        if shape.request:
            return record if integer(raw, shape.request) == record.request else None
        return record if self._same_content(record, shape, raw) else None

    def learn(
        self, record: Record, shape: Shape, raw: bytes, names: Sequence[Key], stale: bool
    ) -> bool:
        """Take over the names of a return about this record; whether anything was new. Those of a
        stale one only become names to find it by."""
        self._echoes = self._echoes or 0 != integer(raw, shape.request) == record.request
        real = integer(raw, shape.front), integer(raw, shape.session), text(raw, shape.ref)
        known = record.front_id, record.counter_session, record.ref
        new = False
        if shape.session and real[2] and real != known:
            self._forget_real(record)
            record.front_id, record.counter_session, record.ref = real
            self._by_real[_real(record)] = record
            new = True
        for key in names:
            if self._by_key.get(key) is not record:
                self._by_key[key] = record
                self._outside.pop(key, None)
                new = True
        if new and names and not stale:
            record.exchange_id = text(raw, shape.exchange)
            record.order_sys_id = text(raw, shape.sys) or record.order_sys_id
            record.trader_id = text(raw, shape.trader) or record.trader_id
            record.local_id = text(raw, shape.local) or record.local_id
        return new

    def learn_leg(self, leg: Record, exchange: bytes, sys: bytes) -> bool:
        """The OrderSysID of a quote's order, told by the quote."""
        if not exchange or not sys.strip() or leg.order_sys_id:
            return False
        leg.exchange_id, leg.order_sys_id = exchange, sys
        self._by_key[leg.kind, exchange, sys.strip()] = leg
        return True

    def learn_parked(self, record: Record, parked_id: bytes) -> bool:
        if not parked_id.strip() or record.parked_id:
            return False
        record.parked_id = parked_id.strip()
        self._by_parked[record.parked_id] = record
        return True

    def learn_outside(self, shape: Shape, raw: bytes, names: Sequence[Key]) -> None:
        """An order of another session of the account: its trades need not wait."""
        sys, instrument = text(raw, shape.sys), text(raw, shape.content.get("InstrumentID"))
        for key in names:
            self._outside[key] = sys
            self._instruments[key] = instrument
        ref = integer(raw, shape.session), shape.kind, text(raw, shape.ref).strip()
        self._instruments[ref] = instrument

    def is_outside(self, names: Sequence[Key]) -> bool:
        return any(key in self._outside for key in names)

    def _agrees(self, record: Record, shape: Shape, raw: bytes, action: bool) -> bool:
        """Whether a struct that names this record by memo or by reference can be about it."""
        if record.kind != shape.kind:
            return False
        if self._numbered_otherwise(record, shape, raw):
            return False
        if action:
            return True
        memo = text(raw, shape.memo)
        if memo and record.memo:
            return memo == record.memo
        request = integer(raw, shape.request)
        if record.leg:  # whether the orders of a quote carry its RequestID is not known
            return request in (0, record.request)
        if request or (shape.request and self._echoes):
            return request == record.request
        return self._same_content(record, shape, raw)

    def _numbered_otherwise(self, record: Record, shape: Shape, raw: bytes) -> bool:
        """Whether it has numbers of the exchange, and the record others."""
        relative = text(raw, shape.relative).strip()
        if relative and relative == record.order_sys_id.strip():
            return False
        sys, local = text(raw, shape.sys).strip(), text(raw, shape.local).strip()
        exchange, trader = text(raw, shape.exchange), text(raw, shape.trader)
        if sys and record.order_sys_id.strip():
            return (exchange, sys) != (record.exchange_id, record.order_sys_id.strip())
        if local and record.local_id.strip():
            known = record.exchange_id, record.trader_id, record.local_id.strip()
            return (exchange, trader, local) != known
        return False

    def _same_content(self, record: Record, shape: Shape, raw: bytes) -> bool:
        inserted = self._insertions.get(record.method)
        if inserted is None or len(record.body) != inserted.size:
            return False
        return all(
            _plain(name, record.body[inserted.content[name]]) == _plain(name, raw[place])
            for name, place in shape.content.items()
            if name in _SAME and name in inserted.content
        )

    def _forget_real(self, record: Record) -> None:
        if self._by_real.get(_real(record)) is record:
            del self._by_real[_real(record)]


def keys(shape: Shape, raw: bytes) -> list[Key]:
    """The names that the exchange and the counter's seat have given to it."""
    exchange = text(raw, shape.exchange)
    if not exchange:
        return []
    found: list[Key] = []
    sys = text(raw, shape.sys).strip()
    if sys:
        found.append((shape.kind, exchange, sys))
    local = text(raw, shape.local).strip()
    if local:
        found.append((shape.kind, exchange, text(raw, shape.trader), local))
    return found


def _keys(record: Record) -> list[Key]:
    found: list[Key] = []
    if record.exchange_id and record.order_sys_id.strip():
        found.append((record.kind, record.exchange_id, record.order_sys_id.strip()))
    if record.exchange_id and record.local_id.strip():
        local = record.local_id.strip()
        found.append((record.kind, record.exchange_id, record.trader_id, local))
    return found


def _real(record: Record) -> tuple[int, int, str, bytes]:
    return record.front_id, record.counter_session, record.kind, record.ref.strip()


def _plain(name: str, value: bytes) -> bytes:
    return value.partition(b"\0")[0] if name == "InstrumentID" else value
