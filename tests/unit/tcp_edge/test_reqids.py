"""Numbers of requests, over processes and their deaths."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tcp_edge.reqids import Reqids, gateway_name
from tests.support.group import CHECKOUT

COUNT = """
import sys
from pathlib import Path
from tcp_edge.reqids import Reqids
reqids = Reqids(Path(sys.argv[1]), lambda: "20261123")
for _ in range(int(sys.argv[2])):
    print(reqids.next(), flush=True)
"""


def counting(folder: Path, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", COUNT, str(folder), str(times)]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)


def test_they_begin_at_1_each_day_and_rise(tmp_path: Path) -> None:
    day = ["20261123"]
    reqids = Reqids(tmp_path, lambda: day[0])
    assert [reqids.next() for _ in range(3)] == [1, 2, 3]
    day[0] = "20261124"
    assert [reqids.next() for _ in range(2)] == [1, 2]
    reqids.close()


def test_a_clock_that_goes_back_gives_no_number_twice(tmp_path: Path) -> None:
    day = ["20261124"]
    reqids = Reqids(tmp_path, lambda: day[0])
    assert reqids.next() == 1
    day[0] = "20261123"
    assert reqids.next() == 2
    reqids.close()


def test_three_processes_at_once_never_have_the_same(tmp_path: Path) -> None:
    processes = [counting(tmp_path, 500) for _ in range(3)]
    told = [list(map(int, process.communicate(timeout=60)[0].split())) for process in processes]
    assert sorted(itertools.chain(*told)) == list(range(1, 1501))
    assert all(each == sorted(each) for each in told)


def test_a_number_that_was_told_is_not_told_again_after_a_kill(tmp_path: Path) -> None:
    seen: list[int] = []
    for _ in range(3):
        with counting(tmp_path, 10**9) as process:
            assert process.stdout is not None
            seen += [int(process.stdout.readline()) for _ in range(200)]
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read().split("\n")
            seen += [int(line) for line in rest[:-1]]
    assert len(set(seen)) == len(seen)
    assert seen == sorted(seen)


def test_behind_a_crash_of_the_machine_the_count_goes_on_where_nothing_was_given(
    tmp_path: Path,
) -> None:
    """What was written last is lost then, but not what was set aside."""
    reqids = Reqids(tmp_path, lambda: "20261123")
    assert reqids.next() == 1
    on_the_disk = (tmp_path / "reqids").read_bytes()
    assert [reqids.next() for _ in range(99)][-1] == 100
    reqids.close()
    (tmp_path / "reqids").write_bytes(on_the_disk.replace(on_the_disk.split()[3], b"0" * 36))
    again = Reqids(tmp_path, lambda: "20261123")
    assert again.next() == 1001
    again.close()


def test_the_file_is_nobody_elses_business(tmp_path: Path) -> None:
    Reqids(tmp_path, lambda: "20261123").close()
    assert (tmp_path / "reqids").stat().st_mode & 0o777 == 0o600


def test_a_gateway_keeps_its_name(tmp_path: Path) -> None:
    name = gateway_name(tmp_path)
    assert name == gateway_name(tmp_path)
    assert len(name) <= 32
    assert name.isprintable()
    assert [file.name for file in tmp_path.iterdir()] == ["name"]


def test_a_count_that_cannot_be_read_is_told_as_such(tmp_path: Path) -> None:
    reqids = Reqids(tmp_path, lambda: "20261123")
    (tmp_path / "reqids").write_bytes(b"neither a count")
    with pytest.raises(OSError, match="cannot be read"):
        reqids.next()
    reqids.close()
