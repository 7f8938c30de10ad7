"""Orders of the SDK while td_worker is killed and frozen and loses its front.

    python -m tests.chaos.sdk --seconds 40 --seed 1

Each order of an account has a price of its own. In the end the exchange's record says of each
whether it arrived, and no two of one price did; what the SDK says must be the same.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

from bus.client import Account, Client, Order, OrderState
from bus.client.structs import DepthMarketData, QryDepthMarketData, QryInstrument
from bus.errors import BusError
from schemas.typed import InputOrder
from sim.control import SimControl
from tests.support.group import Group

USERS: Final = ("028742", "100001")
_MOST: Final = 300  # prices between the limits of a day
_END_S: Final = 90.0
_TROUBLES: Final = ("kill", "kill", "cut", "freeze")
_OVERRIDES: Final[dict[str, Any]] = {
    "td_worker": {"queries_per_s": 1000, "retry_s": 0.2, "quiet_s": 0.1, "unsent_s": 1.0},
}


class Run:
    def __init__(self, group: Group, seconds: float, seed: int) -> None:
        self._group, self._seconds = group, seconds
        self._chance = random.Random(seed)
        self._over = False
        self.orders: list[tuple[str, Order]] = []  # with their users

    async def whole(self) -> None:
        async with Client(str(self._group.config_file)) as client:
            accounts = [await client.login(user, "123456") for user in USERS]
            code, lowest, tick = await _prices(accounts[0])
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._trouble())
                for number in range(_MOST):
                    if self._over:
                        break
                    account = self._chance.choice(accounts)
                    tasks.create_task(self._trade(account, code, lowest + number * tick))
                    await asyncio.sleep(self._chance.uniform(0.02, 0.3))

    async def _trouble(self) -> None:
        """Until time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                while True:
                    await asyncio.sleep(self._chance.uniform(1, 4))
                    await asyncio.shield(self._make(self._chance.choice(_TROUBLES)))
        self._over = True

    async def _make(self, trouble: str) -> None:
        if trouble == "kill":
            await asyncio.to_thread(self._group.restart, "td_worker")
        elif trouble == "cut":
            with SimControl(self._group.config["sim"]["listen"]) as sim:
                sim.disconnect(side="td")
        else:
            self._group.freeze("td_worker")
            await asyncio.sleep(self._chance.uniform(0.5, 8))
            self._group.thaw("td_worker")

    async def _trade(self, account: Account, code: str, price: float) -> None:
        """An order that rests, and its cancel, for as long as it takes."""
        order = await account.place(code, "buy", 1, price, exchange="SHFE")
        self.orders.append((account.user, order))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds + _END_S):
                while not order.complete:
                    if await order.wait(OrderState.ACK, timeout_s=1) is OrderState.ACK:
                        with contextlib.suppress(BusError):
                            await order.cancel()
                        await order.wait(timeout_s=1)


async def _prices(account: Account) -> tuple[str, float, float]:
    """An instrument, its lowest price, and the step to the next."""
    (future, *_) = await account.ctp.ReqQryInstrument(QryInstrument(product_id="rb"))
    code = future.instrument_id
    (quote,) = await account.ctp.ReqQryDepthMarketData(QryDepthMarketData(instrument_id=code))
    assert isinstance(quote, DepthMarketData)
    assert quote.lower_limit_price is not None
    assert future.price_tick is not None
    return code, quote.lower_limit_price, future.price_tick


def faults(orders: list[tuple[str, Order]], ledger: Path) -> list[str]:
    """What the SDK says otherwise than the exchange's record."""
    entries = map(json.loads, ledger.read_text().splitlines())
    accepted = [entry for entry in entries if entry["kind"] == "AcceptedOrder"]
    arrived = Counter((entry["user"], entry["price"]) for entry in accepted)
    found = [f"not ended: {order}" for _, order in orders if not order.final]
    for user, order in orders:
        assert isinstance(order.fields, InputOrder)
        assert order.fields.limit_price is not None
        times = arrived.pop((user, order.fields.limit_price), 0)
        if times != (order.state is not OrderState.NOT_SENT):
            found.append(f"arrived {times} times: {order}")
    return found + [f"of nobody: {key}" for key in arrived]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.sdk", description=__doc__)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.jsonl"
        sim = {"queries_per_second": 0, "ledger_file": str(ledger)}
        with Group(Path(folder), overrides={**_OVERRIDES, "sim": sim}) as group:
            group.start("sim", "td_worker")
            run = Run(group, options.seconds, options.seed)
            asyncio.run(run.whole())
        wrong = faults(run.orders, ledger)
    print(f"{len(run.orders)} orders:", dict(Counter(str(order.state) for _, order in run.orders)))
    print("\n".join(wrong) or "each as the exchange has it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
