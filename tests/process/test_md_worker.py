"""md_worker as a process, on the embedded exchange."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.frames import Message, quote_topic, tick_topic
from schemas.errors import BAD_REQUEST, NETWORK_FAILURE, NOT_IMPLEMENTED
from sim.control import SimControl
from tests.support.buslink import TIMEOUT_S, MdLink, Published, TdLink
from tests.support.front import Front
from tests.support.group import CHECKOUT, Group

TICK = "OnRtnDepthMarketData"
SUBSCRIBED = "OnRspSubMarketData"
FAST: dict[str, dict[str, Any]] = {
    "sim": {"queries_per_second": 0},
    "md_worker": {"retry_s": 0.2, "step_s": 0.5, "answer_s": 1.5},
}
PASSWORD = "md-geheim-7319"


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """A group for tests that leave it as they found it."""
    login = {"user_id": "028742", "password": PASSWORD}
    overrides = {**FAST, "log_level": "DEBUG", "md_worker": {**FAST["md_worker"], **login}}
    with Group(tmp_path_factory.mktemp("md"), overrides=overrides) as group:
        group.start("sim", "md_worker")
        yield group


@pytest.fixture
def md(group: Group) -> Iterator[MdLink]:
    with MdLink(group) as link:
        link.state(state="ready")
        yield link


@pytest.fixture
def sim(group: Group) -> Iterator[SimControl]:
    with SimControl(group.config["sim"]["listen"]) as control:
        yield control
        control.clear()


@pytest.fixture(scope="module")
def instruments(group: Group) -> list[str]:
    """Everything that the exchange lists today."""
    group.start("td_worker")
    with TdLink(group) as td:
        td.login()
        names = [str(row["InstrumentID"]) for row in td.request("ReqQryInstrument")]
    assert group.stop("td_worker") == 0
    return names


def front_subscriptions(sim: SimControl) -> int:
    return sum(session["subscribed"] for session in sim.sessions() if session["side"] == "md")


def ticks(md: MdLink, instrument: str, count: int) -> list[Published]:
    return [md.next(TICK, lambda m: m["InstrumentID"] == instrument) for _ in range(count)]


# -- subscriptions ---------------------------------------------------------------------------


def test_a_plain_subscriber_gets_ticks_without_any_call_and_takes_his_interest_with_him(
    group: Group, md: MdLink, sim: SimControl, instruments: list[str]
) -> None:
    name = instruments[0]
    md.state(wanted=0)
    with MdLink(group) as subscriber:
        subscriber.subscribe(tick_topic(name))
        first, second = ticks(subscriber, name, 2)
        assert first.topic == f"tick/{name}/"
        assert second.seq == first.seq + 1
        assert second.recv_ns > first.recv_ns
        assert float(str(second["LastPrice"])) > 0
        md.state(subscribed=1, wanted=1)
        md.wait_for(lambda: front_subscriptions(sim) == 1)
    md.state(subscribed=0, wanted=0)
    md.wait_for(lambda: front_subscriptions(sim) == 0)
    assert md.snapshot(name) == [None], "an old tick is no news for whoever comes next"


def test_an_instrument_is_wanted_until_its_last_subscriber_leaves(
    group: Group, md: MdLink, instruments: list[str]
) -> None:
    name = instruments[1]
    md.state(wanted=0)
    with MdLink(group) as stays, MdLink(group) as leaves:
        for subscriber in (stays, leaves):
            subscriber.subscribe(tick_topic(name))
            ticks(subscriber, name, 1)
        leaves.unsubscribe(tick_topic(name))
        before = ticks(stays, name, 1)[0]
        assert ticks(stays, name, 1)[0].seq == before.seq + 1
        md.state(subscribed=1)


def test_each_second_a_subscriber_hears_how_far_his_topics_have_come(
    group: Group, md: MdLink, sim: SimControl, instruments: list[str]
) -> None:
    name = instruments[2]
    silent, ticking, quotes = "nothing99", tick_topic(name), quote_topic(name)
    md.subscribe(tick_topic(silent), ticking, quotes)

    def beats(topic: str) -> list[Message]:
        return [beat for beat in md.beats if beat.topic == topic]

    topics = (tick_topic(silent), ticking, quotes)
    md.wait_for(lambda: all(len(beats(topic)) >= 3 for topic in topics))
    assert {beat.seq for beat in beats(tick_topic(silent)) + beats(quotes)} == {0}
    assert {beat.recv_ns for beat in beats(tick_topic(silent))} == {0}
    told = beats(ticking)[-1]
    tick = md.next(TICK, lambda m: m.topic == ticking and m.seq == told.seq)
    assert (told.epoch, told.recv_ns) == (tick.epoch, tick.recv_ns)
    pauses = [b.sent_ns - a.sent_ns for a, b in pairwise(beats(ticking))]
    assert min(pauses) > 0.2e9, "of a machine that is busy"
    assert {beat.topic for beat in md.beats} == set(topics)


def test_lost_ticks_can_be_had_again_also_after_the_front_was_lost(
    group: Group, md: MdLink, sim: SimControl, instruments: list[str]
) -> None:
    name = instruments[3]
    md.subscribe(tick_topic(name))
    first, *others = ticks(md, name, 4)
    rows, reached = md.since(tick_topic(name), first.epoch, first.seq)
    assert rows[:3] == others
    assert (rows[-1].epoch, rows[-1].seq) == reached
    sim.disconnect(side="md", seconds=2.0)
    md.wait_for(lambda: md.snapshot(name) == [None])
    assert md.since(tick_topic(name), first.epoch, first.seq)[0][:3] == others
    md.state(state="ready")
    assert md.since("tick/nothing99/", 0, 0) == ([], (first.epoch, 0))


@pytest.mark.parametrize("body", [b"", b"\xc1", msgspec.msgpack.encode(["tick/rb2610/"])])
def test_a_malformed_since_is_refused(md: MdLink, body: bytes) -> None:
    (row,) = md.call("Since", body)
    assert row.error_id == BAD_REQUEST


def test_a_prefix_of_topics_subscribes_nothing_upstream(md: MdLink) -> None:
    md.state(wanted=0)
    for prefix in ("", "tick/", "tick/rb", "tick//", "tick/a/b/", "tick/" + "x" * 81 + "/"):
        md.subscribe(prefix)
    md.login()  # a round trip after them
    assert md.state_now()["wanted"] == 0


def test_the_answer_has_the_order_of_the_list_and_one_row_for_each_repetition(
    md: MdLink, instruments: list[str]
) -> None:
    names = [instruments[index] for index in (7, 3, 7, 5, 3)]
    rows = md.names("SubscribeMarketData", names, request_id=-9)
    assert [row["InstrumentID"] for row in rows] == names
    assert {row.name for row in rows} == {SUBSCRIBED}
    assert {row.request_id for row in rows} == {-9}
    assert {row.error_id for row in rows} == {0}
    assert [row.last for row in rows] == [False] * 4 + [True]
    again = md.names("SubscribeMarketData", names)
    assert [row["InstrumentID"] for row in again] == names
    rows = md.names("UnSubscribeMarketData", names)
    assert [row["InstrumentID"] for row in rows] == names
    assert {row.name for row in rows} == {"OnRspUnSubMarketData"}


def test_what_only_a_call_wanted_is_given_up_after_some_seconds(
    md: MdLink, sim: SimControl, instruments: list[str]
) -> None:
    md.state(wanted=0)
    md.names("SubscribeMarketData", instruments[10:12])
    md.subscribe(tick_topic(instruments[11]))
    md.state(subscribed=2)
    md.state(subscribed=1)
    md.wait_for(lambda: front_subscriptions(sim) == 1)
    ticks(md, instruments[11], 1)


def test_a_refusal_of_the_front_reaches_the_caller_and_ends_with_the_call(
    md: MdLink, sim: SimControl, instruments: list[str]
) -> None:
    names = instruments[20:22]
    sim.error("SubscribeMarketData", 6000)
    rows = md.names("SubscribeMarketData", names)
    assert [(row["InstrumentID"], row.error_id) for row in rows] == [(n, 6000) for n in names]
    assert rows[0].error_text == "CTP:sub too many insts"
    rows = md.names("SubscribeMarketData", names)
    assert [(row["InstrumentID"], row.error_id) for row in rows] == [(n, 0) for n in names]


def test_quotes_have_their_own_topics_and_subscriptions(
    md: MdLink, sim: SimControl, instruments: list[str]
) -> None:
    name = instruments[21]
    rows = md.names("SubscribeForQuoteRsp", [name])
    assert (rows[0].name, rows[0].error_id) == ("OnRspSubForQuoteRsp", 0)
    md.subscribe(f"quote/{name}/")
    asked = {"InstrumentID": name, "ForQuoteSysID": "77"}

    def came() -> bool:  # the subscription may be a moment behind
        sim.raise_callback("OnRtnForQuoteRsp", side="md", fields=asked)
        md.pump(0.05)
        return any(message.name == "OnRtnForQuoteRsp" for message in md.taken())

    md.wait_for(came)
    rows = md.names("UnSubscribeForQuoteRsp", [name])
    assert rows[0].name == "OnRspUnSubForQuoteRsp"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode([]),
        msgspec.msgpack.encode("rb2610"),
        msgspec.msgpack.encode({"rb2610": 1}),
        msgspec.msgpack.encode(["rb2610", 7]),
        msgspec.msgpack.encode(["rb2610", None]),
        msgspec.msgpack.encode([""]),
        msgspec.msgpack.encode(["a/b"]),
        msgspec.msgpack.encode(["a\0b"]),
        msgspec.msgpack.encode(["x" * 81]),
        msgspec.msgpack.encode(["铜" * 41]),
        msgspec.msgpack.encode(["\u0e01" * 21]),  # 63 bytes in UTF-8 but 84 in GB18030
        msgspec.msgpack.encode(["x"] * 20_001),
        b"\x91\xa2\xff\xfe",
        b"\x91" * 5000,
    ],
)
@pytest.mark.parametrize("method", ["SubscribeMarketData", "UnSubscribeMarketData", "Snapshot"])
def test_a_bad_list_is_refused(md: MdLink, method: str, body: bytes) -> None:
    if method == "Snapshot" and body == msgspec.msgpack.encode([]):
        return  # which means all
    rows = md.call(method, body)
    assert [(row.name, row.error_id) for row in rows] == [("Error", BAD_REQUEST)]
    assert md.state_now()["state"] == "ready"


def test_unknown_methods_and_bodies_of_a_wrong_size_are_refused(md: MdLink) -> None:
    for method in ("ReqOrderInsert", "ReqUserLogout", "", "State2", "名" * 64):
        assert md.call(method)[0].error_id == NOT_IMPLEMENTED
    method = "ReqQryMulticastInstrument"
    size = md.catalogue.layouts[md.catalogue.md.requests[method].struct].size
    for wrong in (b"", bytes(size - 1), bytes(size + 1), b"x" * size):
        assert md.call(method, wrong)[0].error_id == BAD_REQUEST
    assert md.call(method, bytes(size))[-1].name == "OnRspQryMulticastInstrument"


def test_bytes_that_are_no_call_are_counted_and_passed_over(md: MdLink) -> None:
    before = md.state_now()["malformed_calls"]
    frames = [
        b"",
        b"\xc1",
        b"x" * 100,
        msgspec.msgpack.encode([1, "State", 2**64 - 1]),
        msgspec.msgpack.encode([-1, "State", 5]),
        msgspec.msgpack.encode([1, "State", 5, b"", 2**40]),
        b"\x93\x01\xa2\xff\xfe\x01",
    ]
    for frame in frames:
        md.send_raw(frame)
    assert md.state_now()["malformed_calls"] == before + len(frames)


# -- snapshots and epochs --------------------------------------------------------------------


def test_a_late_joiner_joins_snapshot_and_stream_without_a_gap(
    group: Group, md: MdLink, instruments: list[str]
) -> None:
    name = instruments[30]
    md.subscribe(tick_topic(name))
    ticks(md, name, 2)
    with MdLink(group) as late:
        late.subscribe(tick_topic(name))
        snapshot = late.snapshot("unknown99", name)
        assert snapshot[0] is None
        last = snapshot[1]
        assert last is not None
        assert (last.name, last["InstrumentID"]) == (TICK, name)
        live = [tick for tick in ticks(late, name, 3) if tick.seq > last.seq]
        assert [tick.seq for tick in live] == [last.seq + 1 + n for n in range(len(live))]
        same = next(tick for tick in ticks(md, name, 4) if tick.seq == live[0].seq)
        assert same.values == live[0].values
        everything = late.snapshot()
        assert name in [message["InstrumentID"] for message in everything if message]


# -- the front goes away ---------------------------------------------------------------------


def test_after_a_flap_ticks_flow_again_by_themselves_and_no_seq_is_missing(
    md: MdLink, sim: SimControl, instruments: list[str]
) -> None:
    name = instruments[40]
    md.state(wanted=0)
    md.subscribe(tick_topic(name))
    seqs = [tick.seq for tick in ticks(md, name, 2)]
    md.subscribe("state/md_worker/")
    md.next("State")
    sim.disconnect(side="md", seconds=2.0, reason=0x2001)
    state = md.next("State", lambda m: m.own["front"] == "disconnected")
    assert (state.own["reason"], state.own["logged_in"]) == (0x2001, False)
    refused = md.names("SubscribeMarketData", [name])[0]
    assert refused.error_id == NETWORK_FAILURE
    assert "disconnected" in refused.detail
    assert md.snapshot(name) == [None], "the last tick before a cut is no longer the latest"
    back = md.next("State", lambda m: m.own["state"] == "ready").recv_ns
    seqs += [tick.seq for tick in ticks(md, name, 3)]
    assert ticks(md, name, 1)[0].recv_ns > back
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    md.state(subscribed=1)


def test_ticks_between_the_unsubscription_and_its_answer_are_not_kept(
    md: MdLink, sim: SimControl, instruments: list[str]
) -> None:
    name = instruments[41]
    md.state(wanted=0)
    md.subscribe(tick_topic(name))
    ticks(md, name, 1)
    sim.delay("UnSubscribeMarketData", 1.2)
    before = front_subscriptions(sim)
    md.unsubscribe(tick_topic(name))
    md.wait_for(lambda: front_subscriptions(sim) < before, "unsubscription at the front")
    md.wait_for(lambda: md.snapshot(name) == [None], "forgotten tick")


def test_a_request_in_the_air_is_answered_when_the_front_hangs_up(
    md: MdLink, sim: SimControl
) -> None:
    method = "ReqQryMulticastInstrument"
    size = md.catalogue.layouts[md.catalogue.md.requests[method].struct].size
    sim.lose(method)
    number = md.send(method, bytes(size))
    md.wait_for(lambda: not sim.faults()["waiting"])
    sim.disconnect(side="md")
    (row,) = md.rows(number)
    assert row.error_id == NETWORK_FAILURE
    assert "before it answered" in row.detail
    md.state(state="ready")


def test_a_request_without_an_answer_ends_at_its_deadline(md: MdLink, sim: SimControl) -> None:
    method = "ReqQryMulticastInstrument"
    size = md.catalogue.layouts[md.catalogue.md.requests[method].struct].size
    sim.lose(method)
    (row,) = md.call(method, bytes(size), timeout_s=0.3)
    assert row.error_id == NETWORK_FAILURE
    assert "time limit" in row.detail


def test_a_lost_answer_to_a_subscription_ends_and_the_next_call_asks_again(
    md: MdLink, sim: SimControl, instruments: list[str]
) -> None:
    name = instruments[50]
    sim.lose("SubscribeMarketData")
    (row,) = md.names("SubscribeMarketData", [name])
    assert (row.name, row.error_id) == (SUBSCRIBED, NETWORK_FAILURE)
    (row,) = md.names("SubscribeMarketData", [name])
    assert row.error_id == 0


@pytest.mark.parametrize("error", [7, 8, 90])
def test_a_login_refused_for_now_is_tried_again(md: MdLink, sim: SimControl, error: int) -> None:
    sim.error("ReqUserLogin", error, side="md", times=2)
    sim.disconnect(side="md")
    md.state(state="refused", reason=error)
    md.state(state="ready", reason=None)
    assert not sim.faults()["waiting"], "it was refused twice"


def test_a_login_whose_answer_is_lost_is_repeated_after_a_logout(
    md: MdLink, sim: SimControl
) -> None:
    """The front takes the session for logged in and would not answer a second login."""
    logouts = sim.tally().get("ReqUserLogout", 0)
    sim.lose("OnRspUserLogin", side="md")
    sim.disconnect(side="md")
    md.state(state="connected")
    assert md.login().error_id == 0
    assert sim.tally()["ReqUserLogout"] == logouts + 1


def test_a_login_refused_by_on_rsp_error_counts_as_refused(md: MdLink, sim: SimControl) -> None:
    sim.error("ReqUserLogin", 7, side="md", via="OnRspError")
    sim.disconnect(side="md")
    md.state(state="refused", reason=7)
    md.state(state="ready")


def test_a_forced_logout_is_followed_by_a_new_login(
    md: MdLink, sim: SimControl, instruments: list[str]
) -> None:
    md.state(wanted=0)
    name = instruments[60]
    md.subscribe(tick_topic(name))
    ticks(md, name, 1)
    logins = sim.tally()["ReqUserLogin"]
    sim.raise_callback("OnRspUserLogout", side="md")
    md.wait_for(lambda: sim.tally()["ReqUserLogin"] > logins)
    # That front still takes the session for logged in: silence, logout, login.
    md.state(state="ready", subscribed=1)
    last = md.snapshot(name)[0]
    assert last is not None
    assert md.next(TICK, lambda m: m.seq > last.seq)


def test_a_new_connection_without_a_disconnect_is_a_disconnect(md: MdLink, sim: SimControl) -> None:
    logins = sim.tally()["ReqUserLogin"]
    sim.raise_callback("OnFrontConnected", side="md")
    md.wait_for(lambda: sim.tally()["ReqUserLogin"] > logins)
    md.state(state="ready")


# -- the worker itself -----------------------------------------------------------------------


def test_a_frozen_worker_answers_what_expired_instead_of_acting(
    group: Group, md: MdLink, instruments: list[str]
) -> None:
    md.state(wanted=0)
    group.freeze("md_worker")
    body = msgspec.msgpack.encode([instruments[70]])
    old = [md.send("SubscribeMarketData", body, timeout_s=0.05) for _ in range(3)]
    expired = time.monotonic() + 0.1
    fresh = md.send("State", b"")
    md.wait_for(lambda: time.monotonic() > expired)
    group.thaw("md_worker")
    for number in old:
        (row,) = md.rows(number)
        assert row.error_id == NETWORK_FAILURE
        assert "expired" in row.detail
    assert md.rows(fresh)[0].own["wanted"] == 0


def test_a_second_worker_for_the_same_data_exits_75(group: Group) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "md_worker", "--config", str(group.config_file)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 75, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_a_hundred_callers_share_one_subscription(
    group: Group, md: MdLink, sim: SimControl, instruments: list[str]
) -> None:
    before = sim.tally().get("SubscribeMarketData", 0)
    body = msgspec.msgpack.encode(instruments[80:180])
    numbers = [md.send("SubscribeMarketData", body) for _ in range(100)]
    for number in numbers:
        rows = md.rows(number)
        assert [row["InstrumentID"] for row in rows] == instruments[80:180]
        assert {row.error_id for row in rows} == {0}
    assert sim.tally()["SubscribeMarketData"] - before <= 2


def test_the_password_is_written_nowhere(group: Group, md: MdLink) -> None:
    """Last of those on this group, so its log has seen refusals, faults and bad input."""
    assert PASSWORD not in group.log("md_worker")
    assert PASSWORD not in str(md.state_now())
    assert PASSWORD.encode() not in Path(f"/proc/{group.pid('md_worker')}/cmdline").read_bytes()
    assert "Traceback" not in group.log("md_worker")


def test_800_instruments_are_subscribed_in_batches(tmp_path: Path, instruments: list[str]) -> None:
    settings = {**FAST["md_worker"], "subscribe_per_s": 500}
    with Group(tmp_path, overrides={"sim": FAST["sim"], "md_worker": settings}) as group:
        group.start("sim", "md_worker")
        with MdLink(group) as md, SimControl(group.config["sim"]["listen"]) as sim:
            md.login()
            asked = time.monotonic()
            rows = md.names("SubscribeMarketData", instruments[:800])
            took = time.monotonic() - asked
            assert [row["InstrumentID"] for row in rows] == instruments[:800]
            assert {row.error_id for row in rows} == {0}
            assert took > 0.5, "500 at once, the others in the rest of the second"
            assert sim.tally()["SubscribeMarketData"] > 1


def test_a_front_that_comes_late_is_used_when_it_comes(tmp_path: Path) -> None:
    with Group(tmp_path, overrides=FAST) as group:
        group.start("md_worker")
        with MdLink(group) as md:
            md.subscribe("state/md_worker/")
            state = md.next("State").own
            assert (state["front"], state["logged_in"]) == ("disconnected", False)
            row = md.login(timeout_s=0.4)
            assert (row.name, row.error_id) == ("Error", NETWORK_FAILURE)
            body = bytes(md.catalogue.layouts["ReqUserLogin"].size)
            waiting = md.send("ReqUserLogin", body)
            group.start("sim")
            assert md.rows(waiting)[-1].name == "OnRspUserLogin"
            md.state(front="connected", logged_in=True)


def test_a_wrong_password_is_told_and_never_repeated(tmp_path: Path) -> None:
    with Group(tmp_path, overrides=FAST) as group:
        group.start("sim")
        with SimControl(group.config["sim"]["listen"]) as sim:
            sim.error("ReqUserLogin", 3, side="md", times=0)
            group.start("md_worker")
            with MdLink(group) as md:
                row = md.login()
                assert (row.name, row.error_id) == ("OnRspUserLogin", 3)
                assert row.error_text == "CTP:不合法的登录"
                md.state(state="refused", reason=3)
                sim.disconnect(side="md")
                md.state(front="disconnected")
                md.state(front="connected")
                assert md.login().error_id == 3
                assert sim.tally()["ReqUserLogin"] == 1


def test_each_start_has_a_higher_epoch_and_each_stop_is_quick(tmp_path: Path) -> None:
    with Group(tmp_path, overrides=FAST) as group:
        epochs = []
        group.start("sim", "md_worker")
        for end in (group.stop, group.kill, group.stop):
            with MdLink(group) as md:
                md.login()
                epochs.append(md.state_now()["epoch"])
            assert end("md_worker") in (0, None)
            group.start("md_worker")
        assert epochs == [epochs[0], epochs[0] + 1, epochs[0] + 2]
        group.kill("sim")
        assert group.stop("md_worker") == 0, "also without a front"


# -- on the real binding ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Front:
    return Front(tmp_path_factory.mktemp("front"), TICK_RATE=4000)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, front: Front) -> Iterator[Group]:
    path = tmp_path_factory.mktemp("real")
    with Group(path, sim=False, front_env=front.env, overrides=FAST) as group:
        group.start("md_worker")
        yield group


@pytest.fixture
def real_md(real: Group) -> Iterator[MdLink]:
    with MdLink(real) as link:
        link.state(state="ready", wanted=0)
        yield link


@pytest.mark.front
def test_ticks_of_the_real_binding_arrive_without_a_gap(real: Group, real_md: MdLink) -> None:
    names = [f"rb26{month:02}" for month in (1, 5, 10)]
    real_md.subscribe(*(tick_topic(name) for name in names))
    for name in names:
        ticks(real_md, name, 1)
    real_md.taken()
    come = [real_md.next(TICK) for _ in range(300)]
    numbers = [int(str(tick["Volume"])) for tick in come]  # the front numbers its ticks
    assert numbers == list(range(numbers[0], numbers[0] + 300))
    for name in names:
        seqs = [tick.seq for tick in come if tick["InstrumentID"] == name]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert come[0]["AskPrice5"] is None, "DBL_MAX"
    assert real.log("md_worker").count("lost") == 0


@pytest.mark.front
def test_800_instruments_of_the_real_binding(real_md: MdLink) -> None:
    rows = real_md.names("SubscribeMarketData", [f"x{number}" for number in range(800)])
    assert [row["InstrumentID"] for row in rows] == [f"x{number}" for number in range(800)]
    assert {row.error_id for row in rows} == {0}


@pytest.mark.front
def test_after_a_flap_of_the_real_binding_ticks_flow_again(real_md: MdLink, front: Front) -> None:
    name = "cu2605"
    real_md.subscribe(tick_topic(name), "state/md_worker/")
    first = ticks(real_md, name, 1)[0]
    front.disconnect(0.2, reason=0x2003)
    state = real_md.next("State", lambda m: m.own["front"] == "disconnected")
    assert state.own["reason"] == 0x2003
    back = real_md.next("State", lambda m: m.own["state"] == "ready")
    seqs = [first.seq]
    while True:
        tick = ticks(real_md, name, 1)[0]
        seqs.append(tick.seq)
        if tick.recv_ns > back.recv_ns:
            break
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


@pytest.mark.front
@pytest.mark.parametrize("kind", ["lose", "error", "rsperror", "return"])
def test_a_login_that_fails_for_now_on_the_real_binding_is_repeated(
    real_md: MdLink, front: Front, kind: str
) -> None:
    asked = len(front.requests())
    front.fault("ReqUserLogin", kind, 2, -1 if kind == "return" else 7)
    front.disconnect(0.01)
    real_md.wait_for(lambda: len(logins_at(front, asked)) >= 3)
    real_md.state(state="ready")


def logins_at(front: Front, since: int) -> list[bytes]:
    return [raw for name, _, raw in front.requests()[since:] if name == "ReqUserLogin"]


@pytest.mark.front
def test_a_wrong_password_on_the_real_binding_is_never_repeated(tmp_path: Path) -> None:
    front = Front(tmp_path)
    settings = {**FAST["md_worker"], "password": "bad"}
    overrides = {"md_worker": settings}
    with Group(tmp_path, sim=False, front_env=front.env, overrides=overrides) as group:
        group.start("md_worker")
        with MdLink(group) as md:
            assert md.login().error_text == "CTP:不合法的登录"
            front.disconnect(0.05)
            md.state(front="disconnected")
            md.state(front="connected")
            assert md.login().error_id == 3
            assert len(logins_at(front, 0)) == 1


@pytest.mark.front
def test_sigterm_in_the_middle_of_a_flood_of_ticks(tmp_path: Path) -> None:
    front = Front(tmp_path, TICK_RATE=0)
    with Group(tmp_path, sim=False, front_env=front.env) as group:
        group.start("md_worker")
        with MdLink(group) as md:
            md.subscribe(tick_topic("rb2605"))
            ticks(md, "rb2605", 1)
            assert group.stop("md_worker") == 0
