"""The latest words of each process. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from bus.frames import Message
from bus.stats import MdStat

_decode_stat: Final = msgspec.msgpack.Decoder(MdStat).decode
_WOKE_S: Final = 2.0


@dataclass(slots=True)
class Told:
    """One process. Times are of one monotonic clock in s; 0: never.

    stat, heard          its last figures, and when they came
    began                when the first ones of its present start came
    state, state_heard   its last state message, nothing for processes without
    lags  by source: for how long it has not heard what we did hear of that source meanwhile
    """

    program: str
    module: str
    stat: MdStat | None = None
    heard: float = 0.0
    began: float = 0.0
    state: dict[str, Any] = field(default_factory=dict)
    state_heard: float = 0.0
    lags: dict[str, float] = field(default_factory=dict)


class Group:
    """Takes the messages. ``publishers``: the programs whose state messages are those of md_worker
    and of td_worker."""

    def __init__(self, programs: dict[str, str], publishers: dict[str, str]) -> None:
        """``programs``: names and modules."""
        self.told = {name: Told(name, module) for name, module in programs.items()}
        self._publishers = publishers

    def take(self, program: str, message: Message, now: float) -> None:
        """Raises msgspec.DecodeError for what is no message of ours."""
        told = self.told[program]
        if message.topic.startswith("stat/"):
            stat = _decode_stat(message.body)
            if told.stat is None or told.stat.started_ns != stat.started_ns:
                told.began = now
            # Who was frozen tells his figures before he has read what came meanwhile.
            woke = now - told.heard > _WOKE_S
            told.stat, told.heard = stat, now
            sources = () if woke else told.stat.ages
            told.lags = {source: self._lag(told, source, now) for source in sources}
        elif message.topic.startswith("state/"):
            told.state, told.state_heard = msgspec.msgpack.decode(message.body), now

    def _lag(self, told: Told, source: str, now: float) -> float:
        publisher = self.told.get(self._publishers.get(source, ""))
        if publisher is None or not publisher.state_heard or told.stat is None:
            return 0.0
        age = told.stat.ages[source]
        if age < 0:  # never
            age = now - told.began
        return max(0.0, publisher.state_heard - (now - age))
