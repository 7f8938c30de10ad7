"""``ctpbus ticks``: market data as it comes, and what is missing of it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, Final

import msgspec
import typer

from bus.client import Client, Gap, Restarted, Stale, Tick
from bus.client.items import Item
from bus.errors import ConfigError

from . import output
from .group import GROUP, Config, Opened, opened

_QUIET_S: Final = 5.0
_CLOCK_NS: Final = 8 * 3600 * 1_000_000_000  # China's
_DAY_S: Final = 86_400


async def follow(
    group: Opened,
    names: list[str],
    most: int,
    seconds: float,
    tell: Callable[[Client, Item], None],
) -> int:
    """How many ticks came. ``most`` 0 and ``seconds`` 0: without an end."""
    count = 0
    async with group.client() as client:
        try:
            ticks = client.ticks(*names)
        except ValueError as exc:
            raise ConfigError(str(exc)) from None
        quiet = asyncio.get_running_loop().call_later(_QUIET_S, _quiet, names)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds or None):
                async for item in ticks:
                    quiet.cancel()
                    tell(client, item)
                    count += isinstance(item, Tick)
                    if most and count >= most:
                        break
        quiet.cancel()
    return count


def _quiet(names: list[str]) -> None:
    print(
        f"ctpbus: nothing of {' '.join(names)} for {_QUIET_S:.0f} s. Does it trade now? ctpbus "
        "status shows whether md_worker is logged in",
        file=sys.stderr,
    )


def _plain(client: Client, item: Item) -> None:
    if not isinstance(item, Tick):
        print(f"ctpbus: {_about(item)}", file=sys.stderr, flush=True)
        return
    fields = client.fields(item)
    seconds = (item.recv_ns + _CLOCK_NS) // 1_000_000_000 % _DAY_S
    ms = item.recv_ns // 1_000_000 % 1000
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"
    bid, ask = (f"{_text(fields[f'{s}Price1'])}×{fields[f'{s}Volume1']}" for s in ("Bid", "Ask"))
    print(
        f"{clock} {output.plain(item.instrument):12} {_text(fields['LastPrice']):>12} "
        f"{bid:>18} {ask:>18} {fields['Volume']:>12}",
        flush=True,
    )


def _text(value: object) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _about(item: Item) -> str:
    match item:
        case Gap(first=first, last=None):
            return f"{item.topic} is missing ticks from {first} on ({item.reason})"
        case Gap(first=first, last=last):
            return f"{item.topic} is missing the ticks {first} to {last} ({item.reason})"
        case Restarted():
            return f"{item.topic} begins anew: md_worker was started"
        case Stale():
            return f"{item.topic} is stale: md_worker is not heard"
    return f"{item.topic} is heard again"


def _json(client: Client, item: Item) -> None:
    told: dict[str, Any] = {"kind": type(item).__name__}
    told |= msgspec.structs.asdict(item)
    if isinstance(item, Tick):
        told = {key: told[key] for key in ("kind", "topic", "epoch", "seq", "recv_ns", "sent_ns")}
        told |= {"instrument": item.instrument, "fields": client.fields(item)}
    output.show_json(told)


def command(
    instruments: Annotated[list[str], typer.Argument(metavar="INSTRUMENT", help="Like rb2610.")],
    count: Annotated[
        int, typer.Option("--count", "-n", min=0, help="End after so many; 0: go on.")
    ] = 0,
    seconds: Annotated[
        float, typer.Option(min=0, help="End after so many seconds; 0: go on.")
    ] = 0.0,
    config: Config = GROUP,
    json: output.Json = False,
) -> None:
    """Subscribe instruments and show their ticks: time of receipt, last price, bid, ask, volume.

    With --json a line for each. What is missing is said. Exit status: 0 they came, or Ctrl-C ended
    it; 1 none came, or fewer than --count; 2 the file or the command line is wrong."""
    group = opened(config)
    began = time.monotonic()
    try:
        came = asyncio.run(follow(group, instruments, count, seconds, _json if json else _plain))
    except KeyboardInterrupt:
        print(f"ctpbus: ended after {time.monotonic() - began:.0f} s", file=sys.stderr)
        raise typer.Exit(0) from None
    if came < max(count, 1):
        print(f"ctpbus: {came} ticks came, and ctpbus status shows what runs", file=sys.stderr)
        raise typer.Exit(1)
