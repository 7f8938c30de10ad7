"""Order entry: the counter's checks, the way to the exchange and back, and cancels."""

from math import isfinite
from typing import Final

from sim import days, rules
from sim.account import Account
from sim.events import Event
from sim.floor import Floor, padded
from sim.instruments import Instrument
from sim.ledger import AcceptedOrder, EndedOrder, ExecutedTrade, Ledger
from sim.margins import lot_margin, short_option_margin
from sim.market import is_open
from sim.orders import (
    ACCEPTED,
    ALL_TRADED,
    BUY,
    CANCELLED,
    INSERT_REJECTED,
    LIMIT,
    PART_TRADED,
    QUEUEING,
    SUBMITTED,
    UNKNOWN,
    Fill,
    Order,
)
from sim.refusals import ExchangeRefusedError, RefusedError
from sim.sessions import Gate, Session
from sim.values import Fields, number, text, whole

_STATUS_TEXT: Final = {
    UNKNOWN: "报单已提交",
    QUEUEING: "未成交",
    PART_TRADED: "部分成交",
    ALL_TRADED: "全部成交",
    CANCELLED: "已撤单",
}
# What a field of an order may hold before anybody asks whether the exchange has such orders.
_ALLOWED: Final = {
    "Direction": "01",
    "OrderPriceType": "123456789ABCDEFG",
    "TimeCondition": "123456",
    "VolumeCondition": "123",
    "ForceCloseReason": "01234567",
}
_OFFSETS: Final = frozenset("0123456")
_HEDGES: Final = frozenset("123")
# Words in a text are easier to read here than a literal of one line each.
_COPIED: Final = (  # noqa: SIM905
    "BrokerID InvestorID UserID OrderPriceType Direction CombOffsetFlag CombHedgeFlag "
    "VolumeTotalOriginal TimeCondition GTDDate VolumeCondition MinVolume ContingentCondition "
    "ForceCloseReason IsAutoSuspend BusinessUnit UserForceClose IsSwapOrder InvestUnitID "
    "AccountID CurrencyID MacAddress IPAddress OrderMemo SessionReqSeq"
).split()

_IN_TRADES: Final = (  # noqa: SIM905
    "BrokerID InvestorID OrderRef UserID ExchangeID Direction OrderSysID ParticipantID "
    "ClientID TraderID OrderLocalID BusinessUnit TradingDay SettlementID BrokerOrderSeq "
    "InvestUnitID InstrumentID ExchangeInstID"
).split()


class Desk:
    """Orders of all users on one trading day's floor."""

    def __init__(self, gate: Gate, floor: Floor, ledger: Ledger) -> None:
        self._gate = gate
        self._floor = floor
        self._ledger = ledger
        self._settings = gate.settings
        self._local_ids = floor.first_number
        self._sequence = 0

    # Insert

    def insert(self, session: Session, fields: Fields, request_id: int, now_ns: int) -> list[Event]:
        """ReqOrderInsert: an answer only when the counter refuses, else returns."""
        try:
            order = self._accept(session, fields, request_id, now_ns)
        except RefusedError as refusal:
            return self._refuse_insert(session, fields, request_id, refusal)
        events = [self._tell(order, UNKNOWN, SUBMITTED, now_ns)]
        try:
            self._enter(order, now_ns)
        except ExchangeRefusedError as refusal:
            self._account(order).release(order, order.left)
            reason = f"已撤单报单被拒绝{order.instrument.exchange}:{refusal.reason}"
            events.append(self._tell(order, CANCELLED, INSERT_REJECTED, now_ns, reason))
            return events
        return events + self._match(order, now_ns)

    def _refuse_insert(
        self, session: Session, fields: Fields, request_id: int, refusal: RefusedError
    ) -> list[Event]:
        error_id, error_msg = refusal.error_id, refusal.error_msg
        told: Fields = {**fields, "RequestID": request_id}
        answer = Event(
            session.number, None, "OnRspOrderInsert", told, error_id, error_msg, request_id
        )
        copy = Event(None, session.user, "OnErrRtnOrderInsert", told, error_id, error_msg)
        return [answer, self._floor.streams.add(copy)]

    def _accept(self, session: Session, fields: Fields, request_id: int, now_ns: int) -> Order:
        """The counter's checks in its order; money and lots are frozen last."""
        user = self._gate.users[session.user]
        if self._settings.confirm_settlement and user.confirmed_on != self._floor.trading_day:
            raise RefusedError(42)
        self._check_owner(session, fields)
        instrument = self._find(fields)
        check_fields(fields)
        reference = self._take_reference(session, fields)
        if not instrument.is_tradable:
            raise RefusedError(17)
        order = self._make(session, instrument, fields)
        self._freeze(order, user.account)
        self._record(order, session, fields, reference, request_id, now_ns)
        return order

    def _check_owner(self, session: Session, fields: Fields) -> None:
        if text(fields, "BrokerID") != self._settings.broker_id:
            raise RefusedError(12)
        investor = text(fields, "InvestorID")
        if investor not in self._gate.users:
            raise RefusedError(13)
        if investor != session.user:
            raise RefusedError(9)
        if text(fields, "UserID") not in ("", session.user):
            raise RefusedError(2)

    def _find(self, fields: Fields) -> Instrument:
        quote = self._floor.market.quotes.get(text(fields, "InstrumentID"))
        if quote is None or text(fields, "ExchangeID") not in ("", quote.instrument.exchange):
            raise RefusedError(16)
        return quote.instrument

    def _take_reference(self, session: Session, fields: Fields) -> str:
        """OrderRef must be a number above all before it in the session; the counter fills it."""
        sent = text(fields, "OrderRef")
        if not sent.strip():
            session.max_order_ref += 1
            return padded(session.max_order_ref)
        if not sent.strip().isdecimal():
            raise RefusedError(15)
        value = int(sent)
        if value <= session.max_order_ref:
            raise RefusedError(22)
        session.max_order_ref = value
        return sent

    def _make(self, session: Session, instrument: Instrument, fields: Fields) -> Order:
        buy = text(fields, "Direction") == BUY
        volume = whole(fields, "VolumeTotalOriginal")
        price_type = text(fields, "OrderPriceType")
        is_limit = price_type == LIMIT
        ticks = rules.price_in_ticks(instrument, number(fields, "LimitPrice")) if is_limit else 0
        return Order(
            number=len(self._floor.orders) + 1,
            user=session.user,
            instrument=instrument,
            buy=buy,
            effect=rules.effect(instrument, buy=buy, offset=text(fields, "CombOffsetFlag")),
            hedge=text(fields, "CombHedgeFlag"),
            price_type=price_type,
            time_condition=text(fields, "TimeCondition"),
            volume_condition=text(fields, "VolumeCondition"),
            min_volume=whole(fields, "MinVolume"),
            ticks=ticks,
            volume=volume,
            left=volume,
            fields={},
        )

    def _freeze(self, order: Order, account: Account) -> None:
        quote = self._floor.quote(order.instrument)
        # A price beyond the limits is the exchange's to refuse, so it freezes as at the limit.
        dearest = min(max(order.ticks, quote.lower), quote.upper)
        if order.price_type != LIMIT:
            dearest = quote.upper
        margin, _ = lot_margin(order.instrument, order.long, dearest, short_option_margin(quote))
        account.freeze(order, dearest, margin, self._floor.last)

    def _record(
        self,
        order: Order,
        session: Session,
        fields: Fields,
        reference: str,
        request_id: int,
        now_ns: int,
    ) -> None:
        self._local_ids += 1
        self._floor.orders.append(order)
        self._floor.by_ref[session.session_id, reference.strip()] = order
        order.fields = {name: fields[name] for name in _COPIED if name in fields}
        clock = days.clock(now_ns // 1_000_000_000)
        order.fields |= {
            "UserID": session.user,
            "OrderRef": reference,
            "LimitPrice": number(fields, "LimitPrice"),
            "StopPrice": number(fields, "StopPrice"),
            "RequestID": request_id,
            "OrderLocalID": padded(self._local_ids),
            "InstrumentID": order.instrument.id,
            "ExchangeInstID": order.instrument.id,
            "ExchangeID": order.instrument.exchange,
            "ParticipantID": self._settings.broker_id,
            "ClientID": client_id(order.user),
            "TraderID": trader_id(self._settings.broker_id),
            "InstallID": 1,
            "TradingDay": self._floor.trading_day,
            "SettlementID": 1,
            "OrderSysID": "",
            "OrderSource": "0",
            "OrderType": "0",
            "InsertDate": self._date(order.instrument, now_ns, trading_day_at=("DCE",)),
            "InsertTime": clock,
            "FrontID": self._settings.front_id,
            "SessionID": session.session_id,
            "UserProductInfo": session.product_info,
            "BrokerOrderSeq": order.number,
            "CurrencyID": "CNY",
            "NotifySequence": 0,
        }

    def _date(self, instrument: Instrument, now_ns: int, *, trading_day_at: tuple[str, ...]) -> str:
        """The trading day at some exchanges, the calendar's date elsewhere (section 8)."""
        if instrument.exchange in trading_day_at:
            return self._floor.trading_day
        return days.compact(days.local(now_ns).date())

    # The exchange

    def _enter(self, order: Order, now_ns: int) -> None:
        """The exchange's checks; an order that passes has an OrderSysID and is on record."""
        instrument = order.instrument
        quote = self._floor.quote(instrument)
        market = self._floor.market
        opened = market.always or is_open(instrument.sessions, days.clock(now_ns // 10**9)[:5])
        rules.check(order, number(order.fields, "LimitPrice"), quote, is_open=opened)
        sys_id = self._floor.take_sys_id(instrument.exchange)
        order.fields = {
            **order.fields,
            "OrderSysID": sys_id,
            "ActiveTime": days.clock(now_ns // 10**9),
        }
        self._floor.by_sys_id[instrument.exchange, sys_id.strip()] = order
        self._ledger.append(self._accepted(order, now_ns))

    def _accepted(self, order: Order, now_ns: int) -> AcceptedOrder:
        fields = order.fields
        return AcceptedOrder(
            now_ns=now_ns,
            trading_day=self._floor.trading_day,
            exchange=order.instrument.exchange,
            order_sys_id=text(fields, "OrderSysID"),
            broker=self._settings.broker_id,
            user=order.user,
            front_id=whole(fields, "FrontID"),
            session_id=whole(fields, "SessionID"),
            order_ref=text(fields, "OrderRef"),
            order_memo=text(fields, "OrderMemo"),
            request_id=whole(fields, "RequestID"),
            instrument=order.instrument.id,
            direction=text(fields, "Direction"),
            offset=text(fields, "CombOffsetFlag"),
            price=number(fields, "LimitPrice"),
            volume=order.volume,
        )

    def _match(self, order: Order, now_ns: int) -> list[Event]:
        quote = self._floor.quote(order.instrument)
        fills = self._floor.matcher.submit(order, quote)
        rests = order.left and self._floor.matcher.is_resting(order)
        events = [] if fills or not rests else [self._tell(order, QUEUEING, ACCEPTED, now_ns)]
        events += self.book(fills, now_ns)
        if order.left and not rests:
            # What an immediate order leaves is cancelled by the exchange, not by a request.
            events += self._end(order, SUBMITTED, now_ns)
        return events

    def _end(self, order: Order, submit_status: str, now_ns: int) -> list[Event]:
        self._account(order).release(order, order.left)
        self._ledger.append(
            EndedOrder(
                now_ns=now_ns,
                trading_day=self._floor.trading_day,
                exchange=order.instrument.exchange,
                order_sys_id=text(order.fields, "OrderSysID"),
                user=order.user,
                untraded=order.left,
            )
        )
        order.fields = {**order.fields, "CancelTime": days.clock(now_ns // 10**9)}
        return [self._tell(order, CANCELLED, submit_status, now_ns)]

    def book(self, fills: list[Fill], now_ns: int) -> list[Event]:
        """Book trades on accounts and tell their users: the order first, then the trade."""
        events = []
        told: dict[int, int] = {}
        for fill in fills:
            order = fill.order
            done = told.get(order.number)
            if done is None:
                done = order.traded - sum(f.volume for f in fills if f.order is order)
            told[order.number] = done = done + fill.volume
            status = ALL_TRADED if done == order.volume else PART_TRADED
            trade = self._trade(fill, now_ns)
            events.append(self._tell(order, status, ACCEPTED, now_ns, traded=done))
            self._floor.trades.append(trade)
            self._floor.trade_owners.append(order.user)
            events.append(self._floor.streams.add(Event(None, order.user, "OnRtnTrade", trade)))
        return events

    def _trade(self, fill: Fill, now_ns: int) -> Fields:
        order, instrument = fill.order, fill.order.instrument
        fields = order.fields
        trade_id = padded(fill.trade_number)
        offset = rules.traded_offset(instrument, text(fields, "CombOffsetFlag"))
        self._account(order).trade(
            order,
            fill.ticks,
            fill.volume,
            trade_id=trade_id,
            day=self._floor.day,
            option_margin=short_option_margin(self._floor.quote(instrument)),
        )
        price = instrument.price(fill.ticks)
        self._ledger.append(
            ExecutedTrade(
                now_ns=now_ns,
                trading_day=self._floor.trading_day,
                exchange=instrument.exchange,
                trade_id=trade_id,
                order_sys_id=text(fields, "OrderSysID"),
                user=order.user,
                instrument=instrument.id,
                direction=text(fields, "Direction"),
                offset=offset,
                price=price,
                volume=fill.volume,
                against=fill.against,
            )
        )
        self._sequence += 1
        return {
            **{name: fields[name] for name in _IN_TRADES if name in fields},
            "TradeID": trade_id,
            "TradingRole": "1",
            "OffsetFlag": offset,
            "HedgeFlag": order.hedge,
            "Price": price,
            "Volume": fill.volume,
            "TradeDate": self._date(instrument, now_ns, trading_day_at=("DCE", "CZCE")),
            "TradeTime": days.clock(now_ns // 10**9),
            "TradeType": "0",
            "PriceSource": "0",
            "TradeSource": "0",
            "SequenceNo": self._sequence,
        }

    # Cancel

    def act(self, session: Session, fields: Fields, request_id: int, now_ns: int) -> list[Event]:
        """ReqOrderAction: an answer only when it is refused, else the order's return."""
        try:
            order = self._cancellable(session, fields)
        except RefusedError as refusal:
            return self._refuse_action(session, fields, request_id, refusal, now_ns)
        return self.cancel(order, now_ns)

    def cancel(self, order: Order, now_ns: int) -> list[Event]:
        """Take a resting order out of the book."""
        self._floor.matcher.cancel(order, self._floor.quote(order.instrument))
        return self._end(order, ACCEPTED, now_ns)

    def _cancellable(self, session: Session, fields: Fields) -> Order:
        self._check_owner(session, fields)
        if text(fields, "ActionFlag") != "0":
            raise RefusedError(23)
        order = self._referred(fields)
        if order is None or order.user != session.user:
            raise RefusedError(25)
        if not order.is_live:
            raise RefusedError(26)
        return order

    def _referred(self, fields: Fields) -> Order | None:
        """The order that an action names, by the exchange's number or by its session's."""
        if sys_id := text(fields, "OrderSysID").strip():
            return self._floor.by_sys_id.get((text(fields, "ExchangeID"), sys_id))
        if whole(fields, "FrontID") != self._settings.front_id:
            return None
        key = (whole(fields, "SessionID"), text(fields, "OrderRef").strip())
        return self._floor.by_ref.get(key)

    def _refuse_action(
        self,
        session: Session,
        fields: Fields,
        request_id: int,
        refusal: RefusedError,
        now_ns: int,
    ) -> list[Event]:
        error_id, error_msg = refusal.error_id, refusal.error_msg
        told: Fields = {**fields, "RequestID": request_id}
        moment = days.local(now_ns)
        returned: Fields = {
            **told,
            "UserID": session.user,
            "ActionDate": days.compact(moment.date()),
            "ActionTime": days.clock(now_ns // 10**9),
            "OrderActionStatus": "c",
            "StatusMsg": error_msg,
        }
        answer = Event(
            session.number, None, "OnRspOrderAction", told, error_id, error_msg, request_id
        )
        copy = Event(None, session.user, "OnErrRtnOrderAction", returned, error_id, error_msg)
        return [answer, self._floor.streams.add(copy)]

    # Returns

    def _account(self, order: Order) -> Account:
        return self._gate.users[order.user].account

    def _tell(
        self,
        order: Order,
        status: str,
        submit_status: str,
        now_ns: int,
        message: str = "",
        *,
        traded: int | None = None,
    ) -> Event:
        """The order's new state, on its user's private stream and for queries."""
        order.status = status
        self._sequence += 1
        done = order.traded if traded is None else traded
        # A fresh dict each time: the streams keep what was told before.
        order.fields = {
            **order.fields,
            "OrderStatus": status,
            "OrderSubmitStatus": submit_status,
            "StatusMsg": message or _STATUS_TEXT[status],
            "VolumeTraded": done,
            "VolumeTotal": order.volume - done,
            "NotifySequence": whole(order.fields, "NotifySequence") + 1,
            "SequenceNo": self._sequence,
            "UpdateTime": days.clock(now_ns // 10**9),
        }
        return self._floor.streams.add(Event(None, order.user, "OnRtnOrder", order.fields))


def check_fields(fields: Fields) -> None:
    """Raise error 15 for a field that no exchange could make sense of, 54 for conditions."""
    condition = text(fields, "ContingentCondition")
    if condition and condition in "23456789ABCDEFGH":
        raise RefusedError(54)
    price = fields.get("LimitPrice")
    is_limit = text(fields, "OrderPriceType") == LIMIT
    if (
        condition != "1"
        or any(
            len(text(fields, name)) != 1 or text(fields, name) not in allowed
            for name, allowed in _ALLOWED.items()
        )
        or text(fields, "CombOffsetFlag") not in _OFFSETS
        or text(fields, "CombHedgeFlag") not in _HEDGES
        or whole(fields, "VolumeTotalOriginal") <= 0
        or whole(fields, "MinVolume") < 0
        or (is_limit and (not isinstance(price, (int, float)) or not isfinite(price)))
    ):
        raise RefusedError(15)


def client_id(user: str) -> str:
    """The user's trading code at every exchange."""
    return f"{user:0>8}"


def trader_id(broker: str) -> str:
    return f"{broker}0001"
