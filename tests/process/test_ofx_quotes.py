"""OFX quotes over the whole group: what a client of 2018 asks for, and what he gets."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from schemas.xtp.structs import TICK
from tcp_edge import octkeypass
from tests.support.group import Group
from tests.support.ofx_client import OfxClient, key_of

STOCK: Final = {"code": "600000", "market": "SH"}
TIMEOUT_S: Final = 30.0
TCP: Final = {"account": "028742", **{name: {"port": 0} for name in ("login", "quote", "trade")}}


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    overrides = {
        "calendar": "always",
        "td_worker": {"accounts": [{"user": "028742", "password": "123456"}]},
        "tcp_edge": TCP,
    }
    with Group(tmp_path_factory.mktemp("ofx"), overrides=overrides) as made:
        made.start("sim", "md_worker", "td_worker", "recorder", "tcp_edge")
        yield made


def connect(group: Group, service: str, process: str = "tcp_edge") -> OfxClient:
    return OfxClient(group.ready[process][service], key_of(group.data))


def until(ask: Callable[[], Any], fact: Callable[[Any], bool]) -> Any:
    """What was told when the fact was there."""
    deadline = time.monotonic() + TIMEOUT_S
    while not fact(told := ask()):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    return told


@pytest.fixture(scope="module")
def future(group: Group) -> dict[str, str]:
    """A contract that trades, by name of its product."""
    with connect(group, "quote") as client:
        codes = [f"rb27{month:02}" for month in range(1, 13)]
        # The table of instruments comes with the account's login.
        until(lambda: client.ask(100001, {"code": "nothing"}).get("stat"), lambda stat: stat == 404)
        known = (code for code in codes if "stat" not in client.ask(100001, {"code": code}))
        return {"code": next(known), "market": "SHFE"}


def quote(client: OfxClient, code: dict[str, Any]) -> dict[str, Any]:
    """The first one there is; right after its start tcp_edge takes every tick for stale."""
    told: dict[str, Any] = until(
        lambda: client.ask(100001, code), lambda reply: "ticker" in reply and "stale" not in reply
    )
    return told


def test_a_day_of_quotes_of_stocks_and_futures(group: Group, future: dict[str, str]) -> None:
    with connect(group, "login") as client:
        reply = client.ask(1, {"username": "demo", "password": "demo"})
        assert reply["uname"] == "demo"
        server, port = reply["quoteserver"], reply["quoteport"]
    with OfxClient(f"{server}:{port}", key_of(group.data)) as client:
        first = client.ask(110001, [STOCK, future])
        assert first["stat"] == 200
        again = client.ask(110001, [STOCK])
        assert again == {"stat": 200, "reqid": first["reqid"] + 1}

        stock, contract = quote(client, STOCK), quote(client, future)
        assert list(stock)[: len(TICK)] == list(TICK)
        assert (stock["exchange_id"], contract["exchange_id"]) == (1, 101)
        assert stock["low_price"] <= stock["avg_price"] <= stock["high_price"]
        # By the counter's table: its ticks tell the turnover of a lot of ten.
        assert contract["low_price"] <= contract["avg_price"] <= contract["high_price"]
        assert "stale" not in stock

        for named in (
            {"code": 600000, "market": 2},
            {"Code": "600000", "MARKET": "sse"},
            {"code": "600000"},
        ):
            assert client.ask(100001, named)["ticker"] == "600000"
        both = [json.loads(item) for item in client.ask(100003, [STOCK, future])]
        assert [item["ticker"] for item in both] == ["600000", future["code"]]


def test_all_of_the_day_and_parts_of_it(group: Group) -> None:
    with connect(group, "quote") as client:
        client.ask(110001, [STOCK])
        listed = until(lambda: client.ask(100002, STOCK), lambda told: len(told) >= 4)
        ticks = [json.loads(item) for item in listed]
        times = [tick["data_time"] for tick in ticks]
        assert times == sorted(times)
        assert list(ticks[0])[: len(TICK)] == list(TICK)
        assert {tick["ticker"] for tick in ticks} == {"600000"}
        longer = until(lambda: client.ask(100002, STOCK), lambda told: len(told) > len(listed))
        assert longer[: len(listed)] == listed
        from_second = client.ask(100002, {**STOCK, "since": times[1], "limit": 2})
        assert from_second == listed[1:3]
        latest = quote(client, STOCK)
        told = until(
            lambda: client.ask(100002, {**STOCK, "since": latest["data_time"]}), lambda got: got
        )
        assert json.loads(told[0]) == latest
        assert client.ask(100002, {"code": "600036"}) == []


@pytest.mark.parametrize(
    ("cmd", "params", "stat"),
    [
        (100001, {"code": "999999"}, 404),
        (100001, {"code": "600000", "market": "SZ"}, 404),
        (100001, {"code": "600000", "market": "MARS"}, 400),
        (100001, {}, 400),
        (100001, None, 400),
        (100001, [STOCK], 400),
        (110001, [], 400),
        (110001, [STOCK] * 1001, 400),
        (110001, [STOCK, {"code": "999999"}], 404),
        (100002, {**STOCK, "since": "noon"}, 400),
        (100002, {**STOCK, "limit": -1}, 400),
        (100003, 7, 400),
        (210001, None, 403),
        (1, {"username": "demo", "password": "demo"}, 403),
        (999, None, 404),
        ("none", None, 400),
    ],
)
def test_what_is_wrong_is_told_by_its_stat(
    group: Group, future: dict[str, str], cmd: Any, params: Any, stat: int
) -> None:
    with connect(group, "quote") as client:
        reply = client.ask(cmd, params)
        assert (reply["stat"], reply["reqid"]) == (stat, 0)
        assert reply["msg"]


def test_replies_come_in_the_order_of_requests_whatever_takes_long(group: Group) -> None:
    with connect(group, "quote") as client:
        client.ask(110001, [STOCK])
        quote(client, STOCK)
        for _ in range(5):
            client.send(100002, STOCK)
            client.send(100001, STOCK)
            client.send(7)
            client.send_text("{")
            client.send_text('{"cmd": 100003, "params": "[{\\"code\\": 600000}]"}')
        for _ in range(5):
            assert isinstance(client.receive(), list)
            assert client.receive()["ticker"] == "600000"
            assert client.receive()["stat"] == 404
            assert client.receive()["stat"] == 400
            assert json.loads(client.receive()[0])["ticker"] == "600000"


def test_garbage_ends_a_connection_and_no_other(group: Group) -> None:
    with connect(group, "quote") as other, connect(group, "quote") as client:
        client.send(7)
        client.raw(b"garbage\r\n")
        assert client.receive()["stat"] == 404  # what came before it is answered
        assert client.line() == b""
        assert other.ask(7)["stat"] == 404


def test_ticks_of_a_market_that_is_away_are_not_taken_for_those_of_now(group: Group) -> None:
    with connect(group, "quote") as client:
        client.ask(110001, [STOCK])
        until(lambda: client.ask(100001, STOCK), lambda reply: reply and "stale" not in reply)
        group.kill("md_worker")
        old = until(lambda: client.ask(100001, STOCK), lambda reply: "stale" in reply)
        assert old["stale"] is True
        assert json.loads(client.ask(100003, [STOCK])[0])["stale"] is True
        group.start("md_worker")
        until(lambda: client.ask(100001, STOCK), lambda reply: "stale" not in reply)


def test_the_writer_of_lists_is_replaced_when_it_dies(group: Group) -> None:
    with connect(group, "quote") as client:
        client.ask(110001, [STOCK])
        assert until(lambda: client.ask(100002, STOCK), lambda told: len(told) > 0)
        before = children_of(group.pid("tcp_edge"))
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        listed = until(lambda: client.ask(100002, STOCK), lambda told: isinstance(told, list))
        assert listed
        assert not set(before) & set(children_of(group.pid("tcp_edge")))


def children_of(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()))


def test_without_a_recorder_there_is_no_list_and_all_else_goes_on(group: Group) -> None:
    group.kill("recorder")
    try:
        with connect(group, "quote") as client, connect(group, "quote") as other:
            other.ask(110001, [STOCK])
            client.send(100002, STOCK)
            assert "ticker" in quote(other, STOCK)
            reply = client.receive()
            assert (reply["stat"], reply["msg"]) == (503, "the recorder is not connected")
    finally:
        group.start("recorder")


def test_subscriptions_outlive_the_process(group: Group) -> None:
    with connect(group, "quote") as client:
        client.ask(110001, [STOCK])
    assert group.stop("tcp_edge") == 0
    group.start("tcp_edge")
    with connect(group, "quote") as client:
        assert quote(client, STOCK)["ticker"] == "600000"


# -- other ways to run it, on the same workers; these come last ------------------------------------


def reconfigured(group: Group, *processes: str, **tcp: Any) -> None:
    """tcp_edge stops, and these processes of it start with other settings."""
    for name in list(group.ready):
        if name.startswith("tcp_edge") and group.running(name):
            assert group.stop(name) == 0
    group.config["tcp_edge"] = TCP | tcp
    group.config_file.write_text(yaml.safe_dump(group.config), "utf-8")
    group.start(*processes)


def test_three_processes_have_a_port_each_and_one_window_for_replays(group: Group) -> None:
    names = ("login", "quote", "trade")
    reconfigured(
        group,
        *(f"tcp_edge:{name}" for name in names),
        processes="three",
        quote={"port": 0, "list_items": "nested"},
    )
    with connect(group, "quote", "tcp_edge:quote") as client:
        number = client.ask(110001, [STOCK])["reqid"]
        quote(client, STOCK)
        ((item,),) = client.ask(100003, [STOCK])
        assert json.loads(item)["ticker"] == "600000"
        ((item,),) = client.ask(100002, {**STOCK, "limit": 1})
        assert json.loads(item)["ticker"] == "600000"
        assert client.ask(110001, [STOCK])["reqid"] == number + 1
    line = octkeypass.encrypt(key_of(group.data), '{"cmd": 999}').encode() + b"\r\n"
    with connect(group, "quote", "tcp_edge:quote") as client:
        client.raw(line)
        assert client.receive()["stat"] == 404
    for name in names:
        with connect(group, name, f"tcp_edge:{name}") as client:
            assert client.ask(1 if name != "login" else 100001)["stat"] == 403
            client.raw(line)
            assert client.line() == b""


def test_one_port_for_all_and_lists_of_objects(group: Group) -> None:
    login = {"port": 0, "list_items": "object"}
    reconfigured(group, "tcp_edge", single_port=True, login=login, big_ints="string")
    assert list(group.ready["tcp_edge"]) == ["login"]
    with connect(group, "login") as client:
        reply = client.ask(1, {"username": "demo", "password": "demo"})
        assert reply["quoteport"] == reply["tradeport"]
        assert group.ready["tcp_edge"]["login"] == f"{reply['quoteserver']}:{reply['quoteport']}"
        client.ask(110001, [STOCK])
        quote(client, STOCK)
        (item,) = client.ask(100003, [STOCK])
        (listed,) = client.ask(100002, {**STOCK, "limit": 1})
        assert item["ticker"] == listed["ticker"] == "600000"
        assert len(item["data_time"]) == 17
        assert client.ask(210001, authcode=reply["authcode"])["stat"] == 200
