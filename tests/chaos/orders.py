"""Processes are killed at random while clients place orders; then the exchange's record decides.

    python -m tests.chaos.orders --kills 10000 --jobs 2

A series is made of rounds, each with a fresh group and fresh accounts in a folder of its own, so
that the replay after each restart stays short. The folder of a round with a fault is kept.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from bus.orders import Outcome
from sim.control import SimControl

from . import audit, diary, mix, series
from .bus_door import BusDoor
from .client import Client, Spec
from .config import LEDGER, PASSWORD, overrides
from .judge import KINDS, Evidence, Verdict, judge
from .processes import Forked, ForkingGroup
from .series import Result
from .trouble import Trouble
from .ws_door import WsDoor

BROKE_OFF: Final = "broke off"  # a process ended by itself, or would not answer
ROUND: Final = 120  # kills
USERS: Final = ("100001", "100002")
NO_WAL: Final = {"td_worker": "tests.chaos.no_wal_worker"}
_WEIGHTS: Final = {"td_worker": 45, "client": 38, "ws_edge": 17}
_TROUBLE: Final = 0.25  # before so many of the blows
_STOPS: Final = 0.06  # of all blows
_PATIENCE_S: Final = 30.0  # until everything is resolved
_ENOUGH: Final = 3  # rounds with a fault
_SHOWN: Final = 20  # faults of a round


@dataclass(frozen=True)
class Plan:
    """What one round does."""

    kills: int
    seed: int
    exchange: bool = False  # is killed too
    wal: bool = True
    pace_s: float = 0.06


class Round:
    """One group, its clients, and the hand that kills them."""

    entries: Mapping[str, str] = MappingProxyType({})
    users: tuple[str, ...] = USERS
    kinds: tuple[str, ...] = ("bus", "ws")
    repeats = True  # what got no answer is said again, now and then

    def __init__(self, path: Path, plan: Plan) -> None:
        self._path, self._plan = path, plan
        self._chance = random.Random(plan.seed)
        self._ledger = path / LEDGER
        self._counts: Counter[str] = Counter()
        self._clients: dict[str, Forked] = {}
        self._specs: dict[str, Spec] = {}
        self._read = 0
        self._deaths_ns: list[int] = []
        self.answers: dict[str, Outcome | None] = {}

    def run(self) -> Verdict:
        entries = self.entries if self._plan.wal else NO_WAL
        options = {"overrides": overrides(self._path, list(self.users)), "entries": entries}
        with ForkingGroup(self._path, self._plan.seed, **options) as self._group:
            self._group.start("sim")
            self._group.start("md_worker", "td_worker", "ws_edge")
            self._set_up()
            try:
                for name in self._specs:
                    self._begin(name)
                self._torture()
                return self._judge()
            finally:
                for client in self._clients.values():
                    client.kill()
                    client.wait()

    @property
    def counts(self) -> Counter[str]:
        return self._counts

    def ledger(self) -> list[dict[str, Any]]:
        return audit.read_ledger(self._ledger)

    def _set_up(self) -> None:
        with SimControl(self._group.config["sim"]["listen"]) as sim:
            markets = mix.markets(sim, time.time_ns())
        address, seed = self._group.config["sim"]["listen"], self._plan.seed
        self._trouble = Trouble(address, self.users, markets, seed)
        for user in self.users:
            for kind in self.kinds:
                file = self._path / f"{user}-{kind}.diary"
                self._specs[file.stem] = Spec(
                    user=user,
                    password=PASSWORD,
                    kind=kind,
                    file=file,
                    seed=self._plan.seed,
                    pace_s=self._plan.pace_s,
                    repeats=self.repeats,
                    markets=markets,
                )

    def _begin(self, name: str) -> None:
        spec, addresses = self._specs[name], self._group.ready["td_worker"]

        url = self._group.url("/td/")

        def work() -> None:
            rpc, pub = addresses["rpc"], addresses["pub"]
            door = BusDoor(spec, rpc, pub) if spec.kind == "bus" else WsDoor(spec, url)
            Client(spec, door).run()

        self._clients[name] = Forked(work, self._path / "log" / f"{name}.log")

    # -- blows -------------------------------------------------------------------------------

    def _torture(self) -> None:
        kills = 0
        while kills < self._plan.kills:
            self._wait()
            self._check()
            if self._chance.random() < _TROUBLE:
                self._trouble.make()
            if self._chance.random() < _STOPS:
                self._stop()
            elif self._plan.exchange and self._chance.random() < 0.08:
                self._kill("sim")
                kills += 1
            else:
                target = self._chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
                self._kill(target)
                kills += 1

    def _wait(self) -> None:
        """Mostly until some more orders have arrived, so that kills hit the work and not only the
        start; sometimes not at all."""
        if self._chance.random() < 0.25:
            time.sleep(self._chance.uniform(0, 0.2))
            return
        wanted, deadline = self._chance.randrange(1, 12), time.monotonic() + 2.0
        while wanted > 0 and time.monotonic() < deadline:
            time.sleep(0.004)
            wanted -= self._arrived()

    def _arrived(self) -> int:
        """Entries of the ledger since the last look."""
        size = self._ledger.stat().st_size if self._ledger.exists() else 0
        with_text = 0
        if size > self._read:
            with self._ledger.open("rb") as file:
                file.seek(self._read)
                with_text = file.read().count(b"\n")
            self._read = size
        return with_text

    def _kill(self, target: str) -> None:
        self._counts[f"killed {target}"] += 1
        if target == "client":
            name = self._chance.choice(list(self._clients))
            self._clients[name].kill()
            self._clients[name].wait()
            self._begin(name)
        else:
            self._group.kill(target)
            if target == "sim":
                self._deaths_ns.append(time.time_ns())
            self._group.go(target)

    def _stop(self) -> None:
        self._counts["stopped td_worker"] += 1
        self._group.freeze("td_worker")
        time.sleep(self._chance.uniform(0.1, 2.0))
        self._group.thaw("td_worker")

    def _check(self) -> None:
        """Nobody may have ended by himself."""
        for name in ("sim", "md_worker", "td_worker", "ws_edge"):
            if not self._group.running(name):
                raise AssertionError(f"{name} has ended:\n{self._group.log(name)[-4000:]}")
        for name, client in self._clients.items():
            if (status := client.poll()) is not None:
                log = (self._path / "log" / f"{name}.log").read_text("utf-8")
                raise AssertionError(f"client {name} ended with {status}:\n{log[-4000:]}")

    # -- the end -----------------------------------------------------------------------------

    def _judge(self) -> Verdict:
        for client in self._clients.values():
            client.send_signal(signal.SIGKILL)
            client.wait()
        time.sleep(0.3)
        self._trouble.end()
        diaries: dict[tuple[str, str], list[diary.Entry]] = {
            (spec.user, spec.kind): list(diary.read(spec.file)) for spec in self._specs.values()
        }
        orders = [
            (user, entry.id)
            for (user, _), entries in diaries.items()
            for entry in entries
            if isinstance(entry, diary.Wanted)
        ]
        patience_s = _PATIENCE_S if self._plan.wal and not self._plan.exchange else 2.0
        answers, _ = audit.settled(self._group, orders, self.ledger, patience_s)
        diaries |= audit.lists(self._group, self.users)
        diaries["", "peep"] = audit.peep(self._group, self.users, answers)
        # Last of all, because orders that live go on trading meanwhile.
        answers, record = audit.settled(self._group, orders, self.ledger, patience_s)
        self.answers = answers
        verdict = judge(
            Evidence(
                record,
                diaries,
                answers,
                audit.stores(Path(self._group.data), self.users),
                tuple(self._deaths_ns),
            )
        )
        for kind, count in self._trouble.made.items():
            self._counts[f"trouble: {kind}"] = count
        self._counts["cold starts"] = self._group.cold
        self._counts["orders"] = len(orders)
        self._counts["repeats"] = sum(max(0, len(s.tried) - 1) for s in verdict.stories)
        for outcome in answers.values():
            self._counts[f"end {outcome.state.value if outcome else 'no record'}"] += 1
        for state, count in verdict.answers.items():
            self._counts[f"told {state}"] = count
        return verdict


def one(plan: Plan, keep: bool) -> Result:
    """A round in a temporary folder."""
    path = Path(tempfile.mkdtemp(prefix="ctpbus-chaos-"))
    (path / "log").mkdir()
    round_ = Round(path, plan)
    try:
        verdict = round_.run()
    except AssertionError as exc:
        print(f"seed {plan.seed}: {exc}", file=sys.stderr, flush=True)
        return Result(dict(round_.counts), {BROKE_OFF: 1}, [str(path)])
    for fault in verdict.faults[:_SHOWN]:
        print(f"seed {plan.seed}: {fault}", file=sys.stderr, flush=True)
    faults = Counter(fault.kind for fault in verdict.faults)
    if faults or keep:
        return Result(dict(round_.counts), dict(faults), [str(path)])
    shutil.rmtree(path)
    return Result(dict(round_.counts), dict(faults))


def in_series(arguments: argparse.Namespace) -> Result:
    """Rounds, one after the other, up to ``--kills``."""
    total, faulty, seed = Result(), 0, arguments.seed
    while (left := arguments.kills - total.sum("killed ")) > 0:
        plan = Plan(min(ROUND, left), seed, arguments.kill_exchange, not arguments.no_wal)
        result = one(plan, arguments.keep)
        total.add(result)
        seed += 1
        faulty += bool(result.faults)
        if faulty >= _ENOUGH:
            break
    return total


def side_by_side(arguments: argparse.Namespace) -> Result:
    shares = [
        {"kills": kills, "seed": arguments.seed + 10_000 * job}
        for job, kills in enumerate(series.parts(arguments.kills, arguments.jobs))
    ]
    flags = ["--kill-exchange"] * arguments.kill_exchange + ["--no-wal"] * arguments.no_wal
    flags += ["--keep"] * arguments.keep
    return series.side_by_side("tests.chaos.orders", shares, flags)


def show(result: Result, seconds: float) -> None:
    """The table."""
    for name, count in sorted(result.counts.items()):
        print(f"{name:<24}{count:>9}")
    print(f"{'kills in all':<24}{result.sum('killed '):>9}")
    print(f"{'seconds':<24}{seconds:>9.0f}")
    for kind in (*KINDS, BROKE_OFF):
        print(f"{kind:<24}{result.faults.get(kind, 0):>9}{'  WRONG' * (kind in result.faults)}")
    for folder in result.folders:
        print(f"kept: {folder}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.orders", description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kill-exchange", action="store_true", help="the exchange dies too")
    parser.add_argument("--no-wal", action="store_true", help="td_worker forgets what it sent")
    parser.add_argument("--keep", action="store_true", help="keep every folder")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    began = time.monotonic()
    result = side_by_side(arguments) if arguments.jobs > 1 else in_series(arguments)
    if arguments.json:
        print(msgspec.json.encode(result).decode())
    else:
        show(result, time.monotonic() - began)
    return 1 if result.faults else 0


if __name__ == "__main__":
    sys.exit(main())
