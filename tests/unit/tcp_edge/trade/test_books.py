"""The books of an account over its logins."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from schemas.calendar import Calendar
from schemas.xtp.instruments import Instruments
from tcp_edge.trade.account.books import Books
from tcp_edge.trade.orders.placed import Placed, Store
from tcp_edge.trade.setting import Setting
from tests.unit.tcp_edge.trade.makers import BROKER, DAY, RB, USER, placed

SESSION = {"TradingDay": DAY, "BrokerID": BROKER}


def books(folder: Path) -> Books:
    setting = cast(Any, Setting)(
        bus=None,
        name="gateway",
        folder=folder,
        calendar=cast(Calendar, None),
        instruments=lambda: Instruments([RB]),
        instruments_loaded=None,
        next_reqid=None,
        day_of=lambda ns: DAY,
        big_ints=False,
        max_records=1000,
    )
    return Books(setting, USER)


def test_an_order_is_kept_while_the_account_is_attached_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attached, put = threading.Event(), Store.put

    def late(store: Store, order: Placed) -> None:
        assert attached.wait(10)
        put(store, order)

    monkeypatch.setattr(Store, "put", late)

    async def run() -> None:
        made = books(tmp_path)
        made.begin(SESSION)
        made.complete()
        keeping = asyncio.create_task(made.keep(placed("1")))
        await asyncio.sleep(0)
        made.begin(SESSION)
        attached.set()
        await keeping
        made.complete()
        assert made.now is not None
        assert made.now.placed(placed("1").order_xtp_id) is not None
        made.close()

    asyncio.run(run())


def test_a_new_trading_day_has_another_file(tmp_path: Path) -> None:
    async def run() -> None:
        made = books(tmp_path)
        made.begin(SESSION)
        made.complete()
        await made.keep(placed("1"))
        made.begin(SESSION | {"TradingDay": "20261124"})
        made.complete()
        assert made.now is not None
        assert made.now.unheard() == []
        made.close()

    asyncio.run(run())
