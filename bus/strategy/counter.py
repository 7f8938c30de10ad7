"""The counter as strategies need it, by an account of the SDK; its errors as theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import msgspec

from bus.client.sync import Account, Closed, Order
from bus.errors import BusError, Refused, Unavailable
from schemas.closing import Closable, closable
from schemas.errors import (
    NETWORK_FAILURE,
    NOT_LOGGED_IN,
    TOO_MANY_IN_FLIGHT,
    TOO_MANY_PER_SECOND,
    Action,
    action_of,
)
from schemas.typed import Instrument

from .position import Position, position_of
from .stopping import Stopped
from .trading import Wanted

_PASSING: Final = frozenset(
    {NETWORK_FAILURE, TOO_MANY_IN_FLIGHT, TOO_MANY_PER_SECOND, NOT_LOGGED_IN}
)
_LATER: Final = frozenset({Action.RETRY, Action.WAIT, Action.LOGIN, Action.SLOW_DOWN})


class Listing(NamedTuple):
    """What never changes of an instrument. ``multiplier``: its VolumeMultiple."""

    exchange: str
    multiplier: int


@contextmanager
def told() -> Iterator[None]:
    """TimeoutError when nobody answers, or says that it is too early; RuntimeError when somebody
    refuses for good, or it cannot be."""
    try:
        yield
    except Closed:
        raise Stopped from None
    except Unavailable as exc:
        raise TimeoutError(str(exc)) from exc
    except Refused as exc:
        if exc.error_id in _PASSING or action_of(exc.error_id) in _LATER:
            raise TimeoutError(str(exc)) from exc
        raise RuntimeError(str(exc)) from exc
    except BusError as exc:  # such as a td_worker that came back with another version of the API
        raise RuntimeError(str(exc)) from exc


class Counter:
    """``info``: what the program knows of instruments, by CTP's names (VolumeMultiple,
    ExchangeID); the counter is asked for the others."""

    def __init__(self, account: Account, info: Mapping[str, Mapping[str, Any]]) -> None:
        self._account, self._info = account, info
        self._listings: dict[str, Listing] = {}

    def exchange(self, instrument: str, timeout_s: float) -> str:
        """ "": the counter has no such instrument. Raises TimeoutError and RuntimeError, as all
        of these do."""
        known = self._info.get(instrument, {}).get("ExchangeID")
        if known:
            return str(known)
        listing = self.listing(instrument, timeout_s)
        return listing.exchange if listing else ""

    def position(self, instrument: str, timeout_s: float) -> Position:
        multiplier = self._info.get(instrument, {}).get("VolumeMultiple")
        if not multiplier:
            listing = self.listing(instrument, timeout_s)
            multiplier = listing.multiplier if listing else 1
        return position_of(self._rows(instrument, timeout_s), int(multiplier))

    def closable(self, instrument: str, *, buys: bool, timeout_s: float) -> Closable:
        return closable(self._rows(instrument, timeout_s), buys=buys)

    def listing(self, instrument: str, timeout_s: float) -> Listing | None:
        if instrument not in self._listings:
            with told():
                found = self._account.query(
                    "ReqQryInstrument", {"InstrumentID": instrument}, timeout_s
                )
            for row in found:  # also of those whose names begin so
                if isinstance(row, Instrument):
                    listing = Listing(row.exchange_id, row.volume_multiple)
                    self._listings[row.instrument_id] = listing
        return self._listings.get(instrument)

    def place(self, wanted: Wanted, client_order_id: str) -> Order:
        with told():
            return self._account.place(
                wanted.instrument,
                wanted.side,
                wanted.volume,
                wanted.price,
                offset=wanted.offset,
                exchange=wanted.exchange,
                lasts=wanted.lasts,
                client_order_id=client_order_id,
            )

    def find(self, client_order_id: str, timeout_s: float) -> Order | None:
        with told():
            return self._account.order(client_order_id, timeout_s=timeout_s)

    def _rows(self, instrument: str, timeout_s: float) -> list[dict[str, Any]]:
        with told():
            found = self._account.positions(instrument, timeout_s=timeout_s)
        return [msgspec.to_builtins(row) for row in found if row.instrument_id == instrument]
