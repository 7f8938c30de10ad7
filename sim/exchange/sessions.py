"""Sessions and logins: who is connected, as whom, and what he may do."""

from dataclasses import dataclass
from random import Random

from sim.exchange.account import Account
from sim.exchange.refusals import RefusedError
from sim.exchange.settings import Settings, UserSettings
from sim.exchange.values import UNITS, Fields, text

_SESSION_IDS = (-(1 << 31), (1 << 31) - 1)


@dataclass(slots=True)
class Session:
    """One connection to the trading front. ``user`` is "" until a login has succeeded."""

    number: int
    authenticated: bool = False
    user: str = ""
    session_id: int = 0
    max_order_ref: int = 0
    login_date: str = ""
    login_time: str = ""
    product_info: str = ""
    may_change_password: str = ""
    """User whose login failed only because his password has to be changed."""


@dataclass(slots=True)
class User:
    """A user's standing: his settings, password and account of today."""

    settings: UserSettings
    password: str
    fund_password: str
    password_error: int
    account: Account
    failures: int = 0
    locked_until_ns: int = 0
    confirmed_on: str = ""
    confirmed_at: str = ""


class Gate:
    """Authentication, login, password and settlement confirmation."""

    def __init__(self, settings: Settings, now_ns: int) -> None:
        self.settings = settings
        self.users = {user.user_id: _user(user) for user in settings.users}
        self.sessions: dict[int, Session] = {}
        # Real SessionIDs are any int32 and differ from one start of the counter to the next.
        self._random = Random(f"sessions/{settings.seed}/{now_ns}")
        self._connections = 0

    def connect(self) -> Session:
        self._connections += 1
        session = self.sessions[self._connections] = Session(self._connections)
        return session

    def disconnect(self, number: int) -> None:
        self.sessions.pop(number, None)

    def of_user(self, user: str) -> list[Session]:
        return [session for session in self.sessions.values() if session.user == user]

    def authenticate(self, session: Session, fields: Fields) -> None:
        """Check AppID and AuthCode, or raise error 63."""
        codes = self.settings.auth_codes
        if codes and codes.get(text(fields, "AppID")) != text(fields, "AuthCode"):
            raise RefusedError(63)
        session.authenticated = True
        session.product_info = text(fields, "UserProductInfo")

    def log_in(self, session: Session, fields: Fields, now_ns: int) -> None:
        """Bind the session to a user, or raise the login's error."""
        if self.settings.auth_codes and not session.authenticated:
            raise RefusedError(63)
        name = text(fields, "UserID")
        user = self.users.get(name)
        if text(fields, "BrokerID") != self.settings.broker_id or user is None:
            raise RefusedError(3)
        if now_ns < user.locked_until_ns:
            raise RefusedError(75)
        if text(fields, "Password") != user.password:
            self._count_failure(user, now_ns)
            raise RefusedError(3)
        user.failures = 0
        if user.password_error:
            session.may_change_password = name
            raise RefusedError(user.password_error)
        limit = user.settings.max_sessions
        if limit and len(self.of_user(name)) >= limit:
            raise RefusedError(60)
        session.user = name
        session.session_id = self.new_session_id()
        session.max_order_ref = 0
        session.product_info = session.product_info or text(fields, "UserProductInfo")

    def _count_failure(self, user: User, now_ns: int) -> None:
        user.failures += 1
        limit = self.settings.lock_after_failures
        if limit and user.failures >= limit:
            user.failures = 0
            user.locked_until_ns = now_ns + int(self.settings.lock_s * 1e9)

    def new_session_id(self) -> int:
        """A SessionID that no session has."""
        taken = {session.session_id for session in self.sessions.values()}
        while (number := self._random.randint(*_SESSION_IDS)) in taken or number == 0:
            pass
        return number

    def log_out(self, session: Session) -> None:
        session.user = ""
        session.authenticated = False

    def log_out_all(self) -> None:
        for session in self.sessions.values():
            self.log_out(session)

    def check_asker(self, session: Session, fields: Fields) -> None:
        """A user sees his own account: naming another broker or investor is error 9."""
        for name, own in (
            ("BrokerID", self.settings.broker_id),
            ("InvestorID", session.user),
            ("AccountID", session.user),
        ):
            if text(fields, name) not in ("", own):
                raise RefusedError(9)

    def change_password(self, session: Session, fields: Fields) -> None:
        name = session.user or session.may_change_password
        if not name:
            raise RefusedError(6)
        if text(fields, "UserID") != name:
            raise RefusedError(10)
        user = self.users[name]
        user.password = _changed(user.password, fields)
        user.password_error = 0
        session.may_change_password = ""

    def change_fund_password(self, session: Session, fields: Fields) -> None:
        if text(fields, "AccountID") != session.user:
            raise RefusedError(10)
        user = self.users[session.user]
        user.fund_password = _changed(user.fund_password, fields)


def _changed(old: str, fields: Fields) -> str:
    if text(fields, "OldPassword") != old:
        raise RefusedError(14)
    new = text(fields, "NewPassword")
    if new == old:
        raise RefusedError(142)
    if not new:
        raise RefusedError(131)
    return new


def _user(settings: UserSettings) -> User:
    return User(
        settings=settings,
        password=settings.password,
        fund_password=settings.password,
        password_error=settings.password_error,
        account=Account(settings.user_id, round(settings.cash * UNITS)),
    )
