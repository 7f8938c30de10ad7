"""deploy/up and deploy/down as a user calls them, in a copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import members
from tests.support.deployment import Deployment
from tests.support.front import Front

WATCHERS = {"admin", "admin.alarms"}  # who look at the whole file
PROGRAMS = {"sim", "md_worker", "td_worker", "recorder", "tcp_edge", "ws_edge"} | WATCHERS
SUPERVISORD = "deploy.supervisord"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A group that is up before each test; tests leave it healthy."""
    deployment = Deployment(tmp_path_factory.mktemp("running"))
    try:
        done = deployment.up()
        assert done.returncode == 0, done.stderr
        yield deployment
    finally:
        deployment.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Deployment]:
    """A copy in which nothing was started yet."""
    deployment = Deployment(tmp_path)
    try:
        yield deployment
    finally:
        deployment.close()


def test_a_second_up_says_the_same_and_changes_nothing(running: Deployment) -> None:
    first = running.up()
    pids = running.pids()
    began = time.monotonic()
    second = running.up()
    took_s = time.monotonic() - began
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert running.pids() == pids
    assert pids.keys() == PROGRAMS | {SUPERVISORD}
    assert took_s < 30
    for path in ("/md/", "/td/"):
        assert f"ws://127.0.0.1:{running.port}{path}" in second.stdout


def test_up_tells_what_the_canary_proved(running: Deployment) -> None:
    told = running.up().stderr
    assert "checked market data: ticks of " in told
    assert "checked recorder: ticks of 600000 are on record" in told
    assert "checked trading: 028742 logged in, ReqQryTradingAccount answered" in told
    assert "checked OFX: demo logged in, quotes of 600000 arrive" in told


def test_a_program_that_is_down_is_started_again(running: Deployment) -> None:
    before = running.pids()
    running.supervisorctl("stop", "ws_edge")
    done = running.up()
    after = running.pids()
    assert done.returncode == 0, done.stderr
    assert {name for name in PROGRAMS if before[name] != after[name]} == {"ws_edge"}


def test_what_a_killed_supervisord_left_behind_is_replaced(running: Deployment) -> None:
    before = running.pids()
    os.kill(before[SUPERVISORD], signal.SIGKILL)
    done = running.up()
    after = running.pids()
    assert done.returncode == 0, done.stderr
    # The event listener ends by itself, sooner or later.
    assert re.search("ended [78] processes left behind", done.stderr)
    assert after.keys() == before.keys()
    assert not set(before.values()) & set(after.values())


def test_a_changed_setting_restarts_the_program_that_reads_it(running: Deployment) -> None:
    before = running.pids()
    running.edit(f"port: {running.port}", f"stall_s: 41\n  port: {running.port}")
    done = running.up()
    after = running.pids()
    assert done.returncode == 0, done.stderr
    assert {name for name in PROGRAMS if before[name] != after[name]} == {"ws_edge"} | WATCHERS


def test_no_secret_is_in_a_process_s_arguments(running: Deployment) -> None:
    for pid in running.pids().values():
        assert b"123456" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_the_run_directory_is_for_the_owner_only_and_supervisord_has_no_tcp(
    running: Deployment,
) -> None:
    assert running.run.stat().st_mode & 0o077 == 0
    rendered = (running.run / "supervisord.conf").read_text()
    assert "[unix_http_server]" in rendered
    assert "inet_http_server" not in rendered


def test_down_twice(fresh: Deployment) -> None:
    assert fresh.up().returncode == 0
    first, second = fresh.down(), fresh.down()
    assert (first.returncode, first.stdout) == (
        0,
        "stopped: admin, alarms, md_worker, recorder, sim, tcp_edge, td_worker, ws_edge\n",
    )
    assert (second.returncode, second.stdout) == (0, "nothing to stop: the group is not running\n")
    assert not members.find(fresh.run)


def test_down_before_the_first_up_has_nothing_to_do(fresh: Deployment) -> None:
    environment = fresh.environment({"VENV": str(fresh.root / ".venv")})
    del environment["CTPBUS_PYTHON"]
    done = fresh.call("deploy/down", environment=environment)
    assert done.returncode == 0
    assert "nothing to stop" in done.stderr


def test_a_taken_port_is_named_with_its_holder(fresh: Deployment) -> None:
    with socket.create_server(("127.0.0.1", fresh.port)):
        done = fresh.up()
    assert done.returncode == 1
    assert f"port {fresh.port} on 127.0.0.1 is taken by pid {os.getpid()}" in done.stderr
    assert f"{fresh.config}, section ws_edge, key port" in done.stderr
    assert not members.find(fresh.run)


def test_a_program_that_does_not_come_up_is_named_with_the_end_of_its_log(
    fresh: Deployment,
) -> None:
    main = fresh.root / "td_worker" / "__main__.py"
    main.write_text(
        "import sys\nif '--check' not in sys.argv:\n    sys.exit('the disk is on fire')\n"
    )
    done = fresh.up()
    assert done.returncode == 1
    assert "did not come up: td_worker ends right after its start" in done.stderr
    assert "  the disk is on fire" in done.stderr
    assert done.stdout == ""
    assert not members.find(fresh.run)


def test_a_wrong_configuration_is_one_line_per_fault_before_anything_starts(
    fresh: Deployment,
) -> None:
    fresh.edit(r"(?m)^  port: (\d+)", r"  port: \1\n  prot: 1")
    done = fresh.up()
    assert done.returncode == 2
    assert "prot" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (fresh.run / "supervisord.pid").exists()


def test_a_configuration_that_is_no_yaml_is_refused(fresh: Deployment) -> None:
    fresh.config.write_text("data: [")
    done = fresh.up()
    assert done.returncode == 2
    assert "not valid YAML" in done.stderr


def test_a_calendar_that_is_not_there_is_told_before_anything_starts(fresh: Deployment) -> None:
    fresh.edit("calendar: always", "calendar: sometimes")
    done = fresh.up()
    assert done.returncode == 2
    assert "calendar: sometimes: No such file" in done.stderr
    assert "starting" not in done.stderr


def test_a_front_that_is_away_is_named(fresh: Deployment) -> None:
    fresh.edit(r"md_worker:\n  front: .*", "md_worker:\n  front: sim://var/nobody.sock")
    lost = "the canary was lost at md_worker → md front sim://var/nobody.sock: "
    for seconds in ("6", "30"):  # a busy machine needs more for the start alone
        done = fresh.up("--timeout", seconds)
        assert done.returncode == 1
        if lost in done.stderr:
            break
    assert lost + "md_worker says: disconnected; the end" in done.stderr
    assert not members.find(fresh.run)


def test_a_password_that_the_front_refuses_is_told_at_once(fresh: Deployment) -> None:
    fresh.edit('(?m)^  password: "123456"', '  password: "654321"')
    began = time.monotonic()
    done = fresh.up()
    assert done.returncode == 1
    assert "lost at td_worker → td front sim://var/sim.sock: RspUserLogin says 3 " in done.stderr
    assert "654321" not in done.stderr + done.stdout
    assert time.monotonic() - began < 60  # one attempt: more would lock a real account


def test_a_worker_that_hangs_is_named_and_the_others_go_on(running: Deployment) -> None:
    before = running.pids()
    os.kill(before["md_worker"], signal.SIGSTOP)
    try:
        done = running.up("--timeout", "4")
    finally:
        os.kill(before["md_worker"], signal.SIGCONT)
    assert done.returncode == 1
    assert "the canary was lost at ws_edge → md_worker: " in done.stderr
    assert running.pids() == before


@pytest.mark.front
def test_on_a_real_front_without_an_account_it_says_what_was_not_checked(
    fresh: Deployment, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trading:
        address = f"tcp://127.0.0.1:{trading.getsockname()[1]}"
        fresh.edit(
            "(?s)md_worker:.*ws_edge",
            f"""\
md_worker:
  front: {address}
td_worker:
  front: {address}
  broker_id: "9999"
ws_edge""",
        )
        fresh.edit("tcp_edge:\n", "tcp_edge:\n  keys: [{passphrase: of our own}]\n")
        fresh.edit("(?s)canary:.*", "canary: {instrument: rb2610}")
        environment = fresh.environment(Front(tmp_path, TICK_RATE=-1).env)
        done = fresh.call("deploy/up", environment=environment)
    assert done.returncode == 0, done.stderr
    assert fresh.pids().keys() == PROGRAMS - {"sim"} | {SUPERVISORD}
    assert "no fresh tick of rb2610 within 6 s (market closed?), so ticks are NOT checked" in (
        done.stderr
    )
    assert f"{address} accepts connections; login and queries are NOT checked" in done.stderr


def test_without_the_canary_a_front_may_be_away(fresh: Deployment) -> None:
    fresh.edit(r"md_worker:\n  front: .*", "md_worker:\n  front: sim://var/nobody.sock")
    # It loads for longer than supervisord waits until it calls a program running.
    main = fresh.root / "ws_edge" / "__main__.py"
    late = "import sys, time\ntime.sleep(0 if '--check' in sys.argv else 5)\n"
    main.write_text(main.read_text().replace("import annotations\n", f"import annotations\n{late}"))
    done = fresh.up("--no-canary")
    assert done.returncode == 0, done.stderr
    assert "checked" not in done.stderr
    socket.create_connection(("127.0.0.1", fresh.port)).close()


def test_in_the_foreground_sigterm_stops_the_group(fresh: Deployment) -> None:
    log = fresh.root.parent / "foreground.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [fresh.root / "deploy" / "up", "--foreground"],
            env=fresh.environment(),
            stdout=sink,
            stderr=sink,
        )
    deadline = time.monotonic() + 60
    while "ctpbus is up" not in log.read_text() and time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    process.terminate()
    assert process.wait(30) == 0, log.read_text()
    assert not members.find(fresh.run)


def test_in_the_foreground_beside_a_running_group_is_refused(running: Deployment) -> None:
    done = running.up("--foreground")
    assert done.returncode == 1
    assert "runs already" in done.stderr
    assert running.pids().keys() == PROGRAMS | {SUPERVISORD}


class Machine:
    """A PATH with just enough for a shell script and the given Pythons."""

    def __init__(self, path: Path) -> None:
        self.bin = path / "bin"
        self.bin.mkdir()
        for tool in ("bash", "dirname", "cmp", "cp", "rm", "flock"):
            if found := shutil.which(tool):
                (self.bin / tool).symlink_to(found)
        self.venv = path / "venv"

    def python(self, name: str, script: str) -> None:
        file = self.bin / name
        file.write_text(f"#!{self.bin / 'bash'}\n{script}\n")
        file.chmod(0o755)

    def up(self, deployment: Deployment) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.bin), "VENV": str(self.venv)}
        done = deployment.call("deploy/up", environment=environment)
        assert done.returncode == 1
        assert not self.venv.exists()
        return done


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_python_that_is_too_old_is_named(fresh: Deployment, machine: Machine) -> None:
    machine.python("python3", "echo 3.10 False")
    told = machine.up(fresh).stderr
    assert "ctpbus needs Python 3.11 or newer" in told
    assert f"{machine.bin}/python3 is Python 3.10, too old" in told


def test_a_python_without_venv_is_told_what_to_install(fresh: Deployment, machine: Machine) -> None:
    machine.python("python3", 'case "$2" in *ensurepip*) exit 1;; *) echo 3.12 True;; esac')
    assert "apt-get install python3.12-venv" in machine.up(fresh).stderr


def test_a_python_that_does_not_run_is_passed_over(fresh: Deployment, machine: Machine) -> None:
    machine.python("python3", "exit 127")
    machine.python("python3.12", "echo 3.9 False")
    told = machine.up(fresh).stderr
    assert "python3 does not run" in told
    assert "python3.12 is Python 3.9, too old" in told


def test_no_python_at_all(fresh: Deployment, machine: Machine) -> None:
    assert "python3 was not found" in machine.up(fresh).stderr


@pytest.mark.slow
def test_a_fresh_machine_needs_one_command(fresh: Deployment) -> None:
    """Makes the environment and installs into it, which needs a package index."""
    environment = fresh.environment({"VENV": str(fresh.root / ".venv")})
    del environment["CTPBUS_PYTHON"]
    first = fresh.call("deploy/up", environment=environment, timeout_s=300)
    assert first.returncode == 0, first.stderr
    began = time.monotonic()
    second = fresh.call("deploy/up", environment=environment)
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert time.monotonic() - began < 10
    assert "installing" not in second.stderr


# -- several of a kind -------------------------------------------------------------------------

FEEDS = "  feeds: {a: {}, b: {user_id: '100001', password: '123456'}}\n"


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Several feeds, recorders, ws_edges and processes of OFX; the tests follow one another."""
    deployment = Deployment(tmp_path_factory.mktemp("several"), three=True)
    deployment.edit(r"(?m)^admin: .*\n", "")  # nobody needs it
    deployment.edit("md_worker:\n", f"md_worker:\n{FEEDS}")
    deployment.edit(r"(?m)^  port: (\d+)", r"  port: \1\n  processes: 2")
    deployment.edit("keep_days: 30", "keep_days: 30\n  members: [b]")
    try:
        done = deployment.up()
        assert done.returncode == 0, done.stderr
        yield deployment
    finally:
        deployment.close()


SEVERAL = {
    *("sim", "md_worker_a", "md_worker_b", "md_merge", "td_worker"),
    *("recorder", "recorder_b", "ws_edge_0", "ws_edge_1", SUPERVISORD),
    *("tcp_edge_login", "tcp_edge_quote", "tcp_edge_trade"),
}


def test_feeds_and_edges_come_up_and_the_canary_speaks_of_the_feeds(several: Deployment) -> None:
    pids = several.pids()
    done = several.up()
    assert done.returncode == 0, done.stderr
    assert several.pids() == pids
    assert pids.keys() == SEVERAL
    assert "checked feeds: a, b are logged in" in done.stderr
    assert "checked OFX: demo logged in, quotes of 600000 arrive" in done.stderr
    assert "checked market data: ticks of " in done.stderr
    assert "md_worker_a, md_worker_b, md_merge" in done.stdout
    logs = {path.name for path in (several.root / "var" / "log").iterdir()}
    assert {"md_worker_a.log", "md_merge.log", "ws_edge_1.log"} <= logs


def test_a_feed_without_a_front_is_told_and_the_group_is_up(several: Deployment) -> None:
    before = several.pids()
    several.edit(r"b: \{user", "b: {front: 'sim://var/nobody.sock', user")
    done = several.up()
    after = several.pids()
    assert done.returncode == 0, done.stderr
    assert "feeds: b is disconnected, so this is NOT the redundancy" in done.stderr
    assert {name for name in SEVERAL if before[name] != after[name]} == {"md_worker_b"}
    several.edit(r"b: \{front: 'sim://var/nobody.sock', user", "b: {user")
    assert "feeds: a, b are logged in" in several.up().stderr


def test_a_changed_number_of_edges_leaves_the_others_alone(several: Deployment) -> None:
    before = several.pids()
    several.edit("processes: 2", "processes: 3")
    done = several.up()
    more = several.pids()
    assert done.returncode == 0, done.stderr
    assert more.keys() == SEVERAL | {"ws_edge_2"}
    assert {name: more[name] for name in before} == before
    several.edit("processes: 3", "processes: 1")
    done = several.up()
    one = several.pids()
    assert done.returncode == 0, done.stderr
    assert one.keys() == SEVERAL - {"ws_edge_0", "ws_edge_1"} | {"ws_edge"}
    several.edit("processes: 1", "processes: 2")
    assert several.up().returncode == 0
    assert several.pids().keys() == SEVERAL


def test_an_added_feed_restarts_what_reads_the_list(several: Deployment) -> None:
    before = several.pids()
    several.edit(r"feeds: \{a: \{\}", "feeds: {c: {user_id: '100002', password: '123456'}, a: {}")
    done = several.up()
    after = several.pids()
    assert done.returncode == 0, done.stderr
    assert "checked feeds: c, a, b are logged in" in done.stderr
    assert after.keys() == SEVERAL | {"md_worker_c"}
    assert {name for name in SEVERAL if before[name] != after[name]} == {"md_merge"}


def test_a_port_of_somebody_who_would_share_it_is_named(fresh: Deployment) -> None:
    fresh.edit(r"(?m)^  port: (\d+)", r"  port: \1\n  processes: 2")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", fresh.port))
        other.listen()
        done = fresh.up()
    assert done.returncode == 1
    assert f"port {fresh.port} on 127.0.0.1 is taken by pid {os.getpid()}" in done.stderr
    assert not members.find(fresh.run)


def test_feeds_become_one_md_worker_again(several: Deployment) -> None:
    text = several.config.read_text("utf-8")
    several.edit(r"  feeds: .*\n", "")
    done = several.up()
    assert done.returncode == 0, done.stderr
    assert "checked market data: ticks of " in done.stderr
    md = {name for name in several.pids() if name.startswith("md_")}
    assert md == {"md_worker"}
    several.config.write_text(text, "utf-8")
    done = several.up()
    assert done.returncode == 0, done.stderr
    assert "checked feeds: " in done.stderr
