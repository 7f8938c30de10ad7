"""The embedded exchange as a process, seen through the API modules of the binding's shape."""

from __future__ import annotations

import json
import queue
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schemas import catalogue
from schemas.catalogue import Side
from sim import wire
from sim.control import SimControl
from sim.service.samples import sample
from sim.wire import QUICK, RESTART, RESUME
from tests.support.fake_worker import wait_until
from tests.support.group import CHECKOUT, Group
from tests.support.sim_client import USER, Client, names

LAYOUT = catalogue.load().layout_id


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """One exchange for the tests of this module, without a limit on queries."""
    config = {"sim": {"queries_per_second": 0, "lock_after_failures": 0}}
    with Group(tmp_path_factory.mktemp("sim"), overrides=config) as group:
        group.start("sim")
        yield group


@pytest.fixture
def control(exchange: Group) -> Iterator[SimControl]:
    """Control of that exchange; no fault outlives the test."""
    with SimControl(listen(exchange)) as sim:
        yield sim
        sim.clear()


@pytest.fixture
def resting(control: SimControl) -> dict[str, Any]:
    """An order with this price waits below the market."""
    return {"LimitPrice": control.snapshot("600000")["LowerLimitPrice"]}


@pytest.fixture
def trading(control: SimControl) -> dict[str, Any]:
    """An order with this price trades at once."""
    return {"LimitPrice": control.snapshot("600000")["UpperLimitPrice"]}


Price = dict[str, Any]
Connect = Callable[..., Client]


@pytest.fixture
def connect(exchange: Group, tmp_path: Path) -> Iterator[Connect]:
    """Makes clients of that exchange, each with a flow directory of its own."""
    clients: list[Client] = []

    def make(side: Side = "td", flow: str = "", **options: object) -> Client:
        path = tmp_path / (flow or f"flow{len(clients)}")
        client = Client(side, listen(exchange), path, **options)  # type: ignore[arg-type]
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


def listen(group: Group) -> str:
    return group.ready["sim"]["listen"]


# The process


def test_the_socket_is_for_this_user_alone_and_sigterm_ends_the_process(group: Group) -> None:
    group.start("sim")
    assert stat.S_IMODE(Path(listen(group)).stat().st_mode) == 0o600
    assert group.stop("sim") == 0


def test_a_second_exchange_on_the_same_socket_gives_up(exchange: Group) -> None:
    command = [sys.executable, "-m", "sim", "--config", str(exchange.config_file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, timeout=20)
    assert done.returncode == 75
    assert "another exchange" in done.stderr


def test_it_listens_on_tcp_too(tmp_path: Path) -> None:
    with Group(tmp_path, overrides={"sim": {"listen": "127.0.0.1:0"}}) as group:
        group.start("sim")
        with Client("md", listen(group), tmp_path / "flow") as client:
            client.wait("OnFrontConnected")


@pytest.mark.parametrize(
    "section",
    [
        {"listen": "0.0.0.0:5000"},
        {"speed": 0},
        {"nonsense": 1},
        {"faults": "no such file"},
        {"users": [{"user_id": "1", "password": 123456}]},
    ],
)
def test_a_wrong_configuration_is_one_line_and_status_2(
    tmp_path: Path, section: dict[str, object]
) -> None:
    with Group(tmp_path, overrides={"sim": section}) as group:
        command = [sys.executable, "-m", "sim", "--check", "--config", str(group.config_file)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, timeout=20)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


# Market data


def test_a_subscription_brings_the_last_snapshot_and_then_ticks(connect: Connect) -> None:
    client = connect("md").ready()
    assert client.subscribe("600000", "000001") == 0
    answer = client.wait("OnRspSubMarketData", InstrumentID="600000")
    assert (answer.error_id, answer.last) == (0, False)
    snapshot = client.wait("OnRtnDepthMarketData", InstrumentID="600000")
    assert client.wait("OnRspSubMarketData", InstrumentID="000001").last
    tick = client.wait("OnRtnDepthMarketData", InstrumentID="600000")
    assert tick.values["Volume"] >= snapshot.values["Volume"]
    assert tick.values["UpdateTime"]


def half_seconds(tick: dict[str, Any]) -> float:
    """The moment that a tick names: a machine that is slow brings it late, and as it is."""
    moment = datetime.fromisoformat(f"{tick['ActionDay']} {tick['UpdateTime']}")
    millisec: int = tick["UpdateMillisec"]
    return 2 * moment.timestamp() + millisec / 500


def test_ticks_come_twice_a_second_and_only_for_what_is_subscribed(connect: Connect) -> None:
    client = connect("md").ready()
    client.subscribe("600000", "000001")
    client.subscribe("000001", verb="UnSubscribeMarketData")
    assert client.wait("OnRspUnSubMarketData").error_id == 0
    client.wait("OnRtnDepthMarketData")  # the snapshot, perhaps of the tick that follows
    ticks = [client.wait("OnRtnDepthMarketData").values for _ in range(4)]
    assert {tick["InstrumentID"] for tick in ticks} == {"600000"}
    moments = [half_seconds(tick) for tick in ticks]
    assert min(later - sooner for sooner, later in pairwise(moments)) == 1


def test_an_instrument_that_does_not_exist_is_subscribed_and_silent(connect: Connect) -> None:
    client = connect("md").ready()
    client.subscribe("nothing", "600000")
    assert client.wait("OnRspSubMarketData", InstrumentID="nothing").error_id == 0
    assert client.wait("OnRtnDepthMarketData").values["InstrumentID"] == "600000"


def test_market_data_wants_a_login(connect: Connect) -> None:
    client = connect("md")
    client.wait("OnFrontConnected")
    client.subscribe("600000")
    assert client.wait("OnRspSubMarketData").error_id == 6


# Logins and orders


def test_two_sessions_of_a_user_hear_the_returns_and_others_do_not(
    connect: Connect, resting: Price
) -> None:
    first, second = connect().ready(), connect().ready()
    other = connect().ready("100001")
    assert first.buy(**resting) == 0
    for client in (first, second):
        order = client.wait("OnRtnOrder", OrderStatus="3")
        assert order.values["InvestorID"] == USER
    other.request("ReqQryTradingAccount", 9)
    assert "OnRtnOrder" not in names(other.hear_all("OnRspQryTradingAccount"))


def test_the_trading_day_is_known_after_the_login(connect: Connect) -> None:
    client = connect()
    client.wait("OnFrontConnected")
    assert client.api.GetTradingDay() == "19800100"
    answer = client.log_in()
    assert client.api.GetTradingDay() == answer.values["TradingDay"] > "20000101"


def test_a_login_on_a_logged_in_session_is_never_answered(connect: Connect) -> None:
    client = connect().ready()
    client.request("ReqUserLogin", 77, BrokerID="9999", UserID=USER, Password="123456")
    client.request("ReqQryTradingAccount", 78)
    assert "OnRspUserLogin" not in names(client.hear_all("OnRspQryTradingAccount"))


def test_a_refused_login_and_a_later_one_on_the_same_session(connect: Connect) -> None:
    client = connect()
    client.wait("OnFrontConnected")
    assert client.log_in(password="wrong").error_id == 3
    assert client.log_in().error_id == 0


def test_after_a_logout_the_front_hangs_up_and_takes_the_client_again(connect: Connect) -> None:
    client = connect().ready()
    client.request("ReqUserLogout", 5, BrokerID="9999", UserID=USER)
    assert client.wait("OnRspUserLogout").error_id == 0
    assert client.wait("OnFrontDisconnected").number == 0x1001
    client.ready()


# What the API does by itself


def test_requests_return_minus_one_without_a_connection(tmp_path: Path) -> None:
    with Client("td", str(tmp_path / "nobody"), tmp_path / "flow") as client:
        assert client.request("ReqUserLogin") == -1
        with pytest.raises(queue.Empty):
            client.heard.get(timeout=0.5)


def test_a_front_that_comes_later_is_found(group: Group, tmp_path: Path) -> None:
    address = group.config["sim"]["listen"]
    with Client("td", address, tmp_path / "flow") as client:
        group.start("sim")
        client.ready()


def test_one_query_in_flight_and_so_many_a_second(tmp_path: Path) -> None:
    with Group(tmp_path, overrides={"sim": {"queries_per_second": 3}}) as group:
        group.start("sim")
        with (
            Client("td", listen(group), tmp_path / "flow") as client,
            SimControl(listen(group)) as sim,
        ):
            client.ready()
            if hasattr(client.api, "GetFrontInfo"):  # since 6.7.7
                info = client.module.CThostFtdcFrontInfoField()
                client.api.GetFrontInfo(info)
                assert info.QryFreq == 3
            sim.delay("OnRspQryTradingAccount", 0.2)
            codes = [client.request("ReqQryTradingAccount", 1) for _ in range(2)]
            assert codes == [0, -2]
            client.wait("OnRspQryTradingAccount")
            assert client.request("ReqQryTradingAccount", 2) == 0
            client.wait("OnRspQryTradingAccount")
            assert client.request("ReqQryOrder", 3) == 0
            client.wait("OnRspQryOrder")
            assert client.request("ReqQryTrade", 4) == -3
            assert client.request("ReqQueryCFMMCTradingAccountToken", 5) == 0  # is not limited


def test_a_killed_exchange_is_a_disconnect_and_a_new_one_is_found(
    group: Group, tmp_path: Path
) -> None:
    group.start("sim")
    with Client("td", listen(group), tmp_path / "flow") as client:
        client.ready()
        group.kill("sim")
        assert client.wait("OnFrontDisconnected").number == 0x1001
        assert client.request("ReqQryOrder") == -1
        group.start("sim")
        client.ready()


def test_a_missing_flow_directory_is_a_clear_error(connect: Connect, tmp_path: Path) -> None:
    api_class = connect().module.CThostFtdcTraderApi
    with pytest.raises(RuntimeError, match="can not open CFlow file"):
        api_class.CreateFtdcTraderApi(str(tmp_path / "missing") + "/")


def test_release_inside_a_callback_is_an_error_and_harms_nothing(
    connect: Connect, capfd: pytest.CaptureFixture[str]
) -> None:
    clients: list[Client] = []

    def release(name: str) -> None:
        if name == "OnRspUserLogin":
            clients[0].api.Release()

    clients.append(connect(on_callback=release))
    clients[0].wait("OnFrontConnected")
    clients[0].request("ReqUserLogin", BrokerID="9999", UserID=USER, Password="123456")
    clients[0].request("ReqSettlementInfoConfirm", BrokerID="9999", InvestorID=USER)
    clients[0].wait("OnRspSettlementInfoConfirm")
    assert "Release on the API's own thread" in capfd.readouterr().err


def test_a_process_may_end_while_callbacks_come(exchange: Group, tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from typing import Any
from tests.support.sim_client import Client
client = Client("md", {listen(exchange)!r}, Path({str(tmp_path)!r}))
client.ready()
client.subscribe(*(f"{{k:06}}" for k in range(600)), "600000")
client.wait("OnRtnDepthMarketData")
"""
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, cwd=CHECKOUT, timeout=20).returncode == 0


# The private stream


def returns(client: Client) -> list[str]:
    """OrderRef of the returns heard before the answer to a query."""
    client.request("ReqQryTradingAccount", 99)
    heard = client.hear_all("OnRspQryTradingAccount")
    return [str(event.values["OrderRef"]) for event in heard if event.name == "OnRtnOrder"]


def test_restart_replays_the_day_quick_nothing_and_resume_the_rest(
    connect: Connect, resting: Price
) -> None:
    user = "100002"
    writer = connect().ready(user)
    reader = connect(flow="resumed", private=RESUME).ready(user)
    writer.buy(**resting, reference="1", user=user)
    writer.wait("OnRtnOrder", OrderStatus="3")
    reader.wait("OnRtnOrder", OrderStatus="3")
    reader.close()
    writer.buy(**resting, reference="2", user=user)
    writer.wait("OnRtnOrder", OrderStatus="3")

    def replayed(flow: str, mode: int) -> list[str]:
        client = connect(flow=flow, private=mode)
        client.wait("OnFrontConnected")
        client.log_in(user)
        heard = returns(client)
        client.close()
        return heard

    assert replayed("new1", RESTART) == ["1", "1", "2", "2"]
    assert replayed("new2", QUICK) == []
    assert replayed("resumed", RESUME) == ["2", "2"]
    assert replayed("resumed", RESUME) == []


def test_after_a_flow_reset_an_old_flow_directory_hears_nothing(
    connect: Connect, control: SimControl, resting: Price
) -> None:
    user = "100003"
    fresh, old = connect().ready(user), connect(private=RESUME).ready(user)
    before = fresh.api.GetTradingDay()
    for client in (fresh, old):
        fresh.buy(**resting, user=user)
        client.wait("OnRtnOrder", OrderStatus="3")
    old.wait("OnRtnOrder", OrderStatus="3")
    control.flow_reset()
    for client in (fresh, old):
        assert client.wait("OnFrontDisconnected").number == 0x1001
        client.ready(user)
    assert returns(fresh) == []
    fresh.buy(**resting, reference="7", user=user)
    fresh.wait("OnRtnOrder", OrderStatus="3")
    assert returns(old) == []
    assert fresh.api.GetTradingDay() == before


# Strangers on the socket


@pytest.mark.parametrize(
    "said",
    [
        b"\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
        wire.frame(wire.Call("ReqUserLogin", 1, b"")),
        wire.frame(wire.Hello("td", 1)),
        wire.frame(wire.Hello("td", LAYOUT)) + wire.frame(wire.Call("ReqNothing", 1, b"")),
        wire.frame(wire.Hello("td", LAYOUT)) + wire.frame(wire.Call("ReqUserLogin", 1, b"x")),
        wire.frame(wire.Hello("td", LAYOUT)) + wire.frame(wire.Command(1, "clear", {})),
        wire.frame(wire.Hello("md", LAYOUT)) + wire.frame(wire.Hello("md", LAYOUT)),
        wire.frame(wire.Hello("md", LAYOUT)) + wire.frame(wire.Subscribe("Nonsense", [])),
    ],
)
def test_a_stranger_is_hung_up_on_and_nobody_notices(
    exchange: Group, connect: Connect, said: bytes
) -> None:
    client = connect().ready()
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(5)
        stranger.connect(listen(exchange))
        stranger.sendall(said)
        while stranger.recv(4096):
            pass
    client.request("ReqQryTradingAccount", 1)
    assert "OnFrontDisconnected" not in names(client.hear_all("OnRspQryTradingAccount"))


# Faults


def test_scripted_return_codes_are_used_up_and_send_nothing(
    connect: Connect, control: SimControl, resting: Price
) -> None:
    client, other = connect().ready(), connect().ready("100001")
    before = control.tally().get("ReqOrderInsert", 0)
    control.returns("ReqOrderInsert", -3, times=2)
    assert client.buy(**resting) == -3
    assert client.buy(**resting) == -3
    assert client.buy(**resting) == 0
    client.wait("OnRtnOrder", OrderStatus="3")
    # The other one hears on a connection of its own that they are used up.
    wait_until(lambda: other.buy(**resting, user="100001") == 0, lambda: "still refused")
    other.wait("OnRtnOrder", OrderStatus="3")
    assert control.tally()["ReqOrderInsert"] == before + 2


@pytest.mark.parametrize("error_id", [7, 8, 63, 75, 90, 140])
def test_any_error_for_a_login(connect: Connect, control: SimControl, error_id: int) -> None:
    client = connect()
    client.wait("OnFrontConnected")
    control.error("ReqUserLogin", error_id)
    answer = client.log_in()
    assert (answer.error_id, answer.last) == (error_id, True)
    assert answer.error_msg.startswith("CTP")
    assert client.log_in().error_id == 0


def test_an_error_can_come_by_on_rsp_error_alone_and_frees_the_query(
    connect: Connect, control: SimControl
) -> None:
    client = connect().ready()
    control.error("ReqQryOrder", 90, via="OnRspError")
    assert client.request("ReqQryOrder", 41) == 0
    event = client.wait("OnRspError")
    assert (event.error_id, event.request_id) == (90, 41)
    assert client.request("ReqQryOrder", 42) == 0


def test_a_refused_order_carries_the_order_and_is_told_to_all_sessions(
    connect: Connect, control: SimControl, resting: Price
) -> None:
    client, other = connect().ready(), connect().ready()
    control.error("ReqOrderInsert", 116, user=USER)
    client.buy(**resting, reference="55")
    answer = client.wait("OnRspOrderInsert")
    for event in (answer, client.wait("OnErrRtnOrderInsert"), other.wait("OnErrRtnOrderInsert")):
        assert event.error_id == 116
        assert event.values["OrderRef"] == "55"
    control.error("ReqOrderAction", 25)
    client.request("ReqOrderAction", 4, OrderRef="55", ActionFlag="0")
    assert client.wait("OnErrRtnOrderAction").values["OrderRef"] == "55"


def test_a_refused_subscription(connect: Connect, control: SimControl) -> None:
    client = connect("md").ready()
    control.error("SubscribeMarketData", 6000)
    client.subscribe("600000")
    assert client.wait("OnRspSubMarketData").error_id == 6000


def test_a_lost_answer_frees_the_query_unless_it_is_held(
    connect: Connect, control: SimControl
) -> None:
    client = connect().ready()
    control.lose("OnRspQryTradingAccount")
    assert client.request("ReqQryTradingAccount", 1) == 0
    deadline = time.monotonic() + 5
    while (code := client.request("ReqQryTradingAccount", 2)) == -2:
        assert time.monotonic() < deadline
    assert code == 0
    assert client.wait("OnRspQryTradingAccount").request_id == 2
    control.lose("OnRspQryTradingAccount", hold=True)
    assert client.request("ReqQryTradingAccount", 3) == 0
    control.raise_callback("OnRtnTradingNotice")
    client.wait("OnRtnTradingNotice")
    assert client.request("ReqQryTradingAccount", 4) == -2
    control.disconnect(user=USER, side="td")
    client.wait("OnFrontDisconnected")
    client.ready()
    assert client.request("ReqQryTradingAccount", 5) == 0


def test_a_lost_order_never_reaches_the_exchange(
    connect: Connect, control: SimControl, resting: Price
) -> None:
    client = connect().ready()
    position = len(control.ledger())
    control.lose("ReqOrderInsert")
    assert client.buy(**resting) == 0
    client.buy(**resting, reference="8")
    client.wait("OnRtnOrder", OrderStatus="3")
    entries = control.ledger(position)
    assert [entry["order_ref"].strip() for entry in entries] == ["8"]


def test_a_duplicated_return(connect: Connect, control: SimControl, resting: Price) -> None:
    client = connect(private=QUICK).ready()
    control.duplicate("OnRtnOrder")
    client.buy(**resting)
    statuses = [client.wait("OnRtnOrder").values["OrderStatus"] for _ in range(3)]
    assert statuses == ["a", "a", "3"]


def test_a_trade_before_its_order(connect: Connect, control: SimControl, trading: Price) -> None:
    client = connect(private=QUICK).ready()
    control.reorder("OnRtnOrder", until="OnRtnTrade", times=1)
    client.buy(**trading)
    assert names([client.heard.get(timeout=5) for _ in range(3)]) == [
        "OnRtnTrade",
        "OnRtnOrder",
        "OnRtnOrder",
    ]


def test_what_is_held_back_for_nothing_comes_at_last(
    connect: Connect, control: SimControl, resting: Price
) -> None:
    client = connect(private=QUICK).ready()
    control.reorder("OnRtnOrder", until="OnRtnTrade", max_s=0.3)
    began = time.monotonic()
    client.buy(**resting)
    client.wait("OnRtnOrder", OrderStatus="3")
    assert time.monotonic() - began > 0.2


def test_a_slow_front_delays_requests_and_answers(connect: Connect, control: SimControl) -> None:
    client = connect().ready()
    control.delay("ReqQryTradingAccount", 0.2)
    control.delay("OnRspQryTradingAccount", 0.2)
    began = time.monotonic()
    client.request("ReqQryTradingAccount", 1)
    client.wait("OnRspQryTradingAccount")
    assert time.monotonic() - began >= 0.4


def test_dbl_max_everywhere(connect: Connect, control: SimControl) -> None:
    client = connect("md").ready()
    control.no_value("OnRtnDepthMarketData")
    client.subscribe("600000")
    tick = client.wait("OnRtnDepthMarketData")
    doubles = ("LastPrice", "UpperLimitPrice", "Turnover")
    assert [tick.values[name] for name in doubles] == [None] * 3
    assert tick.values["InstrumentID"] == "600000"
    following = client.wait("OnRtnDepthMarketData")
    assert following.values["LastPrice"]


def test_a_front_that_is_down_for_a_while(connect: Connect, control: SimControl) -> None:
    trader, market = connect().ready(), connect("md").ready()
    began = time.monotonic()
    control.disconnect(side="td", seconds=0.7, reason=0x2003)
    assert trader.wait("OnFrontDisconnected").number == 0x2003
    assert trader.request("ReqQryOrder") == -1
    trader.wait("OnFrontConnected")
    assert time.monotonic() - began > 0.6
    market.subscribe("600000")
    assert "OnFrontDisconnected" not in names(market.hear_all("OnRtnDepthMarketData"))


def test_refused_connections_leave_the_old_ones_alone(
    connect: Connect, control: SimControl
) -> None:
    old = connect().ready()
    began = time.monotonic()
    control.refuse(0.7)
    connect().wait("OnFrontConnected")
    assert time.monotonic() - began > 0.6
    old.request("ReqQryTradingAccount", 1)
    assert "OnFrontDisconnected" not in names(old.hear_all("OnRspQryTradingAccount"))


def test_a_password_that_expires_must_be_changed_in_the_same_session(
    connect: Connect, control: SimControl
) -> None:
    user = "100004"
    control.expire_password(user)
    client = connect()
    client.wait("OnFrontConnected")
    assert client.log_in(user).error_id == 141
    client.request(
        "ReqUserPasswordUpdate",
        2,
        BrokerID="9999",
        UserID=user,
        OldPassword="123456",
        NewPassword="654321",
    )
    assert client.wait("OnRspUserPasswordUpdate").error_id == 0
    assert client.log_in(user, "654321").error_id == 0


def test_a_frozen_front_goes_on_with_everything(connect: Connect, control: SimControl) -> None:
    client = connect().ready()
    began = time.monotonic()
    control.freeze(0.6)
    assert client.request("ReqQryTradingAccount", 1) == 0
    client.wait("OnRspQryTradingAccount")
    assert time.monotonic() - began > 0.5


def test_a_silent_front_is_warned_of_and_left(tmp_path: Path) -> None:
    config = {"sim": {"heartbeat_s": 0.1, "silence_s": 0.8}}
    with Group(tmp_path, overrides=config) as group:
        group.start("sim")
        with Client("td", listen(group), tmp_path / "flow") as client:
            client.ready()
            client.request("ReqQryTradingAccount", 1)
            client.wait("OnRspQryTradingAccount")
            with SimControl(listen(group)) as sim:
                sim.freeze(1.5)
            client.wait("OnHeartBeatWarning")
            assert client.wait("OnFrontDisconnected").number == 0x2001
            client.wait("OnFrontConnected")


def test_a_silent_client_is_cut_off(tmp_path: Path) -> None:
    config = {"sim": {"heartbeat_s": 30, "client_silence_s": 0.3}}
    with Group(tmp_path, overrides=config) as group:
        group.start("sim")
        with Client("td", listen(group), tmp_path / "flow") as client:
            client.wait("OnFrontConnected")
            assert client.wait("OnFrontDisconnected").number == 0x2001


def test_a_client_that_does_not_read_is_cut_off_and_holds_up_nobody(tmp_path: Path) -> None:
    with Group(tmp_path, overrides={"sim": {"max_output_bytes": 65_536}}) as group:
        group.start("sim")
        go_on = threading.Event()

        def block(name: str) -> None:
            if name == "OnRtnBulletin":
                go_on.wait(10)

        with (
            Client("td", listen(group), tmp_path / "slow", on_callback=block) as slow,
            Client("td", listen(group), tmp_path / "quick") as quick,
            SimControl(listen(group)) as sim,
        ):
            slow.ready()
            quick.ready("100001")
            sim.raise_callback("OnRtnBulletin", times=3000, user=USER)
            quick.request("ReqQryTradingAccount", 1)
            quick.wait("OnRspQryTradingAccount")
            assert sim.tally()["slow"] == 1
            go_on.set()
            assert slow.wait("OnFrontDisconnected").number == 0x1001


def test_faults_of_a_script_happen_by_themselves(tmp_path: Path) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text(
        "- {do: error, target: ReqUserLogin, error_id: 7, times: 2}\n"
        "- {do: disconnect, at_s: 0.8, side: td, reason: 4098}\n"
    )
    with Group(tmp_path, overrides={"sim": {"faults": str(script)}}) as group:
        group.start("sim")
        with Client("td", listen(group), tmp_path / "flow") as client:
            client.wait("OnFrontConnected")
            assert [client.log_in().error_id for _ in range(3)] == [7, 7, 0]
            assert client.wait("OnFrontDisconnected").number == 4098


@pytest.mark.parametrize("side", ["md", "td"])
def test_every_callback_can_be_raised(
    side: Side, connect: Connect, control: SimControl, exchange: Group
) -> None:
    client = connect(side)
    client.wait("OnFrontConnected")
    known = catalogue.load()
    api = known.api(side)
    for number, (name, callback) in enumerate(api.callbacks.items()):
        control.raise_callback(
            name, side=side, error_id=31, error_msg="CTP:资金不足", request_id=number, number=number
        )
        event = client.wait(name)
        expected = sample(known.layouts[callback.struct]) if callback.struct else None
        assert event.field == expected
        assert event.error_id == (31 if callback.has_info else None)
        assert event.request_id == (number if callback.has_id else 0)
        assert event.number == (number if callback.number else 0)
    spi = getattr(client.module, "CThostFtdcMdSpi" if side == "md" else "CThostFtdcTraderSpi")
    assert set(api.callbacks) == {name for name in vars(spi) if name.startswith("On")}


def test_a_callback_with_given_fields_or_none(connect: Connect, control: SimControl) -> None:
    client = connect().ready()
    control.raise_callback("OnRtnInstrumentStatus", fields={"InstrumentID": "rb"}, user=USER)
    event = client.wait("OnRtnInstrumentStatus")
    assert event.values["InstrumentID"] == "rb"
    assert event.values["ExchangeID"] == ""
    control.raise_callback("OnRspQryOrder", null=True, last=False)
    event = client.wait("OnRspQryOrder")
    assert (event.field, event.error_id, event.last) == (None, None, False)


# Control


def control_program(exchange: Group, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sim.control", listen(exchange), *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, timeout=20)


def test_control_from_a_shell(connect: Connect, exchange: Group) -> None:
    client = connect().ready()
    done = control_program(exchange, "raise", "callback=OnRtnBulletin", "fields={Content: 你好}")
    assert done.returncode == 0
    event = client.wait("OnRtnBulletin")
    assert event.values["Content"] == "你好"
    sessions = json.loads(control_program(exchange, "sessions").stdout)
    assert {"side": "td", "user": USER}.items() <= sessions[0].items()


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["raise", "callback=OnNothing"],
        ["raise", "callback=OnRtnOrder", "fields={NoField: 1}"],
        ["expire_password", "user=nobody"],
        ["error", "target=ReqUserLogin"],
        ["ledger", "position=x", "more=1"],
    ],
)
def test_a_wrong_command_is_an_error_and_changes_nothing(
    exchange: Group, control: SimControl, words: list[str]
) -> None:
    done = control_program(exchange, *words)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert control.faults()["waiting"] == {}
