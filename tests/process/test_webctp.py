"""``ctpbus webctp`` with the files of a user of webctp, and what its clients then do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from websockets.exceptions import InvalidStatus

from bus.endpoints import run_dir
from deploy import members
from tests.support.cli import COMMAND
from tests.support.documents import Block, blocks
from tests.support.front import Front
from tests.support.group import CHECKOUT
from tests.support.machines import missing
from tests.support.site import Site
from tests.support.ws_client import ONE_LOT, WsClient, ws

UP_S = 60.0
STOP_S = 20.0
THIS = "tests/process/test_webctp.py"
ACCOUNT = {"BrokerID": "9999", "InvestorID": "028742"}


# Who runs the tests may do so under nohup.
_WITH_A_TERMINAL: Final = ("env", "--default-signal=HUP")


class Server:
    """One ``ctpbus webctp`` in the foreground, called where a user's files are."""

    def __init__(
        self,
        folder: Path,
        config: str,
        app_type: str,
        environ: Mapping[str, str],
        begin: Sequence[str] = _WITH_A_TERMINAL,
    ) -> None:
        self.data = folder / "con_file" / f"{Path(config).stem}.{app_type}"
        self.log = folder / f"{config}.log"
        clean = {key: value for key, value in os.environ.items() if "WEBCTP" not in key}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(*begin, sys.executable, "-P", "-c", COMMAND, "webctp"),
                    *(f"--config={config}", f"--app_type={app_type}"),
                ],
                cwd=folder,
                env=clean | {"PYTHONPATH": str(CHECKOUT)} | dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_up(self) -> None:
        deadline = time.monotonic() + UP_S
        while "ctpbus is up" not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)

    @property
    def said(self) -> str:
        return self.log.read_text("utf-8")

    def members(self) -> set[int]:
        return members.find(run_dir(str(self.data)))

    def from_terminal(self, number: signal.Signals) -> None:
        """To the whole group of processes."""
        os.killpg(self.process.pid, number)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(STOP_S)
        assert not members.end(run_dir(str(self.data)), STOP_S), self.said


@contextmanager
def short_folder() -> Iterator[Path]:
    """Short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="webctp-") as name:
        yield Path(name)


@contextmanager
def served(
    folder: Path,
    *calls: tuple[str, str],
    environ: Mapping[str, str] | None = None,
) -> Iterator[list[Server]]:
    """A server for each (file, type), started at once."""
    servers = [Server(folder, *call, environ or {}) for call in calls]
    try:
        for server in servers:
            server.wait_up()
        yield servers
    finally:
        for server in servers:
            server.close()


def text_of(message: Mapping[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False, indent=2)


# -- the two files of the README, as they stand there ------------------------------------------


@pytest.fixture(scope="module")
def migrated() -> Iterator[Site]:
    """What docs/migration.md tells a user of webctp to do: his two files, which are those of
    webctp's README to the letter, and one server for each, on 8080 and 8081 of a network of their
    own. When the tests are done its last words are obeyed, too."""
    steps = [
        block
        for block in blocks("docs/migration.md")
        if block.owner == THIS or block.argument("file") in ("config_td.yaml", "config_md.yaml")
    ]
    assert [step.language for step in steps] == ["yaml", "yaml", "sh", "sh", "sh"]
    with short_folder() as folder, Site(folder, Front(folder, TICK_RATE=20).env) as site:
        try:
            for step in steps[:-1]:
                site.run(without_owner(step))
            yield site
        finally:
            said = site.run(without_owner(steps[-1]))
    assert said == "stopped: td_worker, ws_edge\nstopped: md_worker, ws_edge\n"


def without_owner(block: Block) -> Block:
    return replace(block, mark="" if block.owner else block.mark)


@pytest.fixture
def two_servers(migrated: Site) -> Iterator[Path]:
    """The folder for their files. What the test opens is in their network."""
    with migrated.inside():
        yield migrated.root() / "con_file"


needs_network = pytest.mark.skipif(
    os.environ.get("CI") != "true" and bool(missing()), reason=f"ports of their own: {missing()}"
)


@pytest.fixture
def td(two_servers: Path) -> Iterator[WsClient]:
    with ws("ws://127.0.0.1:8081/td/") as client:
        assert client.log_in()["RspUserLogin"]["TradingDay"]
        yield client


@pytest.fixture
def md(two_servers: Path) -> Iterator[WsClient]:
    with ws("ws://127.0.0.1:8080/md/") as client:
        yield client


@needs_network
@pytest.mark.front
def test_the_request_of_the_readme(two_servers: Path) -> None:
    """Without a RequestID, as it is printed there."""
    with ws("ws://127.0.0.1:8081/td/") as client:
        login = {"UserID": "028742", "Password": "123456"}
        client.connection.send(text_of({"MsgType": "ReqUserLogin", "ReqUserLogin": login}))
        reply = client.hear()
    assert list(reply) == ["MsgType", "RspInfo", "IsLast", "RspUserLogin"]
    assert (reply["MsgType"], reply["IsLast"]) == ("RspUserLogin", True)
    told = reply["RspUserLogin"]
    assert (told["BrokerID"], told["UserID"]) == ("9999", "028742")


INSTRUMENT = {"InstrumentID": "rb2605", "ExchangeID": "SHFE"}
# By the name of the request: payload of webctp's documents, and the key of the reply's.
QUERIES: dict[str, tuple[dict[str, Any], str]] = {
    "ReqQryTrade": (ACCOUNT | {"ExchangeID": "SHFE"}, "Trade"),
    "ReqQryOrder": (ACCOUNT | {"InstrumentID": ""}, "Order"),
    "ReqQryInvestorPosition": (ACCOUNT | {"ExchangeID": "SHFE"}, "InvestorPosition"),
    "ReqQryInvestorPositionDetail": ({"BrokerID": "9999"} | INSTRUMENT, "InvestorPositionDetail"),
    "ReqQryTradingAccount": (ACCOUNT, "TradingAccount"),
    "ReqQryInvestor": (ACCOUNT, "Investor"),
    "ReqQryTradingCode": (ACCOUNT | {"ExchangeID": "SHFE"}, "TradingCode"),
    "ReqQryInstrumentMarginRate": (
        ACCOUNT | {"InstrumentID": "rb2605", "HedgeFlag": "1"},
        "InstrumentMarginRate",
    ),
    "ReqQryInstrumentCommissionRate": (
        ACCOUNT | {"InstrumentID": "rb2605"},
        "InstrumentCommissionRate",
    ),
    "ReqQryInstrumentOrderCommRate": (
        ACCOUNT | {"InstrumentID": "rb2605"},
        "InstrumentOrderCommRate",
    ),
    "ReqQryOptionInstrCommRate": (
        ACCOUNT | {"InstrumentID": "m2605-C-3000"},
        "OptionInstrCommRate",
    ),
    "ReqQryOptionInstrTradeCost": (
        ACCOUNT
        | {"InstrumentID": "m2605-C-3000", "HedgeFlag": "1", "InputPrice": 123.2}
        | {"UnderlyingPrice": 0},
        "OptionInstrTradeCost",
    ),
    "ReqQryExchangeMarginRate": (
        {"BrokerID": "9999", "HedgeFlag": "1"} | INSTRUMENT,
        "ExchangeMarginRate",
    ),
    "ReqQryDepthMarketData": (INSTRUMENT, "DepthMarketData"),
    "ReqQryProduct": ({"ProductID": "rb"}, "Product"),
    "ReqQryExchange": ({"ExchangeID": "SHFE"}, "Exchange"),
    "ReqQryInstrument": (
        {"ExchangeID": "", "ExchangeInstID": "", "InstrumentID": "rb2605", "ProductID": ""},
        "Instrument",
    ),
    "ReqQryMaxOrderVolume": (
        ACCOUNT
        | {"InstrumentID": "rb2605", "Direction": "0", "OffsetFlag": "0", "HedgeFlag": "1"}
        | {"MaxVolume": 1},
        "QryMaxOrderVolume",
    ),
}


@needs_network
@pytest.mark.front
def test_each_query_of_webctp_is_answered_to_the_end(td: WsClient) -> None:
    """On one socket with RequestID 0, without waiting for the one before, as its clients do."""
    for name, (payload, _) in QUERIES.items():
        message = {"MsgType": name, name.removeprefix("Req"): payload, "RequestID": 0}
        td.connection.send(text_of(message))
    for name, (_, key) in QUERIES.items():
        rows = list(td.rows(f"Rsp{name.removeprefix('Req')}"))
        assert "RspInfo" in rows[-1]
        assert not rows[-1]["RspInfo"] or rows[-1]["RspInfo"]["ErrorID"] == 0, rows[-1]
        assert all(key in row and "RequestID" not in row for row in rows), rows[-1]


@needs_network
@pytest.mark.front
def test_homalos_s_key_for_the_instruments_works_too(td: WsClient) -> None:
    payload = {"InstrumentID": "rb2605"}
    td.send(MsgType="ReqQryInstrument", ReqQryInstrument=payload, RequestID=3)
    (row,) = td.rows("RspQryInstrument")
    assert row["RequestID"] == 3


def instrument(td: WsClient) -> dict[str, Any]:
    """One that the front has."""
    td.send(MsgType="ReqQryInstrument", QryInstrument={"ProductID": "rb"}, RequestID=1)
    rows = list(td.rows("RspQryInstrument"))
    named: dict[str, Any] = rows[0]["Instrument"]
    return named


@needs_network
@pytest.mark.front
def test_an_order_is_returned_and_another_is_cancelled(td: WsClient) -> None:
    named = instrument(td)
    where = {"InstrumentID": named["InstrumentID"], "ExchangeID": named["ExchangeID"]}
    order = ACCOUNT | where | ONE_LOT | {"LimitPrice": 3500.0}
    td.send(MsgType="ReqOrderInsert", InputOrder=order, RequestID=4)
    assert td.hear_of("RtnTrade")["Trade"]["Volume"] == 1
    # The front lets an order at this price rest.
    td.send(MsgType="ReqOrderInsert", InputOrder=order | {"LimitPrice": 1.0}, RequestID=5)
    while (resting := td.hear_of("RtnOrder")["Order"])["LimitPrice"] != 1.0 or not resting[
        "OrderSysID"
    ]:
        pass
    names = ("BrokerID", "InvestorID", "UserID", "ExchangeID", "InstrumentID", "OrderSysID")
    action = {name: resting[name] for name in names} | {"ActionFlag": "0"}
    td.send(MsgType="ReqOrderAction", InputOrderAction=action, RequestID=6)
    while td.hear_of("RtnOrder")["Order"]["OrderStatus"] != "5":
        pass


@needs_network
@pytest.mark.front
def test_the_password_is_changed(two_servers: Path) -> None:
    change = {"BrokerID": "9999", "UserID": "u2"}
    change |= {"OldPassword": "good", "NewPassword": "better"}
    with ws("ws://127.0.0.1:8081/td/") as td:
        td.log_in("u2", "good")
        td.send(MsgType="ReqUserPasswordUpdate", UserPasswordUpdate=change, RequestID=7)
        assert td.hear_of("RspUserPasswordUpdate")["RspInfo"]["ErrorID"] == 0


@needs_network
@pytest.mark.front
def test_errors_have_the_numbers_and_texts_of_webctp(two_servers: Path) -> None:
    query = {"MsgType": "ReqQryOrder", "QryOrder": {}, "RequestID": 8}
    with ws("ws://127.0.0.1:8081/td/") as td:
        before = td.ask(**query)
        assert (before["MsgType"], before["RspInfo"]["ErrorID"]) == ("ReqQryOrder", -401)
        assert before["RspInfo"]["ErrorMsg"] == "未登录"
        td.log_in()
        unknown = td.ask(MsgType="ReqQryNothing", RequestID=9)
        assert unknown["RspInfo"] == {"ErrorID": -404, "ErrorMsg": "Not implemented"}
        td.connection.send("not JSON")
        wrong = td.hear()
        assert (wrong["MsgType"], wrong["RspInfo"]["ErrorMsg"]) == ("", "参数有误")
        assert wrong["RspInfo"]["ErrorID"] == -400


@needs_network
@pytest.mark.front
def test_market_data_is_subscribed_and_no_more(md: WsClient, td: WsClient) -> None:
    name = instrument(td)["InstrumentID"]
    reply = md.ask(MsgType="ReqUserLogin", ReqUserLogin={"UserID": "", "Password": ""})
    assert reply["RspUserLogin"]["TradingDay"]
    md.send(MsgType="SubscribeMarketData", InstrumentID=[name])
    (subscribed,) = md.rows("RspSubMarketData")
    assert subscribed["SpecificInstrument"] == {"InstrumentID": name}
    tick = md.hear_of("RtnDepthMarketData")
    assert list(tick) == ["MsgType", "DepthMarketData"]
    assert tick["DepthMarketData"]["InstrumentID"] == name
    md.send(MsgType="UnSubscribeMarketData", InstrumentID=[name])
    (ended,) = md.rows("RspUnSubMarketData")
    assert ended["SpecificInstrument"] == {"InstrumentID": name}


@needs_network
@pytest.mark.front
@pytest.mark.parametrize("address", ["127.0.0.1:8081/md/", "127.0.0.1:8080/td/"])
def test_each_server_has_its_own_path_alone(two_servers: Path, address: str) -> None:
    with pytest.raises(InvalidStatus) as refused, ws(f"ws://{address}"):
        pass
    assert refused.value.response.status_code == 403


@needs_network
@pytest.mark.front
def test_the_files_of_both_are_in_the_folder_for_them(two_servers: Path) -> None:
    td, md = two_servers / "config_td.td", two_servers / "config_md.md"
    for folder in (td, md):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "group.yaml").stat().st_mode & 0o777 == 0o600
    assert (td / "td_worker").exists() and not (td / "md_worker").exists()
    assert (md / "md_worker").exists() and not (md / "td_worker").exists()


# -- one server on the embedded exchange ---------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write(folder: Path, **keys: Any) -> int:
    port = free_port()
    document = {
        "TdFrontAddress": "sim://sim.sock",
        "MdFrontAddress": "sim://sim.sock",
        "BrokerID": "9999",
        "Host": "127.0.0.1",
        "Port": port,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(document | keys), "utf-8")
    return port


def test_a_file_of_homalos_with_its_environment_until_its_terminal_goes() -> None:
    with short_folder() as folder:
        port = write(folder, Token="of the file", Redis={"Enabled": True}, HeartbeatInterval=0.3)
        environ = {"WEBCTP_TOKEN": "hidden-token", "WEBCTP_HEARTBEAT_TIMEOUT": "0.5"}
        with served(folder, ("config.yaml", "dev"), environ=environ) as (server,):
            assert "Redis: without effect" in server.said
            for wrong in ("?token=of%20the%20file", "?token=", ""):
                with (
                    pytest.raises(InvalidStatus) as refused,
                    ws(f"ws://127.0.0.1:{port}/td/{wrong}"),
                ):
                    pass
                assert refused.value.response.status_code == 403
            with ws(f"ws://127.0.0.1:{port}/td/?token=hidden-token") as td:
                # Nobody answers them, and nobody is closed.
                assert [td.hear()["MsgType"] for _ in range(5)] == ["Ping"] * 5
                td.send(
                    MsgType="ReqUserLogin",
                    ReqUserLogin={"UserID": "028742", "Password": "123456"},
                )
                assert td.hear_of("RspUserLogin")["RspInfo"]["ErrorID"] == 0
            # To others than root they are closed.
            for pid in server.members() if os.geteuid() == 0 else ():
                for name in ("environ", "cmdline"):
                    assert b"hidden-token" not in Path(f"/proc/{pid}/{name}").read_bytes()
            assert len(server.members()) == 5  # with supervisord
            second = Server(folder, "config.yaml", "dev", environ)
            assert second.process.wait(UP_S) == 1
            assert "runs already" in second.said
            assert len(server.members()) == 5
            server.from_terminal(signal.SIGHUP)
            assert server.process.wait(STOP_S) == 0
            assert not server.members()


def test_it_outlives_its_terminal_under_nohup_and_ends_with_ctrl_c() -> None:
    with short_folder() as short:
        folder = short / "交易 100%;#"  # some of which mean something to supervisord
        folder.mkdir()
        write(folder, TdFrontAddress="tcp://127.0.0.1:1")
        server = Server(folder, "config.yaml", "td", {}, ["nohup"])
        try:
            server.wait_up()
            before = server.members()
            server.from_terminal(signal.SIGHUP)
            with pytest.raises(subprocess.TimeoutExpired):
                server.process.wait(2)
            assert server.members() == before
            server.from_terminal(signal.SIGINT)
            assert server.process.wait(STOP_S) == 0
            assert not server.members()
        finally:
            server.close()


def test_in_the_background_and_down() -> None:
    with short_folder() as folder:
        keys = {"MdFrontAddress": "tcp://127.0.0.1:1"}
        port = write(folder, **keys)

        def call(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-P", "-c", COMMAND, *words],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
                capture_output=True,
                text=True,
                timeout=UP_S + 30,
                check=False,
            )

        file = str(folder / "con_file" / "config.md" / "group.yaml")
        try:
            done = call("webctp", "--config", "config.yaml", "--app-type", "md", "--background")
            assert done.returncode == 0, done.stderr
            assert f"market data  ws://127.0.0.1:{port}/md/" in done.stdout
            assert "/td/" not in done.stdout
            # Once more, after a supervisord that was killed: it follows its file.
            write(folder, LogLevel="DEBUG", **keys | {"Port": port})
            config = yaml.safe_load(Path(file).read_text("utf-8"))
            pid = Path(run_dir(config["data"]), "supervisord.pid").read_text()
            os.kill(int(pid), signal.SIGKILL)
            again = call("webctp", "--config", "config.yaml", "--app-type", "md", "--background")
            assert again.returncode == 0, again.stderr
            assert "log_level: DEBUG" in Path(file).read_text("utf-8")
            # Another file of that name does not take its place.
            (folder / "other").mkdir()
            write(folder / "other", ConFilePath=f"{folder}/con_file")
            words = ("--config", "other/config.yaml", "--app-type", "md", "--background")
            refused = call("webctp", *words)
            assert refused.returncode == 1
            assert f"{file} runs already" in refused.stderr
            status = call("status", "--config", file, "--json")
            programs = [row["program"] for row in json.loads(status.stdout)["programs"]]
            assert programs == ["md_worker", "ws_edge"]
            assert status.returncode == 0
        finally:
            down = call("down", "--config", file)
        assert down.stdout == "stopped: md_worker, ws_edge\n"


def test_a_taken_port_is_told_in_the_words_of_webctp_s_file(tmp_path: Path) -> None:
    port = write(tmp_path)
    with socket.create_server(("127.0.0.1", port)):
        server = Server(tmp_path, "config.yaml", "td", {})
        assert server.process.wait(UP_S) == 1
    assert f"{tmp_path}/config.yaml: Host, Port: port {port} on 127.0.0.1 is taken" in server.said


def test_the_file_alone_is_written_once_and_for_its_owner(tmp_path: Path) -> None:
    write(tmp_path)
    words = ["webctp", "--config", "config.yaml", "--app_type", "dev", "--write", "mine.yaml"]
    for status in (0, 2):
        done = subprocess.run(
            [sys.executable, "-P", "-c", COMMAND, *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
    assert "mine.yaml: File exists" in done.stderr
    mine = tmp_path / "mine.yaml"
    assert mine.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(mine.read_text("utf-8"))["td_worker"]["broker_id"] == "9999"
    assert not (tmp_path / "con_file").exists()
