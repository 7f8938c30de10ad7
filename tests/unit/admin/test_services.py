"""What start all and stop all do when one program refuses."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from admin.control import ControlError
from admin.services import Services


class OneRefuses:
    def __init__(self) -> None:
        self.done: list[str] = []

    async def start(self, name: str) -> None:
        if name == "md_worker":
            raise ControlError("supervisord: SPAWN_ERROR")
        self.done.append(name)

    stop = start


@pytest.mark.parametrize("what", ["start_all", "stop_all"])
def test_one_that_refuses_leaves_no_other_as_it_was(what: str) -> None:
    control: Any = OneRefuses()
    plan: Any = SimpleNamespace(programs={"sim": None, "md_worker": None, "ws_edge": None})
    services = Services(plan, control, streams=SimpleNamespace(), told={})  # type: ignore[arg-type]
    with pytest.raises(ControlError, match="md_worker: supervisord: SPAWN_ERROR"):
        asyncio.run(getattr(services, what)())
    assert set(control.done) == {"sim", "ws_edge"}
