"""Two processes and the socket between them, for the benchmarks of the bus."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import zmq

import schemas.catalogue
from bus.frames import HEADER, tick_topic
from bus.security import Keys

from .json_ratio import tick_bytes

TOPIC = tick_topic("rb2610")
TIMEOUT_S = 60.0
_SERVER, _CLIENT = "md_worker", "edge"


@dataclass(frozen=True)
class Road:
    """An address, and the folder of the keys when it is encrypted."""

    name: str
    address: str
    keys: str = ""

    @property
    def server_keys(self) -> Keys | None:
        return Keys(self.keys, _SERVER) if self.keys else None

    @property
    def client_keys(self) -> Keys | None:
        return Keys(self.keys, _CLIENT) if self.keys else None

    def serve(self, socket: zmq.Socket[Any]) -> str:
        """Binds a bare socket; the address to connect to."""
        if self.keys:
            socket.set(zmq.CURVE_SERVER, 1)
            socket.set(zmq.CURVE_SECRETKEY, self._read(f"{_SERVER}.key"))
        socket.bind(self.address)
        return end_of(socket)

    def reach(self, socket: zmq.Socket[Any], address: str) -> None:
        """Connects a bare socket."""
        if self.keys:
            socket.set(zmq.CURVE_SERVERKEY, self._read(f"{_SERVER}.pub"))
            socket.set(zmq.CURVE_PUBLICKEY, self._read(f"{_CLIENT}.pub"))
            socket.set(zmq.CURVE_SECRETKEY, self._read(f"{_CLIENT}.key"))
        socket.connect(address)

    def _read(self, name: str) -> bytes:
        return (Path(self.keys) / name).read_bytes()


def end_of(socket: zmq.Socket[Any]) -> str:
    return str(socket.get_string(zmq.LAST_ENDPOINT))


def make_keys(folder: Path) -> str:
    folder.mkdir(mode=0o700)
    for role in (_SERVER, _CLIENT):
        public, secret = zmq.curve_keypair()
        for suffix, key in ((".pub", public), (".key", secret)):
            file = folder / f"{role}{suffix}"
            file.write_bytes(key)
            file.chmod(0o600)
    return str(folder)


def message_size() -> int:
    """Of a tick of ours."""
    return len(TOPIC) + 1 + HEADER.size + len(tick_bytes(schemas.catalogue.load()))


Program = Callable[[Connection, Road], None]


@contextmanager
def beside(program: Program, road: Road) -> Iterator[tuple[Connection, str]]:
    """Another process, the pipe to it, and where to connect: the first thing that it says."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=program, args=(theirs, road))
    process.start()
    try:
        theirs.close()
        assert ours.poll(TIMEOUT_S), "the other process is not ready"
        yield ours, ours.recv()
    finally:
        process.kill()
        process.join()
        ours.close()
