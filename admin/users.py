"""``ctpbus user``: the client accounts of the OFX gateway, while it runs or not."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from bus.config import Loaded, load
from bus.errors import ConfigError
from bus.secrets import Secret
from bus.users import DEMO, RIGHTS, Right, User, Users
from tcp_edge.config import TcpConfig
from tcp_edge.login.service import psk_of

app = typer.Typer(
    help="Client accounts of the OFX gateway: who may log in, what for, and where he is sent.",
    no_args_is_help=True,
)

_LONGEST: Final = 4096
_SHORT: Final = 8

Name = Annotated[str, typer.Argument(metavar="NAME")]
Config = Annotated[Path, typer.Option(metavar="FILE", help="The group's file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Rights = Annotated[
    str | None, typer.Option(metavar="quote,trade", help="One or both; both unless given.")
]
Account = Annotated[
    str | None, typer.Option(help='UserID that it trades; "": the only one of the gateway.')
]
Quote = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help='Quotes it is sent to; "": as configured.')
]
Trade = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="The same for trading.")]
GROUP: Final = Path("deploy/gateway.yaml")


@app.command("add")
def add(
    name: Name,
    rights: Rights = None,
    account: Account = None,
    quote: Quote = None,
    trade: Trade = None,
    config: Config = GROUP,
) -> None:
    """Add an account. Its password is asked for, or read from stdin."""
    loaded = _load(config)
    if name == DEMO and not loaded.embedded:
        raise ConfigError("demo is for the embedded exchange only; choose another name")
    fields: dict[str, Any] = {"account": account, "quote": quote, "trade": trade}
    fields["rights"] = _rights(rights)
    try:
        user = User(name=name, **{key: value for key, value in fields.items() if value is not None})
    except ValueError as exc:
        raise ConfigError(str(exc)) from None
    users = Users(loaded.common.users_file, make=True)
    if any(known.name == name for known in users.all()):
        raise ConfigError(
            f"there is a user {name} already; ctpbus user passwd changes his password"
        )
    password = _password(name)
    users.add(user, password, psk_of(loaded.own, password, name))
    _say(f"user {name} added in {users.path}")


@app.command("change")
def change(
    name: Name,
    rights: Rights = None,
    account: Account = None,
    quote: Quote = None,
    trade: Trade = None,
    config: Config = GROUP,
) -> None:
    """Change what is given. Other rights or another account end the authcodes of the user."""
    users = _users(config)
    before = users.get(name).serial
    after = users.change(name, account=account, rights=_rights(rights), quote=quote, trade=trade)
    ended = "; his authcodes have ended" if after.serial != before else ""
    _say(f"user {name} changed{ended}")


@app.command("list")
def list_users(config: Config = GROUP, json: Json = False) -> None:
    """Show all accounts."""
    users = _users(config).all()
    if json:
        print(msgspec.json.encode([_plain(user) for user in users]).decode())
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "enabled", "rights", "account", "quote", "trade", "last login"):
        table.add_column(heading, no_wrap=True)
    for user in users:
        shown = _shown(user)
        keys = ("name", "enabled", "rights", "account", "quote", "trade", "last_login")
        table.add_row(*(shown[key] for key in keys))
    Console(highlight=False, soft_wrap=True, markup=False).print(table)


@app.command("show")
def show(name: Name, config: Config = GROUP, json: Json = False) -> None:
    """Show one account."""
    user = _users(config).get(name)
    if json:
        print(msgspec.json.encode(_plain(user)).decode())
        return
    for key, text in _shown(user).items():
        _say(f"{key.replace('_', ' '):11} {text}")


@app.command("enable")
def enable(name: Name, config: Config = GROUP) -> None:
    """Let the user log in again. Authcodes from before stay ended."""
    _users(config).enable(name, True)
    _say(f"user {name} enabled")


@app.command("disable")
def disable(name: Name, config: Config = GROUP) -> None:
    """Keep the user out. His authcodes end within a second."""
    _users(config).enable(name, False)
    _say(f"user {name} disabled; his authcodes have ended")


@app.command("passwd")
def passwd(name: Name, config: Config = GROUP) -> None:
    """Set a password, which is asked for or read from stdin. The authcodes end within a second."""
    loaded = _load(config)
    users = Users(loaded.common.users_file)
    users.get(name)
    password = _password(name)
    users.set_password(name, password, psk_of(loaded.own, password, name))
    _say(f"password of user {name} changed; his authcodes have ended")


@app.command("delete")
def delete(name: Name, config: Config = GROUP) -> None:
    """Delete the account. Its authcodes end within a second."""
    _users(config).delete(name)
    _say(f"user {name} deleted; his authcodes have ended")


def _load(config: Path) -> Loaded[TcpConfig]:
    return load(str(config), "tcp_edge", TcpConfig)


def _users(config: Path) -> Users:
    return Users(_load(config).common.users_file)


def _rights(given: str | None) -> tuple[Right, ...] | None:
    if given is None:
        return None
    names = dict.fromkeys(name.strip() for name in given.split(","))
    rights = tuple(right for right in RIGHTS if right in names)
    if len(rights) != len(names):
        raise ConfigError(f"rights are some of {', '.join(RIGHTS)}")
    return rights


def _password(name: str) -> Secret:
    """Never an argument: those of a process can be read by everybody on the machine."""
    if sys.stdin.isatty():
        text = typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True)
    else:
        try:
            line = sys.stdin.buffer.readline(_LONGEST).decode("utf-8")
        except UnicodeDecodeError:
            raise ConfigError("the password on stdin is not UTF-8") from None
        text = line.rstrip("\r\n")
    if not text:
        raise ConfigError("the password is empty: give it as the first line of stdin")
    if len(text) < _SHORT:
        print(f"ctpbus: a password of {_SHORT} characters or more is better", file=sys.stderr)
    return Secret(text)


def _plain(user: User) -> dict[str, Any]:
    """Times in ISO 8601 with their zone; null: never."""
    fields = msgspec.structs.asdict(user)
    for key in ("created", "last_login"):
        fields[key] = _when(fields[key]) or None
    return fields


def _shown(user: User) -> dict[str, str]:
    return {
        "name": user.name,
        "enabled": "yes" if user.enabled else "no",
        "rights": " ".join(user.rights),
        "account": user.account or "-",
        "quote": user.quote or "-",
        "trade": user.trade or "-",
        "created": _when(user.created),
        "last_login": _when(user.last_login) or "never",
    }


def _when(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(seconds)) if seconds else ""


def _say(text: str) -> None:
    print(text)
