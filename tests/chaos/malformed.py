"""A million malformed messages by every door: does a process die, grow, or keep anything?

    python -m tests.chaos.malformed --messages 1000000

Over WebSocket (requests, frames, handshakes, logins to the gateway), over each wire of OFX with and
without its keys, and over the bus: calls to every ROUTER, subscriptions to every PUB, bytes that
are no ZMTP, on unix sockets and on tcp. All are grown from valid ones (``mutate.py``). Beside them
well-behaved clients of every kind are served, and say how long it took.

Prints what was sent and answered, and by how much each process has grown after a first
quarter of it, in which queues become as long as deadlines let them, and pools and caches that stay
fill up; exits with 1 when one has died or written a
traceback, has kept more than 8 MB or a descriptor, or a well-behaved client was not served.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from admin.keygen import make
from bus.endpoints import Addresses, resolve
from bus.roles import ROLES
from bus.secrets import Secret
from bus.users import User, Users
from tcp_edge.wire.channel import derive
from tests.support.authority import Authority
from tests.support.deployment import free_port
from tests.support.group import Group
from tests.support.ws_client import bearer, ws
from ws_edge.config import LimitsConfig

from . import malformed_bus, malformed_ofx, malformed_ws
from .config import PASSWORD
from .malformed_honest import Crowd
from .malformed_tally import Tally, Where

MOST_GROWN: Final = 8 << 20
PROCESSES: Final = ("sim", "md_worker", "td_worker", "recorder", "ws_edge", "tcp_edge")
WAYS: Final[Mapping[str, tuple[Callable[[Where, int, int], Tally], int]]] = {
    **malformed_ws.WAYS,
    **malformed_ofx.WAYS,
    **malformed_bus.WAYS,
}
_HOSTILE, _HONEST = "100001", "100002"
_OFX_KEY: Final = "the key of the chaos"
_TOKEN: Final = "the token of the chaos"
_WARM: Final = 0.25  # of a million it takes longer than the longest deadline
_SETTLED_S: Final = 40.0
_SLOWEST_S: Final = 20.0
_LONGEST_S: Final = 1800.0
_TOGETHER: Final = 3  # attacks at the same time
_SHOWN: Final = 12  # kinds of answers of an attack
# What of the file of users may be open, and stay so. SQLite closes no descriptor while another
# connection of the process has the file locked, as that of the serials always has; it keeps it for
# whoever opens the file next. So there are as many as have ever been open at the same time: by the
# serials, by the wire psk and by the thread that checks passwords.
_USERS_OPEN: Final = 3
# What a process says when something surprised it.
_SURPRISES: Final = ('"level":"ERROR"', '"level":"CRITICAL"', "Traceback (most recent call last)")


class Held(NamedTuple):
    """Bytes of memory, descriptors but for those that may come and stay, and what all are."""

    memory: int
    files: int
    named: tuple[str, ...] = ()


class Verdict(msgspec.Struct):
    """``grown`` by process: KB and descriptors. ``slowest``: seconds, by well-behaved client."""

    messages: int = 0
    connections: int = 0
    grown: dict[str, tuple[int, int]] = {}
    slowest: dict[str, float] = {}
    served: dict[str, int] = {}
    faults: list[str] = []


def overrides(path: Path) -> dict[str, Any]:
    """For ``Group``: half of the bus on tcp, a wire of its own for each service of OFX, and no
    limit that would keep an attack from its speed."""
    authority = Authority(path)
    server = authority.issue("server")
    make(path / "keys", list(ROLES))
    users = [{"user_id": user, "password": PASSWORD} for user in (_HOSTILE, _HONEST)]
    accounts = [{"user": user, "password": PASSWORD} for user in (_HOSTILE, _HONEST)]
    tcp = {name: f"tcp://127.0.0.1:{free_port()}" for name in ("td_rpc", "md_pub")}
    return {
        "keys": str(path / "keys"),
        "calendar": "always",
        "bus": tcp,
        "sim": {"queries_per_second": 0, "users": users, "lock_after_failures": 0},
        "td_worker": {
            "app_id": "",
            "accounts": accounts,
            # A pace at which broken queries, many of them good ones, do not load the exchange.
            "queries_per_s": 50,
            "max_accounts": 12,
            "max_unproven": 4,
            "quiet_s": 0.1,
            "step_s": 0.5,
        },
        # Guarded, but without the limits that would end the attack early.
        "ws_edge": {
            "tokens": [{"token": _TOKEN}],
            "users": [{"user": "*"}],
            "per_user": dict.fromkeys(LimitsConfig.__struct_fields__, 0),
        },
        "tcp_edge": {
            "login": {"port": 0, "wire": "v1"},
            "quote": {"port": 0, "wire": "psk"},
            "trade": {"port": 0, "wire": "tls"},
            "cert_file": str(server),
            "key_file": str(server.with_suffix(".key")),
            "keys": [{"passphrase": _OFX_KEY}],
        },
    }


class Siege:
    """One group, those who attack it, and those who do not."""

    def __init__(
        self, path: Path, entries: Mapping[str, str] | None = None, settled_s: float = _SETTLED_S
    ) -> None:
        self.path, self._settled_s = path, settled_s
        self.group = Group(path, overrides=overrides(path), entries=entries)
        self.group.data.mkdir(mode=0o700, exist_ok=True)
        known = Users(self.group.data / "users.db", make=True)
        for name, account in ((malformed_ofx.USER, _HOSTILE), ("honest", _HONEST)):
            psk = derive(Secret(PASSWORD), name)
            known.add(User(name=name, account=account), Secret(PASSWORD), psk)
        self.tallies: dict[str, Tally] = {}
        self.verdict = Verdict()

    def run(self, messages: int, only: str = "") -> Verdict:
        spawned = multiprocessing.get_context("spawn")
        with self.group as group, ProcessPoolExecutor(_TOGETHER, spawned) as self._pool:
            group.start(*PROCESSES)
            where = self._where()
            self._shut(where.user)
            self._check_a_password()
            with Crowd(where, _HONEST, PASSWORD) as crowd:
                self._storm(where, max(1, int(messages * _WARM)), 1, only)
                before = self._settle(crowd, {})
                self._storm(where, messages, 2, only)
                after = self._settle(crowd, before)
            self._judge(before, after, crowd)
        return self.verdict

    def _where(self) -> Where:
        group = self.group
        ready = group.ready["tcp_edge"]
        bus = resolve(msgspec.convert(group.config["bus"], Addresses), str(group.data))
        return Where(
            ws=_address(group.ready["ws_edge"]["ws"]),
            ofx={name: _address(ready[name]) for name in ("login", "quote", "trade")},
            bus={name: getattr(bus, name) for name in Addresses.__struct_fields__},
            keys=str(self.path / "keys"),
            ofx_key=_OFX_KEY,
            authority=str(self.path / "ca.crt"),
            user=_HOSTILE,
            password=PASSWORD,
            token=_TOKEN,
        )

    def _shut(self, user: str) -> None:
        """A broken order may be a good one; none of this account becomes one."""
        with ws(self.group.url("/td/"), additional_headers=bearer(_TOKEN)) as td:
            assert td.log_in(user, PASSWORD)["RspInfo"]["ErrorID"] == 0
            switch = {"On": True, "CancelAll": False}
            said = td.ask(MsgType="SetKillSwitch", SetKillSwitch=switch, RequestID=1)
            assert said["MsgType"] == "RspSetKillSwitch", said

    def _check_a_password(self) -> None:
        """It takes 19 MB, which stay for the next one: not what is looked for."""
        with ws(self.group.url("/td/")) as td:
            said = td.ask(MsgType="GatewayLogin", GatewayLogin={"User": "x", "Password": "y"})
            assert said["RspInfo"]["ErrorID"] == -401, said

    def _storm(self, where: Where, messages: int, seed: int, only: str) -> None:
        chosen = {name: way for name, way in WAYS.items() if name.startswith(only)}
        whole = sum(share for _, share in chosen.values())

        # The long ones first, so that none is alone in the end.
        names = sorted(chosen, key=lambda name: -chosen[name][1])
        running = [
            (name, self._pool.submit(attack, name, where, count, seed))
            for name in names
            if (count := messages * chosen[name][1] // whole)
        ]
        for name, future in running:
            tally = future.result(_LONGEST_S)
            self.tallies[f"{name} {seed}"] = tally
            self.verdict.faults += [f"{name}: {fault}" for fault in tally.faults]

    def _settle(self, crowd: Crowd, before: Mapping[str, Held]) -> dict[str, Held]:
        """When the connections of the attacks have been closed, and the others' stand, or after a
        while."""
        crowd.calm.set()
        until = time.monotonic() + self._settled_s
        held = self._held()
        while time.monotonic() < until:
            complete = crowd.complete
            time.sleep(1.0)
            last, held = held, self._held()
            over = [name for name, was in before.items() if held[name].files > was.files]
            still = all(last[name].files == held[name].files for name in held)
            if still and not over and complete and crowd.complete:
                break
        crowd.calm.clear()
        return held

    def _held(self) -> dict[str, Held]:
        return {name: held(self.group.pid(name)) for name in PROCESSES if self.group.running(name)}

    def _judge(self, before: Mapping[str, Held], after: Mapping[str, Held], crowd: Crowd) -> None:
        verdict = self.verdict
        second = [tally for name, tally in self.tallies.items() if name.endswith(" 2")]
        verdict.messages = sum(tally.sent for tally in second)
        verdict.connections = sum(tally.connections for tally in second)
        verdict.served, verdict.slowest = crowd.served, crowd.slowest
        verdict.faults += crowd.faults
        for name in PROCESSES:
            log = self.group.log(name)
            if not self.group.running(name):
                verdict.faults.append(f"{name} has died: {log[-2000:]}")
                continue
            grown = after[name].memory - before[name].memory
            files = after[name].files - before[name].files
            verdict.grown[name] = grown >> 10, files
            if grown > MOST_GROWN:
                verdict.faults.append(f"{name} has grown by {grown >> 10} KB")
            if files > 0:
                more = Counter(after[name].named) - Counter(before[name].named)
                verdict.faults.append(f"{name} has kept {files} descriptors: {dict(more)}")
            surprised = [line for line in log.splitlines() if any(s in line for s in _SURPRISES)]
            if surprised:
                verdict.faults.append(
                    f"{name} was surprised {len(surprised)} times: {surprised[0]}"
                )
        for name, seconds in crowd.slowest.items():
            if seconds > _SLOWEST_S:
                verdict.faults.append(f"{name} waited for {seconds:.1f} s")


def _address(ready: str) -> tuple[str, int]:
    host, _, port = ready.rpartition("/")[2].rpartition(":")
    return host, int(port)


def attack(name: str, where: Where, count: int, seed: int) -> Tally:
    """In a process of its own: it shall wait for no well-behaved client, and none for it."""
    try:
        return WAYS[name][0](where, count, seed)
    except Exception:
        return Tally(faults=[f"the attack broke off: {traceback.format_exc()[-1500:]}"])


def held(pid: int) -> Held:
    fields = Path(f"/proc/{pid}/status").read_text("ascii").split("\n")
    kilobytes = next(int(field.split()[1]) for field in fields if field.startswith("VmRSS:"))
    named = tuple(_files(pid))
    of_users = sum(name.endswith("/users.db") for name in named)
    return Held(kilobytes << 10, len(named) - min(of_users, _USERS_OPEN), named)


def _files(pid: int) -> Iterator[str]:
    """All but the files of ticks: a broken name may be that of an instrument, which is recorded."""
    sockets = dict(_sockets())
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            name = str(link.readlink())
            if not name.endswith(".ticks"):
                yield sockets.get(name, name)


def _sockets() -> Iterator[tuple[str, str]]:
    """The addresses of TCP's."""
    for line in Path("/proc/net/tcp").read_text("ascii").split("\n")[1:-1]:
        fields = line.split()
        yield f"socket:[{fields[9]}]", f"tcp {fields[1]} {fields[2]} {fields[3]}"


def show(siege: Siege, seconds: float) -> None:
    verdict = siege.verdict
    for name, tally in sorted(siege.tallies.items()):
        if name.endswith(" 2"):
            print(f"{name[:-2]:<32}{tally.sent:>9} sent{tally.connections:>8} connections")
            most = sorted(tally.answers.items(), key=lambda item: -item[1])
            for answer, count in most[:_SHOWN]:
                print(f"    {count:>9}  {answer}")
            if len(most) > _SHOWN:
                print(f"    and {len(most) - _SHOWN} other answers")
    print(f"{verdict.messages} messages, {verdict.connections} connections in {seconds:.0f} s")
    for name, (kilobytes, files) in verdict.grown.items():
        print(f"{name:<12}{kilobytes:>8} KB{files:>5} descriptors")
    for name, count in verdict.served.items():
        print(f"{name:<24}{count:>7} times served, at the slowest in {verdict.slowest[name]:.2f} s")
    for fault in verdict.faults:
        print(f"WRONG: {fault}")


def main() -> int:
    parser = argparse.ArgumentParser(description="malformed messages by every door")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="attacks whose names begin so")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    parser.add_argument("--json", action="store_true", help="the verdict alone")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ctpbus-malformed-"))
    begin = time.monotonic()
    siege = Siege(folder)
    verdict = siege.run(arguments.messages, arguments.only)
    if arguments.json:
        print(json.dumps(msgspec.to_builtins(verdict)))
    else:
        show(siege, time.monotonic() - begin)
    if not verdict.faults and not arguments.keep:
        shutil.rmtree(folder)
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
