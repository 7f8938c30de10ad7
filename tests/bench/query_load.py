"""Whether queries delay orders: an order's way to the API with and without 1,000 queries.

    python -m tests.bench.query_load

50 logins of one account ask 20 questions each at a front that takes one a second; meanwhile the
same account sends orders that rest in the book. Measured: from the client's send on the bus until
it hears that the API has taken the order. (The exchange stops for 30 ms with each step of its
market, which would hide everything else.)

Rounds without queries alternate with rounds under the full line, so that both see the same machine;
the p99 of the median round says more than that of all orders when other programs use it too.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from bus.frames import Flag
from sim.control import SimControl
from tests.support.buslink import TdLink
from tests.support.group import Group

from .table import finish, header, quantile, row, verdict

CLIENTS, QUERIES, ROUNDS, ORDERS = 50, 20, 16, 100
GAP_S = 0.005
LIMIT_MS = 2.0
USER, PASSWORD = "300001", "geheim-3"
SETTINGS: dict[str, Any] = {
    "sim": {"queries_per_second": 1, "users": [{"user_id": USER, "password": PASSWORD}]},
    "td_worker": {"query_s": 300.0},
}


class Bench:
    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.group = stack.enter_context(Group(folder, overrides=SETTINGS))
        self.group.start("sim", "td_worker")
        self.link = stack.enter_context(TdLink(self.group))
        self.sim = stack.enter_context(SimControl(self.group.config["sim"]["listen"]))
        self.clients: list[bytes] = []
        for _ in range(CLIENTS):
            self.link.login(USER, PASSWORD)
            self.clients.append(self.link.handle)
        (contract, *_) = self.link.request("ReqQryInstrument", ProductID="rb", ExchangeID="SHFE")
        self.instrument = str(contract["InstrumentID"])
        (quote,) = self.link.request("ReqQryDepthMarketData", InstrumentID=self.instrument)
        low = quote["LowerLimitPrice"]
        assert isinstance(low, float)
        self.price = low  # of a buyer who waits

    def orders(self) -> list[float]:
        """Milliseconds of each order to the API and back."""
        took = []
        for _ in range(ORDERS):
            began = time.perf_counter()
            number = self.link.order(self.instrument, self.price)
            (sent,) = self.link.rows(number, 1)
            took.append((time.perf_counter() - began) * 1e3)
            assert sent.flags & Flag.SENT, sent
            time.sleep(GAP_S)
        return took

    def fill_the_line(self, round_: int) -> list[int]:
        return [
            self.link.send(
                "ReqQryOrder",
                self.link.body("ReqQryOrder", InstrumentID=f"x{round_}-{query}-{number % 2}"),
                session=client,
                timeout_s=300,
            )
            for query in range(QUERIES)
            for number, client in enumerate(self.clients)
        ]

    def waiting(self) -> int:
        (account,) = self.link.state_now()["accounts"]
        return int(account["queries_waiting"])

    def drop_the_line(self) -> None:
        """New logins instead of those whose queries wait."""
        for client in self.clients:
            self.link.call("Detach", session=client)
        self.clients.clear()
        for _ in range(CLIENTS):
            self.link.login(USER, PASSWORD)
            self.clients.append(self.link.handle)


def main() -> None:
    header("queries and orders")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        bench = Bench(Path(folder), stack)
        bench.orders()  # warm
        alone, loaded = list[list[float]](), list[list[float]]()
        for round_ in range(ROUNDS):
            alone.append(bench.orders())
            numbers = bench.fill_the_line(round_)
            waiting = bench.waiting()
            loaded.append(bench.orders())
            assert 0 < bench.waiting() <= waiting <= len(numbers), "no line any more"
            bench.drop_the_line()
        hits = bench.sim.faults()["hits"]
        assert not hits, hits
    results = []
    for name, rounds in (("orders alone", alone), ("orders and 1,000 queries", loaded)):
        values = list(itertools.chain(*rounds))
        results.append(median(quantile(one, 0.99) for one in rounds))
        row(
            name,
            p50_ms=quantile(values, 0.5),
            p90_ms=quantile(values, 0.9),
            p99_ms=quantile(values, 0.99),
            p99_of_the_median_round_ms=results[-1],
            orders=len(values),
        )
    more = results[1] - results[0]
    finish([verdict("p99 under queries above that without, median round", more, LIMIT_MS, "ms")])


if __name__ == "__main__":
    main()
