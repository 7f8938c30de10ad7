"""Plugins: code that sees every quote and every return before, or beside, the strategies."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .quote import Quote

if TYPE_CHECKING:
    from .api import SyncStrategyApi

log = logging.getLogger(__name__)

T = TypeVar("T")


class StrategyPlugin(ABC):
    """Derive from it and override what is wanted. ``on_quote`` and ``on_trade`` run one at a time
    and hold up what comes behind, so that who is slow does not see every quote. In them quotes
    are not waited for."""

    @abstractmethod
    def on_init(self, api: SyncStrategyApi) -> None:
        """It was registered."""

    def on_quote(self, quote: Quote) -> Quote | None:
        """The quote that the plugins behind this one and the strategies get instead; None: they do
        not get this one."""
        return quote

    def on_trade(self, trade_data: dict[str, Any]) -> dict[str, Any] | None:
        """A return of the account, in the form of webctp: ``{"MsgType": "RtnOrder", "Order": {…},
        "RspInfo": …}``, likewise RtnTrade, ErrRtnOrderInsert and so on. What comes back goes to the
        plugin behind this one, None to none; an order finds its answer in any case."""
        return trade_data

    def on_stop(self) -> None:  # noqa: B027 (nothing has to be done)
        """It was unregistered, or the strategies have been stopped."""


class Plugins:
    """Those that are registered, in this order. An error of one is logged, and goes no further."""

    def __init__(self) -> None:
        self._plugins: tuple[StrategyPlugin, ...] = ()
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._here = threading.local()

    def __bool__(self) -> bool:
        return bool(self._plugins)

    def register(self, plugin: StrategyPlugin, api: SyncStrategyApi) -> None:
        """Its first hook after ``on_init`` comes when that is over. The same one twice is one."""
        if plugin in self._plugins:
            return
        _call(plugin.on_init, api)
        with self._lock:
            self._plugins += (plugin,)

    def unregister(self, plugin: StrategyPlugin) -> None:
        """One that is not registered is passed over."""
        with self._lock:
            if plugin not in self._plugins:
                return
            self._plugins = tuple(each for each in self._plugins if each is not plugin)
        _call(plugin.on_stop)

    def quote(self, quote: Quote) -> Quote | None:
        """What becomes of it; None: it is left out."""
        return self._through("on_quote", quote)

    def trade(self, data: dict[str, Any]) -> None:
        self._through("on_trade", data)

    def stop(self) -> None:
        for plugin in self._plugins:
            self.unregister(plugin)

    @property
    def inside(self) -> bool:
        """Whether this thread is in a hook that sees quotes or returns."""
        return getattr(self._here, "inside", False)

    def _through(self, hook: Literal["on_quote", "on_trade"], value: T) -> T | None:
        if not self._plugins:
            return value
        with self._turn:
            self._here.inside = True
            try:
                for plugin in self._plugins:
                    changed: T | None = _call(getattr(plugin, hook), value, failed=value)
                    if changed is None:
                        return None
                    value = changed
                return value
            finally:
                self._here.inside = False


def _call(function: Callable[..., Any], *arguments: Any, failed: Any = None) -> Any:
    """What it returns, or ``failed`` after an error."""
    try:
        return function(*arguments)
    except Exception:
        log.exception("a plugin has failed", extra={"fields": {"hook": function.__qualname__}})
        return failed
