"""``SyncStrategyApi``: what a strategy calls."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from bus.client.sync import Account, Client
from bus.client.terms import Lasts
from bus.config import Common, load, open_calendar
from bus.endpoints import resolve
from bus.links import is_tcp
from bus.security import Keys

from .actions import Result
from .config import SyncApiConfig
from .counter import Counter, told
from .following import Following
from .plugins import Plugins, StrategyPlugin
from .position import Position
from .quote import Quote
from .quotes import Quotes
from .stopping import Stopped
from .threads import Strategies
from .trading import Trading

log = logging.getLogger(__name__)

_NAME: Final = "strategy"
_JOIN_S: Final = 5.0


class SyncStrategyApi:
    """One account and its market data, for strategies that are plain functions; see the package.

    ``config_path``: the group's file. ``password`` "": an account of its ``td_worker.accounts``.
    ``timeout``: for the login, in seconds. ``instruments``: asked for at once, so that the first
    order and position need not wait for it. ``instrument_info``: what the counter need not be asked
    for, ``{"rb2610": {"VolumeMultiple": 10, "ExchangeID": "SHFE"}}``.

    Raises ConfigError, TimeoutError when no counter answers, RuntimeError when it refuses.
    """

    def __init__(
        self,
        user_id: str,
        password: str = "",
        config_path: str | None = None,
        timeout: float | None = None,
        instruments: Iterable[str] | None = None,
        instrument_info: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        loaded = load(config_path or "deploy/gateway.yaml", "sync_api", SyncApiConfig)
        calendar = open_calendar(loaded.common)
        self._config = config = loaded.own
        self._client = _client(loaded.common)
        self._stopped = False
        self._strategies = Strategies(config.max_strategies)
        self._plugins, self._quotes = Plugins(), Quotes()
        try:
            wait_s = config.connect_timeout if timeout is None else timeout
            self._account = self._log_in(user_id, password, wait_s)
            self._counter = Counter(self._account, instrument_info or {})
            self._trading = Trading(self._counter)
            self._following = Following(
                self._client, calendar, self._quotes, self._plugins, self._counter.position
            )
            self._following.account(self._account)
            self._positions = self._following.positions
            for instrument in instruments or ():
                self._counter.listing(instrument, config.position_timeout)
        except BaseException:
            self._client.close()
            raise

    def _log_in(self, user: str, password: str, timeout_s: float) -> Account:
        with told():
            if password:
                return self._client.login(user, password, timeout_s=timeout_s)
            return self._client.attach(user, name=_NAME, timeout_s=timeout_s)

    # -- quotes ----------------------------------------------------------------------------------

    def get_quote(self, instrument_id: str, timeout: float | None = None) -> Quote:
        """The newest quote; the first call subscribes and waits for it, and so does one while
        md_worker is not heard. Raises TimeoutError after ``timeout`` (``quote_timeout``)."""
        self._follow(instrument_id)
        wait_s = self._config.quote_timeout if timeout is None else timeout
        return self._quotes.get(instrument_id, self._patience(wait_s))

    def wait_quote_update(self, instrument_id: str, timeout: float | None = None) -> Quote:
        """The next quote: one that this thread has not had from here or ``get_quote``. One that
        came while the thread was at work is given at once; of several the newest. Raises
        TimeoutError after ``timeout`` (``quote_update_timeout``)."""
        self._follow(instrument_id)
        wait_s = self._config.quote_update_timeout if timeout is None else timeout
        return self._quotes.next(instrument_id, self._patience(wait_s))

    def _follow(self, instrument: str) -> None:
        self._check()
        with told():
            self._following.follow(instrument)

    def _patience(self, timeout_s: float) -> float:
        """A plugin holds up the quotes that it would wait for."""
        return 0.0 if self._plugins.inside else timeout_s

    # -- the account -----------------------------------------------------------------------------

    def get_position(self, instrument_id: str, timeout: float | None = None) -> Position:
        """What the counter says, all zeros when that is so. It is asked again only after something
        has happened to the instrument, else only td_worker is, whether something has: a strategy
        may call this at each quote.

        Raises TimeoutError after ``timeout`` (``position_timeout``): no answer is no position, and
        who took it for one would open his lots twice."""
        self._check()
        wait_s = self._config.position_timeout if timeout is None else timeout
        return self._positions.get(instrument_id, wait_s)

    def open_close(
        self,
        instrument_id: str,
        action: str,
        volume: int,
        price: float,
        block: bool = True,
        timeout: float | None = None,
        *,
        client_order_id: str = "",
        lasts: Lasts = "day",
    ) -> Result:
        """A limit order; what became of it, see ``Result``.

        action  "kaiduo" buys to open, "kaikong" sells to open, "pingduo" sells to close long lots,
                "pingkong" buys to close short ones. On SHFE and INE lots of earlier days are closed
                first, then those of today, which are two orders when it takes both
        block   wait until the exchange has it; else only until it is on its way
        lasts   "day"; "fak": what does not trade at once is cancelled; "fok": all at once or
                nothing. Of these two ``block`` waits for the end
        client_order_id  a name of your own, 62 characters: a call with the same one, also in a
                later run, sends nothing and tells what became of the first

        Raises ValueError for what is no order; OrderUnknown when it may live and nobody knows after
        ``timeout`` (``order_timeout``); another TimeoutError, or RuntimeError, when nothing was
        sent."""
        self._check()
        wait_s = self._config.order_timeout if timeout is None else timeout
        try:
            return self._trading.open_close(
                instrument_id, action, volume, price, block, wait_s, client_order_id, lasts
            )
        finally:
            self._positions.changed(instrument_id)

    # -- strategies and plugins ------------------------------------------------------------------

    def run_strategy(
        self, strategy_func: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> threading.Thread:
        """Call it in a thread of its own. What it raises is logged and ends it alone. Raises
        RuntimeError when ``max_strategies`` run."""
        self._check()
        return self._strategies.run(strategy_func, *args, **kwargs)

    def get_running_strategies(self) -> dict[str, threading.Thread]:
        """By the name of the function; a second one of that name is "NAME-2"."""
        return self._strategies.running()

    def register_plugin(self, plugin: StrategyPlugin) -> None:
        """From now on it sees quotes and returns, behind those that were registered before."""
        self._check()
        self._plugins.register(plugin, self)

    def unregister_plugin(self, plugin: StrategyPlugin) -> None:
        """It sees no more; one that is not registered is passed over."""
        self._plugins.unregister(plugin)

    def stop(self, timeout: float | None = None) -> None:
        """End strategies, plugins and the login. A strategy ends at its next call of this object,
        or in the one in which it waits for a quote, by Stopped; an order that is under way is
        waited for. After ``timeout`` (``stop_timeout``) those that still run are left alone.
        Orders that rest in the market stay there."""
        if self._stopped:
            return
        self._stopped = True
        self._quotes.stop()
        left = self._strategies.join(self._config.stop_timeout if timeout is None else timeout)
        if left:
            log.warning("strategies still run", extra={"fields": {"strategies": left}})
        self._plugins.stop()
        self._client.close()
        self._following.join(_JOIN_S)

    def _check(self) -> None:
        if self._stopped:
            raise Stopped

    # -- beyond the nine -------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """The SDK, for what else there is."""
        return self._client

    @property
    def account(self) -> Account:
        """The login, to cancel an order, or to ask for the money."""
        return self._account

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _client(common: Common) -> Client:
    addresses = resolve(common.bus, common.data)
    used = (addresses.md_pub, addresses.md_rpc, addresses.td_pub, addresses.td_rpc)
    keys = Keys(common.keys, "client") if any(map(is_tcp, used)) else None
    return Client(addresses, keys=keys, binding=common.binding)
