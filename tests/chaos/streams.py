"""Publishers are killed and subscribers stopped; then the publishers' ledgers decide.

    python -m tests.chaos.streams --kills 1000 --freezes 1000 --jobs 2

md_worker floods, an account of td_worker has returns, and both write down each message before they
send it. A stop lasts until so much was published that messages are lost. What the subscribers of
the SDK and of ws_edge were given is compared with the ledgers, see ``streams_judge``.
``--no-healing`` is the negative control: nothing is asked for again.

A series is made of rounds, each with a fresh group in a folder of its own; that of a round with a
fault is kept.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from bus.frames import account_topic, tick_topic
from sim.control import SimControl
from sim.exchange.counter import Counter as Exchange
from sim.exchange.settings import Settings

from . import series
from .config import overrides
from .orders_on_wire import BROKER
from .processes import Forked, ForkingGroup
from .series import Result
from .streams_diary import Pages
from .streams_judge import KINDS, Fault, Judge, Promise
from .streams_ledger import MD_FILE, TD_FILE, JournalLedger, Ledger
from .streams_readers import SHOWN, Spec, Way, read

USER: Final = "100001"
ROUND: Final = 60  # kills, or freezes
INSTRUMENTS: Final = 6
SPEED: Final = 8.0  # of the market
HIGH_WATER: Final = 200  # so that who stands still soon loses something
BROKE_OFF: Final = "broke off"
_READERS: Final[tuple[Way, ...]] = ("complete", "fresh", "returns", "ws", "ws_returns")
_ORDERS: Final = "orders"  # the returns that ws_edge shows
# Where each publisher keeps the number of its start.
_EPOCHS: Final = {"md_worker": "md_worker", "td_worker": "td_worker/accounts"}
_LEDGERS: Final[dict[Way, str]] = {"returns": TD_FILE, "ws_returns": _ORDERS}
_PROMISES: Final[dict[Way, Promise]] = {
    "returns": "returns",
    "ws_returns": "returns",
    "ws": "counts",
}
_ENTRIES: Final = {
    "md_worker": "tests.chaos.ledger_md_worker",
    "td_worker": "tests.chaos.ledger_td_worker",
}
# Bytes of a ledger by which a stopped subscriber has lost something: some 250 ticks or 150 returns
# stay in the kernel.
_ENOUGH: Final = {MD_FILE: 600 * 34, TD_FILE: 260 * 37}
_STOP_S: Final = 4.0
_START_S: Final = 30.0
_END_S: Final = 30.0
_SHOWN: Final = 20
_ENOUGH_FAULTS: Final = 3  # rounds


@dataclass(frozen=True)
class Plan:
    """What one round does."""

    kills: int
    freezes: int
    seed: int
    heal: bool = True


class Round:
    """One group, its subscribers, and the hand that kills and stops."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self._path, self._plan = path, plan
        self._chance = random.Random(plan.seed)
        listed = Exchange(Settings(), time.time_ns()).instruments()
        self._names = tuple(each.id for each in listed[:INSTRUMENTS])
        self._topics = tuple(tick_topic(name) for name in self._names)
        self._account = account_topic(BROKER, USER)
        self._files = {MD_FILE: path / MD_FILE, TD_FILE: path / TD_FILE}
        self._readers: dict[Way, Forked] = {}
        accounts = path / "var" / "td_worker" / "accounts"
        self._ledgers = {
            MD_FILE: Ledger(self._files[MD_FILE]),
            TD_FILE: JournalLedger(self._files[TD_FILE], accounts),
            _ORDERS: JournalLedger(self._files[TD_FILE], accounts, SHOWN),
        }
        self._pages: dict[Way, Pages] = {}
        self._died = dict.fromkeys(_EPOCHS, 0)  # the number of the start that was killed last
        self._judges: dict[Way, Judge] = {}
        self.counts: Counter[str] = Counter()

    def run(self) -> list[Fault]:
        with ForkingGroup(self._path, self._plan.seed, **self._options()) as self._group:
            self._group.start("sim")
            self._group.start("md_worker", "td_worker", "ws_edge")
            try:
                for way in _READERS:
                    self._begin(way)
                self._trade(1)
                self._until("a subscriber got nothing", _START_S, self._all_hear)
                self._torture()
                self._settle()
                return self._verdict()
            finally:
                for reader in self._readers.values():
                    reader.kill()
                    reader.wait()

    def _options(self) -> dict[str, Any]:
        merged = overrides(self._path, [USER])
        merged["sim"] |= {"speed": SPEED}
        merged["sim"].pop("ledger_file")
        merged["md_worker"] = {"keep_ticks": 60}
        merged["bus"] = {"high_water": HIGH_WATER}
        return {"overrides": merged, "entries": _ENTRIES}

    def _begin(self, way: Way) -> None:
        file = self._path / f"{way}.diary"
        url = self._group.url("/td/?seq=on" if way == "ws_returns" else "/md/?notices=gap")
        config = str(self._group.config_file)
        spec = Spec(way, file, config, url, self._names, USER, self._plan.heal)
        ledger = self._ledgers[_LEDGERS.get(way, MD_FILE)]
        promise = _PROMISES.get(way, "ticks")
        self._pages[way] = Pages(file)
        self._judges[way] = Judge(way, promise, ledger)
        self._readers[way] = Forked(lambda: read(spec), self._path / "log" / f"{way}.log")

    # -- blows -------------------------------------------------------------------------------

    def _torture(self) -> None:
        kills, freezes = self._plan.kills, self._plan.freezes
        while kills or freezes:
            self._check()
            stop = freezes > 0
            kill = kills > 0
            both = stop and kill and self._chance.random() < 0.3
            if stop:
                self._freeze(self._kill if both else lambda: None)
                freezes -= 1
            if kill and not both:
                self._kill()
            kills -= kill

    def _freeze(self, meanwhile: Callable[[], None]) -> None:
        """Stop a subscriber, or the edge, until it has lost something."""
        target = self._chance.choices((*_READERS, "ws_edge"), (3, 3, 2, 2, 1, 2))[0]
        ledger = TD_FILE if target in _LEDGERS else MD_FILE
        self._signal(target, stop=True)
        begin = self._size(ledger)
        if target in _LEDGERS:
            self._trade(100)
        if self._chance.random() < 0.5:
            meanwhile()
            lost = self._grown(ledger, begin)
        else:
            lost = self._grown(ledger, begin)
            meanwhile()
        self.counts[f"stopped {target}"] += 1
        self.counts["stops that lose"] += lost
        self._signal(target, stop=False)

    def _kill(self) -> None:
        """A publisher, mostly when it publishes."""
        target = "td_worker" if self._chance.random() < 0.2 else "md_worker"
        ledger = TD_FILE if target == "td_worker" else MD_FILE
        if target == "td_worker":
            self._trade(10)
        if self._chance.random() < 0.8:
            begin = self._size(ledger)
            self._wait(lambda: self._size(ledger) > begin, 2.0)
        time.sleep(self._chance.uniform(0, 0.2))
        self._group.kill(target)
        self._died[target] = self._epoch(_EPOCHS[target])
        self.counts[f"killed {target}"] += 1
        time.sleep(self._chance.choice((0, 0, 0.05, 0.3)))
        self._group.go(target)

    def _trade(self, orders: int) -> None:
        """Returns of orders on the exchange."""
        with SimControl(self._group.config["sim"]["listen"]) as sim:
            sim.outside_orders(USER, self._names[0], orders)

    def _signal(self, target: str, *, stop: bool) -> None:
        if target == "ws_edge":
            (self._group.freeze if stop else self._group.thaw)(target)
        else:
            self._readers[target].send_signal(19 if stop else 18)  # type: ignore[index]

    def _grown(self, ledger: str, begin: int) -> bool:
        return self._wait(lambda: self._size(ledger) - begin > _ENOUGH[ledger], _STOP_S)

    def _size(self, ledger: str) -> int:
        file = self._files[ledger]
        return file.stat().st_size if file.exists() else 0

    def _check(self) -> None:
        """Nobody may have ended by himself."""
        for name in ("sim", "md_worker", "td_worker", "ws_edge"):
            if not self._group.running(name):
                raise AssertionError(f"{name} has ended:\n{self._group.log(name)[-4000:]}")
        for way, reader in self._readers.items():
            if (status := reader.poll()) is not None:
                log = (self._path / "log" / f"{way}.log").read_text("utf-8")
                raise AssertionError(f"{way} ended with {status}:\n{log[-4000:]}")

    # -- the end -----------------------------------------------------------------------------

    def _settle(self) -> None:
        """Let everybody come to the end of what was published."""
        self._trade(1)
        self._until("md_worker does not come back", _START_S, self._md_is_back)
        if self._plan.heal:  # else nobody logs in again
            self._until("the account does not come back", _START_S, self._td_is_back)
        self._group.freeze("sim")  # nothing more is published; beats are
        self._wait(self._all_done, _END_S, 0.2)
        self._group.thaw("sim")

    def _md_is_back(self) -> bool:
        """Whether the last start publishes all topics."""
        self._look()
        epoch = self._epoch(_EPOCHS["md_worker"])
        ends = {self._ledgers[MD_FILE].end(topic)[0] for topic in self._topics}
        return epoch > self._died["md_worker"] and ends == {epoch}

    def _td_is_back(self) -> bool:
        """Whether the subscriber has logged in to the last start, which takes the exchange."""
        self._look()
        epoch = self._epoch(_EPOCHS["td_worker"])
        come = self._judges["returns"].epoch(self._account) == epoch
        return epoch > self._died["td_worker"] and come

    def _epoch(self, folder: str) -> int:
        return int((self._path / "var" / folder / "epoch").read_text())

    def _all_hear(self) -> bool:
        self._look()
        return all(
            len(self._judges[way].accounts) >= (1 if way in _LEDGERS else INSTRUMENTS)
            for way in _READERS
        )

    def _all_done(self) -> bool:
        self._look()
        return not any(self._judges[way].behind(self._topics_of(way)) for way in _READERS)

    def _look(self) -> None:
        """Read on: the diaries first, since what is in them is in the ledgers by then."""
        entries = {way: list(pages.new()) for way, pages in self._pages.items()}
        for ledger in self._ledgers.values():
            ledger.read()
        for way, new in entries.items():
            self._judges[way].take(new)

    def _topics_of(self, way: Way) -> tuple[str, ...]:
        return (self._account,) if way in _LEDGERS else self._topics

    def _verdict(self) -> list[Fault]:
        faults: list[Fault] = []
        for way, judge in self._judges.items():
            judge.finish(self._topics_of(way))
            faults += judge.faults
            for name, count in judge.counts.items():
                self.counts[f"{way}: {name}"] += count
            for name, count in judge.figures.items():
                self.counts[f"{way}: {name}"] += count
            told = sum(sum(account.reported.values()) for account in judge.accounts.values())
            self.counts[f"{way}: reported"] += told
        for way in ("complete", "returns"):
            judge = self._judges[way]
            if self._plan.freezes >= 10 and not judge.figures.get("healed"):
                faults.append(Fault("not healed", way, "", "nothing in all this time"))
        for name in (MD_FILE, TD_FILE):
            self.counts[f"published {name}"] += len(self._ledgers[name])
        return faults

    # -- waiting -----------------------------------------------------------------------------

    def _wait(self, fact: Callable[[], bool], limit_s: float, pause_s: float = 0.01) -> bool:
        deadline = time.monotonic() + limit_s
        while not fact():
            if time.monotonic() > deadline:
                return False
            time.sleep(pause_s)
        return True

    def _until(self, complaint: str, limit_s: float, fact: Callable[[], bool]) -> None:
        if not self._wait(fact, limit_s, 0.1):
            raise AssertionError(complaint)


# -- many rounds -------------------------------------------------------------------------------


def one(plan: Plan, keep: bool) -> Result:
    """A round in a temporary folder."""
    path = Path(tempfile.mkdtemp(prefix="ctpbus-streams-"))
    (path / "log").mkdir()
    round_ = Round(path, plan)
    try:
        found = round_.run()
    except AssertionError as exc:
        print(f"seed {plan.seed}: {exc}", file=sys.stderr, flush=True)
        return Result(dict(round_.counts), {BROKE_OFF: 1}, [str(path)])
    for fault in found[:_SHOWN]:
        print(f"seed {plan.seed}: {fault}", file=sys.stderr, flush=True)
    faults = Counter(fault.kind for fault in found)
    if faults or keep:
        return Result(dict(round_.counts), dict(faults), [str(path)])
    shutil.rmtree(path)
    return Result(dict(round_.counts))


def in_series(arguments: argparse.Namespace) -> Result:
    """Rounds, one after the other; no more of them after three with a fault."""
    total, faulty, seed = Result(), 0, arguments.seed
    kills, freezes = arguments.kills, arguments.freezes
    while (kills or freezes) and faulty < _ENOUGH_FAULTS:
        plan = Plan(min(ROUND, kills), min(ROUND, freezes), seed, not arguments.no_healing)
        result = one(plan, arguments.keep)
        total.add(result)
        kills, freezes, seed = kills - plan.kills, freezes - plan.freezes, seed + 1
        faulty += bool(result.faults)
    return total


def side_by_side(arguments: argparse.Namespace) -> Result:
    jobs = arguments.jobs
    shares = [
        {"kills": kills, "freezes": freezes, "seed": arguments.seed + 10_000 * job}
        for job, (kills, freezes) in enumerate(
            zip(
                series.parts(arguments.kills, jobs),
                series.parts(arguments.freezes, jobs),
                strict=True,
            )
        )
    ]
    flags = ["--no-healing"] * arguments.no_healing + ["--keep"] * arguments.keep
    return series.side_by_side("tests.chaos.streams", shares, flags)


def show(result: Result, seconds: float) -> None:
    """The table."""
    for name, count in sorted(result.counts.items()):
        print(f"{name:<32}{count:>10}")
    kills, stops = result.sum("killed "), result.sum("stopped ")
    print(f"{'publishers killed':<32}{kills:>10}")
    print(f"{'subscribers stopped':<32}{stops:>10}")
    print(f"{'seconds':<32}{seconds:>10.0f}{kills / seconds:>8.2f} kills a second")
    for kind in (*KINDS, BROKE_OFF):
        print(f"{kind:<32}{result.faults.get(kind, 0):>10}{'  WRONG' * (kind in result.faults)}")
    for folder in result.folders:
        print(f"kept: {folder}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.streams", description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--freezes", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--no-healing", action="store_true", help="nothing is asked for again")
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
