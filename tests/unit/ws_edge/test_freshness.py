"""Who asked for it is told when market data is not of now; nobody else sees a difference."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from bus.frames import HEADER, message_type, tick_topic
from schemas.calendar import Calendar, always_open, exchange_calendar
from tests.support.edge_core import CATALOGUE, Client, Core, info, pack, published, row
from ws_edge.config import WsConfig
from ws_edge.envelope import Style
from ws_edge.freshness import CHECK_S
from ws_edge.notices import conflated as conflated_text
from ws_edge.notices import fresh as fresh_text
from ws_edge.notices import gap as gap_text
from ws_edge.notices import stale as stale_text
from ws_edge.options import Options

CHINA = timezone(timedelta(hours=8))
STALE = Options(notices=frozenset({"stale"}))
MUCH = Options(notices=frozenset({"all", "gap"}))
BINARY = Options(style=Style(binary=True), notices=frozenset({"stale"}))
FEED_S = WsConfig().feed_silence_s


def wall(text: str) -> int:
    moment = datetime.fromisoformat(f"2026-{text}").replace(tzinfo=CHINA)
    return int(moment.timestamp()) * 1_000_000_000


class Market:
    """The core with an md_worker that beats, and ticks that are of now."""

    def __init__(self, calendar: Calendar | None = None, now: str = "11-20 10:00:00") -> None:
        self.core = Core(calendar=calendar or always_open(), wall_ns=wall(now))
        self.seqs: dict[str, int] = {}
        self.beating = self.logged_in = True
        self.lost: set[str] = set()  # topics whose subscription has not reached md_worker

    def pass_(self, seconds: float) -> None:
        """Time in which md_worker does what it does."""
        steps = round(seconds / CHECK_S)
        for step in range(steps):
            self.core.clock.advance(CHECK_S)
            if self.beating and step % 2 == 0:
                self.beat()
            self.core.freshness.check()

    def beat(self) -> None:
        for instrument in list(self.core.ticks.instruments.values()):
            if instrument.name in self.lost:
                continue
            seq = self.seqs.get(instrument.name, 0)
            head = HEADER.pack(1, seq, 0, 0, message_type("Beat"), CATALOGUE.layout_id, 0)
            self.core.ticks.on_message(instrument.topic + b"\0" + head)
        self.core.freshness.state(self.logged_in)

    def tick(self, instrument: str = "rb2610", made: str = "", day: str = "") -> None:
        """A tick of this time of 2026 (now) and of this trading day (the same)."""
        core = self.core
        seq = self.seqs[instrument] = self.seqs.get(instrument, 0) + 1
        now = core.wall_ns / 1e9 + core.clock.now - core.clock.start
        when = (
            datetime.fromisoformat(f"2026-{made}") if made else datetime.fromtimestamp(now, CHINA)
        )
        date = f"{when:%Y%m%d}"
        core.tick(
            seq,
            instrument,
            TradingDay=f"2026{day}" if day else date,
            ActionDay=date,
            UpdateTime=f"{when:%H:%M:%S}",
        )

    def client(self, *instruments: str, options: Options = STALE) -> Client:
        client = self.core.md(options)
        client.send({"MsgType": "ReqUserLogin", "ReqUserLogin": {"UserID": "", "Password": ""}})
        login = row("OnRspUserLogin", pack("RspUserLogin"), info(), last=True)
        self.core.md_worker.answer("ReqUserLogin", login)
        for name in instruments:
            self.subscribe(client, name)
        return client

    def subscribe(self, client: Client, name: str) -> None:
        client.send({"MsgType": "SubscribeMarketData", "InstrumentID": [name]})
        if "SubscribeMarketData" in self.core.md_worker.methods():
            field = pack("SpecificInstrument", InstrumentID=name)
            answer = row("OnRspSubMarketData", field, info(), last=True)
            self.core.md_worker.answer("SubscribeMarketData", answer)


def notices(client: Client) -> list[Any]:
    return [
        heard.get("Stale") or heard["Fresh"]
        for heard in client.heard()
        if heard["MsgType"] in ("Stale", "Fresh")
    ]


def stale(reason: str, age_ms: int, instrument: str = "") -> dict[str, Any]:
    return {"InstrumentID": instrument, "Reason": reason, "AgeMs": age_ms}


def fresh(reason: str, instrument: str = "") -> dict[str, Any]:
    return {"InstrumentID": instrument, "Reason": reason}


# -- md_worker ------------------------------------------------------------------------------------


def test_a_silent_md_worker_is_told_after_three_seconds_and_its_return_at_once() -> None:
    market = Market()
    client = market.client("rb2610")
    market.pass_(10)
    assert notices(client) == []
    market.beating = False
    market.pass_(4)
    assert notices(client) == [stale("md_worker", 3000)]
    market.beating = True
    market.pass_(1)
    assert notices(client) == [fresh("md_worker")]


def test_ticks_are_as_good_as_heartbeats() -> None:
    market = Market()
    client = market.client("rb2610")
    market.beating = False
    for _ in range(20):
        market.tick()
        market.pass_(0.5)
    assert notices(client) == []


def test_a_state_message_is_no_sign_of_the_topics_that_are_wanted() -> None:
    market = Market()
    client = market.client("rb2610")
    market.beating = False
    for _ in range(5):
        market.core.freshness.state(True)
        market.pass_(1)
    assert notices(client) == [stale("md_worker", 3000)]


def test_without_wanted_topics_the_state_is_the_sign() -> None:
    market = Market()
    client = market.client()
    market.pass_(10)
    assert notices(client) == []
    market.beating = False
    market.pass_(4)
    assert notices(client) == [stale("md_worker", 3000)]


def test_an_edge_that_slept_does_not_blame_the_others() -> None:
    market = Market()
    client = market.client("rb2610")
    market.pass_(2)
    market.core.clock.advance(60)  # no check ran
    market.core.freshness.check()
    assert notices(client) == []
    market.beating = False
    market.pass_(4)
    (told,) = notices(client)
    assert told["Reason"] == "md_worker"


def test_an_edge_that_is_always_late_finds_out_in_the_end() -> None:
    market = Market()
    client = market.client("rb2610")
    for _ in range(20):
        market.core.clock.advance(CHECK_S + 3)
        market.core.freshness.check()
    assert [told["Reason"] for told in notices(client)] == ["md_worker"]


def test_one_topic_without_heartbeats_is_told_to_its_readers_and_subscribed_anew() -> None:
    market = Market()
    client, other = market.client("rb2610", "hc2610"), market.client("hc2610")
    market.pass_(10)
    market.lost = {"rb2610"}
    market.core.subscribed.clear()
    market.core.subscribed.append("tick/rb2610/")
    market.pass_(8)
    assert notices(client) == [stale("md_worker", 6500, "rb2610")]
    assert market.core.subscribed == ["tick/rb2610/"]
    late = market.client("rb2610")
    assert notices(late) == [stale("md_worker", 8500, "rb2610")]
    market.lost = set()
    market.pass_(1)
    assert notices(client) == notices(late) == [fresh("md_worker", "rb2610")]
    assert notices(other) == []


def test_when_md_worker_is_back_its_topics_may_begin_one_by_one() -> None:
    market = Market()
    client = market.client("rb2610", "hc2610")
    market.pass_(10)
    market.beating = False
    market.pass_(20)
    market.beating, market.lost = True, {"rb2610"}
    market.pass_(3)
    market.lost = set()
    market.pass_(10)
    assert [told["InstrumentID"] for told in notices(client)] == ["", ""]


def test_heartbeats_of_calls_for_quotes_are_others() -> None:
    market = Market()
    client = market.client("rb2610")
    market.lost = {"rb2610"}
    for _ in range(10):
        market.core.freshness.heard()
        market.pass_(1)
    assert [told["InstrumentID"] for told in notices(client)] == ["rb2610"]


def test_ticks_without_any_heartbeat_are_no_lost_subscription() -> None:
    market = Market()
    client = market.client("rb2610", "hc2610")
    market.pass_(2)
    market.beating = False
    for _ in range(20):
        market.tick("hc2610")
        market.tick("rb2610")
        market.pass_(0.5)
    assert notices(client) == []


def test_a_topic_that_never_had_a_heartbeat_is_told_as_well() -> None:
    market = Market()
    market.lost = {"rb2610"}
    client = market.client("rb2610", "hc2610")
    market.pass_(8)
    assert [told["InstrumentID"] for told in notices(client)] == ["rb2610"]
    client.send({"MsgType": "UnSubscribeMarketData", "InstrumentID": ["rb2610"]})
    market.pass_(1)
    market.subscribe(client, "rb2610")
    assert notices(client) == []


# -- front ----------------------------------------------------------------------------------------


def test_a_lost_front_is_told_once_and_its_return() -> None:
    market = Market()
    client = market.client("rb2610")
    market.pass_(1)
    market.core.freshness.front(False)
    market.logged_in = False
    market.pass_(5)
    market.logged_in = True
    market.pass_(1)
    assert notices(client) == [stale("front", 0), fresh("front")]


# -- feed -----------------------------------------------------------------------------------------


def test_a_feed_without_ticks_is_told_and_only_a_tick_ends_it() -> None:
    market = Market()
    client = market.client("rb2610")
    market.tick()
    market.pass_(FEED_S - 1)
    assert notices(client) == []
    market.pass_(2)
    assert notices(client) == [stale("feed", 30000)]
    market.pass_(60)
    assert notices(client) == []
    market.tick()
    market.pass_(0.5)
    assert notices(client) == [fresh("feed")]


def test_any_tick_of_any_instrument_is_a_sign() -> None:
    market = Market()
    client = market.client("rb2610", "hc2610")
    for _ in range(20):
        market.tick("hc2610")
        market.pass_(10)
    assert notices(client) == []


def test_a_snapshot_of_before_is_no_sign() -> None:
    market = Market(exchange_calendar())
    client = market.client("rb2610")
    market.pass_(FEED_S + 1)
    assert notices(client) == [stale("feed", 30000)]
    other = market.client("hc2610")
    market.tick("hc2610", "11-20 09:50:00")
    market.pass_(1)
    assert notices(other) == [stale("feed", 31000)]
    assert notices(client) == []


def test_nobody_waits_for_ticks_when_nothing_trades() -> None:
    market = Market(exchange_calendar(), "11-20 15:00:30")
    client = market.client("rb2610", "600000")
    market.pass_(300)
    assert notices(client) == []


def test_after_the_opening_the_feed_has_its_time() -> None:
    market = Market(exchange_calendar(), "11-20 20:58:00")
    client = market.client("rb2610", "600000")
    market.pass_(120 + FEED_S - 1)
    assert notices(client) == []
    market.pass_(2)
    assert notices(client) == [stale("feed", 30000)]


def test_a_holiday_is_no_alarm() -> None:
    market = Market(exchange_calendar(), "10-01 09:59:00")
    client = market.client("rb2610", "600000")
    market.pass_(120)
    assert notices(client) == []


def test_what_nobody_has_may_be_silent() -> None:
    market = Market()
    client = market.client()
    market.pass_(FEED_S * 3)
    assert notices(client) == []


def test_a_lost_front_explains_the_silence() -> None:
    market = Market()
    client = market.client("rb2610")
    market.logged_in = False
    market.pass_(FEED_S * 2)
    market.logged_in = True
    market.pass_(FEED_S - 1)
    assert notices(client) == [stale("front", 0), fresh("front")]
    market.pass_(2)
    assert notices(client) == [stale("feed", 30000)]


# -- old ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "instrument", "made", "day", "age_ms"),
    [
        ("11-20 10:00:00", "rb2610", "11-19 22:59:59", "1120", 39_601_000),
        ("11-20 10:31:00", "rb2610", "11-20 10:14:59", "1120", 961_000),
        ("11-23 09:00:10", "m2601", "11-23 22:59:00", "1123", 208_870_000),  # DCE, of Friday
        ("11-20 21:00:05", "rb2610", "11-20 15:00:00", "1120", 21_605_000),
        ("11-20 10:00:00", "rb2610", "11-20 08:59:00", "1120", None),  # of the call auction
        ("11-20 21:00:05", "rb2610", "11-20 20:59:00", "1123", None),
        ("11-20 10:00:00", "rb2610", "11-20 09:00:00", "1120", None),
        ("11-20 12:00:00", "rb2610", "11-20 11:30:00", "1120", None),  # no session is open
        ("11-21 12:00:00", "rb2610", "11-20 22:59:59", "1123", None),
        ("11-21 00:10:00", "au2612", "11-20 21:00:00", "1123", None),  # the same night
    ],
)
def test_a_tick_of_before_the_session_is_told_right_before_it(
    now: str, instrument: str, made: str, day: str, age_ms: int | None
) -> None:
    market = Market(exchange_calendar(), now)
    client, silent = market.client(instrument), market.client(instrument, options=MUCH)
    client.heard(), silent.heard()
    market.tick(instrument, made, day)
    kinds = [heard["MsgType"] for heard in silent.heard()]
    assert kinds == ["RtnDepthMarketData"]
    *told, tick = client.heard()
    assert tick["MsgType"] == "RtnDepthMarketData"
    expected = [] if age_ms is None else [stale("old", age_ms, instrument)]
    assert [heard["Stale"] for heard in told] == expected


def test_who_joins_later_and_gets_the_same_tick_is_told_as_well() -> None:
    market = Market(exchange_calendar())
    market.client("rb2610", options=Options())
    market.tick(made="11-19 22:59:59", day="1120")
    client = market.client("rb2610")
    kinds = [heard["MsgType"] for heard in client.heard()]
    assert kinds == ["RspUserLogin", "RspSubMarketData", "Stale", "RtnDepthMarketData"]
    market.tick()
    later = market.client("rb2610")
    assert notices(later) == []


def test_a_tick_that_was_of_now_when_it_came_is_old_to_who_joins_in_the_next_session() -> None:
    market = Market(exchange_calendar(), "11-20 14:59:59")
    client = market.client("rb2610")
    market.tick()
    market.pass_(6 * 3600 + 10)
    assert notices(client) == []
    assert notices(market.client("rb2610")) == [stale("old", 21_610_000, "rb2610")]


def test_after_a_reconnect_of_the_front_the_first_tick_is_looked_at_again() -> None:
    market = Market(exchange_calendar(), "11-20 21:10:00")
    client = market.client("rb2610")
    market.tick()
    market.core.ticks.forget_front()
    market.tick(made="11-20 15:00:00", day="1120")
    assert notices(client) == [stale("old", 22_200_000, "rb2610")]


def test_an_old_tick_in_a_snapshot_is_told_before_its_row() -> None:
    market = Market(exchange_calendar())
    for options, expected in ((STALE, ["Stale"]), (MUCH, [])):
        client = market.client(options=options)
        client.heard()
        client.send({"MsgType": "QueryMarketSnapshot", "InstrumentID": ["rb2610"]})
        tick = pack("DepthMarketData", TradingDay="20261119", UpdateTime="14:00:00")
        body = published("tick/rb2610/", "OnRtnDepthMarketData", 1, tick)
        line = row("OnRtnDepthMarketData", body, last=True)
        market.core.md_worker.answer("Snapshot", line)
        kinds = [heard["MsgType"] for heard in client.heard()]
        assert kinds[:-1] == expected
        assert len(kinds) == len(expected) + 1


@pytest.mark.parametrize("clock", ["", "25:00:00"])
def test_a_tick_without_a_time_says_nothing_about_its_age(clock: str) -> None:
    market = Market(exchange_calendar())
    client = market.client("rb2610")
    market.core.tick(1, "rb2610", TradingDay="20261119", ActionDay="", UpdateTime=clock)
    assert notices(client) == []


# -- who is told ----------------------------------------------------------------------------------


def trouble(market: Market, client: Client) -> list[str]:
    """All there is, and what the client got of it."""
    market.tick(made="11-19 22:59:59", day="1120")
    market.pass_(FEED_S + 5)
    market.core.freshness.front(False)
    market.beating = False
    market.pass_(5)
    market.beating = True
    market.pass_(2)
    market.tick()
    market.pass_(2)
    return [heard["MsgType"] for heard in client.heard()]


@pytest.mark.parametrize("options", [Options(), MUCH])
def test_a_socket_that_did_not_ask_sees_no_difference(options: Options) -> None:
    market = Market(exchange_calendar())
    client = market.client("rb2610", options=options)
    client.heard()
    assert trouble(market, client) == ["RtnDepthMarketData"] * 2


def test_a_socket_that_asked_sees_all_of_it() -> None:
    market = Market(exchange_calendar())
    client = market.client("rb2610")
    client.heard()
    before = ["Stale", "RtnDepthMarketData", "Stale"]  # old, feed
    after = ["Stale", "Stale", "Fresh", "Fresh", "RtnDepthMarketData", "Fresh"]
    assert trouble(market, client) == before + after


def test_who_comes_into_trouble_is_told_after_its_login() -> None:
    market = Market()
    market.client("rb2610", options=Options())
    market.pass_(FEED_S + 2)
    market.core.freshness.front(False)
    market.core.clock.advance(0.5)
    heard = market.client().heard()
    assert [one["MsgType"] for one in heard] == ["RspUserLogin", "Stale", "Stale"]
    assert [one["Stale"] for one in heard[1:]] == [stale("feed", 32500), stale("front", 500)]


def test_before_its_login_and_after_its_logout_a_socket_is_told_nothing() -> None:
    market = Market()
    before, after = market.core.md(STALE), market.client()
    after.send({"MsgType": "ReqUserLogout", "UserLogout": {}})
    after.heard()
    gone = market.client()
    gone.heard()
    gone.session.close()
    market.core.freshness.front(False)
    assert before.texts() == after.texts() == gone.texts() == []


def test_a_binary_socket_gets_the_same() -> None:
    market = Market()
    client = market.client(options=BINARY)
    market.core.freshness.front(False)
    assert client.heard()[-1] == {"MsgType": "Stale", "Stale": stale("front", 0)}


def test_the_option_about_gaps_reaches_the_outbox() -> None:
    core = Core()
    assert core.md(MUCH).outbox.tells_gaps
    assert not core.md(STALE).outbox.tells_gaps
    assert not core.md().outbox.tells_gaps


def test_a_struct_of_another_size_is_passed_over() -> None:
    market = Market(exchange_calendar())
    market.client("rb2610")
    (instrument,) = market.core.ticks.instruments.values()
    head = HEADER.pack(1, 1, 0, 0, message_type("OnRtnDepthMarketData"), 0, 1)
    market.core.freshness.first(instrument, tick_topic("rb2610").encode() + b"\0" + head + b"x")


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_shapes_in_the_documentation_are_those_of_the_messages(readme: str) -> None:
    text = Path(__file__).parents[3].joinpath("ws_edge", readme).read_text("utf-8")
    shown = re.findall(r'^    (\{"MsgType":"(?:Gap|Conflated|Stale|Fresh)".*)$', text, re.MULTILINE)
    assert [line.encode() for line in shown] == [
        gap_text("rb2610", 3, "lost"),
        gap_text("rb2610", None, "restarted"),
        conflated_text("rb2610", 12),
        stale_text("", "feed", 30000),
        fresh_text("feed"),
        stale_text("rb2610", "old", 39_601_000),
    ]
