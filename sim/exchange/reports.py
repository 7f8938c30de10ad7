"""An account's state as CTP structs: account, positions, position details."""

from collections.abc import Iterator

from sim.exchange.account import Account
from sim.exchange.floor import Floor
from sim.exchange.orders import Effect
from sim.exchange.positions import Lot, Part, Position
from sim.exchange.values import UNITS, Fields, yuan

from . import days

LONG, SHORT = "2", "3"
TODAY, HISTORY = "1", "2"


def trading_account(account: Account, floor: Floor, broker: str) -> Fields:
    last = floor.last
    profit = account.position_profit(last)
    available = account.available(last)
    option_value = sum(
        position.option_value(part, last(position.instrument))
        for position in account.positions()
        for part in (position.today, position.history)
    )
    exchange_margin = sum(
        part.exchange_margin for p in account.positions() for part in (p.today, p.history)
    )
    return {
        "BrokerID": broker,
        "AccountID": account.user,
        "PreMortgage": 0.0,
        "PreCredit": 0.0,
        "PreDeposit": yuan(account.pre_balance),
        "PreBalance": yuan(account.pre_balance),
        "PreMargin": yuan(account.pre_margin),
        "InterestBase": 0.0,
        "Interest": 0.0,
        "Deposit": yuan(account.deposit),
        "Withdraw": yuan(account.withdrawn),
        "FrozenMargin": yuan(account.frozen_margin),
        "FrozenCash": yuan(account.frozen_cash),
        "FrozenCommission": yuan(account.frozen_commission),
        "CurrMargin": yuan(account.margin),
        "CashIn": yuan(account.cash_in),
        "Commission": yuan(account.commission),
        "CloseProfit": yuan(account.close_profit),
        "PositionProfit": yuan(profit),
        "Balance": yuan(account.balance(last)),
        "Available": yuan(available),
        # Gains that are not realised cannot be withdrawn.
        "WithdrawQuota": yuan(max(0, available - max(0, profit))),
        "Reserve": 0.0,
        "TradingDay": floor.trading_day,
        "SettlementID": 1,
        "Credit": 0.0,
        "Mortgage": 0.0,
        "ExchangeMargin": yuan(exchange_margin),
        "DeliveryMargin": 0.0,
        "ExchangeDeliveryMargin": 0.0,
        "ReserveBalance": 0.0,
        "CurrencyID": "CNY",
        "OptionValue": yuan(option_value),
    }


def position_rows(position: Position, floor: Floor, broker: str, user: str) -> Iterator[Fields]:
    """Two rows (today, history) at SHFE and INE, one elsewhere."""
    if not position.instrument.splits_today:
        yield _position_row(
            position, [position.today, position.history], TODAY, floor, broker, user
        )
        return
    for part, date_type in ((position.today, TODAY), (position.history, HISTORY)):
        if _touched(part):
            yield _position_row(position, [part], date_type, floor, broker, user)


def _touched(part: Part) -> bool:
    return bool(part.volume or part.open_volume or part.close_volume or part.pending_volume) or (
        part.yesterday > 0
    )


def _position_row(
    position: Position, parts: list[Part], date_type: str, floor: Floor, broker: str, user: str
) -> Fields:
    instrument, long = position.instrument, position.long
    last = floor.last(instrument)

    def total(name: str) -> int:
        return sum(int(getattr(part, name)) for part in parts)

    profit = sum(position.profit(part, last) for part in parts)
    # A long row's pending openings are buys, its pending closings sells: CTP's LongFrozen and
    # ShortFrozen name the side of the order, not of the position.
    opening, closing = ("LongFrozen", "ShortFrozen") if long else ("ShortFrozen", "LongFrozen")
    return {
        "BrokerID": broker,
        "InvestorID": user,
        "InstrumentID": instrument.id,
        "ExchangeID": instrument.exchange,
        "PosiDirection": LONG if long else SHORT,
        "HedgeFlag": position.hedge,
        "PositionDate": date_type,
        "YdPosition": total("yesterday"),
        "Position": total("volume"),
        "TodayPosition": position.today.volume if date_type == TODAY else 0,
        opening: total("pending_volume"),
        closing: total("frozen"),
        f"{opening}Amount": yuan(total("pending_amount")),
        f"{closing}Amount": 0.0,
        "OpenVolume": total("open_volume"),
        "CloseVolume": total("close_volume"),
        "OpenAmount": yuan(total("open_amount")),
        "CloseAmount": yuan(total("close_amount")),
        "PositionCost": yuan(total("cost")),
        "OpenCost": yuan(total("open_cost")),
        "UseMargin": yuan(total("margin")),
        "ExchangeMargin": yuan(total("exchange_margin")),
        "FrozenMargin": yuan(total("pending_margin")),
        "FrozenCommission": yuan(total("pending_commission")),
        "FrozenCash": yuan(total("pending_cash")),
        "CashIn": yuan(total("cash_in")),
        "Commission": yuan(total("commission")),
        "CloseProfit": yuan(total("profit_by_date")),
        "CloseProfitByDate": yuan(total("profit_by_date")),
        "CloseProfitByTrade": yuan(total("profit_by_trade")),
        "PositionProfit": yuan(profit),
        "OptionValue": yuan(sum(position.option_value(part, last) for part in parts)),
        "PreSettlementPrice": instrument.price(instrument.reference),
        "SettlementPrice": instrument.price(last),
        "MarginRateByMoney": instrument.broker_ratio,
        "MarginRateByVolume": 0.0,
        "TradingDay": floor.trading_day,
        "SettlementID": 1,
    }


def position_details(position: Position, floor: Floor, broker: str, user: str) -> Iterator[Fields]:
    for part in (position.history, position.today):
        for lot in part.lots:
            yield _detail(position, lot, floor, broker, user)


def _detail(position: Position, lot: Lot, floor: Floor, broker: str, user: str) -> Fields:
    instrument = position.instrument
    last = floor.last(instrument)
    sign = (1 if position.long else -1) * (0 if instrument.is_option else 1)
    value = instrument.amount(1, lot.volume)
    return {
        "BrokerID": broker,
        "InvestorID": user,
        "InstrumentID": instrument.id,
        "ExchangeID": instrument.exchange,
        "HedgeFlag": position.hedge,
        "Direction": "0" if position.long else "1",
        "OpenDate": days.compact(lot.opened_on),
        "TradeID": lot.trade_id,
        "Volume": lot.volume,
        "OpenPrice": instrument.price(lot.open_ticks),
        "TradingDay": floor.trading_day,
        "SettlementID": 1,
        "TradeType": "0",
        "CloseProfitByDate": yuan(lot.profit_by_date),
        "CloseProfitByTrade": yuan(lot.profit_by_trade),
        "PositionProfitByDate": sign * (last - lot.basis) * value / UNITS,
        "PositionProfitByTrade": sign * (last - lot.open_ticks) * value / UNITS,
        "Margin": yuan(lot.margin * lot.volume),
        "ExchMargin": yuan(lot.exchange_margin * lot.volume),
        "MarginRateByMoney": instrument.broker_ratio,
        "MarginRateByVolume": 0.0,
        "LastSettlementPrice": instrument.price(instrument.reference),
        "SettlementPrice": instrument.price(last),
        "CloseVolume": lot.close_volume,
        "CloseAmount": yuan(lot.close_amount),
        "TimeFirstVolume": lot.opened,
        "SpecPosiType": "#",
    }


def max_volume(
    account: Account, floor: Floor, position: Position, effect: Effect, per_lot: int
) -> int:
    """How many lots an order could have now; ``per_lot`` is what one opening lot holds."""
    if effect is not Effect.OPEN:
        return position.closable(effect)
    affordable = max(0, account.available(floor.last)) // max(1, per_lot)
    limit = position.instrument.max_limit_volume
    return min(limit, affordable)
