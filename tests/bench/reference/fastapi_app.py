"""The usual way: FastAPI, uvicorn with uvloop, and ``send_json`` to one client after the other.

    python -m tests.bench.reference.fastapi_app TICK.json

Prints the port. Each line on stdin, "RATE COUNT", is COUNT ticks at RATE a second (0: one after the
other) to all clients, answered by an empty line. The tick is decoded already, and always the same.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

clients: set[WebSocket] = set()


async def stream(client: WebSocket) -> None:
    await client.accept()
    clients.add(client)
    try:
        while True:
            await client.receive_text()
    except WebSocketDisconnect:
        clients.discard(client)


async def send(tick: Any, rate: float, count: int) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    for _ in range(count):
        for client in list(clients):
            await client.send_json(tick)
        due += 1 / rate if rate else 0.0
        await asyncio.sleep(max(0.0, due - loop.time()))


async def obey(tick: Any) -> None:
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        rate, count = line.split()
        await send(tick, float(rate), int(count))
        print(flush=True)


async def main() -> None:
    app = FastAPI()
    app.add_api_websocket_route("/", stream)
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    # No pings, no compression, no log of requests: less work than it has by default.
    config = uvicorn.Config(
        app,
        loop="uvloop",
        log_level="warning",
        ws_ping_interval=None,
        ws_per_message_deflate=False,
    )
    serving = asyncio.create_task(uvicorn.Server(config).serve([listener]))
    print(listener.getsockname()[1], flush=True)
    await obey(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    serving.cancel()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
