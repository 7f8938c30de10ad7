"""The process that writes the lists of 100002, as seen from the one that asks it."""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from bus.endpoints import Addresses

from ..reply import Reply, Shape
from ..stat import Failed, Stat
from .kept import Kept
from .packing import ListCodec

log = logging.getLogger("tcp_edge")

WRITER: Final = "tcp_edge.quote.writer"
ANSWER_S: Final = 60.0  # nobody waits longer
_LIMIT: Final = 4 << 20  # bytes that wait between the pipe and who takes them
_LENGTH: Final = 4  # bytes in front of each message, big-endian
_EACH: Final = 500  # bytes that a list counts for beside its pieces


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """The first message. ``keys`` (a folder, "" for none), ``calendar``, ``binding`` and
    ``log_level`` are those of the group's file."""

    addresses: Addresses
    keys: str
    calendar: str
    binding: str
    log_level: str
    big_ints: bool
    max_records: int
    cache_bytes: int


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """``since``: a data_time, ``limit``: how many; 0: all. ``pieces``: how many of the list's first
    ones, of this ``run``, who asks has already."""

    number: int = 0
    day: str
    code: str
    exchange: str
    multiplier: int
    since: int
    limit: int
    shape: Shape
    codec: ListCodec
    run: int = 0
    pieces: int = 0

    @property
    def whole(self) -> bool:
        return not (self.since or self.limit)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """``stat`` 200: the list, as ``codec`` makes it, is the first ``had`` pieces that who asked has
    of this ``run``, and ``parts``. These stand behind the message on the pipe, of ``sizes`` bytes.
    Of a whole list all but the last are new pieces, which stay what they are."""

    number: int
    stat: int
    detail: str = ""
    records: int = 0
    run: int = 0
    had: int = 0
    sizes: tuple[int, ...] = ()
    parts: tuple[bytes, ...] = ()


encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Answer).decode


def framed(message: msgspec.Struct) -> bytes:
    body = encode(message)
    return len(body).to_bytes(_LENGTH, "big") + body


async def next_frame(reader: asyncio.StreamReader) -> bytes:
    """Raises IncompleteReadError at the end."""
    length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
    return await reader.readexactly(length)


def framed_answer(answer: Answer) -> Iterator[bytes]:
    sizes = tuple(map(len, answer.parts))
    yield framed(msgspec.structs.replace(answer, sizes=sizes, parts=()))
    yield from answer.parts


async def next_answer(reader: asyncio.StreamReader) -> Answer:
    """Raises IncompleteReadError at the end."""
    answer = _decode(await next_frame(reader))
    parts = [await reader.readexactly(size) for size in answer.sizes]
    return msgspec.structs.replace(answer, sizes=(), parts=tuple(parts))


class Had(NamedTuple):
    """The pieces of a list that were brought. ``run``: of the list in the writer; another one has
    other pieces. 0: nothing was had."""

    run: int = 0
    pieces: tuple[bytes, ...] = ()

    @property
    def weight(self) -> int:
        return sum(map(len, self.pieces)) + _EACH


class Scribe:
    """The process is started with the first question, and anew when it has died. ``module``: what
    it runs."""

    def __init__(self, setting: Setting, module: str = WRITER) -> None:
        self._setting, self._module = setting, module
        self._process: Process | None = None
        self._stdin: asyncio.StreamWriter  # of a process
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._numbers = 0
        self._kept: Kept[Question, Had] = Kept(setting.cache_bytes)
        self.answers = self.failures = 0

    async def ask(self, question: Question) -> Reply:
        """Raises Failed."""
        had = self._kept.get(question) or Had()
        answer = await self._answered(question, had)
        self.answers += 1
        if answer.stat != Stat.ACCEPTED:
            raise Failed(Stat(answer.stat), answer.detail)
        parts = had.pieces[: answer.had] + answer.parts
        if question.whole:
            now = Had(answer.run, parts[:-1])
            self._kept.put(question, now, now.weight)
        return Reply(b"", answer.records, parts)

    async def _answered(self, question: Question, had: Had) -> Answer:
        self._numbers += 1
        number = self._numbers
        asked = msgspec.structs.replace(
            question, number=number, run=had.run, pieces=len(had.pieces)
        )
        try:
            stdin = await self._running()
            answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            self._waiting[number] = answered
            async with asyncio.timeout(ANSWER_S):
                _put(stdin, framed(asked))
                await stdin.drain()
                return await answered
        except TimeoutError:
            self.failures += 1
            raise Failed(Stat.NO_ANSWER, "the day's ticks were not read in time") from None
        except ConnectionError:
            self.failures += 1
            detail = "who writes the day's ticks has ended; ask again"
            raise Failed(Stat.NOT_CONNECTED, detail) from None
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        process = self._process
        if process is None:
            return
        self._stdin.close()  # it ends when nobody can ask any more
        try:
            async with asyncio.timeout(2.0):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reading is not None:
            await self._reading

    async def _running(self) -> asyncio.StreamWriter:
        """Raises ConnectionError."""
        async with self._starting:
            if self._reading is not None and self._stdin.is_closing():
                await asyncio.wait([self._reading])  # to its end, of which this is the first sign
            if self._reading is None or self._reading.done():
                await self._start()
            return self._stdin

    async def _start(self) -> None:
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, stdin=PIPE, stdout=PIPE, limit=_LIMIT
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin = process.stdin
        self._reading = asyncio.create_task(self._read(process, process.stdout))
        _put(self._stdin, framed(self._setting))

    async def _read(self, process: Process, stdout: asyncio.StreamReader) -> None:
        try:
            while True:
                answer = await next_answer(stdout)
                future = self._waiting.get(answer.number)
                if future is not None and not future.done():
                    future.set_result(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        status = await process.wait()
        if status:
            log.warning("the writer of ticks has ended", extra={"fields": {"status": status}})
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionResetError)


def _put(stdin: asyncio.StreamWriter, message: bytes) -> None:
    """Raises ConnectionError; of a pipe that is closed the transport says something else."""
    if stdin.is_closing():
        raise ConnectionResetError
    stdin.write(message)
