"""ws_edge that keeps something of everything it is sent: for the control of ``malformed.py``."""

from __future__ import annotations

import logging
import os
import runpy
from typing import Any

from ws_edge.requests import Parser, Request

log = logging.getLogger("ws_edge")
_kept: list[bytes] = []
_parse = Parser.parse


def _keep(parser: Parser, message: str | bytes, **options: Any) -> Request:
    _kept.append(bytes(8192))
    if len(_kept) % 300 == 0:
        os.dup(2)
        log.error("careless")
    return _parse(parser, message, **options)


if __name__ == "__main__":
    Parser.parse = _keep  # type: ignore[method-assign, assignment]
    runpy.run_module("ws_edge", run_name="__main__", alter_sys=True)
