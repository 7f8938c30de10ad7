"""``ctpbus orders``: the account's orders of the day as the counter has them, or one by its id."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, NoReturn

import typer

from bus.errors import Refused, Unavailable
from bus.secrets import Secret
from schemas.codec import Value

from . import output
from .account import PasswordFile, Refusal, User, chosen, entered, password_for, rows, told_of
from .group import GROUP, Config, Opened, opened
from .order import EXIT_NOT_SENT, EXIT_UNKNOWN, Told, check_id, look, told

# THOST_FTDC_OST_*
_STATES: Final = {
    "0": "all traded",
    "1": "partly traded",
    "2": "partly traded, ended",
    "3": "waits",
    "4": "not queued",
    "5": "cancelled",
    "a": "unknown",
    "b": "not touched",
    "c": "touched",
}
_LIVE: Final = ("1", "3", "a", "b", "c")
_SIDES: Final = {"0": "buy", "1": "sell"}
_OFFSETS: Final = {"0": "open", "1": "close", "3": "close_today", "4": "close_yesterday"}
_HEADINGS: Final = (
    *("time", "instrument", "side", "offset", "price", "volume", "traded", "state"),
    *("exchange's number", "text"),
)


async def listed(group: Opened, user: str, password: Secret | None) -> list[dict[str, Value]]:
    async with group.client() as client:
        account = await entered(client, user, password)
        return await rows(client, account, "ReqQryOrder", "Order", {})


async def one(group: Opened, user: str, password: Secret | None, own: str) -> Told | None:
    async with group.client() as client:
        outcome = await look(await entered(client, user, password), own)
        return None if outcome is None else told(outcome, duplicate=False)


def _cells(row: dict[str, Value]) -> list[str]:
    flag = str(row["CombOffsetFlag"])[:1]
    price = row["LimitPrice"]
    return [
        str(row["InsertTime"]),
        str(row["InstrumentID"]),
        _SIDES.get(str(row["Direction"]), "?"),
        _OFFSETS.get(flag, flag),
        "-" if price is None else f"{price:g}",
        str(row["VolumeTotalOriginal"]),
        str(row["VolumeTraded"]),
        _STATES.get(str(row["OrderStatus"]), "?"),
        str(row["OrderSysID"]).strip() or "-",
        str(row["StatusMsg"]),
    ]


def command(
    live: Annotated[bool, typer.Option("--live", help="Those that may still trade.")] = False,
    own: Annotated[
        str, typer.Option("--id", help="What became of the order of this client_order_id.")
    ] = "",
    user: User = "",
    password_file: PasswordFile = None,
    config: Config = GROUP,
    json: output.Json = False,
) -> None:
    """Show the orders of the day. JSON has all fields of the counter.

    Exit status: 0; with --id that of ctpbus order, 1 also without such an order; 1 the counter
    cannot be asked, 2 the file or the command line is wrong."""
    check_id(own)
    group = opened(config)
    name = chosen(group, user)
    password = password_for(group, name, password_file)
    try:
        if own:
            _show_one(asyncio.run(one(group, name, password, own)), own, json)
        found = asyncio.run(listed(group, name, password))
    except Refused as exc:
        _fail(told_of(exc), own)
    except (Unavailable, Refusal) as exc:
        _fail(str(exc), own)
    found = [row for row in found if not live or row["OrderStatus"] in _LIVE]
    if json:
        output.show_json(found)
    else:
        output.show(output.table(_HEADINGS, map(_cells, found)))


def _show_one(found: Told | None, own: str, json: bool) -> NoReturn:
    if json:
        output.show_json(found)
    else:
        none = f"no order {own} on record: it was not sent in the last trading days"
        output.show(none if found is None else found.text)
    raise typer.Exit(EXIT_NOT_SENT if found is None else found.status)


def _fail(why: str, own: str) -> NoReturn:
    """Of one order nothing is known then; it is not to be taken for one that failed."""
    typer.echo(f"ctpbus: {output.plain(why)}", err=True)
    raise typer.Exit(EXIT_UNKNOWN if own else 1)
