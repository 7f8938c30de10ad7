"""An answer of the counter as OFX clients read it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.xtp import account as xtp
from schemas.xtp.instruments import Instruments

from ..account.book import Book
from .answers import Kind

Fields = Mapping[str, Any]
Rows = Sequence[tuple[Fields, int]]


def sums(book: Book, kind: Kind, rows: Rows, table: Instruments) -> list[dict[str, Any]]:
    """Assets and positions. ``rows``: structs and the Unix times in ns at which they came;
    ``table`` gives the contracts' multipliers."""
    if kind == "positions":
        return xtp.positions([fields for fields, _ in rows], table)
    buys, sells = book.turnover()
    stock = table.stocks_only
    return [xtp.asset(fields, stock=stock, buys=buys, sells=sells) for fields, _ in rows]
