"""Questions about ticks, as rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Final, NamedTuple, Protocol

import msgspec

from bus.errors import bad_parameters, request_failed
from bus.frames import message_type
from bus.history import MOST_INSTRUMENTS, Form, LastTicks, TickBlock, Ticks, TicksEnd
from bus.orders import Place

from ..ticks.reading import DayReader
from .blocks import Blocks, file_of

_LONGEST: Final = 80  # bytes of an instrument, see recorder.ticks.record
_ALL: Final = 1 << 62
_BLOCK: Final = message_type("TickBlock")
_END: Final = message_type("Ticks")
_LAST: Final = message_type("LastTick")
_NO_TICK: Final = msgspec.msgpack.encode(TickBlock(size=0, ticks=0, gaps=0, damaged=0, data=b""))


class Answer(NamedTuple):
    """What a row says: its type, and msgpack."""

    type: int
    body: bytes
    last: bool = False


class Files(Protocol):
    """The part of ``recorder.ticks.store.TickStore`` that is read."""

    def readers(self, day: str, instrument: str) -> Iterator[DayReader]: ...
    def days(self) -> list[str]: ...


class TickHistory:
    """Each answer is an iterator; a step of it takes about half a millisecond. It tells what was
    written when its first row was taken. A step raises Refused, FileError and OSError.

    ``layout``: of the structs that can be told as JSON. ``today``: the trading day of now.
    """

    def __init__(
        self, files: Files, blocks: Blocks, layout: int, today: Callable[[str], str]
    ) -> None:
        self._files, self._blocks = files, blocks
        self._layout, self._today = layout, today

    def ticks(self, question: Ticks) -> Iterator[Answer]:
        """Raises Refused."""
        _check(question.instrument)
        return self._ticks(question)

    def last_ticks(self, question: LastTicks) -> Iterator[Answer]:
        """Raises Refused."""
        if not question.instruments:
            raise bad_parameters("LastTicks: the list is empty")
        if len(question.instruments) > MOST_INSTRUMENTS:
            raise bad_parameters(f"LastTicks: more than {MOST_INSTRUMENTS} instruments")
        for instrument in question.instruments:
            _check(instrument)
        return self._last_ticks(question)

    def _ticks(self, question: Ticks) -> Iterator[Answer]:
        day = question.day or self._today(question.instrument)
        after, left = question.after, question.limit or _ALL
        place, more = after, False
        first = self._file_with(day, question.instrument, after)
        with closing(_opened(self._files, day, question.instrument)) as readers:
            for number, reader in enumerate(readers):
                if first is not None and number < first:
                    continue
                begin = reader.after_time(question.since_ns) if question.since_ns else 0
                if after is not None and first in (None, number):
                    begin = max(begin, reader.after_place(after.epoch, after.seq))
                if begin == len(reader):
                    continue
                if not left:
                    more = True
                    break
                self._check_layout(reader, question.form)
                file = file_of(reader, number)
                while begin < len(reader) and left:
                    part = self._blocks.part(reader, file, begin, len(reader), left, question.form)
                    begin, left = begin + part.records, left - part.ticks
                    yield Answer(_BLOCK, part.message)
                place = reader.place(begin - 1)
                if begin < len(reader):
                    more = True
                    break
        end = TicksEnd(day=day, place=place, more=more)
        yield Answer(_END, msgspec.msgpack.encode(end), last=True)

    def _file_with(self, day: str, instrument: str, place: Place | None) -> int | None:
        """Which one has this place: the next file may begin with a lower epoch. None: no file."""
        found = None
        if place is not None:
            with closing(_opened(self._files, day, instrument)) as readers:
                for number, reader in enumerate(readers):
                    behind = reader.after_place(place.epoch, place.seq)
                    if behind and reader.place(behind - 1) == place:
                        found = number
        return found

    def _last_ticks(self, question: LastTicks) -> Iterator[Answer]:
        days = self._files.days()[::-1]
        for index, instrument in enumerate(question.instruments, 1):
            message = next(filter(None, self._newest(days, instrument, question.form)), _NO_TICK)
            yield Answer(_LAST, message, last=index == len(question.instruments))

    def _newest(self, days: list[str], instrument: str, form: Form) -> Iterator[bytes | None]:
        """The last tick of each file, the newest file first."""
        for day in days:
            with closing(_opened(self._files, day, instrument)) as readers:
                yield from reversed([self._last(reader, form) for reader in readers])

    def _last(self, reader: DayReader, form: Form) -> bytes | None:
        for number in range(len(reader) - 1, -1, -1):
            part = self._blocks.single(reader, number, form)
            if part.ticks:
                self._check_layout(reader, form)
                return part.message
        return None

    def _check_layout(self, reader: DayReader, form: Form) -> None:
        if form == "json" and reader.head.layout != self._layout:
            raise request_failed(
                f"{reader.head.instrument} was recorded on {reader.head.day} with structs of "
                f"{reader.head.layout:#06x}, not {self._layout:#06x}: ask for the form raw"
            )


def _opened(files: Files, day: str, instrument: str) -> Generator[DayReader, None, None]:
    """Each is open until the next one is asked for."""
    for reader in files.readers(day, instrument):
        with reader:
            yield reader


def _check(instrument: str) -> None:
    size = len(instrument.encode("utf-8", "replace"))
    if not 1 <= size <= _LONGEST or "/" in instrument or "\0" in instrument:
        raise bad_parameters("not an instrument")
