"""What a code stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Self

from ..calendar import exchange_of
from .errors import XtpError, wrong
from .markets import MARKET_NUMBERS, SECURITIES, SIX_DIGITS, code_of, market_of

# ProductClass. Stocks, bonds, funds and indexes have no number at SFIT; these are openctp's.
_OPTIONS: Final = frozenset("26")
_STOCKS: Final = frozenset("EBDI")


class Instrument(NamedTuple):
    """``multiplier`` in units of the quoted price per lot (VolumeMultiple)."""

    code: str
    exchange: str
    multiplier: int = 1
    product_class: str = ""
    name: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Of CTP's InstrumentField."""
        return cls(
            code=fields["InstrumentID"],
            exchange=fields["ExchangeID"],
            multiplier=fields["VolumeMultiple"] or 1,
            product_class=fields["ProductClass"],
            name=fields["InstrumentName"].strip(),
        )

    @property
    def is_option(self) -> bool:
        return self.product_class in _OPTIONS

    @property
    def is_stock(self) -> bool:
        """Whether it is bought and sold rather than opened and closed: stock, bond, fund, index."""
        return self.product_class in _STOCKS or (self.exchange in SECURITIES and not self.is_option)


class Instruments:
    """By code, of one counter."""

    def __init__(self, instruments: Iterable[Instrument] = ()) -> None:
        self._by_code: dict[str, dict[str, Instrument]] = {}
        self._derivatives = False
        for instrument in instruments:
            self.add(instrument)

    def add(self, instrument: Instrument) -> None:
        self._by_code.setdefault(instrument.code, {})[instrument.exchange] = instrument
        self._derivatives |= not instrument.is_stock

    @property
    def stocks_only(self) -> bool:
        """Whether the counter's accounts are stock accounts."""
        return bool(self._by_code) and not self._derivatives

    def __len__(self) -> int:
        return sum(map(len, self._by_code.values()))

    def __iter__(self) -> Iterator[Instrument]:
        return (each for listed in self._by_code.values() for each in listed.values())

    def get(self, code: str, exchange: str = "") -> Instrument | None:
        """By the counter's own names; "" is any exchange, as long as there is only one."""
        listed = self._by_code.get(code, {})
        if exchange:
            return listed.get(exchange)
        return next(iter(listed.values())) if len(listed) == 1 else None

    def find(self, code: Any, market: Any = None) -> Instrument:
        """By a client's words. Raises XtpError: 404 when there is no such code on that market, 400
        when it is on several and none was named, or when the words make no sense."""
        exchange = market_of(market)
        listed = self._listed(code, exchange)
        if exchange:
            listed = {key: each for key, each in listed.items() if key == exchange}
        if not listed:
            raise XtpError(404, "no such code" + (f" on {exchange}" if exchange else ""))
        if len(listed) > 1:
            raise wrong(f"code is ambiguous, name one market of {', '.join(sorted(listed))}")
        return next(iter(listed.values()))

    def guess(self, code: Any, market: Any = None) -> Instrument:
        """``find``, or, for ticks while the counter has not told its instruments, what the words
        themselves say; the multiplier is then 1. Raises XtpError."""
        if self._by_code:
            return self.find(code, market)
        exchange = market_of(market)
        text = code_of(code, exchange)
        exchange = exchange or exchange_of(text)
        if exchange not in MARKET_NUMBERS:
            raise wrong("market is missing, and the instruments are not known yet")
        return Instrument(text, exchange)

    def _listed(self, code: Any, exchange: str) -> dict[str, Instrument]:
        listed = self._by_code.get(code_of(code, exchange), {})
        if listed or exchange or isinstance(code, str):
            return listed
        padded = self._by_code.get(code_of(code, "SZSE"), {})
        return {key: each for key, each in padded.items() if key in SIX_DIGITS}
