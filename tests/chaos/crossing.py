"""A hundred users on one gateway, who come and go: does any of them get what is another's?

    python -m tests.chaos.crossing --messages 1000000

Each user's word is in all that he sends; every byte that any client gets is searched for the words
of others. Clients come by WebSocket (one socket is several users, one after the other), by OFX with
pushes, and by the SDK, all of whose accounts share two sockets; they attach, are cut off, log in
again, resume, and ask for what is not theirs. Exits with 1 when anything has crossed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

from bus.secrets import Secret
from bus.users import User, Users
from tests.support.authority import Authority
from tests.support.group import Group
from tests.support.ws_client import ws

from .crossing_clients import Crowd, Seen, Where, password, word

USERS: Final = 100
PROCESSES: Final = ("sim", "md_worker", "td_worker", "ws_edge", "tcp_edge")
_LIMIT_S: Final = 1500.0
_BEGUN_S: Final = 120.0  # until all accounts are logged in, on a busy machine
_SHOWN: Final = 10


def overrides(folder: Path, users: int) -> dict[str, Any]:
    authority = Authority(folder)
    server = authority.issue("server")
    known = [{"user": word(number), "password": password(number)} for number in range(users)]
    return {
        "calendar": "always",
        "sim": {
            "queries_per_second": 0,
            "users": [
                {"user_id": each["user"], "password": each["password"], "cash": 1e12}
                for each in known
            ],
        },
        "td_worker": {
            "accounts": known,
            "app_id": "",
            "queries_per_s": 1000,
            "quiet_s": 0.1,
            "step_s": 2.0,
            "retry_s": 0.2,
            "login_s": 30.0,
        },
        "ws_edge": {"login_s": _BEGUN_S},
        "tcp_edge": {
            "login": {"port": 0, "wire": "tls"},
            "single_port": True,
            "cert_file": str(server),
            "key_file": str(server.with_suffix(".key")),
            "max_connections_per_peer": 4096,
        },
    }


def crowd(where: Where, users: range, messages: int, seed: int, limit_s: float) -> Seen:
    return asyncio.run(Crowd(where, users, messages, seed).run(limit_s))


def run(
    folder: Path,
    messages: int,
    *,
    users: int = USERS,
    jobs: int = 2,
    entries: Mapping[str, str] | None = None,
    limit_s: float = _LIMIT_S,
) -> Seen:
    group = Group(folder, overrides=overrides(folder, users), entries=entries)
    group.data.mkdir(mode=0o700, exist_ok=True)
    known = Users(group.data / "users.db", make=True)
    for number in range(users):
        name = word(number)
        known.add(User(name=name.lower(), account=name), Secret(password(number)))
    spawned = multiprocessing.get_context("spawn")
    with group, ProcessPoolExecutor(jobs, spawned) as pool:
        group.start(*PROCESSES)
        where = _where(group, folder)
        # Each of them has all users, so that every account has clients in all processes.
        futures = [
            pool.submit(crowd, where, range(users), messages // jobs, seed, limit_s)
            for seed in range(jobs)
        ]
        seen = Seen()
        for future in futures:
            seen.add(future.result(limit_s + 120))
        for name in PROCESSES:
            assert group.running(name), group.log(name)[-3000:]
    return seen


def _where(group: Group, folder: Path) -> Where:
    """Prices at which nobody sells: a step of their own for each user."""
    with ws(group.url("/td/")) as td:
        login = {"UserID": word(0), "Password": password(0)}
        td.send(MsgType="ReqUserLogin", ReqUserLogin=login)
        said = td.hear_of("RspUserLogin", _BEGUN_S)
        assert said["RspInfo"]["ErrorID"] == 0, said
        td.send(MsgType="ReqQryInstrument", QryInstrument={"ProductID": "rb"}, RequestID=1)
        listed = [row["Instrument"] for row in td.rows("RspQryInstrument")]
        names = tuple(each["InstrumentID"] for each in listed if each)
        named = {"InstrumentID": names[0], "ExchangeID": listed[0]["ExchangeID"]}
        td.send(MsgType="ReqQryDepthMarketData", QryDepthMarketData=named, RequestID=2)
        low = td.hear_of("RspQryDepthMarketData")["DepthMarketData"]["LowerLimitPrice"]
    host, _, port = group.ready["tcp_edge"]["login"].rpartition(":")
    return Where(
        ws=group.url("").rstrip("/"),
        ofx=(host, int(port)),
        authority=str(folder / "ca.crt"),
        config=str(group.config_file),
        instruments=names,
        exchange=named["ExchangeID"],
        ticker=names[0],
        market=0,
        price=low,
        step=listed[0]["PriceTick"],
    )


def show(seen: Seen, seconds: float) -> None:
    print(json.dumps({"attached": seen.attached, "troubles": seen.troubles}))
    for name, count in sorted(seen.messages.items()):
        print(f"{name:<16}{count:>10}")
    print(f"{seen.total} messages, {sum(seen.attached.values())} attachments in {seconds:.0f} s")
    for crossed in seen.crossed[:_SHOWN]:
        print(f"CROSSED: {crossed}")
    print(f"{len(seen.crossed)} crossed")


def main() -> int:
    parser = argparse.ArgumentParser(description="users who get only what is theirs")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit-s", type=float, default=_LIMIT_S, help="stop then all the same")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ctpbus-crossing-"))
    begin = time.monotonic()
    seen = run(
        folder,
        arguments.messages,
        users=arguments.users,
        jobs=arguments.jobs,
        limit_s=arguments.limit_s,
    )
    show(seen, time.monotonic() - begin)
    if not seen.crossed:
        shutil.rmtree(folder)
    return 1 if seen.crossed else 0


if __name__ == "__main__":
    sys.exit(main())
