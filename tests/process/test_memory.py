"""What a process keeps in its memory: nobody reads it, and a crash writes it nowhere."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bus.membership import MARK, joined
from tests.support.group import CHECKOUT, Group

PROCESSES = ("sim", "md_worker", "td_worker", "recorder", "ws_edge", "tcp_edge", "admin")


def two(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.onlooker", *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_another_process_of_the_user_reads_nothing_of_it_and_deploy_still_knows_it() -> None:
    found = two("close")
    seen = {what: found[what] for what in ("mem", "environ", "fd", "ptrace")}
    assert seen == {"mem": False, "environ": False, "fd": False, "ptrace": False}
    assert found["member"]
    assert found["holds"]
    assert not found["stranger"]
    assert "a process of this user that is closed to others" in found["fault"]


def test_the_control_of_that_reads_everything() -> None:
    found = two()
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    others = scope.exists() and scope.read_text() != "0\n"
    seen = {what: found[what] for what in ("environ", "fd", *(() if others else ("mem", "ptrace")))}
    assert all(seen.values()), seen
    assert found["member"]
    assert found["holds"]
    assert "by pid PID" in found["fault"]


# -- core files --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cores() -> Iterator[None]:
    """What is started now would leave a core."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    why = ""
    if not before[1]:
        why = "cores are forbidden here"
    elif Path("/proc/sys/kernel/core_pattern").read_text("ascii").startswith("|"):
        why = "cores go to a program here, which may not be there"
    if why:
        assert os.environ.get("CI") != "true", why
        pytest.skip(why)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.fixture(scope="module")
def group(cores: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    overrides = {"recorder": {"instruments": []}, "admin": {"port": 0}}
    with Group(tmp_path_factory.mktemp("memory"), overrides=overrides) as group:
        group.start(*PROCESSES, timeout_s=120)  # admin takes two seconds of a core, all at once six
        yield group


def has_no_core(pid: int) -> bool:
    limits = Path(f"/proc/{pid}/limits").read_text("ascii")
    return re.search(r"^Max core file size +0 +0 +bytes", limits, re.M) is not None


def crashes(pid: int) -> int:
    """How a process of ours ended: os.CLD_DUMPED or os.CLD_KILLED."""
    os.kill(pid, signal.SIGSEGV)
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    return ended.si_code


@contextmanager
def sleeper(folder: Path) -> Iterator[int]:
    with subprocess.Popen(["sleep", "60"], cwd=folder) as process:
        yield process.pid
        process.kill()


def test_a_crash_of_any_process_leaves_no_core(group: Group, tmp_path: Path) -> None:
    with sleeper(tmp_path) as pid:  # the control, started as they were
        assert crashes(pid) == os.CLD_DUMPED
    for name in PROCESSES:
        assert has_no_core(group.pid(name)), name
        assert crashes(group.pid(name)) == os.CLD_KILLED, name
        assert group.wait(name) == -signal.SIGSEGV
    assert [path.name for path in group.path.glob("core*")] == []


@pytest.mark.parametrize(
    ("without", "ends"),
    [
        ("pass", os.CLD_KILLED),
        ("resource.setrlimit = lambda *a: None", os.CLD_KILLED),
        ("ctypes.CDLL = lambda *a, **k: Mock(prctl=lambda *a: 0)", os.CLD_KILLED),
        ("memory.close_memory = lambda: None", os.CLD_DUMPED),
    ],
)
def test_the_limit_alone_and_the_flag_alone_keep_a_core_from_a_file(
    cores: None, tmp_path: Path, without: str, ends: int
) -> None:
    lines = [
        "import ctypes, resource, signal; from unittest.mock import Mock; from bus import memory",
        f"{without}; memory.close_memory(); print(flush=True); signal.pause()",
    ]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        assert crashes(process.pid) == ends


@pytest.mark.parametrize(
    "command",
    [
        ("-c", "from admin.main import main; main()", "user", "add", "somebody"),
        ("-m", "tcp_edge.quote.writer"),
    ],
)
def test_a_command_is_closed_before_it_has_read_a_secret(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """It waits for stdin meanwhile."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        try:
            wait_for(lambda: has_no_core(process.pid))
            assert process.poll() is None
        finally:
            process.kill()


def test_supervisord_is_closed_and_stays_of_the_group(tmp_path: Path) -> None:
    """In the background it has forked; after SIGHUP it has closed all of its files."""
    pidfile, run = tmp_path / "pid", tmp_path / "run"
    run.mkdir()
    conf = tmp_path / "supervisord.conf"
    user = "user = root\n" if os.geteuid() == 0 else ""
    conf.write_text(f"[supervisord]\n{user}pidfile = {pidfile}\nlogfile = {tmp_path}/log\n")
    command = [sys.executable, "-m", "deploy.supervisord", "-c", str(conf)]
    subprocess.run(command, cwd=CHECKOUT, env=os.environ | {MARK: str(run)}, check=True)
    try:
        wait_for(lambda: joined(run) != set())
        (pid,) = joined(run)
        assert has_no_core(pid)
        assert int(pidfile.read_text()) == pid
        pidfile.unlink()
        os.kill(pid, signal.SIGHUP)
        wait_for(pidfile.exists)
        wait_for(lambda: joined(run) == {pid})
    finally:
        for pid in joined(run):
            os.kill(pid, signal.SIGTERM)
        wait_for(lambda: joined(run) == set())


def wait_for(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_every_program_closes_its_memory_first() -> None:
    """Or begins with bus.process.main, which does. One that writes source reads no secret."""
    programs = [
        path
        for path in CHECKOUT.glob("*/**/*.py")
        if path.relative_to(CHECKOUT).parts[0] not in ("tests", "examples", "build", "clients")
        and not path.relative_to(CHECKOUT).parts[0].startswith(".")
        and '__name__ == "__main__"' in path.read_text("utf-8")
    ]
    assert len(programs) > 10
    programs.remove(CHECKOUT / "bus" / "client" / "stubs.py")
    for path in [*programs, CHECKOUT / "admin" / "main.py"]:
        text = path.read_text("utf-8")
        closes = "close_memory()" in text or "from bus.process import" in text
        assert closes, path
