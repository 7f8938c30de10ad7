"""ws_edge that writes down what it is sent: the control of ``canary.py``."""

from __future__ import annotations

import base64
import logging
import runpy
from typing import Any

from ws_edge.requests import Parser, Request

log = logging.getLogger("ws_edge")
_parse = Parser.parse


def _tell(parser: Parser, message: str | bytes, **options: Any) -> Request:
    raw = message if isinstance(message, bytes) else message.encode()
    log.info("request", extra={"fields": {"base64": base64.b64encode(raw).decode()}})
    return _parse(parser, message, **options)


if __name__ == "__main__":
    Parser.parse = _tell  # type: ignore[method-assign, assignment]
    runpy.run_module("ws_edge", run_name="__main__", alter_sys=True)
