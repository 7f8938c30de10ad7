"""Who may connect, and what a URL asks for."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.config import load
from bus.errors import ConfigError
from bus.secrets import Secret
from ws_edge.admission import Door, Visit
from ws_edge.config import TokenConfig, WsConfig
from ws_edge.dialect import SUBPROTOCOL
from ws_edge.envelope import Style
from ws_edge.gate import Closed, Gate
from ws_edge.options import Options, read_options
from ws_edge.rights import NOTHING, Grant

PEERS = (str(ipaddress.ip_address("192.0.2.0") + number) for number in itertools.count())
NOWHERE = Path("/nonexistent")


class Entrance:
    """Door and gate. A visit that is still to log in counts as none. Each call comes from somewhere
    else, unless ``peer`` says from where."""

    def __init__(self, config: WsConfig) -> None:
        self.door, self.gate = Door(config), Gate(config, NOWHERE)

    def admit(
        self,
        target: str,
        origin: str | None = None,
        authorization: str | None = None,
        subprotocols: Sequence[str] = (),
        peer: str = "",
    ) -> Visit | None:
        knock = self.door.knock(target, origin, authorization, subprotocols)
        if knock is None:
            return None
        try:
            visit = asyncio.run(self.gate.admit(knock, peer or next(PEERS)))
        except Closed:
            return None
        return None if visit.access is NOTHING else visit


OPEN = Entrance(WsConfig())
GUARDED = Entrance(
    WsConfig(
        tokens=(
            TokenConfig(token=Secret("alpha")),
            TokenConfig(token=Secret("beta"), accounts=("028742",), rights=("query",)),
            TokenConfig(token=Secret("gamma"), rights=("md",)),
        )
    )
)


@pytest.mark.parametrize("path", ["/md", "/md/", "/td", "/td/", "/td/?x=1", "/md?token="])
def test_paths_that_lead_in(path: str) -> None:
    visit = OPEN.admit(path)
    assert visit is not None
    assert visit.side == path[1:3]


@pytest.mark.parametrize(
    "path",
    ["/", "", "/mdx", "/md//", "/TD/", "/td/x", "/trade", "/market_data", "*", "//md/", "td"],
)
def test_paths_that_do_not(path: str) -> None:
    assert OPEN.admit(path) is None


@pytest.mark.parametrize("path", ["md", "td"])
def test_a_path_that_is_not_served_is_no_path(path: Literal["md", "td"]) -> None:
    door = Entrance(WsConfig(paths=(path,)))
    assert {side for side in ("md", "td") if door.admit(f"/{side}/")} == {path}


@pytest.mark.parametrize(
    ("target", "authorization", "subprotocols"),
    [
        ("/td/?token=alpha", None, ()),
        ("/td/?a=b&token=alpha&c", None, ()),
        ("/td/", "Bearer alpha", ()),
        ("/td/?token=wrong", "bearer  alpha ", ()),
        ("/td/", None, ("chat", "alpha")),
    ],
)
def test_a_token_may_come_in_three_ways(
    target: str, authorization: str | None, subprotocols: tuple[str, ...]
) -> None:
    visit = GUARDED.admit(target, None, authorization, subprotocols)
    assert visit is not None
    assert visit.subprotocol == ("alpha" if subprotocols else None)


@pytest.mark.parametrize(
    ("target", "authorization", "subprotocols"),
    [
        ("/td/", None, ()),
        ("/td/?token=", None, ()),
        ("/td/?token=Alpha", None, ()),
        ("/td/?token=alpha2", None, ()),
        ("/td/?token=alph", None, ()),
        ("/td/?token=gamma", None, ()),
        ("/md/?token=beta", None, ()),
        ("/td/?token=%ff%00", None, ()),
        ("/td/", "Basic alpha", ()),
        ("/td/", "alpha", ()),
        ("/td/", "Bearer", ()),
        ("/td/", None, ("Alpha", "")),
        ("/td/?" + "a=1&" * 1000 + "token=alpha", None, ()),
    ],
)
def test_without_the_right_one_there_is_no_way_in(
    target: str, authorization: str | None, subprotocols: tuple[str, ...]
) -> None:
    assert GUARDED.admit(target, None, authorization, subprotocols) is None


def test_a_token_carries_accounts_and_rights() -> None:
    visit = GUARDED.admit("/td/?token=beta")
    assert visit is not None
    (grant,) = visit.access.grants
    assert grant == Grant(frozenset({"028742"}), frozenset({"query"}))


def test_origins() -> None:
    door = Entrance(WsConfig(origins=("https://desk.example",)))
    assert door.admit("/td/", None) is not None
    assert door.admit("/td/", "https://desk.example") is not None
    assert door.admit("/td/", "https://evil.example") is None
    assert OPEN.admit("/td/", "https://evil.example") is not None


@given(st.text(), st.text(), st.lists(st.text()))
def test_no_handshake_makes_it_fall(target: str, authorization: str, names: list[str]) -> None:
    assert GUARDED.admit("/td/?token=" + target, None, authorization, names) is None
    OPEN.admit(target, authorization, authorization, names)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (False, False, set(), False)),
        ("envelope=full", (True, False, set(), False)),
        ("envelope=half&dialect=off", (False, False, set(), False)),
        ("dialect=on&heartbeat=1", (False, True, set(), True)),
        ("heartbeat=0&heartbeat", (False, False, set(), False)),
        ("notices=front,status", (False, False, {"front", "status"}, False)),
        ("notices=front&notices=all,x", (False, False, {"front", "all"}, False)),
        ("notices=gap,stale", (False, False, {"gap", "stale"}, False)),
        ("notices=&unknown=1", (False, False, set(), False)),
    ],
)
def test_options_of_a_url(query: str, expected: tuple[bool, bool, set[str], bool]) -> None:
    visit = OPEN.admit("/td/?" + query)
    assert visit is not None
    options: Options = visit.options
    found = (options.style.full, options.style.on, set(options.notices), options.heartbeat)
    assert found == expected


def test_the_config_has_the_last_word_only_where_the_url_is_silent() -> None:
    config = WsConfig(envelope="full", dialect=True, notices=("front",), heartbeat=True)
    door = Entrance(config)
    visit = door.admit("/td/")
    assert visit is not None
    assert visit.options == Options(visit.options.style, frozenset({"front"}), True)
    assert visit.options.style == Style(full=True, on=True)
    visit = door.admit("/td/?envelope=&dialect=off&notices=&heartbeat=0")
    assert visit is not None
    assert visit.options == Options()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ws_edge: {port: 70000}", "port"),
        ("ws_edge: {ports: 1}", "ports"),
        ("ws_edge: {cert_file: a.pem}", "cert_file and key_file"),
        ("ws_edge: {host: 0.0.0.0}", "host: 0.0.0.0 is not loopback"),
        ("ws_edge: {host: ''}", "host: every address is not loopback"),
        ("ws_edge: {host: '::'}", "not loopback"),
        ("ws_edge: {host: 10.0.0.1, processes: 2}", "cert_file and key_file, or `insecure: true`"),
        ("ws_edge: {host: gateway.example}", "not loopback"),
        ("ws_edge: {host: '::ffff:10.0.0.1'}", "not loopback"),
        ("ws_edge: {tokens: [{rights: [md]}]}", "token"),
        ("ws_edge: {tokens: [{token: secret, rights: [all]}]}", "rights"),
        ("ws_edge: {tokens: [{token: 5}]}", "token"),
    ],
)
def test_a_wrong_config_is_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "group.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=complaint) as caught:
        load(str(path), "ws_edge", WsConfig)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        {"host": "localhost"},
        {"host": "127.1.2.3"},
        {"host": "::1"},
        {"host": "0.0.0.0", "insecure": True},
        {"host": "0.0.0.0", "cert_file": "cert.pem", "key_file": "key.pem"},
    ],
)
def test_what_may_listen(config: dict[str, Any]) -> None:
    assert WsConfig(**config).in_the_clear == ("insecure" in config)


def test_a_token_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("delta\n")
    path.chmod(0o600)
    door = Entrance(WsConfig(tokens=(TokenConfig(token_file=str(path)),)))
    assert door.admit("/td/?token=delta") is not None
    path.chmod(0o644)
    with pytest.raises(ConfigError):
        Entrance(WsConfig(tokens=(TokenConfig(token_file=str(path)),)))


@pytest.mark.parametrize("offered", [(SUBPROTOCOL,), ("chat", SUBPROTOCOL), (SUBPROTOCOL, "alpha")])
def test_the_binary_dialect_is_confirmed(offered: tuple[str, ...]) -> None:
    visit = OPEN.admit("/td/?envelope=full", subprotocols=offered)
    assert visit is not None
    assert visit.options.style == Style(full=True, binary=True)
    assert visit.subprotocol == SUBPROTOCOL


@pytest.mark.parametrize(
    ("offered", "header", "confirmed"),
    [
        ((SUBPROTOCOL,), "", None),
        ((SUBPROTOCOL, "wrong"), "", None),
        (("alpha",), "", "alpha"),
        (("alpha", SUBPROTOCOL), "", SUBPROTOCOL),
        ((SUBPROTOCOL, "alpha"), "", SUBPROTOCOL),
        ((SUBPROTOCOL,), "Bearer alpha", SUBPROTOCOL),
    ],
)
def test_a_token_beside_the_binary_dialect(
    offered: tuple[str, ...], header: str, confirmed: str | None
) -> None:
    visit = GUARDED.admit("/md/", authorization=header, subprotocols=offered)
    assert (visit and visit.subprotocol) == confirmed
    assert visit is None or visit.options.style.binary == (confirmed == SUBPROTOCOL)


def test_all_notices_are_those_that_leave_a_market_data_stream_as_it_was() -> None:
    everything = read_options({"notices": ["all"]}, WsConfig())
    assert everything.wants("front")
    assert everything.wants("error")
    assert not everything.wants("gap")
    assert not everything.wants("stale")
    assert read_options({"notices": ["all,gap"]}, WsConfig()).wants("gap")
