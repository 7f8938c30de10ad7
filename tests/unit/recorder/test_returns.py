"""The recorder's questions to td_worker."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from bus.endpoints import Addresses, resolve
from bus.frames import Flag, Row, message_type
from bus.orders import Place
from recorder.store.returns import Link
from schemas.catalogue import load

_MOST_IN_TD_WORKER = 100


def test_many_accounts_are_asked_for_in_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """td_worker refuses more than a hundred replays at once, of all callers together."""

    async def scenario() -> None:
        with zmq.Context() as context:
            link = Link(context, resolve(Addresses(), str(tmp_path)), None)
            open_now, most = 0, 0

            async def ask(verb: str, on_row: object, *_: object, **options: Any) -> Row:
                nonlocal open_now, most
                open_now += 1
                most = max(most, open_now)
                await asyncio.sleep(0.001)
                open_now -= 1
                flags, body = Flag.LOCAL | Flag.LAST, msgspec.msgpack.encode(Place(1, 2))
                return Row(1, 0, 0, message_type("Returns"), load().layout_id, flags, body)

            monkeypatch.setattr(link._calls, "ask", ask)
            topics = [f"td/9999/{number}/" for number in range(2 * _MOST_IN_TD_WORKER)]
            found = await asyncio.gather(
                *(link.returns_after(topic, (0, 0), lambda message: None) for topic in topics)
            )
            assert found == [(1, 2)] * len(topics)
            assert 1 < most < _MOST_IN_TD_WORKER / 2
            link.close()

    asyncio.run(scenario())
