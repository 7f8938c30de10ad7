"""The process: the API's callbacks on one side, the bus on the other.

Two threads. The API's own thread publishes ticks straight from the callback and puts everything
else into the inbox; the main thread does all the rest.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from functools import partial
from typing import Any, Final

import zmq

from bus.beats import Beats
from bus.bodies import Bodies
from bus.config import Loaded, open_calendar
from bus.endpoints import feed_addresses, resolve
from bus.epoch import next_epoch
from bus.errors import Refused, refused, request_failed
from bus.frames import join_body, message_type, notice_topic, quote_topic, state_topic
from bus.lock import hold
from bus.orders import Place
from bus.process import announce, leave
from bus.publisher import Publisher
from bus.rpc import Call, Router
from bus.security import keys_of
from bus.stats import program_name
from bus.wake import Inbox
from schemas import catalogue as catalogues
from schemas.counter import Counter, Event
from schemas.errors import INTERNAL_ERROR, NETWORK_FAILURE, NOT_IMPLEMENTED, return_text

from .config import MdConfig
from .gate import LOGOUT_ID, LONGEST_WAIT_S, Gate
from .login import State
from .replies import Replies
from .stats import Stats
from .subscriptions import Answer, Subscriptions, Ticket
from .ticks import TickPublisher
from .verbs import instruments_of, is_instrument, place_of

log = logging.getLogger("md_worker")

# A subscription may hide from poll while the API's thread sends (its send takes the signal off the
# socket's FD), so the socket is looked at this often in any case.
_POLL_MS: Final = 20
_BUSY_MS: Final = 1  # beats are left; not 0, because the API's thread needs the interpreter
_STATE_S: Final = 1.0
_PATIENCE_S: Final = 5.0  # a recorded day waits so long for a subscriber
# Calls taken before callbacks and timers get their turn again: one caller may not take it all.
_CALLS_AT_ONCE: Final = 256
_MOST_OPEN: Final = 10_000


class Family:
    """One of the two kinds of subscription: its verbs, its replies, its topics."""

    def __init__(self, noun: str, suffix: str, prefix: str, hold_s: float) -> None:
        self.subscribe, self.unsubscribe = f"Subscribe{noun}", f"UnSubscribe{noun}"
        self.subscribed, self.unsubscribed = f"OnRspSub{suffix}", f"OnRspUnSub{suffix}"
        self.prefix = prefix
        self.state = Subscriptions(hold_s)

    def instrument(self, topic: str) -> str | None:
        """The instrument of a topic, None for a prefix of several topics or another family."""
        name = topic.removeprefix(self.prefix).removesuffix("/")
        return name if topic == f"{self.prefix}{name}/" and is_instrument(name) else None


class MdWorker:
    def __init__(self, loaded: Loaded[MdConfig]) -> None:
        self.config = loaded.own
        member, data = loaded.member, loaded.common.data
        folder = loaded.common.folder(f"md_worker.{member}" if member else "md_worker")
        self._lock = hold(folder / "lock")
        self.catalogue = catalogues.load(loaded.common.binding)
        self.addresses = (
            feed_addresses(data, member) if member else resolve(loaded.common.bus, data)
        )
        self.context: zmq.Context[Any] = zmq.Context()
        self.keys = keys_of(loaded.common.keys, "md_worker")
        layout_id = self.catalogue.layout_id
        epoch = next_epoch(folder)
        self.publisher = Publisher(
            self.context,
            self.addresses.md_pub,
            epoch,
            layout_id,
            self.config.keep_ticks,
            keys=self.keys,
            high_water=self.addresses.high_water,
            patience_s=_PATIENCE_S if self.config.replayed else 0.0,
        )
        self.router = Router(self.context, self.addresses.md_rpc, layout_id, self.keys)
        self.replies = Replies(self.router)
        self.bodies = Bodies(self.catalogue)
        self.ticks = TickPublisher(self.publisher, self.catalogue.layouts["DepthMarketData"])
        self.stats = Stats(
            program_name("md_worker", member),
            self.publisher,
            self.router,
            self.ticks,
            self.catalogue.codec("DepthMarketData"),
            open_calendar(loaded.common),
        )
        self.inbox: Inbox[Event | None] = Inbox()
        self.families = (
            Family("MarketData", "MarketData", "tick/", self.config.answer_s),
            Family("ForQuoteRsp", "ForQuoteRsp", "quote/", self.config.answer_s),
        )
        self.beats = Beats(self.publisher, self._topics)
        self.flow = folder / "flow"
        self.counter = Counter(
            self.catalogue,
            "md",
            self.config.fronts,
            self.inbox.put,
            {"OnRtnDepthMarketData": self.ticks.accept},
        )
        self.gate = Gate(
            self.catalogue, self.config, self.counter, self.replies, self._on_new_state
        )
        self.requests: dict[int, tuple[bytes, Call, float]] = {}
        self.last_id = LOGOUT_ID
        self.next_state = 0.0
        self.allowance = float(self.config.subscribe_per_s)
        self.allowed_at = time.monotonic()
        self.running = True

    def run(self) -> None:
        """Work until SIGTERM, which ends the process here."""
        leave(self.serve())

    def serve(self) -> int:
        """The same, but the caller ends the process, with this status and by ``leave``."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.inbox.put(None))
        try:
            self._work()
        except Exception:
            log.critical("md_worker failed", exc_info=True)
            return 1
        if self.config.replayed:
            self._deliver()
        return 0

    def _deliver(self) -> None:
        """A recorded day waits for its subscribers at the end too."""
        self.publisher.close(linger_s=_PATIENCE_S)
        self.router.close()
        farewell = threading.Thread(target=self.context.term, daemon=True)
        farewell.start()
        farewell.join(_PATIENCE_S)

    def _work(self) -> None:
        self.counter.start(self.flow)
        announce({"pub": self.addresses.md_pub, "rpc": self.addresses.md_rpc})
        poller = zmq.Poller()
        for source in (self.router.socket, self.publisher.fd, self.inbox.fd):
            poller.register(source, zmq.POLLIN)
        while self.running:
            poller.poll(_BUSY_MS if self.beats.busy else _POLL_MS)
            self._step(time.monotonic())

    def _step(self, now: float) -> None:
        for event in self.inbox.take():
            if event is None:
                self.running = False
            else:
                self._on_event(event, now)
        for wanted, topic in self.publisher.subscriptions():
            self._on_interest(wanted, topic)
        for _ in range(_CALLS_AT_ONCE):
            received = self.router.receive()
            if received is None:
                break
            self._on_call(*received, now)
        self._timers(now)

    # -- the counter -------------------------------------------------------------------------

    def _on_event(self, event: Event, now: float) -> None:
        try:
            self._handle(event, now)
        except Exception:
            fields = {"callback": event.name}
            log.exception("a callback was not handled", extra={"fields": fields})

    def _handle(self, event: Event, now: float) -> None:
        if event.name == "OnFrontConnected":
            self.gate.connected(now)
            self._notice(event)
        elif event.name == "OnFrontDisconnected":
            self.gate.disconnected(event.number)
            self._notice(event)
        elif event.name == "OnHeartBeatWarning":
            self._notice(event)
        elif event.name == "OnRtnForQuoteRsp":
            self._on_quote(event)
        elif not self.gate.on_event(event, now) and not self._on_subscription_answer(event):
            self._on_reply(event)

    def _on_new_state(self) -> None:
        """Called by the gate. Only a session that is logged in has subscriptions and requests."""
        if self.gate.state is not State.READY:
            for family in self.families:
                family.state.front_lost()
            for instrument in self.ticks.instruments():  # the last, but no longer the latest
                self.ticks.forget(instrument)
            requests, self.requests = self.requests, {}
            for peer, call, _ in requests.values():
                error = request_failed("the front disconnected before it answered")
                self.replies.refuse(peer, call, error)
        self._tell_state()

    def _notice(self, event: Event) -> None:
        """Tell everybody what concerns no request."""
        topic = notice_topic("md_worker")
        callback = self.catalogue.md.callbacks[event.name]
        if not callback.has_info:
            self.publisher.tell(topic, event.name, event.number if callback.number else None)
            return
        flags, body = join_body(event.field, event.info)
        stream = self.publisher.stream(topic)
        self.publisher.publish(stream, message_type(event.name), flags, body, event.recv_ns)

    def _on_quote(self, event: Event) -> None:
        if event.field is None:
            return
        instrument = self.catalogue.codec("ForQuoteRsp").get(event.field, "InstrumentID")
        stream = self.publisher.stream(quote_topic(str(instrument)))
        flags, body = join_body(event.field, event.info)
        self.publisher.publish(stream, message_type(event.name), flags, body, event.recv_ns)

    def _on_subscription_answer(self, event: Event) -> bool:
        for family in self.families:
            if event.name not in (family.subscribed, family.unsubscribed):
                continue
            if event.field is not None:
                codec = self.catalogue.codec("SpecificInstrument")
                self._on_answer(family, event, str(codec.get(event.field, "InstrumentID")))
            return True
        return False

    def _on_answer(self, family: Family, event: Event, instrument: str) -> None:
        if event.name == family.subscribed:
            answer = Answer(event.field, event.info)
            family.state.answered(instrument, answer, accepted=not self._error_id(event))
        elif family.prefix == "tick/" and not family.state.wants(instrument):
            # Between our request and this answer the front went on ticking.
            self.ticks.forget(instrument)

    def _on_reply(self, event: Event) -> None:
        waiting = self.requests.get(event.request_id)
        if waiting is None:
            log.info("callback", extra={"fields": {"name": event.name}})
            if event.name == "OnRspError":
                self._notice(event)
            return
        last = event.last or event.name == "OnRspError"
        if last:
            del self.requests[event.request_id]
        peer, call, _ = waiting
        self.replies.event(peer, call, event, last=last)

    def _error_id(self, event: Event) -> int:
        if event.info is None:
            return 0
        return int(self.catalogue.codec("RspInfo").get(event.info, "ErrorID") or 0)

    # -- the bus -----------------------------------------------------------------------------

    def _on_interest(self, wanted: bool, topic: str) -> None:
        for family in self.families:
            instrument = family.instrument(topic)
            if instrument is not None and wanted:
                family.state.want(instrument)
            elif instrument is not None:
                family.state.leave(instrument)

    def _on_call(self, peer: bytes, call: Call, now: float) -> None:
        try:
            if call.seconds_left < 0:
                raise request_failed("expired before the worker saw it")
            self._dispatch(peer, call, now)
        except Refused as refusal:
            self.replies.refuse(peer, call, refusal)
        except Exception:
            log.exception("a call was not handled", extra={"fields": {"method": call.method}})
            self.replies.refuse(peer, call, refused(INTERNAL_ERROR, "see md_worker's log"))

    def _dispatch(self, peer: bytes, call: Call, now: float) -> None:
        for family in self.families:
            if call.method == family.subscribe:
                self._subscribe(family, peer, call, now)
                return
            if call.method == family.unsubscribe:
                self._answer_unsubscribe(family, peer, call)
                return
        if call.method == "ReqUserLogin":
            self.gate.attach(peer, call, now)
        elif call.method == "Snapshot":
            self._snapshot(peer, call)
        elif call.method == "Since":
            self._since(peer, call)
        elif call.method == "State":
            self.replies.own(peer, call, "State", self._describe())
        elif call.method in self.catalogue.md.requests and call.method != "ReqUserLogout":
            self._request(peer, call, now)
        else:
            raise refused(NOT_IMPLEMENTED, f"md_worker has no {call.method}")

    def _subscribe(self, family: Family, peer: bytes, call: Call, now: float) -> None:
        instruments = instruments_of(call)
        self._check_ready()
        reply = partial(self.replies.answers, peer, call, family.subscribed)
        # The front's time to answer begins when it has been asked.
        own_s = (family.state.queued + len(instruments)) / self.config.subscribe_per_s
        ticket = Ticket(reply, instruments, now + own_s + self.config.answer_s)
        family.state.ask(ticket, now)

    def _answer_unsubscribe(self, family: Family, peer: bytes, call: Call) -> None:
        """What a caller no longer wants may be wanted by others: the front is told when the topic
        has lost its last subscriber, so the answer is ours."""
        info = self.catalogue.codec("RspInfo").pack({"ErrorMsg": "CTP:No Error"})
        answers = [
            Answer(self.catalogue.codec("SpecificInstrument").pack({"InstrumentID": name}), info)
            for name in instruments_of(call)
        ]
        self.replies.answers(peer, call, family.unsubscribed, answers)

    def _snapshot(self, peer: bytes, call: Call) -> None:
        names = instruments_of(call, may_be_empty=True) or self.ticks.instruments()
        messages = [self.ticks.last(name) for name in names]
        self.replies.messages(peer, call, messages or [None])

    def _since(self, peer: bytes, call: Call) -> None:
        asked = place_of(call)
        messages, seq = self.publisher.since(asked.topic, asked.epoch, asked.seq)
        self.replies.since(peer, call, messages, Place(self.publisher.epoch, seq))

    def _request(self, peer: bytes, call: Call, now: float) -> None:
        self._check_ready()
        self.bodies.check(call.method, self.catalogue.md.requests[call.method].struct, call.body)
        if len(self.requests) >= _MOST_OPEN:
            raise request_failed("too many requests wait for the front")
        self.last_id += 1
        status = self.counter.request(call.method, call.body, self.last_id)
        if status != 0:
            raise request_failed(f"{call.method} returned {status}")
        deadline = now + min(call.seconds_left, LONGEST_WAIT_S)
        self.requests[self.last_id] = (peer, call, deadline)

    def _check_ready(self) -> None:
        if self.gate.state is not State.READY:
            raise request_failed(f"the market data front is {self.gate.state.value}")

    # -- time --------------------------------------------------------------------------------

    def _topics(self) -> list[str]:
        """Those of instruments that have subscribers."""
        return [
            f"{family.prefix}{instrument}/"
            for family in self.families
            for instrument in family.state.subscribed
        ]

    def _timers(self, now: float) -> None:
        self.beats.step(now)
        self.gate.timers(now)
        if self.gate.state is State.READY:
            self._refill(now)
            for family in self.families:
                self._drop(family)
                self._ask(family, now)
        for family in self.families:
            for ticket in family.state.finished(now):
                self._finish(ticket)
        self._expire(now)
        if now >= self.next_state:
            self._tell_state()
        state = self.families[0].state
        queues = {"calls": len(self.requests), "subscriptions": state.queued}
        self.stats.tell(state.confirmed, len(state), queues, now)

    def _refill(self, now: float) -> None:
        """So many instruments a second may be asked of the front, wanted or not wanted."""
        rate = self.config.subscribe_per_s
        self.allowance = min(rate, self.allowance + (now - self.allowed_at) * rate)
        self.allowed_at = now

    def _drop(self, family: Family) -> None:
        drops = family.state.drops(int(self.allowance))
        if not drops:
            return
        self.allowance -= len(drops)
        if self.counter.instruments(family.unsubscribe, list(drops)) != 0:
            family.state.not_dropped(drops)
        elif family.prefix == "tick/":
            for instrument in drops:
                self.ticks.forget(instrument)

    def _ask(self, family: Family, now: float) -> None:
        batch = family.state.batch(int(self.allowance), now)
        if not batch:
            return
        self.allowance -= len(batch)
        if self.counter.instruments(family.subscribe, batch) != 0:
            family.state.not_sent(batch)

    def _finish(self, ticket: Ticket) -> None:
        """Answer a call in the order of its instruments."""
        silence = self.catalogue.codec("RspInfo").pack(
            {"ErrorID": NETWORK_FAILURE, "ErrorMsg": return_text(NETWORK_FAILURE)}
        )
        ticket.reply(
            [
                ticket.answers.get(instrument) or Answer(None, silence)
                for instrument in ticket.instruments
            ]
        )

    def _expire(self, now: float) -> None:
        for number, (peer, call, deadline) in list(self.requests.items()):
            if deadline < now:
                del self.requests[number]
                self.replies.refuse(peer, call, request_failed("no answer within the time limit"))

    def _tell_state(self) -> None:
        self.next_state = time.monotonic() + _STATE_S
        self.publisher.tell(state_topic("md_worker"), "State", self._describe())

    def _describe(self) -> dict[str, object]:
        """What the state message says; ``reason`` is CTP's disconnect reason or login error."""
        state = self.gate.state
        replay = self.counter.replay_state()
        return {
            "front": "disconnected" if state is State.DOWN else "connected",
            "logged_in": state is State.READY,
            "state": state.value,
            "reason": self.gate.reason,
            "epoch": self.publisher.epoch,
            "ticks": self.ticks.count,
            "ticks_failed": self.ticks.failed,
            "subscribed": len(self.families[0].state.confirmed),
            "wanted": len(self.families[0].state),
            "rows_dropped": self.router.dropped,
            "connections_refused": self.router.refused,
            "calls_forbidden": self.router.forbidden,
            "malformed_calls": self.router.malformed,
            **({"replay": replay} if replay else {}),
        }
