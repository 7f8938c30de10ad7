"""The vectors for other languages are what our code makes and reads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bus.secrets import Secret
from tcp_edge import octkeypass
from tcp_edge.wire import channel
from tcp_edge.wire.psk import PskServer
from tcp_edge.wire.pskclient import PskClient
from tcp_edge.wire.v1 import SealedLines, derive
from tcp_edge.wire.window import ReplayWindow
from tcp_edge.wire.wire import WireError
from tests.support.group import CHECKOUT

VECTORS = CHECKOUT / "tests" / "vectors"


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((VECTORS / name).read_text("ascii"))
    return loaded


def test_the_clients_module_makes_and_reads_them() -> None:
    files = [VECTORS / "check.py", CHECKOUT / "tcp_edge", VECTORS / "ofx_v1.json"]
    command = [sys.executable, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("8 requests, 7 replies\n", "")


def test_the_server_opens_the_requests_and_refuses_the_others(tmp_path: Path) -> None:
    vectors = load("ofx_v1.json")
    keys = {
        key["kid"]: derive(Secret(key["passphrase"]), key["kid"], key["salt"])
        for key in vectors["keys"]
    }
    now = vectors["requests"][0]["unix_ms"]
    window = ReplayWindow(tmp_path / "window", now_ms=lambda: now, booted_ms=0)
    for refused in vectors["refused_requests"]:
        if refused["why"] != "sealed with the other key":  # the server has both
            with pytest.raises(WireError):
                list(SealedLines(keys, window).feed(refused["line"].encode() + b"\n"))
    for request in vectors["requests"][:4]:
        said = list(SealedLines(keys, window).feed(request["line"].encode() + b"\r\n"))
        assert said == [request["text"]]
    window.close()


def test_the_keys_are_what_their_passphrases_give() -> None:
    for key in load("ofx_v1.json")["keys"]:
        made = octkeypass.derive(key["passphrase"], key["kid"], key["salt"])
        assert made.hex() == key["aes"]


def test_both_sides_of_the_psk_channel_give_its_vectors() -> None:
    vectors = load("ofx_v2_psk.json")
    psk = channel.derive(Secret(vectors["passphrase"]), vectors["user"], vectors["salt"])
    assert psk.hex() == vectors["psk"]
    own = {
        side: X25519PrivateKey.from_private_bytes(bytes.fromhex(vectors[f"{side}_private"]))
        for side in ("client", "server")
    }
    client = PskClient(vectors["user"], psk, own=own["client"], random=b"C" * 32)
    server = PskServer({vectors["user"]: psk}.get, own=own["server"], random=b"S" * 32)
    assert client.hello().decode() == vectors["hello"] + "\r\n"
    assert list(server.feed(client.hello())) == []
    answer = server.greeting()
    assert answer.decode() == vectors["answer"] + "\r\n"
    assert list(client.feed(answer)) == []
    for request in vectors["requests"]:
        assert client.request(request["text"]).hex() == request["frame"]
        assert list(server.feed(bytes.fromhex(request["frame"]))) == [request["text"]]
    for reply in vectors["replies"]:
        assert server.seal((bytes.fromhex(reply["sealed_text"]),)).hex() == reply["frame"]
        assert list(client.feed(bytes.fromhex(reply["frame"]))) == [reply["text"]]
    push = vectors["push"]
    assert server.push(push["kind"], push["seq"], push["data"].encode()).hex() == push["frame"]
