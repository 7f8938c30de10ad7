"""The ticks of a day in the order of their receive times, of chosen instruments. No clock.

Only what is chosen is read: each instrument has its own file, and a choice in the middle of the day
halves its way to the place.
"""

from __future__ import annotations

import heapq
import logging
from contextlib import suppress
from pathlib import Path
from typing import Final

from recorder.ticks.reading import DayReader
from recorder.ticks.record import GAP, FileError, Record
from recorder.ticks.store import TickStore

log = logging.getLogger("replay")

_BEGINNING: Final = -1


class Track:
    """The ticks of one instrument. ``due_ns`` rises, also where the recorder's clock had not.

    gaps  passed over so far; ``damaged``: the same of records that cannot be read
    """

    def __init__(self, readers: list[DayReader]) -> None:
        self._readers = readers
        self._part = self._number = 0
        self.due_ns = _BEGINNING
        self.next: Record | None = None
        self.gaps, self.damaged = 0, sum(reader.left_over for reader in readers)

    def seek(self, position_ns: int) -> Record | None:
        """Go behind what was received up to this time; the last tick before it."""
        last = None
        for part, reader in enumerate(self._readers):
            number = reader.after_time(position_ns + 1)
            last = _tick_before(reader, number) or last
            self._part, self._number = part, number
            if number < len(reader):
                break
        self.due_ns = position_ns
        self.advance()
        return last

    def advance(self) -> None:
        """The next tick becomes ``next``; None behind the last one."""
        self.next = None
        while self.next is None and self._part < len(self._readers):
            reader = self._readers[self._part]
            if self._number >= len(reader):
                self._part, self._number = self._part + 1, 0
                continue
            self._take(reader)

    def close(self) -> None:
        for reader in self._readers:
            reader.close()

    def _take(self, reader: DayReader) -> None:
        number, self._number = self._number, self._number + 1
        try:
            record = reader[number]
        except FileError:
            self.damaged += 1
            return
        if record.type == GAP:
            self.gaps += 1
        else:
            self.next, self.due_ns = record, max(self.due_ns, record.recv_ns)


class Timeline:
    """One day of a folder of ticks. ``layout``: of the API whose structs can be played.

    position_ns  receive time of the last tick that was taken; -1: none yet
    played       ticks that were taken
    """

    def __init__(self, folder: Path, day: str, layout: int, body_size: int) -> None:
        self._store = TickStore(folder)
        self.day = day
        self._kind = layout, body_size
        self._tracks: dict[str, Track] = {}
        self._heap: list[tuple[int, str, int]] = []
        self._choices = 0  # tells an entry of the heap from one of an earlier choice
        self._number: dict[str, int] = {}
        self.position_ns = _BEGINNING
        self.played = self._gaps = self._damaged = 0

    @property
    def gaps(self) -> int:
        """Gaps of the recording that were passed over."""
        return self._gaps + sum(track.gaps for track in self._tracks.values())

    @property
    def damaged(self) -> int:
        return self._damaged + sum(track.damaged for track in self._tracks.values())

    @property
    def chosen(self) -> int:
        return len(self._tracks)

    @property
    def due_ns(self) -> int | None:
        """Receive time of the next tick; None: none is left of what is chosen."""
        while self._heap and self._number.get(self._heap[0][1]) != self._heap[0][2]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def join(self, instrument: str) -> Record | None:
        """Choose an instrument: its last tick up to the position. Nothing for an instrument
        without a file. Again: nothing changes."""
        track = self._tracks.get(instrument)
        if track is not None:
            return None
        track = self._tracks[instrument] = Track(self._readers(instrument))
        last = track.seek(self.position_ns)
        self._choices += 1
        self._number[instrument] = self._choices
        self._push(instrument, track)
        return last

    def leave(self, instrument: str) -> None:
        track = self._tracks.pop(instrument, None)
        if track is not None:
            del self._number[instrument]
            self._gaps += track.gaps
            self._damaged += track.damaged
            track.close()

    def take(self) -> Record:
        """The next tick; only when ``due_ns`` has just said that there is one."""
        due, instrument, _ = heapq.heappop(self._heap)
        track = self._tracks[instrument]
        record = track.next
        assert record is not None, "the heap holds tracks with a next tick"
        self.position_ns = max(self.position_ns, due)
        self.played += 1
        track.advance()
        self._push(instrument, track)
        return record

    def pass_to(self, position_ns: int) -> None:
        """The clock has come so far without a tick."""
        self.position_ns = max(self.position_ns, position_ns)

    def rewind(self) -> None:
        """Back to the beginning, with nothing chosen."""
        for instrument in list(self._tracks):
            self.leave(instrument)
        self._heap.clear()
        self.position_ns = _BEGINNING

    def span(self) -> tuple[int, int, int]:
        """Receive times of the first and last record of the day, and how many records there are.
        (0, 0, 0) when nothing of the day can be played."""
        begin, end, count, other = [], [], 0, 0
        for instrument in self._store.instruments(self.day):
            readers = self._readers(instrument)
            other += not readers
            for reader in readers:
                with reader, suppress(FileError, IndexError):
                    begin.append(reader[0].recv_ns)
                    end.append(reader[len(reader) - 1].recv_ns)
                    count += len(reader)
        if other:
            fields = {"instruments": other, "layout": hex(self._kind[0])}
            log.error("files of another version of the API are left out", extra={"fields": fields})
        return (min(begin), max(end), count) if begin and end else (0, 0, 0)

    def close(self) -> None:
        self.rewind()

    def _push(self, instrument: str, track: Track) -> None:
        if track.next is not None:
            heapq.heappush(self._heap, (track.due_ns, instrument, self._number[instrument]))

    def _readers(self, instrument: str) -> list[DayReader]:
        kept = []
        try:
            for reader in self._store.readers(self.day, instrument):
                if (reader.head.layout, reader.head.body_size) == self._kind:
                    kept.append(reader)
                else:
                    reader.close()
        except (OSError, FileError) as exc:
            fields = {"instrument": instrument, "error": str(exc)}
            log.error("a file cannot be played", extra={"fields": fields})
        return kept


def _tick_before(reader: DayReader, number: int) -> Record | None:
    for at in range(min(number, len(reader)) - 1, -1, -1):
        with suppress(FileError):
            if (record := reader[at]).type != GAP:
                return record
    return None
