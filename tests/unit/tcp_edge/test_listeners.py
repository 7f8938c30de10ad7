"""Listeners, members and keys of the section tcp_edge."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.config import Common, Loaded
from bus.errors import ConfigError
from bus.secrets import Secret
from tcp_edge.config import (
    KeyConfig,
    Listener,
    TcpConfig,
    as_member,
    is_loopback,
    passphrase_of,
    services_of,
)
from tcp_edge.wires import check_keys, first_key, make_key


def config(**section: Any) -> TcpConfig:
    return msgspec.convert(section, TcpConfig)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"single_port": True, "processes": "three"}, "single_port"),
        ({"cert_file": "a"}, "cert_file and key_file"),
        ({"client_ca_file": "a"}, "client_ca_file"),
        ({"quote": {"wire": "tls"}}, "wire: tls needs"),
        ({"quote": {"port": 65536}}, "port"),
        ({"quote": {"prot": 1}}, "prot"),
        ({"keys": [{"kid": 256, "file": "a"}]}, "kid"),
        ({"keys": [{"kid": 1}]}, "either passphrase or file"),
        ({"keys": [{"kid": 1, "file": "a"}, {"kid": 1, "file": "b"}]}, "same kid"),
        ({"services": []}, "at least one"),
    ],
)
def test_what_makes_no_sense_is_refused(section: dict[str, Any], told: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=told):
        config(**section)


def test_ports_stay_when_a_listener_says_something_else() -> None:
    made = config(quote={"wire": "psk"}, trade={"list_items": "nested"})
    ports = [made.listener(name).port for name in ("login", "quote", "trade")]
    shapes = [made.listener(name).shape for name in ("login", "quote", "trade")]
    assert ports == [11027, 11025, 11026]
    assert shapes == ["string", "object", "nested"]


def test_members_are_the_services_of_three_processes() -> None:
    three = config(processes="three")
    assert services_of(as_member(three, "quote"), "quote") == ("quote",)
    assert services_of(as_member(config(), ""), "") == ("login", "quote", "trade")
    for made, member in ((three, ""), (three, "sim"), (config(), "quote")):
        with pytest.raises(ValueError, match="processes"):
            as_member(made, member)


@pytest.mark.parametrize(
    ("host", "rule", "needs"),
    [
        ("127.0.0.1", "auto", False),
        ("::1", "auto", False),
        ("localhost", "auto", False),
        ("10.0.0.1", "auto", True),
        ("gateway.example", "auto", True),
        ("127.0.0.1", "required", True),
        ("10.0.0.1", "none", False),
    ],
)
def test_quotes_need_an_authcode_unless_only_this_machine_asks(
    host: str, rule: str, needs: bool
) -> None:
    made = config(quote={"host": host}, quote_authcode=rule)
    assert made.quote_needs_authcode is needs
    assert is_loopback(host) is (host in ("127.0.0.1", "::1", "localhost"))
    assert Listener(host=host).shape == "string"


def test_a_real_front_wants_a_key_of_eight_characters(tmp_path: Path) -> None:
    def check(made: TcpConfig, embedded: bool = False) -> None:
        check_keys(Loaded(Common(data=str(tmp_path)), made, embedded=embedded))

    with pytest.raises(ConfigError, match="an OFX key is needed"):
        check(TcpConfig())
    check(TcpConfig(), embedded=True)
    with pytest.raises(ConfigError, match="shorter than 8"):
        check(TcpConfig(keys=(KeyConfig(passphrase=Secret("seven77")),)))
    check(TcpConfig(keys=(KeyConfig(passphrase=Secret("eight888")),)))
    file = tmp_path / "key"
    file.write_text("of a file\n")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        check(TcpConfig(keys=(KeyConfig(file=str(file)),)))
    file.chmod(0o600)
    assert passphrase_of(KeyConfig(file=str(file))).reveal() == "of a file"


def test_a_key_that_is_made_is_one_for_all_who_come_at_once(tmp_path: Path) -> None:
    found: set[str] = set()

    def come() -> None:
        make_key(tmp_path, embedded=True)
        key, kid = first_key(TcpConfig(), tmp_path)
        found.add(f"{kid} {key.reveal()}")

    comers = [threading.Thread(target=come) for _ in range(8)]
    for comer in comers:
        comer.start()
    for comer in comers:
        comer.join()
    (key,) = found
    assert len(key) > 20
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError):
        make_key(tmp_path, embedded=False)
