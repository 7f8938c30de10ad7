"""API objects and their folders, one for each trading day."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

import schemas.catalogue
from schemas.counter import Counter, Event
from schemas.errors import NETWORK_FAILURE
from td_worker.connection import Connection, NotStarted, Stopped
from td_worker.flows import FlowError, Flows, expected_day
from td_worker.lifecycle import Lifecycle

CATALOGUE = schemas.catalogue.load()
CONNECTED = Event("OnFrontConnected", None, None, 0, False, 0, 0)
Said = Event | NotStarted | Stopped


class FakeApi:
    def __init__(self, accept: Callable[[Event], None]) -> None:
        self.accept = accept
        self.folder: Path | None = None
        self.running = False

    def start(self, folder: Path) -> None:
        self.folder, self.running = folder, True

    def stop(self) -> None:
        self.running = False

    def request(self, name: str, raw: bytes, number: int) -> int:
        return 0


class AtOnce(Lifecycle):
    def __init__(self) -> None: ...

    def put(self, job: Callable[[], None]) -> None:
        job()


class Bench:
    def __init__(self, folder: Path, slot: int = 0) -> None:
        self.apis: list[FakeApi] = []
        self.said: list[tuple[int, Said]] = []
        self.connection = Connection(
            CATALOGUE,
            ["tcp://x"],
            Flows(folder, slot),
            AtOnce(),
            lambda generation, event: self.said.append((generation, event)),
            self._make,
        )

    def _make(
        self, catalogue: object, side: str, fronts: list[str], accept: Callable[[Event], None]
    ) -> Counter:
        self.apis.append(FakeApi(accept))
        return cast(Counter, self.apis[-1])


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-03-04 08:59", "20260304"),  # a Wednesday
        ("2026-03-04 16:59", "20260304"),
        ("2026-03-04 17:00", "20260305"),
        ("2026-03-06 17:00", "20260309"),  # the night of a Friday
        ("2026-03-07 02:00", "20260309"),
        ("2026-03-08 12:00", "20260309"),
    ],
)
def test_the_day_that_a_login_should_tell(moment: str, day: str) -> None:
    china = time.mktime(time.strptime(moment, "%Y-%m-%d %H:%M")) - time.timezone - 8 * 3600
    assert expected_day(china) == day


def test_each_day_has_a_folder_and_those_of_other_days_go(tmp_path: Path) -> None:
    for path in ("20260302", "20260302-1", "20260303-2"):
        (tmp_path / path).mkdir()
        (tmp_path / path / "Private.con").touch()
    assert Flows(tmp_path, 0).prepare("20260303") == tmp_path / "20260303"
    assert Flows(tmp_path, 1).prepare("20260303") == tmp_path / "20260303-1"
    assert {path.name for path in tmp_path.iterdir()} == {"20260303", "20260303-1", "20260303-2"}
    (tmp_path / "20260303" / "Private.con").touch()
    Flows(tmp_path, 0).prepare("20260303")
    assert (tmp_path / "20260303" / "Private.con").exists()


def test_a_folder_that_cannot_be_is_a_clear_error_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "flow").write_text("a file")
    bench = Bench(tmp_path / "flow")
    bench.connection.start()
    ((generation, said),) = bench.said
    assert isinstance(said, NotStarted)
    assert (generation, "cannot be written" in said.text) == (1, True)
    assert not bench.apis[0].running


def test_what_was_not_started_is_tried_again_when_it_is_time(tmp_path: Path) -> None:
    (tmp_path / "flow").write_text("a file")
    bench = Bench(tmp_path / "flow")
    bench.connection.start()
    bench.connection.not_started(again=10.0)
    (tmp_path / "flow").unlink()
    bench.connection.poll(9.0)
    assert len(bench.apis) == 1
    bench.connection.poll(10.0)
    bench.connection.poll(20.0)
    assert [api.running for api in bench.apis] == [False, True]
    bench.connection.not_started(again=30.0)
    bench.connection.stop()
    bench.connection.poll(30.0)
    assert len(bench.apis) == 2


def test_too_few_files_are_a_clear_error(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 20, limits[1]))
    try:
        with pytest.raises(FlowError, match="raise `ulimit -n`"):
            Flows(tmp_path, 0).prepare("20260303")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_another_trading_day_brings_another_api_object_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.connection.start()
    assert not bench.connection.fits("20200101")
    first, second = bench.apis
    assert (first.running, second.running, second.folder) == (False, True, tmp_path / "20200101")
    assert not (tmp_path / expected_day(time.time())).exists()
    assert bench.connection.fits("20200102"), "the counter says something else each time"
    assert len(bench.apis) == 2
    assert bench.connection.fits("20200101")
    assert not bench.connection.fits("20200102"), "the next day has come"
    assert len(bench.apis) == 3


def test_a_login_of_the_expected_day_or_without_one_changes_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.connection.start()
    assert bench.connection.fits(expected_day(time.time()))
    assert bench.connection.fits("")
    assert len(bench.apis) == 1


def test_what_an_api_object_says_bears_its_generation(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.connection.start()
    bench.connection.fits("20200101")
    for api in reversed(bench.apis):
        api.accept(CONNECTED)
    assert bench.said == [(2, CONNECTED), (1, CONNECTED)]
    assert bench.connection.generation == 2


def test_after_the_end_nothing_is_sent(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.connection.request("ReqUserLogin", b"", 1) == NETWORK_FAILURE
    bench.connection.start()
    assert bench.connection.request("ReqUserLogin", b"", 1) == 0
    bench.connection.stop()
    assert bench.connection.request("ReqUserLogin", b"", 1) == NETWORK_FAILURE
    assert bench.said == [(1, Stopped())]
