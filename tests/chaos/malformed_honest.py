"""Well-behaved clients beside the attacks of ``malformed.py``: of every kind one, each in a thread.

Each asks for something again and again, over a connection that stays and now and then over a new
one, and notes how long it took to be served.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import zmq

from tests.support.ws_client import ONE_LOT, WsClient, bearer, ws

from . import malformed_bus, malformed_ofx
from .malformed_tally import Where

_PAUSE_S: Final = 0.25
_ORDER_S: Final = 2.0  # td_worker keeps an order for the day: few, or they pass for growth
NAMED: Final = ("600000", "rb2610", "SR701", "au2612")
_TRADER: Final = "ws orders"
_ANEW: Final = 8  # times over one connection
_CODE: Final = {"code": "600000", "market": "SH"}
Serve = Callable[[], object]
T = TypeVar("T")


class Crowd:
    """``served`` and ``slowest`` by client, and what none of them may meet."""

    def __init__(self, where: Where, user: str, password: str) -> None:
        self._where, self._user, self._password = where, user, password
        self.served: dict[str, int] = {}
        self.slowest: dict[str, float] = {}
        self.faults: list[str] = []
        self._connected: set[str] = set()
        self._stop = threading.Event()
        self.calm = threading.Event()  # while it is set nobody connects anew
        self._codes: dict[str, str] = {}
        self._threads = [
            threading.Thread(target=self._live, args=(name, begin), name=name)
            for name, begin in self._kinds().items()
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def complete(self) -> bool:
        """Whether all of them are connected, or have ended with a fault."""
        return bool(self.faults) or len(self._connected) == len(self._threads)

    def _kinds(self) -> dict[str, Callable[[ExitStack], Serve]]:
        return {
            _TRADER: self._trader,
            "ws ticks": self._watcher,
            "ofx v1": lambda stack: self._ofx(stack, "login"),
            "ofx tls": lambda stack: self._ofx(stack, "trade"),
            "ofx psk": lambda stack: self._ofx(stack, "quote"),
            "bus td_worker": lambda stack: self._caller(stack, "td_rpc"),
            "bus md_worker": lambda stack: self._caller(stack, "md_rpc"),
            "bus recorder": lambda stack: self._caller(stack, "rec_rpc"),
            "bus ticks": self._subscriber,
        }

    def _live(self, name: str, begin: Callable[[ExitStack], Serve]) -> None:
        try:
            while not self._stop.is_set():
                with ExitStack() as stack:
                    serve = self._timed(name, lambda: begin(stack))
                    self._connected.add(name)
                    stack.callback(self._connected.discard, name)
                    for times in itertools.count(1):
                        if self._stop.wait(_ORDER_S if name == _TRADER else _PAUSE_S):
                            return
                        self._timed(name, serve)
                        if times >= _ANEW and not self.calm.is_set():
                            break
        except Exception as exc:
            self.faults.append(f"{name} was not served: {type(exc).__name__}: {exc}")

    def _timed(self, name: str, act: Callable[[], T]) -> T:
        begin = time.monotonic()
        done = act()
        took = time.monotonic() - begin
        self.served[name] = self.served.get(name, 0) + 1
        self.slowest[name] = max(self.slowest.get(name, 0.0), took)
        return done

    # -- each of them: what it opens, and what it asks for -----------------------------------

    def _trader(self, stack: ExitStack) -> Serve:
        """An order that rests, and its end."""
        td = self._ws(stack, "/td/?outcomes=on")
        said = td.log_in(self._user, self._password)
        assert said["RspInfo"]["ErrorID"] == 0, said
        td.send(MsgType="ReqQryInstrument", QryInstrument={"ProductID": "rb"}, RequestID=1)
        named = td.hear_of("RspQryInstrument")["Instrument"]
        order: dict[str, Any] = {key: named[key] for key in ("InstrumentID", "ExchangeID")}
        td.send(MsgType="ReqQryDepthMarketData", QryDepthMarketData=order, RequestID=2)
        price = td.hear_of("RspQryDepthMarketData")["DepthMarketData"]["LowerLimitPrice"]

        def serve() -> None:
            insert = {**ONE_LOT, **order, "LimitPrice": price}
            td.send(MsgType="ReqOrderInsert", InputOrder=insert, RequestID=3)
            outcome: dict[str, Any] = {}
            heard: dict[str, Any] = {}
            while not outcome or not heard.get("OrderSysID"):  # either may be the first to come
                said = td.hear()
                outcome = said.get("OrderOutcome", outcome)
                heard = said.get("Order", heard)
            ours = {key: heard[key] for key in (*order, "FrontID", "SessionID", "OrderRef")}
            td.send(
                MsgType="ReqOrderAction",
                InputOrderAction={**ours, "OrderSysID": heard["OrderSysID"], "ActionFlag": "0"},
                RequestID=4,
            )
            while td.hear_of("RtnOrder")["Order"]["OrderStatus"] != "5":
                pass

        return serve

    def _watcher(self, stack: ExitStack) -> Serve:
        md = self._ws(stack, "/md/")
        assert md.log_in("", "")["RspInfo"]["ErrorID"] == 0
        # All that the attacks name too: the recorder opens a file for the first tick of each.
        md.send(MsgType="SubscribeMarketData", InstrumentID=list(NAMED))

        def serve() -> None:
            md.hear_of("RtnDepthMarketData")

        return serve

    def _ws(self, stack: ExitStack, path: str) -> WsClient:
        host, port = self._where.ws
        made = ws(f"ws://{host}:{port}{path}", additional_headers=bearer(self._where.token))
        return stack.enter_context(made)

    def _ofx(self, stack: ExitStack, service: str) -> Serve:
        where = self._where._replace(password=self._password)
        asks: dict[str, dict[str, Any]] = {
            "login": {"cmd": 1, "params": {"username": "honest", "password": self._password}},
            "quote": {"cmd": 110001, "params": [_CODE]},
            "trade": {"cmd": 210001},
        }
        ask = asks[service]
        if service == "trade":
            ask["authcode"] = malformed_ofx.authcode(where, "honest")
        line = stack.enter_context(malformed_ofx.opened(where, service, user="honest"))

        def serve() -> None:
            line.send([json.dumps(ask)])
            said = json.loads(next(line.replies(1)))
            assert said.get("stat", 200) == 200, said

        return serve

    def _caller(self, stack: ExitStack, rpc: str) -> Serve:
        dealer = stack.enter_context(malformed_bus.dealer(self._where, rpc))
        return lambda: malformed_bus.ask_and_hear(dealer)

    def _subscriber(self, stack: ExitStack) -> Serve:
        sub = stack.enter_context(malformed_bus.socket_to(self._where, "md_pub", zmq.SUB))
        sub.set(zmq.RCVTIMEO, 30_000)
        sub.subscribe(b"tick/600000/")
        sub.connect(self._where.bus["md_pub"])

        def serve() -> None:
            sub.recv()

        return serve
