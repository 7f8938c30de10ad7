"""What td_worker counts, published once a second on ``stat/td_worker/`` as "Stat" (msgpack).

Besides what every process says (``bus.stats.Stat``), whose ``kinds`` are the "outcomes" of orders
by their state and the "refusals" by the rule, of all accounts together::

    interval_s        seconds since the last one; the waiting times are of this interval, all other
                      counters run from the start of the process
    rows_dropped      rows of replies that their caller did not take
    connections_refused   over tcp, see bus/security.py
    malformed_calls   calls that were none
    callbacks_waiting of the counter, not handled yet
    cache             answers and bytes that are kept for the day
    deliveries        readers of kept answers who have not got all rows
    accounts          of each session:
      broker, user, slot
      returns         seq of its last message; repeated: those left out, since they tell nothing new
      orders          of the day's book, see ``orders.book.Stats``
      queries
        waiting         questions that are not sent yet; oldest_s: since when the first one waits
        clients         that have such questions
        wait_p50_s, wait_p99_s, wait_longest_s   from the question to the call of the API
        sent            calls of the API that it took
        merged          questions that had the answer of an equal one
        hits, misses    of the day cache
        put_off         how often -2 and -3 (the API) and 90 and 154 (the counter), by number
        timeouts        questions that ended at their deadline
      limits            as in the state message: what was refused, by the rule, and the meters
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bus.frames import stat_topic
from bus.publisher import Publisher
from bus.rpc import Router
from bus.stats import Meter, Stat, buckets, with_more

from .login.states import State
from .queries.day_cache import DayCache
from .queries.delivery import Deliveries

if TYPE_CHECKING:
    from .session import Session


class Stats:
    """Looks into the parts when it is time; they know nothing of it.

    orders  from the call of a new order being taken until the API has it, or it was refused
    """

    def __init__(
        self,
        broker: str,
        publisher: Publisher,
        router: Router,
        cache: DayCache,
        deliveries: Deliveries,
    ) -> None:
        self._broker, self._publisher, self._router = broker, publisher, router
        self._cache, self._deliveries = cache, deliveries
        self._meter = Meter("td_worker")
        self.orders = buckets()

    def tell(self, sessions: Sequence[Session], callbacks: int, now: float) -> None:
        """Publish when a second has passed."""
        if not self._meter.due(now):
            return
        message = with_more(
            self._stat(sessions, callbacks),
            rows_dropped=self._router.dropped,
            connections_refused=self._router.refused,
            malformed_calls=self._router.malformed,
            callbacks_waiting=callbacks,
            cache={"answers": len(self._cache), "bytes": self._cache.size},
            deliveries=len(self._deliveries),
            accounts=[self._account(session, now) for session in sessions],
        )
        self._publisher.tell(stat_topic("td_worker"), "Stat", message)

    def _stat(self, sessions: Sequence[Session], callbacks: int) -> Stat:
        outcomes: Counter[str] = Counter()
        refusals: Counter[str] = Counter()
        for session in sessions:
            outcomes.update(session.outcomes)
            refusals.update(session.limits.refused)
        return self._meter.stat(
            counters={
                "returns": sum(session.returns.seq for session in sessions),
                "rows_dropped": self._router.dropped,
                "connections_refused": self._router.refused,
                "calls_forbidden": self._router.forbidden,
                "malformed_calls": self._router.malformed,
            },
            queues={
                "callbacks": callbacks,
                "queries": sum(len(session.queries) for session in sessions),
                "deliveries": len(self._deliveries),
            },
            levels={
                "sessions": len(sessions),
                "sessions_ready": sum(s.gate.state is State.READY for s in sessions),
                "orders_unknown": sum(session.doubts for session in sessions),
                "journals_failing": sum(bool(s.returns.journal.failing) for s in sessions),
                "killed": sum(bool(session.limits.killed) for session in sessions),
            },
            hops={"publish": self._publisher.delays, "order": self.orders},
            kinds={"outcomes": dict(outcomes), "refusals": dict(refusals)},
        )

    def _account(self, session: Session, now: float) -> dict[str, object]:
        return {
            "broker": self._broker,
            "user": session.user,
            "slot": session.slot,
            "returns": session.returns.seq,
            "repeated": session.repeated,
            "orders": session.order_counts,
            "queries": session.queries.stat(now),
            "limits": session.limits.describe(),
        }
