"""The recorder beside a md_worker by script: nights, losses, late ticks, a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bus.frames import HEADER, message_type, tick_topic
from recorder.ticks.record import GAP, Record
from recorder.ticks.store import TickStore
from tests.process.test_journal import market
from tests.process.test_recorder import Bystander, ask, stream
from tests.support.buslink import TdLink
from tests.support.disks import small_disk
from tests.support.edge_core import CATALOGUE
from tests.support.fake_md import KEEP, FakeMd
from tests.support.fake_worker import wait_until
from tests.support.group import CHECKOUT, Group

NAME = "rb2701"
TICK = message_type("OnRtnDepthMarketData")
CODEC = CATALOGUE.codec("DepthMarketData")
MONDAY, TUESDAY = "20261123", "20261124"


def raw(volume: int, name: str = NAME, day: str = MONDAY, clock: str = "10:00:00") -> bytes:
    fields = {"TradingDay": day, "ActionDay": day, "UpdateTime": clock}
    return CODEC.pack({"InstrumentID": name, "Volume": volume, **fields})


def ns(text: str) -> int:
    china = timezone(timedelta(hours=8))
    return int(datetime.fromisoformat(text).replace(tzinfo=china).timestamp()) * 10**9


@contextmanager
def recording(path: Path, **own: Any) -> Iterator[Group]:
    with Group(path, overrides={"recorder": {"min_free_mb": 0, **own}}) as group:
        yield group


def records(
    group: Group, day: str = MONDAY, name: str = NAME, part: str = "ticks", folder: str = "recorder"
) -> list[Record]:
    found = []
    for reader in TickStore(group.data / folder / part).readers(day, name):
        with reader:
            found += list(reader.records())
    return found


def seqs(group: Group, day: str = MONDAY, **options: str) -> list[int | tuple[int | None, int]]:
    return [
        (record.first_missing, record.seq) if record.type == GAP else record.seq
        for record in records(group, day, **options)
    ]


def wait_seqs(group: Group, wanted: list[Any], day: str = MONDAY, **options: str) -> None:
    wait_until(
        lambda: seqs(group, day, **options) == wanted,
        lambda: f"{seqs(group, day, **options)} and not {wanted}\n{group.log('recorder')}",
    )


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    with recording(tmp_path) as made:
        yield made


def test_the_trading_day_is_that_of_the_tick(group: Group) -> None:
    with FakeMd(group) as md:
        group.start("recorder")
        md.wait_subscribed("tick/")
        md.tick(NAME, raw(1), recv_ns=ns("2026-11-23 14:59:59"))
        md.tick(NAME, raw(2, day=TUESDAY, clock="21:00:00"), recv_ns=ns("2026-11-23 21:00:00"))
        # CZCE's evening has the natural day in both fields.
        md.tick("SR701", raw(1, "SR701"), recv_ns=ns("2026-11-23 14:59:59"))
        night = raw(2, "SR701", clock="21:00:00")
        md.tick("SR701", night, recv_ns=ns("2026-11-23 21:00:00"))
        for name in (NAME, "SR701"):
            wait_seqs(group, [1], name=name)
            wait_seqs(group, [2], TUESDAY, name=name)


def test_what_was_lost_on_the_way_is_fetched(group: Group) -> None:
    with FakeMd(group) as md:
        group.start("recorder")
        md.wait_subscribed("tick/")
        md.tick(NAME, raw(1))
        wait_seqs(group, [1])
        md.tick(NAME, raw(2), lost=True)
        md.tick(NAME, raw(3))
        wait_seqs(group, [1, 2, 3])
        md.tick(NAME, raw(4), lost=True)  # only a Beat tells of it
        wait_seqs(group, [1, 2, 3, 4])
        assert ask(group, "State")["healed"] == 2
        assert stream(group).lost == 0


def test_what_nobody_has_any_more_is_marked_said_and_counted(group: Group) -> None:
    with FakeMd(group, heals=False) as md:
        group.start("recorder")
        md.wait_subscribed("tick/")
        md.tick(NAME, raw(1))
        wait_seqs(group, [1])
        md.tick(NAME, raw(2), lost=True)
        md.tick(NAME, raw(3))
        wait_seqs(group, [1, (2, 2), 3])
        assert stream(group).lost == 1
        assert '"event":"ticks lost"' in group.log("recorder")


def test_a_recorder_that_was_away_too_long_says_what_it_has_not(group: Group) -> None:
    with FakeMd(group) as md:
        group.start("recorder")
        md.wait_subscribed("tick/")
        md.tick(NAME, raw(1))
        wait_seqs(group, [1])
        group.kill("recorder")
        md.wait_subscribed("tick/", False)
        last = [md.tick(NAME, raw(number)) for number in range(2, KEEP + 12)][-1]
        group.start("recorder")
        wait_seqs(group, [1, (2, 11), *range(12, last + 1)])
        assert stream(group).lost == 10


def put(group: Group, epoch: int, count: int, day: str = MONDAY) -> None:
    """Files of another gateway, as it were."""
    store = TickStore(group.data / "recorder" / "ticks")
    for seq in range(1, count + 1):
        header = HEADER.pack(epoch, seq, seq, seq, TICK, CATALOGUE.layout_id, 1)
        store.put((day, NAME), header, raw(seq))
    store.close()


@pytest.mark.parametrize("day", [MONDAY, TUESDAY])
def test_md_worker_counts_from_below_what_is_on_record(group: Group, day: str) -> None:
    put(group, 9, 3, day)
    before = [1, 2, 3] if day == MONDAY else []

    def wait_ticks(wanted: list[int]) -> None:
        def ticks() -> list[Any]:
            return [each for each in seqs(group) if isinstance(each, int)]

        wait_until(
            lambda: ticks() == before + wanted,
            lambda: f"{ticks()} and not {before + wanted}\n{group.log('recorder')}",
        )

    with FakeMd(group, epoch=5) as md:
        group.start("recorder")
        md.wait_subscribed("tick/")
        for number in range(1, 4):
            md.tick(NAME, raw(number))
        wait_ticks([1, 2, 3])
        assert seqs(group, day)[:3] == [1, 2, 3]
        assert '"event":"md_worker\'s epoch is below that of the files"' in group.log("recorder")
        assert stream(group).lost == 0
        group.stop("recorder")
        md.wait_subscribed("tick/", False)
        group.start("recorder")
        md.wait_subscribed("tick/")
        md.tick(NAME, raw(4))
        wait_ticks([1, 2, 3, 4])


def test_md_worker_begins_again_lower_while_the_recorder_runs(group: Group) -> None:
    group.start("recorder")
    with FakeMd(group, epoch=9) as md:
        md.wait_subscribed("tick/")
        md.tick(NAME, raw(1))
        wait_seqs(group, [1])
    with FakeMd(group, epoch=5) as md:
        md.wait_subscribed("tick/")
        for number in range(1, 4):
            md.tick(NAME, raw(number))
        wait_seqs(group, [1, (None, 0), 1, 2, 3])
        assert stream(group).lost == 0


def test_late_ticks_have_files_of_their_own(group: Group) -> None:
    with FakeMd(group) as md:
        group.start("recorder")
        md.wait_subscribed("late/")
        for number in range(1, 4):
            md.tick(NAME, raw(number))
            md.tick(NAME, raw(number), late=True)
        wait_seqs(group, [1, 2, 3])
        wait_seqs(group, [1, 2, 3], part="late")


def test_instruments_of_the_configuration_are_subscribed(tmp_path: Path) -> None:
    with recording(tmp_path, instruments=[NAME]) as group, FakeMd(group) as md:
        group.start("recorder")
        md.wait_subscribed(tick_topic(NAME))
        assert ask(group, "StopStream", "ticks")["running"] is False
        md.wait_subscribed(tick_topic(NAME), False)


def test_two_recorders_keep_the_same_and_one_cannot_run_twice(group: Group) -> None:
    with FakeMd(group) as md:
        group.start("recorder", "recorder:b")
        md.wait_subscribed("tick/")
        for number in range(1, 4):
            md.tick(NAME, raw(number))
        wait_seqs(group, [1, 2, 3])
        wait_seqs(group, [1, 2, 3], folder="recorder.b")
        assert records(group) == records(group, folder="recorder.b")
        group.kill("recorder")
        md.tick(NAME, raw(4))
        wait_seqs(group, [1, 2, 3, 4], folder="recorder.b")
        assert ask(group, "State", recorder="recorder:b")["member"] == "b"
        command = [sys.executable, "-m", "recorder", "--config", str(group.config_file)]
        second = subprocess.run(
            [*command, "--member", "b"], cwd=CHECKOUT, capture_output=True, check=False
        )
        assert second.returncode == 75, second.stderr


def test_old_days_go_and_the_current_one_stays(tmp_path: Path) -> None:
    with recording(tmp_path, keep_days=2) as group, FakeMd(group) as md:
        for day in ("20261118", "20261119", "20261120"):
            folder = group.data / "recorder" / "ticks" / day
            folder.mkdir(parents=True)
            (folder / "x.ticks").write_bytes(b"")
        group.start("recorder")
        md.wait_subscribed("tick/")
        md.tick(NAME, raw(1))
        ticks = group.data / "recorder" / "ticks"
        wait_until(lambda: not (ticks / "20261118").exists(), lambda: group.log("recorder"))
        wait_seqs(group, [1])
        assert (ticks / "20261120").exists()


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as folder:
        yield folder


def test_a_full_disk_is_reported_and_marked_and_the_flow_goes_on(
    tmp_path: Path, full_disk: Path
) -> None:
    with recording(tmp_path, folder=str(full_disk), min_free_mb=1) as group, FakeMd(group) as md:
        group.start("recorder")
        md.wait_subscribed("tick/")
        store = TickStore(full_disk / "ticks")
        number = 0
        while not ask(group, "State")["not_written"]:
            for _ in range(50):
                number += 1
                md.tick(NAME, raw(number))
            wait_until(partial(_settled, group, number), lambda: "neither written nor lost")
        md.tick("rb2705", raw(1, "rb2705"))  # not even a new file can be made, or only its name
        wait_until(lambda: stream(group).received > number, lambda: "it has stopped")
        log = group.log("recorder")
        assert '"event":"ticks could not be written"' in log
        assert "No space left on device" in log
        assert log.count("ticks could not be written") < 5
        assert '"event":"the disk fills up"' in log
        assert stream(group).lost > 0

        (full_disk / "ticks" / MONDAY / "rb2705.ticks").unlink(missing_ok=True)
        path = full_disk / "ticks" / MONDAY / f"{NAME}.ticks"
        whole = list(_records(store))
        os.truncate(path, path.stat().st_size // 2)  # room again, as when an administrator made it
        group.restart("recorder")
        last = 0

        def written() -> bool:
            nonlocal last
            last = md.tick(NAME, raw(9))
            time.sleep(0.3)
            return any(record.seq == last for record in _records(store))

        wait_until(written, lambda: group.log("recorder"))
        kept = list(_records(store))
        assert len(kept) < len(whole)
        assert any(record.type == GAP for record in kept)
        assert [record.seq for record in kept] == sorted(record.seq for record in kept)
        assert group.stop("recorder") == 0


def _settled(group: Group, count: int) -> bool:
    ticks = stream(group)
    return ticks.written + ticks.lost >= count


def _records(store: TickStore) -> Iterator[Record]:
    for reader in store.readers(MONDAY, NAME):
        with reader:
            yield from reader.records()


def test_beside_a_recorder_without_room_ticks_and_orders_go_on(
    tmp_path: Path, full_disk: Path
) -> None:
    with (full_disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(4096))
    settings = {"calendar": "always", "recorder": {"folder": str(full_disk)}}
    with Group(tmp_path, overrides=settings) as group:
        group.start("sim")
        group.start("md_worker", "td_worker", "recorder")
        with TdLink(group) as td:
            by = Bystander(group, "600000")
            try:
                td.login()
                by.ticks(3)
                wait_until(lambda: stream(group).lost >= 2, lambda: group.log("recorder"))
                before = len(by.seen["600000"])
                name, price = market(td)
                td.order(name, price, client_order_id="full disk")
                td.wait_outcome("FILLED", client_order_id="full disk")
                by.until(lambda: len(by.seen["600000"]) > before + 2, "ticks")
            finally:
                by.close()
        assert "No space left on device" in group.log("recorder")
        assert group.running("recorder")
        assert group.stop("recorder") == 0
