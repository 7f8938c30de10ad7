"""Keys over real processes: who gets in, who does not, and what either of them hears."""

from __future__ import annotations

import asyncio
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import zmq

from admin.keygen import make
from bus.client.sync import Client, Tick, addresses_of
from bus.errors import Refused, Unavailable
from bus.frames import Flag, Row, account_topic
from bus.orders import After, OrderState
from bus.roles import ROLES
from bus.rpc import Call, Caller, Router, refusal
from bus.security import Keys
from bus.strategy import SyncStrategyApi
from bus.subscriber import Subscriber
from schemas.errors import LIMIT
from tests.support.group import Group
from tests.support.ws_client import ws

WAIT_S = 20.0
SOCKETS = ("md_pub", "md_rpc", "td_pub", "td_rpc")


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class CurveGroup(Group):
    """A group whose sockets are on tcp; ``keys`` is the folder that all its processes share."""

    def __init__(self, path: Path) -> None:
        self.keys = path / "keys"
        make(self.keys, list(ROLES))
        ports = free_ports(len(SOCKETS))
        bus = {name: f"tcp://127.0.0.1:{port}" for name, port in zip(SOCKETS, ports, strict=True)}
        super().__init__(path, overrides={"bus": bus, "keys": str(self.keys)})
        self.bus = bus

    def secrets(self) -> list[str]:
        return [path.read_text().strip() for path in self.keys.glob("*.key")]


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CurveGroup]:
    with CurveGroup(tmp_path_factory.mktemp("curve")) as group:
        group.start_all()
        yield group


def until(fact: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not fact():
        assert time.monotonic() < deadline, f"no {what} within {WAIT_S} s"
        time.sleep(0.02)


async def until_soon(fact: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not fact():
        assert time.monotonic() < deadline, f"no {what} within {WAIT_S} s"
        await asyncio.sleep(0.02)


@contextmanager
def new_context() -> Iterator[zmq.Context[Any]]:
    """A test that fails leaves sockets open, which it must not wait for."""
    context: zmq.Context[Any] = zmq.Context()
    try:
        yield context
    finally:
        context.destroy(linger=0)


class Asker:
    """A Caller that asks, if nothing else is said, for the worker's state."""

    def __init__(self, context: zmq.Context[Any], address: str, worker: str, keys: Keys) -> None:
        self.rows: list[Row] = []
        self.caller = Caller(context, address, worker, keys)

    def asks(self, method: str = "State", body: bytes = b"", origin: str = "") -> bool:
        """Whether the call could be sent."""
        deadline_ns = time.time_ns() + 10**10
        try:
            self.caller.call(
                method, self.rows.append, deadline_ns=deadline_ns, body=body, origin=origin
            )
        except Unavailable:
            return False
        return True


async def answered(address: str, worker: str, keys: Keys) -> None:
    with new_context() as context:
        asker = Asker(context, address, worker, keys)
        await until_soon(asker.asks, f"connection with {worker}")
        await until_soon(lambda: bool(asker.rows), f"answer of {worker}")
        asker.caller.close()


async def refused_while(address: str, worker: str, keys: Keys, noticed: Callable[[], bool]) -> None:
    """Nothing can be sent until ``noticed``, which says that the worker has turned us away."""
    with new_context() as context:
        asker = Asker(context, address, worker, keys)
        await until_soon(lambda: asker.asks() or noticed(), "refusal")
        assert noticed()
        assert not asker.asks()
        asker.caller.close()


def folder_with(group: CurveGroup, path: Path, *names: str) -> Path:
    path.mkdir(mode=0o700)
    for name in (*names, "md_worker.pub", "td_worker.pub"):
        shutil.copy2(group.keys / name, path)
    return path


def test_a_group_on_tcp_does_everything_that_one_on_ipc_does(group: CurveGroup) -> None:
    with ws(group.url("/md/")) as md, ws(group.url("/td/")) as td:
        until(lambda: md.log_in("", "")["RspInfo"]["ErrorID"] == 0, "login for market data")
        md.send(MsgType="SubscribeMarketData", InstrumentID=["600000"])
        assert md.hear_of("RtnDepthMarketData")["DepthMarketData"]["InstrumentID"] == "600000"
        until(lambda: td.log_in()["RspInfo"]["ErrorID"] == 0, "login")
        td.send(MsgType="ReqQryTradingAccount", QryTradingAccount={}, RequestID=1)
        assert td.hear_of("RspQryTradingAccount")["TradingAccount"]["AccountID"] == "028742"


@pytest.mark.parametrize(
    ("role", "worker", "may"),
    [
        ("service", "md_worker", True),
        ("recorder", "md_worker", True),
        ("td_worker", "md_worker", True),
        ("admin", "td_worker", True),
        ("service", "td_worker", False),
        ("recorder", "td_worker", True),
        ("md_worker", "td_worker", False),
    ],
)
def test_a_key_calls_only_the_workers_of_its_role(
    group: CurveGroup, role: str, worker: str, may: bool
) -> None:
    keys = Keys(group.keys, role)
    address = group.bus[f"{worker[:2]}_rpc"]
    if may:
        asyncio.run(answered(address, worker, keys))
        return
    reason = f'"reason":"role {role} is not admitted"'
    asyncio.run(refused_while(address, worker, keys, lambda: reason in group.log(worker)))
    asyncio.run(answered(address, worker, Keys(group.keys, "client")))  # it did not hang


def test_a_recorder_may_ask_for_missed_returns_and_for_nothing_else(group: CurveGroup) -> None:
    address = group.bus["td_rpc"]

    async def ask(role: str, method: str, body: bytes = b"") -> Row:
        with new_context() as context:
            asker = Asker(context, address, "td_worker", Keys(group.keys, role))
            await until_soon(lambda: asker.asks(method, body), "connection")
            await until_soon(
                lambda: bool(asker.rows) and bool(asker.rows[-1].flags & Flag.LAST), "answer"
            )
            asker.caller.close()
            return asker.rows[-1]

    def refusal_of(role: str, method: str, body: bytes = b"") -> str:
        error = refusal(asyncio.run(ask(role, method, body)))
        return f"{error.error_id} {error.detail}" if error is not None else ""

    topic = account_topic("9999", "028742")
    returns = msgspec.msgpack.encode(After(0, 0, topic=topic))
    with ws(group.url("/td/")) as td:  # an account that is logged in
        until(lambda: td.log_in()["RspInfo"]["ErrorID"] == 0, "login")
        assert refusal_of("recorder", "Returns", returns) == ""
        assert refusal_of("recorder", "State") == ""
        assert "log in first" in refusal_of("client", "Returns", returns)
        assert "log in first" in refusal_of("edge", "Returns", returns)
    for method in ("ReqUserLogin", "ReqOrderInsert", "Detach", "SetKillSwitch"):
        assert refusal_of("recorder", method).startswith("-403 a key of the role recorder"), method


def test_a_key_for_market_data_never_hears_a_return(group: CurveGroup) -> None:
    async def scenario() -> None:
        heard: dict[str, list[bytes]] = {"service": [], "recorder": []}
        with new_context() as context:
            subs = [
                Subscriber(
                    context,
                    group.bus["td_pub"],
                    take.append,
                    keys=Keys(group.keys, role),
                    worker="td_worker",
                )
                for role, take in heard.items()
            ]
            for sub in subs:
                sub.subscribe(b"")
            await until_soon(lambda: len(heard["recorder"]) >= 2, "state messages")
            assert heard["service"] == []
            for sub in subs:
                sub.close()

    asyncio.run(scenario())


def test_a_stranger_is_turned_away_and_counted_and_the_worker_goes_on(
    group: CurveGroup, tmp_path: Path
) -> None:
    folder = folder_with(group, tmp_path / "keys")
    make(folder, ["client"])
    key = (folder / "client.pub").read_text().strip()

    def noticed() -> bool:
        return any(
            '"reason":"unknown key"' in line and f'"public_key":"{key}"' in line
            for line in group.log("td_worker").splitlines()
        )

    stranger = Keys(folder, "client")
    asyncio.run(refused_while(group.bus["td_rpc"], "td_worker", stranger, noticed))
    asyncio.run(counted(group, "td_worker"))


async def counted(group: CurveGroup, worker: str) -> None:
    with new_context() as context:
        keys = Keys(group.keys, "client")
        asker = Asker(context, group.bus[f"{worker[:2]}_rpc"], worker, keys)
        await until_soon(asker.asks, "connection")
        await until_soon(lambda: bool(asker.rows), "state")
        assert msgspec.msgpack.decode(asker.rows[0].body)["connections_refused"] > 0
        asker.caller.close()


def test_a_client_talks_to_no_worker_but_the_one_whose_key_it_has(
    group: CurveGroup, tmp_path: Path
) -> None:
    folder = folder_with(group, tmp_path / "keys", "client.key")
    shutil.copy2(folder / "td_worker.pub", folder / "md_worker.pub")
    keys = Keys(folder, "client")
    noticed = '"socket":"md_rpc","reason":"another server\'s key'
    asyncio.run(
        refused_while(
            group.bus["md_rpc"], "md_worker", keys, lambda: noticed in group.log("md_worker")
        )
    )
    asyncio.run(answered(group.bus["td_rpc"], "td_worker", keys))


@pytest.mark.parametrize("worker", ["md_worker", "td_worker"])
def test_without_a_key_nothing_gets_in(group: CurveGroup, worker: str) -> None:
    call = Call(1, "State", time.time_ns() + 10**11)
    noticed = f'"socket":"{worker[:2]}_rpc","reason":"no key"'

    def knocks() -> bool:
        """Whether the worker has seen that there is no key: the client may hang up before."""
        with new_context() as context, context.socket(zmq.DEALER) as dealer:
            dealer.connect(group.bus[f"{worker[:2]}_rpc"])
            dealer.send(msgspec.msgpack.encode(call))
            assert not dealer.poll(200)
        return noticed in group.log(worker)

    until(knocks, "refusal")
    with socket.create_connection(("127.0.0.1", int(group.bus["td_rpc"].rpartition(":")[2]))) as s:
        s.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
    asyncio.run(answered(group.bus["td_rpc"], "td_worker", Keys(group.keys, "client")))


def test_a_key_that_is_dropped_in_is_admitted_without_a_restart_of_anybody(
    group: CurveGroup, tmp_path: Path
) -> None:
    folder = folder_with(group, tmp_path / "keys")
    make(folder, ["client.new"])
    key = (folder / "client.new.pub").read_text().strip()

    async def scenario() -> None:
        with new_context() as context:
            keys = Keys(folder, "client")
            asker = Asker(context, group.bus["td_rpc"], "td_worker", keys)
            await until_soon(lambda: key in group.log("td_worker"), "refusal")
            assert not asker.asks()
            shutil.copy2(folder / "client.new.pub", group.keys)
            await until_soon(asker.asks, "connection of the key that was dropped in")
            await until_soon(lambda: bool(asker.rows), "answer")
            asker.caller.close()

    asyncio.run(scenario())
    (group.keys / "client.new.pub").unlink()


class Bench:
    """A td_worker's ROUTER with keys, without its worker, and one caller."""

    def __init__(self, path: Path) -> None:
        self.keys = path / "keys"
        make(self.keys, list(ROLES))
        self.address = f"tcp://127.0.0.1:{free_ports(1)[0]}"
        self.origin = ""  # of what came

    async def hears(self, role: str, method: str, act: Callable[[], None] = lambda: None) -> Heard:
        """What becomes of a call, ``act`` being done between the connection and it."""
        with new_context() as context, new_context() as other:
            server = Keys(self.keys, "td_worker")
            router = Router(context, self.address, 1, server)
            asker = Asker(other, self.address, "td_worker", Keys(self.keys, role))
            await until_soon(asker.asks, "connection")
            await until_soon(lambda: router.receive() is not None, "call")
            act()
            assert asker.asks(method, origin="10.9.8.7")
            came: list[str] = []

            def over() -> bool:
                received = router.receive()
                if received:
                    came.append(received[1].method)
                    self.origin = received[1].origin
                return bool(came or asker.rows)

            await until_soon(over, "end of the call")
            error = refusal(asker.rows[0]) if asker.rows else None
            told = f"{error.error_id} {error.error_msg}: {error.detail}" if error else ""
            asker.caller.close()
            heard = Heard(came, router.role, told, router.forbidden)
            router.close()
            server.close()
        return heard


class Heard(NamedTuple):
    came: list[str]
    role: str
    told: str
    forbidden: int


@pytest.mark.parametrize("role", ["edge", "admin"])
def test_the_worker_knows_the_role_behind_each_call(tmp_path: Path, role: str) -> None:
    heard = asyncio.run(Bench(tmp_path).hears(role, "Attach"))
    assert heard == (["Attach"], role, "", 0)


@pytest.mark.parametrize("role", ["edge", "admin", "client", "viewer"])
def test_who_guesses_with_a_key_of_his_own_is_known_by_it_whatever_he_says(
    tmp_path: Path, role: str
) -> None:
    """Else each guess could come from somebody else, and none would be slowed down."""
    bench = Bench(tmp_path)
    asyncio.run(bench.hears(role, "ReqUserLogin"))
    key = (bench.keys / f"{role}.pub").read_text().strip()
    assert bench.origin == ("10.9.8.7" if role in ("edge", "admin") else key)


@pytest.mark.parametrize(
    ("role", "method"),
    [
        ("client", "Attach"),
        ("viewer", "ReqOrderInsert"),
        ("viewer", "SetKillSwitch"),
        ("recorder", "ReqUserLogin"),
    ],
)
@pytest.mark.parametrize("enforced", [True, False])
def test_a_verb_that_a_role_does_not_have_never_reaches_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str, method: str, enforced: bool
) -> None:
    if not enforced:  # the control: without the table it does
        monkeypatch.setattr("bus.roles.may_call", lambda *_: True)
    heard = asyncio.run(Bench(tmp_path).hears(role, method))
    refusal = f"-403 网关未授权: a key of the role {role} may not call {method}"
    assert heard == (([], role, refusal, 1) if enforced else ([method], role, "", 0))


def test_a_key_that_is_taken_away_calls_nothing_over_a_connection_that_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bus.security._READ_AGAIN_S", 0.0)
    bench = Bench(tmp_path)
    heard = asyncio.run(bench.hears("client", "State", (bench.keys / "client.pub").unlink))
    assert heard == ([], "nobody", "-403 网关未授权: the key is not admitted any more", 1)


def test_a_flood_of_forbidden_calls_leaves_the_worker_to_others(group: CurveGroup) -> None:
    """Each is refused, and meanwhile somebody else is served."""

    async def scenario() -> None:
        with new_context() as context:
            flood = Asker(context, group.bus["td_rpc"], "td_worker", Keys(group.keys, "viewer"))
            await until_soon(flood.asks, "connection")
            sent = 5000
            assert all(flood.asks("ReqOrderInsert") for _ in range(sent))
            await answered(group.bus["td_rpc"], "td_worker", Keys(group.keys, "client"))
            await until_soon(lambda: len(flood.rows) == sent + 1, "refusals")
            errors = [refusal(row) for row in flood.rows]
            assert sum(error is not None and error.error_id == -403 for error in errors) == sent
            flood.caller.close()

    asyncio.run(scenario())
    lines = [line for line in group.log("td_worker").splitlines() if "call forbidden" in line]
    assert 0 < len(lines) < 40


@pytest.mark.parametrize("name", ["md_worker", "td_worker", "ws_edge"])
@pytest.mark.parametrize("check", [(), ("--check",)])
def test_a_secret_that_others_may_read_stops_the_process_before_any_socket(
    tmp_path: Path, name: str, check: tuple[str, ...]
) -> None:
    with CurveGroup(tmp_path) as group:
        file = group.keys / ("edge.key" if name == "ws_edge" else f"{name}.key")
        file.chmod(0o640)
        status, told = group.refused(name, *check)
    assert status == 2, told
    assert told == f"{name}: {file} is open to others: chmod 600 {file}\n"


def test_no_secret_is_in_a_log_or_in_the_list_of_processes(group: CurveGroup) -> None:
    names = ("sim", "md_worker", "td_worker", "ws_edge")
    for name in names:
        process = Path("/proc", str(group.pid(name)))
        seen = group.log(name).encode()
        seen += (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        assert len(seen) > 100
        assert [secret for secret in group.secrets() if secret.encode() in seen] == []


@pytest.mark.parametrize(
    ("role", "state"), [("client", OrderState.CANCELLED), ("viewer", OrderState.NOT_SENT)]
)
def test_the_sdk_trades_with_the_key_of_a_role_that_may(
    group: CurveGroup, role: str, state: OrderState
) -> None:
    addresses, keys = addresses_of(str(group.config_file)), Keys(str(group.keys), role)
    with Client(addresses, keys=keys) as client:
        account = client.login("028742", "123456")
        ticks = (item for item in client.ticks("600000") if isinstance(item, Tick))
        price = client.tick(next(ticks)).lower_limit_price
        assert price is not None
        order = account.place("600000", "buy", 100, price)
        order.wait(OrderState.ACK, timeout_s=WAIT_S)
        order.cancel()
        assert order.wait(timeout_s=WAIT_S) is state
        assert order.error_id == (0 if role == "client" else LIMIT)
        assert account.money().available is not None
        with pytest.raises(Refused):
            client.attach("028742", name="me")


def test_a_strategy_trades_over_tcp_with_the_key_of_a_client(group: CurveGroup) -> None:
    with SyncStrategyApi("100003", "123456", str(group.config_file)) as api:
        low = api.get_quote("600000").LastPrice * 0.95
        assert api.open_close("600000", "kaiduo", 100, round(low, 2))["success"]
        assert api.get_position("600000").pos_short == 0
