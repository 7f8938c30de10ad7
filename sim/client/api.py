"""API classes of the binding's shape that speak to the embedded exchange.

Methods are spelled as in CTP and made from the catalogue, so each binding version gets exactly
the requests it has. Req* calls and subscriptions may come from any thread, as with the real API;
callbacks are raised on one thread per API object.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

from schemas.api import Request
from schemas.binding import Binding
from schemas.catalogue import Catalogue, Side
from schemas.errors import NETWORK_FAILURE, SENT
from schemas.layout import PREFIX, SUFFIX

from .. import wire
from ..address import SCHEME, Address, parse
from ..wire import Answered, Codes, Hello, Raise, ToClient, Welcome
from .director import Director
from .flow import NO_TRADING_DAY, FlowFile, QueryLimits
from .link import Link

log = logging.getLogger("sim.client.api")


class FrontApi:
    """What both APIs share. The subclasses are made by ``api_class``."""

    _side: ClassVar[Side]
    _catalogue: ClassVar[Catalogue]

    def __init__(self, flow_path: str = "") -> None:
        self._flow = FlowFile(flow_path)
        self._spi: Any = None
        self._director: Director | None = None
        self._fronts: list[Address] = []
        self._link: Link | None = None
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._limits = QueryLimits()
        self._codes = Codes(0, {})
        self._resume = {"private": wire.RESTART, "public": wire.RESTART}
        self._welcome: Welcome | None = None
        self._trading_day = NO_TRADING_DAY

    def RegisterFront(self, pszFrontAddress: str) -> None:
        if not pszFrontAddress.startswith(SCHEME):
            raise ValueError(f"the embedded exchange has no front {pszFrontAddress!r}")
        self._fronts.append(parse(pszFrontAddress))

    def RegisterNameServer(self, pszNsAddress: str) -> None:
        raise ValueError(f"the embedded exchange has no name server {pszNsAddress!r}")

    def RegisterFensUserInfo(self, pFensUserInfo: Any) -> None:
        """Only name servers read it."""

    def RegisterSpi(self, pSpi: Any) -> None:
        """None: no more callbacks, though one may be running."""
        api = self._catalogue.api(self._side)
        self._director = None if pSpi is None else Director(pSpi, api)

    def Init(self) -> None:
        if not self._fronts:
            raise RuntimeError("Init before RegisterFront")
        if self._link is None:
            self._link = Link(self._fronts, self, f"sim-{self._side}-api")
            self._link.start()

    def Join(self) -> int:
        self._released.wait()
        return 0

    def Release(self) -> None:
        """Not from a callback: the real API may crash there, so RuntimeError."""
        if self._link is not None and self._link.own_thread:
            raise RuntimeError("Release on the API's own thread")
        if self._released.is_set():
            return
        if self._link is not None:
            self._link.close()
        self._flow.close()
        self._released.set()

    def GetTradingDay(self) -> str:
        return self._trading_day

    def _write_front_info(self, pFrontInfo: Any) -> None:
        """GetFrontInfo, where the binding has it: what is known so far, the rest empty."""
        codec = self._catalogue.codec("FrontInfo")
        welcome = self._welcome
        raw = codec.pack(
            {
                "FrontAddr": SCHEME + str(self._fronts[0]) if self._fronts else "",
                "QryFreq": welcome.queries_per_second if welcome else 0,
            }
        )
        ctypes.memmove(int(pFrontInfo.this), raw, codec.size)

    def _request(self, request: Request, field: Any, request_id: int) -> int:
        """Any Req*: copy the struct and send it."""
        if not -(2**31) <= request_id < 2**31:
            raise OverflowError("nRequestID is a 32-bit integer")
        size = self._catalogue.layouts[request.struct].size
        body = ctypes.string_at(int(field.this), size)
        if self._link is None or not self._link.connected:
            return NETWORK_FAILURE
        if code := self._scripted(request.name):
            return code
        if request.is_query:
            with self._lock:
                status = self._limits.take(request, request_id, time.monotonic())
            if status:
                return status
        return self._send(wire.Call(request.name, request_id, body))

    def _subscribe(self, name: str, instruments: list[bytes], count: int) -> int:
        if self._link is None or not self._link.connected:
            return NETWORK_FAILURE
        if code := self._scripted(name):
            return code
        names = [instrument.decode("gb18030", "replace") for instrument in instruments[:count]]
        return self._send(wire.Subscribe(name, names))

    def _send(self, message: wire.ToServer) -> int:
        return SENT if self._link is not None and self._link.send(message) else NETWORK_FAILURE

    def _scripted(self, name: str) -> int:
        """The next return code that a fault script has for this call; 0: none."""
        if not self._codes.table:
            return 0
        with self._lock:
            codes = self._codes.table.get(name)
            code = codes.pop(0) if codes else 0
        if code:
            self._send(wire.CodeUsed(name))
        return code

    # Listener: on the link's thread.

    def hello(self) -> Hello:
        day, sequence = self._flow.load()
        return Hello(self._side, self._catalogue.layout_id, **self._resume, day=day, after=sequence)

    def on_connected(self, welcome: Welcome) -> None:
        self._welcome = welcome
        self._limits.per_second = welcome.queries_per_second
        self._raise(Raise("OnFrontConnected"))

    def on_disconnected(self, reason: int) -> None:
        with self._lock:
            self._limits.disconnected()
        self._raise(Raise("OnFrontDisconnected", number=reason))

    def on_silence(self, seconds: float) -> None:
        self._raise(Raise("OnHeartBeatWarning", number=int(seconds)))

    def on_message(self, message: ToClient) -> None:
        match message:
            case Raise():
                self._on_raise(message)
            case Answered():
                with self._lock:
                    self._limits.answered(message.request_id)
            case Codes():
                with self._lock:
                    self._codes = message
                self._send(wire.CodesSeen(message.version))

    def _on_raise(self, event: Raise) -> None:
        if event.callback == "OnRspUserLogin" and event.field and not _error_id(self, event):
            codec = self._catalogue.codec("RspUserLogin")
            self._trading_day = str(codec.get(event.field, "TradingDay"))
        if event.last:
            with self._lock:
                self._limits.answered(event.request_id, event.callback)
        self._raise(event)
        if event.sequence:
            self._flow.store(self._trading_day, event.sequence)

    def _raise(self, event: Raise) -> None:
        director = self._director
        if director is not None:
            director.call(event)


def _error_id(api: FrontApi, event: Raise) -> int:
    if event.info is None:
        return 0
    return int(api._catalogue.codec("RspInfo").get(event.info, "ErrorID") or 0)


class MdApi(FrontApi):
    """CThostFtdcMdApi without its Req*."""


class TraderApi(FrontApi):
    """CThostFtdcTraderApi without its Req*."""

    def SubscribePrivateTopic(self, nResumeType: int) -> None:
        self._resume["private"] = nResumeType

    def SubscribePublicTopic(self, nResumeType: int) -> None:
        self._resume["public"] = nResumeType


def api_class(side: Side, binding: Binding, catalogue: Catalogue) -> type[FrontApi]:
    """The API class of one side, with the methods that this binding's class has."""
    module = binding.mdapi if side == "md" else binding.tdapi
    name = "CThostFtdcMdApi" if side == "md" else "CThostFtdcTraderApi"
    real = getattr(module, name)
    members: dict[str, Any] = {
        "__module__": f"sim.{side}api",
        "_side": side,
        "_catalogue": catalogue,
        "GetApiVersion": staticmethod(real.GetApiVersion),
    }
    for request in catalogue.api(side).requests.values():
        struct = getattr(module, f"{PREFIX}{request.struct}{SUFFIX}")
        members[request.name] = _request_method(request, struct)
    for verb in wire.SUBSCRIPTIONS:
        if hasattr(real, verb):
            members[verb] = _subscribe_method(verb)
    for method in vars(real):
        # Terminal data for the regulator: nothing here asks for it.
        if method.startswith(("RegisterUser", "RegisterWechat", "Submit")):
            members[method] = _accept
    if hasattr(real, "GetFrontInfo"):
        members["GetFrontInfo"] = FrontApi._write_front_info
    cls = type(name, (MdApi if side == "md" else TraderApi,), members)
    create = name.replace("CThostFtdc", "CreateFtdc")
    setattr(cls, create, staticmethod(_creator(cls)))
    return cls


def _creator(cls: type[FrontApi]) -> Callable[..., FrontApi]:
    def create(pszFlowPath: str = "", *_options: object) -> FrontApi:
        """The further options (UDP, multicast, production mode) change nothing here."""
        return cls(os.fspath(pszFlowPath))

    return create


def _request_method(request: Request, struct: type) -> Callable[[FrontApi, Any, int], int]:
    def call(self: FrontApi, field: Any, nRequestID: int) -> int:
        if not isinstance(field, struct):  # its memory would be read beyond its end
            raise TypeError(f"{request.name} takes a {struct.__name__}")
        return self._request(request, field, nRequestID)

    call.__name__ = request.name
    return call


def _subscribe_method(verb: str) -> Callable[[FrontApi, list[bytes], int], int]:
    def call(self: FrontApi, ppInstrumentID: list[bytes], nCount: int) -> int:
        return self._subscribe(verb, ppInstrumentID, nCount)

    call.__name__ = verb
    return call


def _accept(self: FrontApi, info: Any) -> int:
    return 0
