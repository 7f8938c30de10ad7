"""Money and positions of one user.

Balance = PreBalance + Deposit - Withdraw + CloseProfit + PositionProfit + CashIn - Commission
Available = Balance - CurrMargin - FrozenMargin - FrozenCommission - FrozenCash
PositionProfit counts in full, gains as well as losses. Money is in ``UNITS``.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from sim.exchange.instruments import Instrument
from sim.exchange.margins import commission, lot_margin
from sim.exchange.orders import Effect, Order
from sim.exchange.positions import Lot, Position
from sim.exchange.refusals import RefusedError

Prices = Callable[[Instrument], int]
"""The last price of an instrument, in ticks."""
Key = tuple[str, bool, str]


class Account:
    """One user's account in yuan."""

    def __init__(self, user: str, cash: int) -> None:
        self.user = user
        self.pre_balance = cash
        self.pre_margin = 0
        self.deposit = 0
        self.withdrawn = 0
        self.close_profit = 0
        self.commission = 0
        self.cash_in = 0
        self.margin = 0
        self.frozen_margin = 0
        self.frozen_commission = 0
        self.frozen_cash = 0
        self._positions: dict[Key, Position] = {}

    def positions(self) -> Iterator[Position]:
        """Every position that was touched today, also those closed since."""
        return iter(self._positions.values())

    def position(self, instrument: Instrument, long: bool, hedge: str) -> Position:
        key = (instrument.id, long, hedge)
        if (found := self._positions.get(key)) is None:
            found = self._positions[key] = Position(instrument, long, hedge)
        return found

    def held(self, instrument: Instrument, long: bool, hedge: str) -> Position | None:
        return self._positions.get((instrument.id, long, hedge))

    def begin_day(self, balance: int, positions: Iterable[Position]) -> None:
        """Start a trading day with what the last one left."""
        self.pre_balance = balance
        self.deposit = self.withdrawn = self.close_profit = self.commission = self.cash_in = 0
        self._positions = {(p.instrument.id, p.long, p.hedge): p for p in positions}
        self.margin = self.pre_margin = sum(p.history.margin for p in self._positions.values())

    def position_profit(self, last: Prices) -> int:
        return sum(
            p.profit(part, last(p.instrument))
            for p in self._positions.values()
            if p.volume
            for part in (p.today, p.history)
        )

    def balance(self, last: Prices) -> int:
        return (
            self.pre_balance
            + self.deposit
            - self.withdrawn
            + self.close_profit
            + self.position_profit(last)
            + self.cash_in
            - self.commission
        )

    def available(self, last: Prices) -> int:
        return (
            self.balance(last)
            - self.margin
            - self.frozen_margin
            - self.frozen_commission
            - self.frozen_cash
        )

    def freeze(self, order: Order, ticks: int, margin_per_lot: int, last: Prices) -> None:
        """Hold money or lots for a new order, or raise RefusedError.

        ``ticks`` is the dearest price the order can trade at.
        """
        instrument = order.instrument
        if order.effect is Effect.OPEN:
            if instrument.is_option and order.buy:
                order.frozen_cash = instrument.amount(ticks, 1)
            else:
                order.frozen_margin = margin_per_lot
            order.frozen_commission = commission(instrument.open_fee, instrument, ticks, 1)
        else:
            self._check_lots(order)
            # The dearer of the two closing fees: which lots will be closed is not known yet.
            order.frozen_commission = max(
                commission(fee, instrument, ticks, 1)
                for fee in (instrument.close_fee, instrument.close_today_fee)
            )
        needed = order.frozen_margin + order.frozen_commission + order.frozen_cash
        # A closing order only frees money, so it is not refused for its commission.
        missing = needed * order.volume - self.available(last)
        if order.effect is Effect.OPEN and missing > 0:
            raise RefusedError(31, f"，缺少{missing / 10_000:.2f}元")
        order.frozen_amount = instrument.amount(ticks, 1)
        self._hold(order, order.volume)

    def _check_lots(self, order: Order) -> None:
        position = self.held(order.instrument, order.long, order.hedge)
        if order.volume <= (position.closable(order.effect) if position else 0):
            return
        if order.effect is Effect.CLOSE_TODAY:
            raise RefusedError(50)
        if order.effect is Effect.CLOSE_HISTORY and (
            order.instrument.splits_today or (position is not None and position.volume)
        ):
            raise RefusedError(51)
        raise RefusedError(37 if order.instrument.is_security else 30)

    def release(self, order: Order, volume: int) -> None:
        """Let go what was held for lots that were traded or will never be."""
        self._hold(order, -volume)

    def _hold(self, order: Order, volume: int) -> None:
        self.frozen_margin += order.frozen_margin * volume
        self.frozen_commission += order.frozen_commission * volume
        self.frozen_cash += order.frozen_cash * volume
        position = self.position(order.instrument, order.long, order.hedge)
        if order.effect is not Effect.OPEN:
            position.freeze(order.effect, volume)
            return
        part = position.today
        part.pending_volume += volume
        part.pending_amount += order.frozen_amount * volume
        part.pending_margin += order.frozen_margin * volume
        part.pending_commission += order.frozen_commission * volume
        part.pending_cash += order.frozen_cash * volume

    def trade(
        self,
        order: Order,
        ticks: int,
        volume: int,
        *,
        trade_id: str,
        day: date,
        option_margin: int,
    ) -> None:
        """Book a trade; ``option_margin`` is what a sold option lot must be covered with."""
        self.release(order, volume)
        position = self.position(order.instrument, order.long, order.hedge)
        if order.effect is Effect.OPEN:
            self._open(position, ticks, volume, trade_id, day, option_margin)
        else:
            self._close(position, order.effect, ticks, volume)

    def _open(
        self,
        position: Position,
        ticks: int,
        volume: int,
        trade_id: str,
        day: date,
        option_margin: int,
    ) -> None:
        instrument = position.instrument
        margin, exchange_margin = lot_margin(instrument, position.long, ticks, option_margin)
        lot = Lot(trade_id, day, volume, ticks, volume, ticks, margin, exchange_margin)
        position.open(lot)
        self.margin += margin * volume
        self._pay_premium(position, ticks, volume, buys=position.long, history=False)
        self._charge(position, commission(instrument.open_fee, instrument, ticks, volume), False)

    def _close(self, position: Position, effect: Effect, ticks: int, volume: int) -> None:
        instrument = position.instrument
        closed = position.close(effect, ticks, volume)
        self.margin -= closed.margin
        self.close_profit += closed.profit_by_date
        for fee, lots, history in (
            (instrument.close_fee, closed.history_volume, True),
            (instrument.close_today_fee, closed.today_volume, False),
        ):
            if lots:
                self._pay_premium(position, ticks, lots, buys=not position.long, history=history)
                self._charge(position, commission(fee, instrument, ticks, lots), history)

    def _pay_premium(
        self, position: Position, ticks: int, volume: int, *, buys: bool, history: bool
    ) -> None:
        if position.instrument.is_option:
            amount = position.instrument.amount(ticks, volume) * (-1 if buys else 1)
            self.cash_in += amount
            (position.history if history else position.today).cash_in += amount

    def _charge(self, position: Position, amount: int, history: bool) -> None:
        self.commission += amount
        (position.history if history else position.today).commission += amount
