"""The edge as a process, between real WebSocket clients and scripted workers."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import yaml
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from bus.endpoints import Addresses, resolve
from bus.frames import Flag, account_topic, notice_topic, tick_topic
from bus.orders import Detached, Place
from tests.support.edge_core import (
    BROKER,
    HANDLE,
    USER,
    Line,
    info,
    own,
    pack,
    published,
    row,
    sent,
    session_row,
)
from tests.support.fake_worker import FakeWorker, names_of, wait_until
from tests.support.group import Group
from tests.support.ws_client import WsClient, ws

TOPIC = account_topic(BROKER, USER)


class Stage:
    """One ws_edge and the workers it talks to."""

    def __init__(self, path: Path, entry: str = "ws_edge", **config: Any) -> None:
        entries, overrides = {"ws_edge": entry}, {"ws_edge": config}
        self.group = Group(path, sim=False, entries=entries, overrides=overrides)
        self.addresses = resolve(Addresses(), str(self.group.data))
        self.workers: dict[str, FakeWorker] = {}

    def start(self, *workers: str) -> None:
        for worker in workers:
            self.worker(worker)
        self.group.start("ws_edge")
        for worker in workers:
            self.workers[worker].wait_subscribed("td/" if worker == "td" else "notice/md_worker/")

    def worker(self, name: str, epoch: int = 1) -> FakeWorker:
        pub = self.addresses.td_pub if name == "td" else self.addresses.md_pub
        rpc = self.addresses.td_rpc if name == "td" else self.addresses.md_rpc
        worker = self.workers[name] = FakeWorker(pub, rpc, epoch)
        (script_td if name == "td" else script_md)(worker, epoch)
        return worker

    def stop_worker(self, name: str) -> None:
        self.workers.pop(name).close()

    @property
    def td(self) -> FakeWorker:
        return self.workers["td"]

    @property
    def md(self) -> FakeWorker:
        return self.workers["md"]

    def url(self, path: str) -> str:
        return self.group.url(path)

    def close(self) -> None:
        self.group.close()
        for worker in self.workers.values():
            worker.close()


HANDSHAKE = (
    b"GET /td/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def script_td(worker: FakeWorker, epoch: int) -> None:
    """Logs everybody in, with a mark on the topic as the real worker does."""

    def log_in(call: Any) -> list[Any]:
        seq = worker.publish(TOPIC, "Mark")
        reply = pack("RspUserLogin", BrokerID=BROKER, UserID=USER, SessionID=7)
        last = row("OnRspUserLogin", reply, info(), last=True, after_seq=seq)
        return [session_row(epoch=epoch), last]

    worker.answer_by("ReqUserLogin", log_in)
    worker.script("Detach", own("Detach", True, last=True))
    worker.script("ReqQryOrder", row("OnRspQryOrder", None, None, last=True))


def script_md(worker: FakeWorker, epoch: int) -> None:
    def subscribe(call: Any) -> list[Any]:
        names = names_of(call)
        return [
            row(
                "OnRspSubMarketData",
                pack("SpecificInstrument", InstrumentID=name),
                info(),
                last=name == names[-1],
            )
            for name in names
        ]

    login = row("OnRspUserLogin", pack("RspUserLogin"), info(), last=True)
    worker.script("ReqUserLogin", login)
    worker.answer_by("SubscribeMarketData", subscribe)
    worker.answer_by("Snapshot", lambda call: [row("Snapshot", last=True)] * len(names_of(call)))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    try:
        stage.start("td", "md")
        yield stage
    finally:
        stage.close()


@pytest.fixture
def td(stage: Stage) -> Iterator[WsClient]:
    with ws(stage.url("/td/")) as client:
        assert client.log_in()["RspInfo"]["ErrorID"] == 0
        yield client


@pytest.fixture
def md(stage: Stage) -> Iterator[WsClient]:
    with ws(stage.url("/md/")) as client:
        client.ask(MsgType="ReqUserLogin", ReqUserLogin={})
        yield client


def tick(worker: FakeWorker, name: str, **values: Any) -> None:
    field = pack("DepthMarketData", InstrumentID=name, **values)
    worker.publish(tick_topic(name), "OnRtnDepthMarketData", field)


def subscribe(stage: Stage, client: WsClient, *names: str) -> None:
    client.send(MsgType="SubscribeMarketData", InstrumentID=list(names))
    for _ in names:
        assert client.hear()["MsgType"] == "RspSubMarketData"
    for name in names:
        stage.md.wait_subscribed(tick_topic(name))


def refused(url: str, **options: Any) -> int:
    with pytest.raises(InvalidStatus) as caught, ws(url, **options):
        pass
    return caught.value.response.status_code


def test_login_order_return_and_end(stage: Stage) -> None:
    with ws(stage.url("/td")) as client:
        query = {"MsgType": "ReqQryOrder", "QryOrder": {}}
        assert client.ask(**query)["RspInfo"]["ErrorID"] == -401
        assert client.log_in()["RspUserLogin"]["SessionID"] == 7
        assert client.ask(**query) == {
            "MsgType": "RspQryOrder",
            "RspInfo": None,
            "IsLast": True,
            "Order": None,
        }
        assert stage.td.wait_for("ReqQryOrder").session == HANDLE
        assert stage.td.wait_for("ReqUserLogin").origin == "127.0.0.1"
        stage.td.publish(TOPIC, "OnRtnOrder", pack("Order", OrderSysID="  1"))
        assert client.hear()["Order"]["OrderSysID"] == "  1"
        assert client.log_in()["MsgType"] == "RspUserLogin"  # again, on the same socket
        assert left(stage, 1) == (HANDLE, True)
    assert left(stage, 2) == (HANDLE, False)


def left(stage: Stage, count: int) -> tuple[bytes, bool]:
    """The handle that was given back, and whether its client was done with it."""
    call = stage.td.wait_for("Detach", count)
    return call.session, msgspec.msgpack.decode(call.body, type=Detached).clean


def test_a_reply_never_overtakes_the_return_before_it(stage: Stage, td: WsClient) -> None:
    def insert(call: Any) -> list[Any]:
        seq = stage.td.publisher.stream(TOPIC).seq
        return [sent(), row("OnRspOrderInsert", call.body, info(15), last=True, after_seq=seq + 1)]

    stage.td.answer_by("ReqOrderInsert", insert)
    for number in range(50):
        td.send(MsgType="ReqOrderInsert", InputOrder={}, RequestID=number + 1)
        stage.td.wait_for("ReqOrderInsert", number + 1)
        stage.td.publish(TOPIC, "OnRtnOrder", pack("Order"))
        assert [td.hear()["MsgType"], td.hear()["MsgType"]] == ["RtnOrder", "RspOrderInsert"]


def test_requests_of_many_sockets_do_not_mix(stage: Stage) -> None:
    clients = []
    contexts = [ws(stage.url("/td/")) for _ in range(20)]
    try:
        for context in contexts:
            clients.append(context.__enter__())
            clients[-1].log_in()
        for number, client in enumerate(clients):
            client.send(MsgType="ReqQryOrder", QryOrder={}, RequestID=number + 1)
        assert [c.hear()["RequestID"] for c in clients] == list(range(1, 21))
        stage.td.publish(TOPIC, "OnRtnOrder", pack("Order"))
        for client in clients:
            assert client.hear()["MsgType"] == "RtnOrder"
    finally:
        for context in contexts[: len(clients)]:
            context.__exit__(None, None, None)


def test_ticks_for_two_sockets_and_none_after_the_end(stage: Stage, md: WsClient) -> None:
    with ws(stage.url("/md/")) as other:
        other.ask(MsgType="ReqUserLogin", ReqUserLogin={})
        subscribe(stage, md, "rb2610")
        subscribe(stage, other, "rb2610", "au2612")
        tick(stage.md, "rb2610", Volume=1)
        assert md.text() == other.text()
        md.send(MsgType="UnSubscribeMarketData", InstrumentID=["rb2610"])
        assert md.hear()["MsgType"] == "RspUnSubMarketData"
        tick(stage.md, "rb2610", Volume=2)
        assert other.hear()["DepthMarketData"]["Volume"] == 2
        assert md.silent()
    stage.md.wait_subscribed("tick/rb2610/", False)
    stage.md.wait_subscribed("tick/au2612/", False)


def test_a_late_socket_gets_the_last_tick(stage: Stage, md: WsClient) -> None:
    subscribe(stage, md, "rb2610")
    tick(stage.md, "rb2610", Volume=5)
    assert md.hear()["DepthMarketData"]["Volume"] == 5
    with ws(stage.url("/md")) as late:
        late.ask(MsgType="ReqUserLogin", ReqUserLogin={})
        subscribe(stage, late, "rb2610")
        assert late.hear()["DepthMarketData"]["Volume"] == 5


def asked(stage: Stage) -> int:
    return [call.method for call in stage.md.calls].count("SubscribeMarketData")


@pytest.mark.parametrize("news", ["notice", "state"])
def test_nobody_gets_an_old_tick_while_the_front_is_away(
    stage: Stage, md: WsClient, news: str
) -> None:
    subscribe(stage, md, "rb2610")
    tick(stage.md, "rb2610", Volume=5)
    assert md.hear()["DepthMarketData"]["Volume"] == 5
    body = {"error_id": -1, "error_msg": "CTP:请求失败", "detail": "the front is down"}
    stage.md.script("SubscribeMarketData", own("Error", body, last=True))
    with ws(stage.url("/md/?notices=front")) as late:
        late.ask(MsgType="ReqUserLogin", ReqUserLogin={})
        if news == "state":
            stage.md.publisher.tell("state/md_worker/", "State", {"logged_in": False})
            stage.md.publisher.tell(notice_topic("md_worker"), "OnFrontConnected", None)
        else:
            stage.md.publisher.tell(notice_topic("md_worker"), "OnFrontDisconnected", 4097)
        late.hear()  # the edge knows
        heard = late.ask(MsgType="SubscribeMarketData", InstrumentID=["rb2610"])
        assert (heard["RspInfo"]["ErrorID"], heard["Detail"]) == (-1, "the front is down")
        assert late.silent()
    tick(stage.md, "rb2610", Volume=6)
    assert md.hear()["DepthMarketData"]["Volume"] == 6, "who had it keeps it"


def test_a_new_md_worker_is_asked_again(stage: Stage, md: WsClient) -> None:
    subscribe(stage, md, "rb2610")
    stage.stop_worker("md")
    worker = stage.worker("md", epoch=2)
    worker.wait_subscribed("tick/rb2610/")
    worker.wait_subscribed("state/md_worker/")
    with ws(stage.url("/md/?notices=front")) as late:
        late.ask(MsgType="ReqUserLogin", ReqUserLogin={})
        for _ in range(2):
            worker.publisher.tell("state/md_worker/", "State", {"logged_in": True})
            worker.publisher.tell(notice_topic("md_worker"), "OnFrontConnected", None)
            late.hear()
            subscribe(stage, late, "rb2610")
        assert asked(stage) == 1, "the second state message brought nothing new"


@pytest.mark.parametrize("path", ["/", "/tdx/", "/md/x", "/trade"])
def test_other_paths_are_403(stage: Stage, path: str) -> None:
    assert refused(stage.url(path)) == 403


def test_who_hangs_up_amid_his_handshake_is_no_fault_of_the_edge(stage: Stage) -> None:
    """A stranger's one packet must not cost a traceback in the log."""
    host, _, port = stage.group.ready["ws_edge"]["ws"].rpartition("/")[2].rpartition(":")
    for _ in range(400):
        with socket.create_connection((host, int(port))) as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.sendall(HANDSHAKE)
    with ws(stage.group.url("/td/")) as honest:
        assert honest.silent()
    assert '"level":"ERROR"' not in stage.group.log("ws_edge")


def test_who_breaks_the_protocol_behind_a_refused_request_is_cut_off(stage: Stage) -> None:
    """Many at once: the library answers those whose end it has not seen yet, and fails in that."""
    host, _, port = stage.group.ready["ws_edge"]["ws"].rpartition("/")[2].rpartition(":")
    request = HANDSHAKE.replace(b"/td/", b"/nowhere/")
    for broken in (b"\x81\x05hello", b"\x83\x80" + bytes(4), b"GET / HTTP/1.1\r\n"):
        lines = [socket.create_connection((host, int(port)), 10) for _ in range(100)]
        for line in lines:
            line.sendall(request + broken)
        for line in lines:
            with line, suppress(ConnectionError):
                while line.recv(4096):
                    pass
    with ws(stage.group.url("/td/")) as honest:
        assert honest.silent()
    assert '"level":"ERROR"' not in stage.group.log("ws_edge")


def test_tokens_and_origins(tmp_path: Path) -> None:
    tokens, origins = [{"token": "alpha"}], ["https://desk.example"]
    stage = Stage(tmp_path, tokens=tokens, origins=origins, gateway_login_s=0)
    try:
        stage.start()
        url = stage.url("/md/")
        assert refused(url) == 403
        assert refused(url + "?token=beta") == 403
        assert refused(url + "?token=alpha", origin="https://evil.example") == 403
        with ws(url + "?token=alpha"):
            pass
        with ws(url, additional_headers={"Authorization": "Bearer alpha"}):
            pass
        with ws(url, subprotocols=["alpha"], origin="https://desk.example") as client:
            assert client.connection.subprotocol == "alpha"
        assert "alpha" not in stage.group.log("ws_edge")
    finally:
        stage.close()


def certificate(tmp_path: Path) -> tuple[str, str]:
    """The files of a key and of its own certificate for 127.0.0.1."""
    key, cert = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


def test_tls(tmp_path: Path) -> None:
    key, cert = certificate(tmp_path)
    stage = Stage(tmp_path, cert_file=cert, key_file=key)
    try:
        stage.start("md")
        assert stage.url("/md/").startswith("wss://")
        context = ssl.create_default_context(cafile=cert)
        with ws(stage.url("/md/"), ssl=context) as client:
            client.ask(MsgType="ReqUserLogin", ReqUserLogin={})
            subscribe(stage, client, "rb2610")
            tick(stage.md, "rb2610")
            assert client.hear()["MsgType"] == "RtnDepthMarketData"
    finally:
        stage.close()


def test_elsewhere_than_on_loopback_there_is_tls_or_a_warning(tmp_path: Path) -> None:
    stage = Stage(tmp_path, host="0.0.0.0")
    try:
        status, said = stage.group.refused("ws_edge")
        assert (status, "`insecure: true`" in said, said.count("\n")) == (2, True, 1)
        stage.group.config["ws_edge"]["insecure"] = True
        stage.group.config_file.write_text(yaml.safe_dump(stage.group.config), "utf-8")
        stage.start("md")
        with ws(stage.url("/md/").replace("0.0.0.0", "127.0.0.1")) as client:
            client.ask(MsgType="ReqUserLogin", ReqUserLogin={})
        assert "clients speak in the clear" in stage.group.log("ws_edge")
        assert "neither tokens nor users" in stage.group.log("ws_edge")
    finally:
        stage.close()


def test_bad_input_leaves_the_socket_open(stage: Stage, td: WsClient) -> None:
    td.connection.send(b'{"MsgType":"Ping"}')
    heard = td.hear()
    assert (heard["MsgType"], heard["RspInfo"]["ErrorID"]) == ("", -400)
    td.connection.send("[" * 900_000)
    assert td.hear()["RspInfo"]["ErrorID"] == -400
    td.connection.send(json.dumps({"MsgType": "x", "pad": "p" * 1_000_000}))
    assert td.hear()["RspInfo"]["ErrorID"] == -404
    td.connection.send(json.dumps({"MsgType": "ReqOrderInsert", "InputOrder": []}))
    assert td.hear()["RspInfo"]["ErrorID"] == -400
    assert td.silent()
    assert "ReqOrderInsert" not in [call.method for call in stage.td.calls]


def closed_with(client: WsClient) -> int | None:
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            client.hear()
    return caught.value.rcvd.code if caught.value.rcvd else None


def test_a_message_beyond_the_limit_is_1009(stage: Stage, td: WsClient) -> None:
    td.connection.send("x" * (1 << 20))
    assert td.hear()["RspInfo"]["ErrorID"] == -400
    td.connection.send("x" * ((1 << 20) + 1))
    assert closed_with(td) == 1009
    stage.td.wait_for("Detach")


def test_bad_utf_8_is_1007_as_websocket_demands(stage: Stage) -> None:
    with ws(stage.url("/td/")) as client:
        frame = Frame(Opcode.TEXT, b'{"MsgType":"\xff"}').serialize(mask=True)
        client.connection.socket.sendall(frame)
        assert closed_with(client) == 1007


def test_a_worker_that_is_away(tmp_path: Path) -> None:
    stage = Stage(tmp_path, login_s=0.5, subscribe_s=0.5, query_s=0.5)
    try:
        stage.start()
        with ws(stage.url("/td/")) as client:
            heard = client.log_in()
            assert heard["RspInfo"] == {"ErrorID": -1, "ErrorMsg": "CTP:请求失败"}
            assert (heard["IsLast"], heard["Detail"]) == (True, "td_worker is not connected")
            stage.worker("td")
            while (heard := client.log_in())["RspInfo"]["ErrorID"]:  # the links come one by one
                assert heard["RspInfo"]["ErrorID"] == -1
            stage.stop_worker("td")
            heard = client.ask(MsgType="ReqQryOrder", QryOrder={}, RequestID=4)
            while "not connected" not in heard["Detail"]:  # the end of a worker is not seen at once
                assert (heard["MsgType"], heard["RspInfo"]["ErrorID"]) == ("RspQryOrder", -1)
                heard = client.ask(MsgType="ReqQryOrder", QryOrder={}, RequestID=4)
            assert (heard["MsgType"], heard["RspInfo"]["ErrorID"]) == ("RspQryOrder", -1)
            assert (heard["RequestID"], heard["Detail"]) == (4, "td_worker is not connected")
    finally:
        stage.close()


def test_what_is_in_the_air_when_its_worker_ends(stage: Stage, td: WsClient) -> None:
    td.send(MsgType="ReqQryTrade", QryTrade={}, RequestID=1)
    td.send(MsgType="ReqOrderInsert", InputOrder={}, RequestID=2)
    stage.td.wait_for("ReqOrderInsert")
    stage.stop_worker("td")
    answers = {heard["MsgType"]: heard for heard in (td.hear(), td.hear())}
    assert answers["RspQryTrade"]["Detail"] == "td_worker was lost before it answered"
    assert answers["RspOrderInsert"]["Detail"].endswith("; whether it was sent is not known")


def test_returns_that_are_lost_on_the_way_arrive_nevertheless(stage: Stage, td: WsClient) -> None:
    stream = stage.td.publisher.stream(TOPIC)
    kept: dict[int, bytes] = {}

    def publish(lost: bool = False) -> None:
        field = pack("Order", VolumeTraded=stream.seq + 1)
        kept[stream.seq + 1] = published(TOPIC, "OnRtnOrder", stream.seq + 1, field)
        if lost:
            stream.seq += 1
        else:
            stage.td.publish(TOPIC, "OnRtnOrder", field)

    def again(call: Any) -> list[Any]:
        place = msgspec.msgpack.decode(call.body, type=Place)
        frames = [kept[seq] for seq in range(place.seq + 1, stream.seq + 1)]
        rows = [Line("Return", Flag.LOCAL | Flag.HAS_FIELD, frame) for frame in frames]
        return [*rows, own("Returns", Place(1, stream.seq), last=True)]

    stage.td.answer_by("Returns", again)
    first = stream.seq + 1
    for lost in (False, True, True, False):
        publish(lost)
    assert [td.hear()["Order"]["VolumeTraded"] for _ in range(4)] == [*range(first, first + 4)]
    publish(lost=True)  # nothing follows it; the Beat tells
    stage.td.publisher.beat([TOPIC])
    assert td.hear()["Order"]["VolumeTraded"] == first + 4


def test_a_worker_that_was_started_anew(stage: Stage, td: WsClient) -> None:
    stage.stop_worker("td")
    worker = stage.worker("td", epoch=2)
    worker.wait_subscribed("td/")
    error = own("Error", {"error_id": -401, "error_msg": "未登录", "detail": "x"}, last=True)
    worker.script("ReqQryOrder", error)
    heard = td.ask(MsgType="ReqQryOrder", QryOrder={})
    while heard["RspInfo"]["ErrorID"] == -1:  # not connected again yet
        heard = td.ask(MsgType="ReqQryOrder", QryOrder={})
    assert (heard["MsgType"], heard["RspInfo"]["ErrorID"]) == ("ReqQryOrder", -401)
    with pytest.raises(ConnectionClosed) as caught:
        td.hear()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1012


def test_who_only_listens_is_sent_away_when_his_worker_was_started_anew(
    stage: Stage, td: WsClient
) -> None:
    with ws(stage.url("/td/")) as stranger:
        stage.stop_worker("td")
        worker = stage.worker("td", epoch=2)
        worker.wait_subscribed("state/td_worker/")
        worker.publisher.tell("state/td_worker/", "State", {})
        with pytest.raises(ConnectionClosed) as caught:
            td.hear()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1012
        assert stranger.log_in()["RspInfo"]["ErrorID"] == 0, "who was not logged in may stay"
        worker.publisher.tell("state/td_worker/", "State", {})
        assert stranger.silent(), "and so may who logged in at the new one"


def test_a_session_that_the_counter_no_longer_takes_sends_its_clients_away(
    stage: Stage, td: WsClient
) -> None:
    stage.td.publisher.tell(TOPIC, "SessionLost", 3)
    with pytest.raises(ConnectionClosed) as caught:
        td.hear()
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (
        1012,
        "the counter refuses the login: 3; log in again",
    )


def test_a_client_that_does_not_read_gets_the_newest_ticks_when_it_does(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    try:
        stage.start("md")
        with ws(stage.url("/md/"), max_queue=1) as slow, ws(stage.url("/md/")) as quick:
            for client in (slow, quick):
                client.ask(MsgType="ReqUserLogin", ReqUserLogin={})
                subscribe(stage, client, "rb2610", "au2612")
            count = 3000
            before = rss_kib(stage)
            for number in range(count):
                tick(stage.md, "rb2610", Volume=number)
                assert quick.hear()["DepthMarketData"]["Volume"] == number
            tick(stage.md, "au2612", Volume=-1)
            assert quick.hear()["DepthMarketData"]["Volume"] == -1
            assert rss_kib(stage) - before < 8000
            volumes: list[int] = []
            while not volumes or volumes[-1] != -1:
                volumes.append(slow.hear()["DepthMarketData"]["Volume"])
            # The kernel's buffers on both sides hold a few hundred; whenever they have room, the
            # newest follows.
            assert volumes[-2:] == [count - 1, -1]
            assert volumes[:-1] == sorted(set(volumes[:-1]))
            assert len(volumes) < count
    finally:
        stage.close()


def rss_kib(stage: Stage) -> int:
    status = Path(f"/proc/{stage.group.pid('ws_edge')}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def test_a_client_that_does_not_take_its_replies_is_closed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, send_limit_bytes=2 << 20)
    try:
        stage.start("td")
        rows = [row("OnRspQryInstrument", pack("Instrument"))] * 20_000
        stage.td.script("ReqQryInstrument", *rows)
        with (
            ws(stage.url("/td/"), max_queue=1) as late,
            ws(stage.url("/td/"), max_queue=1, close_timeout=0.1) as dead,
        ):
            for client in (late, dead):
                client.log_in()
                client.send(MsgType="ReqQryInstrument", QryInstrument={})
            wait_until(lambda: given_up(stage) == 2, lambda: stage.group.log("ws_edge"))
            assert closed_with(late) == 1013
            stage.td.wait_for("Detach", 2)  # the edge has let go of both
    finally:
        stage.close()


def given_up(stage: Stage) -> int:
    return stage.group.log("ws_edge").count('"event":"client given up"')


def test_a_large_reply_arrives_whole(stage: Stage, td: WsClient) -> None:
    count = 20_000
    rows = [row("OnRspQryInstrument", pack("Instrument"))] * (count - 1)
    last = row("OnRspQryInstrument", pack("Instrument"), last=True)
    stage.td.script("ReqQryInstrument", *rows, last)
    td.send(MsgType="ReqQryInstrument", QryInstrument={})
    assert sum(1 for _ in td.rows("RspQryInstrument")) == count


def test_heartbeat_of_the_fork(tmp_path: Path) -> None:
    stage = Stage(tmp_path, heartbeat_interval_s=0.2, heartbeat_timeout_s=1.0)
    try:
        stage.start()
        with ws(stage.url("/td/?heartbeat=1")) as client:
            for _ in range(4):
                assert client.hear()["MsgType"] == "Ping"
                client.send(MsgType="Pong")
            assert closed_with(client) == 1001
        with connected(stage, "/td/?heartbeat=1") as mute:
            began = time.monotonic()
            heard = b""
            while some := mute.recv(4096):  # it takes all it is sent, and answers nothing
                heard += some
            assert b"no Pong" in heard
            assert time.monotonic() - began < 10
        with connected(stage, "/td/") as mute, ws(stage.url("/td/")) as client:  # the control
            for _ in range(8):
                time.sleep(0.2)
                assert client.silent()
            mute.setblocking(False)
            with pytest.raises(BlockingIOError):
                mute.recv(1)
    finally:
        stage.close()


def connected(stage: Stage, target: str) -> socket.socket:
    """A socket after its handshake, of a client that knows nothing else of WebSocket."""
    where = urlsplit(stage.url("/"))
    mute = socket.create_connection((where.hostname, where.port), timeout=20)
    mute.sendall(
        b"GET %b HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        % target.encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += mute.recv(1)
    assert head.startswith(b"HTTP/1.1 101")
    return mute


def test_notices_of_the_market_data_front(stage: Stage) -> None:
    with ws(stage.url("/md/?notices=front")) as asked, ws(stage.url("/md/")) as other:
        for client in (asked, other):
            client.ask(MsgType="ReqUserLogin", ReqUserLogin={})
        topic = notice_topic("md_worker")
        stage.md.publisher.tell(topic, "OnFrontDisconnected", 4097)
        stage.md.publisher.tell(topic, "OnFrontConnected", None)
        heard = asked.hear()
        assert (heard["MsgType"], heard["RspInfo"]["ErrorID"]) == ("FrontDisconnected", 4097)
        assert asked.hear() == {"MsgType": "FrontConnected", "RspInfo": None}
        assert other.silent()


def test_a_planned_stop(stage: Stage, td: WsClient) -> None:
    with ws(stage.url("/td/?notices=front")) as asked:
        # A client that never answers the Close must not hold the stop up.
        host, port = td.connection.remote_address[:2]
        with socket.create_connection((host, port)) as mute:
            mute.sendall(
                b"GET /td/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            assert mute.recv(100).startswith(b"HTTP/1.1 101")
            assert stage.group.stop("ws_edge") == 0
        assert asked.hear() == {"MsgType": "ServerShutdown", "EtaMs": 500}
        assert closed_with(asked) == 1001
        assert closed_with(td) == 1001
    assert left(stage, 1) == (HANDLE, False), "the client did not log out"


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        stage = Stage(tmp_path, port=taken.getsockname()[1])
        try:
            with pytest.raises(AssertionError, match="cannot listen on 127"):
                stage.group.start("ws_edge")
            assert stage.group.wait("ws_edge") == 75
        finally:
            stage.close()
