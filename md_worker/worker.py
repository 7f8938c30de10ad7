"""The process: the API's callbacks on one side, the bus on the other.

Two threads. The API's own thread publishes ticks straight from the callback and puts everything
else into the inbox; the main thread does all the rest.
"""

from __future__ import annotations

import logging
import signal
import time
from functools import partial
from typing import Any, Final

import msgspec
import zmq

from bus.config import Loaded
from bus.endpoints import resolve
from bus.epoch import next_epoch
from bus.errors import Refused, bad_parameters, refused, request_failed
from bus.frames import Flag, Row, join_body, message_type, quote_topic, state_topic
from bus.lock import hold
from bus.process import announce
from bus.publisher import Publisher
from bus.retry import Retry
from bus.rpc import Call, Router
from bus.wake import Inbox
from schemas import catalogue as catalogues
from schemas.counter import Counter, Event
from schemas.errors import NETWORK_FAILURE, NOT_IMPLEMENTED, return_text

from .config import MdConfig
from .login import State, after
from .subscriptions import Answer, Subscriptions, Ticket
from .ticks import TickPublisher

log = logging.getLogger("md_worker")

# A subscription may hide from poll while the API's thread sends (its send takes the signal off the
# socket's FD), so the socket is looked at this often in any case.
_POLL_MS: Final = 20
_STATE_S: Final = 1.0
_LOGIN_ID: Final = 1
_LOGIN_S: Final = 10.0


class Family:
    """One of the two kinds of subscription: its verbs, its replies, its topics."""

    def __init__(self, noun: str, suffix: str, prefix: str) -> None:
        self.subscribe, self.unsubscribe = f"Subscribe{noun}", f"UnSubscribe{noun}"
        self.subscribed, self.unsubscribed = f"OnRspSub{suffix}", f"OnRspUnSub{suffix}"
        self.prefix = prefix
        self.state = Subscriptions()

    def instrument(self, topic: str) -> str | None:
        """The instrument of a topic, None for a prefix of several topics or another family."""
        name = topic.removeprefix(self.prefix).removesuffix("/")
        whole = topic == f"{self.prefix}{name}/" and name and "/" not in name
        return name if whole and len(name) <= 80 else None


class MdWorker:
    def __init__(self, loaded: Loaded[MdConfig]) -> None:
        self.config = loaded.own
        folder = loaded.common.folder("md_worker")
        self._lock = hold(folder / "lock")
        self.catalogue = catalogues.load(loaded.common.binding)
        self.addresses = resolve(loaded.common.bus, loaded.common.data)
        self.context: zmq.Context[Any] = zmq.Context()
        layout_id = self.catalogue.layout_id
        epoch = next_epoch(folder)
        self.publisher = Publisher(self.context, self.addresses.md_pub, epoch, layout_id)
        self.router = Router(self.context, self.addresses.md_rpc, layout_id)
        self.ticks = TickPublisher(self.publisher, self.catalogue.layouts["DepthMarketData"])
        self.inbox: Inbox[Event | None] = Inbox()
        self.families = (
            Family("MarketData", "MarketData", "tick/"),
            Family("ForQuoteRsp", "ForQuoteRsp", "quote/"),
        )
        self.flow = folder / "flow"
        self.counter = Counter(
            self.catalogue,
            "md",
            self.config.fronts,
            self.inbox.put,
            {"OnRtnDepthMarketData": self.ticks.accept},
        )
        self.state = State.DOWN
        self.reason: int | None = None
        self.retry = Retry(self.config.retry_s)
        self.login: Event | None = None
        self.login_waiters: list[tuple[bytes, Call]] = []
        self.requests: dict[int, tuple[bytes, Call]] = {}
        self.last_id = _LOGIN_ID
        self.next_state = 0.0
        self.allowance = float(self.config.subscribe_per_s)
        self.allowed_at = time.monotonic()
        self.running = True

    def run(self) -> None:
        """Work until SIGTERM."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.inbox.put(None))
        self.counter.start(self.flow)
        announce({"pub": self.addresses.md_pub, "rpc": self.addresses.md_rpc})
        poller = zmq.Poller()
        for source in (self.router.socket, self.publisher.fd, self.inbox.fd):
            poller.register(source, zmq.POLLIN)
        while self.running:
            poller.poll(_POLL_MS)
            self._step(time.monotonic())
        self.counter.stop()
        self.router.close()
        self.publisher.close()
        self.context.term()

    def _step(self, now: float) -> None:
        for event in self.inbox.take():
            if event is None:
                self.running = False
            else:
                self._on_event(event, now)
        for wanted, topic in self.publisher.subscriptions():
            self._on_interest(wanted, topic)
        while received := self.router.receive():
            self._on_call(*received, now)
        self._timers(now)

    # -- the counter -------------------------------------------------------------------------

    def _on_event(self, event: Event, now: float) -> None:
        if event.name == "OnFrontConnected":
            self._enter("OnFrontConnected")
            self._log_in(now)
        elif event.name == "OnFrontDisconnected":
            self._on_disconnected(event)
        elif event.name == "OnRspUserLogin":
            self._on_login(event, now)
        elif event.name == "OnRtnForQuoteRsp":
            self._on_quote(event)
        elif not self._on_subscription_answer(event):
            self._on_reply(event)

    def _log_in(self, now: float) -> None:
        self.retry.unanswered(now + _LOGIN_S)
        raw = self.catalogue.codec("ReqUserLogin").pack(
            {
                "BrokerID": self.config.broker_id,
                "UserID": self.config.user_id,
                "Password": self.config.password.reveal(),
            }
        )
        status = self.counter.request("ReqUserLogin", raw, _LOGIN_ID)
        if status != 0:
            log.warning("login not sent", extra={"fields": {"status": status}})

    def _on_login(self, event: Event, now: float) -> None:
        error_id = self._error_id(event)
        if error_id:
            self._enter("refused")
            self.reason = error_id
            again = self.retry.refused(error_id, now)
            log.log(
                logging.WARNING if again else logging.ERROR,
                "login refused",
                extra={"fields": {"error_id": error_id}},
            )
            return
        self.retry.reset()
        self.login, self.reason = event, None
        self._enter("accepted")
        for peer, call in self.login_waiters:
            self._reply(peer, call, event, last=True)
        self.login_waiters.clear()

    def _on_disconnected(self, event: Event) -> None:
        self._enter("OnFrontDisconnected")
        self.reason = event.number
        self.retry.reset()
        for family in self.families:
            family.state.front_lost()
        for peer, call in self.requests.values():
            self.router.refuse(
                peer, call, request_failed("the front disconnected before it answered")
            )
        self.requests.clear()

    def _on_quote(self, event: Event) -> None:
        if event.field is None:
            return
        instrument = self.catalogue.codec("ForQuoteRsp").get(event.field, "InstrumentID")
        stream = self.publisher.stream(quote_topic(str(instrument)))
        flags, body = join_body(event.field, event.info)
        self.publisher.publish(stream, message_type(event.name), flags, body, event.recv_ns)

    def _on_subscription_answer(self, event: Event) -> bool:
        for family in self.families:
            if event.name == family.subscribed and event.field is not None:
                name = self.catalogue.codec("SpecificInstrument").get(event.field, "InstrumentID")
                answer = Answer(event.field, event.info)
                family.state.answered(str(name), answer, accepted=not self._error_id(event))
            if event.name in (family.subscribed, family.unsubscribed):
                return True
        return False

    def _on_reply(self, event: Event) -> None:
        waiting = self.requests.get(event.request_id)
        if waiting is None:
            log.info("callback", extra={"fields": {"name": event.name}})
            return
        if event.last:
            del self.requests[event.request_id]
        self._reply(*waiting, event, last=event.last)

    def _enter(self, what: str) -> None:
        state = after(self.state, what)
        if state is not self.state:
            self.state = state
            log.info("state", extra={"fields": {"state": state.value, "after": what}})
            self._tell_state()

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
            if call.deadline_ns < time.time_ns():
                raise request_failed("expired before the worker saw it")
            self._dispatch(peer, call, now)
        except Refused as refusal:
            self.router.refuse(peer, call, refusal)

    def _dispatch(self, peer: bytes, call: Call, now: float) -> None:
        for family in self.families:
            if call.method == family.subscribe:
                self._subscribe(family, peer, call, now)
                return
            if call.method == family.unsubscribe:
                self._answer_unsubscribe(family, peer, call)
                return
        if call.method == "ReqUserLogin":
            self._attach(peer, call)
        elif call.method == "Snapshot":
            self._snapshot(peer, call)
        elif call.method == "State":
            self._reply_own(peer, call, "State", self._describe())
        elif call.method in self.catalogue.md.requests and call.method != "ReqUserLogout":
            self._request(peer, call)
        else:
            raise refused(NOT_IMPLEMENTED, f"md_worker has no {call.method}")

    def _subscribe(self, family: Family, peer: bytes, call: Call, now: float) -> None:
        instruments = _instruments(call)
        if self.state is not State.READY:
            raise request_failed(f"the market data front is {self.state.value}")
        reply = partial(self._reply_answers, peer, call, family.subscribed)
        ticket = Ticket(reply, instruments, now + self.config.answer_s)
        family.state.ask(ticket, now)

    def _answer_unsubscribe(self, family: Family, peer: bytes, call: Call) -> None:
        """What a caller no longer wants may be wanted by others: the front is told when the topic
        has lost its last subscriber, so the answer is ours."""
        info = self.catalogue.codec("RspInfo").pack({"ErrorMsg": "CTP:No Error"})
        answers = [
            Answer(self.catalogue.codec("SpecificInstrument").pack({"InstrumentID": name}), info)
            for name in _instruments(call)
        ]
        self._reply_answers(peer, call, family.unsubscribed, answers)

    def _attach(self, peer: bytes, call: Call) -> None:
        """A login of a client: the session is shared, so it gets the session's own answer."""
        if self.login is not None and self.state is State.READY:
            self._reply(peer, call, self.login, last=True)
        else:
            self.login_waiters.append((peer, call))

    def _snapshot(self, peer: bytes, call: Call) -> None:
        names = _instruments(call, may_be_empty=True) or self.ticks.instruments()
        messages = [self.ticks.last(name) for name in names] or [None]
        for index, message in enumerate(messages):
            flags = Flag.HAS_FIELD if message else 0
            last = Flag.LAST if index + 1 == len(messages) else 0
            self._row(peer, call, "Snapshot", flags | last, message or b"")

    def _request(self, peer: bytes, call: Call) -> None:
        if self.state is not State.READY:
            raise request_failed(f"the market data front is {self.state.value}")
        struct = self.catalogue.md.requests[call.method].struct
        if len(call.body) != self.catalogue.layouts[struct].size:
            raise bad_parameters(f"{call.method}: body of {len(call.body)} bytes")
        self.last_id += 1
        status = self.counter.request(call.method, call.body, self.last_id)
        if status != 0:
            raise request_failed(f"{call.method} returned {status}")
        self.requests[self.last_id] = (peer, call)

    # -- time --------------------------------------------------------------------------------

    def _timers(self, now: float) -> None:
        if self.retry.due is not None and self.retry.due <= now:
            self.retry.due = None
            self._enter("retry")
            self._log_in(now)
        for family in self.families:
            self._flush(family, now)
            for ticket in family.state.finished(now):
                self._finish(ticket)
        self._expire(time.time_ns())
        if now >= self.next_state:
            self._tell_state()

    def _flush(self, family: Family, now: float) -> None:
        if self.state is not State.READY:
            return
        drops = family.state.drops()
        if drops:
            self.counter.instruments(family.unsubscribe, drops)
            if family.prefix == "tick/":
                for instrument in drops:
                    self.ticks.forget(instrument)
        rate = self.config.subscribe_per_s
        self.allowance = min(rate, self.allowance + (now - self.allowed_at) * rate)
        self.allowed_at = now
        batch = family.state.batch(int(self.allowance))
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

    def _expire(self, now_ns: int) -> None:
        for peer, call in [entry for entry in self.login_waiters if entry[1].deadline_ns < now_ns]:
            self.login_waiters.remove((peer, call))
            self.router.refuse(peer, call, request_failed(f"the front is {self.state.value}"))
        for number, (peer, call) in list(self.requests.items()):
            if call.deadline_ns < now_ns:
                del self.requests[number]
                self.router.refuse(peer, call, request_failed("no answer within the time limit"))

    # -- rows --------------------------------------------------------------------------------

    def _reply(self, peer: bytes, call: Call, event: Event, last: bool) -> None:
        flags, body = join_body(event.field, event.info)
        self._row(peer, call, event.name, flags | (Flag.LAST if last else 0), body)

    def _reply_answers(self, peer: bytes, call: Call, name: str, answers: list[Answer]) -> None:
        for index, answer in enumerate(answers):
            flags, body = join_body(answer.field, answer.info)
            last = Flag.LAST if index + 1 == len(answers) else 0
            self._row(peer, call, name, flags | last, body)

    def _reply_own(self, peer: bytes, call: Call, name: str, message: object) -> None:
        flags = Flag.MSGPACK | Flag.LOCAL | Flag.LAST
        self._row(peer, call, name, flags, msgspec.msgpack.encode(message))

    def _row(self, peer: bytes, call: Call, name: str, flags: int, body: bytes) -> None:
        layout = self.catalogue.layout_id
        row = Row(call.id, 0, call.request_id, message_type(name), layout, flags, body)
        self.router.send(peer, row)

    def _tell_state(self) -> None:
        self.next_state = time.monotonic() + _STATE_S
        self.publisher.tell(state_topic("md_worker"), "State", self._describe())

    def _describe(self) -> dict[str, object]:
        """What the state message says; ``reason`` is CTP's disconnect reason or login error."""
        return {
            "front": "disconnected" if self.state is State.DOWN else "connected",
            "logged_in": self.state is State.READY,
            "state": self.state.value,
            "reason": self.reason,
            "epoch": self.publisher.epoch,
            "ticks": self.ticks.count,
            "subscribed": len(self.families[0].state.confirmed),
            "wanted": len(self.families[0].state.wanted),
            "rows_dropped": self.router.dropped,
        }


def _instruments(call: Call, may_be_empty: bool = False) -> list[str]:
    try:
        names = msgspec.msgpack.decode(call.body, type=list[str])
    except msgspec.MsgspecError:
        raise bad_parameters(f"{call.method}: expected a list of texts") from None
    if not names and not may_be_empty:
        raise bad_parameters(f"{call.method}: the list is empty")
    for name in names:
        if not name or "\0" in name or "/" in name or len(name.encode("utf-8")) > 80:
            raise bad_parameters(f"{call.method}: not an instrument id")
    return names
