"""What is an alarm, and supervisord's events."""

from __future__ import annotations

import pytest

from admin.watch.alarming import Alarm, Alarms
from admin.watch.events import Event, Events, ProtocolError
from admin.watch.health import Colour, Light

S = 1_000_000_000


def light(name: str, colour: Colour, since_ns: int = 0) -> Light:
    return Light(name, colour, since_ns, "en", "zh")


def told(alarms: list[Alarm]) -> list[tuple[str, bool]]:
    return [(alarm.what, alarm.over) for alarm in alarms]


def event(name: str, **fields: str) -> Event:
    return Event(f"PROCESS_STATE_{name}", {"processname": "ws_edge", **fields})


def frame(name: str, payload: str) -> bytes:
    return f"ver:3.0 serial:1 eventname:{name} len:{len(payload)}\n{payload}".encode()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_events_do_not_depend_on_how_the_pipe_cuts_them(size: int) -> None:
    payload = "processname:ws_edge groupname:ws_edge from_state:RUNNING expected:0 pid:7"
    data = frame("PROCESS_STATE_EXITED", payload) + frame("PROCESS_STATE_RUNNING", "processname:a")
    events = Events()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    first, second = [found for piece in pieces for found in events.receive(piece)]
    assert (first.name, first.fields["expected"]) == ("PROCESS_STATE_EXITED", "0")
    assert second == Event("PROCESS_STATE_RUNNING", {"processname": "a"})


@pytest.mark.parametrize(
    "data", [b"eventname:X\n", b"len:x eventname:X\n", b"len:3\n", b"x" * 70_000]
)
def test_what_supervisord_does_not_send_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        Events().receive(data)


def test_an_exit_is_told_once_with_its_end() -> None:
    alarms = Alarms(10)
    assert told(alarms.event(event("EXITED", expected="0"), 1)) == [("exit.ws_edge", False)]
    assert told(alarms.event(event("BACKOFF"), 2)) == []
    assert told(alarms.event(event("FATAL"), 3)) == [("exit.ws_edge", False)]
    assert told(alarms.event(event("RUNNING"), 4)) == [("exit.ws_edge", True)]
    assert told(alarms.event(event("RUNNING"), 5)) == []


def test_a_stop_on_purpose_is_no_alarm_and_neither_is_the_silence() -> None:
    alarms = Alarms(10)
    assert told(alarms.event(event("STOPPED"), 1)) == []
    silent = [light("process.ws_edge", Colour.RED)]
    assert told(alarms.look(silent, 60 * S)) == []
    alarms.event(event("RUNNING"), 2)
    assert told(alarms.look(silent, 60 * S)) == [("process.ws_edge", False)]


def test_a_light_is_an_alarm_when_it_stays_red() -> None:
    alarms = Alarms(10)
    red = [light("md_data.md_worker", Colour.RED, since_ns=S)]
    assert told(alarms.look(red, 5 * S)) == []
    assert told(alarms.look(red, 11 * S)) == [("md_data.md_worker", False)]
    assert told(alarms.look(red, 12 * S)) == []
    assert told(alarms.look([light("md_data.md_worker", Colour.GREY)], 13 * S)) == []
    green = [light("md_data.md_worker", Colour.GREEN)]
    assert told(alarms.look(green, 14 * S)) == [("md_data.md_worker", True)]


@pytest.mark.parametrize("name", ["orders", "limits", "disk"])
def test_what_does_not_pass_is_told_at_once(name: str) -> None:
    assert told(Alarms(10).look([light(name, Colour.RED, since_ns=S)], S)) == [(name, False)]


def test_a_holiday_is_none() -> None:
    lights = [light("md_front.md_worker", Colour.YELLOW), light("md_data.md_worker", Colour.GREY)]
    assert told(Alarms(0).look(lights, 86_400 * S)) == []
