"""What a process says of itself once a second: the message "Stat" on ``stat/PROGRAM/``.

PROGRAM is its name in the group: md_worker, md_worker_a (of the feed a), ws_edge_1, recorder_spare.
Workers publish it on their own PUB sockets. Who has none has a PUB socket for this alone: an ipc
socket ``stat.PROGRAM`` in the run directory, or what ``bus.stat_pub`` names for it. Whoever wants
to know connects, any number of them, and nobody's work depends on one.

A hop is a way that a message takes, and its delays are counted in buckets by powers of two: bucket
n has those of 2^(n-1) to 2^n ns, bucket 0 those of no time at all. They count from the start of the
process. The hops there are:

    front      from the time in the tick to its callback, of one tick for each of some instruments
               a second; clocks differ, so this is a hint. Absent where a tick shows no time
    publish    from the callback until it is on the bus; of md_merge from the callback in
               md_worker, of td_worker the returns
    order      td_worker: from a new order's call being taken until the API has it
    bus        from being published to being taken from the socket, of every fourth tick
    write      ws_edge, tcp_edge: from there to the end of the write to the clients' sockets
    record     recorder: from being published to being in the file

Counters begin at 0 with the process; a lower value than before is a new start.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import zmq

from . import security
from .endpoints import Addresses, run_dir
from .frames import HEADER, Flag, message_type, stat_topic

STAT_S: Final = 1.0
# Of any difference of two u64, also when a clock was set back.
BUCKETS: Final = 65
_STAT: Final = message_type("Stat")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_FILES_EVERY: Final = 10  # to count them takes 2 ms where there are 10,000

Buckets = list[int]


def buckets() -> Buckets:
    """To be counted up in place: ``counts[delay_ns.bit_length()] += 1`` takes 0.1 us."""
    return [0] * BUCKETS


class Stat(msgspec.Struct, kw_only=True):
    """What every process says; a kind that has more to say has further keys beside these.

    started_ns  Unix time of the start
    interval_s  since the message before
    memory      bytes that are in use (resident); cpu_s: of all threads since the start
    files       descriptors that are open, and how many may be
    counters    by what they count; what was lost, refused or put off has one
    kinds       counters of one thing by its kind, such as the outcomes of orders
    queues      lengths now
    levels      other figures of now
    ages        seconds since something came that should come each second, by its source; -1: never
    hops        see the module; buckets behind the last one that has something are left out
    """

    program: str
    pid: int
    started_ns: int
    interval_s: float
    memory: int
    cpu_s: float
    files: int
    most_files: int
    counters: dict[str, int]
    queues: dict[str, int]
    levels: dict[str, int] = {}
    kinds: dict[str, dict[str, int]] = {}
    ages: dict[str, float] = {}
    hops: dict[str, list[int]] = {}


class MdStat(Stat, kw_only=True):
    """Of md_worker. ``instruments``: of those that the front sends, one of each product."""

    instruments: list[str] = []


class Meter:
    """Makes the messages of one process."""

    def __init__(self, program: str) -> None:
        self.program = program
        self._started_ns = time.time_ns()
        self._last = time.monotonic()
        self._rounds = self._files = 0

    def due(self, now: float) -> bool:
        return now - self._last >= STAT_S

    def stat(
        self,
        counters: Mapping[str, int],
        queues: Mapping[str, int],
        levels: Mapping[str, int] | None = None,
        *,
        hops: Mapping[str, Buckets] | None = None,
        ages: Mapping[str, float] | None = None,
        kinds: Mapping[str, dict[str, int]] | None = None,
    ) -> Stat:
        now = time.monotonic()
        interval_s, self._last = now - self._last, now
        if self._rounds % _FILES_EVERY == 0:
            self._files = _open_files()
        self._rounds += 1
        return Stat(
            program=self.program,
            pid=os.getpid(),
            started_ns=self._started_ns,
            interval_s=interval_s,
            memory=_memory(),
            cpu_s=time.process_time(),
            files=self._files,
            most_files=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            counters=dict(counters),
            queues=dict(queues),
            levels={name: int(level) for name, level in (levels or {}).items()},
            kinds=dict(kinds or {}),
            ages=dict(ages or {}),
            hops={name: _short(counts) for name, counts in (hops or {}).items()},
        )


def with_more(stat: Stat, **keys: object) -> dict[str, object]:
    """A message with the further keys of its kind of process."""
    return msgspec.structs.asdict(stat) | keys


class StatSocket:
    """The PUB socket of a process that has no other one. Its own thread or loop uses it."""

    def __init__(
        self, context: zmq.Context[Any], address: str, keys: security.Keys | None, program: str
    ) -> None:
        """After the process has made sure that it is the only one of its name: an ipc path can be
        bound twice without an error. Raises ConfigError and Busy."""
        self._socket = context.socket(zmq.PUB)
        self._socket.set(zmq.LINGER, 0)
        security.bind(context, self._socket, address, keys, "pub")
        self._prefix = stat_topic(program).encode() + b"\0"
        # No file keeps it: there is no history of these that an old one could be mistaken in.
        self._epoch = int(time.time())
        self._seq = 0

    def tell(self, stat: Stat) -> None:
        self._seq += 1
        now = time.time_ns()
        header = HEADER.pack(self._epoch, self._seq, now, now, _STAT, 0, Flag.MSGPACK)
        self._socket.send(self._prefix + header + msgspec.msgpack.encode(stat), zmq.NOBLOCK)

    def close(self) -> None:
        self._socket.close()


def age(now: float, heard: float) -> float:
    """For ``Stat.ages``; ``heard`` 0: never."""
    return now - heard if heard else -1.0


def program_name(module: str, member: str) -> str:
    """Of a process in its group."""
    return f"{module}_{member}" if member else module


def stat_address(addresses: Addresses, data: str, program: str) -> str:
    """Where a process without another PUB socket tells its figures."""
    return addresses.stat_pub.get(program) or f"ipc://{run_dir(data)}/stat.{program}"


def _short(counts: Buckets) -> list[int]:
    end = next((n for n in range(len(counts), 0, -1) if counts[n - 1]), 0)
    return counts[:end]


def _memory() -> int:
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE
    except OSError:  # no /proc: the most that it ever was
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _open_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    except OSError:
        return 0
