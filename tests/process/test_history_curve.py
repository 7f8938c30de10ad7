"""Who may ask a recorder on another machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from admin.keygen import make
from bus.client import Client, Tick, addresses_of
from bus.roles import ROLES
from bus.rpc import refusal
from bus.security import Keys
from tests.process.test_curve import (
    Asker,
    answered,
    free_ports,
    new_context,
    refused_while,
    until_soon,
)
from tests.support.group import Group

NAME, WAIT_S = "600000", 30.0
ADMITTED = ("edge", "client", "viewer", "admin")


class CurveRecorder(Group):
    """A group whose recorder answers on tcp; ``keys`` is the folder of all."""

    def __init__(self, path: Path) -> None:
        self.keys = path / "keys"
        make(self.keys, list(ROLES))
        (port,) = free_ports(1)
        self.rec_rpc = f"tcp://127.0.0.1:{port}"
        overrides = {
            "bus": {"rec_rpc": self.rec_rpc},
            "keys": str(self.keys),
            "recorder": {"instruments": [NAME], "batch_s": 0.05},
        }
        super().__init__(path, overrides=overrides)


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CurveRecorder]:
    with CurveRecorder(tmp_path_factory.mktemp("curve")) as group:
        group.start("sim", "md_worker", "recorder")
        yield group


def test_a_program_elsewhere_reads_the_ticks(group: CurveRecorder) -> None:
    async def scenario() -> None:
        keys = Keys(group.keys, "client")
        async with (
            Client(addresses_of(str(group.config_file)), keys=keys) as client,
            asyncio.timeout(WAIT_S),
        ):
            last = None
            while last is None:
                (last,) = await client.history.last_ticks(NAME)
            found = await client.history.ticks(NAME)
            assert last in [item for item in found if isinstance(item, Tick)]

    asyncio.run(scenario())


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_key_asks_by_its_role(group: CurveRecorder, role: str) -> None:
    keys = Keys(group.keys, role)
    if role in ADMITTED:
        asyncio.run(answered(group.rec_rpc, "recorder", keys))
        return
    reason = f'"reason":"role {role} is not admitted"'
    refusal = refused_while(
        group.rec_rpc, "recorder", keys, lambda: reason in group.log("recorder")
    )
    asyncio.run(refusal)


@pytest.mark.parametrize(("role", "error"), [("client", -403), ("edge", -403), ("admin", None)])
def test_only_administration_stops_what_is_recorded(
    group: CurveRecorder, role: str, error: int | None
) -> None:
    async def scenario() -> None:
        with new_context() as context:
            asker = Asker(context, group.rec_rpc, "recorder", Keys(group.keys, role))
            await until_soon(asker.asks, "connection")
            await until_soon(lambda: len(asker.rows) == 1, "state")
            assert asker.asks("StopStream", msgspec.msgpack.encode("positions"))
            await until_soon(lambda: len(asker.rows) == 2, "answer")
            refused = refusal(asker.rows[1])
            assert (refused.error_id if refused else None) == error
            asker.caller.close()

    asyncio.run(scenario())
