"""Strategies on a real group: they trade on the embedded exchange while its processes die."""

from __future__ import annotations

import ast
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.process.test_examples import Example
from tests.support.buslink import TdLink
from tests.support.documents import blocks
from tests.support.group import CHECKOUT, Group

USER, PASSWORD = "100001", "123456"
PROGRAMS: Final = ("md_worker", "td_worker", "ws_edge", "tcp_edge", "recorder", "admin", "sim")
STRATEGY: Final = CHECKOUT / "examples" / "python" / "strategy.py"
(SHOWN,) = [block for block in blocks("docs/strategy.md") if block.language == "sh"]
WAIT_S: Final = 60.0  # an order of unknown outcome, on a machine that does other things
GIVEN: Final = ("deploy/gateway.yaml", "028742", "rb2701")  # in the document
SETTINGS: Final[dict[str, Any]] = {
    "calendar": "always",
    "sim": {"queries_per_second": 0, "speed": 4.0},
    "md_worker": {"retry_s": 0.2, "step_s": 0.5},
    "td_worker": {"retry_s": 0.2, "step_s": 0.5, "unsent_s": 3.0}
    | {"accounts": [{"user": USER, "password": PASSWORD}]},
    "recorder": {"min_free_mb": 0},
    "admin": {"port": 0, "disk_free_mb": 0},
}


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    path = tmp_path_factory.mktemp("strategy")
    sim = {**SETTINGS["sim"], "ledger_file": str(path / "ledger")}
    with Group(path, overrides={**SETTINGS, "sim": sim}) as group:
        group.start(*PROGRAMS, timeout_s=WAIT_S)
        yield group


@pytest.fixture(scope="module")
def instrument(group: Group) -> str:
    with TdLink(group) as td:
        td.login(USER, PASSWORD)
        rows = td.request("ReqQryInstrument", ProductID="rb", ExchangeID="SHFE")
        return str(rows[0]["InstrumentID"])


class Running(Example):
    """The example, from its first order on."""

    silent_s = WAIT_S

    def __init__(self, group: Group, instrument: str) -> None:
        python, *arguments = shlex.split(SHOWN.text)
        assert (python, arguments[1:]) == (".venv/bin/python", [*GIVEN])
        ours = (str(group.config_file), USER, instrument)
        super().__init__(Path(sys.executable), arguments[0], *ours, path=CHECKOUT, folder=CHECKOUT)
        self.traded: list[int] = []
        self.orders(1)

    def until(self, *begin: str) -> list[str]:
        lines = super().until(*begin)
        for line in lines:
            self.note(line)
        return lines

    def orders(self, count: int) -> None:
        """Wait for so many more that traded."""
        wanted = len(self.traded) + count
        while len(self.traded) < wanted:
            self.note(self.line())

    def note(self, line: str) -> None:
        if line.startswith("{"):
            result = ast.literal_eval(line)
            if result["volume_traded"]:
                self.traded.append(result["volume_traded"])

    def end(self) -> str:
        """By Ctrl-C: its last line."""
        self._process.send_signal(signal.SIGINT)
        while not (line := self.line()).startswith("Position("):
            self.note(line)
        assert self._process.wait(WAIT_S) == 0
        return line


def ledger(group: Group) -> list[dict[str, Any]]:
    """Of the strategy's user."""
    lines = (group.path / "ledger").read_bytes().splitlines()
    entries = [msgspec.json.decode(line) for line in lines]
    return [entry for entry in entries if entry["user"] == USER]


def net(entries: list[dict[str, Any]]) -> int:
    trades = [entry for entry in entries if entry["kind"] == "ExecutedTrade"]
    return sum(each["volume"] * (1 if each["direction"] == "0" else -1) for each in trades)


def at_the_counter(group: Group, instrument: str) -> tuple[int, int]:
    """Lots, long and short."""
    with TdLink(group) as td:
        td.login(USER, PASSWORD)
        rows = td.request("ReqQryInvestorPosition", InstrumentID=instrument)
    long, short = (
        sum(int(str(row["Position"])) for row in rows if row.values.get("PosiDirection") == side)
        for side in "23"
    )
    return long, short


def test_the_strategy_has_30_lines() -> None:
    source = STRATEGY.read_text("utf-8")
    docstring, *_ = ast.parse(source).body
    code = source.splitlines()[docstring.end_lineno :]
    assert len([line for line in code if line.strip()]) <= 30


def test_the_strategy_survives_a_restart_of_every_process(group: Group, instrument: str) -> None:
    """Each dies at the moment in which the exchange takes an order, but for the exchange itself,
    whose books die with it: then no order is under way."""
    with Running(group, instrument) as strategy:
        for program in PROGRAMS:
            if program == "sim":
                group.freeze("md_worker")
                strategy.until("waiting:")
            else:
                an_order_comes(group)
            group.kill(program)
            since = len(ledger(group))
            group.start(program, timeout_s=WAIT_S)
            if program == "sim":
                group.thaw("md_worker")
            strategy.orders(2)
        held = strategy.end()
    entries = ledger(group)
    long, short = at_the_counter(group, instrument)
    assert f"Position(pos_long={long}, " in held
    assert f" pos_short={short}, " in held
    assert long - short == net(entries[since:])
    trades = [entry["volume"] for entry in entries if entry["kind"] == "ExecutedTrade"]
    assert sum(strategy.traded) == sum(trades), "it knows of everything that its orders traded"
    for life in (entries[:since], entries[since:]):
        assert all(0 <= net(life[:count]) <= 2 for count in range(len(life) + 1))


def an_order_comes(group: Group) -> None:
    file = group.path / "ledger"
    size, deadline = file.stat().st_size, time.monotonic() + WAIT_S
    while file.stat().st_size == size:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_strategy_survives_its_own_end(group: Group, instrument: str) -> None:
    for _ in range(2):
        with Running(group, instrument) as strategy:
            strategy.orders(1)
    with Running(group, instrument) as strategy:
        held = strategy.end()
    long, short = at_the_counter(group, instrument)
    assert f"Position(pos_long={long}, " in held
    assert (long <= 2, short) == (True, 0)
