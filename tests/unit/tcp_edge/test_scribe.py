"""Who asks the writer of lists, with a real process that is ended in the middle of things."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import zlib
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import uvloop

from bus.endpoints import Addresses
from tcp_edge.quote.scribe import Question, Scribe, Setting
from tcp_edge.stat import Failed
from tests.support.list_writer import DIES, MORE

SETTING: Final = Setting(
    addresses=Addresses(),
    keys="",
    calendar="always",
    binding="openctp_ctp",
    log_level="INFO",
    big_ints=False,
    max_records=1000,
    cache_bytes=1 << 20,
)
ASKED: Final = Question(
    day="20261123",
    code="600000",
    exchange="SSE",
    multiplier=1,
    since=0,
    limit=0,
    shape="object",
    codec="zlib",
)
OTHER: Final = msgspec.structs.replace(ASKED, code="600036")
ENDS: Final = msgspec.structs.replace(ASKED, code=DIES)
BOUND_S: Final = 30.0
WRITER: Final = "tests.support.list_writer"


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(BOUND_S):
            await main()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(bounded())


@asynccontextmanager
async def running() -> AsyncIterator[Scribe]:
    scribe = Scribe(SETTING, WRITER)
    try:
        yield scribe
    finally:
        await scribe.close()


async def length(scribe: Scribe, question: Question) -> int:
    """Of a list, which is what it has to be."""
    reply = await scribe.ask(question)
    numbers = json.loads(zlib.decompress(b"".join(reply.packed)))
    assert numbers == list(range(reply.records))
    return len(numbers)


def children() -> list[int]:
    """The writers. Other tests of this process may have left children of other kinds."""
    path = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return [pid for pid in map(int, path.read_text("ascii").split()) if _is_writer(pid)]


def _is_writer(pid: int) -> bool:
    try:
        return WRITER.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return False


def writer() -> int:
    (found,) = children()
    return found


def test_a_list_goes_on_where_it_was() -> None:
    async def main() -> None:
        async with running() as scribe:
            for times in range(1, 6):
                assert await length(scribe, ASKED) == times * MORE
            assert await length(scribe, OTHER) == MORE

    run(main)


def test_who_ask_at_once_and_who_stop_waiting_leave_the_list_as_it_is() -> None:
    async def main() -> None:
        async with running() as scribe:
            asked = [asyncio.create_task(length(scribe, ASKED)) for _ in range(30)]
            await asyncio.wait(asked[:1])
            for each in asked[1::2]:
                each.cancel()
            kept = await asyncio.gather(*asked[::2])
            assert kept == sorted(kept)
            assert await length(scribe, ASKED) == (len(asked) + 1) * MORE
            assert len(children()) == 1

    run(main)


def test_questions_at_the_writers_end_are_told_so_or_answered_by_the_next_one() -> None:
    async def main() -> None:
        async with running() as scribe:
            for _ in range(5):
                await length(scribe, ASKED)
                old = writer()
                os.kill(old, signal.SIGKILL)
                asked: list[asyncio.Task[int]] = []
                while children() in ([], [old]):
                    asked.append(asyncio.create_task(length(scribe, ASKED)))
                    await asyncio.sleep(0)
                answered = await asyncio.gather(*asked, return_exceptions=True)
                assert {type(each) for each in answered} <= {int, Failed}, answered
                last = await asked[-1]
                assert await length(scribe, ASKED) == last + MORE

    run(main)


def test_a_writer_that_dies_at_its_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    start = asyncio.create_subprocess_exec

    async def start_and_kill(*args: Any, **options: Any) -> Process:
        process = await start(*args, **options)
        process.kill()
        await process.wait()
        return process

    async def main() -> None:
        async with running() as scribe:
            with monkeypatch.context() as patched:
                patched.setattr(asyncio, "create_subprocess_exec", start_and_kill)
                for _ in range(3):
                    with pytest.raises(Failed, match="ask again"):
                        await scribe.ask(ASKED)
            assert await length(scribe, ASKED) == MORE

    run(main)


def test_half_an_answer_is_none() -> None:
    async def main() -> None:
        async with running() as scribe:
            before = await length(scribe, ASKED)
            lost = await asyncio.gather(scribe.ask(ENDS), scribe.ask(OTHER), return_exceptions=True)
            assert [type(each) for each in lost] == [Failed, Failed]
            assert scribe.failures == 2
            assert await length(scribe, ASKED) == before

    run(main)
