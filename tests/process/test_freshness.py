"""No client takes an old tick for the truth: real processes that freeze, lose their front, fall
silent, or have only an old tick to give. Each scene is played again to an edge that does not look,
and must fail there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.control import SimControl
from tests.support.group import Group
from tests.support.ws_client import WsClient, ws

CHINA = timezone(timedelta(hours=8))
INSTRUMENT = "600000"
NEVER = "rb9901"  # listed nowhere: its only tick is what a test makes up
FEED_S = 4.0  # longer than it takes to miss md_worker
BLIND = {"ws_edge": "tests.support.blind_edge"}
PATIENCE_S = 15.0

Scene = Callable[[Group], None]


@contextmanager
def running(path: Path, calendar: str, entries: dict[str, str] | None = None) -> Iterator[Group]:
    overrides = {"calendar": calendar, "ws_edge": {"feed_silence_s": FEED_S}}
    with Group(path, overrides=overrides, entries=entries) as group:
        group.start("sim", "md_worker", "ws_edge")
        yield group


def calendar_file(path: Path, name: str, *, open_now: bool) -> str:
    """In which now is in a session of rb that began at midnight, or on a holiday. The days around
    it are of the same kind, so that midnight may pass."""
    today = datetime.now(CHINA).date()
    days: dict[int, list[str]] = {}
    for day in (today + timedelta(n) for n in (-1, 0, 1)):
        days.setdefault(day.year, []).append(f"{day:%m-%d}")
    file: dict[str, Any] = {"products": {"rb": ["00:00-24:00"], "stock": ["00:00-24:00"]}}
    if open_now:
        file |= {"holidays": {year: [] for year in days}, "open": days}
    else:
        file |= {"holidays": days}
    target = path / name
    target.write_text(yaml.safe_dump(file), "utf-8")
    return str(target)


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    with running(tmp_path_factory.mktemp("seeing"), "always") as group:
        yield group


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    with running(tmp_path_factory.mktemp("blind"), "always", BLIND) as group:
        yield group


@contextmanager
def reader(group: Group, query: str, instrument: str = INSTRUMENT) -> Iterator[WsClient]:
    with ws(group.url("/md/" + query)) as client:
        assert client.log_in("", "")["RspInfo"]["ErrorID"] == 0
        client.send(MsgType="SubscribeMarketData", InstrumentID=[instrument])
        client.hear_of("RspSubMarketData")
        yield client


def notice(client: WsClient, name: str, reason: str, within_s: float = 0.0) -> dict[str, Any]:
    """The next notice of this kind. Ticks go on all the while, so the whole wait is bounded."""
    deadline = time.monotonic() + (within_s or PATIENCE_S)
    while (left := deadline - time.monotonic()) > 0:
        heard = client.hear(left)
        told: dict[str, Any] = heard.get(name, {})
        if heard["MsgType"] == name and told["Reason"] == reason:
            return told
    raise TimeoutError(f"no {name} about {reason}")


@contextmanager
def no_ticks(group: Group) -> Iterator[None]:
    """The front stands, and its market says nothing."""
    with SimControl(group.config["sim"]["listen"]) as sim:
        number = sim.fault("lose", target="OnRtnDepthMarketData", times=0)
        yield
        sim.command("remove", number=number)


# -- scenes: what must be told --------------------------------------------------------------------


def md_worker_freezes(group: Group) -> None:
    with reader(group, "?notices=stale") as client:
        client.hear_of("RtnDepthMarketData")
        group.freeze("md_worker")
        try:
            told = notice(client, "Stale", "md_worker")
        finally:
            group.thaw("md_worker")
        assert told["InstrumentID"] == ""
        assert 3000 <= told["AgeMs"] < 8000  # 3.5 s, and what a busy machine adds
        notice(client, "Fresh", "md_worker")
        client.hear_of("RtnDepthMarketData")


def md_worker_dies(group: Group) -> None:
    with reader(group, "?notices=stale") as client:
        client.hear_of("RtnDepthMarketData")
        group.kill("md_worker")
        try:
            notice(client, "Stale", "md_worker")
        finally:
            group.start("md_worker")
        notice(client, "Fresh", "md_worker")
        client.hear_of("RtnDepthMarketData")


def front_goes_away(group: Group) -> None:
    with (
        reader(group, "?notices=stale") as client,
        SimControl(group.config["sim"]["listen"]) as sim,
    ):
        client.hear_of("RtnDepthMarketData")
        sim.disconnect(side="md", seconds=2)
        assert notice(client, "Stale", "front")["InstrumentID"] == ""
        notice(client, "Fresh", "front")
        client.hear_of("RtnDepthMarketData")


def market_stops(group: Group) -> None:
    with reader(group, "?notices=stale") as client:
        client.hear_of("RtnDepthMarketData")
        with no_ticks(group):
            told = notice(client, "Stale", "feed")
            assert told["InstrumentID"] == ""
            assert told["AgeMs"] >= FEED_S * 1000
            with ws(group.url("/md/?notices=stale")) as late:
                late.log_in("", "")
                assert notice(late, "Stale", "feed")["AgeMs"] >= told["AgeMs"]
        notice(client, "Fresh", "feed")


SCENES = [md_worker_freezes, md_worker_dies, front_goes_away, market_stops]


@pytest.mark.parametrize("scene", SCENES)
def test_it_is_told(scene: Scene, seeing: Group) -> None:
    scene(seeing)


@pytest.mark.parametrize("scene", SCENES)
def test_control_an_edge_that_does_not_look_tells_nothing(scene: Scene, blind: Group) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.PATIENCE_S", FEED_S + 3)
        with pytest.raises(TimeoutError):
            scene(blind)


def test_a_socket_that_did_not_ask_gets_ticks_and_nothing_else(seeing: Group) -> None:
    with (
        reader(seeing, "?notices=stale") as asking,
        reader(seeing, "") as silent,
        SimControl(seeing.config["sim"]["listen"]) as sim,
    ):
        sim.disconnect(side="md", seconds=1)
        notice(asking, "Stale", "front")
        notice(asking, "Fresh", "front")
        silent.send(MsgType="Ping")
        kinds = set()
        while (kind := silent.hear()["MsgType"]) != "Pong":
            kinds.add(kind)
        assert kinds <= {"RtnDepthMarketData"}


# -- the calendar's part --------------------------------------------------------------------------


def test_silence_on_a_holiday_is_no_alarm_and_in_a_session_it_is(tmp_path: Path) -> None:
    for name, open_now in (("open.yaml", True), ("holiday.yaml", False)):
        path = tmp_path / name.removesuffix(".yaml")
        path.mkdir()
        with (
            running(path, calendar_file(path, name, open_now=open_now)) as group,
            reader(group, "?notices=stale") as client,
        ):
            client.hear_of("RtnDepthMarketData")
            with no_ticks(group):
                if open_now:
                    notice(client, "Stale", "feed")
                else:
                    with pytest.raises(TimeoutError):
                        notice(client, "Stale", "feed", FEED_S * 2)


def old_tick(group: Group, day: date) -> list[dict[str, Any]]:
    """What a client hears that subscribes to an instrument whose front has but a tick of this day's
    first second, and what another one that comes later; as (first, later)."""
    fields = {
        "InstrumentID": NEVER,
        "TradingDay": f"{day:%Y%m%d}",
        "ActionDay": f"{day:%Y%m%d}",
        "UpdateTime": "00:00:01",
    }
    with (
        reader(group, "?notices=stale", NEVER) as client,
        reader(group, "", NEVER) as silent,
        SimControl(group.config["sim"]["listen"]) as sim,
    ):
        sim.raise_callback("OnRtnDepthMarketData", side="md", fields=fields)
        first = client.hear()
        with reader(group, "?notices=stale", NEVER) as later:
            second = later.hear()
        assert silent.hear()["MsgType"] == "RtnDepthMarketData"
    return [first, second]


def test_a_tick_of_before_the_session_is_told_before_it(tmp_path: Path) -> None:
    file = calendar_file(tmp_path, "open.yaml", open_now=True)
    today = datetime.now(CHINA).date()
    with running(tmp_path, file) as group:
        for heard in old_tick(group, today - timedelta(days=2)):
            assert heard["MsgType"] == "Stale"
            told = heard["Stale"]
            assert (told["InstrumentID"], told["Reason"]) == (NEVER, "old")
            assert told["AgeMs"] > 24 * 3600 * 1000
    path = tmp_path / "today"
    path.mkdir()
    with running(path, file) as group:
        kinds = [heard["MsgType"] for heard in old_tick(group, today)]
        assert kinds == ["RtnDepthMarketData"] * 2


def test_control_an_edge_that_does_not_look_gives_the_old_tick_without_a_word(
    tmp_path: Path,
) -> None:
    file = calendar_file(tmp_path, "open.yaml", open_now=True)
    day = datetime.now(CHINA).date() - timedelta(days=2)
    with running(tmp_path, file, BLIND) as group:
        kinds = [heard["MsgType"] for heard in old_tick(group, day)]
        assert kinds == ["RtnDepthMarketData"] * 2


def test_a_calendar_that_cannot_be_read_ends_the_edge_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("holidays: {2027: [31-02]}", "utf-8")
    overrides = {"calendar": str(tmp_path / "bad.yaml")}
    with (
        Group(tmp_path, overrides=overrides) as group,
        pytest.raises(AssertionError, match=r"ended with 2 .*\n*ws_edge: calendar: .*bad\.yaml"),
    ):
        group.start("ws_edge")
