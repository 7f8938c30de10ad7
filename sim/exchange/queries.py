"""Every query that the counter models, by method: the rows it answers with, filters applied.

A filter field that is empty asks for everything. A query that is not in ``QUERIES`` has an empty
answer, as a counter's query for something that an account does not have.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sim.exchange.floor import Floor
from sim.exchange.instruments import Instrument
from sim.exchange.intake import client_id, trader_id
from sim.exchange.margins import commission, lot_margin, short_option_margin
from sim.exchange.market import Quote
from sim.exchange.orders import BUY, SPECULATION, Effect
from sim.exchange.positions import Position
from sim.exchange.products import EXCHANGES
from sim.exchange.refusals import RefusedError
from sim.exchange.sessions import Gate, Session, User
from sim.exchange.statement import statement
from sim.exchange.values import Fields, text

from . import days, reports, rules, tables

CONTENT_BYTES: Final = 500
"""SettlementInfo.Content is char[501]."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query: who asks, and for what."""

    gate: Gate
    floor: Floor
    session: Session
    fields: Fields

    @property
    def user(self) -> User:
        return self.gate.users[self.session.user]

    @property
    def broker(self) -> str:
        return self.gate.settings.broker_id

    @property
    def owner(self) -> Fields:
        return {"BrokerID": self.broker, "InvestorID": self.session.user}

    def wants(self, row: Fields, *names: str) -> bool:
        """Whether a row passes the filters of these names."""
        return all(
            not (wanted := text(self.fields, name)) or wanted.strip() == text(row, name).strip()
            for name in names
        )

    def within(self, time: str, kind: str) -> bool:
        """Whether a time of day is in the asked range, e.g. of ``InsertTime``."""
        start, end = text(self.fields, f"{kind}Start"), text(self.fields, f"{kind}End")
        return (not start or time >= start) and (not end or time <= end)

    def quotes(self) -> Iterator[Quote]:
        """The quotes that InstrumentID and ExchangeID ask for."""
        wanted, exchange = text(self.fields, "InstrumentID"), text(self.fields, "ExchangeID")
        all_quotes = self.floor.market.quotes
        if wanted:
            chosen: Iterable[Quote] = [q] if (q := all_quotes.get(wanted)) else []
        else:
            chosen = all_quotes.values()
        return (q for q in chosen if exchange in ("", q.instrument.exchange))

    def positions(self) -> Iterator[Position]:
        return (
            position
            for position in self.user.account.positions()
            if self.wants(
                {
                    "InstrumentID": position.instrument.id,
                    "ExchangeID": position.instrument.exchange,
                },
                "InstrumentID",
                "ExchangeID",
            )
        )


Rows = Iterable[Fields]


def orders(query: Query) -> Rows:
    names = ("ExchangeID", "InstrumentID", "OrderSysID")
    for order in query.floor.orders:
        if (
            order.user == query.session.user
            and query.wants(order.fields, *names)
            and query.within(text(order.fields, "InsertTime"), "InsertTime")
        ):
            yield order.fields


def trades(query: Query) -> Rows:
    for owner, trade in query.floor.trades:
        if (
            owner == query.session.user
            and query.wants(trade, "ExchangeID", "InstrumentID", "TradeID")
            and query.within(text(trade, "TradeTime"), "TradeTime")
        ):
            yield trade


def positions(query: Query) -> Rows:
    for position in query.positions():
        yield from reports.position_rows(position, query.floor, query.broker, query.session.user)


def position_details(query: Query) -> Rows:
    for position in query.positions():
        yield from reports.position_details(position, query.floor, query.broker, query.session.user)


def account(query: Query) -> Rows:
    if text(query.fields, "CurrencyID") in ("", "CNY"):
        yield reports.trading_account(query.user.account, query.floor, query.broker)


def investor(query: Query) -> Rows:
    name = query.user.settings.name or f"模拟客户{query.session.user}"
    yield {
        **query.owner,
        "InvestorName": name,
        "IdentifiedCardType": "1",
        "IdentifiedCardNo": "",
        "IsActive": 1,
        "OpenDate": "20200102",
        "IsOrderFreq": "0",
        "IsOpenVolLimit": "0",
    }


def trading_codes(query: Query) -> Rows:
    for exchange in EXCHANGES:
        row: Fields = {
            **query.owner,
            "ExchangeID": exchange,
            "ClientID": client_id(query.session.user),
            "IsActive": 1,
            "ClientIDType": "1",
            "BizType": "2" if exchange in ("SSE", "SZSE") else "1",
        }
        if query.wants(row, "ExchangeID", "ClientID", "ClientIDType"):
            yield row


def exchanges(query: Query) -> Rows:
    rows = map(tables.exchange, EXCHANGES)
    return (row for row in rows if query.wants(row, "ExchangeID"))


def instruments(query: Query) -> Rows:
    names = ("InstrumentID", "ExchangeID", "ExchangeInstID", "ProductID")
    for quote in query.quotes():
        row = tables.instrument(quote.instrument, query.floor.trading_day)
        if query.wants(row, *names):
            yield row


def products(query: Query) -> Rows:
    seen = set()
    for quote in query.floor.market.quotes.values():
        key = quote.instrument.product_id
        if key not in seen:
            seen.add(key)
            row = tables.product(quote.instrument)
            if query.wants(row, "ProductID", "ExchangeID", "ProductClass"):
                yield row


def depths(query: Query) -> Rows:
    wanted = text(query.fields, "ProductClass")
    return (
        tables.depth(quote)
        for quote in query.quotes()
        if wanted in ("", quote.instrument.product_class)
    )


def _hedge(query: Query) -> str:
    return text(query.fields, "HedgeFlag") or SPECULATION


def margin_rates(query: Query) -> Rows:
    """CTP tells the rate of one instrument; without one it tells those of what is held."""
    for instrument in _asked_or_held(query):
        row = tables.margin_rate(instrument)
        yield {**row, **query.owner, "HedgeFlag": _hedge(query)}


def exchange_margin_rates(query: Query) -> Rows:
    for quote in query.quotes():
        row = tables.exchange_margin_rate(quote.instrument)
        yield {**row, "BrokerID": query.broker, "HedgeFlag": _hedge(query)}


def commission_rates(query: Query) -> Rows:
    for instrument in _asked_or_held(query):
        yield {**tables.commission_rate(instrument), **query.owner}


def order_commission_rates(query: Query) -> Rows:
    for instrument in _asked_or_held(query):
        row = tables.order_commission_rate(instrument)
        yield {**row, **query.owner, "HedgeFlag": _hedge(query)}


def option_costs(query: Query) -> Rows:
    for quote in query.quotes():
        if quote.instrument.is_option:
            row = tables.option_trade_cost(quote)
            yield {**row, **query.owner, "HedgeFlag": _hedge(query)}


def option_commission_rates(query: Query) -> Rows:
    for quote in query.quotes():
        if quote.instrument.is_option:
            yield {**tables.option_commission_rate(quote.instrument), **query.owner}


def _asked_or_held(query: Query) -> Iterator[Instrument]:
    if text(query.fields, "InstrumentID"):
        yield from (quote.instrument for quote in query.quotes())
        return
    seen = set()
    for position in query.positions():
        if position.volume and position.instrument.id not in seen:
            seen.add(position.instrument.id)
            yield position.instrument


def max_order_volume(query: Query) -> Rows:
    """ReqQryMaxOrderVolume: the request comes back with MaxVolume filled in."""
    fields = query.fields
    quote = query.floor.market.quotes.get(text(fields, "InstrumentID"))
    if quote is None:
        raise RefusedError(16)
    instrument = quote.instrument
    buy = text(fields, "Direction") == BUY
    effect = rules.effect(instrument, buy=buy, offset=text(fields, "OffsetFlag") or "0")
    long = buy if effect is Effect.OPEN else not buy
    held = query.user.account.held(instrument, long, _hedge(query))
    volume = reports.max_volume(
        query.user.account,
        query.floor,
        held or Position(instrument, long, _hedge(query)),
        effect,
        _held_per_lot(quote, long),
    )
    row: Fields = {**fields, **query.owner, "ExchangeID": instrument.exchange}
    yield {**row, "MaxVolume": volume if instrument.is_tradable else 0}


def _held_per_lot(quote: Quote, long: bool) -> int:
    """What opening one lot at the last price takes out of Available."""
    instrument = quote.instrument
    fee = commission(instrument.open_fee, instrument, quote.last, 1)
    if instrument.is_option and long:
        return fee + instrument.amount(quote.last, 1)
    return fee + lot_margin(instrument, long, quote.last, short_option_margin(quote))[0]


def settlement_info(query: Query) -> Rows:
    """Yesterday's statement, cut into pieces that fit the struct."""
    day = days.compact(days.previous(query.floor.day))
    if text(query.fields, "TradingDay") not in ("", day):
        return
    content = statement(query.user.account, query.broker, day)
    for number, piece in enumerate(_pieces(content, CONTENT_BYTES), 1):
        yield {
            **query.owner,
            "TradingDay": day,
            "SettlementID": 1,
            "SequenceNo": number,
            "Content": piece,
            "AccountID": query.session.user,
            "CurrencyID": "CNY",
        }


def _pieces(content: str, size: int) -> Iterator[str]:
    piece, used = "", 0
    for character in content:
        width = len(character.encode("gb18030"))
        if used + width > size:
            yield piece
            piece, used = "", 0
        piece, used = piece + character, used + width
    if piece:
        yield piece


def settlement_confirm(query: Query) -> Rows:
    if query.user.confirmed_on:
        yield confirmation(query.user, query.broker)


def confirmation(user: User, broker: str) -> Fields:
    return {
        "BrokerID": broker,
        "InvestorID": user.settings.user_id,
        "ConfirmDate": user.confirmed_on,
        "ConfirmTime": user.confirmed_at,
        "SettlementID": 1,
        "AccountID": user.settings.user_id,
        "CurrencyID": "CNY",
    }


def user_sessions(query: Query) -> Rows:
    for session in query.gate.of_user(query.session.user):
        row: Fields = {
            "FrontID": query.gate.settings.front_id,
            "SessionID": session.session_id,
            "BrokerID": query.broker,
            "UserID": session.user,
            "LoginDate": session.login_date,
            "LoginTime": session.login_time,
            "UserProductInfo": session.product_info,
        }
        for name in ("FrontID", "SessionID"):
            if query.fields.get(name) not in (None, 0, row[name]):
                break
        else:
            yield row


def trading_params(query: Query) -> Rows:
    yield {
        **query.owner,
        # Margin of history's lots by the last settlement price, of today's by the opening price.
        "MarginPriceType": "4",
        "Algorithm": "1",
        "AvailIncludeCloseProfit": "0",
        "CurrencyID": "CNY",
        "OptionRoyaltyPriceType": "1",
        "AccountID": query.session.user,
    }


def trading_algos(query: Query) -> Rows:
    for quote in query.quotes():
        if text(query.fields, "InstrumentID"):
            yield {
                "BrokerID": query.broker,
                "ExchangeID": quote.instrument.exchange,
                "InstrumentID": quote.instrument.id,
                "HandlePositionAlgoID": "1",
                "FindMarginRateAlgoID": "1",
                "HandleTradingAccountAlgoID": "1",
            }


def trader_offers(query: Query) -> Rows:
    for exchange in EXCHANGES:
        row: Fields = {
            "ExchangeID": exchange,
            "TraderID": trader_id(query.broker),
            "ParticipantID": query.broker,
            "InstallID": 1,
            "TraderConnectStatus": "2",
            "TradingDay": query.floor.trading_day,
            "BrokerID": query.broker,
        }
        if query.wants(row, "ExchangeID", "ParticipantID", "TraderID"):
            yield row


QUERIES: Final[dict[str, Callable[[Query], Rows]]] = {
    "ReqQryOrder": orders,
    "ReqQryTrade": trades,
    "ReqQryInvestorPosition": positions,
    "ReqQryInvestorPositionDetail": position_details,
    "ReqQryTradingAccount": account,
    "ReqQryInvestor": investor,
    "ReqQryTradingCode": trading_codes,
    "ReqQryExchange": exchanges,
    "ReqQryProduct": products,
    "ReqQryInstrument": instruments,
    "ReqQryClassifiedInstrument": instruments,
    "ReqQryDepthMarketData": depths,
    "ReqQryInstrumentMarginRate": margin_rates,
    "ReqQryExchangeMarginRate": exchange_margin_rates,
    "ReqQryInstrumentCommissionRate": commission_rates,
    "ReqQryInstrumentOrderCommRate": order_commission_rates,
    "ReqQryOptionInstrTradeCost": option_costs,
    "ReqQryOptionInstrCommRate": option_commission_rates,
    "ReqQryMaxOrderVolume": max_order_volume,
    "ReqQrySettlementInfo": settlement_info,
    "ReqQrySettlementInfoConfirm": settlement_confirm,
    "ReqQryUserSession": user_sessions,
    "ReqQryBrokerTradingParams": trading_params,
    "ReqQryBrokerTradingAlgos": trading_algos,
    "ReqQryTraderOffer": trader_offers,
}
