"""A recorded day through the real md_worker onto a SUB socket."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import zmq

from bus.endpoints import Addresses, resolve
from bus.frames import BEAT, HEADER, Message, tick_topic, unpack_message
from recorder.ticks.store import TickStore
from schemas import catalogue
from tests.support.buslink import MdLink, TdLink
from tests.support.group import CHECKOUT, Group
from tests.support.recording import DAY, record

LONG_S = 60.0


@contextmanager
def listening(
    address: str, names: Iterable[str], high_water: int = 100_000
) -> Iterator[zmq.Socket[Any]]:
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.set(zmq.RCVHWM, high_water)
        socket.set(zmq.LINGER, 0)
        for name in names:
            socket.subscribe(tick_topic(name).encode())
        socket.connect(address)
        yield socket


def take(
    socket: zmq.Socket[Any], enough: Callable[[list[Message]], bool], *, beats: bool = False
) -> list[Message]:
    """Messages, those that are Beats only with ``beats``, until there are enough."""
    messages: list[Message] = []
    deadline = time.monotonic() + LONG_S
    while not enough(messages):
        assert time.monotonic() < deadline, f"{len(messages)} messages in {LONG_S} s"
        if socket.poll(100):
            message = unpack_message(socket.recv())
            if beats or message.type != BEAT:
                messages.append(message)
    return messages


def replaying(path: Path, folder: Path, query: str = "", **overrides: Any) -> Group:
    path.mkdir(parents=True, exist_ok=True)
    front = f"replay://{folder}?{query}"
    return Group(path, sim=False, overrides={"md_worker": {"front": front}, **overrides})


def content(messages: list[Message]) -> dict[str, list[tuple[int, int, int, int, bytes]]]:
    """All that has to be equal, by topic."""
    found: dict[str, list[tuple[int, int, int, int, bytes]]] = {}
    for m in messages:
        found.setdefault(m.topic, []).append((m.seq, m.type, m.layout, m.flags, m.body))
    return found


def test_a_recorded_day_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "ticks"
    (tmp_path / "live").mkdir()
    with Group(tmp_path / "live") as group:
        group.start("sim", "md_worker", "td_worker")
        with TdLink(group) as td:
            td.login()
            rows = td.request("ReqQryInstrument")
        names = [str(row["InstrumentID"]) for row in rows][::40][:25]
        with listening(group.ready["md_worker"]["pub"], names) as socket:
            live = take(socket, lambda m: len(m) >= 10 * len(names))
    store = TickStore(folder)
    for m in live:
        packed = m.topic.encode() + b"\0" + _header(m) + m.body
        store.add(DAY, m.topic.split("/")[1], packed)
    store.close()

    with replaying(tmp_path / "again", folder, f"day={DAY}&speed=max&wait=2") as group:
        group.start("md_worker")
        with listening(group.ready["md_worker"]["pub"], names) as socket:
            played = take(socket, lambda m: len(m) >= len(live))
            assert not socket.poll(1500) or unpack_message(socket.recv()).type == BEAT
    assert content(played) == content(live)
    assert [(m.topic, m.seq) for m in played] == [
        (m.topic, m.seq) for m in sorted(live, key=lambda m: (m.recv_ns, m.topic))
    ], "in the order of the receive times"
    assert played[0].epoch != live[0].epoch
    assert played[0].recv_ns > live[-1].recv_ns


def _header(m: Message) -> bytes:
    return HEADER.pack(*m[1:8])


def test_at_full_speed_nothing_is_lost_although_the_subscriber_is_slow(tmp_path: Path) -> None:
    names = [f"rb26{month:02}" for month in range(1, 13)]
    bodies = record(tmp_path / "ticks", names, 2500)
    query = "speed=max&wait=1"
    with replaying(tmp_path, tmp_path / "ticks", query, bus={"high_water": 500}) as group:
        group.start("md_worker")
        with listening(group.ready["md_worker"]["pub"], names, 500) as socket:
            first = take(socket, lambda m: len(m) >= 1)
            time.sleep(1.5)  # a slow one: its queues are full by now
            begun = time.monotonic()
            rest = take(socket, lambda m: len(m) >= 2500 * 12 - 1)
            spent = time.monotonic() - begun
        messages = first + rest
        print(f"{len(rest) / spent:.0f} ticks/s")
        assert {
            topic.split("/")[1]: [row[4] for row in rows]
            for topic, rows in content(messages).items()
        } == bodies
        with MdLink(group) as md:
            state = md.state(state="ready", wanted=0)["replay"]
        assert (state["ended"], state["played"], state["records"]) == (True, 30_000, 30_000)
        assert "the day is over" in group.log("md_worker")


def test_without_the_waiting_a_slow_subscriber_would_lose_ticks(tmp_path: Path) -> None:
    record(tmp_path / "ticks", ["rb2601"], 8000)
    front = f"replay://{tmp_path / 'ticks'}?speed=max&wait=1"
    overrides = {"md_worker": {"front": front}, "bus": {"high_water": 100}}
    entries = {"md_worker": "tests.support.impatient_worker"}
    with Group(tmp_path, sim=False, overrides=overrides, entries=entries) as group:
        group.start("md_worker")
        with (
            listening(group.ready["md_worker"]["pub"], ["rb2601"], 10) as socket,
            MdLink(group) as md,
        ):
            md.wait_for(lambda: bool(md.state_now()["replay"]["ended"]))
            got = []
            while socket.poll(500):
                message = unpack_message(socket.recv())
                if message.type != BEAT:
                    got.append(message)
    assert 0 < len(got) < 8000


def test_what_the_recorder_wrote_is_played_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    overrides = {"recorder": {"instruments": ["600000", "000001"], "batch_s": 0.05}}
    with Group(tmp_path / "live", overrides=overrides) as group:
        group.start("sim", "md_worker", "recorder")
        with listening(group.ready["md_worker"]["pub"], ["600000", "000001"]) as socket:
            live = take(socket, lambda m: len(m) >= 20)
        assert group.stop("recorder") == 0
        folder = group.data / "recorder"
        (day,) = TickStore(folder / "ticks").days()
        store = TickStore(folder / "ticks")
        written: dict[str, list[tuple[int, int, int, bytes]]] = {}
        for name in store.instruments(day):
            for reader in store.readers(day, name):
                with reader:
                    rows = [(r.type, r.layout, r.flags, r.body) for r in reader.records()]
                    written.setdefault(tick_topic(name), []).extend(rows)
        assert {m.body for m in live} <= {row[3] for rows in written.values() for row in rows}
        count = sum(map(len, written.values()))
        with replaying(tmp_path / "again", folder, "speed=max&wait=2") as again:
            again.start("md_worker")
            with listening(again.ready["md_worker"]["pub"], ["600000", "000001"]) as socket:
                played = content(take(socket, lambda m: len(m) >= count))
    assert {topic: [row[1:] for row in rows] for topic, rows in played.items()} == written


def test_who_takes_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    names = ["rb2601", "rb2605"]
    record(tmp_path / "ticks", names, 8000)
    query = "speed=max&wait=1"
    with replaying(tmp_path, tmp_path / "ticks", query, bus={"high_water": 100}) as group:
        group.start("md_worker")
        address = group.ready["md_worker"]["pub"]
        with listening(address, ["rb2601"], 10) as stuck:
            with listening(address, ["rb2605"]) as socket:
                # Who is slow may lose the last tick then; a Beat tells of it all the same.
                take(socket, lambda m: len(m) > 0 and m[-1].seq == 8000, beats=True)
            assert stuck.poll(0), "it was there, and took nothing"
    assert "takes nothing" in group.log("md_worker")


def test_true_time_ten_times_and_a_late_subscriber(tmp_path: Path) -> None:
    record(tmp_path / "ticks", ["rb2601", "rb2605"], 41)  # 20 s
    with replaying(tmp_path, tmp_path / "ticks", "speed=10&wait=0.5") as group:
        group.start("md_worker")
        address = group.ready["md_worker"]["pub"]
        with listening(address, ["rb2601"]) as socket:
            first = take(socket, lambda m: len(m) >= 12)
            with listening(address, ["rb2605"]) as late:
                joined = take(late, lambda m: bool(m) and m[-1].seq > 10)
                rest = take(socket, lambda m: bool(m) and m[-1].seq == 41)
        all_of_it = first + rest
        spent = (all_of_it[-1].recv_ns - all_of_it[0].recv_ns) / 1e9
        assert 1.9 < spent < 10.0, "20 s at ten times the speed"
        assert [m.seq for m in all_of_it] == list(range(1, 42))
        with MdLink(group) as md:
            state = md.state(state="ready")["replay"]
        codec_time = [_clock(m) for m in joined]
        assert codec_time[0] >= _clock(first[-1]) - 0.5, "the last one before it came first"
        assert [round(b - a, 1) for a, b in pairwise(codec_time)] == [0.5] * (len(joined) - 1), (
            "then it goes on without a hole"
        )
    assert state["day"] == DAY


def _clock(m: Message) -> float:
    values = catalogue.load().codec("DepthMarketData").unpack(m.body)
    hour, minute, second = str(values["UpdateTime"]).split(":")
    millisec = int(values["UpdateMillisec"] or 0)
    return int(hour) * 3600 + int(minute) * 60 + int(second) + millisec / 1000


def test_the_day_begins_again_in_a_loop(tmp_path: Path) -> None:
    record(tmp_path / "ticks", ["rb2601"], 5)
    with replaying(tmp_path, tmp_path / "ticks", "speed=max&wait=0.1&loop=1") as group:
        group.start("md_worker")
        with listening(group.ready["md_worker"]["pub"], ["rb2601"]) as socket:
            messages = take(socket, lambda m: len(m) >= 12)
    assert [m.seq for m in messages][:12] == list(range(1, 13))
    assert messages[5].body == messages[0].body


def test_csv_files_are_played_too(tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    lines = ["合约代码,最新价,交易日,业务日期,最后修改时间,最后修改毫秒,申买价一"]
    lines += [
        f"rb2601,{3500 + n}.5,{DAY},{DAY},09:00:{n // 2:02},{n % 2 * 500},1.7976931348623157e+308"
        for n in range(20)
    ]
    lines.insert(7, "rb2601,not a price")
    (folder / "rb.csv").write_text("\r\n".join(lines) + "\r\n", "gbk")
    with replaying(tmp_path, folder, f"day={DAY}&speed=max&wait=0.5") as group:
        group.start("md_worker")
        with MdLink(group) as md:
            md.subscribe(tick_topic("rb2601"))
            ticks = [md.next("OnRtnDepthMarketData") for _ in range(20)]
            login = md.login()
        assert [tick["LastPrice"] for tick in ticks] == [3500.5 + n for n in range(20)]
        assert {tick["BidPrice1"] for tick in ticks} == {None}
        assert login["TradingDay"] == DAY
        log = group.log("md_worker")
    assert "rb.csv:8: 2 columns, not 7" in log


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("day=20200101", f"has {DAY}, not 20200101"),
        ("speed=fast", "speed=fast is neither max nor a number"),
        ("day=today", "day=today is not like 20261123"),
        ("colour=red", "'colour' is no option"),
    ],
)
def test_what_cannot_be_played_is_refused_with_one_line(
    tmp_path: Path, query: str, text: str
) -> None:
    record(tmp_path / "ticks", ["rb2601"], 2)
    with replaying(tmp_path, tmp_path / "ticks") as group:
        good = group.config_file.read_text("utf-8")
        assert _check(group.config_file).returncode == 0
        group.config_file.write_text(good.replace("/ticks?", f"/ticks?{query}"), "utf-8")
        refused = _check(group.config_file)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert text in refused.stderr
        group.config_file.write_text(good.replace("/ticks?", "/nowhere?"), "utf-8")
        assert "there is no folder" in _check(group.config_file).stderr


def _check(config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "md_worker", "--check", "--config", str(config)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _replay(group: Group, folder: Path, *options: str) -> subprocess.Popen[str]:
    command = "from admin.main import main; main()"
    return subprocess.Popen(
        [
            *(sys.executable, "-c", command, "replay", str(folder)),
            *("--config", str(group.config_file), *options),
        ],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_plays_a_day_on_the_group_s_sockets_and_ends_with_it(tmp_path: Path) -> None:
    bodies = record(tmp_path / "ticks", ["rb2601", "rb2605"], 500)
    with Group(tmp_path, sim=False) as group:
        address = resolve(Addresses(), str(group.data)).md_pub
        with (
            _replay(group, tmp_path / "ticks", "--speed", "max", "--json") as process,
            listening(address, bodies) as socket,
        ):
            messages = take(socket, lambda m: len(m) >= 1000)
            out, errors = process.communicate(timeout=LONG_S)
    assert (process.returncode, errors) == (0, "")
    ready, state = map(json.loads, out.splitlines())
    assert ready["ready"]["pub"] == address
    assert (state["ended"], state["played"], state["day"]) == (True, 1000, DAY)
    assert [m.body for m in messages if m.topic == "tick/rb2601/"] == bodies["rb2601"]


def test_the_command_ends_when_there_is_nothing_to_play(tmp_path: Path) -> None:
    (tmp_path / "c s v").mkdir()
    lines = "TradingDay,InstrumentID,LastPrice,UpdateTime\nsoon,rb2601,3500,09:00:00\n"
    (tmp_path / "c s v" / "rb.csv").write_text(lines)
    with Group(tmp_path, sim=False) as group:
        with _replay(group, tmp_path / "c s v", "--json") as process:
            out, errors = process.communicate(timeout=LONG_S)
        assert process.returncode == 2
        assert errors.endswith("c s v has no ticks of any day\n")
        _, state = map(json.loads, out.splitlines())
        assert (state["ended"], state["played"]) == (False, 0)
        assert "no ticks of any day" in state["failed"]


def test_the_command_leaves_a_running_md_worker_alone(tmp_path: Path) -> None:
    record(tmp_path / "ticks", ["rb2601"], 5)
    with Group(tmp_path, sim=False) as group:
        group.start("md_worker")
        with _replay(group, tmp_path / "ticks") as process:
            _, errors = process.communicate(timeout=LONG_S)
        assert process.returncode == 75
        assert errors.endswith("is held by another process\n") and errors.count("\n") == 1
        with _replay(group, tmp_path / "none") as process:
            _, errors = process.communicate(timeout=LONG_S)
        assert process.returncode == 2 and "there is no folder" in errors
        assert group.running("md_worker")


@pytest.mark.parametrize("name", ["recording.md", "recording.zh.md"])
def test_the_documented_commands_do_what_they_say(tmp_path: Path, name: str) -> None:
    bodies = record(tmp_path / "ticks", ["rb2610"], 200)
    text = (CHECKOUT / "docs" / name).read_text("utf-8")
    exports = re.findall(r"^\.venv/bin/ctpbus (export .*)$", text, re.MULTILINE)
    (replay,) = re.findall(r"^\.venv/bin/ctpbus replay exported --config \S+ (.*)$", text, re.M)
    out = tmp_path / "exported"
    assert len(exports) == 2
    for line in exports:
        words = line.replace("var/recorder/ticks", str(tmp_path / "ticks")).split()
        words = [str(out) if word == "exported" else word for word in words]
        command = [sys.executable, "-c", "from admin.main import main; main()", *words]
        subprocess.run(command, cwd=CHECKOUT, check=True, timeout=LONG_S, capture_output=True)
    assert sorted(path.name for path in out.glob("*/*")) == ["rb2610.csv", "rb2610.parquet"]
    with Group(tmp_path, sim=False) as group:
        address = resolve(Addresses(), str(group.data)).md_pub
        with (
            _replay(group, out, *replay.split()) as process,
            listening(address, bodies) as socket,
        ):
            messages = take(socket, lambda m: len(m) >= 200)
            shown, _ = process.communicate(timeout=LONG_S)
    assert (process.returncode, shown) == (0, "")
    assert [m.body for m in messages] == bodies["rb2610"], "CSV brings back every byte"
