"""What a CurveZMQ client of the attacker's own may claim, on a real ROUTER with keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from admin.keygen import make
from bus.frames import unpack_row
from bus.roles import ROLES
from bus.rpc import Call, Router, refusal
from bus.security import Keys
from tests.process.test_curve import free_ports
from tests.support.raw_curve import RawCurve

METADATA = {"Socket-Type": b"DEALER", "Identity": b"forger"}


class Door:
    """A td_worker's ROUTER."""

    def __init__(self, folder: Path, context: zmq.Context[Any]) -> None:
        make(folder, list(ROLES))
        self.folder = folder
        self.address = f"tcp://127.0.0.1:{free_ports(1)[0]}"
        self.keys = Keys(folder, "td_worker")
        self.router = Router(context, self.address, 1, self.keys)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text().strip()

    def forger(self, role: str, **claims: Any) -> RawCurve:
        metadata = METADATA | claims.pop("metadata", {})
        server, secret = self.read("td_worker.pub"), self.read(f"{role}.key")
        return RawCurve(self.address, server, secret, metadata, **claims)

    def next(self) -> Call:
        found: list[Call] = []
        self.until(lambda: bool(found) or self._took(found))
        return found[0]

    def until(self, fact: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not fact():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def _took(self, found: list[Call]) -> bool:
        received = self.router.receive()
        found += [received[1]] if received else []
        return bool(received)

    def close(self) -> None:
        self.router.close()
        self.keys.close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with zmq.Context() as context:
        door = Door(tmp_path / "keys", context)
        yield door
        door.close()


def call(number: int, method: str) -> bytes:
    return msgspec.msgpack.encode(Call(number, method, time.time_ns() + 10**10))


def test_an_honest_client_of_our_own_is_heard(door: Door) -> None:
    with door.forger("admin") as forger:
        forger.send(call(1, "Attach"))
        assert door.next().method == "Attach"
        assert door.router.role == "admin"


@pytest.mark.parametrize("name", ["User-Id", "User-id", "Role"])
def test_nobody_says_by_himself_whose_key_he_has(door: Door, name: str) -> None:
    claim = {name: door.read("admin.pub").encode()}
    with door.forger("viewer", metadata=claim) as forger:
        forger.send(call(1, "State"))
        assert door.next().origin == door.read("viewer.pub")
        assert door.router.role == "viewer"
        forger.send(call(2, "Attach"))
        door.until(lambda: door.router.receive() is not None or door.router.forbidden > 0)
        error = refusal(unpack_row(forger.receive()))
        assert error is not None
        assert error.error_id == -403


def test_a_public_key_without_its_secret_opens_nothing(door: Door) -> None:
    with pytest.raises(OSError):
        door.forger("viewer", claimed=door.read("admin.pub"))
    assert door.router.receive() is None


def test_bytes_that_were_recorded_are_no_second_call(door: Door) -> None:
    with door.forger("client") as forger:
        forger.send(call(1, "State"))
        assert door.next().id == 1
        forger.send_again()
        door.until(lambda: door.keys.refused == 1)
        assert door.router.receive() is None
