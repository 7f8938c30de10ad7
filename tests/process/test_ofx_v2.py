"""Wire v2 over real sockets: a group whose login port speaks TLS and whose quote port psk."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.authority import Authority
from tests.support.group import Group
from tests.support.ofx_v2 import PskChannel

TIMEOUT_S = 20.0
SALT = "the tests"
CODE = {"code": "600000", "market": "SH"}
LOGIN = {"cmd": 1, "params": {"username": "demo", "password": "demo"}}


class V2(NamedTuple):
    group: Group
    authority: Authority
    client: Path

    def connect(self, service: str) -> socket.socket:
        host, _, port = self.group.ready["tcp_edge"][service].rpartition(":")
        return socket.create_connection((host, int(port)), TIMEOUT_S)

    def channel(self, password: str = "demo", user: str = "demo") -> PskChannel:
        """To the quote port."""
        address = self.group.ready["tcp_edge"]["quote"]
        return PskChannel(address, SALT, password=password, user=user)

    def secured(self, certificate: Path | None) -> ssl.SSLSocket:
        """To the login port."""
        context = ssl.create_default_context(cafile=self.authority.file)
        if certificate is not None:
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        return context.wrap_socket(self.connect("login"), server_hostname="127.0.0.1")


@pytest.fixture(scope="module")
def v2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[V2]:
    folder = tmp_path_factory.mktemp("v2")
    authority = Authority(folder)
    server, client = authority.issue("server"), authority.issue("client")
    edge = {
        "login": {"port": 0, "wire": "tls"},
        "quote": {"port": 0, "wire": "psk"},
        "cert_file": str(server),
        "key_file": str(server.with_suffix(".key")),
        "client_ca_file": str(authority.file),
        "salt": SALT,
        "keys": [{"passphrase": "for the trade port"}],
    }
    with Group(folder, overrides={"tcp_edge": edge}) as group:
        group.start("sim", "md_worker", "td_worker", "tcp_edge")
        yield V2(group, authority, client)


def ask(channel: ssl.SSLSocket, request: dict[str, Any]) -> Any:
    channel.sendall(json.dumps(request).encode() + b"\n")
    with channel.makefile("rb") as replies:
        line = replies.readline()
    assert line.endswith(b"\r\n")
    return json.loads(line)


def test_a_client_with_a_certificate_logs_in_over_tls(v2: V2) -> None:
    with v2.secured(v2.client) as channel:
        assert channel.version() == "TLSv1.3"
        route = ask(channel, LOGIN)
        assert route["uname"] == "demo"
        assert ask(channel, {"cmd": 100001, "params": CODE})["stat"] == 403


def test_without_a_certificate_or_with_older_tls_there_is_no_channel(v2: V2) -> None:
    # In TLS 1.3 a client learns that its certificate is missing when it reads.
    with suppress(ssl.SSLError, ConnectionError), v2.secured(None) as channel:
        channel.sendall(json.dumps(LOGIN).encode() + b"\n")
        assert channel.recv(1) == b""
    old = ssl.create_default_context(cafile=v2.authority.file)
    old.load_cert_chain(v2.client, v2.client.with_suffix(".key"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with v2.connect("login") as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        old.wrap_socket(plain, server_hostname="127.0.0.1")


def test_a_user_gets_replies_and_pushes_over_his_own_key(v2: V2) -> None:
    with v2.channel() as channel:
        channel.ask({"cmd": 110001, "params": [CODE], "push": True})
        said = [channel.next() for _ in range(4)]
        (status,) = [text for text in said if "push" not in text]
        assert status["stat"] == 200
        pushes = [text for text in said if "push" in text]
        assert [push["seq"] for push in pushes] == [1, 2, 3]
        assert {push["push"] for push in pushes} == {"tick"}
        assert {push["data"]["ticker"] for push in pushes} == {CODE["code"]}
        channel.ask({"cmd": 100001, "params": CODE})
        while "push" in (reply := channel.next()):
            pass
        assert reply["ticker"] == CODE["code"]


@pytest.mark.parametrize(("password", "user"), [("wrong", "demo"), ("demo", "nobody")])
def test_without_the_users_key_the_first_frame_ends_it(v2: V2, password: str, user: str) -> None:
    with v2.channel(password, user) as channel:
        channel.ask({"cmd": 100001, "params": CODE})
        with pytest.raises(ConnectionError):
            channel.next()


def test_what_was_captured_is_worth_nothing(v2: V2) -> None:
    with v2.channel() as channel:
        channel.ask({"cmd": 100001, "params": CODE})
        channel.next()
        captured = channel.sent
        channel.socket.sendall(captured[-60:])
        with pytest.raises(ConnectionError):
            channel.next()
    with v2.connect("quote") as again:
        again.sendall(captured)
        received = b""
        while data := again.recv(1 << 16):
            received += data
            if received.endswith(b"\r\n") and received.count(b"\n") > 1:
                raise AssertionError("served")
    assert received.count(b"\r\n") <= 1  # the handshake's answer at the most


def test_who_begins_to_shake_hands_and_stops_does_not_keep_the_process(v2: V2) -> None:
    with v2.connect("login") as mute:
        mute.sendall(b"\x16\x03\x01")  # how a ClientHello begins
        with v2.secured(v2.client) as other:  # the server has seen both by now
            other.sendall(b'{"cmd": 7}\r\n')
            assert b'"stat": 404' in other.recv(4096)
        assert v2.group.stop("tcp_edge") == 0
