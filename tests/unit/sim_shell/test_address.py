"""Front addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.address import Address, AddressError, TcpAddress, parse


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sim://var/run/sim.sock", Path("var/run/sim.sock")),
        ("sim:///tmp/sim.sock", Path("/tmp/sim.sock")),
        ("sim.sock", Path("sim.sock")),
        ("sim://127.0.0.1:5000", TcpAddress("127.0.0.1", 5000)),
        ("localhost:0", TcpAddress("localhost", 0)),
    ],
)
def test_paths_and_ports(text: str, address: Address) -> None:
    assert parse(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sim://",
        "tcp://127.0.0.1:1",
        "sim://tcp://x",
        "0.0.0.0:1",
        "8.8.8.8:1",
        "localhost:70000",
    ],
)
def test_what_is_no_address_of_the_exchange(text: str) -> None:
    with pytest.raises(AddressError):
        parse(text)
