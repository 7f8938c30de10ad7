"""Books of one account, day by day."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from schemas.xtp.times import HOURS
from tcp_edge.trade.account.books import Books
from tcp_edge.trade.orders.placed import RefusedCancel
from tcp_edge.trade.setting import Setting
from tests.unit.tcp_edge.trade.makers import AT_NS, BROKER, DAY, RB, USER, order, placed

NEXT_DAY = "20261124"


def opened(folder: Path, told: list[bytes] | None = None) -> Books:
    setting = SimpleNamespace(
        folder=folder,
        calendar=HOURS,
        big_ints=False,
        instruments=lambda: SimpleNamespace(get=lambda code, exchange: RB),
        on_event=lambda user, kind, text: told.append(text) if told is not None else None,
    )
    return Books(cast(Setting, setting), USER)


async def events_of_the_next_day(folder: Path) -> int:
    books = opened(folder)
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


def test_a_refused_cancel_is_pushed_and_after_a_restart_it_is_where_it_was(tmp_path: Path) -> None:
    refusal = RefusedCancel(
        order_xtp_id=placed("1").order_xtp_id,
        action_ref=7,
        error_id=26,
        error_msg="no",
        at_ns=AT_NS + 5,
    )
    returns = [(order("1", "3"), AT_NS), (order("2", "3"), AT_NS + 9)]

    async def lists() -> list[list[bytes]]:
        told: list[bytes] = []
        books, found = opened(tmp_path, told), []
        books.begin({"TradingDay": DAY, "BrokerID": BROKER})
        books.complete()
        await books.keep(placed("1"))
        for number, (fields, at) in enumerate(returns):
            if number == 1:
                await books.refuse_cancel(refusal)
            books.take("OnRtnOrder", fields, {}, at)
        assert books.now is not None
        found.append([books.now.text(event) for event in books.now.orders])
        assert told == found[0]
        books.close()
        for _ in range(2):  # another process, and another login of the same one
            books = books if len(found) == 2 else opened(tmp_path)
            books.begin({"TradingDay": DAY, "BrokerID": BROKER})
            for fields, at in returns:
                books.take("OnRtnOrder", fields, {}, at)
            books.complete()
            assert books.now is not None
            found.append([books.now.text(event) for event in books.now.orders])
        books.close()
        return found

    live, restarted, attached = asyncio.run(lists())
    assert len(live) == 3
    assert live == restarted == attached
