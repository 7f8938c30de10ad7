"""Books of one account, day by day."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from tcp_edge.trade.account.books import Books
from tcp_edge.trade.setting import Setting
from tests.unit.tcp_edge.trade.makers import BROKER, DAY, RB, USER, placed

NEXT_DAY = "20261124"


async def events_of_the_next_day(folder: Path) -> int:
    setting = SimpleNamespace(
        folder=folder,
        calendar=None,
        big_ints=False,
        instruments=lambda: SimpleNamespace(get=lambda code, exchange: RB),
        on_event=lambda *_: None,
    )
    books = Books(cast(Setting, setting), USER)
    books.begin({"TradingDay": DAY, "BrokerID": BROKER})
    books.complete()
    await books.keep(placed("1"))
    await books.keep(placed("2"))
    books.refuse(placed("1"), 31, "no funds")
    books.doubt(placed("2"))
    assert books.now is not None
    assert len(books.now.orders) == 2
    books.begin({"TradingDay": NEXT_DAY, "BrokerID": BROKER})
    books.complete()
    books.refuse(placed("1"), 31, "no funds")
    books.doubt(placed("2"))
    books.refuse(placed("2"), -1, "it never reached td_worker, and will not")
    books.close()
    return len(books.now.orders)


def test_what_became_of_yesterdays_orders_is_not_in_todays_list(tmp_path: Path) -> None:
    assert asyncio.run(events_of_the_next_day(tmp_path)) == 0
