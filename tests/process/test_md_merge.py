"""md_merge as a process: on scripted feeds over real sockets, and on real md_workers."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import schemas.catalogue
from bus.frames import Flag, join_body, tick_topic
from bus.rpc import Call, ErrorBody
from bus.since import Since
from schemas.errors import BAD_REQUEST, NETWORK_FAILURE, NOT_IMPLEMENTED
from sim.control import SimControl
from tests.support.buslink import MdLink, Published
from tests.support.edge_core import Line
from tests.support.fake_feed import FakeFeed
from tests.support.fake_worker import names_of
from tests.support.group import Group
from tests.support.ws_client import ws

CATALOGUE = schemas.catalogue.load()
TICK = "OnRtnDepthMarketData"
NAME = "rb2610"
FEEDS = {"feeds": {"a": {}, "b": {}}, "answer_s": 2.0}
REAL = {
    "sim": {"queries_per_second": 0},
    "md_worker": {
        "feeds": {"a": {"user_id": "100001"}, "b": {"user_id": "100002"}},
        "password": "123456",
        "retry_s": 0.2,
        "step_s": 0.5,
        "answer_s": 1.5,
    },
}


def tick(number: int, instrument: str = NAME, **values: Any) -> bytes:
    """The tick number so and so of a market whose volume rises every second tick."""
    seconds, half = divmod(number, 2)
    time = f"{9 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    fields: dict[str, Any] = {
        "TradingDay": "20260105",
        "InstrumentID": instrument,
        "Volume": number // 2,
        "UpdateTime": time,
        "UpdateMillisec": half * 500,
        "BidVolume1": number,
    }
    return CATALOGUE.codec("DepthMarketData").pack(fields | values)


def number_of(message: Published) -> int:
    return int(str(message["BidVolume1"]))


class Reader:
    """A subscriber of the stream of NAME and of what is late for it."""

    def __init__(self, link: MdLink) -> None:
        self.link = link
        self.stream: list[Published] = []
        self.late: list[Published] = []
        self.told: list[Any] = []

    def numbers(self) -> set[int]:
        self.link.pump(0.01)
        for message in self.link.taken():
            if message.topic == tick_topic(NAME):
                if message.name == TICK:
                    self.stream.append(message)
            elif message.topic == f"late/{NAME}/":
                self.late.append(message)
            else:
                self.told.append(message)
        return {number_of(message) for message in (*self.stream, *self.late)}

    def wait_for(self, numbers: set[int]) -> None:
        def there() -> bool:
            return self.numbers() >= numbers

        self.link.wait_for(there, f"ticks, missing {sorted(numbers - self.numbers())[:20]}")

    def check(self) -> None:
        """No content twice, no seq left out, and the volume never falls."""
        counts = Counter(number_of(message) for message in (*self.stream, *self.late))
        assert not {number for number, count in counts.items() if count > 1}
        seqs = [message.seq for message in self.stream]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        volumes = [int(str(message["Volume"])) for message in self.stream]
        assert volumes == sorted(volumes)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    with Group(tmp_path, overrides={"md_worker": FEEDS}) as group:
        yield group


@pytest.fixture
def feeds(group: Group) -> Iterator[tuple[FakeFeed, FakeFeed]]:
    group.start("md_merge")
    with FakeFeed(group, "a") as a, FakeFeed(group, "b") as b:
        yield a, b


@pytest.fixture
def md(group: Group, feeds: tuple[FakeFeed, FakeFeed]) -> Iterator[MdLink]:
    with MdLink(group, "md_merge") as link:
        wait_state(link, a="ready", b="ready")
        yield link


@pytest.fixture
def reader(md: MdLink, feeds: tuple[FakeFeed, FakeFeed]) -> Reader:
    return subscribed(md, feeds)


def subscribed(md: MdLink, feeds: tuple[FakeFeed, FakeFeed]) -> Reader:
    """A reader of whose wishes the feeds know."""
    md.subscribe(f"late/{NAME}/", tick_topic(NAME))  # in this order: the feeds know the last one
    for feed in feeds:
        feed.wait_subscribed(tick_topic(NAME))
    return Reader(md)


def feed_states(md: MdLink) -> dict[str, Any]:
    states: dict[str, Any] = md.state_now()["feeds"]
    return states


def wait_state(md: MdLink, **wanted: str) -> dict[str, Any]:
    """Until the feeds have these states; what the state message then says of them."""

    def reached() -> bool:
        states = feed_states(md)
        return all(states[name]["state"] == state for name, state in wanted.items())

    md.wait_for(reached, f"feeds {wanted}")
    return feed_states(md)


# -- scripted feeds ----------------------------------------------------------------------------


def play(feed: FakeFeed, numbers: list[int], chance: random.Random, loss: float) -> list[int]:
    """Publish ticks with losses and neighbours swapped; those that went out."""
    numbers = list(numbers)
    for at in range(len(numbers) - 1):
        if chance.random() < 0.2:
            numbers[at], numbers[at + 1] = numbers[at + 1], numbers[at]
    sent = [number for number in numbers if chance.random() >= loss]
    for number in sent:
        feed.tick(NAME, tick(number))
    return sent


def play_day(feeds: tuple[FakeFeed, FakeFeed], seed: int) -> list[int]:
    """Both feeds, in turns so that the one or the other is behind; what went out of both."""
    chance = random.Random(seed)
    sent = []
    for start in range(0, 600, 30):
        for feed in chance.sample(feeds, 2):
            sent += play(feed, list(range(start, start + 30)), chance, 0.3)
    return sent


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_feeds_with_loss_delay_and_reordering_make_one_whole_stream(
    reader: Reader, feeds: tuple[FakeFeed, FakeFeed], seed: int
) -> None:
    sent = play_day(feeds, seed)
    reader.wait_for(set(sent))

    def counted(*keys: str) -> int:
        return sum(state[key] for state in feed_states(reader.link).values() for key in keys)

    reader.link.wait_for(lambda: counted("first", "late", "duplicates") == len(sent), "all")
    reader.numbers()
    reader.check()
    assert reader.late, "some came too late for the stream"
    assert counted("first") == len(reader.stream)
    assert counted("late") == len(reader.late)
    assert counted("forgotten", "gaps") == 0


def test_without_the_memory_of_what_was_there_they_do_not(tmp_path: Path) -> None:
    """The negative control."""
    entries = {"md_merge": "tests.support.forgetful_merge"}
    with Group(tmp_path, overrides={"md_worker": FEEDS}, entries=entries) as group:
        group.start("md_merge")
        with (
            FakeFeed(group, "a") as a,
            FakeFeed(group, "b") as b,
            MdLink(group, "md_merge") as md,
        ):
            wait_state(md, a="ready", b="ready")
            reader = subscribed(md, (a, b))
            reader.wait_for(set(play_day((a, b), 1)))
            with pytest.raises(AssertionError):
                reader.check()


def test_a_feed_that_is_killed_in_the_middle_takes_nothing_with_it(
    reader: Reader, group: Group, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    a, b = feeds
    for number in range(100):
        a.tick(NAME, tick(number))
        b.tick(NAME, tick(number))
    reader.wait_for(set(range(100)))
    a.close()
    for number in range(100, 200):
        b.tick(NAME, tick(number))
    reader.wait_for(set(range(200)))
    reader.check()
    assert not reader.late
    states = wait_state(reader.link, a="silent", b="ready")
    assert states["a"]["heard_s_ago"] > 3
    assert reader.link.state_now()["logged_in"]
    assert '"feed": "a"' in group.log("md_merge").replace('":"', '": "')


def test_a_feed_that_comes_back_joins_under_a_new_epoch(
    reader: Reader, group: Group, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    a, b = feeds
    a.tick(NAME, tick(1))
    reader.wait_for({1})
    a.close()
    with FakeFeed(group, "a", epoch=2) as again:
        again.wait_subscribed(tick_topic(NAME))
        again.tick(NAME, tick(1))
        again.tick(NAME, tick(2))
        reader.wait_for({1, 2})
        b.tick(NAME, tick(2))
        reader.link.wait_for(lambda: feed_states(reader.link)["b"]["duplicates"] == 1)
        reader.check()
        assert feed_states(reader.link)["a"]["gaps"] == 0


def test_a_feed_that_stands_still_is_told_and_what_it_then_brings_is_late_or_known(
    reader: Reader, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    a, b = feeds
    a.tick(NAME, tick(0))
    b.tick(NAME, tick(0))
    a.silence()
    reader.link.subscribe("notice/md_worker/")
    for number in range(1, 60, 2):  # b loses every second tick
        b.tick(NAME, tick(number))
    wait_state(reader.link, a="silent")
    a.silence(False)
    for number in range(60):
        a.tick(NAME, tick(number))
    reader.wait_for(set(range(60)))
    reader.check()
    assert {number_of(message) for message in reader.late} == set(range(2, 59, 2))
    states = wait_state(reader.link, a="ready")
    assert states["a"]["late"] == 29


def test_how_far_a_feed_is_behind_is_told(reader: Reader, feeds: tuple[FakeFeed, FakeFeed]) -> None:
    a, b = feeds
    reader.link.subscribe("stat/md_merge/")
    a.tick(NAME, tick(1))
    reader.wait_for({1})
    b.tick(NAME, tick(1))
    stat = reader.link.next("Stat", lambda m: m.own["feeds"]["b"]["lags"] == 1).own["feeds"]
    assert stat["b"]["lag_p50_us"] == stat["b"]["lag_max_us"] > 0
    assert stat["a"]["lag_p99_us"] is None
    assert (stat["a"]["first"], stat["b"]["duplicates"]) == (1, 1)
    later = reader.link.next("Stat", lambda m: m.own["feeds"]["b"]["lags"] == 0)
    assert later.own["feeds"]["b"]["duplicates"] == 1


def test_what_gets_lost_on_the_way_here_is_counted_and_with_another_feed_it_is_no_gap(
    reader: Reader, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    a, b = feeds
    b.tick(NAME, tick(0))
    reader.wait_for({0})
    for number in range(10):
        a.tick(NAME, tick(number), lost=number in (3, 4, 9))
        b.tick(NAME, tick(number))
    reader.wait_for(set(range(10)))
    reader.check()
    # The last one shows by the Beat.
    reader.link.wait_for(lambda: feed_states(reader.link)["a"]["gaps"] == 3, "gap")
    assert reader.link.state_now()["skipped"] == 0


def test_with_one_feed_left_a_loss_is_told_to_the_subscribers(
    reader: Reader, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    a, b = feeds
    b.front(False)
    wait_state(reader.link, b="disconnected")
    for number in range(10):
        a.tick(NAME, tick(number), lost=number in (3, 4))
    reader.wait_for({0, 1, 2, 5, 6, 7, 8, 9})
    assert [message.seq for message in reader.stream] == [1, 2, 3, 6, 7, 8, 9, 10]
    assert reader.link.state_now()["skipped"] == 2


def test_a_feed_that_brings_nothing_of_a_topic_makes_no_loss_good(
    reader: Reader, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    """Its front is there, but does not have the instrument."""
    a, _ = feeds
    for number in range(10):
        a.tick(NAME, tick(number), lost=number in (3, 4))
    reader.wait_for({0, 1, 2, 5, 6, 7, 8, 9})
    assert [message.seq for message in reader.stream] == [1, 2, 3, 6, 7, 8, 9, 10]


def test_a_loss_of_both_feeds_at_the_same_time_is_told_too(
    reader: Reader, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    """As after a pause of md_merge's own, in which everybody's queue has run over."""
    feeds[1].tick(NAME, tick(0))
    reader.wait_for({0})
    for feed in feeds:
        for number in range(10):
            feed.tick(NAME, tick(number), lost=number in (3, 4))
    reader.wait_for({0, 1, 2, 5, 6, 7, 8, 9})
    reader.link.wait_for(lambda: reader.link.state_now()["skipped"] == 2, "skipped seqs")
    feeds[0].tick(NAME, tick(10))
    reader.wait_for({10})
    assert reader.stream[-1].seq == 11


def test_the_only_feed_started_anew_is_a_front_that_was_away(
    reader: Reader, group: Group, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    a, b = feeds
    md = reader.link
    b.front(False)
    wait_state(md, b="disconnected")
    md.subscribe("notice/md_worker/")
    a.tick(NAME, tick(1))
    reader.wait_for({1})
    a.close()
    with FakeFeed(group, "a", epoch=2):  # long before it would count as silent
        assert md.next("OnFrontDisconnected").own == 0x1001
        md.next("OnFrontConnected", lambda m: m.topic == "notice/md_worker/" and m.own is None)
        assert md.snapshot(NAME) == [None]
        md.state(logged_in=True)


def test_a_pause_of_md_merge_is_not_one_of_the_feeds(
    reader: Reader, group: Group, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    group.freeze("md_merge")
    for number in range(50):
        for feed in feeds:
            feed.tick(NAME, tick(number))
    stopped = time.monotonic()
    while time.monotonic() < stopped + 4:  # longer than a feed may be silent
        reader.numbers()
    group.thaw("md_merge")
    reader.wait_for(set(range(50)))
    reader.check()
    assert "silent" not in group.log("md_merge")
    wait_state(reader.link, a="ready", b="ready")


def test_a_front_that_is_away_is_told_only_when_it_is_the_last(
    reader: Reader, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    a, b = feeds
    md = reader.link
    md.subscribe("notice/md_worker/")
    a.tick(NAME, tick(1))
    reader.wait_for({1})
    a.front(False, 0x2001)
    wait_state(md, a="disconnected")
    state = md.state_now()
    assert (state["front"], state["logged_in"], state["state"]) == ("connected", True, "ready")
    assert md.snapshot(NAME) != [None]
    b.front(False, 0x2003)
    state = md.state(front="disconnected", logged_in=False, state="disconnected")
    told = md.next("OnFrontDisconnected")
    assert told.own == 0x2003
    assert md.snapshot(NAME) == [None], "the last tick is no longer the latest"
    row = md.names("SubscribeMarketData", [NAME])[0]
    assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
    a.front(True)
    md.next("OnFrontConnected", lambda m: m.topic == "notice/md_worker/" and m.own is None)
    a.tick(NAME, tick(1))  # a front sends its last tick again after the subscription
    reader.link.wait_for(lambda: md.snapshot(NAME) != [None])


def test_interest_is_passed_on_and_ends_with_the_last_subscriber(
    group: Group, md: MdLink, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    topic = tick_topic(NAME)
    with MdLink(group, "md_merge") as other:
        for link in (md, other):
            link.subscribe(topic)
        for feed in feeds:
            feed.wait_subscribed(topic)
        md.state(wanted=1)
    md.unsubscribe(topic)
    for feed in feeds:
        feed.wait_subscribed(topic, wanted=False)
    md.state(wanted=0)
    md.subscribe("tick/", "tick/rb", "late/x/", "")
    assert md.state_now()["wanted"] == 0


def test_beats_since_and_snapshot_are_those_of_our_own_stream(
    reader: Reader, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    md = reader.link
    feeds[1].publisher.stream(tick_topic(NAME)).seq = 700
    for number in range(5):
        feeds[1].tick(NAME, tick(number))
    reader.wait_for(set(range(5)))
    (last,) = md.snapshot(NAME)
    assert last is not None
    assert (last.seq, last.epoch, number_of(last)) == (5, md.state_now()["epoch"], 4)
    assert last.recv_ns == reader.stream[-1].recv_ns
    body = msgspec.msgpack.encode(Since(tick_topic(NAME), last.epoch, 2))
    *rows, place = md.call("Since", body)
    assert len(rows) == 3
    assert place.own == {"epoch": last.epoch, "seq": 5}


# -- calls -------------------------------------------------------------------------------------


def row_of(instrument: str, error: int, last: bool) -> Line:
    field = CATALOGUE.codec("SpecificInstrument").pack({"InstrumentID": instrument})
    info = CATALOGUE.codec("RspInfo").pack({"ErrorID": error})
    flags, body = join_body(field, info)
    return Line("OnRspSubMarketData", flags | (Flag.LAST if last else 0), body)


def answering(errors: dict[str, int]) -> Callable[[Call], list[Line]]:
    def answer(call: Call) -> list[Line]:
        names = names_of(call)
        return [
            row_of(name, errors.get(name, 0), at == len(names)) for at, name in enumerate(names, 1)
        ]

    return answer


def refusing(error: int) -> Line:
    body = msgspec.msgpack.encode(ErrorBody(error, "CTP:请求失败", "no"))
    return Line("Error", Flag.LAST | Flag.LOCAL | Flag.MSGPACK, body)


def test_a_subscription_succeeds_where_one_feed_accepts_it(
    md: MdLink, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    a, b = feeds
    a.answer_by("SubscribeMarketData", answering({"x": 16, "z": 16}))
    b.answer_by("SubscribeMarketData", answering({"y": 16, "z": 16}))
    rows = md.names("SubscribeMarketData", ["x", "y", "z", "x"], request_id=7)
    assert [row["InstrumentID"] for row in rows] == ["x", "y", "z", "x"]
    assert [row.error_id for row in rows] == [0, 0, 16, 0]
    assert [row.last for row in rows] == [False] * 3 + [True]
    assert {row.request_id for row in rows} == {7}


def test_a_feed_that_does_not_answer_costs_nothing(
    md: MdLink, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    a, b = feeds
    b.answer_by("SubscribeMarketData", answering({}))
    assert md.names("SubscribeMarketData", [NAME])[0].error_id == 0
    a.wait_for("SubscribeMarketData")


def test_an_error_is_told_when_all_feeds_have_failed(
    md: MdLink, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    a, b = feeds
    a.script("SubscribeMarketData", refusing(-1))
    b.script("SubscribeMarketData", refusing(-1))
    (row,) = md.names("SubscribeMarketData", [NAME])
    assert (row.name, row.detail) == ("Error", "no")
    b.answer_by("SubscribeMarketData", answering({NAME: 16}))
    (row,) = md.names("SubscribeMarketData", [NAME])
    assert (row.name, row.error_id) == ("OnRspSubMarketData", 16)


def test_a_feed_that_falls_silent_is_waited_for_no_longer(
    md: MdLink, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    a, b = feeds
    b.script("SubscribeMarketData", refusing(-1))
    number = md.send("SubscribeMarketData", msgspec.msgpack.encode([NAME]), timeout_s=60)
    a.wait_for("SubscribeMarketData")
    a.silence()
    assert md.rows(number)[-1].name == "Error"


def test_calls_nobody_answers_end_at_their_deadline(
    md: MdLink, feeds: tuple[FakeFeed, FakeFeed]
) -> None:
    (row,) = md.names("SubscribeMarketData", [NAME], timeout_s=0.3)
    assert (row.name, row.error_id) == ("OnRspSubMarketData", NETWORK_FAILURE)
    size = CATALOGUE.layouts["QryMulticastInstrument"].size
    (row,) = md.call("ReqQryMulticastInstrument", bytes(size), timeout_s=0.3)
    assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)


@pytest.mark.parametrize(
    ("method", "body", "error"),
    [
        ("Nonsense", b"", NOT_IMPLEMENTED),
        ("ReqUserLogout", b"", NOT_IMPLEMENTED),
        ("Since", b"\xc1", BAD_REQUEST),
        ("SubscribeMarketData", b"\xc1", BAD_REQUEST),
        ("ReqQryMulticastInstrument", b"short", BAD_REQUEST),
    ],
)
def test_what_is_no_call_is_refused(md: MdLink, method: str, body: bytes, error: int) -> None:
    (row,) = md.call(method, body)
    assert (row.name, row.error_id) == ("Error", error)


# -- real md_workers ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    with Group(tmp_path_factory.mktemp("merge"), overrides=REAL) as group:
        group.start("sim", "md_worker:a", "md_worker:b", "md_merge")
        yield group


@pytest.fixture
def real_md(real: Group) -> Iterator[MdLink]:
    with MdLink(real, "md_merge") as link:
        wait_state(link, a="ready", b="ready")
        yield link


@pytest.fixture
def sim(real: Group) -> Iterator[SimControl]:
    with SimControl(real.config["sim"]["listen"]) as control:
        yield control
        control.clear()


def come(md: MdLink, count: int, name: str = "600000") -> list[Published]:
    """So many more ticks; each once, in order, none left out."""
    messages = [md.next(TICK) for _ in range(count)]
    seqs = [message.seq for message in messages]
    assert seqs == list(range(seqs[0], seqs[0] + count))
    stamps = [(str(m["UpdateTime"]), m["UpdateMillisec"], m["Volume"]) for m in messages]
    assert len(set(stamps)) == count
    volumes = [int(str(message["Volume"])) for message in messages]
    assert volumes == sorted(volumes)
    return messages


def test_each_tick_of_two_md_workers_comes_once(real_md: MdLink) -> None:
    assert real_md.login().error_id == 0
    assert real_md.names("SubscribeMarketData", ["600000"])[0].error_id == 0
    real_md.subscribe(tick_topic("600000"))
    before = feed_states(real_md)
    come(real_md, 6)
    after = feed_states(real_md)

    def more(key: str) -> int:
        return sum(int(after[name][key]) - int(before[name][key]) for name in after)

    assert more("first") >= 5
    assert more("duplicates") >= 5
    assert more("late") == more("gaps") == 0


def test_a_real_md_worker_that_is_killed_or_stands_still_is_no_loss(
    real: Group, real_md: MdLink, sim: SimControl
) -> None:
    real_md.subscribe(tick_topic("600000"))
    first = come(real_md, 2)
    real.kill("md_worker:a")
    second = come(real_md, 3)
    wait_state(real_md, a="silent", b="ready")
    real.start("md_worker:a")
    wait_state(real_md, a="ready")
    real.freeze("md_worker:b")
    third = come(real_md, 8)
    wait_state(real_md, a="ready", b="silent")
    real.thaw("md_worker:b")
    wait_state(real_md, b="ready")
    come(real_md, 2)
    ticks = [*first, *second, *third]
    assert ticks[-1].seq - ticks[0].seq >= len(ticks) - 1


def test_a_front_that_is_cut_is_no_loss(real_md: MdLink, sim: SimControl) -> None:
    real_md.subscribe(tick_topic("600000"))
    come(real_md, 2)
    sim.error("ReqUserLogin", 7, side="md", times=4)
    sim.disconnect(side="md", user="100001")
    wait_state(real_md, a="refused", b="ready")
    come(real_md, 2)
    wait_state(real_md, a="ready", b="ready")
    come(real_md, 2)


def test_ticks_that_one_front_loses_come_from_the_other(real_md: MdLink, sim: SimControl) -> None:
    real_md.subscribe(tick_topic("600000"))
    come(real_md, 1)
    sim.lose(TICK, user="100001", times=3)
    come(real_md, 8)
    assert not sim.faults()["waiting"]


def test_a_client_of_ws_edge_notices_nothing_but_the_end_of_md_merge_itself(
    real: Group, real_md: MdLink
) -> None:
    real.start("ws_edge")
    with ws(real.url("/md/?notices=gap")) as client:
        assert client.log_in("", "")["RspInfo"]["ErrorID"] == 0
        client.send(MsgType="SubscribeMarketData", InstrumentID=["600000"])
        assert client.hear_of("RspSubMarketData")["RspInfo"]["ErrorID"] == 0
        heard = [client.hear()]
        real.kill("md_worker:a")
        heard += [client.hear() for _ in range(4)]
        wait_state(real_md, a="silent")
        real.start("md_worker:a")
        wait_state(real_md, a="ready")
        real.freeze("md_worker:b")
        heard += [client.hear() for _ in range(12)]
        real.thaw("md_worker:b")
        ticks = [message["DepthMarketData"] for message in heard]
        assert len({(tick["UpdateTime"], tick["UpdateMillisec"]) for tick in ticks}) == len(ticks)
        volumes = [tick["Volume"] for tick in ticks]
        assert volumes == sorted(volumes)
        epoch = real_md.state_now()["epoch"]
        real.restart("md_merge")
        while client.hear()["MsgType"] != "RtnDepthMarketData":
            pass
        with MdLink(real, "md_merge") as md:
            assert wait_state(md, a="ready", b="ready")
            assert md.state_now()["epoch"] == epoch + 1
            # Told by the edge again to a md_merge that did not know it.
            assert md.state_now()["wanted"] == 1
        client.hear_of("RtnDepthMarketData")
    assert real.stop("ws_edge") == 0
    assert real.stop("md_merge") == 0
    assert "Traceback" not in real.log("md_merge")
