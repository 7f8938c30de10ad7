"""The counter: every request of the trading API in, callbacks out, without any I/O.

Time is passed in (Unix ns). No input of a client raises; what is not modelled is refused with
error 27, and a query for it has an empty answer, so that nothing is ever met with silence but a
second login on a session that is logged in, which real fronts ignore as well.
"""

from collections.abc import Callable, Iterable
from typing import Final

from sim import days
from sim.desk import Desk
from sim.events import Event
from sim.floor import Floor, open_floor
from sim.instruments import Instrument
from sim.ledger import Ledger
from sim.market import STEP_NS
from sim.queries import QUERIES, Query, confirmation
from sim.refusals import TEXTS, RefusedError
from sim.sessions import Gate, Session
from sim.settings import Settings
from sim.values import Fields, text

__all__ = ["Counter", "Event", "Settings"]

MAX_STEPS_AT_ONCE: Final = 8
"""A process that was frozen goes on from now; it does not run through what it slept over."""
LOGINS: Final = frozenset(
    {"ReqUserLogin", "ReqUserLoginWithCaptcha", "ReqUserLoginWithText", "ReqUserLoginWithOTP"}
)

Action = Callable[[Session, Fields, int, int], list[Event]]


class Counter:
    """The embedded exchange's whole state."""

    def __init__(self, settings: Settings, now_ns: int) -> None:
        self.settings = settings
        self.ledger = Ledger()
        self.gate = Gate(settings, now_ns)
        self._next_step_ns = now_ns // STEP_NS * STEP_NS
        self._floor = self._open_floor(self._next_step_ns, None)
        self._desk = Desk(self.gate, self._floor, self.ledger)
        self._actions: dict[str, Action] = {
            "ReqAuthenticate": self._authenticate,
            "ReqUserLogout": self._log_out,
            "ReqUserPasswordUpdate": self._change_password,
        }
        self._logged_in_actions: dict[str, Action] = {
            "ReqTradingAccountPasswordUpdate": self._change_fund_password,
            "ReqSettlementInfoConfirm": self._confirm_settlement,
            "ReqOrderInsert": self._insert,
            "ReqOrderAction": self._act,
        }
        # A snapshot of every instrument exists from the start, also outside trading hours.
        quotes = self._floor.market.quotes.values()
        for quote in quotes:
            quote.move(0)
        self._floor.market.ticks(quotes, self._next_step_ns)

    def _open_floor(self, now_ns: int, before: Floor | None) -> Floor:
        return open_floor(
            days.trading_day(now_ns),
            self.settings.seed,
            now_ns,
            always=self.settings.hours == "always",
            before=before.market if before else None,
        )

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
        """Make the market's steps that are due; their ticks and what they did to orders."""
        ticks: list[Fields] = []
        events: list[Event] = []
        late = (now_ns - self._next_step_ns) // STEP_NS - MAX_STEPS_AT_ONCE
        self._next_step_ns += max(0, late) * STEP_NS
        while self._next_step_ns <= now_ns:
            self._step(self._next_step_ns, ticks, events)
            self._next_step_ns += STEP_NS
        return ticks, events

    def _step(self, now_ns: int, ticks: list[Fields], events: list[Event]) -> None:
        market = self._floor.market
        active = market.move(now_ns)
        fills = self._floor.matcher.market_moved(market.quotes)
        events += self._desk.book(fills, now_ns)
        ticks += market.ticks(active, now_ns)

    # Requests of the trading API

    def request(
        self, session: int, method: str, field: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        """Any ``Req*`` of the trading API; what it says at once."""
        asking = self.gate.sessions.get(session)
        if asking is None:
            return []
        if method in LOGINS:
            return self._log_in(asking, field, request_id, now_ns)
        if action := self._actions.get(method):
            return action(asking, field, request_id, now_ns)
        if not asking.user:
            return [refuse(asking, method, None, request_id, RefusedError(6))]
        if action := self._logged_in_actions.get(method):
            return action(asking, field, request_id, now_ns)
        if method.startswith("ReqQry"):
            return self._query(asking, method, field, request_id)
        return [refuse(asking, method, field, request_id, RefusedError(27))]

    def _query(self, session: Session, method: str, field: Fields, request_id: int) -> list[Event]:
        try:
            self._check_asker(session, field)
            query = Query(self.gate, self._floor, session, field)
            handler = QUERIES.get(method)
            rows = list(handler(query)) if handler else []
        except RefusedError as refusal:
            return [refuse(session, method, None, request_id, refusal)]
        return answer(session.number, reply_to(method), rows, request_id)

    def _check_asker(self, session: Session, field: Fields) -> None:
        """A user sees his own account; fields that name another broker or investor are error 9."""
        for name, own in (
            ("BrokerID", self.settings.broker_id),
            ("InvestorID", session.user),
            ("AccountID", session.user),
        ):
            if text(field, name) not in ("", own):
                raise RefusedError(9)

    def _authenticate(
        self, session: Session, field: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        row: Fields = {
            name: text(field, name) for name in ("BrokerID", "UserID", "UserProductInfo", "AppID")
        }
        try:
            self.gate.authenticate(session, field)
        except RefusedError as refusal:
            return [refuse(session, "ReqAuthenticate", row, request_id, refusal)]
        return [confirm(session, "ReqAuthenticate", {**row, "AppType": "1"}, request_id)]

    def _log_in(self, session: Session, field: Fields, request_id: int, now_ns: int) -> list[Event]:
        if session.user:
            return []
        try:
            self.gate.log_in(session, field, now_ns)
        except RefusedError as refusal:
            row: Fields = {
                "TradingDay": self.trading_day,
                "BrokerID": text(field, "BrokerID"),
                "UserID": text(field, "UserID"),
            }
            return [refuse(session, "ReqUserLogin", row, request_id, refusal)]
        clock = days.clock(now_ns // 10**9)
        session.login_date = days.compact(days.local(now_ns).date())
        session.login_time = clock
        row = {
            **self._login_row(field, session.session_id, clock),
            "SystemName": "ctpbus模拟交易所",
            "SysVersion": "ctpbus_sim",
        }
        return [confirm(session, "ReqUserLogin", row, request_id)]

    def _login_row(self, field: Fields, session_id: int, clock: str) -> Fields:
        return {
            "TradingDay": self.trading_day,
            "LoginTime": clock,
            "BrokerID": text(field, "BrokerID"),
            "UserID": text(field, "UserID"),
            "FrontID": self.settings.front_id,
            "SessionID": session_id,
            "MaxOrderRef": "1",
            **{
                f"{exchange}Time": clock
                for exchange in ("SHFE", "DCE", "CZCE", "FFEX", "INE", "GFEX")
            },
        }

    def _log_out(
        self, session: Session, field: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        """The answer; a real front then cuts the connection, which is the shell's to do."""
        if not session.user:
            return [refuse(session, "ReqUserLogout", field, request_id, RefusedError(6))]
        row: Fields = {"BrokerID": self.settings.broker_id, "UserID": session.user}
        self.gate.log_out(session)
        return [confirm(session, "ReqUserLogout", row, request_id)]

    def _change_password(
        self, session: Session, field: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        method = "ReqUserPasswordUpdate"
        try:
            self.gate.change_password(session, field)
        except RefusedError as refusal:
            return [refuse(session, method, field, request_id, refusal)]
        return [confirm(session, method, field, request_id)]

    def _change_fund_password(
        self, session: Session, field: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        method = "ReqTradingAccountPasswordUpdate"
        try:
            self.gate.change_fund_password(session, field)
        except RefusedError as refusal:
            return [refuse(session, method, field, request_id, refusal)]
        return [confirm(session, method, field, request_id)]

    def _confirm_settlement(
        self, session: Session, field: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        method = "ReqSettlementInfoConfirm"
        try:
            self._check_asker(session, field)
        except RefusedError as refusal:
            return [refuse(session, method, field, request_id, refusal)]
        user = self.gate.users[session.user]
        user.confirmed_on = self.trading_day
        user.confirmed_at = days.clock(now_ns // 10**9)
        row = confirmation(user, self.settings.broker_id)
        return [confirm(session, method, row, request_id)]

    def _insert(self, session: Session, field: Fields, request_id: int, now_ns: int) -> list[Event]:
        return self._desk.insert(session, field, request_id, now_ns)

    def _act(self, session: Session, field: Fields, request_id: int, now_ns: int) -> list[Event]:
        return self._desk.act(session, field, request_id, now_ns)

    # The market-data front

    def md_request(self, method: str, field: Fields, request_id: int, now_ns: int) -> list[Event]:
        """``ReqUserLogin``, ``ReqUserLogout`` or a query of the market-data API.

        Any login succeeds, as on an ordinary market-data front. The events' ``session`` is 0:
        market data has no sessions here, subscriptions are the shell's.
        """
        clock = days.clock(now_ns // 10**9)
        if method == "ReqUserLogin":
            row = self._login_row(field, 0, clock)
            return [Event(0, None, "OnRspUserLogin", row, 0, TEXTS[0], request_id)]
        if method == "ReqUserLogout":
            row = {name: text(field, name) for name in ("BrokerID", "UserID")}
            return [Event(0, None, "OnRspUserLogout", row, 0, TEXTS[0], request_id)]
        return answer(0, reply_to(method), [], request_id)


def reply_to(method: str) -> str:
    """The callback that answers a request."""
    return "OnRspUserLogin" if method in LOGINS else f"OnRsp{method.removeprefix('Req')}"


def answer(session: int, callback: str, rows: Iterable[Fields], request_id: int) -> list[Event]:
    """The answer to a query: its rows, or one call without a row."""
    found = list(rows)
    if not found:
        return [Event(session, None, callback, None, request_id=request_id)]
    end = len(found) - 1
    return [
        Event(session, None, callback, row, request_id=request_id, last=k == end)
        for k, row in enumerate(found)
    ]


def confirm(session: Session, method: str, row: Fields, request_id: int) -> Event:
    return Event(session.number, None, reply_to(method), row, 0, TEXTS[0], request_id)


def refuse(
    session: Session, method: str, row: Fields | None, request_id: int, refusal: RefusedError
) -> Event:
    return Event(
        session.number,
        None,
        reply_to(method),
        row,
        refusal.error_id,
        refusal.error_msg,
        request_id,
    )
