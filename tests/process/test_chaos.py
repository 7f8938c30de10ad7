"""Short forms of the chaos tests, and that each fails when its defence is taken away."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.group import CHECKOUT

LIMIT_S = 280.0


def run(module: str, *arguments: str) -> tuple[int, str]:
    """Exit status and everything that was printed."""
    command = [sys.executable, "-m", f"tests.chaos.{module}", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=CHECKOUT, timeout=LIMIT_S, check=False
    )
    return done.returncode, f"{done.stdout}\n{done.stderr}"


@pytest.mark.slow
def test_over_kills_no_order_is_lost_sent_twice_or_shown_to_others() -> None:
    status, said = run("orders", "--kills", "80", "--jobs", "2")
    assert status == 0, said


@pytest.mark.slow
def test_over_kills_of_the_exchange_nothing_is_stated_wrongly() -> None:
    status, said = run("orders", "--kills", "40", "--kill-exchange")
    assert status == 0, said


@pytest.mark.slow
def test_without_its_record_on_the_disk_td_worker_sends_orders_twice() -> None:
    status, said = run("orders", "--kills", "40", "--no-wal")
    assert status == 1, said
    (line,) = [line for line in said.splitlines() if line.startswith("sent twice  ")]
    assert line.endswith("WRONG"), said


@pytest.mark.slow
def test_an_order_whose_worker_dies_at_any_step_ends_as_never_sent_or_known() -> None:
    status, said = run("steps", "--times", "3")
    assert status == 0, said


def test_orders_that_waited_beyond_their_deadline_are_not_executed() -> None:
    status, said = run("stop", "--orders", "100", "--deadline", "1", "--still", "2")
    assert status == 0, said


def test_without_the_look_at_deadlines_they_would_be() -> None:
    status, said = run(
        "stop", "--orders", "20", "--deadline", "0.3", "--still", "1", "--no-deadline"
    )
    assert status == 1, said
    (line,) = [line for line in said.splitlines() if line.startswith("after their deadline")]
    assert line.split()[-1] == "20", said


def test_over_5_kills_every_seq_is_in_the_recorders_files() -> None:
    status, said = run("recorder", "--kills", "5")
    assert status == 0, said


def test_what_a_killed_recorder_cannot_have_again_is_marked_and_told() -> None:
    status, said = run("recorder", "--kills", "5", "--no-healing")
    assert status == 0, said
    (line,) = [line for line in said.splitlines() if line.startswith("marked as gaps")]
    assert int(line.split()[3].rstrip(",")) > 0, said


def test_over_3_kills_no_order_by_ofx_is_lost_sent_twice_or_shown_to_others() -> None:
    status, said = run("ofx_orders", "--kills", "3")
    assert status == 0, said


@pytest.mark.slow
def test_over_40_kills_no_order_by_ofx_is_lost_sent_twice_or_shown_to_others() -> None:
    status, said = run("ofx_orders", "--kills", "40")
    assert status == 0, said


@pytest.mark.slow
def test_without_their_record_on_the_disk_orders_by_ofx_lose_their_clients() -> None:
    status, said = run("ofx_orders", "--kills", "4", "--no-store")
    assert status == 1, said
    (line,) = [line for line in said.splitlines() if line.startswith("identity differs  ")]
    assert line.endswith("WRONG"), said


@pytest.mark.slow
def test_over_15_kills_every_seq_is_in_the_recorders_files() -> None:
    status, said = run("recorder", "--kills", "15")
    assert status == 0, said
