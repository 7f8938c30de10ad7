"""The end of a trading day: positions are marked to the settlement and become yesterday's."""

from sim.exchange.account import Account
from sim.exchange.floor import Floor
from sim.exchange.instruments import PUT, Instrument
from sim.exchange.margins import lot_margin, short_option_margin
from sim.exchange.market import settlement
from sim.exchange.positions import Lot, Part, Position


def settle(account: Account, ended: Floor, begun: Floor) -> None:
    """Carry an account over from the floor of one day to that of the next.

    No order of the day may be live any more: nothing is frozen then.
    """
    assert account.frozen_margin == account.frozen_commission == account.frozen_cash == 0
    balance = account.balance(lambda instrument: settlement(ended.quote(instrument)))
    carried = []
    for position in account.positions():
        if not position.volume:
            continue
        if position.instrument.id in begun.market.quotes:
            carried.append(_carry(position, ended, begun))
        else:
            balance += _expire(position, ended)
    account.begin_day(balance, carried)


def _carry(position: Position, ended: Floor, begun: Floor) -> Position:
    quote = begun.market.quotes[position.instrument.id]
    basis = settlement(ended.quote(position.instrument))
    margin, exchange_margin = lot_margin(
        quote.instrument, position.long, basis, short_option_margin(quote)
    )
    history = Part()
    result = Position(quote.instrument, position.long, position.hedge, history=history)
    for lot in (*position.history.lots, *position.today.lots):
        if lot.volume:
            history.hold(
                quote.instrument,
                Lot(
                    trade_id=lot.trade_id,
                    opened_on=lot.opened_on,
                    opened=lot.opened,
                    open_ticks=lot.open_ticks,
                    volume=lot.volume,
                    basis=basis,
                    margin=margin,
                    exchange_margin=exchange_margin,
                ),
            )
    history.yesterday = history.volume
    return result


def _expire(position: Position, ended: Floor) -> int:
    """What an expired position pays out beyond its marking: options by what they are worth."""
    option = position.instrument
    underlying = ended.quote(option).underlying
    if underlying is None:
        return 0
    worth = _intrinsic(option, underlying.instrument.price(settlement(underlying)))
    amount = option.amount(round(option.ticks(worth)), position.volume)
    return amount if position.long else -amount


def _intrinsic(option: Instrument, spot: float) -> float:
    assert option.strike is not None
    gain = option.strike - spot if option.option_type == PUT else spot - option.strike
    return max(0.0, gain)
