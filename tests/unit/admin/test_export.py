"""ctpbus export: what is written is what was recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recorder.ticks.store import TickStore
from replay.convert import convert
from replay.csv_files import csv_files
from schemas import catalogue as catalogues
from schemas.calendar import exchange_calendar
from tests.support.recording import DAY, NINE_NS, message, record, tick

COMMAND = "from admin.main import main; main()"
CHECKOUT = Path(__file__).resolve().parents[3]
CATALOGUE = catalogues.load()
CODEC = CATALOGUE.codec("DepthMarketData")
NAMES = ["rb2601", "SP a2609&a2701"]


def export(*arguments: object, command: str = COMMAND) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", command, "export", *map(str, arguments)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def summary(*arguments: object) -> dict[str, Any]:
    done = export(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def read(path: Path) -> Any:
    """The file alone, without what pyarrow would take from the names of folders."""
    return pq.ParquetFile(path).read()


@pytest.fixture
def ticks(tmp_path: Path) -> Path:
    record(tmp_path / "ticks", NAMES, 300)
    return tmp_path / "ticks"


def test_parquet_read_back_equals_the_ticks_in_every_field(ticks: Path, tmp_path: Path) -> None:
    found = summary(ticks, "-o", tmp_path / "out")
    assert found["ticks"] == 600
    for name in NAMES:
        table = read(tmp_path / "out" / DAY / f"{name}.parquet")
        (reader,) = TickStore(ticks).readers(DAY, name)
        with reader:
            records = list(reader.records())
        fields = [field.name for field in CODEC.layout.fields]
        rows = table.select(fields).to_pylist()
        assert rows == [CODEC.unpack(record.body) for record in records]
        assert any(row["BidPrice1"] is None for row in rows)
        times = table["recv_time"].cast(pa.int64()).to_pylist()
        assert times == [record.recv_ns for record in records]
        assert table["seq"].to_pylist() == [record.seq for record in records]
        assert table["epoch"].to_pylist() == [7] * 300
        made = table["exchange_time"].cast(pa.int64()).to_pylist()
        assert made == [NINE_NS + number * 500_000_000 for number in range(300)]


def test_columns_have_types_and_times_a_zone(ticks: Path, tmp_path: Path) -> None:
    summary(ticks, "-o", tmp_path / "out", "--per", "day")
    table = read(tmp_path / "out" / f"{DAY}.parquet")
    assert table.num_rows == 600 and set(table["InstrumentID"].to_pylist()) == set(NAMES)
    schema = table.schema
    assert schema.field("recv_time").type == pa.timestamp("ns", tz="Asia/Shanghai")
    assert schema.field("LastPrice").type == pa.float64()
    assert schema.field("Volume").type == pa.int32()
    assert schema.field("TradingDay").type == pa.string()
    first = table["recv_time"].slice(0, 1).cast(pa.timestamp("us", tz="UTC")).to_pylist()[0]
    assert first.replace(microsecond=0) == datetime(2026, 11, 23, 1, tzinfo=UTC)


def test_csv_is_read_back_as_it_was(ticks: Path, tmp_path: Path) -> None:
    found = summary(ticks, "-o", tmp_path / "csv", "--format", "csv", "--per", "day")
    files = [Path(file) for file in found["files"]]
    report = convert(files, tmp_path / "again", "", "", CATALOGUE, exchange_calendar())
    assert (report.ticks, report.bad) == (600, 0)
    for name in NAMES:
        (before,) = TickStore(ticks).readers(DAY, name)
        (after,) = TickStore(tmp_path / "again").readers(DAY, name)
        with before, after:
            assert [(r.recv_ns, r.body) for r in after.records()] == [
                (r.recv_ns, r.body) for r in before.records()
            ]


def test_gaps_and_damage_are_told(tmp_path: Path) -> None:
    store = TickStore(tmp_path / "ticks")
    for seq in (1, 2, 6):
        if seq == 6:
            store.add_gap(DAY, "rb2601", 7, 3, 5, NINE_NS + 2)
        store.add(DAY, "rb2601", message("rb2601", seq, NINE_NS + seq, tick("rb2601", seq)))
    store.close()
    path = tmp_path / "ticks" / DAY / "rb2601.ticks"
    raw = bytearray(path.read_bytes())
    raw[128 + 60] ^= 1
    path.write_bytes(raw)
    found = summary(tmp_path / "ticks", "-o", tmp_path / "out", "--format", "csv")
    assert (found["ticks"], found["damaged"], found["gap_count"]) == (2, 1, 1)
    gap = {"day": DAY, "instrument": "rb2601", "epoch": 7, "first": 3, "last": 5}
    assert found["gaps"] == [gap]
    done = export(tmp_path / "ticks", "-o", tmp_path / "out", "--format", "csv")
    assert f"missing: {DAY} rb2601 seq 3-5" in done.stdout


def test_a_gap_that_nobody_can_count_is_told_as_that(tmp_path: Path) -> None:
    store = TickStore(tmp_path / "ticks")
    store.add(DAY, "rb2601", message("rb2601", 1, NINE_NS + 1, tick("rb2601", 1)))
    store.add_gap(DAY, "rb2601", 8, 0, 0, NINE_NS + 2)
    store.close()
    done = export(tmp_path / "ticks", "-o", tmp_path / "out", "--format", "csv")
    assert f"missing: {DAY} rb2601 nobody knows how many" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--day", "20200101"], "no ticks of 20200101"),
        (["--instrument", "xx1"], "no ticks of xx1"),
    ],
)
def test_what_is_not_there_is_one_line(
    ticks: Path, tmp_path: Path, arguments: list[str], text: str
) -> None:
    done = export(ticks, "-o", tmp_path / "out", *arguments)
    assert (done.returncode, done.stderr) == (2, f"ctpbus: {text}\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("form", "room"), [("csv", 40_000), ("parquet", 20_000)])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    ticks: Path, tmp_path: Path, form: str, room: int
) -> None:
    limit = f"import resource as r; r.setrlimit(r.RLIMIT_FSIZE, ({room}, {room})); "
    done = export(
        ticks, "--out", tmp_path / "o", "--format", form, "--json", command=limit + COMMAND
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "File too large" in done.stderr
    assert [path.name for path in (tmp_path / "o").glob("*/*")] == []


@pytest.mark.parametrize(("first", "then"), [("day", "instrument"), ("instrument", "day")])
def test_a_day_does_not_come_to_stand_in_a_folder_twice(
    ticks: Path, tmp_path: Path, first: str, then: str
) -> None:
    out = tmp_path / "out"
    both = (ticks, "-o", out, "--format", "csv", "--per")
    summary(*both, first)
    done = export(*both, then)
    assert done.returncode == 2
    assert f"has ticks of {DAY} already" in done.stderr
    assert summary(*both, first)["ticks"] == 600  # the same once more
    assert sum(len(path.read_text().splitlines()) - 1 for path in csv_files(out)) == 600


def test_the_calendar_is_that_of_the_group(ticks: Path, tmp_path: Path) -> None:
    group = tmp_path / "group.yaml"
    group.write_text("calendar: missing.txt\n")
    done = export(ticks, "-o", tmp_path / "out", "--config", group)
    assert (done.returncode, "missing.txt" in done.stderr) == (2, True)
    group.write_text("calendar: always\n")
    assert summary(ticks, "-o", tmp_path / "out", "--config", group)["ticks"] == 600


def test_only_what_is_named_is_written(ticks: Path, tmp_path: Path) -> None:
    found = summary(ticks, "-o", tmp_path / "out", "--instrument", NAMES[0], "--day", DAY)
    assert found["files"] == [str(tmp_path / "out" / DAY / f"{NAMES[0]}.parquet")]
    assert [path.name for path in (tmp_path / "out" / DAY).iterdir()] == [f"{NAMES[0]}.parquet"]
