"""The process: several md_workers on one side, what everybody takes for md_worker on the other.

Ticks are of the feed that brings them first (``merging.py``). Calls go to all feeds, and one answer
is made of theirs (``answers.py``). Interest is passed on to all of them and ends with our last
subscriber. A feed that is silent, or whose front is away, is waited for by nobody; when it comes
back it joins.

One thread. Times are of the monotonic clock in ns, in seconds where the loop gives them.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import zmq

from bus.beats import Beats
from bus.bodies import Bodies
from bus.config import Loaded
from bus.endpoints import feed_addresses, resolve
from bus.epoch import next_epoch
from bus.errors import Refused, Unavailable, refused, request_failed
from bus.frames import (
    Flag,
    Message,
    Row,
    message_type,
    notice_topic,
    split_body,
    stat_topic,
    state_topic,
)
from bus.lock import hold
from bus.orders import Place
from bus.process import announce
from bus.publisher import Publisher
from bus.rpc import Call, Router, refusal
from bus.security import keys_of
from bus.stats import Meter, with_more
from md_worker.config import MdConfig
from md_worker.replies import Replies
from md_worker.subscriptions import Answer
from md_worker.verbs import instruments_of, is_instrument, place_of
from schemas import catalogue as catalogues
from schemas.errors import INTERNAL_ERROR, NETWORK_FAILURE, NOT_IMPLEMENTED, return_text

from .answers import Listed, Whole
from .feed import TICK, Feed, Topic
from .merging import Merger, Quotes, Verdict

log = logging.getLogger("md_merge")

# The FDs of sockets that we also send on may keep a signal to themselves, so they are looked at
# this often in any case.
_TURN_S: Final = 0.02
_BUSY_S: Final = 0.001  # beats are left
_STATE_S: Final = 1.0
_PAUSE_NS: Final = 1_000_000_000  # without a turn: we stood still, not the feeds
_CALLS_AT_ONCE: Final = 256
_MOST_OPEN: Final = 10_000
_LONGEST_WAIT_S: Final = 60.0
_FIELD: Final = int(Flag.HAS_FIELD)
_QUOTE: Final = message_type("OnRtnForQuoteRsp")
_CONNECTED: Final = message_type("OnFrontConnected")
_DISCONNECTED: Final = message_type("OnFrontDisconnected")
_NETWORK_READ: Final = 0x1001  # CTP's disconnect reason when a connection is just gone
_PREFIXES: Final = ("tick/", "quote/")
_LISTS: Final = {
    "SubscribeMarketData": ("tick/", "OnRspSubMarketData"),
    "SubscribeForQuoteRsp": ("quote/", "OnRspSubForQuoteRsp"),
}
_ENDS: Final = {
    "UnSubscribeMarketData": "OnRspUnSubMarketData",
    "UnSubscribeForQuoteRsp": "OnRspUnSubForQuoteRsp",
}


class Merge:
    def __init__(self, loaded: Loaded[MdConfig]) -> None:
        self.config, self.data = loaded.own, loaded.common.data
        # In the place of a single md_worker: its lock, and epochs that are above its own.
        folder = loaded.common.folder("md_worker")
        self._lock = hold(folder / "lock")
        self.keys = keys_of(loaded.common.keys, "md_worker")
        self.catalogue = catalogues.load(loaded.common.binding)
        self.addresses = resolve(loaded.common.bus, self.data)
        self.epoch = next_epoch(folder)
        self.bodies = Bodies(self.catalogue)
        self.merger = Merger(self.catalogue.layouts["DepthMarketData"])
        self.quotes = Quotes(self.catalogue.codec("ForQuoteRsp"))
        self.topics: dict[str, Topic] = {}
        self.subscribed: set[str] = set()
        self.held: dict[str, float] = {}  # topics that calls alone want, until when
        self.open = 0  # calls that wait for feeds
        self.connected = self.up = False
        self.ticks = self.late = self.skipped = 0
        self.meter = Meter("md_merge")
        self.next_state = 0.0
        self.turned_ns = time.monotonic_ns()

    async def run(self) -> None:
        """Serve until SIGTERM."""
        self.loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, stop.set)
        context: zmq.Context[Any] = zmq.Context()
        self._open(context)
        announce({"pub": self.addresses.md_pub, "rpc": self.addresses.md_rpc})
        turns = asyncio.create_task(self._turns())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((turns, stopped), return_when=asyncio.FIRST_COMPLETED)
        for feed in self.feeds:
            feed.close()
        self.loop.remove_reader(self.router_fd)
        self.loop.remove_reader(self.publisher.fd)
        self.router.close()
        self.publisher.close()
        context.destroy(linger=0)
        stopped.cancel()
        if turns.done():
            log.critical("md_merge failed", exc_info=turns.exception())
            raise SystemExit(1)
        turns.cancel()

    def _open(self, context: zmq.Context[Any]) -> None:
        layout = self.catalogue.layout_id
        keep = self.config.keep_ticks
        self.publisher = Publisher(
            context,
            self.addresses.md_pub,
            self.epoch,
            layout,
            keep,
            keys=self.keys,
            high_water=self.addresses.high_water,
        )
        self.router = Router(context, self.addresses.md_rpc, layout, self.keys)
        self.replies = Replies(self.router)
        self.beats = Beats(self.publisher, lambda: list(self.topics))
        self.feeds = [
            Feed(name, number, context, feed_addresses(self.data, name), self)
            for number, name in enumerate(self.config.feeds)
        ]
        for feed in self.feeds:
            feed.layout = layout
        self.router_fd = int(self.router.socket.get(zmq.FD))
        self.loop.add_reader(self.router_fd, self._take_calls)
        self.loop.add_reader(self.publisher.fd, self._take_interest)

    # -- what the feeds bring ------------------------------------------------------------------

    def on_tick(self, feed: Feed, topic: Topic, raw: bytes, recv_ns: int) -> None:
        verdict = self.merger.take(feed.tally, topic.instrument, raw, feed.heard_ns)
        if verdict is Verdict.NEW:
            self.ticks += 1
            self.publisher.publish(topic.stream, TICK, _FIELD, raw, recv_ns)
            self.publisher.delays[(time.time_ns() - recv_ns).bit_length()] += 1
        elif verdict is Verdict.LATE:
            self.late += 1
            if topic.late is None:
                topic.late = self.publisher.stream(f"late/{topic.instrument}/")
            self.publisher.publish(topic.late, TICK, _FIELD, raw, recv_ns)

    def on_message(self, feed: Feed, topic: Topic, message: Message) -> None:
        if message.type == _QUOTE and self.quotes.take(topic.name, message.body):
            self.publisher.publish(
                topic.stream, message.type, message.flags, message.body, message.recv_ns
            )

    def on_notice(self, feed: Feed, message: Message) -> None:
        """What a front says besides: passed on. Whether it is there we tell by ourselves."""
        if message.type not in (_CONNECTED, _DISCONNECTED):
            stream = self.publisher.stream(notice_topic("md_worker"))
            self.publisher.publish(
                stream, message.type, message.flags, message.body, message.recv_ns
            )

    def on_gap(self, feed: Feed, topic: Topic, missing: int) -> None:
        """With another feed nothing is missing. Without one our subscribers must hear of it: so
        many numbers are left out. Rather once too often: after we have stood still the losses of
        all feeds may be the same ticks."""
        if not any(other.whole(topic) for other in self.feeds if other is not feed):
            self.skipped += missing
            with self.publisher.lock:
                topic.stream.seq += missing

    def on_state(self, feed: Feed) -> None:
        state = feed.state
        told = {"feed": feed.name, "state": "silent" if state is None else state.state}
        self.publisher.tell(notice_topic("md_worker"), "Feed", told)
        if state is None:
            feed.fail_calls()
        was, self.up = self.up, any(feed.up for feed in self.feeds)
        if was and not self.up:
            self._forget_fronts()
        self._tell_front(_NETWORK_READ if state is None else state.reason)
        self._tell_state()

    def _tell_front(self, reason: int | None) -> None:
        was, self.connected = self.connected, any(feed.connected for feed in self.feeds)
        topic = notice_topic("md_worker")
        if self.connected and not was:
            self.publisher.tell(topic, "OnFrontConnected", None)
        elif was and not self.connected:
            self.publisher.tell(topic, "OnFrontDisconnected", reason or _NETWORK_READ)

    def _forget_fronts(self) -> None:
        """No feed has a front: the last ticks are no longer the latest."""
        for topic in self.topics.values():
            self._forget(topic)

    def _forget(self, topic: Topic) -> None:
        self.publisher.forget(topic.name)
        self.merger.renew(topic.instrument)

    # -- interest ------------------------------------------------------------------------------

    def _take_interest(self) -> None:
        for wanted, name in self.publisher.subscriptions():
            if wanted:
                self.subscribed.add(name)
                self._follow(name)
            else:
                self.subscribed.discard(name)
                self._leave(name)

    def _follow(self, name: str) -> None:
        instrument = _instrument(name)
        if instrument is None or name in self.topics:
            return
        topic = self.topics[name] = Topic(name, instrument, self.publisher.stream(name))
        for feed in self.feeds:
            feed.follow(topic)

    def _leave(self, name: str) -> None:
        if name in self.subscribed or name in self.held:
            return
        topic = self.topics.pop(name, None)
        if topic is None:
            return
        self._forget(topic)
        for feed in self.feeds:
            feed.leave(topic)
        if not topic.stream.seq:  # perhaps a name that somebody made up
            self.publisher.drop(name)

    # -- calls ---------------------------------------------------------------------------------

    def _take_calls(self) -> None:
        for _ in range(_CALLS_AT_ONCE):
            received = self.router.receive()
            if received is None:
                return
            self._on_call(*received)

    def _on_call(self, peer: bytes, call: Call) -> None:
        try:
            if call.seconds_left < 0:
                raise request_failed("expired before the worker saw it")
            self._dispatch(peer, call)
        except Refused as refusal:
            self.replies.refuse(peer, call, refusal)
        except Exception:
            log.exception("a call was not handled", extra={"fields": {"method": call.method}})
            self.replies.refuse(peer, call, refused(INTERNAL_ERROR, "see md_merge's log"))

    def _dispatch(self, peer: bytes, call: Call) -> None:
        if call.method in _LISTS:
            self._subscribe(peer, call)
        elif call.method in _ENDS:
            self._answer_unsubscribe(peer, call)
        elif call.method == "Snapshot":
            self._snapshot(peer, call)
        elif call.method == "Since":
            asked = place_of(call)
            messages, seq = self.publisher.since(asked.topic, asked.epoch, asked.seq)
            self.replies.since(peer, call, messages, Place(self.epoch, seq))
        elif call.method == "State":
            self.replies.own(peer, call, "State", self._describe())
        elif call.method in self.catalogue.md.requests and call.method != "ReqUserLogout":
            self._request(peer, call)
        else:
            raise refused(NOT_IMPLEMENTED, f"md_worker has no {call.method}")

    def _snapshot(self, peer: bytes, call: Call) -> None:
        names = instruments_of(call, may_be_empty=True) or sorted(
            topic.instrument
            for topic in self.topics.values()
            if topic.name.startswith("tick/") and topic.stream.last is not None
        )
        messages = [self.publisher.last(f"tick/{name}/") for name in names]
        self.replies.messages(peer, call, messages or [None])

    def _subscribe(self, peer: bytes, call: Call) -> None:
        names = instruments_of(call)
        feeds = self._ready()
        prefix, reply = _LISTS[call.method]
        for name in names:
            self.held[f"{prefix}{name}/"] = self.loop.time() + self.config.answer_s
            self._follow(f"{prefix}{name}/")
        answer = Listed([feed.name for feed in feeds], len(names), self._is_error)
        self._ask(feeds, call, answer, partial(self._finish_list, peer, call, answer, reply))

    def _finish_list(self, peer: bytes, call: Call, answer: Listed, reply: str) -> None:
        if answer.refused is not None and not any(answer.rows):
            self._pass_on(peer, call, [answer.refused])
            return
        silence = self.catalogue.codec("RspInfo").pack(
            {"ErrorID": NETWORK_FAILURE, "ErrorMsg": return_text(NETWORK_FAILURE)}
        )
        size = self.catalogue.layouts["RspInfo"].size
        self.replies.answers(
            peer,
            call,
            reply,
            [
                Answer(None, silence)
                if row is None
                else Answer(*split_body(row.flags, row.body, size))
                for row in answer.rows
            ],
        )

    def _answer_unsubscribe(self, peer: bytes, call: Call) -> None:
        """As md_worker: what one caller no longer wants may be wanted by others."""
        info = self.catalogue.codec("RspInfo").pack({"ErrorMsg": "CTP:No Error"})
        codec = self.catalogue.codec("SpecificInstrument")
        answers = [
            Answer(codec.pack({"InstrumentID": name}), info) for name in instruments_of(call)
        ]
        self.replies.answers(peer, call, _ENDS[call.method], answers)

    def _request(self, peer: bytes, call: Call) -> None:
        self.bodies.check(call.method, self.catalogue.md.requests[call.method].struct, call.body)
        # A login waits for a front that is away, as it does at md_worker.
        feeds = self.feeds if call.method == "ReqUserLogin" else self._ready()
        answer = Whole([feed.name for feed in feeds], self._is_error)
        self._ask(feeds, call, answer, partial(self._finish_request, peer, call, answer))

    def _finish_request(self, peer: bytes, call: Call, answer: Whole) -> None:
        if answer.rows:
            self._pass_on(peer, call, answer.rows)
        else:
            error = request_failed(f"no answer; the front is {self._state()[0]}")
            self.replies.refuse(peer, call, error)

    def _ready(self) -> list[Feed]:
        feeds = [feed for feed in self.feeds if feed.up]
        if not feeds:
            raise request_failed(f"the market data front is {self._state()[0]}")
        return feeds

    def _ask(
        self, feeds: list[Feed], call: Call, answer: Whole | Listed, done: Callable[[], None]
    ) -> None:
        """Put a call to all of these feeds; ``done`` when the answer is complete, or in time."""
        if self.open >= _MOST_OPEN:
            raise request_failed("too many requests wait for the front")
        self.open += 1
        question = Question(feeds, call, answer, self._done(done))
        question.timer = self.loop.call_later(min(call.seconds_left, _LONGEST_WAIT_S), question.end)
        question.ask()

    def _done(self, done: Callable[[], None]) -> Callable[[], None]:
        def end() -> None:
            self.open -= 1
            done()

        return end

    def _pass_on(self, peer: bytes, call: Call, rows: list[Row]) -> None:
        for row in rows:
            self.router.send(peer, row._replace(id=call.id, request_id=call.request_id))

    def _is_error(self, row: Row) -> bool:
        if refusal(row):
            return True
        size = self.catalogue.layouts["RspInfo"].size
        info = split_body(row.flags, row.body, size)[1]
        return info is not None and bool(self.catalogue.codec("RspInfo").get(info, "ErrorID"))

    # -- time ----------------------------------------------------------------------------------

    async def _turns(self) -> None:
        while True:
            self._turn()
            await asyncio.sleep(_BUSY_S if self.beats.busy else _TURN_S)

    def _turn(self) -> None:
        now_ns, now = time.monotonic_ns(), self.loop.time()
        paused = now_ns - self.turned_ns > _PAUSE_NS
        self.turned_ns = now_ns
        for feed in self.feeds:
            if paused:
                feed.excuse(now_ns)
            feed.listen(now_ns)
        self._take_interest()
        self._take_calls()
        self.beats.step(now)
        if now >= self.next_state:
            for name in [name for name, until in self.held.items() if until <= now]:
                del self.held[name]
                self._leave(name)
            self._tell_state()
            self._tell_stat(now_ns)
            for feed in self.feeds:
                feed.forget_lags()
            self.next_state = now + _STATE_S

    def _tell_stat(self, now_ns: int) -> None:
        stat = self.meter.stat(
            counters={
                "ticks": self.ticks,
                "late": self.late,
                "skipped": self.skipped,
                "ticks_failed": sum(feed.unhandled for feed in self.feeds),
                "rows_dropped": self.router.dropped,
                "malformed_calls": self.router.malformed,
                "connections_refused": self.router.refused,
                "calls_forbidden": self.router.forbidden,
            },
            queues={"calls": self.open},
            levels={"wanted": len(self.topics)},
            hops={"publish": self.publisher.delays},
        )
        message = with_more(stat, **self._count(now_ns))
        self.publisher.tell(stat_topic("md_merge"), "Stat", message)

    def _tell_state(self) -> None:
        self.publisher.tell(state_topic("md_worker"), "State", self._describe())

    def _describe(self) -> dict[str, object]:
        """What md_worker's state message says, and ``feeds``."""
        state, reason = self._state()
        return {
            "front": "connected" if self.connected else "disconnected",
            "logged_in": self.up,
            "state": state,
            "reason": reason,
            "epoch": self.epoch,
            "ticks": self.ticks,
            "ticks_failed": sum(feed.unhandled for feed in self.feeds),
            "subscribed": len(self.topics) if self.up else 0,
            "wanted": len(self.topics),
            "rows_dropped": self.router.dropped,
            "malformed_calls": self.router.malformed,
            "connections_refused": self.router.refused,
            "calls_forbidden": self.router.forbidden,
            **self._count(time.monotonic_ns()),
        }

    def _count(self, now_ns: int) -> dict[str, object]:
        return {
            "late": self.late,
            "skipped": self.skipped,
            "doubts": self.merger.doubts,
            "feeds": {feed.name: feed.describe(now_ns) for feed in self.feeds},
        }

    def _state(self) -> tuple[str, int | None]:
        """The state of the feed that is best off, and its reason."""
        states = [feed.state for feed in self.feeds if feed.state is not None]
        if not states:
            return "disconnected", _NETWORK_READ
        best = max(states, key=lambda state: (state.logged_in, state.front == "connected"))
        return best.state, best.reason


class Question:
    """One call that several feeds were asked."""

    def __init__(
        self,
        feeds: list[Feed],
        call: Call,
        answer: Whole | Listed,
        done: Callable[[], None],
    ) -> None:
        self._feeds, self._call, self._answer, self._done = feeds, call, answer, done
        self._numbers: list[tuple[Feed, int]] = []
        self._ended = False
        self.timer: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        call = self._call
        for feed in self._feeds:
            try:
                number = feed.ask(
                    call, partial(self._on_row, feed.name), partial(self._on_lost, feed.name)
                )
            except Unavailable:
                self._on_lost(feed.name)
            else:
                self._numbers.append((feed, number))

    def end(self) -> None:
        """The answer is complete, or has to do."""
        if self._ended:
            return
        self._ended = True
        if self.timer is not None:
            self.timer.cancel()
        for feed, number in self._numbers:
            feed.forget_call(number)
        self._done()

    def _on_row(self, feed: str, row: Row) -> None:
        if self._answer.take(feed, row):
            self.end()

    def _on_lost(self, feed: str) -> None:
        if self._answer.drop(feed):
            self.end()


def _instrument(topic: str) -> str | None:
    """The instrument of a topic that feeds have; None for a prefix of several and any other."""
    for prefix in _PREFIXES:
        name = topic.removeprefix(prefix).removesuffix("/")
        if topic == f"{prefix}{name}/" and is_instrument(name):
            return name
    return None
