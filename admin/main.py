"""``ctpbus COMMAND``."""

from __future__ import annotations

import sys

import typer

from bus.errors import BusError

from . import keygen

app = typer.Typer(
    name="ctpbus",
    help="Look after a ctpbus group.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("keygen")(keygen.command)


@app.callback()
def _group() -> None:
    """Keeps the commands' names even while there is only one."""


def main() -> None:
    """Exit status: 0 done, 2 the command line or a file is wrong."""
    try:
        app()
    except BusError as exc:
        print(f"ctpbus: {exc}", file=sys.stderr)
        sys.exit(2)
