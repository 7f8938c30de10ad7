"""``ctpbus login test``, ``ticks``, ``order``, ``orders``, ``top`` and ``bench`` on a real group,
and ``bench``, and what they say when a part of it stands still."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from admin.commands import cancel as cancel_module
from admin.commands import order as order_module
from admin.commands.cancel import Cancelling
from admin.commands.group import opened
from admin.commands.order import Offset, Sending, Side, Told, Wanted, place
from bus.orders import Outcome
from deploy.supervision import Supervisor
from schemas.codec import Value
from tests.support.cli import COMMAND, Operated, operated
from tests.support.group import CHECKOUT

CODE = "600000"
# Far below the market but within the day's limits: it rests.
RESTING = ("buy", CODE, "100", "--price", "11", "--exchange", "SSE")


@pytest.fixture(scope="module")
def group() -> Iterator[Operated]:
    with operated() as group:
        yield group


@contextmanager
def frozen(group: Operated, program: str) -> Iterator[None]:
    pid = Supervisor(group.plan).programs()[program].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def order(group: Operated, *arguments: str, status: int = 0) -> Any:
    return group.json("order", *RESTING, "--yes", *arguments, status=status)


# -- login test ----------------------------------------------------------------------------------


def test_login_test_goes_the_whole_way(group: Operated) -> None:
    told = group.json("login", "test")
    assert told["good"] is True
    assert [step["step"] for step in told["steps"]] == ["md_worker", "td_worker", "login", "query"]
    assert "attached as 028742 of 9999" in told["steps"][2]["text"]


def test_a_password_comes_from_stdin_or_a_file_and_a_wrong_one_is_tried_once(
    group: Operated,
) -> None:
    secret = group.folder / "password"
    secret.write_text("654321\n")
    secret.chmod(0o600)
    other = ("login", "test", "--user", "100001")
    done = group.call(*other, stdin="123456\n")
    assert (done.returncode, "logged in as 100001" in done.stdout) == (0, True), done.stdout
    wrong = group.call(*other, "--password-file", str(secret))
    assert wrong.returncode == 1
    assert "CTP:不合法的登录 (3)" in wrong.stdout
    assert "do NOT try again with the same" in wrong.stdout
    assert "654321" not in wrong.stdout + wrong.stderr
    secret.chmod(0o644)
    refused = group.call(*other, "--password-file", str(secret))
    assert refused.returncode == 2
    assert "chmod 600" in refused.stderr
    assert group.call(*other).returncode == 2  # nobody to ask, and nothing on stdin


# -- ticks ---------------------------------------------------------------------------------------


def test_ticks_are_shown_as_they_come(group: Operated) -> None:
    done = group.call("ticks", CODE, "-n", "3", "--json")
    assert done.returncode == 0, done.stderr
    ticks = [json.loads(line) for line in done.stdout.splitlines()]
    ticks = [tick for tick in ticks if tick["kind"] == "Tick"]
    assert len(ticks) == 3
    assert all(tick["fields"]["LastPrice"] > 0 for tick in ticks)
    shown = group.call("ticks", CODE, "-n", "1")
    assert shown.returncode == 0
    assert f" {CODE} " in shown.stdout


def test_what_does_not_tick_is_said(group: Operated) -> None:
    done = group.call("ticks", "nothing99", "--seconds", "6")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing of nothing99 for 5 s" in done.stderr


# -- order and orders ----------------------------------------------------------------------------


def test_an_order_is_sent_once_under_its_id(group: Operated) -> None:
    done = group.call("order", *RESTING, "--yes", "--id", "once")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "client_order_id: once\n"
    assert done.stdout.startswith("ACK: the counter has it, 0 traded so far [order ")
    before = len(group.json("orders"))
    again = order(group, "--id", "once")
    assert again["state"] == "ACK"
    assert again["outcome"]["order_id"] in done.stdout
    assert "nothing was sent now" in again["text"]
    other = group.json("order", "sell", *RESTING[1:], "--yes", "--id", "once", status=1)
    assert other["state"] == "NOT_SENT"
    assert "client_order_id was used for another order" in other["text"]
    assert len(group.json("orders")) == before
    assert group.json("orders", "--id", "once")["state"] == "ACK"
    live = group.call("orders", "--live").stdout
    assert "waits" in live


def test_an_order_is_not_sent_without_a_word(group: Operated) -> None:
    before = len(group.json("orders"))
    done = group.call("order", *RESTING)
    assert done.returncode == 2
    assert "nothing was sent" in done.stderr
    done = group.call("order", "buy", "nothing99", "1", "--price", "1", "--yes")
    assert done.returncode == 2
    assert "the counter has no instrument nothing99; nothing was sent" in done.stderr
    for wrong in (
        ("buy", CODE, "100", "--price", "nan"),
        ("buy", CODE, "0", "--price", "11"),
        ("buy", CODE, "99999999999", "--price", "11"),
        ("buy", CODE * 20, "100", "--price", "11"),
        ("buy", CODE, "100", "--price", "11", "--exchange", "NOEXCHANGE"),
        ("buy", CODE, "100", "--price", "11", "--id", "x" * 65),
        ("buy", CODE, "100", "--price", "11", "--id", "\a"),
    ):
        done = group.call("order", *wrong, "--yes")
        assert (done.returncode, done.stdout) == (2, ""), (wrong, done)
        assert "client_order_id:" not in done.stderr
        assert "Traceback" not in done.stderr
    assert len(group.json("orders")) == before


def test_a_refused_order_is_told_as_one(group: Operated) -> None:
    below = ("buy", CODE, "100", "--price", "1", "--yes", "--id", "below")
    told = group.json("order", *below, status=1)
    assert told["state"] == "REJECTED"
    assert "价格跌破跌停板" in told["text"]
    assert group.json("orders", "--id", "below", status=1)["state"] == "REJECTED"
    assert group.json("orders", "--id", "never", status=1) is None


def test_an_order_that_nobody_answers_is_unknown_and_not_failed(group: Operated) -> None:
    with frozen(group, "sim"):
        told = order(group, "--id", "doubt", "--wait", "1", status=3)
        assert told["state"] in ("SENT", "UNKNOWN")
        assert "It may live" in told["text"]
        assert "ctpbus orders --id doubt" in told["text"]
        # The same again sends nothing.
        assert (
            "nothing was sent now" in order(group, "--id", "doubt", "--wait", "0", status=3)["text"]
        )
    settled = order(group, "--id", "doubt", "--wait", "60")
    assert (settled["state"], settled["outcome"]["duplicate"]) == ("ACK", True)
    assert group.json("orders", "--id", "doubt")["state"] == "ACK"
    mine = [
        row
        for row in group.json("orders")
        if row["OrderSysID"] == settled["outcome"]["order_sys_id"]
    ]
    assert len(mine) == 1


def test_an_order_that_td_worker_is_silent_about_is_unknown(
    group: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It falls silent when the order is on its way to it."""
    monkeypatch.chdir(CHECKOUT)
    about = opened(group.config_file)
    wanted = Wanted(Side.BUY, CODE, 100, 11.0, Offset.OPEN, "SSE", fak=False)
    send = order_module._send

    async def place_one() -> Told:
        async with about.client() as client:
            return await place(client, "028742", None, wanted, "silent", 5.0, Sending())

    with contextlib.ExitStack() as stack:

        async def freeze_and_send(*arguments: Any) -> Outcome:
            stack.enter_context(frozen(group, "td_worker"))
            return await send(*arguments)

        monkeypatch.setattr(order_module, "_send", freeze_and_send)
        told = asyncio.run(place_one())
    assert (told.state, told.status) == ("UNKNOWN", 3)
    assert told.text.startswith("UNKNOWN: td_worker did not answer. It may live.")
    # It came too late to be sent, so the same may be sent now, and is sent once.
    assert group.json("orders", "--id", "silent", status=1) is None
    assert order(group, "--id", "silent")["state"] == "ACK"


def test_an_interrupted_order_is_not_told_as_failed(group: Operated) -> None:
    arguments = ("order", *RESTING, "--yes", "--id", "torn", "--wait", "60")
    command = [sys.executable, "-c", COMMAND, *arguments, "--config", str(group.config_file)]
    with (
        frozen(group, "sim"),
        subprocess.Popen(
            command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as sending,
    ):
        for _ in range(100):
            if group.call("orders", "--id", "torn").returncode == 3:
                break
        sending.send_signal(signal.SIGINT)
        said, _ = sending.communicate(timeout=60)
    assert sending.returncode == 3
    assert said.startswith("UNKNOWN: KeyboardInterrupt in between. It may live.")


def test_without_td_worker_an_order_is_not_sent_and_of_an_old_one_nothing_is_known(
    group: Operated,
) -> None:
    Supervisor(group.plan).stop_program("td_worker")
    try:
        told = order(group, "--id", "late", status=1)
        asked = group.call("orders", "--id", "once")
        tested = group.json("login", "test", status=1)
    finally:
        assert group.call("up").returncode == 0
    assert told["state"] == "NOT_SENT"
    assert asked.returncode == 3
    assert "td_worker is not connected" in asked.stderr
    assert [step["level"] for step in tested["steps"]] == ["ok", "fault"]
    assert "ctpbus up" in tested["steps"][1]["remedy"]
    assert group.json("orders", "--id", "late", status=1) is None


# -- cancel --------------------------------------------------------------------------------------


def cancel(group: Operated, *arguments: str, status: int = 0) -> Any:
    return group.json("cancel", *arguments, "--yes", status=status)


def test_an_order_is_cancelled_by_its_id_and_by_the_exchanges_number(group: Operated) -> None:
    order(group, "--id", "ends")
    told = cancel(group, "ends")
    assert told["state"] == "CANCELLED"
    assert told["text"] == "CANCELLED: order ends has ended, 0 traded"
    assert cancel(group, "ends")["state"] == "CANCELLED", "to ask again does no harm"
    number = order(group, "--id", "numbered")["outcome"]["order_sys_id"].strip()
    assert cancel(group, "--number", number, "--exchange", "SSE")["state"] == "CANCELLED"
    assert group.json("orders", "--id", "numbered")["state"] == "CANCELLED"


def test_what_cannot_be_cancelled_is_told(group: Operated) -> None:
    tick = json.loads(group.call("ticks", CODE, "-n", "1", "--json").stdout.splitlines()[-1])
    dearest = str(tick["fields"]["UpperLimitPrice"])
    bought = group.json("order", "buy", CODE, "100", "--price", dearest, "--yes", "--id", "filled")
    assert bought["state"] == "FILLED"
    told = cancel(group, "filled", status=1)
    assert told["text"] == "FILLED: order filled has ended, 100 traded"
    assert cancel(group, "never", status=1)["text"] == "no order never on record"
    none = cancel(group, "--number", "999999", status=1)
    assert none["text"] == "the counter has no order 999999 today"
    for wrong in ((), ("once", "--number", "1"), ("x" * 65,), ("once", "--wait", "nan")):
        assert group.call("cancel", *wrong, "--yes").returncode == 2
    done = group.call("cancel", "once")
    assert (done.returncode, "nobody can be asked here" in done.stderr) == (2, True)


async def cancel_one(group: Operated, own: str, wait: float) -> cancel_module.Told:
    about = opened(group.config_file)
    return await cancel_module.cancel(about, "028742", None, cancel_module.Named(own), wait)


def test_a_cancel_that_the_counter_refuses_is_told_as_one(
    group: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CHECKOUT)
    order(group, "--id", "stays")
    fields = Cancelling._fields

    def of_another(self: Cancelling, order: dict[str, Value]) -> dict[str, Value]:
        return fields(self, order) | {"OrderSysID": "999999"}

    monkeypatch.setattr(Cancelling, "_fields", of_another)
    told = asyncio.run(cancel_one(group, "stays", 30))
    assert (told.status, told.refused) == (1, True)
    assert told.text.startswith("NOT cancelled: CTP:"), told


def test_a_cancel_that_nobody_answers_is_unknown(
    group: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CHECKOUT)
    order(group, "--id", "deaf")
    ask = Cancelling._ask
    with contextlib.ExitStack() as stack:

        async def freeze_and_ask(self: Cancelling, order: dict[str, Value]) -> None:
            stack.enter_context(frozen(group, "sim"))
            await ask(self, order)

        monkeypatch.setattr(Cancelling, "_ask", freeze_and_ask)
        told = asyncio.run(cancel_one(group, "deaf", 1))
    assert (told.status, told.text.startswith("UNKNOWN: order deaf was asked to end")) == (3, True)
    assert cancel(group, "deaf", "--wait", "60")["state"] == "CANCELLED"


# -- top and bench -------------------------------------------------------------------------------


def test_top_shows_what_each_process_does(group: Operated) -> None:
    sample = group.json("top", "-n", "1")
    rows = {row["program"]: row for row in sample["programs"]}
    assert rows.keys() == set(group.plan.programs)
    assert all(row["heard"] and row["memory"] > 1 << 20 for row in rows.values())
    assert {light["name"] for light in sample["lights"]} >= {
        "process.md_worker",
        "md_front.md_worker",
    }
    shown = group.call("top", "-n", "1")
    assert shown.returncode == 0
    assert "hops: half / 99 % within, us" in shown.stdout


def test_bench_measures_each_way(group: Operated) -> None:
    ways = {way["way"]: way for way in group.json("bench", "--seconds", "8")}
    assert set(ways) == {
        *("State of md_worker", "State of td_worker", "State of recorder"),
        *("callback → bus", "bus → here"),
    }
    assert all(0 < way["p50_us"] <= way["p99_us"] <= way["max_us"] for way in ways.values())
    assert all(way["failed"] == 0 and way["count"] for way in ways.values())
