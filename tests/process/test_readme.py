"""The snippets of the two gateways' READMEs, run beside a group; tables and folders."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import yaml
from msgspec.structs import fields

from admin.config import AdminConfig
from bus.config import Common
from bus.secrets import Secret
from bus.strategy.config import SyncApiConfig
from deploy.canary_config import CanaryConfig
from md_worker.config import MdConfig
from recorder.config import RecorderConfig
from sim.config import SimConfig
from tcp_edge.config import TcpConfig
from td_worker.config import TdConfig
from tests.support.group import CHECKOUT, Group
from ws_edge.config import WsConfig

READMES = ("README.md", "README.zh.md")
CONFIGURATION = ("docs/configuration.md", "docs/configuration.zh.md")
SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTED_ADDRESS = "ws://127.0.0.1:8080"
SECTIONS: dict[str, type[msgspec.Struct]] = {
    "": Common,
    "md_worker": MdConfig,
    "td_worker": TdConfig,
    "ws_edge": WsConfig,
    "tcp_edge": TcpConfig,
    "recorder": RecorderConfig,
    "sim": SimConfig,
    "canary": CanaryConfig,
    "admin": AdminConfig,
    "sync_api": SyncApiConfig,
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    overrides = {
        "calendar": "always",
        "td_worker": {"accounts": [{"user": "028742", "password": "123456"}]},
        "tcp_edge": {"account": "028742"},
    }
    with Group(tmp_path_factory.mktemp("readme"), overrides=overrides) as group:
        group.start_all()
        group.start("tcp_edge")
        yield group


def run(snippet: str, group: Group) -> str:
    """What a snippet prints beside this group."""
    assert PRINTED_ADDRESS in snippet
    command = [sys.executable, "-c", snippet.replace(PRINTED_ADDRESS, group.url(""))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("readme", READMES)
def test_the_snippet_about_orders_makes_one_order(readme: str, running: Group) -> None:
    snippet, _ = SNIPPET.findall((CHECKOUT / "ws_edge" / readme).read_text("utf-8"))
    number = f"demo-1 {readme}"  # both run on one group
    first, second, asked = run(snippet.replace("demo-1", number), running).splitlines()
    order_id = first.split()[1]
    assert first == f"1 {order_id} SENT duplicate: False"
    assert second == f"2 {order_id} ACK duplicate: True"
    assert asked == "ACK"


@pytest.mark.parametrize("readme", READMES)
def test_the_snippet_about_the_binary_dialect_gets_a_tick(readme: str, running: Group) -> None:
    _, snippet = SNIPPET.findall((CHECKOUT / "ws_edge" / readme).read_text("utf-8"))
    said = run(snippet, running)
    assert re.fullmatch(r"rb\d{4} \d\d:\d\d:\d\d \d+(\.\d+)?\n", said), said


@pytest.mark.parametrize("readme", READMES)
def test_the_ofx_session_gets_a_tick_and_a_trade(readme: str, running: Group) -> None:
    (snippet,) = SNIPPET.findall((CHECKOUT / "tcp_edge" / readme).read_text("utf-8"))
    login = running.ready["tcp_edge"]["login"].rpartition(":")[2]
    ours = snippet.replace("var/tcp_edge", str(running.data / "tcp_edge")).replace("11027", login)
    assert ours.count(login) == 1
    command = [sys.executable, "-W", "ignore::ResourceWarning", "-c", ours]
    done = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    subscribed, tick, bought = done.stdout.splitlines()
    assert re.fullmatch(r"\{'stat': 200, 'reqid': \d+\}", subscribed)
    assert re.fullmatch(r"600000 \d{17} \d+\.\d+", tick)
    assert re.fullmatch(r"bought 100 600000 at \d+\.\d+", bought)


@pytest.mark.parametrize("readme", READMES)
def test_every_folder_that_is_mapped_exists(readme: str) -> None:
    text = (CHECKOUT / readme).read_text("utf-8")
    folders = set(re.findall(r"^\| `([a-z_]+/)` \|", text, re.MULTILINE))
    assert not [name for name in folders if not Path(CHECKOUT, name).exists()]
    assert len(folders) > 5


@pytest.mark.parametrize("document", CONFIGURATION)
@pytest.mark.parametrize(("section", "kind"), SECTIONS.items())
def test_the_configuration_table_has_every_key_with_its_default(
    document: str, section: str, kind: type[msgspec.Struct]
) -> None:
    text = (CHECKOUT / document).read_text("utf-8")
    heading = f"\n`{section}:`" if section else "\n(?:The common keys:|公共键：)\n"
    table = re.split(heading, text)[-1].split("|---|---|---|\n", 1)[1].split("\n\n", 1)[0]
    printed = {}
    for line in table.splitlines():
        keys, default = (cell.strip() for cell in line.strip("|").split("|")[:2])
        printed.update(dict.fromkeys(re.findall(r"`(\w+)`", keys), default))
    assert printed.keys() == {field.name for field in fields(kind)}
    for field in fields(kind):
        if not field.required:
            value = yaml.safe_load(printed[field.name].strip("`"))
            assert _plain(msgspec.convert(value, field.type, dec_hook=_secret)) == _plain(
                field.default
                if field.default_factory is msgspec.NODEFAULT
                else field.default_factory()
            ), field.name


def _secret(kind: type, value: str) -> Secret:
    return Secret(value)


def _plain(value: object) -> object:
    return msgspec.to_builtins(value, enc_hook=Secret.reveal)
