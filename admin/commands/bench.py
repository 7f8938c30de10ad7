"""``ctpbus bench``: how long the ways through the running group take from here.

    State of PROGRAM  a call to it and its answer, one after the other
    callback → bus    of each tick, from the API's callback until md_worker has published it
    bus → here        from there until this program has it

Nothing goes to the counter but the subscription. This is a client like others: what it measures is
what an asyncio client in Python sees, on a machine that does its work meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Final

import msgspec
import typer
import zmq

from bus.client import Client, Tick
from bus.client.calls import Calls
from bus.client.items import Item
from bus.errors import BusError, ConfigError
from bus.rpc import Caller

from . import output
from .group import GROUP, Config, Opened, opened

_ANSWER_S: Final = 2.0
_MOST_CALLS: Final = 2000  # of each way: it is no load test


class Way(msgspec.Struct, frozen=True):
    """Delays in us; None without any. ``failed``: calls that were not answered."""

    way: str
    count: int
    p50_us: float | None = None
    p99_us: float | None = None
    max_us: float | None = None
    failed: int = 0


def measured(way: str, delays_ns: Sequence[int], failed: int = 0) -> Way:
    """Of delays that were measured one by one."""
    ranked = sorted(delays_ns)
    if not ranked:
        return Way(way, 0, failed=failed)
    p50, p99 = (ranked[min(len(ranked) - 1, int(len(ranked) * share))] for share in (0.5, 0.99))
    return Way(way, len(ranked), p50 / 1000, p99 / 1000, ranked[-1] / 1000, failed)


async def _calls(group: Opened, program: str, address: str, key: str, seconds: float) -> Way:
    context: zmq.Context[Any] = zmq.Context()
    keys = group.keys()
    caller = Caller(context, address, key, keys)
    calls = Calls(caller, asyncio.get_running_loop().call_later)
    delays: list[int] = []
    failed = 0
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until and len(delays) < _MOST_CALLS:
            began = time.perf_counter_ns()
            try:
                await calls.ask("State", silent_s=_ANSWER_S)
            except BusError:
                failed += 1
                await asyncio.sleep(0.1)  # it may be connecting
            else:
                delays.append(time.perf_counter_ns() - began)
    finally:
        caller.close()
        if keys is not None:
            keys.close()
        context.destroy(linger=0)
    return measured(f"State of {program}", delays, 0 if delays else failed)


async def _ticks(client: Client, names: list[str], seconds: float) -> list[Way]:
    publish: list[int] = []
    bus: list[int] = []
    try:
        ticks = client.ticks(*names)
    except ValueError as exc:
        raise ConfigError(str(exc)) from None

    def take(item: Item) -> None:
        now = time.time_ns()
        # What had been published before we came tells nothing.
        if isinstance(item, Tick) and item.sent_ns >= began:
            publish.append(item.sent_ns - item.recv_ns)
            bus.append(now - item.sent_ns)

    began = time.time_ns()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            async for item in ticks:
                take(item)
    return [measured("callback → bus", publish), measured("bus → here", bus)]


async def run(group: Opened, names: list[str], seconds: float) -> list[Way]:
    """Raises ConfigError."""
    plan = group.plan
    workers = [(plan.md, plan.bus.md_rpc, "md_worker"), ("td_worker", plan.bus.td_rpc, "td_worker")]
    servers = [server for server in workers if server[0] in plan.programs]
    if "recorder" in plan.programs:
        servers.append(("recorder", plan.bus.rec_rpc, "recorder"))
    if not servers and not names:
        raise ConfigError(f"{plan.config}: no worker runs here; name instruments, for ticks")
    share = seconds / (len(servers) + bool(names))
    ways = [await _calls(group, *server, share) for server in servers]
    if names:
        async with group.client() as client:
            ways += await _ticks(client, names, max(share, 2.0))
    return ways


def _cells(way: Way) -> list[str]:
    figures = (way.p50_us, way.p99_us, way.max_us)
    return [
        way.way,
        str(way.count),
        *("-" if figure is None else f"{figure:,.0f} us" for figure in figures),
        str(way.failed or "-"),
    ]


def command(
    instruments: Annotated[
        list[str] | None,
        typer.Argument(metavar="INSTRUMENT", help="For ticks; none: canary.instrument."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.5, max=60, help="For all of it.")] = 6.0,
    config: Config = GROUP,
    json: output.Json = False,
) -> None:
    """Measure the ways through the running group, gently: no orders, no queries at the counter.

    Exit status: 0, 1 when a program did not answer, 2 the file is wrong."""
    group = opened(config)
    names = instruments or [name for name in (group.plan.canary.instrument,) if name]
    ways = asyncio.run(run(group, names, seconds))
    if json:
        output.show_json(ways)
    else:
        headings = ("way", "count", "half within", "99 % within", "longest", "not answered")
        output.show(output.table(headings, map(_cells, ways)))
    raise typer.Exit(1 if any(way.failed for way in ways) else 0)
