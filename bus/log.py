"""Logs: one JSON object per line on stderr, which supervisord files.

The event is a constant text and the facts are fields, so that counting works::

    log.warning("order refused", extra={"fields": {"request_id": 7, "error_id": -3}})

Payloads of clients are never logged: they hold passwords.
"""

from __future__ import annotations

import logging
import sys

import msgspec

_encode = msgspec.json.Encoder(enc_hook=str).encode


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
