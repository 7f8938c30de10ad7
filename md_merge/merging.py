"""Which tick of which feed goes into the stream. No I/O, no clock.

First wins: a tick that another feed has brought already is a duplicate. It is known by its content:
time, millisecond, volume, open interest and the book, within one trading day. LastPrice and
Turnover are not looked at (fronts of different kinds compute them differently), nor ExchangeID and
ActionDay, which some fronts fill in and some do not.

Order: by trading day, volume, time of day with the night before the day, millisecond. A tick that
is older than the last one of the stream is late and not put into it, so that the volume never falls
within a trading day. What cannot be ordered (all of these equal) goes on as it comes.

CZCE says the natural day instead of the trading day, so its night session, which comes after the
day session of the same date, would seem to fall back to volume 0; and its milliseconds give no
order.
"""

from __future__ import annotations

import re
import struct
from collections import OrderedDict
from enum import IntEnum
from typing import Final

from md_worker.config import MOST_FEEDS
from schemas.codec import Codec, Value
from schemas.layout import Layout

# Contents remembered of each instrument: between this and twice as many. A front cuts a session
# that is silent for 120 s, so a feed that was frozen for longer does not bring what it had; at two
# ticks a second 120 s are 240.
REMEMBERED: Final = 256
# When for so long and so often only older ticks have come, the last of the stream cannot be true
# (yesterday's volume under the new trading day, a date in the future), and the stream begins anew.
# A feed that is left alone and further behind than this makes the volume fall.
DOUBT_NS: Final = 30_000_000_000
DOUBT_TICKS: Final = 20
_MOST_INSTRUMENTS: Final = 65_536
_NIGHT: Final = b"20:00:00"  # nothing trades between the close and the night session
# Two capitals and three digits, such as SR601, SR601C5000, "SPD SR601&SR605": no other exchange has
# such names, and ExchangeID is empty on ordinary fronts.
_CZCE: Final = re.compile(r"(?:[A-Z]+ )?[A-Z]{2}\d{3}(?!\d)")
_BOOK: Final = tuple(
    f"{side}{what}{level}"
    for level in range(1, 6)
    for side in ("Bid", "Ask")
    for what in ("Price", "Volume")
)
_READ_OF_QUOTE: Final = ("TradingDay", "ForQuoteSysID", "ForQuoteTime")
_MOST_QUOTES: Final = 10_000
_READ: Final = ("TradingDay", "Volume", "OpenInterest", "UpdateTime", "UpdateMillisec", *_BOOK)

Place = tuple[bytes, int, bytes, int]
_NOWHERE: Final[Place] = (b"", 0, b"", 0)


class Verdict(IntEnum):
    """What becomes of a tick.

    NEW        into the stream
    DUPLICATE  it was there before
    LATE       new, but older than the last of the stream
    FORGOTTEN  so old that it is not known whether it was there before; left out
    """

    NEW = 0
    DUPLICATE = 1
    LATE = 2
    FORGOTTEN = 3


_NEW, _DUPLICATE, _LATE, _FORGOTTEN = Verdict


class Tally:
    """What one feed has brought; ``number``, from 0, is its own among the feeds.

    first       ticks that it brought before the others, into the stream
    duplicates, late, forgotten   see Verdict
    lags        ns behind the first, of each duplicate since somebody took this list
    """

    __slots__ = ("bit", "duplicates", "first", "forgotten", "lags", "late")

    def __init__(self, number: int) -> None:
        self.bit = 1 << number
        self.first = self.duplicates = self.late = self.forgotten = 0
        self.lags: list[int] = []


class _Track:
    """One instrument.

    seen, before   contents, young and old: when they first came (ns) and which feeds had them
    tops, floor    the highest places in both; the highest of what is not remembered any more
    last           the content of the last tick in the stream
    below          how many older ticks have come since, the first of them at ``below_ns``
    """

    __slots__ = ("before", "below", "below_ns", "czce", "floor", "last", "place", "seen", "tops")

    def __init__(self, czce: bool) -> None:
        self.czce = czce
        self.seen: dict[int, int] = {}
        self.before: dict[int, int] = {}
        self.place = self.floor = _NOWHERE
        self.tops = (_NOWHERE, _NOWHERE)
        self.last = self.below = self.below_ns = 0


class Merger:
    """``doubts`` counts how often the stream of an instrument has begun anew, see DOUBT_NS."""

    def __init__(self, layout: Layout, remembered: int = REMEMBERED) -> None:
        fields = {field.name: field for field in layout.fields}
        in_memory = sorted(_READ, key=lambda name: fields[name].offset)
        # The order of the struct in every version of the API so far, and of ``take``.
        assert tuple(in_memory[:5]) == _READ[:5], in_memory
        self._unpack = struct.Struct(_format(layout)).unpack_from
        self._remembered = remembered
        self._tracks: dict[str, _Track] = {}
        self.doubts = 0

    def take(self, tally: Tally, instrument: str, raw: bytes, now_ns: int) -> Verdict:
        """One tick of a feed, as struct bytes, and when it came."""
        track = self._tracks.get(instrument) or self._begin(instrument)
        values = self._unpack(raw)
        day, volume, _, time, millisec = values[:5]
        if not day[0]:  # a raw feed leaves it empty
            day = track.place[0][:8]
            values = (day, *values[1:])
        content = hash(values)
        seen = track.seen.get(content) or track.before.get(content)
        if seen is not None:
            return self._again(tally, track, content, seen, now_ns)
        if track.czce:
            place = (day + b"n" if time >= _NIGHT else day, volume, time, 0)
        else:
            place = (day, volume, (b"0" if time >= _NIGHT else b"1") + time, millisec)
        if (
            place > track.place
            or place == track.place > track.floor
            or self._doubtful(track, now_ns)
        ):
            track.place, track.last, track.below = place, content, 0
            tally.first += 1
            verdict = _NEW
        elif place <= track.floor:
            tally.forgotten += 1
            return _FORGOTTEN
        else:
            tally.late += 1
            verdict = _LATE
        track.seen[content] = now_ns << MOST_FEEDS | tally.bit
        if place > track.tops[0]:
            track.tops = (place, track.tops[1])
        if len(track.seen) >= self._remembered:
            _age(track)
        return verdict

    def renew(self, instrument: str) -> None:
        """Nobody knows the last tick any more (its subscribers have left, or all fronts were lost):
        when a front sends it again it goes into the stream again."""
        track = self._tracks.get(instrument)
        if track is not None:
            track.seen.pop(track.last, None)
            track.before.pop(track.last, None)

    def _begin(self, instrument: str) -> _Track:
        if len(self._tracks) >= _MOST_INSTRUMENTS:
            self._tracks.clear()
        track = self._tracks[instrument] = _Track(_CZCE.match(instrument) is not None)
        return track

    def _again(self, tally: Tally, track: _Track, content: int, seen: int, now_ns: int) -> Verdict:
        tally.duplicates += 1
        if not seen & tally.bit:  # a front sends its last tick again at each subscription
            tally.lags.append(now_ns - (seen >> MOST_FEEDS))
            home = track.seen if content in track.seen else track.before
            home[content] = seen | tally.bit
        return _DUPLICATE

    def _doubtful(self, track: _Track, now_ns: int) -> bool:
        """Whether the last tick of the stream cannot be true."""
        if not track.below:
            track.below_ns = now_ns
        track.below += 1
        if track.below < DOUBT_TICKS or now_ns - track.below_ns < DOUBT_NS:
            return False
        self.doubts += 1
        track.floor, track.tops = _NOWHERE, (_NOWHERE, _NOWHERE)
        return True


class Quotes:
    """Calls for quotes of several feeds: each one once. They have no order."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._seen: OrderedDict[tuple[Value, ...], None] = OrderedDict()

    def take(self, topic: str, body: bytes) -> bool:
        """Whether nobody has brought it before."""
        raw = body[: self._codec.layout.size]
        content = (topic, *(self._codec.get(raw, name) for name in _READ_OF_QUOTE))
        if content in self._seen:
            return False
        self._seen[content] = None
        if len(self._seen) > _MOST_QUOTES:
            self._seen.popitem(last=False)
        return True


def _age(track: _Track) -> None:
    """The young contents become the old ones, and those are forgotten."""
    track.floor = max(track.floor, track.tops[1])
    track.tops = (_NOWHERE, track.tops[0])
    track.seen, track.before = {}, track.seen


def _format(layout: Layout) -> str:
    """The struct format that unpacks what is read and skips the rest, also the bytes behind a
    text's NUL and those between fields, which may differ. Doubles stay bytes: as numbers -1 and -2
    have the same hash (prices of spreads), and NaN has another one each time."""
    parts, end = ["<"], 0
    for field in sorted(layout.fields, key=lambda field: field.offset):
        if field.name in _READ:
            parts.append(f"{field.offset - end}x")
            size = field.size - 1 if field.kind == "s" else field.size
            parts.append(f"{size}s" if field.kind in "sd" else field.kind)
            end = field.offset + size
    return "".join(parts)
