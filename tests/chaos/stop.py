"""td_worker stands still for longer than orders may wait.

    python -m tests.chaos.stop --orders 1000

No order that waits in its queue is executed after its deadline, and each is answered as expired.
``--no-deadline`` takes the checks out of td_worker: then orders are executed, and this fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sim.control import SimControl
from tests.support.buslink import TdLink
from tests.support.group import Group

from . import mix
from .audit import read_ledger
from .config import LEDGER, PASSWORD, overrides

USER = "100001"
NO_DEADLINE = {"td_worker": "tests.chaos.no_deadline_worker"}


def play(
    path: Path, orders: int, deadline_s: float, still_s: float, *, checked: bool
) -> dict[str, int]:
    """What became of the orders."""
    options: dict[str, Any] = {"overrides": overrides(path, [USER])}
    with Group(path, entries={} if checked else NO_DEADLINE, **options) as group:
        group.start("sim", "td_worker")
        with SimControl(group.config["sim"]["listen"]) as sim:
            market = mix.markets(sim, time.time_ns())[0]
        with TdLink(group) as link:
            link.login(USER, PASSWORD)

            def order(mark: str) -> int:
                return link.order(
                    market.instrument, market.low, timeout_s=deadline_s, BusinessUnit=mark
                )

            assert link.rows(order("before"), 1)[0].name == "Sent"
            group.freeze("td_worker")
            began = time.monotonic()
            calls = {f"{number}": order(f"{number}") for number in range(orders)}
            over_ns = time.time_ns() + int(deadline_s * 1e9)
            time.sleep(max(0.0, still_s - (time.monotonic() - began)))
            group.thaw("td_worker")
            answers = [link.rows(call, 1)[0] for call in calls.values()]
            assert link.rows(order("after"), 1)[0].name == "Sent"
            link.wait_for(lambda: "after" in _arrived(path), "order after the others")
    marks = _arrived(path)
    assert "before" in marks
    return {
        "orders": orders,
        "answered as expired": sum(
            answer.name == "Error" and "expired" in answer.detail for answer in answers
        ),
        "at the exchange": sum(mark in calls for mark in marks),
        "after their deadline": sum(marks[mark] > over_ns for mark in marks if mark in calls),
    }


def _arrived(path: Path) -> dict[str, int]:
    """When each order came to the exchange, by its mark."""
    entries = read_ledger(path / LEDGER)
    return {
        entry["business_unit"]: entry["now_ns"] for entry in entries if "business_unit" in entry
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.stop", description=__doc__)
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--deadline", type=float, default=3.0)
    parser.add_argument("--still", type=float, default=10.0)
    parser.add_argument("--no-deadline", action="store_true")
    arguments = parser.parse_args()
    checked = not arguments.no_deadline
    with tempfile.TemporaryDirectory(prefix="ctpbus-stop-") as folder:
        figures = play(
            Path(folder), arguments.orders, arguments.deadline, arguments.still, checked=checked
        )
    for name, count in figures.items():
        print(f"{name:<24}{count:>9}")
    right = figures["answered as expired"] == arguments.orders and not figures["at the exchange"]
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
