"""Whether the day's settlement is confirmed, without which the counter takes no order."""

from __future__ import annotations

from typing import Final, Literal

from bus.errors import Refused
from schemas.catalogue import Catalogue
from schemas.counter import Event
from schemas.errors import text_of

Policy = Literal["auto", "ask", "never"]

_NOT_CONFIRMED: Final = 42


class Settlement:
    """The policies: "auto", the login confirms; "ask", a client does, for everybody and for the
    trading day; "never", nobody looks at it here."""

    def __init__(self, catalogue: Catalogue, policy: Policy) -> None:
        self._catalogue, self.policy = catalogue, policy
        self._day = ""
        self._confirmed = False

    @property
    def confirmed(self) -> bool:
        return self._confirmed or self.policy != "ask"

    def logged_in(self, login: Event) -> None:
        day = self._get("RspUserLogin", login.field, "TradingDay")
        if day != self._day:
            self._day, self._confirmed = day, False

    def row(self, event: Event) -> None:
        """Of OnRspQrySettlementInfoConfirm: the last confirmation there was."""
        date = self._get("SettlementInfoConfirm", event.field, "ConfirmDate")
        if date and date >= self._day:
            self._confirmed = True

    def confirm(self) -> None:
        """A client has, and the counter agrees."""
        self._confirmed = True

    def check(self) -> None:
        """Before a new order. Raises Refused (42) in the counter's words."""
        if not self.confirmed:
            raise Refused(
                _NOT_CONFIRMED,
                text_of(_NOT_CONFIRMED),
                "ReqQrySettlementInfo gives the statement, ReqSettlementInfoConfirm confirms it",
            )

    def _get(self, struct: str, field: bytes | None, name: str) -> str:
        return "" if field is None else str(self._catalogue.codec(struct).get(field, name))
