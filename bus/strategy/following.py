"""Threads that follow quotes and returns as long as the client lives."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final

import msgspec

from bus.client.items import Fresh, Gap, Item, Restarted, Return, Stale, Tick
from bus.client.sync import Account, Client, Closed, Stream
from bus.errors import BusError
from bus.frames import Flag, split_body
from bus.orders import Place
from schemas.calendar import Calendar

from .plugins import Plugins
from .positions import Ask, Positions
from .quote import quote_of
from .quotes import Quotes

log = logging.getLogger(__name__)

# Ticks of an instrument that wait at the most; of more the newest remains. Whoever is slow wants to
# know what is now.
_LATEST: Final = 16
_ALIVE_S: Final = 1.0


class Following:
    """``follow`` an instrument once; returns are followed from the beginning. ``ask``: the counter,
    for a position."""

    def __init__(
        self,
        client: Client,
        calendar: Calendar,
        quotes: Quotes,
        plugins: Plugins,
        ask: Ask,
    ) -> None:
        self._client, self._calendar = client, calendar
        self._quotes, self._plugins = quotes, plugins
        self.positions = Positions(ask, self.unchanged)
        self._lock = threading.Lock()
        self._followed: set[str] = set()
        self._threads: list[threading.Thread] = []
        # Plugins may be slow, and positions must not wait for them.
        self._for_plugins: SimpleQueue[Return | None] = SimpleQueue()
        self._account: Account | None = None
        self._place = Place(0, 0)
        self._info_size = client.catalogue.layouts["RspInfo"].size

    def account(self, account: Account) -> None:
        """Its returns."""
        self._account, self._place = account, account.reached
        self.positions.heard(True)
        self._start("returns", self._follow_returns, account.returns())
        self._start("plugins", self._tell_plugins)

    def unchanged(self, timeout_s: float) -> bool:
        """Whether all returns that td_worker has told are taken into account; not, when it cannot
        be asked."""
        assert self._account is not None
        place = self._place
        try:
            return not self._account.told_since(place, timeout_s=min(_ALIVE_S, timeout_s))
        except BusError:
            return False

    def follow(self, instrument: str) -> None:
        """Its quotes, from now on. Raises ValueError for what is no instrument."""
        if not instrument or "*" in instrument:
            raise ValueError(f"{instrument!r} is no instrument")
        with self._lock:
            if instrument in self._followed:
                return
            stream = self._client.ticks(instrument, limit=_LATEST)
            self._followed.add(instrument)
        self._start(instrument, self._follow_ticks, instrument, stream)

    def join(self, timeout_s: float) -> None:
        """Wait for the ends of the threads, once the client is closed."""
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))

    def _start(self, name: str, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, name=f"follow-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _follow_ticks(self, instrument: str, stream: Stream[Item]) -> None:
        try:
            _take_all(stream, lambda item: self._on_tick(instrument, item))
        finally:
            self._quotes.stale(instrument)

    def _follow_returns(self, stream: Stream[Item]) -> None:
        try:
            _take_all(stream, self._on_return)
        finally:
            self.positions.heard(False)
            self._for_plugins.put(None)

    def _tell_plugins(self) -> None:
        while (item := self._for_plugins.get()) is not None:
            if self._plugins:
                self._plugins.trade(self._as_webctp(item))

    def _on_tick(self, instrument: str, item: Item) -> None:
        match item:
            case Tick():
                fields = self._client.fields(item)
                quote = self._plugins.quote(quote_of(fields, self._calendar, item.recv_ns))
                if quote is not None:
                    self._quotes.put(quote)
            case Stale() | Restarted():
                self._quotes.stale(instrument)
            case Fresh():
                self._quotes.fresh(instrument)

    def _on_return(self, item: Item) -> None:
        match item:
            case Return():
                self._on_callback(item)
                self._place = Place(item.epoch, item.seq)
            case Stale():
                self.positions.heard(False)
            case Fresh() | Gap() | Restarted():
                self.positions.heard(True)

    def _on_callback(self, item: Return) -> None:
        fields = self._client.fields(item)
        if "InstrumentID" in fields:
            self.positions.changed(str(fields["InstrumentID"]))
        else:  # such as the loss of the session: from here on another day may be
            self.positions.heard(True)
        if self._plugins and fields:
            self._for_plugins.put(item)

    def _as_webctp(self, item: Return) -> dict[str, Any]:
        catalogue, name = self._client.catalogue, self._client.name(item)
        field, info = split_body(item.flags, item.body, self._info_size)
        assert field is not None
        assert not item.flags & Flag.MSGPACK
        struct = catalogue.td.callbacks[name].struct
        assert struct is not None
        payload = msgspec.json.decode(catalogue.reply_codec("td", name).json(field))
        rsp = None if info is None else catalogue.codec("RspInfo").unpack(info)
        return {"MsgType": name.removeprefix("On"), "RspInfo": rsp, struct: payload}


def _take_all(stream: Stream[Item], take: Callable[[Item], None]) -> None:
    """To the end, which comes with the client's, or by a refusal."""
    try:
        for item in stream:
            try:
                take(item)
            except Exception:  # one that cannot be read does not end the others
                log.exception("what came cannot be read")
    except Closed:
        pass
    except BusError as exc:
        log.critical("no more is heard", extra={"fields": {"why": str(exc)}})
