"""td_worker that kills itself at one step of one order: ``$CHAOS_STEP`` of its ``$CHAOS_ORDER``-th
insertion, or of the next one that comes so far. Which order that was it writes to ``$CHAOS_FILE``
first.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, Final

from bus.orders import Outcome
from bus.process import main
from bus.rpc import Call
from schemas import catalogue
from schemas.counter import Counter
from td_worker.__main__ import run
from td_worker.config import TdConfig
from td_worker.orders.book import Book
from td_worker.orders.record import Ticket
from td_worker.replies import Replies

STEPS: Final = ("before intent", "after intent", "after call", "before reply", "after reply")
INSERT: Final = "ReqOrderInsert"


class Fate:
    """Counts insertions and ends the process at the one that is meant."""

    def __init__(self, step: str, order: int, file: str) -> None:
        self._step, self._left, self._file = step, order, file
        self._codec = catalogue.load().codec("InputOrder")

    def begins(self) -> None:
        self._left -= 1

    def at(self, step: str, body: bytes) -> None:
        if step != self._step or self._left > 0:
            return
        line = f"{step}\t{self._codec.get(body, 'BusinessUnit')}\n"
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(file, line.encode())
        os.kill(os.getpid(), signal.SIGKILL)


def arm(fate: Fate) -> None:
    intend, request, sent = Book.intend, Counter.request, Replies.sent

    def new_intend(self: Book, call: Call, session_id: int, number: int) -> Ticket:
        if call.method == INSERT:
            fate.begins()
            fate.at("before intent", call.body)
        ticket = intend(self, call, session_id, number)
        if call.method == INSERT:
            fate.at("after intent", call.body)
        return ticket

    def new_request(self: Counter, method: str, body: bytes, number: int) -> int:
        status = request(self, method, body, number)
        if method == INSERT:
            fate.at("after call", body)
        return status

    def new_sent(self: Replies, peer: bytes, call: Call, outcome: Outcome | None = None) -> None:
        if call.method == INSERT:
            fate.at("before reply", call.body)
        sent(self, peer, call, outcome)
        if call.method == INSERT:
            fate.at("after reply", call.body)

    patched: Any = Book
    patched.intend = new_intend
    patched = Counter
    patched.request = new_request
    patched = Replies
    patched.sent = new_sent


if __name__ == "__main__":
    names = ("CHAOS_STEP", "CHAOS_ORDER", "CHAOS_FILE")
    step, order, file = (os.environ[name] for name in names)
    if step:
        arm(Fate(step, int(order), file))
    sys.exit(main("td_worker", TdConfig, run, "Dies at a step."))
