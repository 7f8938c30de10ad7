"""``ctpbus order``: one limit order, and what became of it.

The name of the order, its client_order_id, is told before the order is sent. Whatever happens then,
the same command with ``--id`` sends nothing twice, and ``ctpbus orders --id`` says what is known.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
import typer

from bus.client import Account, Client
from bus.errors import ConfigError, Refused, Unanswered, Unavailable
from bus.frames import Row, message_type
from bus.orders import FINAL, NOT_ON_RECORD, OrderState, Outcome, OutcomeQuery
from bus.rpc import refusal
from bus.secrets import Secret
from schemas.codec import Value
from schemas.errors import INTERNAL_ERROR
from schemas.fields import FieldError

from . import output
from .account import PasswordFile, Refusal, User, chosen, entered, password_for, rows, told_of
from .group import GROUP, Config, Opened, opened

_ORDER_S: Final = 5.0  # td_worker sends it within this time, or never
_LATE_S: Final = 1.0
_LOOK_S: Final = 0.2
_TEXT_S: Final = 5.0
_LONGEST_ID: Final = 64
_MOST: Final = 2**31 - 1
_SENT, _OUTCOME = message_type("Sent"), message_type("Outcome")
_decode: Final = msgspec.msgpack.Decoder(Outcome).decode
EXIT_NOT_SENT: Final = 1
EXIT_UNKNOWN: Final = 3


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class Offset(StrEnum):
    OPEN = "open"
    CLOSE = "close"
    TODAY = "close_today"
    YESTERDAY = "close_yesterday"


# THOST_FTDC_D_*, THOST_FTDC_OF_*
_DIRECTIONS: Final = {Side.BUY: "0", Side.SELL: "1"}
_OFFSETS: Final = {Offset.OPEN: "0", Offset.CLOSE: "1", Offset.TODAY: "3", Offset.YESTERDAY: "4"}


class Wanted(msgspec.Struct, frozen=True):
    """``fak``: what is not traded at once is cancelled."""

    side: Side
    instrument: str
    volume: int
    price: float
    offset: Offset
    exchange: str
    fak: bool

    def __str__(self) -> str:
        where = f" on {self.exchange}" if self.exchange else ""
        how = ", the rest cancelled" if self.fak else ""
        return (
            f"{self.side} {self.volume} {self.instrument}{where} at {self.price:g}, "
            f"{self.offset}{how}"
        )

    def fields(self) -> dict[str, Value]:
        """Of CThostFtdcInputOrderField, but for whose it is."""
        return {
            "InstrumentID": self.instrument,
            "ExchangeID": self.exchange,
            "OrderRef": "1",  # of a session that nobody else has
            "Direction": _DIRECTIONS[self.side],
            "CombOffsetFlag": _OFFSETS[self.offset],
            "CombHedgeFlag": "1",
            "OrderPriceType": "2",  # limit
            "LimitPrice": self.price,
            "VolumeTotalOriginal": self.volume,
            "TimeCondition": "1" if self.fak else "3",
            "VolumeCondition": "1",
            "MinVolume": 1,
            "ContingentCondition": "1",
            "ForceCloseReason": "0",
            "IsAutoSuspend": 0,
            "UserForceClose": 0,
        }


class Told(msgspec.Struct, frozen=True):
    """``state``: as of bus.orders.OrderState; NOT_SENT and UNKNOWN also where td_worker could not
    be asked. ``outcome``: td_worker's words, None without any."""

    client_order_id: str
    state: OrderState
    text: str
    outcome: Outcome | None = None

    @property
    def status(self) -> int:
        if self.state in (OrderState.REJECTED, OrderState.NOT_SENT):
            return EXIT_NOT_SENT
        known = self.state in (OrderState.ACK, OrderState.FILLED, OrderState.CANCELLED)
        return 0 if known else EXIT_UNKNOWN


async def exchange_of(client: Client, account: Account, instrument: str) -> str:
    """Raises ConfigError for an instrument that the counter does not have."""
    wanted: dict[str, Value] = {"InstrumentID": instrument}
    found = await rows(client, account, "ReqQryInstrument", "Instrument", wanted)
    for row in found:
        if row["InstrumentID"] == instrument:  # the counter answers with all that begin so
            return str(row["ExchangeID"])
    raise ConfigError(f"the counter has no instrument {instrument}; nothing was sent")


async def look(account: Account, own: str) -> Outcome | None:
    """What is on record; None: nothing. Raises Refused and Unavailable."""
    body = msgspec.msgpack.encode(OutcomeQuery(client_order_id=own))
    try:
        row = await account.request("QryOrderOutcome", body, deadline_s=2.0)
    except Refused as exc:
        if exc.detail == NOT_ON_RECORD:
            return None
        raise
    return _decode(row.body)


class Sending:
    """``begun``: it may have been sent."""

    begun = False


async def place(
    client: Client,
    user: str,
    password: Secret | None,
    wanted: Wanted,
    own: str,
    wait: float,
    sending: Sending,
) -> Told:
    """Once. Raises ConfigError: nothing was sent."""
    try:
        account = await entered(client, user, password)
        if not wanted.exchange:
            exchange = await exchange_of(client, account, wanted.instrument)
            wanted = msgspec.structs.replace(wanted, exchange=exchange)
    except Refused as exc:
        return _not_sent(own, told_of(exc))
    except (Unavailable, Refusal) as exc:
        return _not_sent(own, str(exc))
    try:
        body = account.pack("ReqOrderInsert", _whose(account) | wanted.fields())
    except FieldError as exc:
        raise ConfigError(f"it does not fit, and nothing was sent: {exc}") from None
    print(f"client_order_id: {own}", file=sys.stderr, flush=True)
    began, sending.begun = time.monotonic(), True
    try:
        outcome = await _send(account, body, own)
    except Unanswered as exc:
        return await _after_silence(account, own, str(exc), began + _ORDER_S + _LATE_S)
    except Unavailable as exc:
        return _not_sent(own, str(exc))
    except Refused as exc:
        if exc.error_id == INTERNAL_ERROR:  # a fault of its own, at whatever step
            return await _after_silence(account, own, str(exc), began + _ORDER_S + _LATE_S)
        return _not_sent(own, told_of(exc))
    duplicate = outcome.duplicate
    outcome = await _settled(account, outcome, own, began + wait)
    text = await _text_of(client, account, outcome)
    return told(outcome, duplicate=duplicate, text=text)


def _not_sent(own: str, why: str) -> Told:
    return Told(own, OrderState.NOT_SENT, f"NOT sent: {why}")


def _whose(account: Account) -> dict[str, Value]:
    return {
        "BrokerID": account.session["BrokerID"],
        "InvestorID": account.user,
        "UserID": account.user,
    }


async def _send(account: Account, body: bytes, own: str) -> Outcome:
    """td_worker's first word. Raises Refused, Unavailable and Unanswered."""
    done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def take(row: Row) -> None:
        if done.done():
            return
        if (error := refusal(row)) is not None:
            done.set_exception(error)
        elif row.type in (_SENT, _OUTCOME):
            done.set_result(_decode(row.body))

    def silence(why: str) -> None:
        if not done.done():
            done.set_exception(Unanswered("td_worker"))

    account.start(
        "ReqOrderInsert",
        body,
        take,
        silence,
        _ORDER_S + _LATE_S,
        client_order_id=own,
        deadline_s=_ORDER_S,
    )
    return await done


async def _settled(account: Account, outcome: Outcome, own: str, until: float) -> Outcome:
    """When the counter has said something, or time is over."""
    while outcome.state not in {OrderState.ACK, *FINAL} and time.monotonic() < until:
        await asyncio.sleep(_LOOK_S)
        try:
            outcome = await look(account, own) or outcome
        except (Refused, Unavailable):
            continue
    return outcome


async def _text_of(client: Client, account: Account, outcome: Outcome) -> str:
    """Why the exchange has refused it: that stands in the order only. "" when nobody can say."""
    if outcome.state is not OrderState.REJECTED or outcome.error_msg:
        return ""
    found: list[dict[str, Value]] = []
    with suppress(Refused, Unavailable, Refusal, TimeoutError):
        async with asyncio.timeout(_TEXT_S):
            found = await rows(client, account, "ReqQryOrder", "Order", {})
    ours = outcome.session_id, outcome.order_ref.strip()
    texts = (row["StatusMsg"] for row in found if _named(row) == ours)
    return str(next(texts, ""))


def _named(order: Mapping[str, Value]) -> tuple[Value, Value]:
    return order["SessionID"], str(order["OrderRef"]).strip()


async def _after_silence(account: Account, own: str, why: str, dead: float) -> Told:
    """``dead``: from then on td_worker does not send it any more, so what it has no record of was
    never sent."""
    while True:
        over = time.monotonic() > dead
        try:
            outcome = await look(account, own)
        except (Refused, Unavailable):
            outcome = None
        else:
            if outcome is not None:
                return told(outcome, duplicate=False)
            if over:
                return _not_sent(own, f"{why}, and has no record of it")
        if over:
            return Told(own, OrderState.UNKNOWN, f"UNKNOWN: {why}. {_may_live(own)}")
        await asyncio.sleep(_LOOK_S)


def _may_live(own: str) -> str:
    return (
        f"It may live. Do not send it under another id: ctpbus orders --id {own} tells when more "
        f"is known, and the same order with --id {own} is sent once at the most"
    )


def told(outcome: Outcome, *, duplicate: bool, text: str = "") -> Told:
    """In words. ``text``: the order's own, of a refusal without an error."""
    own, state = outcome.client_order_id, outcome.state
    traded = f"{outcome.volume_traded} traded"
    numbers = f"order {outcome.order_id}"
    if outcome.order_sys_id:
        numbers += f", {outcome.exchange_id} {outcome.order_sys_id}"
    error = f": {text}" if text else ": see the text of ctpbus orders"
    if outcome.error_msg:
        error = f": {outcome.error_msg} ({outcome.error_id})"
    words = {
        OrderState.ACK: f"the counter has it, {traded} so far",
        OrderState.FILLED: f"all traded ({outcome.volume_traded})",
        OrderState.CANCELLED: f"ended, {traded}",
        OrderState.REJECTED: f"refused{error}",
        OrderState.NOT_SENT: f"NOT sent{error}",
    }.get(state, f"no answer of the counter yet. {_may_live(own)}")
    again = "this id was used before, so nothing was sent now; of the order then: "
    return Told(own, state, f"{again if duplicate else ''}{state}: {words} [{numbers}]", outcome)


def command(
    side: Annotated[Side, typer.Argument()],
    instrument: Annotated[str, typer.Argument(help="Like rb2610.")],
    volume: Annotated[int, typer.Argument(min=1, max=_MOST, help="Lots, or shares.")],
    price: Annotated[float, typer.Option(help="The limit.")],
    offset: Annotated[Offset, typer.Option(help="SHFE and INE tell today's from yesterday's.")] = (
        Offset.OPEN
    ),
    exchange: Annotated[str, typer.Option(help="Like SHFE; none: the counter is asked.")] = "",
    fak: Annotated[
        bool, typer.Option("--fak", help="Cancel at once what does not trade at once.")
    ] = False,
    own: Annotated[
        str, typer.Option("--id", help="client_order_id: the same one is never sent twice.")
    ] = "",
    user: User = "",
    password_file: PasswordFile = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the counter.")] = 5.0,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: Config = GROUP,
    json: output.Json = False,
) -> None:
    """Send one limit order, after a question, and say what became of it.

    Exit status: 0 the counter has it, 1 it was refused or never sent, 3 UNKNOWN: it may live; 2 the
    command line is wrong, nothing was sent."""
    if not math.isfinite(price):
        raise ConfigError("--price is no number")
    check_id(own)
    group = opened(config)
    account = chosen(group, user)
    wanted = Wanted(side, instrument, volume, price, offset, exchange, fak)
    if not yes:
        confirm(f"{wanted}, account {account}. Send it?")
    password = password_for(group, account, password_file)
    own = own or f"cli-{secrets.token_hex(8)}"
    said = _run(group, account, password, wanted, own, wait)
    if json:
        output.show_json(said)
    else:
        output.show(said.text)
    raise typer.Exit(said.status)


def check_id(own: str) -> None:
    """Raises ConfigError."""
    if len(own) > _LONGEST_ID or not own.isprintable():
        raise ConfigError(f"--id: {_LONGEST_ID} printable characters at the most")


def confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigError("nobody can be asked here, so nothing was sent; --yes does it")
    if not typer.confirm(question, err=True):
        print("ctpbus: nothing was sent", file=sys.stderr)
        raise typer.Exit(EXIT_NOT_SENT)


def _run(
    group: Opened, account: str, password: Secret | None, wanted: Wanted, own: str, wait: float
) -> Told:
    """Whatever ends it, what may have been sent is not told as failed."""
    sending = Sending()
    try:
        return asyncio.run(_place(group, account, password, wanted, own, wait, sending))
    except (KeyboardInterrupt, Exception) as exc:
        if not sending.begun:
            raise
        text = f"UNKNOWN: {str(exc) or type(exc).__name__} in between. {_may_live(own)}"
        return Told(own, OrderState.UNKNOWN, text)


async def _place(group: Opened, *arguments: Any) -> Told:
    async with group.client() as client:
        return await place(client, *arguments)
