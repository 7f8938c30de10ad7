"""The counter: every request of the trading API in, callbacks out, without any I/O.

Time is passed in (Unix ns). No input of a client raises; what is not modelled is refused with
error 27, and a query for it has an empty answer, so that nothing is ever met with silence but a
second login on a session that is logged in, which real fronts ignore as well.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from sim.exchange.announcements import Announcements
from sim.exchange.answers import LOGINS, answer, confirm, refuse, reply_to
from sim.exchange.cancels import Cancels
from sim.exchange.desk import Desk
from sim.exchange.events import Event
from sim.exchange.floor import Floor, open_floor
from sim.exchange.instruments import Instrument
from sim.exchange.ledger import Entry, Ledger
from sim.exchange.logins import Logins
from sim.exchange.market import STEP_NS
from sim.exchange.queries import QUERIES, Query
from sim.exchange.refusals import RefusedError
from sim.exchange.restart import clear_flow
from sim.exchange.sessions import Gate, Session
from sim.exchange.settings import Settings
from sim.exchange.settle import settle
from sim.exchange.values import Fields, text

from . import days

__all__ = ["LOGINS", "Counter", "Event", "Settings", "reply_to"]

MAX_STEPS_AT_ONCE: Final = 8
"""A process that was frozen goes on from now; it does not run through what it slept over."""

Action = Callable[[Session, Fields, int, int], list[Event]]


class Counter:
    """The embedded exchange's whole state."""

    def __init__(
        self,
        settings: Settings,
        now_ns: int,
        on_entry: Callable[[Entry], None] = lambda entry: None,
    ) -> None:
        """``on_entry`` gets each entry of the ledger."""
        self.settings = settings
        self.ledger = Ledger(on_entry)
        self.gate = Gate(settings, now_ns)
        self._logins = Logins(self.gate, lambda: self.trading_day)
        self._next_step_ns = now_ns // STEP_NS * STEP_NS
        day = days.trading_day(self._next_step_ns)
        self._begin_day(self._open_floor(day, self._next_step_ns, None), self._next_step_ns)
        self._actions: dict[str, Action] = {
            "ReqAuthenticate": self._logins.authenticate,
            "ReqUserPasswordUpdate": self._logins.change_password,
            **dict.fromkeys(LOGINS, self._logins.log_in),
        }
        self._logged_in_actions: dict[str, Action] = {
            "ReqUserLogout": self._logins.log_out,
            "ReqTradingAccountPasswordUpdate": self._logins.change_fund_password,
            "ReqSettlementInfoConfirm": self._logins.confirm_settlement,
            "ReqOrderInsert": lambda *call: self._desk.insert(*call),
            "ReqOrderAction": lambda *call: self._cancels.act(*call),
            "ReqBatchOrderAction": lambda *call: self._cancels.act_on_all(*call),
            "ReqForQuoteInsert": self._ask_quote,
        }

    # What the shell asks for

    @property
    def trading_day(self) -> str:
        return self._floor.trading_day

    def connect(self, now_ns: int) -> int:
        """A client connected to the trading front; the number of its session here."""
        return self.gate.connect().number

    def disconnect(self, session: int) -> None:
        self.gate.disconnect(session)

    def user_of(self, session: int) -> str:
        """The user that a session is logged in as, or ""."""
        found = self.gate.sessions.get(session)
        return found.user if found else ""

    def sessions_of(self, user: str) -> list[int]:
        """The sessions that are logged in as a user."""
        return [session.number for session in self.gate.of_user(user)]

    def private_stream(self, user: str | None, from_seq: int) -> list[Event]:
        """A user's private stream after ``from_seq``; the public stream for user None."""
        return self._floor.streams.since(user, from_seq)

    def last_seq(self, user: str | None) -> int:
        """Where a QUICK subscription of the private stream begins."""
        return self._floor.streams.last_seq(user)

    def snapshot(self, instrument: str) -> Fields | None:
        """The last tick as the market-data front sends it; None for an unknown instrument."""
        quote = self._floor.market.quotes.get(instrument)
        return quote.tick if quote else None

    def instruments(self) -> list[Instrument]:
        return [quote.instrument for quote in self._floor.market.quotes.values()]

    # Time

    @property
    def next_step_ns(self) -> int:
        """When ``advance`` has something to do again."""
        return self._next_step_ns

    def advance(self, now_ns: int) -> tuple[list[Fields], list[Event]]:
        """Make the market's steps that are due; their ticks and what they did to orders.

        When the trading day has changed every session is logged out and the streams are new, as
        after the nightly restart of a real counter; fronts then cut their clients.
        """
        ticks: list[Fields] = []
        events: list[Event] = []
        late = (now_ns - self._next_step_ns) // STEP_NS - MAX_STEPS_AT_ONCE
        self._next_step_ns += max(0, late) * STEP_NS
        while self._next_step_ns <= now_ns:
            if (day := days.trading_day(self._next_step_ns)) > self._floor.day:
                self._change_day(day, self._next_step_ns)
                ticks, events = [], []
            self._step(self._next_step_ns, ticks, events)
            self._next_step_ns += STEP_NS
        return ticks, events

    def _step(self, now_ns: int, ticks: list[Fields], events: list[Event]) -> None:
        market = self._floor.market
        events += self._announcements.phases(now_ns)
        active = market.move(now_ns)
        events += self._desk.book(self._floor.matcher.market_moved(market.quotes), now_ns)
        ticks += market.ticks(active, now_ns)

    def _open_floor(self, day: date, now_ns: int, before: Floor | None) -> Floor:
        return open_floor(
            day,
            self.settings.seed,
            now_ns,
            always=self.settings.hours == "always",
            before=before.market if before else None,
        )

    def _begin_day(self, floor: Floor, now_ns: int) -> None:
        self._floor = floor
        self._desk = Desk(self.gate, floor, self.ledger)
        self._cancels = Cancels(self._desk, floor, self.settings.front_id)
        self._announcements = Announcements(floor)
        self._announcements.phases(now_ns)
        # A snapshot of every instrument exists from the start, also outside trading hours.
        floor.market.ticks(floor.market.quotes.values(), now_ns)

    def end_day(self) -> None:
        """Go on with the trading day after the present one, whatever the clock says."""
        self._change_day(days.on_or_after(self._floor.day + timedelta(days=1)), self._next_step_ns)

    def _change_day(self, day: date, now_ns: int) -> None:
        ended = self._floor
        self._desk.close_day(now_ns)
        begun = self._open_floor(day, now_ns, ended)
        for user in self.gate.users.values():
            settle(user.account, ended, begun)
        self.gate.log_out_all()
        self._begin_day(begun, now_ns)

    def flow_reset(self) -> None:
        """A flow-clearing restart within the day: every session is logged out, streams begin
        anew, and orders keep only the numbers that the exchanges know."""
        self.gate.log_out_all()
        clear_flow(self._floor, self.gate.new_session_id())

    # Requests

    def request(
        self, session: int, method: str, field: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        """Any ``Req*`` of the trading API; what it says at once."""
        asking = self.gate.sessions.get(session)
        if asking is None:
            return []
        if action := self._actions.get(method):
            return action(asking, field, request_id, now_ns)
        if not asking.user:
            refusal = RefusedError(6)
            if method == "ReqOrderInsert":
                self._desk.note_refusal(asking, field, 6, refusal.error_msg, now_ns)
            return [refuse(session, method, None, request_id, refusal)]
        if action := self._logged_in_actions.get(method):
            return action(asking, field, request_id, now_ns)
        if method.startswith("ReqQry"):
            return self._query(asking, method, field, request_id)
        return [refuse(session, method, field, request_id, RefusedError(27))]

    def _query(self, session: Session, method: str, field: Fields, request_id: int) -> list[Event]:
        try:
            self.gate.check_asker(session, field)
            handler = QUERIES.get(method)
            rows = list(handler(Query(self.gate, self._floor, session, field))) if handler else []
        except RefusedError as refusal:
            return [refuse(session.number, method, None, request_id, refusal)]
        return answer(session.number, method, rows, request_id)

    def _ask_quote(
        self, session: Session, field: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        method = "ReqForQuoteInsert"
        quote = self._floor.market.quotes.get(text(field, "InstrumentID"))
        if quote is None:
            return [refuse(session.number, method, field, request_id, RefusedError(16))]
        return [
            confirm(session.number, method, field, request_id),
            self._announcements.quote_asked(quote, now_ns),
        ]

    def md_request(self, method: str, field: Fields, request_id: int, now_ns: int) -> list[Event]:
        """``ReqUserLogin``, ``ReqUserLogout`` or a query of the market-data API.

        Any login succeeds, as on an ordinary market-data front. The events' ``session`` is 0:
        market data has no sessions here, subscriptions are the shell's.
        """
        names: Fields = {name: text(field, name) for name in ("BrokerID", "UserID")}
        if method == "ReqUserLogin":
            names["TradingDay"] = self.trading_day
            row = names | self._logins.login_fields(0, now_ns)
            return [confirm(0, method, row, request_id)]
        if method == "ReqUserLogout":
            return [confirm(0, method, names, request_id)]
        return answer(0, method, [], request_id)
