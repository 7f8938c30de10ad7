"""``ctpbus cancel``: ask for the end of one order, and say what became of it.

The order is named by its client_order_id, or by the exchange's number as ``ctpbus orders`` shows
it, which also finds the orders of other programs. To ask again does no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from typing import Annotated, Final

import msgspec
import typer

from bus.client import Account, Client
from bus.errors import ConfigError, Refused, Unanswered, Unavailable
from bus.frames import Row, split_body
from bus.orders import FINAL, OrderState, Outcome
from bus.rpc import refusal
from bus.secrets import Secret
from schemas.codec import Value

from . import output
from .account import PasswordFile, Refusal, User, chosen, entered, password_for, rows, told_of
from .group import GROUP, Config, Opened, opened
from .order import EXIT_UNKNOWN, check_id, confirm, look

_ACTION_S: Final = 5.0  # td_worker sends it within this time, or never
_LATE_S: Final = 1.0
_LOOK_S: Final = 1.0  # a front answers one query a second
_LEAST_S: Final = 0.1
EXIT_NOT_CANCELLED: Final = 1
# THOST_FTDC_OST_*; of the others it lives, or may.
_ENDED: Final = {
    "0": OrderState.FILLED,
    "2": OrderState.CANCELLED,
    "4": OrderState.CANCELLED,
    "5": OrderState.CANCELLED,
}


class Named(msgspec.Struct, frozen=True):
    """By ``own``, the client_order_id, or by the exchange's ``number``."""

    own: str = ""
    number: str = ""
    exchange: str = ""

    def __str__(self) -> str:
        return f"order {self.own or f'{self.exchange} {self.number}'.strip()}"


class Told(msgspec.Struct, frozen=True):
    """``state``: the last that is known of the order, None without any such."""

    state: OrderState | None
    text: str
    refused: bool = False

    @property
    def status(self) -> int:
        if self.state is OrderState.CANCELLED:
            return 0
        over = self.refused or self.state is None or self.state in FINAL
        return EXIT_NOT_CANCELLED if over else EXIT_UNKNOWN


class _Ended(Exception):
    """Nothing is left to be asked for."""

    def __init__(self, told: Told) -> None:
        self.told = told


class Cancelling:
    """One order of an account."""

    def __init__(self, client: Client, account: Account, named: Named) -> None:
        self._client, self._account, self._named = client, account, named
        self._refusal = ""
        self._traded = 0

    async def run(self, wait: float) -> Told:
        """Raises Refused and Unavailable: nothing was asked for; Refusal, ConfigError likewise."""
        try:
            order = await self._find()
        except _Ended as exc:
            return exc.told
        if (state := _state(order)) in FINAL:
            return self._told(state)
        until = time.monotonic() + wait
        with contextlib.suppress(Unanswered):  # it may be on its way: the order itself tells
            await self._ask(order)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(until - time.monotonic(), _LEAST_S)):
                return await self._ended()
        return self._told(state)

    async def _ended(self) -> Told:
        """Waits for its end, or the refusal."""
        while not self._refusal:
            await asyncio.sleep(_LOOK_S)
            with contextlib.suppress(Refused, Refusal, Unavailable):
                try:
                    state = _state(await self._find())
                except _Ended as exc:
                    return exc.told
                if state in FINAL:
                    return self._told(state)
        return self._told(OrderState.ACK)

    async def _find(self) -> dict[str, Value]:
        """As the counter has it. Raises _Ended."""
        outcome = await self._recorded() if self._named.own else None
        listed = await rows(self._client, self._account, "ReqQryOrder", "Order", {})
        found = [row for row in listed if self._is(row, outcome)]
        if len(found) > 1:
            raise ConfigError(f"{self._named} is there at several exchanges: --exchange names one")
        if found:
            self._traded = int(str(found[0]["VolumeTraded"]))
            return found[0]
        if outcome is None:
            raise _Ended(Told(None, f"the counter has no {self._named} today"))
        text = f"{self._named} is {outcome.state} and not in the counter's list: it may live"
        raise _Ended(Told(outcome.state, text))

    async def _recorded(self) -> Outcome:
        outcome = await look(self._account, self._named.own)
        if outcome is None:
            raise _Ended(Told(None, f"no {self._named} on record"))
        self._traded = outcome.volume_traded
        if outcome.state in FINAL:
            raise _Ended(self._told(outcome.state))
        return outcome

    def _is(self, row: dict[str, Value], outcome: Outcome | None) -> bool:
        if outcome is not None:
            theirs = (row["SessionID"], str(row["OrderRef"]).strip())
            return theirs == (outcome.session_id, outcome.order_ref.strip())
        there = self._named.exchange in ("", row["ExchangeID"])
        return there and str(row["OrderSysID"]).strip() == self._named.number

    async def _ask(self, order: dict[str, Value]) -> None:
        """Returns when the API has taken it. Raises Refused and Unavailable: it did not; Unanswered
        when nobody knows."""
        done: asyncio.Future[Refused | Unanswered | None]
        done = asyncio.get_running_loop().create_future()

        def take(row: Row) -> None:
            if done.done():
                self._answered(row)
            else:
                done.set_result(refusal(row))

        def silence(why: str) -> None:
            if not done.done():
                done.set_result(Unanswered("td_worker"))

        self._account.start(
            "ReqOrderAction",
            self._fields(order),
            take,
            silence,
            _ACTION_S + _LATE_S,
            deadline_s=_ACTION_S,
        )
        error = await done
        if error is not None:
            raise error

    def _fields(self, order: dict[str, Value]) -> dict[str, Value]:
        """Of CThostFtdcInputOrderActionField."""
        names = ["BrokerID", "InvestorID", "ExchangeID", "InstrumentID"]
        # Before the exchange has it there is no number.
        has_number = bool(str(order["OrderSysID"]).strip())
        names += ["OrderSysID"] if has_number else ["FrontID", "SessionID", "OrderRef"]
        return {name: order[name] for name in names} | {
            "UserID": self._account.user,
            "ActionFlag": "0",
        }

    def _answered(self, row: Row) -> None:
        """The counter's word on the request: only a refusal comes."""
        layouts, codec = self._client.catalogue.layouts, self._client.catalogue.codec
        _, info = split_body(row.flags, row.body, layouts["RspInfo"].size)
        error = codec("RspInfo").unpack(info) if info is not None else {}
        if error.get("ErrorID"):
            self._refusal = f"{error['ErrorMsg']} ({error['ErrorID']})"

    def _told(self, state: OrderState) -> Told:
        if state in FINAL:
            return Told(state, f"{state}: {self._named} has ended, {self._traded} traded")
        if self._refusal:
            return Told(state, f"NOT cancelled: {self._refusal}", refused=True)
        text = f"UNKNOWN: {self._named} was asked to end and may live. ctpbus orders tells more"
        return Told(state, text)


def _state(order: dict[str, Value]) -> OrderState:
    return _ENDED.get(str(order["OrderStatus"]), OrderState.ACK)


async def cancel(
    group: Opened, user: str, password: Secret | None, named: Named, wait: float
) -> Told:
    """Raises ConfigError."""
    async with group.client() as client:
        try:
            account = await entered(client, user, password)
            return await Cancelling(client, account, named).run(wait)
        except Refused as exc:
            return Told(None, f"NOT cancelled: {told_of(exc)}", refused=True)
        except (Unavailable, Refusal) as exc:
            return Told(None, f"NOT cancelled: {exc}", refused=True)


def command(
    own: Annotated[
        str, typer.Argument(metavar="[ID]", help="The client_order_id of ctpbus order.")
    ] = "",
    number: Annotated[
        str, typer.Option(metavar="NUMBER", help="Instead of it: the exchange's number.")
    ] = "",
    exchange: Annotated[str, typer.Option(help="Of the number, when several have it.")] = "",
    user: User = "",
    password_file: PasswordFile = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the end.")] = 5.0,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: Config = GROUP,
    json: output.Json = False,
) -> None:
    """Ask for the end of one order, and say what became of it.

    Exit status: 0 it is cancelled; 1 it is not: it was filled or refused before, there is none, or
    the cancel was refused; 3 UNKNOWN: it may live; 2 the command line or a file is wrong."""
    if bool(own) == bool(number):
        raise ConfigError("which order? its client_order_id, or --number with the exchange's")
    if math.isnan(wait):
        raise ConfigError("--wait is no number")
    check_id(own)
    group = opened(config)
    account = chosen(group, user)
    named = Named(own, number, exchange)
    if not yes:
        confirm(f"Cancel {named} of account {account}?")
    password = password_for(group, account, password_file)
    try:
        told = asyncio.run(cancel(group, account, password, named, wait))
    except KeyboardInterrupt:
        text = (
            f"UNKNOWN: interrupted; {named} may have been asked to end. Asking again does no harm"
        )
        told = Told(OrderState.UNKNOWN, text)
    if json:
        output.show_json(told)
    else:
        output.show(told.text)
    raise typer.Exit(told.status)
