"""What a socket may do: account, request and instrument. No I/O.

Everything that a client asks for is checked here, in ``Rights.check``, before it is handled.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from bus.errors import Refused
from bus.patterns import Pattern
from schemas.catalogue import Catalogue, Side
from schemas.errors import FORBIDDEN_TEXT, LIMIT

from .names import Kind, Method
from .requests import Request
from .verbs import VERBS

Right = Literal["md", "query", "trade"]
ALL: Final[frozenset[Right]] = frozenset({"md", "query", "trade"})
_INSTRUMENTS: Final = frozenset({"InstrumentID", "CombInstrumentID", "LegInstrumentID"})
_OF_TD: Final[frozenset[Right]] = frozenset({"query", "trade"})


class Grant(NamedTuple):
    """Something that is allowed: all of it must agree with a request. What is empty agrees with
    everything.

    accounts     UserIDs
    rights       md: the path /md/; query, trade: requests that ask, that act, on /td/
    requests     of MsgTypes; logins and logouts need none
    instruments  what may be subscribed, asked for and traded
    """

    accounts: frozenset[str] = frozenset()
    rights: frozenset[Right] = ALL
    requests: re.Pattern[str] | None = None
    instruments: tuple[Pattern, ...] = ()

    def opens(self, accounts: Iterable[str]) -> bool:
        return not self.accounts or self.accounts.issuperset(accounts)

    def names(self, name: str) -> bool:
        return self.requests is None or self.requests.fullmatch(name) is not None

    def covers(self, instrument: str, exchange: str) -> bool:
        """``instrument`` "": whichever it may be."""
        if not self.instruments:
            return True
        return any(one.covers(instrument, exchange) for one in self.instruments)


_ANY: Final = Grant()
_WHOLE: Final = (_ANY,)


class Access(NamedTuple):
    """What the socket's token or user allows: a request that one of the grants agrees with.

    user    who it is; "": nobody has been asked
    serial  of the user's account (``bus.users``) when it was looked at; 0: he has none
    """

    grants: tuple[Grant, ...] = _WHOLE
    user: str = ""
    serial: int = 0

    @property
    def everything(self) -> bool:
        return self.grants is _WHOLE or _ANY in self.grants

    def side(self, side: Side) -> bool:
        needs = frozenset({"md"}) if side == "md" else _OF_TD
        return any(grant.rights & needs for grant in self.grants)


EVERYTHING: Final = Access()
NOTHING: Final = Access(())


def requests_of(patterns: Sequence[str]) -> re.Pattern[str] | None:
    """Of patterns such as ``ReqQry*``; upper and lower case differ."""
    if not patterns:
        return None
    return re.compile("|".join(f"(?:{fnmatch.translate(one)})" for one in patterns))


def only_asks(method: Method) -> bool:
    """Whether it changes nothing, so that the right "query" is enough."""
    verb = VERBS.get(method.name)
    return verb.asks if verb is not None else method.kind is Kind.QUERY


def _touches_nothing(method: Method) -> bool:
    verb = VERBS.get(method.name)
    return verb is not None and verb.touches_nothing


class Rights:
    """Of all sockets of one side."""

    def __init__(self, catalogue: Catalogue, side: Side) -> None:
        self._catalogue, self._side = catalogue, side
        self._fields: dict[str, frozenset[str]] = {}

    def check(self, access: Access, request: Request, account: str) -> None:
        """``account``: that of the socket, "" when it has none. Raises Refused."""
        if access.everything or request.method.kind is Kind.LOGOUT:
            return
        grants = self._of_request(access.grants, request, account)
        if request.method.kind is Kind.LOGIN or request.method.kind is Kind.UNSUBSCRIBE:
            return
        if all(grant.instruments for grant in grants):
            self._check_instruments(grants, request)

    def sees(self, access: Access, account: str, struct: str, raw: bytes | None) -> bool:
        """Whether a return of the account is shown."""
        if raw is None:
            return True
        grants = [one for one in access.grants if one.rights & _OF_TD and one.opens((account,))]
        names = list(self._instruments(struct, raw))
        return not names or any(grant.covers(*name) for grant in grants for name in names)

    def _of_request(self, grants: Iterable[Grant], request: Request, account: str) -> list[Grant]:
        """Those that allow it as far as the instruments go."""
        method = request.method
        found = [grant for grant in grants if grant.rights & self._needs(request)]
        if method.kind is not Kind.LOGIN:
            found = [grant for grant in found if grant.names(method.name)]
        if not found:
            raise forbidden("this request")
        if self._side == "td":
            accounts = self._accounts(request, account)
            found = [grant for grant in found if grant.opens(accounts)]
            if not found:
                raise forbidden("this account")
        return found

    def _needs(self, request: Request) -> frozenset[Right]:
        """One of these."""
        if self._side == "md":
            return frozenset({"md"})
        if request.method.kind is Kind.LOGIN:
            # What was missed is asked for, as in a query.
            return frozenset({"query"}) if request.extras.resume else _OF_TD
        return frozenset({"query"}) if only_asks(request.method) else frozenset({"trade"})

    def _accounts(self, request: Request, account: str) -> set[str]:
        """That of the socket, unless it is about to change, and those that the request names."""
        named = set() if request.method.kind is Kind.LOGIN else {account}
        for field in ("UserID", "InvestorID"):
            if field in self._names(request.method.struct):
                named.add(self._text(request.method.struct, request.body, field))
        return (named - {""}) or {""}

    def _check_instruments(self, grants: Sequence[Grant], request: Request) -> None:
        """Every instrument that it names must be covered, and what could name one must."""
        method = request.method
        named = [(name, "") for name in request.instruments]
        if not named and self._names(method.struct) & _INSTRUMENTS:
            named = list(self._instruments(method.struct, request.body)) or [("", "")]
        if not named and not only_asks(method) and not _touches_nothing(method):
            raise forbidden("requests that act on no instrument")
        for name in named:
            if not any(grant.covers(*name) for grant in grants):
                raise forbidden("this instrument" if name[0] else "requests without an instrument")

    def _instruments(self, struct: str, raw: bytes) -> Iterator[tuple[str, str]]:
        """(instrument, exchange) of those that are in it."""
        names = self._names(struct)
        for field in names & _INSTRUMENTS:
            instrument = self._text(struct, raw, field)
            if instrument:
                exchange = self._text(struct, raw, "ExchangeID") if "ExchangeID" in names else ""
                yield instrument, exchange

    def _text(self, struct: str, raw: bytes, field: str) -> str:
        return str(self._catalogue.codec(struct).get(raw, field))

    def _names(self, struct: str) -> frozenset[str]:
        if struct not in self._fields:
            layout = self._catalogue.codec(struct).layout.fields if struct else ()
            self._fields[struct] = frozenset(field.name for field in layout)
        return self._fields[struct]


def forbidden(what: str) -> Refused:
    """Nothing was sent."""
    return Refused(LIMIT, FORBIDDEN_TEXT, f"the gateway does not allow {what} here")
