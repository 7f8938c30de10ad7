"""The thread that plays a day: what an API object is asked comes in, callbacks go out."""

from __future__ import annotations

import logging
import queue
import threading
import time
from pathlib import Path
from typing import Final, NamedTuple

from schemas.catalogue import Catalogue
from sim.client.director import Director
from sim.wire import READ_FAILED, Raise

from .address import MAX, Address
from .folder import prepare
from .pace import Pace
from .timeline import Timeline

log = logging.getLogger("replay")

_AT_ONCE: Final = 64  # ticks before a question gets its turn
_LONGEST_WAIT_S: Final = 0.5
# So long may new subscriptions put off the beginning.
_LONGEST_QUIET_S: Final = 60.0
_LOOP_PAUSE_S: Final = 1.0


class Asked(NamedTuple):
    """One call of the API. ``names``: of a subscription; ``body``: of a request."""

    name: str
    request_id: int = 0
    body: bytes = b""
    names: tuple[str, ...] = ()


class Player:
    """Plays one day to one Spi. ``ask`` and ``close`` are for any thread, callbacks come from the
    own one."""

    def __init__(self, address: Address, catalogue: Catalogue, flow: Path) -> None:
        self.address, self._catalogue, self._flow = address, catalogue, flow
        self.director: Director | None = None
        self.connected = False
        self._asked: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        self._pace = Pace(address.speed, address.pause_s)
        self._timeline: Timeline | None = None
        self._subscribed_at: float | None = None
        self._quiet_since = 0.0
        self._playing = self._ended = self._stopping = False
        self._begin_ns = self._end_ns = self._records = 0
        self._day = address.day
        self._failed = ""
        self._thread = threading.Thread(target=self._run, name="replay-md-api", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def own_thread(self) -> bool:
        return threading.current_thread() is self._thread

    @property
    def day(self) -> str:
        return self._day

    def ask(self, asked: Asked) -> bool:
        """False before the connection."""
        if not self.connected:
            return False
        self._asked.put(asked)
        return True

    def close(self, timeout_s: float | None = None) -> None:
        """End the thread; after this no callback is raised. Not from the thread itself."""
        self._stopping = True
        self._asked.put(None)
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def state(self) -> dict[str, object]:
        """How far it is. Times are Unix ns of the recording, 0: not known yet. ``failed`` says why
        nothing comes, or nothing more; "" else."""
        timeline = self._timeline
        return {
            "day": self._day,
            "speed": "max" if self.address.speed == MAX else self.address.speed,
            "playing": self._playing,
            "ended": self._ended,
            "failed": self._failed,
            "begin_ns": self._begin_ns,
            "end_ns": self._end_ns,
            "position_ns": max(0, timeline.position_ns) if timeline else 0,
            "records": self._records,
            "played": timeline.played if timeline else 0,
            "gaps": timeline.gaps if timeline else 0,
            "damaged": timeline.damaged if timeline else 0,
        }

    # -- the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            if self._open():
                self._serve()
        except Exception:
            log.exception("the replay failed")
            self._failed = "the replay failed, see the log"
        finally:
            self.connected = False
            if self._timeline is not None:
                self._timeline.close()

    def _open(self) -> bool:
        """The folder, with CSV read into files of ticks; whether there is something to play."""
        try:
            ready = prepare(self.address, self._catalogue, self._flow, lambda: self._stopping)
        except (ValueError, OSError) as exc:
            self._failed = str(exc)
            log.error("nothing to replay", extra={"fields": {"error": self._failed}})
            return False
        self._day = ready.day
        size = self._catalogue.layouts["DepthMarketData"].size
        self._timeline = Timeline(ready.ticks, ready.day, self._catalogue.layout_id, size)
        self._begin_ns, self._end_ns, self._records = self._timeline.span()
        fields = {"day": ready.day, "records": self._records}
        log.info("a recorded day is ready", extra={"fields": fields})
        return not self._stopping

    def _serve(self) -> None:
        self._connect()
        while not self._stopping:
            try:
                asked = self._asked.get(timeout=self._step(time.monotonic()))
            except queue.Empty:
                continue
            if asked is not None:
                self._answer(asked)

    def _connect(self) -> None:
        self._subscribed_at, self._playing, self._ended = None, False, False
        self.connected = True
        self._raise(Raise("OnFrontConnected"))

    def _step(self, now: float) -> float:
        """Play what is due; how long nothing will be, in seconds."""
        if self._ended:
            return _LONGEST_WAIT_S
        if not self._playing:
            wait = self._until_beginning(now)
            if wait > 0:
                return min(wait, _LONGEST_WAIT_S)
            self._begin(now)
        return self._play(now)

    def _until_beginning(self, now: float) -> float:
        """Seconds; 0 or less: now."""
        if self._subscribed_at is None or self._open_timeline.due_ns is None:
            return _LONGEST_WAIT_S
        latest = self._subscribed_at + _LONGEST_QUIET_S
        return min(latest, self._quiet_since + self.address.wait_s) - now

    def _begin(self, now: float) -> None:
        timeline = self._open_timeline
        due = timeline.due_ns
        assert due is not None, "it begins with a tick"
        self._pace.begin(due, now)
        self._playing = True
        fields = {"instruments": timeline.chosen}
        log.info("the day is being played", extra={"fields": fields})

    def _play(self, now: float) -> float:
        timeline = self._open_timeline
        for _ in range(_AT_ONCE):
            due = timeline.due_ns
            if due is None:
                return self._run_out(now)
            wait = self._pace.wait_s(due, now)
            if wait > 0:
                timeline.pass_to(self._pace.day_ns(now))
                return min(wait, _LONGEST_WAIT_S)
            self._tick(timeline.take().body)
            if not self._asked.empty():
                break
        return 0.0

    def _run_out(self, now: float) -> float:
        """Nothing of what is subscribed is left."""
        timeline = self._open_timeline
        if self.address.speed == MAX:
            if timeline.chosen:
                self._end()
        else:
            position = self._pace.day_ns(now)
            timeline.pass_to(position)
            if position >= self._end_ns:
                self._end()
        return _LONGEST_WAIT_S / 10

    def _end(self) -> None:
        timeline = self._open_timeline
        timeline.pass_to(self._end_ns)
        self._ended, self._playing = True, False
        fields = {"day": self._day, "played": timeline.played, "gaps": timeline.gaps}
        fields["damaged"] = timeline.damaged
        log.info("the day is over", extra={"fields": fields})
        if self.address.loop:
            self._begin_again()

    def _begin_again(self) -> None:
        self.connected = False
        self._open_timeline.rewind()
        self._raise(Raise("OnFrontDisconnected", number=READ_FAILED))
        deadline = time.monotonic() + _LOOP_PAUSE_S
        while not self._stopping and (left := deadline - time.monotonic()) > 0:
            try:  # what was asked of the session that has ended gets no answer
                self._asked.get(timeout=left)
            except queue.Empty:
                break
        if not self._stopping:
            self._connect()

    # -- questions ---------------------------------------------------------------------------

    def _answer(self, asked: Asked) -> None:
        if asked.name in ("SubscribeMarketData", "UnSubscribeMarketData"):
            self._subscribe(asked)
        elif asked.name.endswith("ForQuoteRsp"):
            reply = "OnRsp" + asked.name.replace("Subscribe", "Sub")
            self._confirm(reply, asked.names)
        elif asked.name == "ReqUserLogin":
            self._reply(asked, self._login(asked.body))
        elif asked.name == "ReqUserLogout":
            self._reply(asked, asked.body)
        else:
            self._reply(asked, None)

    def _subscribe(self, asked: Asked) -> None:
        timeline = self._open_timeline
        if asked.name.startswith("Un"):
            for name in asked.names:
                timeline.leave(name)
            self._confirm("OnRspUnSubMarketData", asked.names)
            return
        self._quiet_since = time.monotonic()
        if self._subscribed_at is None:
            self._subscribed_at = self._quiet_since
        last = [timeline.join(name) for name in asked.names]
        self._confirm("OnRspSubMarketData", asked.names)
        for record in last:
            if record is not None:
                self._tick(record.body)

    def _confirm(self, callback: str, names: tuple[str, ...]) -> None:
        codec = self._catalogue.codec("SpecificInstrument")
        for number, name in enumerate(names, 1):
            field = codec.pack({"InstrumentID": name})
            self._raise(Raise(callback, field, self._no_error(), 0, number == len(names)))

    def _login(self, body: bytes) -> bytes:
        request = self._catalogue.codec("ReqUserLogin").unpack(body)
        clock = time.strftime("%H:%M:%S", time.gmtime(time.time() + 8 * 3600))
        return self._catalogue.codec("RspUserLogin").pack(
            {
                "TradingDay": self._day,
                "LoginTime": clock,
                "BrokerID": request["BrokerID"],
                "UserID": request["UserID"],
                "SystemName": "replay",
                "FrontID": 1,
                "SessionID": 1,
            }
        )

    def _reply(self, asked: Asked, field: bytes | None) -> None:
        callback = self._catalogue.md.requests[asked.name].reply
        self._raise(Raise(callback, field, self._no_error(), asked.request_id, True))

    def _no_error(self) -> bytes:
        return self._catalogue.codec("RspInfo").pack({"ErrorMsg": "CTP:No Error"})

    def _tick(self, body: bytes) -> None:
        self._raise(Raise("OnRtnDepthMarketData", body))

    def _raise(self, event: Raise) -> None:
        director = self.director
        if director is not None and not self._stopping:
            director.call(event)

    @property
    def _open_timeline(self) -> Timeline:
        assert self._timeline is not None, "the thread opens it before all else"
        return self._timeline
