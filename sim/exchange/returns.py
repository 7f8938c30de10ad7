"""What users are told of their orders and trades, on their private streams."""

from typing import Final

from sim.exchange.events import Event
from sim.exchange.floor import Floor, padded
from sim.exchange.orders import ALL_TRADED, CANCELLED, PART_TRADED, QUEUEING, UNKNOWN, Fill, Order
from sim.exchange.values import Fields, text, whole

from . import days, rules

_STATUS_TEXT: Final = {
    UNKNOWN: "报单已提交",
    QUEUEING: "未成交",
    PART_TRADED: "部分成交",
    ALL_TRADED: "全部成交",
    CANCELLED: "已撤单",
}
# Words in a text are easier to read here than a literal of one line each.
_IN_TRADES: Final = (  # noqa: SIM905
    "BrokerID InvestorID OrderRef UserID ExchangeID Direction OrderSysID ParticipantID ClientID "
    "TraderID OrderLocalID BusinessUnit TradingDay SettlementID BrokerOrderSeq InvestUnitID "
    "InstrumentID ExchangeInstID"
).split()


class Returns:
    """OnRtnOrder and OnRtnTrade of one trading day, numbered in the order of their happening."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._sequence = 0

    def order(
        self,
        order: Order,
        status: str,
        submit_status: str,
        now_ns: int,
        *,
        message: str = "",
        traded: int | None = None,
    ) -> Event:
        """Tell an order's new state; ``traded`` when trades are still to be told after it."""
        order.status = status
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
            "SequenceNo": self._next(),
            "UpdateTime": days.clock(now_ns // 10**9),
        }
        return self._floor.streams.add(Event(None, order.user, "OnRtnOrder", order.fields))

    def trade(self, fill: Fill, now_ns: int) -> Event:
        order = fill.order
        row = self._trade_fields(fill, now_ns)
        self._floor.trades.append((order.user, row))
        return self._floor.streams.add(Event(None, order.user, "OnRtnTrade", row))

    def _trade_fields(self, fill: Fill, now_ns: int) -> Fields:
        order, instrument = fill.order, fill.order.instrument
        fields = order.fields
        return {
            **{name: fields[name] for name in _IN_TRADES if name in fields},
            "TradeID": padded(fill.trade_number),
            "TradingRole": "1",
            "OffsetFlag": rules.traded_offset(instrument, text(fields, "CombOffsetFlag")),
            "HedgeFlag": order.hedge,
            "Price": instrument.price(fill.ticks),
            "Volume": fill.volume,
            "TradeDate": self._floor.date(now_ns, instrument, trading_day_at=("DCE", "CZCE")),
            "TradeTime": days.clock(now_ns // 10**9),
            "TradeType": "0",
            "PriceSource": "0",
            "TradeSource": "0",
            "SequenceNo": self._next(),
        }

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence
