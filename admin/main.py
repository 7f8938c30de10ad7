"""``ctpbus COMMAND``."""

from __future__ import annotations

import sys

import typer

from bus.errors import BusError, Busy
from bus.memory import close_memory
from schemas.fields import FieldError

from . import export, keygen, replay, users
from .commands import (
    bench,
    cancel,
    config,
    doctor,
    login,
    order,
    orders,
    schema,
    status,
    ticks,
    top,
    up,
    webctp,
)

app = typer.Typer(
    name="ctpbus",
    help="Look after a ctpbus group, and use it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("down")(up.down)
app.command("status")(status.command)
app.command("doctor")(doctor.command)
app.command("top")(top.command)
app.add_typer(config.app, name="config")
app.add_typer(login.app, name="login")
app.command("ticks")(ticks.command)
app.command("order")(order.command)
app.command("orders")(orders.command)
app.command("cancel")(cancel.command)
app.command("bench")(bench.command)
app.command("webctp")(webctp.command)
app.command("keygen")(keygen.command)
app.command("export")(export.command)
app.command("replay")(replay.command)
app.command("schema")(schema.command)
app.add_typer(users.app, name="user")


def main() -> None:
    """Exit status: 0 done, 1 not done or not all well, 2 the command line or a file is wrong and
    nothing was done, 3 of status: nothing runs, of order and orders: the outcome is UNKNOWN, 75
    another process holds the sockets."""
    close_memory()
    try:
        app(prog_name="ctpbus")
    except FieldError as exc:
        print(f"ctpbus: it does not fit: {exc}", file=sys.stderr)
        sys.exit(2)
    except BusError as exc:
        print(f"ctpbus: {exc}", file=sys.stderr)
        sys.exit(75 if isinstance(exc, Busy) else 2)
