"""Answers of before this process began, as far as a recorder has kept them."""

from __future__ import annotations

import logging
import time

from bus.errors import Refused, Unavailable

from ...stat import Failed, Stat
from ..setting import Setting
from .answers import KINDS, Answer, Answers, Kind

log = logging.getLogger("tcp_edge")


class Earlier:
    """Those to the queries of this gateway for one account, put into ``answers`` once a day."""

    def __init__(self, setting: Setting, user: str, answers: Answers) -> None:
        self._setting, self._user, self._answers = setting, user, answers
        self._layout = setting.bus.catalogue.layout_id
        self._day = ""

    @property
    def due(self) -> bool:
        return self._day != self._today()

    async def restore(self, broker_id: str) -> None:
        self._day = self._today()
        for kind in KINDS:
            try:
                await self._restore(kind, broker_id, self._day)
            except (Refused, Unavailable) as exc:
                fields = {"user": self._user, "why": str(exc)}
                log.info("earlier answers are not to be had", extra={"fields": fields})
                return

    async def _restore(self, kind: Kind, broker_id: str, today: str) -> None:
        history, name = self._setting.bus.history, self._setting.name
        found: dict[tuple[int, int], Answer] = {}
        async for part in history.answers(broker_id, self._user, kind, asker=name):
            if self._setting.day_of(part.asked_ns or part.arrived_ns) != today:
                continue
            if part.layout != self._layout:
                continue
            for reqid, asker in zip(part.request_ids, part.askers, strict=False):
                if asker != name:
                    continue
                answer = found.setdefault((reqid, part.answer), Answer(kind, reqid))
                for raw in part.rows:
                    self._answers.row(answer, raw, part.arrived_ns)
                if part.last:
                    text = f"{part.error_msg} ({part.error_id})"
                    answer.end(Failed(Stat.INTERNAL, text, reqid) if part.error_id else None)
        for answer in found.values():
            answer.end(Failed(Stat.NO_ANSWER, "the answer is not complete", answer.reqid))
            self._answers.put(answer)

    def _today(self) -> str:
        return self._setting.day_of(time.time_ns())
