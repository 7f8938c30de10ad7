"""What the counter says, and the streams that keep it for replay."""

from dataclasses import dataclass, replace

from sim.exchange.values import Fields


@dataclass(frozen=True, slots=True)
class Event:
    """One callback for one session, for all sessions of a user, or for everybody.

    ``session`` None: on the private stream of ``user``, or, when that is None too, on the public
    stream; ``seq`` is then its place in the stream, from 1. ``field`` is never changed once made.
    ``error_id`` None means that pRspInfo is a null pointer.
    """

    session: int | None
    user: str | None
    callback: str
    field: Fields | None
    error_id: int | None = None
    error_msg: str = ""
    request_id: int = 0
    last: bool = True
    seq: int = 0


class Streams:
    """The reliable streams of a trading day: one for each user, and the public one (user None)."""

    def __init__(self) -> None:
        self._streams: dict[str | None, list[Event]] = {}

    def add(self, event: Event) -> Event:
        """Number an event and keep it."""
        stream = self._streams.setdefault(event.user, [])
        numbered = replace(event, seq=len(stream) + 1)
        stream.append(numbered)
        return numbered

    def since(self, user: str | None, from_seq: int) -> list[Event]:
        """The events after ``from_seq``: 0 gives all of them (RESTART)."""
        return self._streams.get(user, [])[max(0, from_seq) :]

    def last_seq(self, user: str | None) -> int:
        return len(self._streams.get(user, ()))
