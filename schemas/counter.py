"""One API object of a counter and its callbacks, both by the catalogue.

The same lines drive the vendor's library, the embedded exchange and whatever else has the
binding's shape. Nothing is written per method: a request is struct bytes and a name, a callback is
an ``Event``.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

from . import binding
from .api import Callback
from .catalogue import Catalogue, Side
from .layout import PREFIX, SUFFIX

log = logging.getLogger(__name__)

RESTART: Final = 0  # THOST_TERT_RESTART: the private stream from the beginning of the trading day
QUICK: Final = 2  # THOST_TERT_QUICK: only what happens from now on


class Event(NamedTuple):
    """One callback, copied out of the API's memory.

    ``field`` and ``info`` are struct bytes or None for NULL; ``number`` is nReason or nTimeLapse.
    """

    name: str
    field: bytes | None
    info: bytes | None
    request_id: int
    last: bool
    number: int
    recv_ns: int


_FRONTS: Final = {"sim": "sim.front", "replay": "replay.front"}

Accept = Callable[[Event], None]
OnStruct = Callable[[bytes, int], None]  # (struct bytes, recv_ns)


def module(front: str, side: Side, name: str) -> ModuleType:
    """What is behind a front address: the embedded exchange for sim://, a recorded day for
    replay://, else the binding.

    Raises BindingError, LocaleError.
    """
    scheme = front.partition("://")[0]
    source = importlib.import_module(_FRONTS[scheme]) if scheme in _FRONTS else binding
    loaded = source.load(name)
    return loaded.mdapi if side == "md" else loaded.tdapi  # type: ignore[no-any-return]


class Counter:
    """An API object with its Spi. ``accept`` and the ``quick`` handlers run on the API's thread
    and must not wait. Init and Release are not thread safe: one thread calls start and stop."""

    def __init__(
        self,
        catalogue: Catalogue,
        side: Side,
        fronts: list[str],
        accept: Accept,
        quick: Mapping[str, OnStruct] | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._side = side
        self._fronts = fronts
        self._module = module(fronts[0], side, catalogue.binding)
        self._spi = spi_class(self._module, catalogue, side, accept, quick or {})()
        self._api: Any = None

    def start(self, flow: Path) -> None:
        """Create the API and let it connect. ``flow`` is the folder of this API object alone; the
        library dies with SIGSEGV when it does not exist, so it is made here."""
        flow.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._side == "md":
            self._api = self._module.CThostFtdcMdApi.CreateFtdcMdApi(f"{flow}/")
        else:
            self._api = self._module.CThostFtdcTraderApi.CreateFtdcTraderApi(f"{flow}/")
            self._api.SubscribePrivateTopic(RESTART)
            self._api.SubscribePublicTopic(QUICK)
        self._api.RegisterSpi(self._spi)
        for front in self._fronts:
            self._api.RegisterFront(front)
        self._api.Init()

    def request(self, name: str, raw: bytes, request_id: int) -> int:
        """Call a Req* method with struct bytes; the return code of the API (0, -1, -2, -3)."""
        struct = self._catalogue.api(self._side).requests[name].struct
        obj = getattr(self._module, f"{PREFIX}{struct}{SUFFIX}")()
        ctypes.memmove(int(obj.this), raw, self._catalogue.layouts[struct].size)
        return int(getattr(self._api, name)(obj, request_id))

    def instruments(self, name: str, instruments: list[str]) -> int:
        """Call SubscribeMarketData or one of its three sisters."""
        encoded = [instrument.encode("gb18030") for instrument in instruments]
        return int(getattr(self._api, name)(encoded, len(encoded)))

    def query_freq(self) -> int:
        """Queries per second that the front allows; 0 when the API cannot tell (before 6.7.7).
        Valid after the login."""
        if not hasattr(self._api, "GetFrontInfo"):
            return 0
        info = self._module.CThostFtdcFrontInfoField()
        self._api.GetFrontInfo(info)
        return int(info.QryFreq)

    def replay_state(self) -> dict[str, object]:
        """How far a recorded day has been played; empty on every other front."""
        state = getattr(self._api, "ReplayState", None)
        return state() if state is not None else {}

    def stop(self) -> None:
        """Release the API; never from a callback. Data may arrive until this returns."""
        if self._api is not None:
            self._api.RegisterSpi(None)
            self._api.Release()
            self._api = None


def spi_class(
    api_module: ModuleType,
    catalogue: Catalogue,
    side: Side,
    accept: Accept,
    quick: Mapping[str, OnStruct],
) -> type:
    """A subclass of the binding's Spi class in which every callback copies and hands over."""
    base = getattr(api_module, "CThostFtdcMdSpi" if side == "md" else "CThostFtdcTraderSpi")
    layouts = catalogue.layouts
    info_size = layouts["RspInfo"].size
    methods = {}
    for callback in catalogue.api(side).callbacks.values():
        size = layouts[callback.struct].size if callback.struct else 0
        if callback.name in quick:
            methods[callback.name] = _quick(callback.name, size, quick[callback.name])
        else:
            methods[callback.name] = _method(callback, size, info_size, accept)
    methods["OnFrontConnected"] = _keep_thread(methods["OnFrontConnected"])
    return type("Spi", (base,), methods)


def _quick(name: str, size: int, handle: OnStruct) -> Callable[..., None]:
    """The shortest way for a callback with one struct: ticks."""
    string_at, clock = ctypes.string_at, time.time_ns

    def method(self: object, field: Any) -> None:
        recv_ns = clock()
        try:
            handle(string_at(int(field.this), size), recv_ns)
        except Exception:
            _tell(name)

    return method


def _method(callback: Callback, size: int, info_size: int, accept: Accept) -> Callable[..., None]:
    """A callback of any form. What it hands over depends on the form, so there are few."""
    name, has_struct, has_info = callback.name, callback.struct is not None, callback.has_info

    def method(self: object, *arguments: Any) -> None:
        recv_ns = time.time_ns()
        try:
            values = list(arguments)
            last = bool(values.pop()) if callback.has_id else False
            request_id = values.pop() if callback.has_id else 0
            number = values.pop() if callback.number else 0
            info = _copy(values.pop(), info_size) if has_info else None
            field = _copy(values.pop(), size) if has_struct else None
            accept(Event(name, field, info, request_id, last, number, recv_ns))
        except Exception:
            _tell(name)

    return method


def _tell(callback: str) -> None:
    # Nothing above us could: the API's thread swallows exceptions or, in older bindings, aborts.
    log.exception("a callback was not handled", extra={"fields": {"callback": callback}})


def _copy(obj: Any, size: int) -> bytes | None:
    return None if obj is None else ctypes.string_at(int(obj.this), size)


def _keep_thread(method: Callable[..., None]) -> Callable[..., None]:
    """Keep the Python thread state of the API's thread.

    A C++ thread that calls Python gets a thread state made and destroyed around each call, 9.5 us;
    one unreleased PyGILState_Ensure leaves 1.0 us. The state dies with the thread. Every callback
    of an API object comes from the thread that says OnFrontConnected first.
    """
    kept = threading.local()

    def connected(self: object) -> None:
        if not getattr(kept, "done", False):
            ctypes.pythonapi.PyGILState_Ensure()
            kept.done = True
        method(self)

    return connected
