"""What everybody is told, on the public stream: trading phases and requests for quotes."""

from sim.exchange.events import Event
from sim.exchange.floor import Floor, padded
from sim.exchange.instruments import Instrument
from sim.exchange.market import Quote
from sim.exchange.values import Fields

from . import days

CONTINUOUS, NOT_TRADING = "2", "1"
AUTOMATIC = "1"


class Announcements:
    """The public stream of one trading day."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._phases: dict[str, str] = {}
        self._segments: dict[str, int] = {}
        self._minute = -1
        self._quotes_asked = 0
        self._products: dict[str, Instrument] = {}
        for quote in floor.market.quotes.values():
            self._products.setdefault(quote.instrument.product_id, quote.instrument)

    def phases(self, now_ns: int) -> list[Event]:
        """OnRtnInstrumentStatus of the products whose phase has changed; they change on whole
        minutes. As at a real counter it is told per product, in the field InstrumentID."""
        minute = now_ns // 60_000_000_000
        if minute == self._minute:
            return []
        self._minute = minute
        events = []
        for product, instrument in self._products.items():
            opened = self._floor.market.is_open(instrument, now_ns)
            phase = CONTINUOUS if opened else NOT_TRADING
            if self._phases.get(product) != phase:
                self._phases[product] = phase
                events.append(self._phase(instrument, phase, now_ns))
        return events

    def _phase(self, instrument: Instrument, phase: str, now_ns: int) -> Event:
        product = instrument.product_id
        self._segments[product] = segment = self._segments.get(product, 0) + 1
        row: Fields = {
            "ExchangeID": instrument.exchange,
            "SettlementGroupID": instrument.exchange,
            "InstrumentStatus": phase,
            "TradingSegmentSN": segment,
            "EnterTime": days.clock(now_ns // 10**9),
            "EnterReason": AUTOMATIC,
            "ExchangeInstID": product,
            "InstrumentID": product,
        }
        return self._floor.streams.add(Event(None, None, "OnRtnInstrumentStatus", row))

    def quote_asked(self, quote: Quote, now_ns: int) -> Event:
        """Somebody asks the market makers of an instrument for a quote."""
        self._quotes_asked += 1
        row: Fields = {
            "TradingDay": self._floor.trading_day,
            "InstrumentID": quote.instrument.id,
            "ForQuoteSysID": padded(self._quotes_asked),
            "ForQuoteTime": days.clock(now_ns // 10**9),
            "ActionDay": days.compact(days.local(now_ns).date()),
            "ExchangeID": quote.instrument.exchange,
        }
        return self._floor.streams.add(Event(None, None, "OnRtnForQuoteRsp", row))
