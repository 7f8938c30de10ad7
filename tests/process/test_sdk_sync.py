"""The SDK for a program without an event loop, on real workers and the embedded exchange."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest

from bus.client import structs
from bus.client.sync import Account, Client, Closed, OrderState, Tick
from bus.client.terms import limit_order
from bus.errors import Refused
from schemas.typed import CtpStruct, Instrument
from tests.support.buslink import MdLink
from tests.support.group import CHECKOUT, Group

USER, PASSWORD = "028742", "123456"
WAIT_S = 60.0


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    overrides = {
        "sim": {"queries_per_second": 0},
        "md_worker": {"retry_s": 0.2, "step_s": 0.5},
        "td_worker": {
            "retry_s": 0.2,
            "queries_per_s": 1000,
            "accounts": [{"user": USER, "password": PASSWORD}],
        },
    }
    with Group(tmp_path_factory.mktemp("sync"), overrides=overrides) as group:
        group.start("sim", "md_worker", "td_worker")
        yield group


@pytest.fixture
def client(group: Group) -> Iterator[Client]:
    with Client(str(group.config_file)) as client:
        yield client


@pytest.fixture
def account(client: Client) -> Account:
    return client.login(USER, PASSWORD, broker_id="9999")


@pytest.fixture(scope="module")
def instrument(group: Group) -> str:
    with Client(str(group.config_file)) as client:
        account = client.attach(USER, name="test")
        (first, *_) = account.query("ReqQryInstrument", {"ProductID": "rb"})
        assert isinstance(first, Instrument)
        return first.instrument_id


def first_tick(client: Client, instrument: str) -> Tick:
    with client.ticks(instrument) as ticks:
        return next(item for item in ticks if isinstance(item, Tick))


def test_a_program_without_a_loop_sees_a_tick_trades_and_asks(
    client: Client, account: Account, instrument: str
) -> None:
    tick = client.tick(first_tick(client, instrument))
    assert tick.instrument_id == instrument
    assert tick.upper_limit_price is not None
    before = {p.posi_direction: p.position for p in account.positions(instrument)}
    order = account.place(instrument, "buy", 2, tick.upper_limit_price)
    assert order.wait(timeout_s=WAIT_S) is OrderState.FILLED
    assert sum(trade.volume for trade in order.trades) == order.volume_traded == 2
    (long,) = [p for p in account.positions(instrument) if p.posi_direction == "2"]
    assert long.position == before.get("2", 0) + 2
    assert account.money().available is not None


def test_an_order_is_cancelled(client: Client, account: Account, instrument: str) -> None:
    tick = client.tick(first_tick(client, instrument))
    assert tick.lower_limit_price is not None
    order = account.place(instrument, "buy", 1, tick.lower_limit_price)
    assert order.wait(OrderState.ACK, timeout_s=WAIT_S) is OrderState.ACK
    assert order.wait(timeout_s=0.1) is OrderState.ACK, "after the time its state as it is"
    order.cancel()
    assert order.wait(timeout_s=WAIT_S) is OrderState.CANCELLED
    order.cancel()  # which is nothing for one that has ended


def test_a_snapshot_is_the_newest_tick_of_those_that_have_one(
    client: Client, instrument: str
) -> None:
    with client.ticks(instrument) as ticks:
        first = next(item for item in ticks if isinstance(item, Tick))
        found = client.snapshot(instrument, "nothing")
        assert list(found) == [instrument]
        assert found[instrument].seq >= first.seq
        assert client.snapshot() == {}


def test_every_question_of_the_api_is_a_method_with_an_answer_or_an_error(
    account: Account, instrument: str
) -> None:
    questions = [name for name in dir(account.ctp) if name.startswith("ReqQry")]
    assert len(questions) > 50
    answered = 0
    for name in questions:
        try:
            rows = getattr(account.ctp, name)(timeout_s=WAIT_S)
        except Refused as refused:
            assert refused.error_id
        else:
            assert all(isinstance(row, CtpStruct) for row in rows)
            answered += 1
    assert answered > 10
    wanted = structs.QryInstrument(instrument_id=instrument)
    assert [row.instrument_id for row in account.ctp.ReqQryInstrument(wanted)] == [instrument]
    with pytest.raises(TypeError, match="QryInstrument"):
        account.ctp.ReqQryInstrument(structs.QryOrder())  # type: ignore[arg-type]


def test_the_market_data_api_has_a_question_too(client: Client) -> None:
    assert [name for name in client.catalogue.md.requests if "Qry" in name] == [
        "ReqQryMulticastInstrument"
    ]
    assert client.query("ReqQryMulticastInstrument", timeout_s=WAIT_S) == []


def test_orders_and_other_changes_go_by_the_requests_of_the_api(
    client: Client, account: Account, instrument: str
) -> None:
    (confirmed,) = account.ctp.ReqSettlementInfoConfirm()
    assert confirmed.investor_id == USER
    tick = client.tick(first_tick(client, instrument))
    assert tick.lower_limit_price is not None
    fields = limit_order(instrument, "buy", 1, tick.lower_limit_price, exchange="SHFE")
    order = account.ctp.ReqOrderInsert(fields, client_order_id="by hand")
    assert order.client_order_id == "by hand"
    assert order.wait(OrderState.ACK, timeout_s=WAIT_S) is OrderState.ACK
    assert account.ctp.ReqOrderInsert(fields, client_order_id="by hand") == order
    account.ctp.ReqOrderAction(
        structs.InputOrderAction(
            session_id=order.session_id,
            order_ref=order.order_ref,
            instrument_id=instrument,
            action_flag="0",
        )
    )
    assert order.wait(timeout_s=WAIT_S) is OrderState.CANCELLED
    no = account.ctp.ReqOrderInsert(msgspec.structs.replace(fields, limit_price=1e9))
    assert no.wait(timeout_s=WAIT_S) is OrderState.REJECTED
    assert no.why


def test_a_wrong_password_is_an_error_of_the_counter(client: Client) -> None:
    with pytest.raises(Refused) as caught:
        client.login(USER, "wrong", broker_id="9999")
    assert caught.value.error_id == 3


def test_an_order_of_another_program_that_is_under_way_is_ruled_out(
    group: Group, instrument: str
) -> None:
    with Client(str(group.config_file)) as one, Client(str(group.config_file)) as other:
        first, second = (each.attach(USER, name="test") for each in (one, other))
        tick = one.tick(first_tick(one, instrument))
        assert tick.lower_limit_price is not None
        price = tick.lower_limit_price
        order = first.place(instrument, "buy", 1, price, client_order_id="there")
        there = second.void("there")
        assert (there.order_id, there.final) == (order.order_id, False)
        order.cancel()
        assert second.order("under way") is None
        assert second.void("under way").state is OrderState.NOT_SENT
        late = first.place(instrument, "buy", 1, price, client_order_id="under way")
        assert (late.state, late.error_id) == (OrderState.NOT_SENT, -410)
        found = first.order("under way")
        assert found == late


def test_a_stream_without_news_gives_nothing_in_time(client: Client) -> None:
    with client.ticks("nothing") as ticks:
        assert ticks.get(timeout_s=0.05) is None


def test_who_waits_in_another_thread_is_freed_when_the_client_closes(
    group: Group, instrument: str
) -> None:
    client = Client(str(group.config_file))
    account = client.attach(USER, name="test")
    tick = client.tick(first_tick(client, instrument))
    assert tick.lower_limit_price is not None
    order = account.place(instrument, "buy", 1, tick.lower_limit_price)
    ticks = client.ticks("nothing")
    ended: list[object] = []

    def wait_for_order() -> None:
        try:
            order.wait()
        except Closed as exc:
            ended.append(exc)

    def wait_for_tick() -> None:
        ended.append(list(ticks))

    threads = [threading.Thread(target=each) for each in (wait_for_order, wait_for_tick)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    client.close()
    client.close()
    for thread in threads:
        thread.join(WAIT_S)
    assert len(ended) == 2
    with pytest.raises(Closed):
        account.money()
    with Client(str(group.config_file)) as later:
        found = later.attach(USER, name="test").order(order.client_order_id)
        assert found is not None
        found.cancel()
        assert found.wait(timeout_s=WAIT_S) is OrderState.CANCELLED


def test_a_stream_that_nobody_has_any_more_ends(group: Group, client: Client) -> None:
    with MdLink(group) as md:
        next(item for item in client.ticks("600000") if isinstance(item, Tick))
        md.state(wanted=0)


def test_calls_from_many_threads_end_when_the_client_is_closed_amid_them(group: Group) -> None:
    client = Client(str(group.config_file))
    account = client.attach(USER, name="test")
    ended: list[BaseException] = []

    def ask() -> None:
        try:
            while True:
                account.order("nothing")
        except Closed as closed:
            ended.append(closed)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    client.close()
    for thread in threads:
        thread.join(WAIT_S)
    assert len(ended) == len(threads)


FORGETFUL = """
import sys
from bus.client import structs
from bus.client.sync import Client
client = Client(sys.argv[1])
account = client.attach("028742", name="forgetful")
ticks = client.ticks("nothing")
print("there", flush=True)
if len(sys.argv) > 2:
    next(ticks)
"""


def test_a_program_that_forgets_to_close_its_client_ends(group: Group) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORGETFUL, str(group.config_file)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "there\n", "")


FORKED = """
import os, sys
from bus.client.sync import Client
with Client(sys.argv[1]) as client:
    account = client.attach("028742", name="parent")
    child = os.fork()
    if not child:
        try:
            account.money()
        except RuntimeError as exc:
            print(exc, flush=True)
        client.close()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    print(account.money().account_id)
"""


def test_a_fork_of_the_program_is_told_that_the_client_is_not_its_own(group: Group) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, str(group.config_file)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a client belongs to the process that made it")
    assert done.stdout.endswith(f"{USER}\n")


def test_ctrl_c_interrupts_what_waits(group: Group) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FORGETFUL, str(group.config_file), "wait"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=WAIT_S)
    assert error.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT
