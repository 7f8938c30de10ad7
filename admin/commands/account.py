"""The trading account that a command is about, and the way in."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from bus.client import Account, Client
from bus.config import load
from bus.errors import ConfigError, Refused
from bus.frames import Flag, Row, split_body
from bus.secrets import Secret, read_secret
from schemas.codec import Value
from td_worker.config import TdConfig

from .group import Opened

NAME: Final = "ctpbus"
LOGIN_S: Final = 12.0
_LONGEST: Final = 4096

User = Annotated[
    str, typer.Option(metavar="USERID", help="The account; none: the first of td_worker.accounts.")
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Its password is the first line of this file (mode 0600). Accounts of "
        "td_worker.accounts need none; for others it is asked for, or read from stdin.",
    ),
]


class Refusal(Exception):
    """The counter's answer to a query was an error."""


def own_accounts(group: Opened) -> list[str]:
    """Those that td_worker logs in by itself."""
    loaded = load(str(group.plan.config), "td_worker", TdConfig)
    return [account.user for account in loaded.own.accounts]


def chosen(group: Opened, user: str) -> str:
    """Raises ConfigError."""
    own = own_accounts(group)
    if not user and not own:
        raise ConfigError("which account? --user names it (td_worker.accounts has none)")
    return user or own[0]


def password_for(group: Opened, user: str, file: Path | None) -> Secret | None:
    """None: td_worker lets us in without it. Raises ConfigError."""
    if file is not None:
        return read_secret(str(file))
    return None if user in own_accounts(group) else _asked(user)


def _asked(user: str) -> Secret:
    """Never an argument: those of a process can be read by everybody on the machine."""
    if sys.stdin.isatty():
        return Secret(typer.prompt(f"Password of {user}", hide_input=True, err=True))
    try:
        text = sys.stdin.buffer.readline(_LONGEST).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError("the password on stdin is not UTF-8") from None
    if not text:
        raise ConfigError(f"the password of {user}: give it as the first line of stdin")
    return Secret(text)


def told_of(refused: Refused) -> str:
    """The text for people."""
    detail = f": {refused.detail}" if refused.detail else ""
    return f"{refused.error_msg} ({refused.error_id}){detail}"


async def entered(client: Client, user: str, password: Secret | None) -> Account:
    """Raises Refused and Unavailable."""
    if password is None:
        return await client.attach(user, name=NAME, timeout_s=LOGIN_S)
    return await client.login(user, password.reveal(), timeout_s=LOGIN_S)


async def rows(
    client: Client, account: Account, method: str, struct: str, fields: Mapping[str, Value]
) -> list[dict[str, Value]]:
    """All rows of a query. Raises Refused, Unavailable, and Refusal for the counter's error."""
    answer: list[Row] = []
    own = {"BrokerID": account.session["BrokerID"], "InvestorID": account.user}
    last = await account.request(method, {**own, **fields}, answer.append, deadline_s=30.0)
    found: list[dict[str, Value]] = []
    catalogue = client.catalogue
    for row in (*answer, last):
        if row.flags & Flag.MSGPACK:
            continue
        field, info = split_body(row.flags, row.body, catalogue.layouts["RspInfo"].size)
        error = catalogue.codec("RspInfo").unpack(info) if info is not None else {}
        if error.get("ErrorID"):
            raise Refusal(f"{error['ErrorMsg']} ({error['ErrorID']})")
        if field is not None:
            found.append(catalogue.codec(struct).unpack(field))
    return found
