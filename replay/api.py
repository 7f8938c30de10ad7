"""The binding's API class of market data, in front of a recorded day.

Calls may come from any thread; callbacks are raised on one thread per API object.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

from schemas.api import Request
from schemas.binding import Binding
from schemas.catalogue import Catalogue
from schemas.errors import NETWORK_FAILURE, SENT
from schemas.layout import PREFIX, SUFFIX
from sim.client.director import Director
from sim.wire import SUBSCRIPTIONS

from .address import parse
from .player import Asked, Player

_NO_DAY: Final = "19700101"  # what the real API says before the login


class ReplayApi:
    """Everything but the Req* methods and subscriptions, which ``api_class`` adds."""

    _catalogue: ClassVar[Catalogue]

    def __init__(self, flow_path: str = "") -> None:
        self._flow = Path(flow_path or ".")
        self._director: Director | None = None
        self._player: Player | None = None
        self._started = False
        self._released = threading.Event()

    def RegisterFront(self, pszFrontAddress: str) -> None:
        if self._player is not None:
            raise ValueError("one recorded day is played at a time")
        self._player = Player(parse(pszFrontAddress), self._catalogue, self._flow)
        self._player.director = self._director
        _players.add(self._player)

    def RegisterSpi(self, pSpi: Any) -> None:
        """None: no more callbacks, though one may be running."""
        self._director = None if pSpi is None else Director(pSpi, self._catalogue.md)
        if self._player is not None:
            self._player.director = self._director

    def Init(self) -> None:
        if self._player is None:
            raise RuntimeError("Init before RegisterFront")
        if not self._started:
            self._started = True
            self._player.start()

    def Join(self) -> int:
        self._released.wait()
        return 0

    def Release(self) -> None:
        """Not from a callback: the real API may crash there, so RuntimeError."""
        if self._player is not None:
            if self._player.own_thread:
                raise RuntimeError("Release on the API's own thread")
            self._player.close()
            _players.discard(self._player)
        self._released.set()

    def GetTradingDay(self) -> str:
        return self._player.day or _NO_DAY if self._player is not None else _NO_DAY

    def ReplayState(self) -> dict[str, object]:
        """How far the day has been played. Ours alone: no binding has it."""
        return self._player.state() if self._player is not None else {}

    def _ask(self, asked: Asked) -> int:
        done = self._player is not None and self._player.ask(asked)
        return SENT if done else NETWORK_FAILURE


def api_class(binding: Binding, catalogue: Catalogue) -> type[ReplayApi]:
    """With the methods that this binding's class has."""
    real = binding.mdapi.CThostFtdcMdApi
    members: dict[str, Any] = {
        "__module__": "replay.mdapi",
        "_catalogue": catalogue,
        "GetApiVersion": staticmethod(real.GetApiVersion),
    }
    for request in catalogue.md.requests.values():
        struct = getattr(binding.mdapi, f"{PREFIX}{request.struct}{SUFFIX}")
        size = catalogue.layouts[request.struct].size
        members[request.name] = _request_method(request, struct, size)
    members |= {verb: _subscribe_method(verb) for verb in SUBSCRIPTIONS if hasattr(real, verb)}
    cls = type("CThostFtdcMdApi", (ReplayApi,), members)
    cls.CreateFtdcMdApi = staticmethod(_creator(cls))  # type: ignore[attr-defined]
    return cls


def _creator(cls: type[ReplayApi]) -> Callable[..., ReplayApi]:
    def create(pszFlowPath: str = "", *_options: object) -> ReplayApi:
        """The further options (UDP, multicast, production mode) change nothing here."""
        return cls(os.fspath(pszFlowPath))

    return create


def _request_method(
    request: Request, struct: type, size: int
) -> Callable[[ReplayApi, Any, int], int]:
    def call(self: ReplayApi, field: Any, nRequestID: int) -> int:
        if not isinstance(field, struct):  # its memory would be read beyond its end
            raise TypeError(f"{request.name} takes a {struct.__name__}")
        body = ctypes.string_at(int(field.this), size)  # type: ignore[attr-defined]
        return self._ask(Asked(request.name, nRequestID, body))

    call.__name__ = request.name
    return call


def _subscribe_method(verb: str) -> Callable[[ReplayApi, list[bytes], int], int]:
    def call(self: ReplayApi, ppInstrumentID: list[bytes], nCount: int) -> int:
        names = [name.decode("gb18030", "replace") for name in ppInstrumentID[:nCount]]
        return self._ask(Asked(verb, names=tuple(names)))

    call.__name__ = verb
    return call


_players: weakref.WeakSet[Player] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """At the end of the process, before the interpreter does: a thread that wants the
    interpreter lock after that is ended inside C++ code, which aborts the process."""
    for player in list(_players):
        player.close(timeout_s=1.0)
