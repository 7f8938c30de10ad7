"""What the web page shows of files: settings without secrets, logs without control characters."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from admin import logs
from admin.services import ours, thirteen
from admin.settings import MASK, settings, shown
from bus.errors import ConfigError
from bus.secrets import Secret
from deploy import plan as plans

FILE = """
sim:
  listen: var/sim.sock
  users: [{user_id: "1", password: pw-of-sim}]
  auth_codes: {app: code-of-sim}
md_worker: {front: "sim://var/sim.sock", broker_id: "9999", password: pw-of-md}
td_worker:
  front: sim://var/sim.sock
  broker_id: "9999"
  auth_code: code-of-td
  accounts: [{user: "028742", password: pw-of-account}]
tcp_edge: {keys: [{kid: 7, passphrase: passphrase-of-ofx}], processes: three}
recorder: {store: {url: "postgresql://me:pw-of-store@db/x"}}
ws_edge: {tokens: [{token: token-of-web-of-32-characters-xx}]}
admin: {webhook: "https://hook.example/pw-of-hook"}
canary: {user_id: "028742", password: "env:NAME_OF_CANARY", ofx_password: pw-of-ofx}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "group.yaml"
    path.write_text(f"data: {tmp_path}\n{FILE}")
    return path


def test_no_secret_of_any_section_is_shown(file: Path) -> None:
    found = settings(file)
    told = repr(found)
    for secret in ("pw-of", "code-of", "passphrase-of", "token-of"):
        assert secret not in told
    by_key = {(each.section, each.key): each for each in found}
    assert by_key["td_worker", "auth_code"].value == MASK
    assert by_key["canary", "password"].value == "env:NAME_OF_CANARY"  # a place is no secret
    assert "028742" in by_key["td_worker", "accounts"].value
    assert by_key["admin", "port"].value == "8088"
    assert not by_key["admin", "port"].given
    assert by_key["tcp_edge", "processes"].given


def test_a_faulty_file_is_told_in_one_line(file: Path) -> None:
    file.write_text("admin: {prot: 1}")
    with pytest.raises(ConfigError, match="prot"):
        settings(file)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("tcp://user:pw@host:1/x", f"tcp://{MASK}@host:1/x"),
        ("tcp://host:1", "tcp://host:1"),
        ("", ""),
        (1.5, "1.5"),
        (True, "true"),
        ({"a": Secret("x"), "b": [Secret("")]}, f"{{a: {MASK}, b: ['']}}"),
    ],
)
def test_values_are_shown_in_one_line(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\x1b[31mred\x1b[0m\x07", "[31mred[0m"),
        ("中文\r\n".encode(), "中文\n"),
        ("中".encode()[:2], "\ufffd"),
        ("a\u202eb\u200bc\u2066d".encode(), "abcd"),
        (b"\x9b31m\x80", "\ufffd31m\ufffd"),
        ("\x85\x9b".encode(), ""),
        (b"a\tb", "a\tb"),
    ],
)
def test_a_log_has_no_characters_that_steer(body: bytes, text: str) -> None:
    assert logs.clean(body) == text


def log_of(folder: Path, body: bytes) -> Any:
    (folder / "sim.log").write_bytes(body)
    return SimpleNamespace(programs={"sim": None}, log=folder)


def test_the_newest_lines_are_shown(tmp_path: Path) -> None:
    plan = log_of(tmp_path, b"".join(b"line %d\n" % number for number in range(100_000)))
    assert logs.tail(plan, "sim", 2) == ["line 99998", "line 99999"]
    assert logs.tail(plan, "sim", 9, "LINE 99997") == ["line 99997"]
    everything = logs.tail(plan, "sim", 10**6)
    assert everything[0].startswith("line ")  # not the end of one that is cut
    with pytest.raises(ValueError, match="passwd"):
        logs.tail(plan, "../../etc/passwd", 1)


def test_the_rows_are_the_manual_s_with_our_programs_behind(file: Path) -> None:
    plan = plans.read(file)
    rows = thirteen(plan)
    assert [row.program for row in rows[:5]] == [
        *("tcp_edge_login", "tcp_edge_quote", "tcp_edge_trade", "md_worker", "td_worker")
    ]
    assert [row.stream for row in rows[5:12]] == [
        *("ticks", "order_events", "trade_events", "orders", "trades", "assets", "positions")
    ]
    assert rows[12].program == "alarms"
    assert [row.program for row in ours(plan)] == ["sim", "recorder", "ws_edge", "admin"]
