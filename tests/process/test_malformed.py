"""Malformed messages by every door, in short; at length: ``python -m tests.chaos.malformed``."""

from __future__ import annotations

from pathlib import Path

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
