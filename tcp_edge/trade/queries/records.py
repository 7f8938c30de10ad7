"""An answer of the counter as OFX clients read it. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from schemas.xtp import account as xtp
from schemas.xtp.instruments import Instruments

from ..account.book import Book
from .answers import Kind

Fields = Mapping[str, Any]
Rows = Sequence[tuple[Fields, int]]
Made = tuple[dict[str, Any], bool]


def records(
    book: Book, kind: Kind, rows: Rows, table: Instruments
) -> tuple[list[dict[str, Any]], bool]:
    """``rows``: structs and the Unix times in ns at which they came; ``table`` gives the contract's
    multipliers. Tells too whether the records stay so."""
    match kind:
        case "assets":
            buys, sells = book.turnover()
            return [xtp.asset(fields, buys=buys, sells=sells) for fields, _ in rows], True
        case "positions":
            return xtp.positions([fields for fields, _ in rows], table), True
        case "trades":
            return _made(book.trade_record, rows)
        case "orders":
            return _made(book.order_record, rows)


def _made(make: Callable[[Fields, int], Made], rows: Rows) -> tuple[list[dict[str, Any]], bool]:
    made = [make(fields, recv_ns) for fields, recv_ns in rows]
    return [record for record, _ in made], all(final for _, final in made)
