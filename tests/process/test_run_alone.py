"""A group without supervisord: each program by deploy/run, as systemd's units and containers do.

The programs are denied what the unit denies them, where this machine can do that.
"""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bus.endpoints import run_dir
from deploy.plan import read
from tests.support.cli import ctpbus
from tests.support.deployment import free_port
from tests.support.group import CHECKOUT, READY_TIMEOUT_S, STOP_TIMEOUT_S
from tests.support.sandbox import missing
from tests.support.ws_client import ws

UNIT = CHECKOUT / "deploy" / "systemd" / "ctpbus@.service"
GROUP_UNIT = UNIT.with_name("ctpbus-group@.service")
IMAGE = CHECKOUT / "deploy" / "docker" / "group.yaml"


def sandbox(unit: Path) -> list[str]:
    """What begins a command that is denied what the unit denies; nothing where that cannot be."""
    if missing() and os.environ.get("CI") != "true":
        return []
    return [sys.executable, "-m", "tests.support.sandbox", str(unit)]


SANDBOX = sandbox(UNIT)


@pytest.fixture(scope="module")
def file() -> Iterator[Path]:
    """The group of the image, with other ports and its data here, and two feeds."""
    with tempfile.TemporaryDirectory(prefix="ctpbus-") as name:
        folder = Path(name)
        document = yaml.safe_load(IMAGE.read_text("utf-8").replace("/var/lib/ctpbus", name))
        document["ws_edge"]["port"] = free_port()
        document["admin"]["port"] = 0
        for service in ("login", "quote", "trade"):
            document["tcp_edge"][service]["port"] = 0
        document["md_worker"]["feeds"] = {"a": {}, "b": {}}
        file = folder / "group.yaml"
        file.write_text(yaml.safe_dump(document), "utf-8")
        yield file


def exec_start(instance: str, file: Path) -> list[str]:
    """The unit's command, with what systemd puts into it."""
    (line,) = re.findall("^ExecStart=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE)
    placed = line.replace("/opt/ctpbus", str(CHECKOUT)).replace("/etc/ctpbus/group.yaml", str(file))
    return shlex.split(placed.replace("%i", instance))


class Alone:
    """One program, ready; its log is beside the group's file."""

    def __init__(self, instance: str, file: Path) -> None:
        self.log = file.parent / f"{instance}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*SANDBOX, *exec_start(instance, file)],
                cwd="/",
                env={
                    **os.environ,
                    "PYTHONPATH": str(CHECKOUT),
                    "CTPBUS_PYTHON": sys.executable,
                    "CTPBUS_GROUP": str(run_dir(str(read(file).data))),
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def wait_ready(self, deadline: float) -> None:
        stdout = self.process.stdout
        assert stdout is not None
        assert select.select([stdout], [], [], deadline - time.monotonic())[0], self.log.read_text()
        line = stdout.readline()
        assert line.startswith('{"ready"'), self.log.read_text()

    def stop(self) -> int:
        self.process.terminate()
        try:
            return self.process.wait(4 * STOP_TIMEOUT_S)
        finally:
            self.process.kill()
            self.process.communicate()


def test_a_group_without_supervisord_serves_and_is_looked_after(file: Path) -> None:
    plan = read(file)
    names = {
        f"{program.module}:{program.member}" if program.member else program.module: name
        for name, program in plan.programs.items()
        if name != "alarms"
    }
    assert {"md_worker:a", "md_worker:b", "md_merge"} < names.keys()
    programs = {name: Alone(instance, file) for instance, name in names.items()}
    try:
        deadline = time.monotonic() + 4 * READY_TIMEOUT_S  # all at once
        for program in programs.values():
            program.wait_ready(deadline)
        with ws(f"ws://127.0.0.1:{plan.edge.port}/md/") as md:
            md.log_in()
            md.send(MsgType="SubscribeMarketData", InstrumentID=["600000"])
            assert md.hear_of("RtnDepthMarketData")["DepthMarketData"]["LastPrice"] > 0
        with ws(f"ws://127.0.0.1:{plan.edge.port}/td/") as td:
            assert td.log_in()["RspUserLogin"]["UserID"] == "028742"
        done = ctpbus("status", "--config", str(file), "--json")
        told = json.loads(done.stdout)
        assert told["supervisord"] == "gone"
        heard = {row["program"] for row in told["programs"] if row["heard"]}
        assert heard == programs.keys() - {"admin"}  # which listens and tells nothing
    finally:
        ends = {name: program.stop() for name, program in programs.items()}
    # admin's web server takes its leave and then ends by the very signal, as systemd expects too.
    assert ends == dict.fromkeys(programs, 0) | {"admin": -signal.SIGTERM}


def test_a_wrong_file_ends_it_with_the_status_that_is_not_tried_again(file: Path) -> None:
    wrong = file.parent / "wrong.yaml"
    wrong.write_text("td_worker: {front: 'nowhere', broker_id: '9999'}\n", "utf-8")
    done = subprocess.run(
        exec_start("td_worker", wrong),
        env={**os.environ, "CTPBUS_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=READY_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 2
    assert "RestartPreventExitStatus=2\n" in UNIT.read_text("utf-8")


def test_the_real_binding_runs_in_the_sandbox(file: Path) -> None:
    """The vendor's library itself, at a front that is not there."""
    real = file.parent / "real.yaml"
    text = f"data: {file.parent}/real\nmd_worker: {{front: 'tcp://127.0.0.1:1'}}\n"
    real.write_text(text + "td_worker: {front: 'tcp://127.0.0.1:1', broker_id: '9999'}\n", "utf-8")
    workers = [Alone(name, real) for name in ("md_worker", "td_worker")]
    try:
        for worker in workers:
            worker.wait_ready(time.monotonic() + 2 * READY_TIMEOUT_S)
    finally:
        ends = [worker.stop() for worker in workers]
    assert ends == [0, 0]


def first_process(file: Path) -> list[str]:
    """What the image starts, with what is mounted into it."""
    image = (CHECKOUT / "deploy" / "docker" / "Dockerfile").read_text("utf-8")
    words = [json.loads(line) for line in re.findall("^(?:ENTRYPOINT|CMD) (.*)$", image, re.M)]
    placed = {"/opt/ctpbus/deploy/up": str(CHECKOUT / "deploy" / "up")}
    placed["/etc/ctpbus/group.yaml"] = str(file)
    return [placed.get(word, word) for part in words for word in part]


# Root's mounts are his own then: all is read-only but the volume, and processes that are closed to
# others are not even seen, as with ProtectProc=invisible.
_READ_ONLY = """
mount --make-rprivate /
mount -o remount,hidepid=invisible /proc
mount --bind "$0" "$0"
mount -o remount,bind,ro /
exec "$@"
"""


@pytest.mark.skipif(
    os.environ.get("CI") != "true" and os.geteuid() != 0, reason="mounts are root's"
)
def test_a_group_is_the_first_process_of_a_read_only_container() -> None:
    """The image's command, in the sandbox of the unit for a whole group."""
    with tempfile.TemporaryDirectory(prefix="ctpbus-") as volume:
        document = yaml.safe_load(IMAGE.read_text("utf-8").replace("/var/lib/ctpbus", volume))
        document["ws_edge"]["port"] = port = free_port()
        for section in ("tcp_edge", "recorder", "admin"):
            del document[section]
        file = Path(volume, "group.yaml")
        file.write_text(yaml.safe_dump(document), "utf-8")
        log = Path(volume, "log")
        with log.open("wb") as out:
            outside = subprocess.Popen(
                [
                    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
                    *("sh", "-euc", _READ_ONLY, volume, *sandbox(GROUP_UNIT), *first_process(file)),
                ],
                cwd=CHECKOUT,
                env={
                    **os.environ,
                    "CTPBUS_PYTHON": sys.executable,
                    "HOME": volume,
                    "TMPDIR": volume,
                },
                stdout=out,
                stderr=out,
            )
        try:
            deadline = time.monotonic() + 4 * READY_TIMEOUT_S
            while "ctpbus is up" not in log.read_text("utf-8"):
                assert outside.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            with ws(f"ws://127.0.0.1:{port}/td/") as td:
                assert td.log_in()["RspUserLogin"]["UserID"] == "028742"
            (child,) = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()
            os.kill(int(child), signal.SIGTERM)
            assert outside.wait(4 * STOP_TIMEOUT_S) == 0, log.read_text("utf-8")
        finally:
            outside.kill()
            outside.wait()
        assert "stopped: ws_edge (exit status 0)" in log.read_text("utf-8")


_TRIES = """
import mmap, os, socket
def tried(what, *arguments):
    try:
        what(*arguments)
    except OSError as exc:
        return os.strerror(exc.errno)
    return "done"
print(tried(os.chroot, "/"))
print(tried(socket.socket, socket.AF_PACKET, socket.SOCK_RAW))
print(tried(mmap.mmap, -1, 4096, mmap.MAP_PRIVATE, mmap.PROT_WRITE | mmap.PROT_EXEC))
print(tried(socket.socket))
"""


@pytest.mark.skipif(not SANDBOX, reason=missing() or "nothing")
def test_the_sandbox_denies() -> None:
    done = subprocess.run(
        [*SANDBOX, sys.executable, "-c", _TRIES],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "Operation not permitted",
        "Address family not supported by protocol",
        "Permission denied",
        "done",
    ]
