"""td_worker is killed exactly at each step of an order.

    python -m tests.chaos.steps --times 200

Each order ends as never sent or known, and the exchange's record says which of the two is right.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bus.orders import Outcome

from .judge import Fault, Verdict, expected, facts
from .orders import Plan, Round, show
from .series import Result
from .step_worker import STEPS

ROUND: Final = 15  # kills at each step, before a fresh group
_DEATH_S: Final = 30.0
_RIGHT: Final = {
    "before intent": {"no record"},
    "after intent": {"no record"},
    # The API's thread writes to the socket, which the kill may forestall.
    "after call": {"no record", "arrived"},
    "before reply": {"no record", "arrived"},
    "after reply": {"no record", "arrived"},
}


class Steps(Round):
    """One client on one account, and a td_worker that dies again and again."""

    entries = MappingProxyType({"td_worker": "tests.chaos.step_worker"})
    users = ("100001",)
    kinds = ("bus",)
    repeats = False

    def __init__(self, path: Path, seed: int, times: int) -> None:
        super().__init__(path, Plan(kills=times * len(STEPS), seed=seed, pace_s=0.02))
        self._times = times
        self._deaths = path / "deaths"
        self._arm("")

    def _arm(self, step: str) -> None:
        os.environ["CHAOS_STEP"] = step
        os.environ["CHAOS_ORDER"] = str(self._chance.randint(1, 4))
        os.environ["CHAOS_FILE"] = str(self._deaths)

    def _torture(self) -> None:
        self._arm(STEPS[0])
        self._kill("td_worker")
        plan = [step for _ in range(self._times) for step in STEPS]
        for following in [*plan[1:], ""]:
            self._wait_for_death()
            self._arm(following)
            self._group.revive("td_worker")
        self._counts["died by themselves"] = len(plan)

    def _wait_for_death(self) -> None:
        deadline = time.monotonic() + _DEATH_S
        while self._group.running("td_worker"):
            if time.monotonic() > deadline:
                raise AssertionError(f"no order came:\n{self._group.log('td_worker')[-4000:]}")
            time.sleep(0.002)

    def _judge(self) -> Verdict:
        verdict = super()._judge()
        known = facts(self.ledger())
        for line in self._deaths.read_text("utf-8").splitlines():
            step, mark = line.split("\t")
            fact = known.get(mark)
            truth = "arrived" if fact and fact.arrived else "no record"
            self._counts[f"{step}: {_said(self.answers[mark])}"] += 1
            if truth not in _RIGHT[step]:
                text = f"killed {step}, and the exchange has {fact and expected(fact)}"
                verdict.faults.append(Fault("stated wrongly", mark, text))
        return verdict


def _said(outcome: Outcome | None) -> str:
    return outcome.state.value if outcome else "no record"


def play(times: int, seed: int) -> Result:
    """A round with a group of its own; its folder stays when there is a fault."""
    path = Path(tempfile.mkdtemp(prefix="ctpbus-steps-"))
    steps = Steps(path, seed, times)
    verdict = steps.run()
    for fault in verdict.faults[:20]:
        print(f"seed {seed}: {fault}", file=sys.stderr, flush=True)
    result = Result(dict(steps.counts), dict(Counter(fault.kind for fault in verdict.faults)))
    if result.faults:
        result.folders.append(str(path))
    else:
        shutil.rmtree(path)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.steps", description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="kills at each step")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began, total = time.monotonic(), Result()
    for seed, done in enumerate(range(0, arguments.times, ROUND), arguments.seed):
        total.add(play(min(ROUND, arguments.times - done), seed))
    show(total, time.monotonic() - began)
    return 1 if total.faults else 0


if __name__ == "__main__":
    sys.exit(main())
