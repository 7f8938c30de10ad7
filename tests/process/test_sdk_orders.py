"""Orders of the SDK whose answers are lost: asked for by their ids, never sent twice."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.client import Account, Client, Order, OrderState, structs
from bus.client import orders as orders_module
from bus.endpoints import Addresses
from bus.errors import BusError, Refused
from bus.orders import NOT_KEPT, NOT_ON_RECORD, Outcome, OutcomeQuery
from bus.rpc import Call
from schemas import typed
from schemas.errors import INTERNAL_ERROR, LIMIT, NOT_LOGGED_IN, VOID_ID
from schemas.typed import Instrument
from tests.chaos.step_worker import STEPS
from tests.support.edge_core import (
    BROKER,
    USER,
    Line,
    error,
    info,
    own,
    pack,
    row,
    sent,
    session_row,
)
from tests.support.fake_worker import FakeWorker
from tests.support.group import Group

TOPIC = f"td/{BROKER}/{USER}/"
WAIT_S = 30.0
S = OrderState
LOGIN = row("OnRspUserLogin", pack("RspUserLogin", BrokerID=BROKER, UserID=USER), info(), last=True)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[FakeWorker]:
    with FakeWorker(f"ipc://{tmp_path}/p", f"ipc://{tmp_path}/r") as worker:
        worker.script("ReqUserLogin", session_row(), LOGIN)
        worker.script("Returns", own("Returns", {"epoch": 1, "seq": 0}, last=True))
        worker.script("QryOrderOutcome", error(-1, "no", NOT_ON_RECORD))
        yield worker


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order is not sent any more after a moment."""
    monkeypatch.setattr(orders_module, "ORDER_S", 0.5)
    monkeypatch.setattr(orders_module, "LATE_S", 0.3)


def run(tmp_path: Path, scenario: Callable[[Account], Awaitable[None]]) -> None:
    addresses = Addresses(td_pub=f"ipc://{tmp_path}/p", td_rpc=f"ipc://{tmp_path}/r")

    async def whole() -> None:
        async with Client(addresses) as client, asyncio.timeout(2 * WAIT_S):
            await scenario(await client.login(USER, "secret", broker_id=BROKER))

    asyncio.run(whole())


async def place(account: Account, client_order_id: str = "mine", **terms: Any) -> Order:
    return await account.place(
        "rb2701", "buy", 1, 3100.0, exchange="SHFE", client_order_id=client_order_id, **terms
    )


def outcome(state: OrderState, **values: Any) -> Outcome:
    names: dict[str, Any] = {"client_order_id": "mine", "session_id": 7, "order_ref": "1"}
    return Outcome(order_id="20261123-1", state=state, **names | values)


def insertions(worker: FakeWorker) -> list[Call]:
    return [call for call in list(worker.calls) if call.method == "ReqOrderInsert"]


def returned(status: str, traded: int = 0) -> bytes:
    return pack(
        "Order",
        SessionID=7,
        OrderRef="1",
        ExchangeID="SHFE",
        OrderSysID="  12",
        OrderStatus=status,
        OrderSubmitStatus="3",
        VolumeTraded=traded,
        TradingDay="20261123",
    )


def traded() -> bytes:
    return pack("Trade", ExchangeID="SHFE", OrderSysID="  12", TradeID="1", Direction="0", Volume=1)


def test_an_order_carries_its_id_and_whose_it_is_and_gets_its_first_word(
    worker: FakeWorker, tmp_path: Path
) -> None:
    worker.script("ReqOrderInsert", sent(outcome(S.SENT)))

    async def scenario(account: Account) -> None:
        order = await place(account)
        assert order.state is S.SENT
        (call,) = insertions(worker)
        assert call.client_order_id == "mine"
        fields = account.catalogue.codec("InputOrder").unpack(call.body)
        assert (fields["BrokerID"], fields["InvestorID"], fields["UserID"]) == (BROKER, USER, USER)
        assert await place(account) is order, "the same id is the same order"
        with pytest.raises(ValueError, match="another order"):
            await place(account, lasts="fak")
        assert len(insertions(worker)) == 1

    run(tmp_path, scenario)


def test_without_an_id_each_order_gets_one_that_nobody_has(
    worker: FakeWorker, tmp_path: Path
) -> None:
    worker.script("ReqOrderInsert", sent(outcome(S.SENT)))

    async def scenario(account: Account) -> None:
        names = {(await place(account, "")).client_order_id for _ in range(3)}
        assert names == {call.client_order_id for call in insertions(worker)}
        assert len(names) == 3

    run(tmp_path, scenario)


@pytest.mark.usefixtures("short")
def test_a_lost_answer_is_asked_for_by_the_id_and_the_order_is_not_sent_again(
    worker: FakeWorker, tmp_path: Path
) -> None:
    asked: list[OutcomeQuery] = []

    def tell(call: Call) -> list[Line]:
        asked.append(msgspec.msgpack.decode(call.body, type=OutcomeQuery))
        state = S.UNKNOWN if len(asked) < 3 else S.FILLED
        return [own("Outcome", outcome(state), last=True)]

    worker.answer_by("QryOrderOutcome", tell)

    async def scenario(account: Account) -> None:
        order = await place(account)  # no word comes at all
        assert order.state is S.UNKNOWN
        assert not order.final
        assert await order.wait(timeout_s=WAIT_S) is S.FILLED
        assert {query.client_order_id for query in asked} == {"mine"}
        assert len(insertions(worker)) == 1

    run(tmp_path, scenario)


@pytest.mark.usefixtures("short")
def test_what_is_not_on_record_was_never_sent_but_only_once_it_cannot_be_sent_any_more(
    worker: FakeWorker, tmp_path: Path
) -> None:
    async def scenario(account: Account) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        order = await place(account)
        assert order.state is S.UNKNOWN
        assert await order.wait(timeout_s=WAIT_S) is S.NOT_SENT
        assert loop.time() - begin > orders_module.ORDER_S + orders_module.LATE_S
        assert "never reached" in order.why
        assert len(insertions(worker)) == 1

    run(tmp_path, scenario)


def test_an_order_that_is_not_on_record_yet_stays_unknown(
    worker: FakeWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control to the test before: td_worker may send it until its deadline."""
    monkeypatch.setattr(orders_module, "LATE_S", 0.2)
    worker.script("ReqOrderInsert", error(INTERNAL_ERROR, "fault"))

    async def scenario(account: Account) -> None:
        order = await place(account)
        await asyncio.to_thread(worker.wait_for, "QryOrderOutcome", 2)
        assert order.state is S.UNKNOWN

    run(tmp_path, scenario)


def test_a_worker_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    worker = FakeWorker(f"ipc://{tmp_path}/p", f"ipc://{tmp_path}/r")
    worker.script("ReqUserLogin", session_row(), LOGIN)

    async def scenario(account: Account) -> None:
        await asyncio.to_thread(worker.close)
        order = await place(account)
        async with asyncio.timeout(30):
            while order.state is S.UNKNOWN:  # at once, when the end has been heard of
                order = await place(account, "")
        assert order.state is S.NOT_SENT
        assert "not connected" in order.why
        assert order.complete

    run(tmp_path, scenario)


def test_for_want_of_a_login_it_is_sent_once_more_under_the_same_id(
    worker: FakeWorker, tmp_path: Path
) -> None:
    new = b"another login 16"

    def take(call: Call) -> list[Line]:
        return [sent(outcome(S.ACK))] if call.session == new else [error(NOT_LOGGED_IN, "no")]

    worker.answer_by("ReqOrderInsert", take)

    async def scenario(account: Account) -> None:
        worker.script("ReqUserLogin", session_row(handle=new), LOGIN)
        order = await place(account)
        assert order.state is S.ACK
        first, second = insertions(worker)
        assert (first.client_order_id, first.body) == (second.client_order_id, second.body)
        assert second.deadline_ns <= first.deadline_ns + 50_000_000, "time does not begin anew"

    run(tmp_path, scenario)


def test_a_login_that_is_refused_for_good_is_tried_once_and_ends_what_waits(
    worker: FakeWorker, tmp_path: Path
) -> None:
    worker.script("ReqOrderInsert", sent(outcome(S.ACK)))

    async def scenario(account: Account) -> None:
        order = await place(account)
        wrong = row("OnRspUserLogin", None, info(3, "CTP:不合法的登录"), last=True)
        worker.script("ReqUserLogin", wrong)
        for method in ("Returns", "ReqOrderInsert", "ReqQryTradingAccount", "QryOrderOutcome"):
            worker.script(method, error(NOT_LOGGED_IN, "未登录"))
        before = len([call for call in worker.calls if call.method == "ReqUserLogin"])
        with pytest.raises(BusError):
            await account.money()
        refused = await place(account, "second")
        assert refused.state is S.NOT_SENT
        worker.publish(TOPIC, "SessionLost")
        with pytest.raises(BusError, match="不合法的登录"):
            await order.wait()
        assert order.state is S.ACK
        third = await place(account, "third")
        assert third.state is S.NOT_SENT
        tried = [call for call in worker.calls if call.method == "ReqUserLogin"][before:]
        assert len(tried) <= 2, "once for the requests and once for the returns"

    run(tmp_path, scenario)


def test_a_td_worker_that_came_back_with_other_structs_gets_no_order(
    worker: FakeWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.script("ReqOrderInsert", error(NOT_LOGGED_IN, "未登录"))

    async def scenario(account: Account) -> None:
        monkeypatch.setitem(account.catalogue.__dict__, "layout_id", 0x6308)
        order = await place(account)
        assert order.state is S.NOT_SENT
        assert "another version of the API" in order.why
        assert len(insertions(worker)) == 1

    run(tmp_path, scenario)


def test_after_a_change_the_next_login_is_made_with_the_new_password(
    worker: FakeWorker, tmp_path: Path
) -> None:
    done = row("OnRspUserPasswordUpdate", pack("UserPasswordUpdate"), info(), last=True)
    worker.script("ReqUserPasswordUpdate", done)
    worker.script("ReqQryTradingAccount", error(NOT_LOGGED_IN, "未登录"))

    async def scenario(account: Account) -> None:
        change = structs.UserPasswordUpdate(old_password="secret", new_password="newer")
        await account.ctp.ReqUserPasswordUpdate(change)
        with pytest.raises(BusError):
            await account.money(timeout_s=0.5)
        login = worker.wait_for("ReqUserLogin", 2)
        assert account.catalogue.codec("ReqUserLogin").get(login.body, "Password") == "newer"

    run(tmp_path, scenario)


def test_what_the_limits_refuse_was_not_sent(worker: FakeWorker, tmp_path: Path) -> None:
    worker.script("ReqOrderInsert", error(LIMIT, "超出网关限额", "orders_per_s"))

    async def scenario(account: Account) -> None:
        order = await place(account)
        assert (order.state, order.error_id) == (S.NOT_SENT, LIMIT)
        assert len(insertions(worker)) == 1

    run(tmp_path, scenario)


def test_the_counters_refusal_comes_with_its_words(worker: FakeWorker, tmp_path: Path) -> None:
    refusal = row("OnRspOrderInsert", pack("InputOrder"), info(31, "CTP:资金不足"), last=True)
    worker.script("ReqOrderInsert", sent(outcome(S.SENT)), refusal)

    async def scenario(account: Account) -> None:
        order = await place(account)
        assert await order.wait(timeout_s=WAIT_S) is S.REJECTED
        assert (order.error_id, order.why) == (31, "CTP:资金不足")

    run(tmp_path, scenario)


def test_returns_that_come_before_the_first_word_are_known_as_its_own(
    worker: FakeWorker, tmp_path: Path
) -> None:
    async def scenario(account: Account) -> None:
        task = asyncio.create_task(place(account))
        call = await asyncio.to_thread(worker.wait_for, "ReqOrderInsert")
        await asyncio.to_thread(worker.wait_subscribed, TOPIC)
        returns = account.returns()
        worker.publish(TOPIC, "OnRtnOrder", returned("0", 1))
        worker.publish(TOPIC, "OnRtnTrade", traded())
        for _ in range(2):
            await anext(returns)
        worker.tell(call, sent(outcome(S.SENT)))
        order = await task
        assert await order.wait(timeout_s=WAIT_S) is S.FILLED
        assert [trade.volume for trade in order.trades] == [1]

    run(tmp_path, scenario)


def test_fills_that_are_lost_are_asked_for(worker: FakeWorker, tmp_path: Path) -> None:
    done = outcome(S.FILLED, volume_traded=1, exchange_id="SHFE", order_sys_id="  12")
    worker.script("ReqOrderInsert", sent(done))
    worker.script("ReqQryTrade", row("OnRspQryTrade", traded(), info(), last=True))

    async def scenario(account: Account) -> None:
        order = await place(account)
        assert order.state is S.FILLED
        assert not order.complete
        assert await order.wait(timeout_s=WAIT_S) is S.FILLED
        assert [trade.trade_id for trade in order.trades] == ["1"]

    run(tmp_path, scenario)


def test_a_cancel_whose_order_lost_its_answer_asks_for_the_name_first(
    worker: FakeWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_module, "_LOOK_S", 60.0)  # nobody else asks
    worker.script("ReqOrderInsert", error(INTERNAL_ERROR, "fault"))
    worker.script("ReqOrderAction", sent())

    async def scenario(account: Account) -> None:
        order = await place(account)
        assert order.state is S.UNKNOWN
        worker.script("QryOrderOutcome", own("Outcome", outcome(S.ACK), last=True))
        await order.cancel()
        call = worker.wait_for("ReqOrderAction")
        fields = account.catalogue.codec("InputOrderAction").unpack(call.body)
        assert (fields["SessionID"], fields["OrderRef"], fields["ActionFlag"]) == (7, "1", "0")
        assert fields["InstrumentID"] == "rb2701"
        worker.tell(
            call, row("OnRspOrderAction", None, info(26, "CTP:报单已全成交或已撤销"), last=True)
        )
        while not order.cancel_why:
            await asyncio.sleep(0.01)
        assert "26" in order.cancel_why

    run(tmp_path, scenario)


def test_a_quote_and_an_order_of_one_reference_are_not_taken_for_each_other(
    worker: FakeWorker, tmp_path: Path
) -> None:
    quote_told = outcome(S.ACK, client_order_id="quote", method="ReqQuoteInsert")
    worker.script("ReqQuoteInsert", sent(quote_told))
    worker.script("ReqOrderInsert", sent(outcome(S.ACK)))

    async def scenario(account: Account) -> None:
        quote = await account.ctp.ReqQuoteInsert(structs.InputQuote(), client_order_id="quote")
        order = await place(account)
        worker.publish(TOPIC, "OnRtnOrder", returned("5"))
        assert await order.wait(timeout_s=WAIT_S) is S.CANCELLED
        assert quote.state is S.ACK
        ended = msgspec.structs.replace(quote_told, state=S.CANCELLED)
        worker.script("QryOrderOutcome", own("Outcome", ended, last=True))
        assert await quote.wait(timeout_s=WAIT_S) is S.CANCELLED, "by asking, for who waits"

    run(tmp_path, scenario)


def test_a_number_that_is_none_is_not_sent(worker: FakeWorker, tmp_path: Path) -> None:
    async def scenario(account: Account) -> None:
        for price in (float("nan"), float("inf")):
            with pytest.raises(ValueError, match="LimitPrice is not a finite number"):
                await account.ctp.ReqOrderInsert(structs.InputOrder(limit_price=price))
        with pytest.raises(ValueError, match="ReqOrderInsert"):
            await account.ctp.ReqOrderInsert(structs.InputOrder(volume_total_original=2**31))
        with pytest.raises(ValueError, match="InstrumentID"):
            await account.ctp.ReqOrderInsert(structs.InputOrder(instrument_id="x" * 100))
        assert not insertions(worker)
        assert not account.orders()

    run(tmp_path, scenario)


def test_an_order_on_its_way_is_not_told_as_unsent_when_returns_are_lost_meanwhile(
    worker: FakeWorker, tmp_path: Path
) -> None:
    """td_worker, busy, has not read it yet when it answers that it has no record of it."""

    async def scenario(account: Account) -> None:
        task = asyncio.create_task(place(account))
        call = await asyncio.to_thread(worker.wait_for, "ReqOrderInsert")
        await asyncio.to_thread(worker.wait_subscribed, TOPIC)
        worker.script("Returns", error(-1, "no", f"returns {NOT_KEPT}"))
        worker.publisher.stream(TOPIC).seq += 5
        worker.publish(TOPIC, "OnRtnOrder", returned("3"))
        await asyncio.to_thread(worker.wait_for, "QryOrderOutcome")
        worker.tell(call, sent(outcome(S.SENT)))
        assert (await task).state is S.SENT

    run(tmp_path, scenario)


def test_fills_that_nobody_has_any_more_are_not_waited_for(
    worker: FakeWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as those of an order of an earlier day."""
    monkeypatch.setattr(orders_module, "_FILLS_AGAIN_S", 0.1)
    done = outcome(S.FILLED, volume_traded=1, exchange_id="SHFE", order_sys_id="  12")
    worker.script("QryOrderOutcome", own("Outcome", done, last=True))
    for query, reply in (("ReqQryTrade", "OnRspQryTrade"), ("ReqQryOrder", "OnRspQryOrder")):
        worker.script(query, row(reply, None, None, last=True))

    async def scenario(account: Account) -> None:
        order = await account.order("mine")
        assert order is not None
        assert not order.complete
        assert await order.wait() is S.FILLED
        assert (order.trades, order.volume_traded) == ([], 1)
        asked = len([call for call in worker.calls if call.method == "ReqQryTrade"])
        await asyncio.sleep(0.5)
        assert len([call for call in worker.calls if call.method == "ReqQryTrade"]) == asked

    run(tmp_path, scenario)


def test_a_number_that_the_exchange_gives_again_on_another_day_is_another_order(
    worker: FakeWorker, tmp_path: Path
) -> None:
    worker.script("ReqOrderInsert", sent(outcome(S.ACK)))

    async def scenario(account: Account) -> None:
        old = await place(account)
        worker.publish(TOPIC, "OnRtnOrder", returned("3"))
        while old.last is None:
            await asyncio.sleep(0.01)
        told = outcome(S.ACK, client_order_id="new", session_id=8)
        worker.script("ReqOrderInsert", sent(told))
        new = await place(account, "new")
        today = account.catalogue.codec("Order").patch(
            returned("0", 1), {"SessionID": 8, "TradingDay": "20261124"}
        )
        fill = account.catalogue.codec("Trade").patch(traded(), {"TradingDay": "20261124"})
        worker.publish(TOPIC, "OnRtnTrade", fill)  # of nobody yet, and not of the old one
        worker.publish(TOPIC, "OnRtnOrder", today)
        worker.publish(TOPIC, "OnRtnTrade", fill)
        assert await new.wait(timeout_s=WAIT_S) is S.FILLED
        assert len(new.trades) == 1
        assert old.trades == []

    run(tmp_path, scenario)


def test_what_was_not_sent_may_be_placed_again_under_its_id(
    worker: FakeWorker, tmp_path: Path
) -> None:
    worker.script("ReqOrderInsert", error(LIMIT, "超出网关限额", "orders_per_s"))

    async def scenario(account: Account) -> None:
        first = await place(account)
        assert first.state is S.NOT_SENT
        worker.script("ReqOrderInsert", sent(outcome(S.ACK)))
        second = await place(account)
        assert second.state is S.ACK
        assert [call.client_order_id for call in insertions(worker)] == ["mine", "mine"]
        assert account.orders() == [second]
        recorded = outcome(S.NOT_SENT, client_order_id="late", error_msg="expired")
        worker.script("ReqOrderInsert", own("Outcome", recorded, last=True))
        late = await place(account, "late")
        assert await place(account, "late") is late, "td_worker has it on record as such"

    run(tmp_path, scenario)


def test_an_order_of_an_earlier_run_is_found_by_its_id(worker: FakeWorker, tmp_path: Path) -> None:
    told = outcome(S.ACK, exchange_id="SHFE", order_sys_id="  12")
    worker.script("ReqQryOrder", row("OnRspQryOrder", returned("3"), info(), last=True))

    async def scenario(account: Account) -> None:
        assert await account.order("mine") is None
        worker.script("QryOrderOutcome", own("Outcome", told, last=True))
        order = await account.order("mine")
        assert order is not None
        assert order.state is S.ACK
        assert order.last is not None
        with pytest.raises(ValueError, match="of before"):
            await place(account)
        worker.publish(TOPIC, "OnRtnOrder", returned("5"))
        assert await order.wait(timeout_s=WAIT_S) is S.CANCELLED
        assert not insertions(worker)

    run(tmp_path, scenario)


def test_an_id_that_is_made_void_is_that_of_no_order_any_more(
    worker: FakeWorker, tmp_path: Path, short: None
) -> None:
    void = outcome(S.NOT_SENT, error_id=VOID_ID, method="VoidClientOrderID")
    worker.script("VoidClientOrderID", own("Outcome", void, last=True))

    async def scenario(account: Account) -> None:
        order = await account.void("mine")
        assert (order.state, order.error_id, order.order_id) == (S.NOT_SENT, -410, "20261123-1")
        with pytest.raises(ValueError, match="of before"):
            await place(account)
        assert not insertions(worker)
        # An order of ours whose answer does not come, and which is on record by now.
        unknown = await place(account, "other")
        assert unknown.state is S.UNKNOWN
        told = outcome(S.ACK, client_order_id="other", order_ref="2")
        worker.script("VoidClientOrderID", own("Outcome", told, last=True))
        known = await account.void("other")
        assert (known, known.state) == (unknown, S.ACK)
        worker.script("VoidClientOrderID", error(LIMIT, "超出网关限额", "10000 ids"))
        with pytest.raises(Refused, match="10000 ids"):
            await account.void("third")

    run(tmp_path, scenario)


def test_who_is_cancelled_while_he_waits_has_an_order_that_is_looked_after(
    worker: FakeWorker, tmp_path: Path
) -> None:
    async def scenario(account: Account) -> None:
        task = asyncio.create_task(place(account))
        call = await asyncio.to_thread(worker.wait_for, "ReqOrderInsert")
        task.cancel()
        worker.tell(call, sent(outcome(S.ACK)))
        (order,) = account.orders()
        assert await order.wait(S.ACK, timeout_s=WAIT_S) is S.ACK

    run(tmp_path, scenario)


def test_td_worker_that_dies_at_any_step_of_an_order_leaves_it_told_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each order has a price of its own, by which the exchange's own record shows how often it
    arrived. Who sends again under another id because he has heard nothing is the control."""
    ledger = tmp_path / "ledger.jsonl"
    overrides: dict[str, Any] = {
        "sim": {"queries_per_second": 0, "ledger_file": str(ledger)},
        "td_worker": {"retry_s": 0.2, "quiet_s": 0.1, "unsent_s": 1.0, "queries_per_s": 1000},
    }
    arm = Armed(tmp_path, monkeypatch)
    entries = {"td_worker": "tests.chaos.step_worker"}
    with Group(tmp_path, overrides=overrides, entries=entries) as group:
        arm("")
        group.start("sim", "td_worker")
        orders = asyncio.run(die_at_each_step(group, arm))
    arrived = Counter(
        entry["price"]
        for entry in map(json.loads, ledger.read_text().splitlines())
        if entry["kind"] == "AcceptedOrder"
    )
    *careful, first, second = orders
    for order in careful:
        reached = order.state is S.CANCELLED
        assert reached or order.state is S.NOT_SENT, order
        assert arrived[price_of(order)] == reached, order
    assert price_of(first) == price_of(second)
    assert arrived[price_of(first)] == 2, "the record shows what is sent twice"


class Armed:
    """At which step the next td_worker dies."""

    def __init__(self, folder: Path, environment: pytest.MonkeyPatch) -> None:
        self._environment = environment
        environment.setenv("CHAOS_ORDER", "1")
        environment.setenv("CHAOS_FILE", str(folder / "deaths"))

    def __call__(self, step: str) -> None:
        self._environment.setenv("CHAOS_STEP", step)


def price_of(order: Order) -> float:
    assert isinstance(order.fields, typed.InputOrder)
    assert order.fields.limit_price is not None
    return order.fields.limit_price


async def die_at_each_step(group: Group, arm: Armed) -> list[Order]:
    """An order for each step, ended; and two that are one to a program that sends again."""
    async with Client(str(group.config_file)) as client, asyncio.timeout(6 * WAIT_S):
        account = await client.login(USER, "123456", broker_id=BROKER)
        (future, *_) = await account.query("ReqQryInstrument", {"ProductID": "rb"})
        assert isinstance(future, Instrument)
        assert future.price_tick is not None
        code, price, step_size = future.instrument_id, 0.0, future.price_tick
        for row in await account.query("ReqQryDepthMarketData", {"InstrumentID": code}):
            assert isinstance(row, typed.Tick)
            assert row.lower_limit_price is not None
            price = row.lower_limit_price
        orders: list[Order] = []
        steps = (*STEPS, "before reply")
        for number, step in enumerate((*steps, "")):
            arm(step)
            await asyncio.to_thread(group.restart, "td_worker")
            await account.money()  # it is ready
            terms = (code, "buy", 1, price + min(number, len(STEPS)) * step_size)
            orders.append(await account.place(*terms, exchange="SHFE"))  # type: ignore[arg-type]
        for order in orders:
            while not order.complete:
                if await order.wait(S.ACK, timeout_s=1.0) is S.ACK:
                    await order.cancel()
                    await order.wait(timeout_s=1.0)
        return orders
