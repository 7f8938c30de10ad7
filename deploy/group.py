"""deploy/up and deploy/down: bring a group up, prove that it works, take it down.

Progress goes to stderr; stdout gets the same text each time a group is found or made healthy.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from types import FrameType
from xmlrpc.client import Fault

from admin.admins import FIRST_NAME, Admins, take_first_password
from admin.config import AdminConfig
from bus import config, endpoints
from deploy import members, ports
from deploy.canary import Canary, CanaryFailed
from deploy.plan import CHECKOUT, DEFAULT_CONFIG, WATCHERS, Plan
from deploy.supervision import ANSWER_TIMEOUT_S, Supervisor, SupervisorFailed
from tcp_edge.config import Listener, ServiceName
from tcp_edge.wires import KEY_FILE

STOP_TIMEOUT_S = 20.0  # supervisord stops its programs one priority after the other
FAILED_STARTS = 3
LOG_LINES = 20


class UpFailed(Exception):
    """The group did not come up; ``log`` is the file whose end tells more, if any."""

    def __init__(self, reason: str, log: Path | None = None, status: int = 1) -> None:
        super().__init__(reason)
        self.log = log
        self.status = status


def up(plan: Plan, *, timeout_s: float, canary: bool, foreground: bool) -> int:
    """Exit status of deploy/up. In the foreground it returns when the group has been stopped."""
    _on_stop(_interrupt)
    child = None
    deadline = time.monotonic() + timeout_s
    try:
        with _alone(plan):
            child = _bring_up(plan, deadline, canary, foreground)
    except UpFailed as failed:
        say(f"ctpbus did not come up: {failed}")
        if failed.log is not None:
            _show_end(failed.log)
        return failed.status
    except KeyboardInterrupt:
        say("interrupted; what was started has been stopped")
        return 130
    if child is not None:
        _on_stop(lambda number, frame: child.terminate())
    print(_summary(plan), flush=True)
    _show_first_password(plan)
    return 0 if child is None else _wait(child)


def down(plan: Plan) -> int:
    """Exit status of deploy/down: 0 when nothing of the group is left."""
    with _alone(plan):
        supervisor = Supervisor(plan)
        names, what = [], "was gone"
        try:
            names = sorted(supervisor.programs(ANSWER_TIMEOUT_S)) if supervisor.alive() else []
        except TimeoutError:
            what = "did not answer"
        if names:
            _stop_all(plan, supervisor)
            print(f"stopped: {', '.join(names)}")
        elif left := members.end(plan.run, STOP_TIMEOUT_S):
            print(f"supervisord {what}; ended {len(left)} processes that it had left behind")
        else:
            print("nothing to stop: the group is not running")
    return 1 if members.find(plan.run) else 0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _alone(plan: Plan) -> Iterator[None]:
    """One deploy/up or deploy/down at a time for one group."""
    with (plan.run / "deploy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _bring_up(
    plan: Plan, deadline: float, canary: bool, foreground: bool
) -> subprocess.Popen[bytes] | None:
    """Start what is not running and prove that all of it works, or stop what was started."""
    supervisor = Supervisor(plan)
    try:
        fresh = not supervisor.alive()
    except TimeoutError:
        text = "supervisord is there but does not answer (frozen?); deploy/down ends the group"
        raise UpFailed(text, supervisor.log) from None
    if not fresh and foreground:
        raise UpFailed("the group runs already, in the background; stop it with deploy/down")
    if fresh and (left := members.end(plan.run, STOP_TIMEOUT_S)):
        say(f"ended {len(left)} processes left behind by a supervisord that was killed")
    if fresh or not _healthy(supervisor):
        _check_config(plan)
        _check_ports(plan)
        _make_first_password(plan)
        say(f"starting {', '.join(plan.programs)}")
    started: set[str] = set()
    child = None
    try:
        if foreground:
            child = supervisor.start_foreground()
        elif fresh:
            supervisor.start()
        else:
            started = supervisor.adopt()
        _wait_running(plan, supervisor, deadline)
        _wait_listening(plan, deadline)
        if canary:
            _fly(plan, deadline)
    except BaseException as exc:
        if fresh:
            _stop_all(plan, supervisor)
        else:
            for name in started:
                supervisor.stop_program(name)
        if isinstance(exc, SupervisorFailed):
            raise UpFailed(str(exc), supervisor.log) from exc
        raise
    return child


def _healthy(supervisor: Supervisor) -> bool:
    states = {program.state for program in supervisor.programs().values()}
    return states == {"RUNNING"} and supervisor.follows_plan()


def _check_config(plan: Plan) -> None:
    """Before anything is started."""
    faults = config_faults(plan)
    if faults:
        raise UpFailed("\n".join(["the configuration is wrong", *faults.values()]), status=2)


def config_faults(plan: Plan) -> dict[str, str]:
    """Let each program read its section: by the name of the program, why it would not start."""
    checks = {
        name: subprocess.Popen(
            [
                *(sys.executable, "-m", program.module, "--config", str(plan.config), "--check"),
                *program.arguments,
            ],
            cwd=CHECKOUT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, program in plan.programs.items()
    }
    faults = {}
    for name, check in checks.items():
        _, text = check.communicate()
        if check.returncode:
            faults[name] = text.strip()
    return faults


def _check_ports(plan: Plan) -> None:
    _check_port(plan, plan.edge.host, plan.edge.port, "section ws_edge, key port")
    for name, listener in _ofx_listeners(plan).items():
        where = f"section tcp_edge, key port of {name}"
        _check_port(plan, listener.host, listener.port, where)


def _check_port(plan: Plan, host: str, port: int, where: str) -> None:
    fault = ports.fault(host, port)
    if fault is None or ports.held_by(port, members.find(plan.run)):
        return
    raise UpFailed(f"{fault}\nfree it, or choose another port: {plan.config}, {where}")


def _ofx_listeners(plan: Plan) -> dict[str, Listener]:
    if plan.tcp is None:
        return {}
    names: tuple[ServiceName, ...] = ("login",) if plan.tcp.single_port else plan.tcp.services
    return {name: plan.tcp.listener(name) for name in names}


def _wait_running(plan: Plan, supervisor: Supervisor, deadline: float) -> None:
    """Until supervisord calls every program RUNNING."""
    failed_starts: dict[str, set[int]] = {name: set() for name in plan.programs}
    while True:
        programs = supervisor.programs()
        for program in programs.values():
            if program.state == "BACKOFF":
                failed_starts[program.name].add(program.started)
            if program.name in WATCHERS:
                continue
            if program.state == "FATAL" or len(failed_starts[program.name]) >= FAILED_STARTS:
                raise _lost(plan, program.name, "ends right after its start")
        late = [
            p.name for p in programs.values() if p.state != "RUNNING" and p.name not in WATCHERS
        ]
        if not late:
            return
        if time.monotonic() > deadline:
            raise _lost(plan, late[0], f"is {programs[late[0]].state} when time is over")
        time.sleep(0.1)


def _wait_listening(plan: Plan, deadline: float) -> None:
    """For supervisord a program runs that is still loading its modules."""
    while plan.edge.port and not ports.listened(plan.edge.port):
        if time.monotonic() > deadline:
            edge = next(name for name in plan.programs if name.startswith("ws_edge"))
            raise _lost(plan, edge, f"does not listen on port {plan.edge.port} when time is over")
        time.sleep(0.1)


def _lost(plan: Plan, program: str, what: str) -> UpFailed:
    log = plan.log / f"{program}.log"
    return UpFailed(f"{program} {what}; the end of {log}:", log)


def _fly(plan: Plan, deadline: float) -> None:
    canary = Canary(
        config=plan.canary,
        url=_url(plan, connect=True),
        bus=plan.bus,
        md_fronts=plan.md_fronts if "md" in plan.edge.paths else [],
        td_fronts=plan.td_fronts if "td" in plan.edge.paths else [],
        md=plan.md,
        must_tick=plan.embedded,
        deadline=deadline,
        certificate=plan.edge.cert_file,
        keys=plan.keys,
        history=plan.bus.rec_rpc if "recorder" in plan.programs else "",
        ofx=plan.tcp,
        ofx_folder=plan.data / "tcp_edge",
    )
    try:
        for sentence in canary.fly():
            say(f"checked {sentence}")
    except CanaryFailed as lost:
        edge = next(name for name in plan.programs if name.startswith("ws_edge"))
        program = next((name for name in plan.programs if name in lost.hop), edge)
        log = plan.log / f"{program}.log"
        raise UpFailed(f"the canary was lost at {lost}; the end of {log}:", log) from lost


def _url(plan: Plan, *, connect: bool) -> str:
    """ws_edge's address; with ``connect`` one to connect to when it listens on every address."""
    host = plan.edge.host
    if connect:
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    scheme = "wss" if plan.edge.cert_file else "ws"
    return (
        f"{scheme}://[{host}]:{plan.edge.port}"
        if ":" in host
        else f"{scheme}://{host}:{plan.edge.port}"
    )


def _summary(plan: Plan) -> str:
    config = "" if plan.config == DEFAULT_CONFIG else f" --config {plan.config}"
    return f"""\
ctpbus is up: {", ".join(plan.programs)}
{_paths(plan)}{_recorders(plan)}{_ofx(plan)}{_web(plan)}  logs         {plan.log}
Next: {where_to_read_on(plan)}. deploy/down{config} stops the group."""


def where_to_read_on(plan: Plan) -> str:
    """The README's orders are of the embedded exchange's account."""
    if plan.embedded:
        return "README.md shows a first tick and a first order"
    return "ctpbus login test; docs/adding_a_front.md"


def _paths(plan: Plan) -> str:
    url, bus = _url(plan, connect=False), plan.bus
    lines = [
        *([f"market data  {url}/md/"] if "md" in plan.edge.paths else []),
        *([f"trading      {url}/td/"] if "td" in plan.edge.paths else []),
        *([f"ticks        {bus.md_pub}, requests {bus.md_rpc}"] if plan.md_fronts else []),
        *([f"returns      {bus.td_pub}, requests {bus.td_rpc}"] if plan.td_fronts else []),
    ]
    return "".join(f"  {line}\n" for line in lines)


def _recorders(plan: Plan) -> str:
    addresses = [
        endpoints.recorder_address(plan.bus, str(plan.data), program.member)
        for program in plan.programs.values()
        if program.module == "recorder"
    ]
    return f"  history      {' '.join(addresses)}\n" if addresses else ""


def _ofx(plan: Plan) -> str:
    listeners = _ofx_listeners(plan)
    if plan.tcp is None:
        return ""
    told = [f"{name} {each.host or '0.0.0.0'}:{each.port}" for name, each in listeners.items()]
    made = not plan.tcp.keys and any(each.wire == "v1" for each in listeners.values())
    key = f"\n               its key is in {plan.data / 'tcp_edge' / KEY_FILE}" if made else ""
    return f"  OFX          {', '.join(told)}{key}\n"


def _web(plan: Plan) -> str:
    if "admin" not in plan.programs:
        return ""
    own = config.load(str(plan.config), "admin", AdminConfig).own
    host = f"[{own.host}]" if ":" in own.host else own.host
    return f"  web page     http://{host}:{own.port}/\n"


def _make_first_password(plan: Plan) -> None:
    """Here, so that it is there to be shown however late admin starts."""
    if "admin" in plan.programs:
        Admins(plan.data / "admin")


def _show_first_password(plan: Plan) -> None:
    password = take_first_password(plan.data / "admin")
    if password is not None:
        say(
            f"web page: log in as {FIRST_NAME} with the password {password.reveal()}\n"
            "It is shown this once; change it there."
        )


def _stop_all(plan: Plan, supervisor: Supervisor) -> None:
    """Bounded: what does not end by itself is killed."""
    with suppress(OSError, HTTPException, Fault):  # supervisord may be gone, or going already
        supervisor.shutdown()
    members.wait_gone(plan.run, STOP_TIMEOUT_S)
    members.end(plan.run, 0)


def _show_end(log: Path) -> None:
    if log.exists():
        for line in log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]:
            say(f"  {line}")


def _on_stop(handler: Callable[[int, FrameType | None], object]) -> None:
    """For every signal that asks for the end, but for those that somebody has switched off, as
    nohup does with the terminal's. Supervisord hears none of them by itself: the terminal's would
    make it start all programs anew."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _wait(supervisord: subprocess.Popen[bytes]) -> int:
    """Its exit status; as PID 1 this also collects what ended processes left behind."""
    while True:
        pid, status = os.wait()
        if pid == supervisord.pid:
            # Told to Popen, which would wait for the process again.
            supervisord.returncode = os.waitstatus_to_exitcode(status)
            return supervisord.returncode
