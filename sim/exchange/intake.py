"""The counter's checks on a new order; what passes is frozen for and numbered."""

from math import isfinite
from typing import Final

from sim.exchange.account import Account
from sim.exchange.floor import Floor, padded
from sim.exchange.instruments import Instrument
from sim.exchange.margins import lot_margin, short_option_margin
from sim.exchange.orders import BUY, LIMIT, Order
from sim.exchange.refusals import RefusedError
from sim.exchange.sessions import Gate, Session
from sim.exchange.values import Fields, number, text, whole

from . import days, rules

# What a field of an order may hold, before anybody asks whether its exchange has such orders.
_ALLOWED: Final = {
    "Direction": frozenset("01"),
    "OrderPriceType": frozenset("123456789ABCDEFG"),
    "TimeCondition": frozenset("123456"),
    "VolumeCondition": frozenset("123"),
    "CombOffsetFlag": frozenset("0123456"),
    "CombHedgeFlag": frozenset("123"),
    "ForceCloseReason": frozenset("01234567"),
}
_CONDITIONS: Final = frozenset("23456789ABCDEFGH")
# Words in a text are easier to read here than a literal of one line each.
_COPIED: Final = (  # noqa: SIM905
    "BrokerID InvestorID OrderPriceType Direction CombOffsetFlag CombHedgeFlag "
    "VolumeTotalOriginal TimeCondition GTDDate VolumeCondition MinVolume ContingentCondition "
    "ForceCloseReason IsAutoSuspend BusinessUnit UserForceClose IsSwapOrder InvestUnitID "
    "AccountID MacAddress IPAddress OrderMemo SessionReqSeq"
).split()


class Intake:
    """The counter's door for orders of one trading day."""

    def __init__(self, gate: Gate, floor: Floor) -> None:
        self._gate = gate
        self._floor = floor
        self._settings = gate.settings
        self._local_id = floor.first_number

    def accept(self, session: Session, fields: Fields, request_id: int, now_ns: int) -> Order:
        """Make the order, or raise RefusedError. Money and lots are frozen last."""
        user = self._gate.users[session.user]
        if self._settings.confirm_settlement and user.confirmed_on != self._floor.trading_day:
            raise RefusedError(42)
        self.check_owner(session, fields)
        instrument = self._find(fields)
        check_fields(fields)
        reference = _take_reference(session, fields)
        if not instrument.is_tradable:
            raise RefusedError(17)
        order = self._make(session, instrument, fields)
        self._freeze(order, user.account)
        order.fields = self._first_fields(order, session, fields, reference, request_id, now_ns)
        self._floor.orders.append(order)
        self._floor.by_ref[session.session_id, reference.strip()] = order
        return order

    def check_owner(self, session: Session, fields: Fields) -> None:
        """Orders and cancels name the session's own broker, investor and user."""
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

    def _make(self, session: Session, instrument: Instrument, fields: Fields) -> Order:
        buy = text(fields, "Direction") == BUY
        volume = whole(fields, "VolumeTotalOriginal")
        price_type = text(fields, "OrderPriceType")
        is_limit = price_type == LIMIT
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
            ticks=rules.whole_ticks(instrument, number(fields, "LimitPrice")) if is_limit else 0,
            volume=volume,
            left=volume,
            fields={},
        )

    def _freeze(self, order: Order, account: Account) -> None:
        quote = self._floor.quote(order.instrument)
        dearest = quote.upper
        if order.price_type == LIMIT:
            # A price beyond the limits is the exchange's to refuse: it freezes as at the limit.
            dearest = min(max(order.ticks, quote.lower), quote.upper)
        margin, _ = lot_margin(order.instrument, order.long, dearest, short_option_margin(quote))
        account.freeze(order, dearest, margin, self._floor.last)

    def _first_fields(
        self,
        order: Order,
        session: Session,
        fields: Fields,
        reference: str,
        request_id: int,
        now_ns: int,
    ) -> Fields:
        """The CTP Order as the counter knows it before it goes to the exchange."""
        instrument = order.instrument
        self._local_id += 1
        return {
            **{name: fields[name] for name in _COPIED if name in fields},
            "UserID": session.user,
            "OrderRef": reference,
            "LimitPrice": number(fields, "LimitPrice"),
            "StopPrice": number(fields, "StopPrice"),
            "RequestID": request_id,
            "OrderLocalID": padded(self._local_id),
            "InstrumentID": instrument.id,
            "ExchangeInstID": instrument.id,
            "ExchangeID": instrument.exchange,
            "ParticipantID": self._settings.broker_id,
            "ClientID": client_id(order.user),
            "TraderID": trader_id(self._settings.broker_id),
            "InstallID": 1,
            "TradingDay": self._floor.trading_day,
            "SettlementID": 1,
            "OrderSysID": "",
            "OrderSource": "0",
            "OrderType": "0",
            "InsertDate": self._floor.date(now_ns, instrument, trading_day_at=("DCE",)),
            "InsertTime": days.clock(now_ns // 10**9),
            "FrontID": self._settings.front_id,
            "SessionID": session.session_id,
            "UserProductInfo": session.product_info,
            "BrokerOrderSeq": order.number,
            "CurrencyID": "CNY",
            "NotifySequence": 0,
        }


def check_fields(fields: Fields) -> None:
    """Raise error 15 for a field that no exchange could make sense of, 54 for conditions."""
    condition = text(fields, "ContingentCondition")
    if condition in _CONDITIONS:
        raise RefusedError(54)
    price = fields.get("LimitPrice")
    has_price = isinstance(price, (int, float)) and isfinite(price)
    if (
        condition != "1"
        or any(text(fields, name) not in allowed for name, allowed in _ALLOWED.items())
        or whole(fields, "VolumeTotalOriginal") <= 0
        or whole(fields, "MinVolume") < 0
        or (text(fields, "OrderPriceType") == LIMIT and not has_price)
    ):
        raise RefusedError(15)


def _take_reference(session: Session, fields: Fields) -> str:
    """OrderRef must be a number above all before it in the session; the counter fills it."""
    sent = text(fields, "OrderRef")
    reference = sent.strip()
    if not reference:
        session.max_order_ref += 1
        return padded(session.max_order_ref)
    if not (reference.isascii() and reference.isdecimal()):
        raise RefusedError(15)
    if int(reference) <= session.max_order_ref:
        raise RefusedError(22)
    session.max_order_ref = int(reference)
    return sent


def client_id(user: str) -> str:
    """The user's trading code at every exchange."""
    return f"{user:0>8}"


def trader_id(broker: str) -> str:
    return f"{broker}0001"
