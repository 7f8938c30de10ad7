"""Users who come and go on one gateway, in short; at length: ``python -m tests.chaos.crossing``."""

from __future__ import annotations

from pathlib import Path

from tests.chaos import crossing

MESSAGES = 4000
USERS = 12
LIMIT_S = 60.0


def test_nobody_gets_what_is_anothers(tmp_path: Path) -> None:
    seen = crossing.run(tmp_path, MESSAGES, users=USERS, jobs=1, limit_s=LIMIT_S)
    assert not seen.crossed
    assert set(seen.attached) == {"ws", "ws ticks", "ofx", "sdk"}
    assert seen.total >= MESSAGES


def test_an_edge_that_mixes_returns_up_is_found_out(tmp_path: Path) -> None:
    entries = {"ws_edge": "tests.chaos.mixing_ws_edge"}
    seen = crossing.run(
        tmp_path, MESSAGES, users=USERS, jobs=1, entries=entries, limit_s=LIMIT_S / 2
    )
    assert any(crossed.startswith("ws") for crossed in seen.crossed)
