"""python -m tcp_edge.quote.writer: writes the lists of 100002 for the process that started it.

It reads the recorder, maps each tick once and keeps what it has made, compressed. Of a whole list
it gives what is new to who asks, so that no other client of the gateway waits for a megabyte that
was had before. Questions come on stdin, answers go to stdout (``scribe.framed_answer``); it ends
with its stdin.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Final

import msgspec

from bus import log, membership
from bus.client import Client, Tick
from bus.config import Common, open_calendar
from bus.errors import BusError, Refused, Unavailable
from bus.memory import close_memory
from bus.orders import Place
from bus.security import Keys
from schemas.xtp.instruments import Instrument

from ..stat import Stat
from ..wire.wire import MOST_REPLY
from .kept import Kept
from .packing import packed, packing
from .pieces import Growing
from .scribe import ANSWER_S, Answer, Question, Setting, framed_answer, next_frame
from .writing import Write, Writers, data_time

logger = logging.getLogger("tcp_edge")

_PATIENCE_S: Final = 5.0  # without a tick, with a recorder that is being started anew
_BREATH: Final = 256  # ticks after which it begins anew
_LEAST: Final = 8 << 10  # bytes that a code without ticks counts for
_NICE: Final = 5  # ticks and orders go first
_PART: Final = 32 << 10  # bytes of what is brought at once

_decode_setting = msgspec.msgpack.Decoder(Setting).decode
_decode_question = msgspec.msgpack.Decoder(Question).decode


class _Day:
    """One code's ticks of one day, in one shape and codec. ``place`` is how far it has read; no
    other has had its ``run``, of no process before this one either."""

    def __init__(self, write: Write, question: Question) -> None:
        self._write, self._shape = write, question.shape
        self.place: Place | None = None
        self.list = Growing(packing(question.codec))
        self.run = time.time_ns()

    @property
    def weight(self) -> int:
        return self.list.weight + _LEAST

    def add(self, tick: Tick) -> None:
        record = self._write(tick.body, tick.recv_ns)
        at = data_time(record)
        if self._shape != "object":
            record = json.dumps(record.decode("ascii")).encode("ascii")
        if self._shape == "nested":
            record = b"[" + record + b"]"
        self.list.add(record, at)


class Writer:
    """``client``: of the bus, for its history."""

    def __init__(self, client: Client, setting: Setting) -> None:
        self._client, self._setting = client, setting
        self._writers = Writers(
            client.catalogue,
            open_calendar(Common(calendar=setting.calendar)),
            big_ints=setting.big_ints,
        )
        self._days: Kept[Question, _Day] = Kept(setting.cache_bytes)
        self._silent_at = -math.inf

    async def answer(self, question: Question, asked_at: float = math.inf) -> Answer:
        """``asked_at``: of the loop's clock. Who has waited while the recorder was silent to
        another one waits no longer, and what nobody waits for any more is not read."""
        away = _failure(question, Stat.NOT_CONNECTED, "the recorder is not connected")
        now = asyncio.get_running_loop().time
        if asked_at < max(self._silent_at, now() - ANSWER_S):
            return away
        try:
            day = await self._read(question)
        except (Unavailable, TimeoutError):
            self._silent_at = now()
            return away
        except Refused as refused:
            return _failure(question, Stat.NOT_CONNECTED, f"the recorder: {refused.detail}")
        except Exception:  # one code's ticks are no reason to end for all
            logger.exception("ticks were not written", extra={"fields": {"code": question.code}})
            return _failure(question, Stat.INTERNAL, "internal")
        return self._made(day, question)

    async def _read(self, question: Question) -> _Day:
        """With what has come since the last time."""
        key = msgspec.structs.replace(question, number=0, since=0, limit=0, run=0, pieces=0)
        day = self._days.get(key)
        if day is None:
            instrument = Instrument(question.code, question.exchange, question.multiplier)
            day = _Day(self._writers.of(instrument), question)
        try:
            await self._read_on(day, question)
        finally:
            self._days.put(key, day, day.weight)
        return day

    async def _read_on(self, day: _Day, question: Question) -> None:
        now, number = asyncio.get_running_loop().time, 0
        async with asyncio.timeout(_PATIENCE_S) as patience:
            history = self._client.history
            async for item in history.ticks(question.code, day=question.day, after=day.place):
                # Structs of another version of the API are not of this day's run.
                if isinstance(item, Tick) and item.layout == self._client.catalogue.layout_id:
                    if not self._writers.foreign(item.body, question.exchange):
                        day.add(item)
                    day.place = Place(item.epoch, item.seq)
                number += 1
                if number % _BREATH == 0:
                    patience.reschedule(now() + _PATIENCE_S)

    def _made(self, day: _Day, question: Question) -> Answer:
        growing = day.list
        if question.whole:
            count, size, records = growing.count, growing.size, []
        else:
            records = growing.chosen(question.since, question.limit)
            count = len(records)
            size = sum(map(len, records)) + 2 * count
        if count > self._setting.max_records or size > MOST_REPLY:
            detail = f"{count} records are too many for one reply: use since and limit"
            return _failure(question, Stat.TOO_LARGE, detail)
        made = Answer(number=question.number, stat=Stat.ACCEPTED, records=count)
        if question.whole:
            had = question.pieces if question.run == day.run else 0
            parts = growing.packed(had)
            return msgspec.structs.replace(made, run=day.run, had=had, parts=tuple(parts))
        body = packed(b"[" + b", ".join(records) + b"]", question.codec)
        parts = [body[at : at + _PART] for at in range(0, len(body), _PART)]
        return msgspec.structs.replace(made, parts=tuple(parts))


def _failure(question: Question, stat: Stat, detail: str) -> Answer:
    return Answer(number=question.number, stat=int(stat), detail=detail)


async def main() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    setting = _decode_setting(await next_frame(reader))
    log.setup(setting.log_level)
    keys = Keys(setting.keys, "edge") if setting.keys else None
    async with Client(setting.addresses, keys=keys, binding=setting.binding) as client:
        await serve(reader, Writer(client, setting), _write)


async def serve(
    reader: asyncio.StreamReader, writer: Writer, write: Callable[[bytes], None]
) -> None:
    """One question after the other, to the end of the stream."""
    asked: asyncio.Queue[tuple[float, Question] | None] = asyncio.Queue()
    hearing = asyncio.create_task(_hear(reader, asked))
    try:
        while (each := await asked.get()) is not None:
            asked_at, question = each
            for part in framed_answer(await writer.answer(question, asked_at)):
                write(part)
    finally:
        hearing.cancel()


async def _hear(
    reader: asyncio.StreamReader, asked: asyncio.Queue[tuple[float, Question] | None]
) -> None:
    """Notes when each was asked."""
    now = asyncio.get_running_loop().time
    try:
        while True:
            question = _decode_question(await next_frame(reader))
            asked.put_nowait((now(), question))
    except asyncio.IncompleteReadError:
        pass
    finally:
        asked.put_nowait(None)


def _write(data: bytes) -> None:
    """Waits for who asked; there is nothing else to do meanwhile."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    membership.join()
    close_memory()
    # A terminal's Ctrl-C reaches it too, and the end is its stdin's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    try:
        asyncio.run(main())
    except (BusError, BrokenPipeError) as exc:
        print(f"tcp_edge.quote.writer: {exc}", file=sys.stderr)
        sys.exit(1)
