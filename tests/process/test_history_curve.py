"""Who may ask a recorder on another machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from admin.keygen import make
from bus.client import Client, Tick, addresses_of
from bus.security import ROLES, Keys
from tests.process.test_curve import answered, free_ports, refused_while
from tests.support.group import Group

NAME, WAIT_S = "600000", 30.0
ADMITTED = ("edge", "client", "admin")


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
