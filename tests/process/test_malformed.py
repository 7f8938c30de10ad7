"""Malformed messages by every door, in short; at length: ``python -m tests.chaos.malformed``."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from pathlib import Path

from bus.users import Users, connect
from tests.chaos import malformed

MESSAGES = 6000


def test_nothing_dies_grows_or_keeps_anything_and_others_are_served(tmp_path: Path) -> None:
    siege = malformed.Siege(tmp_path)
    verdict = siege.run(MESSAGES)
    assert not verdict.faults
    assert verdict.messages >= MESSAGES * 0.9
    assert set(verdict.grown) == set(malformed.PROCESSES)
    assert len(verdict.served) == 9
    answers = {name: len(tally.answers) for name, tally in siege.tallies.items()}
    assert answers["ws requests 2"] > 30  # they are read, and refused for many reasons
    assert answers["bus calls td_worker 2"] > 15
    assert answers["ofx tls requests 2"] > 10


def test_a_careless_edge_is_found_out(tmp_path: Path) -> None:
    siege = malformed.Siege(tmp_path, {"ws_edge": "tests.chaos.careless_ws_edge"}, 4.0)
    faults = "\n".join(siege.run(MESSAGES // 2, "ws requests").faults)
    assert "ws_edge has grown by" in faults
    assert "ws_edge has kept" in faults
    assert "ws_edge was surprised" in faults


def test_what_sqlite_keeps_of_the_file_of_users_is_not_counted_and_more_is(tmp_path: Path) -> None:
    path = Users(tmp_path / "users.db", make=True).path
    with closing(connect(path)) as serials:
        serials.execute("SELECT * FROM users").fetchall()  # from now on it is locked
        alone = malformed.held(os.getpid()).files
        for at_once in range(1, 6):
            with ExitStack() as stack:
                for _ in range(at_once):
                    stack.enter_context(closing(connect(path)))
            kept = malformed.held(os.getpid())
            assert kept.named.count(str(path)) == 1 + at_once
            assert kept.files - alone == max(0, at_once - 2)
