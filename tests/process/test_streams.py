"""Short forms of the chaos of streams, and that it fails when nothing is healed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.group import CHECKOUT

LIMIT_S = 280.0


def run(*arguments: str) -> tuple[int, dict[str, int], str]:
    """Exit status, the figures of the table, and everything that was printed."""
    command = [sys.executable, "-m", "tests.chaos.streams", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=CHECKOUT, timeout=LIMIT_S, check=False
    )
    rows = [(line[:32].strip(), line[32:].split()) for line in done.stdout.splitlines()]
    figures = {name: int(cells[0]) for name, cells in rows if cells and cells[0].isdigit()}
    return done.returncode, figures, f"{done.stdout}\n{done.stderr}"


@pytest.mark.slow
def test_over_kills_and_stops_nothing_is_lost_without_a_word() -> None:
    status, figures, said = run("--kills", "30", "--freezes", "30", "--jobs", "2")
    assert status == 0, said
    assert figures["publishers killed"] == figures["subscribers stopped"] == 30
    assert figures["stops that lose"] > 20, said
    assert figures["complete: healed"] > 0, said
    assert figures["returns: healed"] > 0, said
    assert figures["fresh: reported"] > 0, said
    assert figures["ws: reported"] > 0, said


def test_without_healing_the_losses_show() -> None:
    status, figures, said = run("--kills", "2", "--freezes", "12", "--no-healing", "--seed", "3")
    assert status == 1, said
    assert figures["broke off"] == 0, said
    assert figures["not healed"] == 2, said
    assert figures["lost return"] > 0, said
