"""Logs: one JSON object per line on stderr, which supervisord files.

The event is a constant text and the facts are fields, so that counting works::

    log.warning("order refused", extra={"fields": {"request_id": 7, "error_id": -3}})

Payloads of clients are never logged: they hold passwords.
"""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

_encode = msgspec.json.Encoder(enc_hook=str).encode


_LINES: Final = 100
_LINES_S: Final = 10.0


class Sparing:
    """Writes what strangers cause: a flood of them must not fill the log. At most so many lines in
    so many seconds; the next one tells how many were left out."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger, self._clock = logger, clock
        self._since = -math.inf
        self._lines = self._left_out = 0

    def warning(self, event: str, fields: Mapping[str, object]) -> None:
        now = self._clock()
        if now - self._since >= _LINES_S:
            self._lines, self._since = 0, now
        self._lines += 1
        if self._lines > _LINES:
            self._left_out += 1
            return
        if self._left_out:
            fields = {**fields, "left_out": self._left_out}
            self._left_out = 0
        self._logger.warning(event, extra={"fields": fields})


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ts": round(record.created, 6),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _encode(line).decode("utf-8", "replace")


def setup(level: str) -> None:
    """Send every logger of the process to stderr in this form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("websockets").setLevel(logging.WARNING)
