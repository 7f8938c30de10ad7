"""What clients of other makes have, on their interpreters, against the server over real sockets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import python27
from tests.support.group import CHECKOUT
from tests.support.ofx_gateway import CODE, KEY, OfxGateway, real

EXAMPLES = CHECKOUT / "examples"
VECTORS = CHECKOUT / "tests" / "vectors"
TIMEOUT_S = 60.0  # Python 2.7 needs a second for each key


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfxGateway]:
    with real(tmp_path_factory.mktemp("ofx")) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def python_2() -> str:
    found = python27.find()
    if found is None:
        assert os.environ.get("CI") != "true", "CI has Python 2.7"
        pytest.skip("no Python 2.7 runs here")
    return str(found)


def client_folder(path: Path, gateway: OfxGateway, password: str = "demo") -> Path:
    """The example as a client has it: with our module among his."""
    folder = path / "client"
    shutil.copytree(EXAMPLES / "ofx", folder)
    shutil.copy(CHECKOUT / "tcp_edge" / "octkeypass.py", folder / "mods")
    host, port = gateway.address("login")
    settings = {"host": host, "port": port, "superkey": KEY}
    settings |= {"username": "demo", "password": password}
    text = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
    (folder / "config.py").write_text(text, "ascii")
    return folder


def run(
    command: list[str], folder: Path | None = None, env: dict[str, str] | None = None
) -> tuple[int, str, str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def check_login(said: tuple[int, str, str], gateway: OfxGateway) -> None:
    code, output, errors = said
    assert (code, errors) == (0, "")
    first, route = output.splitlines()
    assert first == "connected"
    reply: dict[str, Any] = json.loads(route)
    keys = ["tradeserver", "authcode", "tradeport", "uname", "quoteserver", "quoteport"]
    assert list(reply) == keys
    assert reply["uname"] == "demo"
    assert reply == gateway.route | {"authcode": reply["authcode"]}


@pytest.mark.python27
def test_the_demonstration_logs_in_on_python_2(
    gateway: OfxGateway, python_2: str, tmp_path: Path
) -> None:
    environment = python27.environment(Path(python_2))
    folder = client_folder(tmp_path, gateway)
    check_login(run([python_2, "login27.py"], folder, environment), gateway)


def test_the_demonstration_logs_in_on_python_3(gateway: OfxGateway, tmp_path: Path) -> None:
    folder = client_folder(tmp_path, gateway)
    check_login(run([sys.executable, "login3.py"], folder), gateway)


@pytest.mark.python27
def test_python_2_makes_and_reads_the_test_vectors(python_2: str) -> None:
    environment = python27.environment(Path(python_2))
    command = [python_2, str(VECTORS / "check.py"), str(CHECKOUT / "tcp_edge")]
    said = run([*command, str(VECTORS / "ofx_v1.json")], None, environment)
    assert said == (0, "8 requests, 7 replies\n", "")


def node(gateway: OfxGateway, **environment: str) -> tuple[int, str, str]:
    host, port = gateway.address("login")
    command = ["node", str(EXAMPLES / "node" / "ofx.js"), host, str(port), "demo", *CODE.values()]
    return run(command, env=os.environ | {"OFX_KEY": KEY, "OFX_PASSWORD": "demo"} | environment)


@pytest.mark.node
def test_the_example_for_node_shows_a_quote(gateway: OfxGateway) -> None:
    code, output, errors = node(gateway)
    assert (code, errors) == (0, "")
    trade, quote = output.splitlines()
    assert trade == "trade {tradeserver}:{tradeport}".format_map(gateway.route)
    assert json.loads(quote)["ticker"] == CODE["code"]


@pytest.mark.node
def test_the_example_for_node_says_what_is_wrong(gateway: OfxGateway) -> None:
    code, output, errors = node(gateway, OFX_PASSWORD="wrong")
    assert (code, output) == (1, "")
    assert errors.startswith("login: 401 ")
    code, output, errors = node(gateway, OFX_KEY="another key")
    assert (code, output) == (1, "")
    assert errors.startswith("closed without a reply")
    code, _, errors = node(gateway, OFX_KEY="")
    assert code == 2
    assert errors.startswith("OFX_KEY=")
