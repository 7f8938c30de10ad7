"""A program on the embedded exchange, for tests: one API object, everything it hears in a queue."""

from __future__ import annotations

import ctypes
import queue
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from schemas import catalogue
from schemas.api import Callback
from schemas.catalogue import Side
from schemas.layout import PREFIX, SUFFIX
from sim import front
from sim.wire import QUICK, RESTART

WAIT_S = 20.0
USER = "028742"


class Heard(NamedTuple):
    """One callback, its structs unpacked; ``error_id`` None: pRspInfo was NULL."""

    name: str
    field: dict[str, Any] | None
    error_id: int | None
    error_msg: str
    request_id: int
    last: bool
    number: int

    @property
    def values(self) -> dict[str, Any]:
        """The struct of a callback that must have one."""
        assert self.field is not None, self
        return self.field


class Client:
    """``on_callback`` runs inside each callback, before it is put into the queue."""

    def __init__(
        self,
        side: Side,
        address: str,
        flow: Path,
        *,
        private: int = RESTART,
        on_callback: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.catalogue = catalogue.load()
        self.heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self._on_callback = on_callback
        binding = front.load()
        self.module = binding.mdapi if side == "md" else binding.tdapi
        self._api = self.catalogue.api(side)
        self._spi = self._make_spi("CThostFtdcMdSpi" if side == "md" else "CThostFtdcTraderSpi")
        flow.mkdir(parents=True, exist_ok=True)
        if side == "md":
            self.api = self.module.CThostFtdcMdApi.CreateFtdcMdApi(f"{flow}/")
        else:
            self.api = self.module.CThostFtdcTraderApi.CreateFtdcTraderApi(f"{flow}/")
            self.api.SubscribePrivateTopic(private)
            self.api.SubscribePublicTopic(QUICK)
        self.api.RegisterSpi(self._spi)
        self.api.RegisterFront(f"sim://{address}")
        self.api.Init()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.api.Release()

    def request(self, name: str, request_id: int = 0, **fields: Any) -> int:
        """Any Req* with these fields; its return code."""
        struct = self._api.requests[name].struct
        obj = getattr(self.module, PREFIX + struct + SUFFIX)()
        raw = self.catalogue.codec(struct).pack(fields)
        ctypes.memmove(int(obj.this), raw, len(raw))
        return int(getattr(self.api, name)(obj, request_id))

    def subscribe(self, *instruments: str, verb: str = "SubscribeMarketData") -> int:
        names = [instrument.encode() for instrument in instruments]
        return int(getattr(self.api, verb)(names, len(names)))

    def wait(self, *names: str, timeout_s: float = WAIT_S, **fields: Any) -> Heard:
        """The next callback of one of these names with these fields; others are dropped."""
        deadline = time.monotonic() + timeout_s
        dropped: list[str] = []
        while True:
            try:
                event = self.heard.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {names} {fields}, only {dropped}") from None
            values = event.field or {}
            if event.name in names and fields.items() <= values.items():
                return event
            dropped.append(event.name)

    def hear_all(self, end: str) -> list[Heard]:
        """Everything up to the next callback of this name, with it."""
        events = [self.heard.get(timeout=WAIT_S)]
        while events[-1].name != end:
            events.append(self.heard.get(timeout=WAIT_S))
        return events

    def log_in(self, user: str = USER, password: str = "123456") -> Heard:
        assert self.request("ReqUserLogin", 1, BrokerID="9999", UserID=user, Password=password) == 0
        return self.wait("OnRspUserLogin")

    def confirm(self, user: str = USER) -> None:
        assert self.request("ReqSettlementInfoConfirm", 2, BrokerID="9999", InvestorID=user) == 0
        assert self.wait("OnRspSettlementInfoConfirm").error_id == 0

    def ready(self, user: str = USER) -> Self:
        """Connected, logged in and with a confirmed settlement."""
        self.wait("OnFrontConnected")
        assert self.log_in(user).error_id == 0
        if self._api is self.catalogue.td:
            self.confirm(user)
        return self

    def buy(self, *, reference: str = "", user: str = USER, **fields: Any) -> int:
        """A day order for 100 shares of 600000; without a ``LimitPrice`` it is refused."""
        order: dict[str, Any] = {
            "BrokerID": "9999",
            "InvestorID": user,
            "UserID": user,
            "InstrumentID": "600000",
            "ExchangeID": "SSE",
            "OrderRef": reference,
            "OrderPriceType": "2",
            "Direction": "0",
            "CombOffsetFlag": "0",
            "CombHedgeFlag": "1",
            "VolumeTotalOriginal": 100,
            "TimeCondition": "3",
            "VolumeCondition": "1",
            "MinVolume": 1,
            "ContingentCondition": "1",
            "ForceCloseReason": "0",
        }
        return self.request("ReqOrderInsert", 3, **{**order, **fields})

    def _make_spi(self, base: str) -> Any:
        members = {name: self._method(callback) for name, callback in self._api.callbacks.items()}
        return type("Spi", (getattr(self.module, base),), members)()

    def _method(self, callback: Callback) -> Callable[..., None]:
        def method(_spi: Any, *arguments: Any) -> None:
            self._on_callback(callback.name)
            self.heard.put(self._read(callback, list(arguments)))

        return method

    def _read(self, callback: Callback, arguments: list[Any]) -> Heard:
        last = bool(arguments.pop()) if callback.has_id else True
        request_id = arguments.pop() if callback.has_id else 0
        number = arguments.pop() if callback.number else 0
        info = self._unpack("RspInfo", arguments.pop()) if callback.has_info else None
        field = self._unpack(callback.struct, arguments.pop()) if callback.struct else None
        error_id = info["ErrorID"] if info else None
        error_msg = info["ErrorMsg"] if info else ""
        return Heard(callback.name, field, error_id, error_msg, request_id, last, number)

    def _unpack(self, struct: str, obj: Any) -> dict[str, Any] | None:
        if obj is None:
            return None
        codec = self.catalogue.codec(struct)
        return codec.unpack(ctypes.string_at(int(obj.this), codec.size))


def names(events: Iterable[Heard]) -> list[str]:
    return [event.name for event in events]
