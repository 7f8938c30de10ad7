"""Which wire a listener gets, and what keeps the process from starting."""

from __future__ import annotations

from pathlib import Path

import pytest

from bus.errors import ConfigError
from bus.secrets import Secret
from bus.users import Users
from tcp_edge.config import KeyConfig, LoginListener, QuoteListener, TcpConfig
from tcp_edge.wire.psk import PskServer
from tcp_edge.wire.tls import TlsLines
from tcp_edge.wire.v1 import SealedLines
from tcp_edge.wires import Wires

KEYS = (KeyConfig(passphrase=Secret("a key of the tests")),)
CONFIG = TcpConfig(
    login=LoginListener(wire="tls"),
    quote=QuoteListener(wire="psk"),
    cert_file="c",
    key_file="k",
    keys=KEYS,
)


def test_each_listener_has_the_wire_that_it_is_configured_for(tmp_path: Path) -> None:
    wires = Wires(
        CONFIG, ("login", "quote", "trade"), tmp_path, Users(tmp_path / "users"), embedded=False
    )
    assert isinstance(wires.make("login"), TlsLines)
    assert isinstance(wires.make("quote"), PskServer)
    assert isinstance(wires.make("trade"), SealedLines)


def test_without_a_listener_on_v1_there_is_no_window(tmp_path: Path) -> None:
    Wires(CONFIG, ("login", "quote"), tmp_path, Users(tmp_path / "users"), embedded=False)
    assert not (tmp_path / "window").exists()


def test_a_window_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "window").mkdir()
    with pytest.raises(ConfigError, match="window"):
        Wires(CONFIG, ("trade",), tmp_path, Users(tmp_path / "users"), embedded=False)
