"""python -m tests.support.list_writer: in the place of ``tcp_edge.quote.writer``, without a bus.

A list is of numbers from 0 and has ``MORE`` more each time that it is asked for. "dies" is answered
by a half, and that is the writer's end.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Final

import msgspec

from tcp_edge.quote.packing import packing
from tcp_edge.quote.pieces import Growing
from tcp_edge.quote.scribe import Answer, Question, framed_answer, next_frame

DIES: Final = "dies"
MORE: Final = 300

_decode = msgspec.msgpack.Decoder(Question).decode


class Lists:
    def __init__(self) -> None:
        self._run = time.time_ns()
        self._lists: dict[str, Growing] = {}

    def answer(self, question: Question) -> Answer:
        made = self._lists.setdefault(question.code, Growing(packing(question.codec)))
        for number in range(made.count, made.count + MORE):
            made.add(b"%d" % number, number)
        had = question.pieces if question.run == self._run else 0
        return Answer(
            number=question.number,
            stat=200,
            records=made.count,
            run=self._run,
            had=had,
            parts=tuple(made.packed(had)),
        )


async def main() -> None:
    reader, lists = asyncio.StreamReader(), Lists()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    await next_frame(reader)  # the setting
    while True:
        try:
            question = _decode(await next_frame(reader))
        except asyncio.IncompleteReadError:
            return
        data = b"".join(framed_answer(lists.answer(question)))
        dies = question.code == DIES
        sys.stdout.buffer.write(data[: len(data) // 2] if dies else data)
        sys.stdout.buffer.flush()
        if dies:
            os._exit(1)


if __name__ == "__main__":
    asyncio.run(main())
