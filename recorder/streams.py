"""The seven streams that a recorder keeps, switched and counted one by one."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from bus.recording import StreamState

log = logging.getLogger("recorder")

_decode: msgspec.json.Decoder[dict[str, bool]] = msgspec.json.Decoder(dict[str, bool])


@dataclass(slots=True)
class Counters:
    """received  messages that came
    written   of them, that are kept
    lost      messages of which somebody told and that are not kept: they never came, or could not
              be written
    last_ns   Unix time when the last one was received by the gateway; 0: none yet
    """

    received: int = 0
    written: int = 0
    lost: int = 0
    last_ns: int = 0


class Stream(Protocol):
    """One of the seven. ``start`` and ``stop`` are called in the event loop, never twice in a row,
    and do not wait; what came before ``stop`` is kept."""

    @property
    def name(self) -> str: ...
    @property
    def counters(self) -> Counters: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Streams:
    """Starts those that the configuration names, but for what calls have switched since: that is
    remembered in ``folder``/streams.json."""

    def __init__(self, streams: Iterable[Stream], names: Iterable[str], folder: Path) -> None:
        self._streams = {stream.name: stream for stream in streams}
        self._file = folder / "streams.json"
        self._switched = _read(self._file)
        self._wanted = {name: name in set(names) for name in self._streams} | {
            name: on for name, on in self._switched.items() if name in self._streams
        }
        self._running: set[str] = set()

    def begin(self) -> None:
        for name, on in self._wanted.items():
            if on:
                self._set(name, True)

    def end(self) -> None:
        """The process stops; all of them run again when it starts."""
        for name in list(self._running):
            self._set(name, False)

    def switch(self, name: str, on: bool) -> StreamState:
        """Raises KeyError for a name that there is not, OSError when it runs or stops as wished
        but the next start will not know."""
        if name not in self._streams:
            raise KeyError(name)
        self._set(name, on)
        if self._switched.get(name) is not on:
            switched = {**self._switched, name: on}
            _write(self._file, switched)
            self._switched = switched
        return self.state(name)

    def state(self, name: str) -> StreamState:
        counters = self._streams[name].counters
        return StreamState(
            name=name,
            running=name in self._running,
            received=counters.received,
            written=counters.written,
            lost=counters.lost,
            last_ns=counters.last_ns,
        )

    def states(self) -> list[StreamState]:
        return [self.state(name) for name in self._streams]

    def _set(self, name: str, on: bool) -> None:
        if on is (name in self._running):
            return
        if on:
            self._streams[name].start()
            self._running.add(name)
        else:
            self._running.discard(name)
            self._streams[name].stop()
        log.info("stream", extra={"fields": {"stream": name, "running": on}})


def _read(path: Path) -> dict[str, bool]:
    try:
        return _decode.decode(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as exc:
        fields = {"file": str(path), "reason": str(exc)}
        log.error("which streams were stopped is not known", extra={"fields": fields})
        return {}


def _write(path: Path, switched: dict[str, bool]) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(switched))
    new.rename(path)
