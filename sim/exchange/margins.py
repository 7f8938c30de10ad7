"""Margins and commissions of one lot. Money in ``UNITS``, prices in ticks."""

from sim.exchange.instruments import PUT, Instrument
from sim.exchange.market import Quote
from sim.exchange.products import Fee
from sim.exchange.values import UNITS


def commission(fee: Fee, instrument: Instrument, ticks: int, volume: int) -> int:
    by_money = fee.by_money * instrument.amount(ticks, volume)
    return round(by_money + fee.by_volume * volume * UNITS)


def lot_margin(
    instrument: Instrument, long: bool, ticks: int, option_margin: int
) -> tuple[int, int]:
    """What one open lot holds: the broker's margin and the exchange's.

    Options that were bought are paid for and hold nothing.
    """
    if instrument.is_option:
        return (0, 0) if long else (option_margin, option_margin)
    amount = instrument.amount(ticks, 1)
    return (
        round(amount * instrument.broker_ratio),
        round(amount * instrument.margin_ratio),
    )


def short_option_margin(quote: Quote) -> int:
    """What one sold option lot holds, by yesterday's prices: the same all day.

    The exchanges' formula: premium + max(full margin of the underlying - half of what the option
    is out of the money, half of the full margin).
    """
    royalty, fixed, out_of_money = option_parts(quote)
    return royalty + max(fixed - out_of_money // 2, fixed // 2)


def option_parts(quote: Quote) -> tuple[int, int, int]:
    """Royalty, full margin of the underlying, and the amount out of the money, of one lot."""
    option, underlying = quote.instrument, quote.underlying
    if underlying is None or option.strike is None:
        return 0, 0, 0
    royalty = option.amount(option.reference, 1)
    spot = underlying.instrument.price(underlying.instrument.reference)
    fixed = round(spot * option.multiplier * option.margin_ratio * UNITS)
    distance = spot - option.strike if option.option_type == PUT else option.strike - spot
    return royalty, fixed, round(max(0.0, distance) * option.multiplier * UNITS)
