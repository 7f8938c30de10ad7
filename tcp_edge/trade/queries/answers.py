"""What the counter has answered to the queries of this gateway's clients, by reqid, until the end
of the gateway's day."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from ...stat import Failed

Kind = Literal["assets", "positions", "orders", "trades"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(slots=True, eq=False)
class Answer:
    """``rows``: structs as they came so far, with the Unix time at which they did. ``failed``: why
    no more of them come. ``made``: by the place of a row, its record and its order's number, when
    they stay so."""

    kind: Kind
    reqid: int
    rows: list[tuple[bytes, int]] = field(default_factory=list)
    failed: Failed | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    texts: list[bytes] | None = None
    made: dict[int, tuple[bytes, int]] = field(default_factory=dict)

    def end(self, failed: Failed | None = None) -> None:
        if not self.done.is_set():
            self.failed = failed
            self.done.set()


class Answers:
    """Of one account. ``most``: rows of a kind that are kept, and answers; of the oldest ones
    nothing is known any more. ``day``: of the gateway, which reqids belong to. ``texts`` gives the
    records of an answer, and whether they stay so.
    """

    def __init__(
        self, most: int, day: str, texts: Callable[[Answer], Awaitable[tuple[list[bytes], bool]]]
    ) -> None:
        self._most, self._day, self._texts = most, day, texts
        self._count: Counter[Kind] = Counter()
        self._of: dict[Kind, dict[int, Answer]] = {kind: {} for kind in KINDS}
        self._rows: dict[bytes, bytes] = {}  # what is the same in several answers is kept once

    def begin(self, kind: Kind, reqid: int) -> Answer:
        answer = self._of[kind][reqid] = Answer(kind, reqid)
        self._trim(kind)
        return answer

    def put(self, answer: Answer) -> None:
        """One of before a restart; what is newer is behind it."""
        known = self._of[answer.kind]
        if answer.reqid in known:
            return
        known[answer.reqid] = answer
        self._count[answer.kind] += len(answer.rows)
        self._of[answer.kind] = dict(sorted(known.items()))
        self._trim(answer.kind)

    def row(self, answer: Answer, raw: bytes, recv_ns: int) -> None:
        answer.rows.append((self._rows.setdefault(raw, raw), recv_ns))
        if self._of[answer.kind].get(answer.reqid) is answer:
            self._count[answer.kind] += 1

    def get(self, kind: Kind, reqid: int) -> Answer | None:
        return self._of[kind].get(reqid)

    def newest(self, kind: Kind) -> Answer | None:
        """The last one asked for."""
        return next(reversed(self._of[kind].values()), None)

    def latest(self, kind: Kind) -> Answer | None:
        """The last one that is complete and good."""
        answers = reversed(self._of[kind].values())
        return next((a for a in answers if a.done.is_set() and a.failed is None), None)

    async def records(self, kind: Kind) -> list[bytes]:
        """Of all answers, in the order in which they were asked for."""
        answers = list(self._of[kind].values())
        return [text for answer in answers for text in await self.texts(answer)]

    async def texts(self, answer: Answer) -> list[bytes]:
        """What has come so far."""
        if answer.texts is not None:
            return answer.texts
        done = answer.done.is_set()
        texts, final = await self._texts(answer)
        if final and done:
            answer.texts = texts
        return texts

    def turn(self, day: str) -> None:
        """Before a reqid of this day: one of the day before may have the same number."""
        if day <= self._day:
            return
        self._day = day
        for answers in self._of.values():
            answers.clear()
        self._rows.clear()
        self._count.clear()

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))

    def _trim(self, kind: Kind) -> None:
        answers = self._of[kind]
        while max(self._count[kind], len(answers)) > self._most and len(answers) > 1:
            oldest = answers.pop(next(iter(answers)))
            self._count[kind] -= len(oldest.rows)
        if len(self._rows) > 2 * len(KINDS) * self._most:
            self._rows.clear()  # most are of answers that are gone
