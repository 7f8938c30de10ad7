"""A program of the user's own beside our clients: a session of his that has no connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..exchange.counter import Counter
from ..exchange.events import Event
from ..exchange.values import Fields, text
from .clock import Clock
from .faults import FaultError


class Outside:
    """Requests of users who also trade by other means. ``tell`` brings what follows to the
    sessions that are connected."""

    def __init__(
        self, counter: Counter, clock: Clock, tell: Callable[[Iterable[Event]], None]
    ) -> None:
        self._counter, self._clock, self._tell = counter, clock, tell
        self._sessions: dict[str, int] = {}
        self._requests = 0

    def request(self, user: str, method: str, fields: Fields) -> list[dict[str, Any]]:
        """Any request; the callbacks that follow. Raises FaultError when there is no such user."""
        own: Fields = {"BrokerID": self._counter.settings.broker_id, "InvestorID": user}
        return [
            {"callback": event.callback, "field": event.field, "error_id": event.error_id}
            for event in self._request(self._session(user), method, own | fields)
        ]

    def orders(self, user: str, instrument: str, count: int) -> None:
        """So many orders that rest and are cancelled: three returns each."""
        quote = self._counter.snapshot(instrument)
        listed = next((i for i in self._counter.instruments() if i.id == instrument), None)
        if quote is None or listed is None:
            raise FaultError(f"there is no instrument {instrument}")
        order: Fields = {
            "InstrumentID": instrument,
            "ExchangeID": listed.exchange,
            "LimitPrice": quote["LowerLimitPrice"],
            "VolumeTotalOriginal": listed.buy_lot,
            "OrderPriceType": "2",
            "Direction": "0",
            "CombOffsetFlag": "0",
            "CombHedgeFlag": "1",
            "TimeCondition": "3",
            "VolumeCondition": "1",
            "ContingentCondition": "1",
            "ForceCloseReason": "0",
        }
        for _ in range(count):
            last = self.request(user, "ReqOrderInsert", order)[-1]["field"]
            if not last or not text(last, "OrderSysID"):
                raise FaultError(f"an order in {instrument} is refused")
            names = ("ExchangeID", "OrderSysID")
            cancel = {"ActionFlag": "0", **{name: last[name] for name in names}}
            self.request(user, "ReqOrderAction", cancel)

    def _session(self, user: str) -> int:
        """Logged in as this user, anew after a day's end."""
        number = self._sessions.get(user)
        if number is not None and self._counter.user_of(number) == user:
            return number
        known = self._counter.gate.users.get(user)
        if known is None:
            raise FaultError(f"there is no user {user}")
        number = self._sessions[user] = self._counter.connect(self._clock.now_ns())
        own: Fields = {"BrokerID": self._counter.settings.broker_id, "UserID": user}
        for app_id, code in list(self._counter.settings.auth_codes.items())[:1]:
            self._request(number, "ReqAuthenticate", own | {"AppID": app_id, "AuthCode": code})
        self._request(number, "ReqUserLogin", own | {"Password": known.password})
        self._request(number, "ReqSettlementInfoConfirm", own | {"InvestorID": user})
        return number

    def _request(self, number: int, method: str, fields: Fields) -> list[Event]:
        self._requests += 1
        now_ns = self._clock.now_ns()
        events = self._counter.request(number, method, fields, self._requests, now_ns)
        self._tell(events)
        return events
