"""Threads that follow quotes and returns as long as the client lives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from bus.client.items import Fresh, Gap, Item, Restarted, Return, Stale, Tick
from bus.client.sync import Account, Client, Closed, Stream
from bus.errors import BusError
from bus.frames import Flag, split_body
from schemas.calendar import Calendar

from .plugins import Plugins
from .positions import Positions
from .quote import quote_of
from .quotes import Quotes

log = logging.getLogger(__name__)


class Following:
    """``follow`` an instrument once; returns are followed from the beginning."""

    def __init__(
        self,
        client: Client,
        calendar: Calendar,
        quotes: Quotes,
        positions: Positions,
        plugins: Plugins,
    ) -> None:
        self._client, self._calendar = client, calendar
        self._quotes, self._positions, self._plugins = quotes, positions, plugins
        self._lock = threading.Lock()
        self._followed: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._info_size = client.catalogue.layouts["RspInfo"].size

    def account(self, account: Account) -> None:
        """Its returns."""
        self._positions.heard(True)
        self._start("returns", account.returns(), self._on_return)

    def follow(self, instrument: str) -> None:
        """Its quotes, from now on. Raises ValueError for what is no instrument."""
        with self._lock:
            if instrument in self._followed:
                return
            stream = self._client.ticks(instrument)
            self._followed.add(instrument)

        def take(item: Item) -> None:
            self._on_tick(instrument, item)

        self._start(instrument, stream, take)

    def join(self, timeout_s: float) -> None:
        """Wait for the ends of the threads, once the client is closed."""
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout_s)

    def _start(self, name: str, stream: Stream[Item], take: Callable[[Item], None]) -> None:
        thread = threading.Thread(
            target=self._take_all, args=(name, stream, take), name=f"follow-{name}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _take_all(self, name: str, stream: Stream[Item], take: Callable[[Item], None]) -> None:
        try:
            for item in stream:
                take(item)
        except Closed:
            pass
        except BusError as exc:
            log.critical("no more is heard", extra={"fields": {"follows": name, "why": str(exc)}})
        finally:
            if name == "returns":
                self._positions.heard(False)

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
            case Stale():
                self._positions.heard(False)
            case Fresh() | Gap() | Restarted():
                self._positions.heard(True)

    def _on_callback(self, item: Return) -> None:
        fields = self._client.fields(item)
        if "InstrumentID" in fields:
            self._positions.changed(str(fields["InstrumentID"]))
        else:  # such as the loss of the session: from here on another day may be
            self._positions.heard(True)
        if self._plugins and fields:
            self._plugins.trade(self._as_webctp(item))

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
