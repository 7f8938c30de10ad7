"""The codes of the day in a file, so that they outlive the process: a client that comes back asks
for quotes, and not always to subscribe once more."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import msgspec

log = logging.getLogger("tcp_edge")


class _Day(msgspec.Struct, frozen=True):
    day: str
    codes: list[tuple[str, str]]  # and its exchange


_decode = msgspec.json.Decoder(_Day).decode


class Subscribed:
    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self, day: str) -> list[tuple[str, str]]:
        """Those of this day; a file that cannot be read has none."""
        try:
            kept = _decode(self._file.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as exc:
            log.warning("subscriptions are lost", extra={"fields": {"why": str(exc)}})
            return []
        return kept.codes if kept.day == day else []

    def write(self, day: str, codes: Iterable[tuple[str, str]]) -> None:
        """A disk that is full costs what a restart would find, and nothing else."""
        text = msgspec.json.encode(_Day(day, list(codes)))
        beside = self._file.with_suffix(".new")
        try:
            beside.write_bytes(text)
            beside.replace(self._file)
        except OSError as exc:
            log.warning("subscriptions are not kept", extra={"fields": {"why": str(exc)}})
