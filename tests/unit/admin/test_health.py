"""The lights: what turns each one, and that no fault turns another."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from admin.watch.health import Bounds, Colour, Flight, Health, Light, ready
from admin.watch.told import Group, Told
from bus.frames import Message, message_type, stat_topic, state_topic
from bus.stats import Meter, with_more
from schemas.calendar import always_open, exchange_calendar

PROGRAMS: Final = {name: name for name in ("md_worker", "td_worker", "ws_edge", "recorder")}
# 10:30 in Shanghai of a Tuesday, and of the National Day.
OPEN_NS: Final = 1_767_666_600_000_000_000
HOLIDAY_NS: Final = 1_790_821_800_000_000_000
MD: Final = {"front": "connected", "logged_in": True, "state": "ready", "reason": None}
ACCOUNT: Final = {"state": "ready", "clients": 1}


class World:
    """A group that is well until it is told otherwise."""

    def __init__(self, wall_ns: int = OPEN_NS, *, always: bool = False) -> None:
        self.group = Group(PROGRAMS, {"md_worker": "md_worker", "td_worker": "td_worker"})
        calendar = always_open() if always else exchange_calendar()
        self.health = Health(calendar, Bounds(2.0, 100, 10.0))
        self.now, self.wall_ns = 1000.0, wall_ns
        self.frozen: set[str] = set()
        self.tick_age = 0.2
        self.md: dict[str, Any] = dict(MD)
        self.accounts: list[dict[str, Any]] = [dict(ACCOUNT)]
        self.ages = {"md_worker": 0.1, "td_worker": 0.1}
        self.counters: dict[str, dict[str, int]] = {name: {} for name in PROGRAMS}
        self.levels: dict[str, int] = {}
        self.refusals = 0
        self.free_mb = 1000
        self.flight: Flight | None = Flight(True)
        self.instruments = ["rb2610"]
        self.meters = {name: Meter(name) for name in PROGRAMS}

    def add(self, program: str) -> None:
        """One more, of a module of its name."""
        self.group.told[program] = Told(program, program)
        self.counters[program] = {}
        self.meters[program] = Meter(program)

    def say(self) -> None:
        """What each process says in a second."""
        for name in self.meters.keys() - self.frozen:
            stat = self.meters[name].stat(
                {"ticks": 1, **self.counters[name]},
                {},
                {"recording": 1, **self.levels},
                ages={"tick": self.tick_age} if name == "md_worker" else self.ages,
                kinds={"refusals": {"max_volume": self.refusals}},
            )
            self.take(name, stat_topic(name), with_more(stat, instruments=self.instruments))
        for name, state in (("md_worker", self.md), ("td_worker", {"accounts": self.accounts})):
            if name not in self.frozen:
                self.take(name, state_topic(name), state)

    def take(self, program: str, topic: str, body: object) -> None:
        kind = message_type("Stat")
        message = Message(topic, 1, 1, 0, 0, kind, 0, 4, msgspec.msgpack.encode(body))
        self.group.take(program, message, self.now)

    def run(self, seconds: float) -> dict[str, Light]:
        """The lights after so long."""
        end, said = self.now + seconds, 0.0
        while self.now < end:
            if self.now - said >= 1.0:
                said = self.now
                self.say()
            lights = self.look()
            self.now += 0.2
            self.wall_ns += 200_000_000
        return lights

    def look(self) -> dict[str, Light]:
        found = self.health.look(self.group.told, self.free_mb, self.flight, self.now, self.wall_ns)
        return {light.name: light for light in found}

    def red(self, seconds: float = 3.0) -> set[str]:
        return {n for n, light in self.run(seconds).items() if light.colour is Colour.RED}


@pytest.fixture
def world() -> World:
    made = World()
    assert {light.colour for light in made.run(3).values()} == {Colour.GREEN}
    return made


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_process_that_is_silent_is_red_within_three_seconds(world: World, program: str) -> None:
    world.frozen = {program}
    assert world.red() == {f"process.{program}"}
    world.frozen = set()
    assert world.red() == set()


def test_a_process_that_wakes_up_has_not_lost_its_link(world: World) -> None:
    world.frozen = {"ws_edge"}
    world.run(6)
    world.frozen, world.ages = set(), {"md_worker": 6.0, "td_worker": 6.0}
    world.say()
    lights = world.look()
    assert lights["process.ws_edge"].colour is Colour.GREEN
    assert lights["bus.ws_edge"].colour is Colour.GREEN
    assert lights["bus.recorder"].colour is Colour.RED  # which had its time


def test_clients_are_served_without_a_recorder(world: World) -> None:
    world.frozen = {"recorder"}
    assert world.red() == {"process.recorder"}
    assert ready(world.run(0.2).values())
    world.frozen = {"ws_edge"}
    assert not ready(world.run(3).values())


def test_ofx_lines_that_are_refused_are_a_light_of_their_own() -> None:
    world = World()
    world.add("tcp_edge")
    assert "replay.tcp_edge" not in world.run(3)  # there is no listener on v1
    world.levels = {"window_refuses_s": 0}
    assert world.run(3)["replay.tcp_edge"].colour is Colour.GREEN
    world.levels = {"window_refuses_s": 30}
    lights = world.run(3)
    assert {name for name in lights if lights[name].colour is Colour.RED} == {"replay.tcp_edge"}
    assert "30 s" in lights["replay.tcp_edge"].en
    assert not ready(lights.values())
    world.frozen = {"tcp_edge"}
    assert world.red() == {"process.tcp_edge"}


def test_a_feed_that_has_stopped(world: World) -> None:
    world.tick_age = 2.5
    assert world.red() == {"md_data.md_worker"}
    assert not ready(world.run(0.2).values())


def test_fronts_that_are_away(world: World) -> None:
    world.md = {"front": "disconnected", "logged_in": False, "state": "disconnected", "reason": 1}
    world.instruments = []
    assert world.red(1) == {"md_front.md_worker"}
    world.md, world.instruments = dict(MD), ["rb2610"]
    world.accounts = [{"state": "disconnected", "clients": 1}, dict(ACCOUNT)]
    assert world.red() == {"td_front"}


def test_logins_that_are_refused(world: World) -> None:
    world.md = {"front": "connected", "logged_in": False, "state": "refused", "reason": 3}
    assert world.red() == {"md_login.md_worker"}
    world.md = dict(MD)
    world.accounts = [{"state": "refused", "clients": 1}]
    assert world.red() == {"td_login"}
    world.accounts = [{"state": "refused", "clients": 0}]  # a wrong password is no fault of ours
    assert world.red() == set()


def test_a_link_that_is_cut(world: World) -> None:
    world.ages = {"md_worker": 3.0, "td_worker": 0.1}
    assert world.red() == {"bus.ws_edge", "bus.recorder"}


def test_what_is_lost_shows_for_a_while(world: World) -> None:
    world.counters["ws_edge"] = {"ticks_lost": 5}
    assert world.red() == {"bus.ws_edge"}
    assert world.red(11) == set()


def test_a_new_start_of_a_process_is_no_loss(world: World) -> None:
    world.counters["ws_edge"] = {"ticks_lost": 5}
    world.run(12)
    world.meters["ws_edge"] = Meter("ws_edge")
    world.counters["ws_edge"] = {"ticks_lost": 0}
    assert world.red() == set()


@pytest.mark.parametrize(
    ("level", "light"),
    [("orders_unknown", "orders"), ("killed", "limits"), ("tables_failing", "recorder.recorder")],
)
def test_levels_that_must_be_zero(world: World, level: str, light: str) -> None:
    world.levels = {level: 1}
    assert world.red() == {light}


def test_a_refusal_by_a_limit_is_yellow(world: World) -> None:
    world.refusals = 1
    lights = world.run(3)
    assert [n for n, x in lights.items() if x.colour is Colour.YELLOW] == ["limits"]
    assert ready(lights.values())


def test_a_full_disk(world: World) -> None:
    world.free_mb = 99
    assert world.red() == {"disk"}


def test_the_canary_is_red_only_when_nothing_else_tells_why(world: World) -> None:
    world.flight = Flight(False, "client → ws_edge", world.now)
    assert world.red() == {"canary"}
    world.frozen = {"ws_edge"}
    assert world.red() == {"process.ws_edge"}
    world.frozen = set()
    assert world.red() == set()  # it was lost when something else was


def test_a_holiday_raises_no_light() -> None:
    world = World(HOLIDAY_NS)
    world.tick_age = 80_000.0
    assert world.red() == set()
    world.md = {"front": "disconnected", "logged_in": False, "state": "disconnected", "reason": 1}
    world.accounts = [{"state": "disconnected", "clients": 1}]
    lights = world.run(30)
    assert lights["md_front.md_worker"].colour is Colour.YELLOW
    assert lights["td_front"].colour is Colour.YELLOW
    assert lights["session"].colour is Colour.GREY
    assert not [light for light in lights.values() if light.colour is Colour.RED]


def test_without_the_calendar_the_holiday_would_be_an_alarm() -> None:
    world = World(HOLIDAY_NS, always=True)
    world.tick_age = 80_000.0
    assert world.red() == {"md_data.md_worker"}


def test_when_we_have_slept_others_are_not_blamed(world: World) -> None:
    world.now += 60
    world.wall_ns += 60_000_000_000
    assert Colour.RED not in {light.colour for light in world.look().values()}
    world.say()
    assert world.red() == set()


def test_a_light_knows_since_when(world: World) -> None:
    world.free_mb = 0
    begun = world.wall_ns
    assert world.run(5)["disk"].since_ns == begun
    assert world.run(5)["disk"].since_ns == begun
