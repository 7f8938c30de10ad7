"""Cancels while the account is not ready: who carries them, and which ones wait."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bus.errors import Unavailable, refused
from bus.frames import Flag, Row, message_type
from schemas.errors import NOT_LOGGED_IN
from schemas.xtp.order_ids import Identity
from tcp_edge.stat import Failed, Stat
from tcp_edge.trade.account import early
from tcp_edge.trade.account.books import Books
from tcp_edge.trade.account.session import Session
from tcp_edge.trade.orders import cancels
from tcp_edge.trade.orders.cancels import Cancels
from tcp_edge.trade.orders.placed import RefusedCancel
from tcp_edge.trade.setting import Setting
from tcp_edge.trade.tasks import Tasks
from tests.unit.tcp_edge.trade.makers import CATALOGUE, DAY

SURE, UNSURE = 7, 8
IDENTITY = Identity(SURE, 1, 77, "1", "SHFE", "rb2701", order_sys_id="9")


class Login:
    def __init__(self, handle: bytes, day: str = DAY) -> None:
        self.handle, self.trading_day = handle, day
        self.session = {"BrokerID": "9999"}

    def leave(self) -> None: ...


class Worker:
    """td_worker: attaches, and knows the handles of now. It has been started anew."""

    catalogue = CATALOGUE

    def __init__(self) -> None:
        self.attached: list[Login] = []
        self.sent: list[bytes] = []
        self.day, self.away, self.logins = DAY, False, 0

    async def attach(self, user: str, *, name: str, timeout_s: float, early: bool) -> Login:
        assert early
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("td_worker")
        self.logins += 1
        self.attached.append(Login(b"new%d" % self.logins, self.day))
        return self.attached[-1]

    async def act(
        self, account: Login, handle: bytes, fields: dict[str, Any], *more: object
    ) -> None:
        if account not in self.attached:
            raise refused(NOT_LOGGED_IN, "log in again")
        assert fields["OrderSysID"] == "9"
        self.sent.append(handle)


class Gateway:
    """``ready``: it still takes its login for good, which td_worker has forgotten."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ready: bool) -> None:
        self.worker, self.ready, self.waited = Worker(), ready, 0
        self.refused: list[RefusedCancel] = []
        self.now = SimpleNamespace(day=DAY, known=lambda number: IDENTITY)
        monkeypatch.setattr(cancels, "act", self.worker.act)
        setting = SimpleNamespace(bus=self.worker, name="gateway", next_reqid=lambda: 40)
        self.cancels = Cancels(
            cast(Setting, setting), "028742", cast(Session, self), cast(Books, self), Tasks()
        )

    def for_sure(self, number: int) -> tuple[str, Identity] | None:
        return (DAY, IDENTITY) if number == SURE else None

    async def refuse_cancel(self, refusal: RefusedCancel) -> None:
        self.refused.append(refusal)

    async def wait_ready(self) -> Login:
        self.waited += 1
        if not self.ready:
            raise Failed(Stat.NOT_CONNECTED, "the account is not ready")
        return Login(b"old")


@pytest.mark.parametrize("ready", [False, True])
def test_all_cancels_go_by_one_login_of_their_own(
    monkeypatch: pytest.MonkeyPatch, ready: bool
) -> None:
    async def run() -> None:
        gateway = Gateway(monkeypatch, ready)
        await asyncio.gather(*(gateway.cancels.cancel(SURE) for _ in range(5)))
        assert gateway.worker.sent == [b"new1"] * 5
        gateway.worker.attached.clear()  # it starts anew again
        await gateway.cancels.cancel(SURE)
        assert len(gateway.worker.attached) == 1

    asyncio.run(run())


def test_an_order_whose_name_may_have_become_anothers_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        gateway = Gateway(monkeypatch, ready=False)
        with pytest.raises(Failed, match="not ready"):
            await gateway.cancels.cancel(UNSURE)
        assert (gateway.waited, gateway.worker.sent) == (1, [])

    asyncio.run(run())


def test_on_another_day_its_number_is_that_of_another_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        gateway = Gateway(monkeypatch, ready=False)
        gateway.worker.day = "20261124"
        with pytest.raises(Failed) as failed:
            await gateway.cancels.cancel(SURE)
        assert failed.value.stat is Stat.NOT_FOUND
        assert gateway.worker.sent == []

    asyncio.run(run())


def test_the_day_is_that_of_now_although_a_handle_outlives_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        monkeypatch.setattr(early, "_FRESH_S", 0.0)
        gateway = Gateway(monkeypatch, ready=False)
        await gateway.cancels.cancel(SURE)
        gateway.worker.day = "20261124"  # the counter came back with it, and the handle is good
        with pytest.raises(Failed, match="no such order today"):
            await gateway.cancels.cancel(SURE)
        assert gateway.worker.sent == [b"new1"]

    asyncio.run(run())


def test_a_refusal_is_listed_behind_what_the_counter_tells_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> RefusedCancel:
        monkeypatch.setattr(cancels, "IN_RETURNS_S", 0.05)
        gateway = Gateway(monkeypatch, ready=False)
        info = CATALOGUE.codec("RspInfo").pack({"ErrorID": 26, "ErrorMsg": "no"})
        kind = message_type("OnRspOrderAction")
        row = Row(1, 0, 0, kind, CATALOGUE.layout_id, Flag.HAS_INFO | Flag.LAST, info)
        gateway.cancels._refuse(SURE, 40, row)
        async with asyncio.timeout(20):
            while not gateway.refused:
                await asyncio.sleep(0.01)
        return gateway.refused[0]

    began = time.time_ns()
    refusal = asyncio.run(run())
    assert (refusal.order_xtp_id, refusal.action_ref, refusal.error_id) == (SURE, 40, 26)
    assert refusal.at_ns >= began + 50_000_000


def test_without_td_worker_nothing_is_sent_and_the_next_cancel_tries_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        gateway = Gateway(monkeypatch, ready=False)
        gateway.worker.away = True
        with pytest.raises(Failed, match="nothing was sent") as failed:
            await gateway.cancels.cancel(SURE)
        assert failed.value.stat is Stat.NOT_CONNECTED
        gateway.worker.away = False
        await gateway.cancels.cancel(SURE)
        assert len(gateway.worker.sent) == 1

    asyncio.run(run())
