"""Streams are switched one by one, and remember it."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.streams import Counters, Streams


class Fake:
    def __init__(self, name: str) -> None:
        self.name, self.counters = name, Counters(received=3)
        self.said: list[str] = []

    def start(self) -> None:
        self.said.append("start")

    def stop(self) -> None:
        self.said.append("stop")


def made(folder: Path, *names: str) -> tuple[Streams, Fake, Fake]:
    ticks, orders = Fake("ticks"), Fake("orders")
    streams = Streams([ticks, orders], names, folder)
    streams.begin()
    return streams, ticks, orders


def test_those_of_the_configuration_run(tmp_path: Path) -> None:
    streams, ticks, orders = made(tmp_path, "ticks", "assets")
    assert (ticks.said, orders.said) == (["start"], [])
    assert [(s.name, s.running, s.received) for s in streams.states()] == [
        ("ticks", True, 3),
        ("orders", False, 3),
    ]
    streams.end()
    assert ticks.said == ["start", "stop"]


def test_what_a_call_has_switched_holds_after_a_restart(tmp_path: Path) -> None:
    streams, ticks, _ = made(tmp_path, "ticks")
    assert not streams.switch("ticks", False).running
    assert streams.switch("orders", True).running
    assert not streams.switch("ticks", False).running
    assert ticks.said == ["start", "stop"]
    _, ticks, orders = made(tmp_path, "ticks")
    assert (ticks.said, orders.said) == ([], ["start"])
    with pytest.raises(KeyError):
        streams.switch("quotes", True)


def test_a_note_that_cannot_be_read_is_said_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "streams.json").write_text("{")
    _, ticks, orders = made(tmp_path, "ticks")
    assert (ticks.said, orders.said) == (["start"], [])
    assert "not known" in caplog.text


def test_a_note_that_cannot_be_written_is_an_error_though_the_stream_stops(tmp_path: Path) -> None:
    streams, ticks, _ = made(tmp_path, "ticks")
    (tmp_path / "streams.new").mkdir()
    with pytest.raises(OSError, match="streams"):
        streams.switch("ticks", False)
    assert ticks.said == ["start", "stop"]
    (tmp_path / "streams.new").rmdir()
    assert not streams.switch("ticks", False).running
    _, again, _ = made(tmp_path, "ticks")
    assert again.said == [], "the second call has written it"
