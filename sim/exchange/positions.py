"""Positions of one user: lots as they were opened, today's and history's kept apart.

All prices in ticks, all money in ``UNITS``. Money per lot that was frozen or held is stored with
the lot and given back exactly, so that no rounding remains when the last lot is gone.
"""

from dataclasses import dataclass, field
from datetime import date

from sim.exchange.instruments import Instrument
from sim.exchange.orders import Effect


@dataclass(slots=True)
class Lot:
    """What one trade opened; ``volume`` is what is still open of it."""

    trade_id: str
    opened_on: date
    opened: int
    open_ticks: int
    volume: int
    basis: int
    """Profit counts from here today: the opening price, since yesterday the last settlement."""
    margin: int
    """Per lot."""
    exchange_margin: int
    """Per lot."""
    close_volume: int = 0
    close_amount: int = 0
    profit_by_date: int = 0
    profit_by_trade: int = 0


@dataclass(slots=True)
class Part:
    """Today's or history's half of a position, with what happened to it today."""

    lots: list[Lot] = field(default_factory=list)
    volume: int = 0
    cost: int = 0
    """Sum of the lots' basis amounts."""
    open_cost: int = 0
    margin: int = 0
    exchange_margin: int = 0
    frozen: int = 0
    """Lots that closing orders hold."""
    open_volume: int = 0
    open_amount: int = 0
    close_volume: int = 0
    close_amount: int = 0
    commission: int = 0
    cash_in: int = 0
    profit_by_date: int = 0
    profit_by_trade: int = 0
    yesterday: int = 0
    """Lots at the start of the day."""
    pending_volume: int = 0
    pending_amount: int = 0
    pending_margin: int = 0
    pending_commission: int = 0
    pending_cash: int = 0

    def hold(self, instrument: Instrument, lot: Lot) -> None:
        """Take in a lot with its money."""
        self.lots.append(lot)
        self.volume += lot.volume
        self.cost += instrument.amount(lot.basis, lot.volume)
        self.open_cost += instrument.amount(lot.open_ticks, lot.volume)
        self.margin += lot.margin * lot.volume
        self.exchange_margin += lot.exchange_margin * lot.volume


@dataclass(slots=True)
class Closed:
    """What a closing trade did."""

    profit_by_date: int = 0
    profit_by_trade: int = 0
    margin: int = 0
    today_volume: int = 0
    history_volume: int = 0


@dataclass(slots=True)
class Position:
    """One user's long or short side of one instrument under one hedge flag."""

    instrument: Instrument
    long: bool
    hedge: str
    today: Part = field(default_factory=Part)
    history: Part = field(default_factory=Part)

    @property
    def volume(self) -> int:
        return self.today.volume + self.history.volume

    def closable(self, effect: Effect) -> int:
        """Lots that a new closing order may still ask for."""
        if effect is Effect.CLOSE_TODAY:
            return self.today.volume - self.today.frozen
        if effect is Effect.CLOSE_HISTORY:
            return self.history.volume - self.history.frozen
        return self.volume - self.today.frozen - self.history.frozen

    def freeze(self, effect: Effect, volume: int) -> None:
        """Hold lots for a closing order; a negative volume lets them go.

        Orders that may close any lot are counted with today's part, which is shown together with
        history's on the exchanges that have such orders.
        """
        part = self.history if effect is Effect.CLOSE_HISTORY else self.today
        part.frozen += volume

    def open(self, lot: Lot) -> None:
        part = self.today
        part.hold(self.instrument, lot)
        part.open_volume += lot.volume
        part.open_amount += self.instrument.amount(lot.open_ticks, lot.volume)

    def close(self, effect: Effect, ticks: int, volume: int) -> Closed:
        """Close lots in the order they were opened."""
        result = Closed()
        if effect is not Effect.CLOSE_TODAY:
            result.history_volume = self._close_part(self.history, ticks, volume, result)
        if effect is not Effect.CLOSE_HISTORY:
            rest = volume - result.history_volume
            result.today_volume = self._close_part(self.today, ticks, rest, result)
        assert result.history_volume + result.today_volume == volume, "closed more than is held"
        return result

    def _close_part(self, part: Part, ticks: int, volume: int, result: Closed) -> int:
        left = volume
        while left and part.lots:
            lot = next((lot for lot in part.lots if lot.volume), None)
            if lot is None:
                break
            lots = min(left, lot.volume)
            left -= lots
            self._close_lot(part, lot, ticks, lots, result)
        return volume - left

    def _close_lot(self, part: Part, lot: Lot, ticks: int, volume: int, result: Closed) -> None:
        amount = self.instrument.amount(ticks, volume)
        basis = self.instrument.amount(lot.basis, volume)
        opened = self.instrument.amount(lot.open_ticks, volume)
        sign = 1 if self.long else -1
        # Premiums are paid and received as cash, so options have no profit of their own.
        by_date = 0 if self.instrument.is_option else sign * (amount - basis)
        by_trade = 0 if self.instrument.is_option else sign * (amount - opened)
        for book in (lot, part):
            book.volume -= volume
            book.close_volume += volume
            book.close_amount += amount
            book.profit_by_date += by_date
            book.profit_by_trade += by_trade
        part.cost -= basis
        part.open_cost -= opened
        part.margin -= lot.margin * volume
        part.exchange_margin -= lot.exchange_margin * volume
        result.margin += lot.margin * volume
        result.profit_by_date += by_date
        result.profit_by_trade += by_trade

    def profit(self, part: Part, ticks: int) -> int:
        """Profit of the open lots at a price, counted by date."""
        if self.instrument.is_option:
            return 0
        gain = self.instrument.amount(ticks, part.volume) - part.cost
        return gain if self.long else -gain

    def option_value(self, part: Part, ticks: int) -> int:
        if not self.instrument.is_option:
            return 0
        value = self.instrument.amount(ticks, part.volume)
        return value if self.long else -value
