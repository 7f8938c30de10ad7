"""``ctpbus replay``: a recorded day on the sockets of a group, as md_worker would do it."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bus import log
from bus.config import Loaded, load
from bus.errors import ConfigError
from bus.lock import hold
from bus.process import leave
from md_worker.config import MdConfig
from md_worker.worker import MdWorker
from replay.address import Address, speed_of

_LOOK_S: Final = 0.2
_CLOCK_NS: Final = 8 * 3600 * 1_000_000_000
_DAY_S: Final = 86_400


def player_of(loaded: Loaded[MdConfig], address: Address) -> Loaded[MdConfig]:
    """The group's configuration with a recorded day as the only front. Raises ConfigError."""
    kept = {key: getattr(loaded.own, key) for key in ("keep_ticks", "subscribe_per_s", "answer_s")}
    try:
        return Loaded(loaded.common, MdConfig(front=str(address), **kept))
    except ValueError as exc:
        raise ConfigError(str(exc)) from None


def watch(worker: MdWorker, progress: Progress, stop: threading.Event) -> None:
    """Show how far it is; end the worker with the day, or when there is nothing to play."""
    task = progress.add_task("reading", total=None)
    while not stop.wait(_LOOK_S):
        state: dict[str, Any] = worker.counter.replay_state()
        begin, end, at = state["begin_ns"], state["end_ns"], state["position_ns"]
        if state["playing"] or state["ended"]:
            clock = (at + _CLOCK_NS) // 1_000_000_000 % _DAY_S
            text = f"{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}"
            text = f"{state['day']} {text}  {state['played']} ticks"
            progress.update(task, description=text, total=end - begin, completed=at - begin)
        elif begin:
            progress.update(task, description=f"{state['day']} waits for a subscriber")
        if state["ended"] or state["failed"]:
            worker.inbox.put(None)
            return


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Files of ticks, or CSV files.")],
    config: Annotated[Path, typer.Option(metavar="FILE", help="The group's file.")],
    day: Annotated[str, typer.Option(help="Like 20261123; none: the newest.")] = "",
    speed: Annotated[str, typer.Option(help="1 is true time; 10, 0.5, max.")] = "1",
    wait: Annotated[float, typer.Option(help="Seconds of quiet before it begins.")] = 1.0,
    pause: Annotated[float, typer.Option(help="Cut longer silences to so many seconds.")] = 0.0,
    layout: Annotated[str, typer.Option(help="Of CSV files without a header: ctp.")] = "",
    json: Annotated[
        bool, typer.Option("--json", help="No bar; addresses and a summary as JSON.")
    ] = False,
) -> None:
    """Play a recorded day onto the sockets of a group whose md_worker does not run.

    It begins when somebody has subscribed something and ends with the day.
    """
    loaded = load(str(config), "md_worker", MdConfig)
    try:
        calendar = loaded.common.calendar
        address = Address(folder, day, speed_of(speed), wait, pause, False, layout, calendar)
    except ValueError as exc:
        raise ConfigError(str(exc)) from None
    played = player_of(loaded, address)
    log.setup("WARNING")
    # With feeds md_merge has the sockets, and a lock of its own.
    merge = hold(loaded.common.folder("md_merge") / "lock") if loaded.own.feeds else None
    worker = MdWorker(played)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), console=Console(stderr=True), disable=json
    )
    stop = threading.Event()
    watcher = threading.Thread(target=watch, args=(worker, bar, stop), daemon=True)
    # The line that tells where the sockets are is for programs.
    out = contextlib.nullcontext() if json else contextlib.redirect_stdout(io.StringIO())
    with bar, out:
        watcher.start()
        status = worker.serve()
        stop.set()
        watcher.join()
    state = worker.counter.replay_state()
    if json:
        print(msgspec.json.encode(state).decode())
    if merge is not None:
        merge.close()
    if state["failed"]:
        print(f"ctpbus: {state['failed']}", file=sys.stderr)
        leave(2)
    leave(status)
