"""tcp_edge and td_worker are killed while clients place orders by OFX; the exchange decides.

    python -m tests.chaos.ofx_orders --kills 40

Each client names its orders by ``client_order_id`` and repeats what got no sure answer. Every order
has a price and a quantity that no other one of its account has, by which the exchange's record is
read. ``--no-store``: tcp_edge keeps no orders on the disk, which must be found out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from bus.secrets import Secret
from bus.users import User, Users
from sim.control import SimControl
from tests.chaos.config import CASH
from tests.support.buslink import TdLink
from tests.support.group import Group
from tests.support.ofx_client import OfxClient, key_of

KINDS: Final = ("lost", "sent twice", "shown to others", "identity differs", "unresolved")
NO_STORE: Final = {"tcp_edge": "tests.chaos.no_store_tcp_edge"}
ACCOUNTS: Final = {"anna": "100001", "bert": "100001", "carl": "100002"}
PASSWORD: Final = "123456"
_PATIENCE_S: Final = 60.0
_PAUSE_S: Final = 0.05
_ENDS: Final = (ConnectionError, OSError, AssertionError, EOFError)


class Wanted(NamedTuple):
    """One order, and the number that its client was told."""

    own: str
    price: float
    quantity: int


@dataclass
class Story:
    """What a client lived through. ``told``: order_xtp_ids by client_order_id."""

    wanted: dict[str, Wanted] = field(default_factory=dict)
    told: dict[str, set[int]] = field(default_factory=dict)
    denied: dict[str, str] = field(default_factory=dict)
    stats: Counter[int] = field(default_factory=Counter)


class Client(threading.Thread):
    """One user, until ``stop``; then he asks again for what he is not sure of."""

    def __init__(self, group: Group, user: str, authcode: str, plan: list[Wanted], code: str):
        super().__init__(name=user, daemon=True)
        self._group, self.user, self._authcode = group, user, authcode
        self._plan, self._code = iter(plan), code
        self._socket: OfxClient | None = None
        self.story = Story()
        self.stop = threading.Event()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            wanted = next(self._plan, None)
            if wanted is None:
                break
            self.story.wanted[wanted.own] = wanted
            self._place(wanted)
            time.sleep(_PAUSE_S)
        self.stop.wait()
        until = time.monotonic() + _PATIENCE_S
        for own, wanted in self.story.wanted.items():
            while own not in self.story.told and time.monotonic() < until:
                self._place(wanted)
                time.sleep(_PAUSE_S)
        for wanted in self.story.wanted.values():  # a repetition of what is known changes nothing
            self._place(wanted)
        self._hang_up()
        self.over.set()

    def ask(self, cmd: int, params: object = None, **more: object) -> Any:
        """None when nobody answered."""
        try:
            if self._socket is None:
                self._socket = OfxClient(self._group.ready["tcp_edge"]["trade"], self._key)
            return self._socket.ask(cmd, params, authcode=self._authcode, **more)
        except _ENDS:
            self._hang_up()
            return None

    @property
    def _key(self) -> str:
        return key_of(self._group.data)

    def _place(self, wanted: Wanted) -> None:
        order = {"ticker": self._code, "market": "SHFE", "side": 1, "position_effect": 1}
        order |= {"price": wanted.price, "quantity": wanted.quantity, "price_type": 1}
        reply = self.ask(210005, order | {"client_order_id": wanted.own})
        if reply is None:
            return
        self.story.stats[reply["stat"]] += 1
        if reply["stat"] == 200:
            self.story.told.setdefault(wanted.own, set()).add(reply["order_xtp_id"])
        elif reply["stat"] not in (503, 504):
            self.story.denied[wanted.own] = str(reply)

    def _hang_up(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None


class Verdict(NamedTuple):
    counts: Counter[str]
    faults: list[tuple[str, str]]


def play(folder: Path, kills: int, seed: int, store: bool = True) -> Verdict:
    """A round with a fresh group."""
    chance, counts = random.Random(seed), Counter[str]()
    with _group(folder, seed, NO_STORE if not store else {}) as group:
        group.start("sim", "md_worker", "td_worker", "recorder")
        group.start("tcp_edge")
        with SimControl(group.config["sim"]["listen"]) as sim:
            code = _code(group)
            rests = sim.snapshot(code)["LowerLimitPrice"]
        clients = [
            Client(group, user, _authcode(group, user), _plan(user, rests), code)
            for user in ACCOUNTS
        ]
        for client in clients:
            client.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0.1, 1.5))
            target = chance.choice(("tcp_edge", "tcp_edge", "td_worker"))
            counts[f"killed {target}"] += 1
            group.restart(target)
        time.sleep(0.5)
        for client in clients:
            client.stop.set()
        for client in clients:
            client.over.wait(2 * _PATIENCE_S)
        faults = _judge(group, clients, counts)
    return Verdict(counts, faults)


def _group(folder: Path, seed: int, entries: dict[str, str]) -> Group:
    accounts = [{"user": user, "password": PASSWORD} for user in sorted({*ACCOUNTS.values()})]
    group = Group(
        folder,
        overrides={
            "calendar": "always",
            "sim": {
                "queries_per_second": 0,
                "seed": seed,
                # Never out of money: the record does not tell the price of what was refused.
                "users": [
                    {"user_id": account["user"], "password": PASSWORD, "cash": CASH}
                    for account in accounts
                ],
            },
            "td_worker": {"retry_s": 0.2, "step_s": 0.5, "unsent_s": 0.5, "accounts": accounts},
            "tcp_edge": {name: {"port": 0} for name in ("login", "quote", "trade")},
        },
        entries=entries,
    )
    group.data.mkdir(mode=0o700, exist_ok=True)
    users = Users(group.data / "users.db", make=True)
    for name, account in ACCOUNTS.items():
        users.add(User(name=name, account=account, created=1), Secret("secret"))
    return group


def _code(group: Group) -> str:
    with TdLink(group) as link:
        link.login("100001", PASSWORD)
        rows = link.request("ReqQryInstrument", ProductID="rb", ExchangeID="SHFE")
    return str(rows[0]["InstrumentID"])


def _authcode(group: Group, user: str) -> str:
    with OfxClient(group.ready["tcp_edge"]["login"], key_of(group.data)) as login:
        return str(login.ask(1, {"username": user, "password": "secret"})["authcode"])


def _plan(user: str, rests: float) -> list[Wanted]:
    """Two users have one account, so they take turns with the quantities."""
    first = 1 + list(ACCOUNTS).index(user)
    return [
        Wanted(f"{user}-{quantity}-{step}", rests + step, quantity)
        for quantity in range(first, 300, len(ACCOUNTS))
        for step in range(40)
    ]


# -- the end -----------------------------------------------------------------------------------


def _judge(group: Group, clients: list[Client], counts: Counter[str]) -> list[tuple[str, str]]:
    with SimControl(group.config["sim"]["listen"]) as sim:
        arrived = Counter(
            (entry["user"], entry["price"], entry["volume"])
            for entry in sim.ledger()
            if entry["kind"] == "AcceptedOrder"
        )
    faults: list[tuple[str, str]] = []
    theirs: dict[tuple[str, float, int], str] = {}
    for client in clients:
        shown = _shown(client)
        faults += list(_of_client(client, shown, arrived))
        for wanted in client.story.wanted.values():
            theirs[ACCOUNTS[client.user], wanted.price, wanted.quantity] = client.user
        counts["orders"] += len(client.story.wanted)
        for stat, times in client.story.stats.items():
            counts[f"answered {stat}"] += times
        for number, last in shown.items():
            owner = theirs.get((ACCOUNTS[client.user], last["price"], last["quantity"]))
            if owner is None and not _is_wanted(clients, client, last):
                faults.append(("shown to others", f"{client.user} sees {number}: {last}"))
    counts["arrived"] = arrived.total()
    faults += [("sent twice", f"{key} {n} times") for key, n in arrived.items() if n > 1]
    faults += [("lost", f"{key} was wanted by nobody") for key in arrived if key not in theirs]
    return faults


def _is_wanted(clients: list[Client], viewer: Client, record: dict[str, Any]) -> bool:
    return any(
        (wanted.price, wanted.quantity) == (record["price"], record["quantity"])
        for client in clients
        if ACCOUNTS[client.user] == ACCOUNTS[viewer.user]
        for wanted in client.story.wanted.values()
    )


def _shown(client: Client) -> dict[int, dict[str, Any]]:
    """The last event of each order, when all are resolved or the time is over."""
    until, shown = time.monotonic() + _PATIENCE_S, dict[int, dict[str, Any]]()
    while time.monotonic() < until:
        reply = client.ask(200001)
        if isinstance(reply, list):
            events = [json.loads(item) for item in reply]
            shown = {event["order_xtp_id"]: event for event in events}
            numbers = {number for told in client.story.told.values() for number in told}
            if all(shown.get(each, {}).get("order_status", 0) for each in numbers):
                break
        time.sleep(0.2)
    return shown


def _of_client(
    client: Client, shown: dict[int, dict[str, Any]], arrived: Counter[tuple[str, float, int]]
) -> Any:
    story = client.story
    for own, wanted in story.wanted.items():
        there = arrived[ACCOUNTS[client.user], wanted.price, wanted.quantity]
        told = story.told.get(own, set())
        if len(told) > 1:
            yield "identity differs", f"{own} has the numbers {told}"
        if own in story.denied:
            yield "identity differs", f"{own}: {story.denied[own]}"
        elif not told:
            yield "unresolved", f"{own} got no sure answer"
        for number in told:
            last = shown.get(number)
            if last is None:
                yield "lost", f"{own} {number} is not listed"
            elif (last["price"], last["quantity"]) != (wanted.price, wanted.quantity):
                yield "identity differs", f"{own} {number} is {last}"
            elif last["order_status"] == 0:
                yield "unresolved", f"{own} {number}"
            elif bool(there) == (last["order_status"] == 6):
                yield "lost", f"{own} {number} arrived {there} times and is shown as {last}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.ofx_orders", description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-store", action="store_true", help="tcp_edge keeps no orders")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ctpbus-ofx-") as folder:
        verdict = play(Path(folder), arguments.kills, arguments.seed, not arguments.no_store)
    for name, count in sorted(verdict.counts.items()):
        print(f"{name:<24}{count:>9}")
    for kind, text in verdict.faults[:20]:
        print(f"{kind}: {text}", file=sys.stderr)
    faults = Counter(kind for kind, _ in verdict.faults)
    for kind in KINDS:
        print(f"{kind:<24}{faults[kind]:>9}{'  WRONG' * (kind in faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
