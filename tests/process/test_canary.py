"""That a secret which leaks is found, on which the whole suite relies (support/canary.py)."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import canary
from tests.support.group import Group
from tests.support.ws_client import ws

OWN = "a key of this group's own"


@pytest.mark.parametrize(
    "leak",
    [
        canary.PASSWORD.encode(),
        b"\0\xff" + canary.PASSWORD.encode() + b"\xfe",
        canary.PASSWORD.encode().hex().encode(),
        *(
            base64.b64encode(b"x" * before + canary.PASSWORD.encode() + b"yz")
            for before in range(3)
        ),
    ],
)
def test_it_is_found_in_every_form(tmp_path: Path, leak: bytes) -> None:
    folder = tmp_path / "var" / "deep"
    folder.mkdir(parents=True)
    (folder / "orders.db").write_bytes(bytes(5000) + leak + bytes(70_000))
    (folder / "clean").write_bytes(canary.PASSWORD[:-1].encode())
    (tmp_path / "group.yaml").write_bytes(leak)  # where it belongs
    (found,) = canary.found(tmp_path, canary.PLANTED)
    assert "orders.db" in found
    assert canary.PASSWORD not in found
    (folder / "orders.db").unlink()
    assert canary.found(tmp_path, canary.PLANTED) == []


def test_a_process_that_writes_down_what_it_is_sent_is_found_out(tmp_path: Path) -> None:
    group = Group(tmp_path, entries={"ws_edge": "tests.support.leaky_ws_edge"})
    group.start("sim", "td_worker", "md_worker", "ws_edge")
    with pytest.raises(canary.Leak, match=r"ws_edge\.log"):
        group.close()
    for log in (tmp_path / "log").iterdir():
        log.unlink()  # the whole suite's last look is meant for others


def test_what_a_group_has_of_its_own_is_looked_for(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("token-in-a-file\n")
    config = {
        "ws_edge": {"tokens": [{"token_file": str(file)}]},
        "tcp_edge": {"keys": [{"passphrase": OWN}]},
        "td_worker": {"password": "env:NAME", "accounts": [{"user": "a", "password": "short"}]},
    }
    own = canary.secrets_of(config, tmp_path) - canary.PLANTED
    assert own == {"token-in-a-file", OWN}


def test_a_secret_among_a_process_arguments_is_found_while_it_runs() -> None:
    secret = canary.PASSWORD[::-1]
    sampler = canary.Sampler({secret})
    sampler.look()
    assert not sampler.leaks
    command = [sys.executable, "-c", "input()", f"--password={secret}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        sampler.look()
        process.kill()
    assert sampler.leaks
    assert sampler.samples == 2


def test_a_client_that_is_told_a_secret_says_so(tmp_path: Path) -> None:
    with pytest.raises(canary.Leak):
        canary.check(f"no such token: {canary.TOKEN}")
    with Group(tmp_path) as group:
        group.start("sim", "td_worker", "ws_edge")
        with ws(group.url("/td/")) as td:
            assert td.log_in(canary.USER, canary.PASSWORD)["RspInfo"]["ErrorID"] == 0
