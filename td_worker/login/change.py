"""The change of a password that the front demands before it lets the account in (131, 140, 141)."""

from __future__ import annotations

from typing import Final, NamedTuple

from bus.bodies import Bodies
from bus.errors import BusError, refused, request_failed
from bus.rpc import Call
from bus.secrets import Secret
from schemas.catalogue import Catalogue
from schemas.counter import Event
from schemas.errors import NOT_LOGGED_IN

from ..config import TdConfig
from ..connection import Requests
from ..numbers import RequestIds, error_id
from ..replies import Replies
from .attempts import same

_METHOD: Final = "ReqUserPasswordUpdate"
_STRUCT: Final = "UserPasswordUpdate"
_POSSIBLE_S: Final = 300.0


class WrongOld(BusError):
    """Not the password of the refused login."""

    refusal = refused(NOT_LOGGED_IN, "log in first")


class _Open(NamedTuple):
    peer: bytes
    call: Call
    number: int
    deadline: float


class Change:
    """Takes the one request that needs no handle, for a while after such a refusal."""

    def __init__(
        self,
        catalogue: Catalogue,
        config: TdConfig,
        user: str,
        counter: Requests,
        replies: Replies,
        ids: RequestIds,
    ) -> None:
        self._catalogue, self._counter, self._replies = catalogue, counter, replies
        self._ids, self._bodies = ids, Bodies(catalogue)
        self._account = {"BrokerID": config.broker_id, "UserID": user}
        self._old: Secret | None = None
        self._until = 0.0
        self._open: _Open | None = None

    @property
    def possible(self) -> bool:
        return self._old is not None

    @property
    def under_way(self) -> bool:
        """The counter has not answered yet; another login would end it."""
        return self._open is not None

    def allow(self, old: Secret, now: float) -> None:
        """The front has just refused this one."""
        self._old, self._until = old, now + _POSSIBLE_S

    def accept(self, peer: bytes, call: Call, now: float) -> None:
        """Send it at once. Raises Refused, WrongOld."""
        self._bodies.check(_METHOD, _STRUCT, call.body)
        old = Secret(str(self._catalogue.codec(_STRUCT).get(call.body, "OldPassword")))
        if self._old is None or not same(old, self._old):
            raise WrongOld
        if self._open is not None:
            raise request_failed("a change of this password is under way")
        body = self._catalogue.codec(_STRUCT).patch(call.body, self._account)
        number = self._ids.next()
        status = self._counter.request(_METHOD, body, number)
        if status != 0:
            raise refused(status, f"{_METHOD} returned {status}; nothing was sent")
        self._open = _Open(peer, call, number, now + call.seconds_left)
        self._replies.sent(peer, call)

    def on_reply(self, event: Event) -> bool:
        """Take the counter's answer; whether it was one."""
        if self._open is None or event.request_id != self._open.number:
            return False
        self._replies.event(self._open.peer, self._open.call, event, last=True)
        self._open = None
        if not error_id(self._catalogue, event) and event.name != "OnRspError":
            self._old = None
        return True

    def timers(self, now: float) -> None:
        if self._open is not None and self._open.deadline < now:
            self._fail("no answer in time")
        if self._old is not None and self._open is None and self._until < now:
            self._old = None

    def end(self, why: str) -> None:
        """The session in which it was possible is over."""
        self._old = None
        if self._open is not None:
            self._fail(why)

    def _fail(self, why: str) -> None:
        assert self._open is not None
        error = request_failed(f"{why}; whether the password was changed is not known")
        self._replies.refuse(self._open.peer, self._open.call, error)
        self._open = None
