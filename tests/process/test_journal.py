"""What the journal of td_worker keeps for clients, on the embedded exchange."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.frames import account_topic
from bus.orders import Place
from schemas.errors import BAD_REQUEST, NETWORK_FAILURE, NOT_LOGGED_IN
from sim.control import SimControl
from tests.support.buslink import Published, TdLink
from tests.support.group import CHECKOUT, Group

USER, PASSWORD = "300001", "td-geheim-7319"
TOPIC = account_topic("9999", USER)
SETTINGS: dict[str, Any] = {
    "sim": {"queries_per_second": 0, "users": [{"user_id": USER, "password": PASSWORD}]},
    "td_worker": {"queries_per_s": 1000},
}
RETURNS = ("OnRtnOrder", "OnRtnTrade", "OnErrRtnOrderInsert")


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    with Group(tmp_path, overrides=SETTINGS) as group:
        group.start("sim", "td_worker")
        yield group


@pytest.fixture
def td(group: Group) -> Iterator[TdLink]:
    with TdLink(group) as client:
        log_in(client)
        yield client


def log_in(client: TdLink) -> None:
    client.login(USER, PASSWORD)
    client.follow(USER)


def market(client: TdLink) -> tuple[str, float]:
    """An instrument and a price at which a bid for it is filled at once."""
    rows = client.request("ReqQryInstrument", ProductID="rb", ExchangeID="SHFE")
    name = str(rows[0]["InstrumentID"])
    (quote,) = client.request("ReqQryDepthMarketData", InstrumentID=name)
    price = quote["UpperLimitPrice"]
    assert isinstance(price, float)
    return name, price


def fill(client: TdLink, count: int) -> list[Published]:
    """Orders that are filled, and all that the client heard up to the last trade."""
    name, price = market(client)
    for _ in range(count):
        client.order(name, price)
    heard: list[Published] = []

    def filled() -> bool:
        heard.extend(client.taken())
        return sum(m.name == "OnRtnTrade" for m in heard) == count

    client.wait_for(filled, "trades")
    return heard


def places(messages: Iterable[Published]) -> list[tuple[int, int]]:
    return [(m.epoch, m.seq) for m in messages]


def contents(messages: Iterable[Published]) -> Counter[tuple[str, bytes | None, int]]:
    """The returns without when and where they were published."""
    return Counter((m.name, m.field, m.error_id) for m in messages if m.name in RETURNS)


def states(messages: Iterable[Published]) -> Counter[tuple[object, ...]]:
    """How often each state of each order came, whatever else differs."""
    names = ("SessionID", "OrderRef", "OrderSysID", "OrderSubmitStatus", "OrderStatus")
    orders = [m for m in messages if m.name == "OnRtnOrder"]
    return Counter(tuple(m[name] for name in names) for m in orders)


def test_a_client_that_missed_returns_gets_exactly_those(td: TdLink, group: Group) -> None:
    before = [*td.taken(), *fill(td, 1)]
    with TdLink(group) as other:  # the first one is deaf now
        td.unsubscribe(TOPIC)
        log_in(other)
        other.taken()
        fill(other, 3)
        missed, reached = td.returns(*places(before)[-1])
        everything, _ = other.returns()
    last = places(before)[-1]
    assert places(missed) == [(last[0], last[1] + n) for n in range(1, len(missed) + 1)]
    assert sum(m.name == "OnRtnTrade" for m in missed) == 3
    assert missed == everything[-len(missed) :]
    assert places(everything) == [(last[0], n) for n in range(1, last[1] + len(missed) + 1)]
    assert reached == places(missed)[-1]
    assert td.returns(*reached) == ([], reached)


def test_a_replay_and_the_live_stream_have_the_same_messages(td: TdLink) -> None:
    live = [m for m in (*td.taken(), *fill(td, 5)) if m.topic == TOPIC]
    again, reached = td.returns()
    assert reached == places(live)[-1]
    assert again[-len(live) :] == live


@pytest.mark.parametrize("place", [(99, 1), (1, 10**6), (0, 7), (2**32, 2**64 - 1)])
def test_a_place_that_never_was_is_refused_with_what_to_do(
    td: TdLink, place: tuple[int, int]
) -> None:
    (row,) = td.call("Returns", msgspec.msgpack.encode(Place(*place)), session=td.handle)
    assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
    assert "query orders, trades and positions anew" in row.detail


def test_returns_need_the_handle_of_the_account(td: TdLink) -> None:
    body = msgspec.msgpack.encode(Place(0, 0))
    for handle in (b"", bytes(16)):
        (row,) = td.call("Returns", body, session=handle)
        assert (row.name, row.error_id) == ("Error", NOT_LOGGED_IN)
    (row,) = td.call("Returns", b"nonsense", session=td.handle)
    assert (row.name, row.error_id) == ("Error", BAD_REQUEST)


def storm(group: Group, rounds: int = 3) -> tuple[list[Published], list[str]]:
    """A stream of orders, and in the midst of it kill -9 of the worker, some times. All that one
    client has of the account's topic, and the trades that the exchange has made.

    The client behaves as it should: it takes what it hears in order, and after each restart asks
    for what was published after the last of that.
    """
    had: list[Published] = []
    for _ in range(rounds):
        with TdLink(group) as td:
            log_in(td)
            trade_until_killed(group, td, had)
        group.start("td_worker")
    with TdLink(group) as td, SimControl(group.config["sim"]["listen"]) as sim:
        log_in(td)
        trades = [entry for entry in sim.ledger() if entry["kind"] == "ExecutedTrade"]
        made = [str(row["TradeID"]) for row in td.request("ReqQryTrade")]
        assert len(made) == len(trades)
        had += td.returns(*places(had)[-1])[0]
    return had, made


def trade_until_killed(group: Group, td: TdLink, had: list[Published]) -> None:
    if had:
        had += td.returns(*places(had)[-1])[0]
    name, price = market(td)
    for _ in range(60):
        td.order(name, price)
    goal = len(had) + 30
    td.wait_for(lambda: take(td, had) >= goal, "returns")
    group.kill("td_worker")
    td.pump(0.2)
    take(td, had)


def take(td: TdLink, had: list[Published]) -> int:
    """Add what came and follows on without a gap; how many there are."""
    for message in td.taken():
        if message.topic != TOPIC:
            continue
        expected = (had[-1].epoch, had[-1].seq + 1) if had else (message.epoch, message.seq)
        if (message.epoch, message.seq) > expected:
            had += td.returns(*places(had)[-1])[0]
        elif (message.epoch, message.seq) == expected:
            had.append(message)
    return len(had)


def test_over_kills_in_a_stream_of_orders_each_return_comes_exactly_once(group: Group) -> None:
    had, made = storm(group)
    assert len(set(places(had))) == len(had)
    counts = contents(had)
    assert set(counts.values()) == {1}
    trades = Counter(str(m["TradeID"]) for m in had if m.name == "OnRtnTrade")
    assert trades == Counter(made)
    assert set(states(had).values()) == {1}
    ended = {m["OrderSysID"] for m in had if m.name == "OnRtnOrder" and m["OrderStatus"] == "0"}
    assert len(ended) == len(made), "the last state of every order is there"


def test_without_the_digests_of_the_journal_they_would_come_twice(tmp_path: Path) -> None:
    """Shows that the test above could fail."""
    patch = "import td_worker.returns.records as r\nr.DayFile.times = lambda self, digest: 0\n"
    (tmp_path / "sitecustomize.py").write_text(patch)
    environment = {"PYTHONPATH": f"{tmp_path}:{CHECKOUT}"}
    with Group(tmp_path, overrides=SETTINGS, front_env=environment) as group:
        group.start("sim", "td_worker")
        had, _ = storm(group, rounds=1)
    assert max(contents(had).values()) > 1


# The disk takes nothing of the journal while this file exists.
FULL = """import errno, os, types
import td_worker.returns.records as r
def pwrite(*arguments):
    if os.path.exists({full!r}):
        raise OSError(errno.ENOSPC, "full")
    return os.pwrite(*arguments)
r.os = types.SimpleNamespace(**{{**vars(os), "pwrite": pwrite}})
"""


def test_on_a_full_disk_no_return_is_lost_and_the_state_says_so(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.touch()
    (tmp_path / "sitecustomize.py").write_text(FULL.format(full=str(full)))
    environment = {"PYTHONPATH": f"{tmp_path}:{CHECKOUT}"}
    with Group(tmp_path, overrides=SETTINGS, front_env=environment) as group:
        group.start("sim", "td_worker")
        with TdLink(group) as td:
            log_in(td)
            live = [m for m in (*td.taken(), *fill(td, 3)) if m.topic == TOPIC]
            assert td.returns()[0][-len(live) :] == live
            assert failing(td)
            full.unlink()
            td.wait_for(lambda: not failing(td), "end of it")
        log = group.log("td_worker")
        assert log.count("the journal of returns fails") == 1
        assert "Traceback" not in log
        group.restart("td_worker")
        with TdLink(group) as td:
            td.login(USER, PASSWORD)
            kept, _ = td.returns(*places(live)[0])
            assert kept[: len(live) - 1] == live[1:]
            assert max(contents([live[0], *kept]).values()) == 1


def failing(td: TdLink) -> bool:
    (account,) = td.state_now()["accounts"]
    return bool(account["journal_failing"])
