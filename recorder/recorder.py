"""The process: what flows on one side, files and tables on the other, history for who asks.

One thread does all this; what takes long has threads of its own. Nobody waits for a recorder: when
it stands still, or its disk is full, only what it keeps suffers.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import zmq

from bus.config import Loaded, open_calendar
from bus.endpoints import recorder_address, resolve
from bus.errors import ConfigError, Refused, bad_parameters, refused, request_failed
from bus.history import VERBS
from bus.lock import hold
from bus.process import announce, leave
from bus.rpc import Call, Router
from bus.security import keys_of
from bus.stats import STAT_S, Meter, Stat, StatSocket, age, program_name, stat_address
from schemas import catalogue as catalogues
from schemas.errors import INTERNAL_ERROR, NOT_IMPLEMENTED

from . import retention
from .config import RecorderConfig
from .days import Days
from .history.history import History
from .history.turns import HIGH_WATER
from .replies import Replies
from .store.store import Store
from .streams import Stream, Streams
from .tick_stream import TickStream
from .ticks.store import TickStore

log = logging.getLogger("recorder")

Verb = Callable[[bytes, Call], None]

# The FD of a socket that we also send on may keep a signal to itself.
_TURN_S: Final = 0.02
_CALLS_AT_ONCE: Final = 256
_CLEAN_S: Final = 10.0
_CURRENT_S: Final = 3600.0
_OTHER_FILES: Final = 200  # besides those of ticks


class Recorder:
    """``verbs``: what callers may ask, each may raise Refused. ``removed``: called with each
    trading day whose ticks were removed."""

    def __init__(self, loaded: Loaded[RecorderConfig]) -> None:
        self.config, self.common, self.member = loaded.own, loaded.common, loaded.member
        self.folder = self._folder()
        self._lock = hold(self.folder / "lock")
        self.keys = keys_of(loaded.common.keys, "recorder")
        self.calendar = open_calendar(loaded.common)
        self.catalogue = catalogues.load(loaded.common.binding)
        self.addresses = resolve(loaded.common.bus, loaded.common.data)
        self.address = recorder_address(self.addresses, loaded.common.data, self.member)
        most_open = _raise_open_files()
        self.meter = Meter(program_name("recorder", self.member))
        self.store = TickStore(self.folder / "ticks", most_open)
        self.late = TickStore(self.folder / "late", most_open)
        codec = self.catalogue.codec("DepthMarketData")
        self.days = Days(self.calendar, codec, self.catalogue.layout_id)
        self.tables = Store(self.config.store, self.folder, self.config.batch_s)
        self.removed: list[Callable[[str], None]] = []
        self._space = retention.Space(self.config.min_free_mb)
        self._free = 0
        self._written: dict[str, float] = {}  # trading days, and when they were last

    async def run(self) -> None:
        """Record until SIGTERM."""
        self.loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, stop.set)
        self.context: zmq.Context[Any] = zmq.Context()
        self._open()
        self.streams.begin()
        announce({"rpc": self.address})
        parts = (self._turns, self._write, self._clean, self._tell_stats)
        tasks = [asyncio.create_task(part()) for part in parts]
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((*tasks, stopped), return_when=asyncio.FIRST_COMPLETED)
        failed = [task for task in tasks if task.done()]
        for task in (*tasks, stopped):
            task.cancel()
        self._close()
        if failed:
            log.critical("recorder failed", exc_info=failed[0].exception())
        leave(1 if failed else 0)  # a thread may wait for a database that says nothing

    def _open(self) -> None:
        self.router = Router(
            self.context,
            self.address,
            self.catalogue.layout_id,
            self.keys,
            high_water=HIGH_WATER,
        )
        stats = stat_address(self.addresses, self.common.data, self.meter.program)
        self.stat_socket = StatSocket(self.context, stats, self.keys, self.meter.program)
        self.replies = Replies(self.router)
        self.verbs: dict[str, Verb] = {
            "State": self._state,
            "Streams": self._list_streams,
            "StartStream": self._start_stream,
            "StopStream": self._stop_stream,
        }
        self.history = self._make_history()
        self.verbs |= dict.fromkeys(VERBS, self.history.accept)
        self.streams = Streams(self._make_streams(), self.config.streams, self.folder)
        self._fd = int(self.router.socket.get(zmq.FD))
        self.loop.add_reader(self._fd, self._take_calls)

    def _make_streams(self) -> list[Stream]:
        self.ticks = TickStream(
            self.context,
            self.addresses,
            self.keys,
            (self.store, self.late),
            self.days,
            self.config.instruments,
        )
        self.tables.open(self.context, self.addresses, self.keys, self.catalogue, self.days.at)
        return [self.ticks, *self.tables.streams]

    def _make_history(self) -> History:
        return History(
            self.router,
            self.store,
            self.tables.reader,
            json=self.catalogue.reply_codec("md", "OnRtnDepthMarketData").json,
            today=lambda instrument: self.days.at(instrument, time.time_ns()),
            between=self._take_calls,
            busy=lambda: self.ticks.behind,
            cache_bytes=self.config.history_mb << 20,
        )

    def _close(self) -> None:
        self.streams.end()
        self.history.close()
        self.tables.close()
        self.loop.remove_reader(self._fd)
        self.router.close()
        self.stat_socket.close()
        if self.keys is not None:
            self.keys.close()
        self.context.destroy(linger=0)

    def _folder(self) -> Path:
        own = f"recorder.{self.member}" if self.member else "recorder"
        try:
            if not self.config.folder:
                return self.common.folder(own)
            folder = Path(self.config.folder).absolute()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(f"recorder: {exc.filename}: {exc.strerror}") from None
        return folder

    # -- calls -----------------------------------------------------------------------------------

    def _take_calls(self) -> None:
        for _ in range(_CALLS_AT_ONCE):
            received = self.router.receive()
            if received is None:
                return
            self._on_call(*received)

    def _on_call(self, peer: bytes, call: Call) -> None:
        try:
            if call.seconds_left < 0:
                raise request_failed("expired before the recorder saw it")
            verb = self.verbs.get(call.method)
            if verb is None:
                raise refused(NOT_IMPLEMENTED, f"the recorder has no {call.method}")
            verb(peer, call)
        except Refused as refusal:
            self.replies.refuse(peer, call, refusal)
        except Exception:
            log.exception("a call was not handled", extra={"fields": {"method": call.method}})
            self.replies.refuse(peer, call, refused(INTERNAL_ERROR, "see the recorder's log"))

    def _list_streams(self, peer: bytes, call: Call) -> None:
        self.replies.own(peer, call, "Streams", self.streams.states())

    def _start_stream(self, peer: bytes, call: Call) -> None:
        self._switch(peer, call, True)

    def _stop_stream(self, peer: bytes, call: Call) -> None:
        self._switch(peer, call, False)

    def _switch(self, peer: bytes, call: Call, on: bool) -> None:
        try:
            name = msgspec.msgpack.decode(call.body, type=str)
            state = self.streams.switch(name, on)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise bad_parameters(f"{call.method}: expected the name of a stream") from None
        except KeyError as exc:
            raise bad_parameters(f"there is no stream {exc}") from None
        except OSError as exc:
            raise refused(
                INTERNAL_ERROR, f"done, but the next start will not know: {exc.strerror}"
            ) from None
        self.replies.own(peer, call, "Stream", state)

    def _state(self, peer: bytes, call: Call) -> None:
        self.replies.own(peer, call, "State", self.describe())

    def describe(self) -> dict[str, object]:
        return {
            "member": self.member,
            "folder": str(self.folder),
            "streams": self.streams.states(),
            "instruments": self.ticks.instruments,
            "healed": self.ticks.healed,
            "gaps": self.ticks.gaps,
            "not_written": self.store.lost + self.late.lost,
            "late": self.late.ticks,
            "cut_bytes": self.store.cut + self.late.cut,
            "unhandled": self.ticks.unhandled,
            "tables": self.tables.describe(),
            "history": self.history.describe(),
            "days": len(self.store.days()),
            "free_mb": self._free >> 20,
            "space_low": self._space.low,
            "rows_dropped": self.router.dropped,
            "malformed_calls": self.router.malformed,
            "connections_refused": self.router.refused,
            "calls_forbidden": self.router.forbidden,
        }

    # -- time ------------------------------------------------------------------------------------

    async def _turns(self) -> None:
        while True:
            self._take_calls()
            await asyncio.sleep(_TURN_S)

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(self.config.batch_s)
            self.ticks.flush()

    async def _tell_stats(self) -> None:
        while True:
            await asyncio.sleep(STAT_S)
            self.stat_socket.tell(self._stat())

    def _stat(self) -> Stat:
        tables = self.tables.figures
        return self.meter.stat(
            counters={
                "ticks": self.ticks.counters.received,
                "written": self.ticks.counters.written,
                "healed": self.ticks.healed,
                "gaps": self.ticks.gaps,
                "not_written": self.store.lost + self.late.lost,
                "table_failures": tables.failures,
                "answers_missed": tables.answers_missed,
                "unhandled": self.ticks.unhandled + tables.unhandled,
                "rows_dropped": self.router.dropped,
                "malformed_calls": self.router.malformed,
                "connections_refused": self.router.refused,
                "calls_forbidden": self.router.forbidden,
            },
            queues={"tables": tables.waiting},
            levels={
                "recording": self.ticks.on,
                "tables_failing": bool(tables.failing),
                "space_low": self._space.low,
                "free_mb": self._free >> 20,
            },
            hops={"record": self.ticks.delays},
            ages={"md_worker": age(self.loop.time(), self.ticks.heard)} if self.ticks.on else {},
        )

    async def _clean(self) -> None:
        while True:
            self.tables.keep(self.calendar, time.time_ns(), self.config.keep_days)
            try:
                await self._remove_days()
            except OSError as exc:
                log.error("old days stay", extra={"fields": {"error": str(exc)}})
            await asyncio.sleep(_CLEAN_S)

    async def _remove_days(self) -> None:
        days = sorted({*self.store.days(), *self.late.days()})
        current = self._current_days()
        for day in retention.too_many(days, self.config.keep_days, current):
            await self._remove(day, "keep_days")
            days.remove(day)
        self._free = retention.free_bytes(self.folder)
        while self._space.judge(self._free):
            old = next((day for day in days if day not in current), None)
            if old is None:
                return
            days.remove(old)
            await self._remove(old, "min_free_mb")
            self._free = retention.free_bytes(self.folder)

    def _current_days(self) -> set[str]:
        """Those that are still written, by the calendar or by what came within the last hour, such
        as an old day that is played back. The files of others are closed."""
        now = self.loop.time()
        for store in (self.store, self.late):
            self._written.update(dict.fromkeys(store.touched, now))
            store.touched.clear()
        self._written = {day: at for day, at in self._written.items() if now - at < _CURRENT_S}
        current = {self.days.at("", time.time_ns()), *self._written}
        for store in (self.store, self.late):
            for day in store.open_days() - current:
                store.close_day(day)
        return current

    async def _remove(self, day: str, why: str) -> None:
        folders = [store.folder for store in (self.store, self.late)]
        for store in (self.store, self.late):
            store.close_day(day)
        if await asyncio.to_thread(retention.remove, folders, day, why):
            for tell in self.removed:
                tell(day)


def _raise_open_files() -> int:
    """To what is allowed; how many files of ticks each of the two stores may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = hard if hard != resource.RLIM_INFINITY else 65_536
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(16, (min(soft, 65_536) - _OTHER_FILES) // 2)
