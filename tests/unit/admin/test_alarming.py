"""What is an alarm, and supervisord's events."""

from __future__ import annotations

import json
import queue
import socket
import time
from contextlib import suppress

import pytest
import yaml

from admin.watch import webhook
from admin.watch.alarming import Alarm, Alarms
from admin.watch.events import Event, Events, ProtocolError
from admin.watch.health import Colour, Light
from admin.watch.webhook import Webhook
from bus.secrets import Secret
from tests.support.fake_worker import wait_until
from tests.support.group import CHECKOUT

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
    assert told(alarms.event(event("FATAL"), 3)) == []
    alarms.event(event("RUNNING"), S)
    assert told(alarms.look([], 10 * S)) == []
    assert told(alarms.look([], 11 * S)) == [("exit.ws_edge", True)]
    assert told(alarms.look([], 12 * S)) == []


def test_a_program_that_ends_again_and_again_is_one_alarm() -> None:
    alarms = Alarms(10)
    silent = [light("process.ws_edge", Colour.RED)]
    found = []
    for at in range(0, 300, 5):
        found += alarms.event(event("EXITED", expected="0"), at * S)
        found += alarms.look(silent, (at + 1) * S)
        found += alarms.event(event("RUNNING"), (at + 2) * S)
        found += alarms.look([], (at + 4) * S)
    assert told(found) == [("exit.ws_edge", False)]
    assert told(alarms.look([], 400 * S)) == [("exit.ws_edge", True)]
    assert told(alarms.look(silent, 401 * S)) == [("process.ws_edge", False)]


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
    (over,) = alarms.look(green, 14 * S)
    assert (over.what, over.over) == ("md_data.md_worker", True)
    assert (over.en, over.zh) == ("over: en", "已恢复：zh")  # a chat shows the text alone


@pytest.mark.parametrize("name", ["orders", "limits", "disk"])
def test_what_does_not_pass_is_told_at_once(name: str) -> None:
    assert told(Alarms(10).look([light(name, Colour.RED, since_ns=S)], S)) == [(name, False)]


def test_a_holiday_is_none() -> None:
    lights = [light("md_front.md_worker", Colour.YELLOW), light("md_data.md_worker", Colour.GREY)]
    assert told(Alarms(0).look(lights, 86_400 * S)) == []


def test_a_receiver_that_hangs_holds_up_nobody(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "_PAUSE_S", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        hook = Webhook(Secret(f"http://127.0.0.1:{port}/geheim"), timeout_s=0.1)
        began = time.monotonic()
        for number in range(150):
            hook.send(Alarm(f"light {number}", False, 1, "en", "zh"))
        assert time.monotonic() - began < 10  # to wait for it would take 45 s
        assert 40 <= hook.lost <= 50  # no more than so many wait
        wait_until(lambda: hook.lost >= 51, lambda: f"{hook.lost} lost")
        # Its thread has no end: those that wait would be told in the midst of other tests.
        left = 0
        with suppress(queue.Empty):
            while hook._waiting.get_nowait():
                left += 1
        told = "an alarm was not taken"
        wait_until(lambda: caplog.messages.count(told) == 150 - left, lambda: f"{left} left")
    assert "geheim" not in caplog.text


def test_the_rules_and_the_dashboard_have_the_form_that_they_need() -> None:
    rules = yaml.safe_load((CHECKOUT / "deploy/prometheus/alerts.yml").read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert {"alert", "expr", "labels", "annotations"} <= rule.keys()
            assert rule["expr"].count("(") == rule["expr"].count(")")
            assert rule["expr"].count("{") == rule["expr"].count("}")
            # A series that is not there before its first event is not known to `increase`.
            if "ctpbus_refusals_total[" in rule["expr"]:
                assert "unless ctpbus_refusals_total offset" in rule["expr"]
    board = json.loads((CHECKOUT / "deploy/grafana/dashboard.json").read_text("utf-8"))
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(target["expr"] for panel in board["panels"] for target in panel["targets"])
