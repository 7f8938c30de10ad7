"""python -m admin --config FILE"""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvicorn

from admin.config import AdminConfig
from bus.config import Loaded
from bus.errors import Busy
from bus.process import announce, main
from deploy import plan

_STOP_S: Final = 2


def run(loaded: Loaded[AdminConfig]) -> None:
    """Until SIGTERM or SIGINT."""
    with _at_little_cost():
        # Here, because it takes a second that --check need not wait for.
        from admin import web
        from admin.app import make_app

    group = plan.read(Path(loaded.path).absolute())
    app = make_app(loaded, group)
    web.mount(app, loaded, group)
    listening = _listen(loaded.own)
    # It would write down each websocket, with what belongs to the page alone.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_STOP_S,
        proxy_headers=False,  # anybody on this machine could say who he is
    )
    server = _Server(config)
    server.address = listening.getsockname()[:2]
    asyncio.run(server.serve(sockets=[listening]))


@contextmanager
def _at_little_cost() -> Iterator[None]:
    """For imports. Who trades shares the cores with each start of admin, so a fifth less matters:
    nothing that is imported is ever to be collected, and the client of NiceGUI's socket.io, for
    which it would import aiohttp, is used by nobody."""
    gc.disable()
    sys.modules["aiohttp"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["aiohttp"]
        gc.freeze()
        gc.enable()


class _Server(uvicorn.Server):
    """``address``: host and port."""

    address: tuple[str, int]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self.address
        announce({"http": f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"})


def _listen(config: AdminConfig) -> socket.socket:
    """Raises Busy."""
    try:
        return socket.create_server(
            (config.host, config.port),
            family=socket.AF_INET6 if ":" in config.host else socket.AF_INET,
        )
    except OSError as exc:
        raise Busy(f"cannot listen on {config.host}:{config.port}: {exc.strerror}") from None


if __name__ == "__main__":
    sys.exit(main("admin", AdminConfig, run, "Metrics and health of the group."))
