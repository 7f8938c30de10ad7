"""Instruments, products, exchanges and rates as CTP structs."""

from sim.exchange.instruments import SPOT, Instrument
from sim.exchange.margins import option_parts, short_option_margin
from sim.exchange.market import Quote
from sim.exchange.products import EXCHANGES, STOCK_EXCHANGES, Fee
from sim.exchange.values import Fields, yuan

from . import days

BY_BROKER = "1"
"""InvestorRange: the rate is the same for all investors."""


def exchange(exchange_id: str) -> Fields:
    return {
        "ExchangeID": exchange_id,
        "ExchangeName": EXCHANGES[exchange_id],
        # '0' ordinary, '1' makes trades out of orders' returns; only ordinary ones here.
        "ExchangeProperty": "0",
    }


def instrument(i: Instrument, trading_day: str) -> Fields:
    expiry = days.compact(i.expiry)
    return {
        "InstrumentID": i.id,
        "ExchangeInstID": i.id,
        "InstrumentName": i.name,
        "ExchangeID": i.exchange,
        "ProductID": i.product_id,
        "ProductClass": i.product_class,
        "DeliveryYear": i.year,
        "DeliveryMonth": i.month,
        "MaxMarketOrderVolume": i.max_market_volume,
        "MinMarketOrderVolume": i.buy_lot,
        "MaxLimitOrderVolume": i.max_limit_volume,
        "MinLimitOrderVolume": i.buy_lot,
        "VolumeMultiple": i.multiplier,
        "PriceTick": i.price_tick,
        "CreateDate": days.compact(i.open_date),
        "OpenDate": days.compact(i.open_date),
        "ExpireDate": expiry,
        "StartDelivDate": expiry,
        "EndDelivDate": expiry,
        # Listed tomorrow or later: not yet on the market.
        "InstLifePhase": "1" if days.compact(i.open_date) <= trading_day else "0",
        "IsTrading": int(i.is_tradable),
        "PositionType": "2",
        "PositionDateType": "1" if i.splits_today else "2",
        "LongMarginRatio": i.margin_ratio,
        "ShortMarginRatio": i.margin_ratio,
        "MaxMarginSideAlgorithm": "0",
        "UnderlyingInstrID": i.underlying,
        "StrikePrice": i.strike,
        "OptionsType": i.option_type,
        "UnderlyingMultiple": 1.0,
        "CombinationType": "0",
    }


def product(i: Instrument) -> Fields:
    """The product of an instrument, as any of its instruments tells it."""
    return {
        "ProductID": i.product_id,
        "ExchangeProductID": i.product_id,
        "ProductName": i.product_name,
        "ExchangeID": i.exchange,
        "ProductClass": i.product_class,
        "VolumeMultiple": i.multiplier,
        "PriceTick": i.price_tick,
        "MaxMarketOrderVolume": i.max_market_volume,
        "MinMarketOrderVolume": i.buy_lot,
        "MaxLimitOrderVolume": i.max_limit_volume,
        "MinLimitOrderVolume": i.buy_lot,
        "PositionType": "2",
        "PositionDateType": "1" if i.splits_today else "2",
        "CloseDealType": "0",
        "TradeCurrencyID": "CNY",
        "MortgageFundUseRange": "0",
        "UnderlyingMultiple": 1.0,
        "OpenLimitControlLevel": "0",
        "OrderFreqControlLevel": "0",
    }


def depth(quote: Quote) -> Fields:
    """The last tick as the trading front tells it, with ExchangeID."""
    return {**quote.tick, "ExchangeID": quote.instrument.exchange}


def margin_rate(i: Instrument) -> Fields:
    rate = i.broker_ratio
    return {
        "InstrumentID": i.id,
        "ExchangeID": i.exchange,
        "InvestorRange": BY_BROKER,
        **_margin_sides(rate, i),
        "IsRelative": 0,
    }


def exchange_margin_rate(i: Instrument) -> Fields:
    return {
        "InstrumentID": i.id,
        "ExchangeID": i.exchange,
        **_margin_sides(i.margin_ratio, i),
    }


def _margin_sides(rate: float, i: Instrument) -> Fields:
    return {
        "LongMarginRatioByMoney": rate,
        "LongMarginRatioByVolume": 0.0,
        # Securities cannot be sold short.
        "ShortMarginRatioByMoney": 0.0 if i.product_class == SPOT else rate,
        "ShortMarginRatioByVolume": 0.0,
    }


def _fee(name: str, fee: Fee) -> Fields:
    return {f"{name}RatioByMoney": fee.by_money, f"{name}RatioByVolume": fee.by_volume}


def commission_rate(i: Instrument) -> Fields:
    return {
        "InstrumentID": i.id,
        "ExchangeID": i.exchange,
        "InvestorRange": BY_BROKER,
        **_fee("Open", i.open_fee),
        **_fee("Close", i.close_fee),
        **_fee("CloseToday", i.close_today_fee),
        "BizType": "2" if i.exchange in STOCK_EXCHANGES else "1",
    }


def option_commission_rate(i: Instrument) -> Fields:
    rate = commission_rate(i)
    del rate["BizType"]
    return {**rate, **_fee("Strike", i.open_fee)}


def order_commission_rate(i: Instrument) -> Fields:
    """Fees on placing and cancelling orders: there are none."""
    return {
        "InstrumentID": i.id,
        "ExchangeID": i.exchange,
        "InvestorRange": BY_BROKER,
        "OrderCommByVolume": 0.0,
        "OrderActionCommByVolume": 0.0,
        "OrderCommByTrade": 0.0,
        "OrderActionCommByTrade": 0.0,
    }


def option_trade_cost(quote: Quote) -> Fields:
    royalty, fixed, _ = option_parts(quote)
    held = short_option_margin(quote) - royalty
    return {
        "InstrumentID": quote.instrument.id,
        "ExchangeID": quote.instrument.exchange,
        "FixedMargin": yuan(held),
        "MiniMargin": yuan(fixed // 2),
        "Royalty": yuan(royalty),
        "ExchFixedMargin": yuan(held),
        "ExchMiniMargin": yuan(fixed // 2),
    }
