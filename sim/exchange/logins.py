"""Requests about the session itself: authentication, login, passwords, confirmation."""

from collections.abc import Callable

from sim.exchange.answers import confirm, refuse
from sim.exchange.events import Event
from sim.exchange.queries import confirmation
from sim.exchange.refusals import RefusedError
from sim.exchange.sessions import Gate, Session
from sim.exchange.values import Fields, text

from . import days

CLOCKS = ("SHFE", "DCE", "CZCE", "FFEX", "INE", "GFEX")


class Logins:
    """Each request has exactly one answer."""

    def __init__(self, gate: Gate, trading_day: Callable[[], str]) -> None:
        self._gate = gate
        self._trading_day = trading_day

    def authenticate(
        self, session: Session, fields: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        names = ("BrokerID", "UserID", "UserProductInfo", "AppID")
        row: Fields = {name: text(fields, name) for name in names}
        row["AppType"] = "1"
        return self._do(
            "ReqAuthenticate",
            lambda: self._gate.authenticate(session, fields),
            session,
            row,
            request_id,
        )

    def log_in(self, session: Session, fields: Fields, request_id: int, now_ns: int) -> list[Event]:
        """A real front filters the login of a session that is logged in: no answer at all."""
        if session.user:
            return []
        row: Fields = {
            "TradingDay": self._trading_day(),
            "BrokerID": text(fields, "BrokerID"),
            "UserID": text(fields, "UserID"),
        }
        try:
            self._gate.log_in(session, fields, now_ns)
        except RefusedError as refusal:
            return [refuse(session.number, "ReqUserLogin", row, request_id, refusal)]
        session.login_date = days.compact(days.local(now_ns).date())
        session.login_time = days.clock(now_ns // 10**9)
        row |= self.login_fields(session.session_id, now_ns)
        return [confirm(session.number, "ReqUserLogin", row, request_id)]

    def login_fields(self, session_id: int, now_ns: int) -> Fields:
        """What a login tells beyond the names that came with it."""
        clock = days.clock(now_ns // 10**9)
        return {
            "LoginTime": clock,
            "FrontID": self._gate.settings.front_id,
            "SessionID": session_id,
            "MaxOrderRef": "1",
            "SystemName": "ctpbus模拟交易所",
            "SysVersion": "ctpbus_sim",
            **{f"{exchange}Time": clock for exchange in CLOCKS},
        }

    def log_out(
        self, session: Session, fields: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        """A real front then cuts the connection, which is the shell's to do."""
        row: Fields = {"BrokerID": self._gate.settings.broker_id, "UserID": session.user}
        return self._do(
            "ReqUserLogout", lambda: self._gate.log_out(session), session, row, request_id
        )

    def change_password(
        self, session: Session, fields: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        return self._do(
            "ReqUserPasswordUpdate",
            lambda: self._gate.change_password(session, fields),
            session,
            fields,
            request_id,
        )

    def change_fund_password(
        self, session: Session, fields: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        return self._do(
            "ReqTradingAccountPasswordUpdate",
            lambda: self._gate.change_fund_password(session, fields),
            session,
            fields,
            request_id,
        )

    def confirm_settlement(
        self, session: Session, fields: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        method = "ReqSettlementInfoConfirm"
        user = self._gate.users[session.user]
        try:
            self._gate.check_asker(session, fields)
        except RefusedError as refusal:
            return [refuse(session.number, method, fields, request_id, refusal)]
        user.confirmed_on = self._trading_day()
        user.confirmed_at = days.clock(now_ns // 10**9)
        row = confirmation(user, self._gate.settings.broker_id)
        return [confirm(session.number, method, row, request_id)]

    def _do(
        self,
        method: str,
        action: Callable[[], None],
        session: Session,
        row: Fields,
        request_id: int,
    ) -> list[Event]:
        try:
            action()
        except RefusedError as refusal:
            return [refuse(session.number, method, row, request_id, refusal)]
        return [confirm(session.number, method, row, request_id)]
