"""One tick in ws_edge: from the frame that SUB received to the bytes for the sockets; one write.

    python -m tests.bench.edge_path

The write is measured on uvloop transports over socket pairs that another process reads, one tick in
each turn of the loop: what a round costs more with more sockets, divided by the sockets.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import selectors
import socket
import sys
import time
from itertools import cycle

import uvloop

import schemas.catalogue
from bus.frames import HEADER, Flag, message_type, tick_topic
from ws_edge.counters import Counters
from ws_edge.dialect import TickFrames
from ws_edge.outbox import Outbox
from ws_edge.ticks import TickBoard

from .json_ratio import tick_bytes
from .table import header, quantile, row, verdict

INSTRUMENTS = [f"rb26{month:02}" for month in range(1, 13)]
ROUNDS = 20_000
SOCKETS = (1, 10, 50)


class Nowhere:
    """A transport that costs nothing."""

    def write(self, data: bytes) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0


class Ready:
    open = True

    def give_up(self, code: int, reason: str) -> None:
        raise AssertionError(reason)


def frames(count: int) -> list[bytes]:
    """Bus messages as md_worker sends them, with prices that move."""
    catalogue = schemas.catalogue.load()
    codec, raw = catalogue.codec("DepthMarketData"), tick_bytes(catalogue)
    kind, layout = message_type("OnRtnDepthMarketData"), catalogue.layout_id
    made = []
    for number, instrument in zip(range(count), cycle(INSTRUMENTS), strict=False):
        seq = number // len(INSTRUMENTS) + 1
        price = 3187.0 + seq % 20
        changes = {"LastPrice": price, "BidPrice1": price - 1, "AskPrice1": price, "Volume": seq}
        body = codec.patch(
            raw, {**changes, "InstrumentID": instrument, "UpdateMillisec": seq % 1000}
        )
        head = HEADER.pack(1, seq, 1, 2, kind, layout, Flag.HAS_FIELD)
        made.append(tick_topic(instrument).encode() + b"\0" + head + body)
    return made


def board(outboxes: list[Outbox]) -> TickBoard:
    catalogue = schemas.catalogue.load()
    frames = TickFrames(catalogue)
    made = TickBoard(tick_topic, lambda topic: None, lambda topic: None, frames, Counters())
    for instrument in INSTRUMENTS:
        made.claim(instrument).outboxes.update(dict.fromkeys(outboxes))
    return made


def main() -> bool:
    header("ws_edge, one tick")
    messages = frames(ROUNDS)
    runs = []
    for _ in range(7):
        on_message = board([Outbox(Nowhere(), Ready(), Counters(), 1 << 20, 0)]).on_message
        began = time.perf_counter()
        for message in messages:
            on_message(message)
        runs.append((time.perf_counter() - began) / len(messages) * 1e6)
    row("bus frame to bytes, one socket", best_us=min(runs), median_us=quantile(runs, 0.5))
    writes()
    return verdict("ws_edge, bus frame to bytes ready", quantile(runs, 0.5), 10, "us")


def writes() -> None:
    """Prints a round by the number of sockets, and the write that follows from it."""
    messages = frames(ROUNDS // 10)
    rounds = {count: _round_us(messages, count) for count in SOCKETS}
    row("a turn of the loop by its sockets, us", **{f"n{n}": us for n, us in rounds.items()})
    fewest, most = min(rounds), max(rounds)
    row("one write, us", each=(rounds[most] - rounds[fewest]) / (most - fewest))


def _round_us(messages: list[bytes], count: int) -> float:
    pairs = [socket.socketpair() for _ in range(count)]
    context = multiprocessing.get_context("fork")
    reader = context.Process(target=_discard, args=([far for _, far in pairs],))
    reader.start()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_rounds(messages, [near for near, _ in pairs]))
    finally:
        reader.kill()
        reader.join()
        for pair in pairs:
            for end in pair:
                end.close()


async def _rounds(messages: list[bytes], ends: list[socket.socket]) -> float:
    loop = asyncio.get_running_loop()
    transports = []
    for end in ends:
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=end)
        transport.set_write_buffer_limits(1 << 30)
        transports.append(transport)
    outboxes = [Outbox(transport, Ready(), Counters(), 1 << 30, 0) for transport in transports]
    on_message = board(outboxes).on_message
    began = time.perf_counter()
    for message in messages:
        on_message(message)
        await asyncio.sleep(0)
    spent = time.perf_counter() - began
    for transport in transports:
        transport.close()
    return spent / len(messages) * 1e6


def _discard(ends: list[socket.socket]) -> None:
    with selectors.DefaultSelector() as selector:
        for end in ends:
            selector.register(end, selectors.EVENT_READ, end.recv)
        while True:
            for key, _ in selector.select():
                key.data(1 << 20)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
