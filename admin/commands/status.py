"""``ctpbus status``: what runs, by supervisord and by what the processes say themselves.

Both are asked, because either may be wrong: supervisord can be gone, or frozen, while the group
goes on; a process that it calls RUNNING can be frozen.
"""

from __future__ import annotations

import asyncio
import time
from http.client import HTTPException
from typing import Annotated, Any, Final, Literal
from xmlrpc.client import Fault

import msgspec
import typer
import zmq

from admin.watch.listener import Listener
from admin.watch.sources import sources
from admin.watch.told import Group, Told
from deploy.supervision import Program, Supervisor

from . import output
from .group import GROUP, Config, Opened, opened

_SUPERVISOR_S: Final = 3.0
_LOOK_S: Final = 0.05
EXIT: Final = {"up": 0, "partly": 1, "down": 3}
_SAID: Final = {"up": "up", "partly": "up in part", "down": "down"}

Verdict = Literal["up", "partly", "down"]


class Row(msgspec.Struct, frozen=True):
    """One process. ``state``: supervisord's, "" when it does not tell. ``heard``: None where the
    process has nothing to say. ``uptime_s``, ``memory`` (bytes): None when nobody tells."""

    program: str
    state: str
    heard: bool | None
    pid: int | None
    uptime_s: float | None
    memory: int | None
    says: str


class Report(msgspec.Struct, frozen=True):
    """``supervisord``: "silent" is one that is there and does not answer."""

    group: Verdict
    supervisord: Literal["running", "gone", "silent"]
    programs: list[Row]


class Supervised(msgspec.Struct, frozen=True):
    supervisord: Literal["running", "gone", "silent"]
    programs: dict[str, Program]


def supervised(supervisor: Supervisor) -> Supervised:
    """Takes ``_SUPERVISOR_S`` at the most."""
    try:
        return Supervised("running", supervisor.programs(_SUPERVISOR_S))
    except TimeoutError:
        return Supervised("silent", {})
    except (OSError, HTTPException, Fault):
        return Supervised("gone", {})


async def listen(group: Opened, seconds: float) -> dict[str, Told]:
    """What each process says, all of it as soon as all have been heard. Raises ConfigError."""
    found = sources(group.plan, group.loaded.own)
    publishers = {"md_worker": group.plan.md, "td_worker": "td_worker"}
    told = Group({source.program: source.module for source in found}, publishers)
    context: zmq.Context[Any] = zmq.Context()
    keys = group.keys()
    listener = Listener(context, found, keys, told, time.monotonic)
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until and not all(map(_complete, told.told.values())):
            await asyncio.sleep(_LOOK_S)
    finally:
        listener.close()
        if keys is not None:
            keys.close()
        context.destroy(linger=0)
    return told.told


def _complete(told: Told) -> bool:
    return bool(told.heard and (told.state_heard or told.module not in _STATES))


def _of_md(state: dict[str, Any]) -> str:
    logged_in = "logged in" if state["logged_in"] else f"not logged in, reason {state['reason']}"
    if state["reason"] is None:
        logged_in = logged_in.partition(",")[0]
    return f"front {state['front']}, {logged_in}, {state['subscribed']} instruments"


def _of_td(state: dict[str, Any]) -> str:
    accounts = state["accounts"]
    ready = sum(account["state"] == "ready" for account in accounts)
    return f"front {state['front']}, {ready} of {len(accounts)} sessions ready"


_STATES: Final = {"md_worker": _of_md, "md_merge": _of_md, "td_worker": _of_td}


def report(told: dict[str, Told], found: Supervised, names: list[str], wall: float) -> Report:
    """``names``: the programs that there should be; ``wall`` is Unix time in s."""
    others = [name for name in (*found.programs, *told) if name not in names]
    rows = [
        _row(name, found.programs.get(name), told.get(name), wall)
        for name in (*names, *dict.fromkeys(others))
    ]
    good = [
        row.heard is not False and row.state in ("RUNNING", "") and bool(row.heard or row.state)
        for row in rows
    ]
    verdict: Verdict = "up" if all(good) and found.supervisord != "silent" else "partly"
    if not any(row.heard or row.state == "RUNNING" for row in rows):
        verdict = "partly" if found.supervisord == "silent" else "down"
    return Report(verdict, found.supervisord, rows)


def _row(name: str, program: Program | None, told: Told | None, wall: float) -> Row:
    stat = told.stat if told is not None and told.heard else None
    running = program is not None and program.state == "RUNNING"
    uptime_s = wall - stat.started_ns / 1e9 if stat is not None else None
    if uptime_s is None and program is not None and running:
        uptime_s = wall - program.started
    says = ""
    if told is not None and told.state and told.module in _STATES:
        says = _STATES[told.module](told.state)
    return Row(
        name,
        program.state if program is not None else "",
        None if told is None else stat is not None,
        stat.pid if stat is not None else program.pid or None if program is not None else None,
        uptime_s,
        stat.memory if stat is not None else None,
        says,
    )


_TOLD: Final = {
    "running": "",
    "gone": "; supervisord does not run",
    "silent": "; supervisord does not answer (frozen?): ctpbus down ends the group, then ctpbus up",
}


def _cells(row: Row) -> list[str]:
    return [
        row.program,
        row.state or "-",
        {True: "yes", False: "no", None: "-"}[row.heard],
        str(row.pid or "-"),
        "-" if row.uptime_s is None else output.duration(row.uptime_s),
        "-" if row.memory is None else output.size(row.memory),
        row.says,
    ]


def command(
    config: Config = GROUP,
    wait: Annotated[
        float, typer.Option(min=0.1, max=60, help="Seconds to listen to the processes at the most.")
    ] = 2.5,
    json: output.Json = False,
) -> None:
    """Show what runs, by supervisord and by what the processes say themselves.

    Exit status: 0 all of it, 1 a part, 3 nothing, 2 the file is wrong."""
    group = opened(config)
    found = supervised(Supervisor(group.plan))
    told = asyncio.run(listen(group, wait))
    seen = report(told, found, list(group.plan.programs), time.time())
    if json:
        output.show_json(seen)
    else:
        headings = ("program", "supervisord", "heard", "pid", "up for", "memory", "says")
        output.show(output.table(headings, map(_cells, seen.programs)))
        output.show(f"the group is {_SAID[seen.group]}{_TOLD[seen.supervisord]}")
    raise typer.Exit(EXIT[seen.group])
