"""An order's way from the counter to the exchange and back, and its trades onto accounts."""

from collections import Counter

from sim.exchange.account import Account
from sim.exchange.events import Event
from sim.exchange.floor import Floor, padded
from sim.exchange.intake import Intake
from sim.exchange.ledger import Ledger
from sim.exchange.margins import short_option_margin
from sim.exchange.orders import (
    ACCEPTED,
    ALL_TRADED,
    CANCELLED,
    INSERT_REJECTED,
    PART_TRADED,
    QUEUEING,
    SUBMITTED,
    UNKNOWN,
    Fill,
    Order,
)
from sim.exchange.refusals import ExchangeRefusedError, RefusedError
from sim.exchange.returns import Returns
from sim.exchange.sessions import Gate, Session
from sim.exchange.values import Fields, number, text

from . import days, ledger, rules


class Desk:
    """Orders of all users on one trading day's floor."""

    def __init__(self, gate: Gate, floor: Floor, record: Ledger) -> None:
        self.intake = Intake(gate, floor)
        self._gate = gate
        self._floor = floor
        self._ledger = record
        self._returns = Returns(floor)

    def insert(self, session: Session, fields: Fields, request_id: int, now_ns: int) -> list[Event]:
        """ReqOrderInsert: an answer only when the counter refuses, else returns."""
        try:
            order = self.intake.accept(session, fields, request_id, now_ns)
        except RefusedError as refusal:
            error = refusal.error_id, refusal.error_msg
            self.note_refusal(session, fields, *error, now_ns)
            return self._refuse(session, fields, request_id, refusal)
        told = self._returns.order(order, UNKNOWN, SUBMITTED, now_ns)
        try:
            self._enter(order, now_ns)
        except ExchangeRefusedError as refusal:
            self._account(order).release(order, order.left)
            self.note_refusal(session, order.fields, 0, refusal.reason, now_ns)
            message = f"已撤单报单被拒绝{order.instrument.exchange}:{refusal.reason}"
            refused = self._returns.order(
                order, CANCELLED, INSERT_REJECTED, now_ns, message=message
            )
            return [told, refused]
        return [told, *self._match(order, now_ns)]

    def _refuse(
        self, session: Session, fields: Fields, request_id: int, refusal: RefusedError
    ) -> list[Event]:
        error = refusal.error_id, refusal.error_msg
        told: Fields = {**fields, "RequestID": request_id}
        answer = Event(session.number, None, "OnRspOrderInsert", told, *error, request_id)
        copy = Event(None, session.user, "OnErrRtnOrderInsert", told, *error)
        return [answer, self._floor.streams.add(copy)]

    def note_refusal(
        self, session: Session, fields: Fields, error_id: int, reason: str, now_ns: int
    ) -> None:
        """Put it on record; who is not logged in is taken for whom he says he is."""
        day = self._floor.trading_day
        number, user = session.session_id, session.user or text(fields, "InvestorID")
        self._ledger.append(ledger.refused(fields, number, user, day, error_id, reason, now_ns))

    def _enter(self, order: Order, now_ns: int) -> None:
        """The exchange's checks; an order that passes has an OrderSysID and is on record."""
        instrument = order.instrument
        opened = self._floor.market.is_open(instrument, now_ns)
        price = number(order.fields, "LimitPrice")
        rules.check(order, price, self._floor.quote(instrument), is_open=opened)
        sys_id = self._floor.take_sys_id(instrument.exchange)
        order.fields = {
            **order.fields,
            "OrderSysID": sys_id,
            "ActiveTime": days.clock(now_ns // 10**9),
        }
        self._floor.by_sys_id[instrument.exchange, sys_id.strip()] = order
        self._ledger.append(ledger.accepted(order, now_ns))

    def _match(self, order: Order, now_ns: int) -> list[Event]:
        matcher = self._floor.matcher
        fills = matcher.submit(order, self._floor.quote(order.instrument))
        rests = matcher.is_resting(order)
        if rests and not fills:
            return [self._returns.order(order, QUEUEING, ACCEPTED, now_ns)]
        events = self.book(fills, now_ns)
        if order.left and not rests:
            # What an immediate order leaves is cancelled by the exchange, not by a request.
            events.append(self._end(order, SUBMITTED, now_ns))
        return events

    def cancel(self, order: Order, now_ns: int) -> Event:
        """Take a resting order out of the book."""
        self._floor.matcher.cancel(order, self._floor.quote(order.instrument))
        return self._end(order, ACCEPTED, now_ns)

    def _end(self, order: Order, submit_status: str, now_ns: int) -> Event:
        self._account(order).release(order, order.left)
        self._ledger.append(ledger.ended(order, now_ns))
        order.fields = {**order.fields, "CancelTime": days.clock(now_ns // 10**9)}
        return self._returns.order(order, CANCELLED, submit_status, now_ns)

    def book(self, fills: list[Fill], now_ns: int) -> list[Event]:
        """Book trades on accounts and tell their users: the order first, then the trade.

        The matching is done already, so an order's ``traded`` counts fills not yet told.
        """
        events: list[Event] = []
        untold: Counter[int] = Counter()
        for fill in fills:
            untold[fill.order.number] += fill.volume
        for fill in fills:
            order = fill.order
            untold[order.number] -= fill.volume
            traded = order.traded - untold[order.number]
            status = ALL_TRADED if traded == order.volume else PART_TRADED
            self._book(fill, now_ns)
            events.append(self._returns.order(order, status, ACCEPTED, now_ns, traded=traded))
            events.append(self._returns.trade(fill, now_ns))
        return events

    def _book(self, fill: Fill, now_ns: int) -> None:
        order = fill.order
        self._account(order).trade(
            order,
            fill.ticks,
            fill.volume,
            trade_id=padded(fill.trade_number),
            day=self._floor.day,
            option_margin=short_option_margin(self._floor.quote(order.instrument)),
        )
        offset = rules.traded_offset(order.instrument, text(order.fields, "CombOffsetFlag"))
        self._ledger.append(ledger.executed(fill, padded(fill.trade_number), offset, now_ns))

    def close_day(self, now_ns: int) -> None:
        """End every order that is still in a book; the day's streams end before this."""
        for order in self._floor.orders:
            if order.is_live:
                self.cancel(order, now_ns)

    def _account(self, order: Order) -> Account:
        return self._gate.users[order.user].account
