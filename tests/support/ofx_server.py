"""tcp_edge's server on wire v1 with services of the tests' own: no counter, no accounts.

    python -m tests.support.ofx_server FOLDER PASSPHRASE [window|tag]

Its ready line has the three addresses. ``demo``/``demo`` may log in. With a third argument it is
careless: it does not look for lines that were here before, or not at the tag of AES-GCM.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import uvloop

from bus.authcodes import Grant
from bus.secrets import Secret
from tcp_edge.config import LoginListener, QuoteListener, TcpConfig, TradeListener
from tcp_edge.reply import Reply, one, status
from tcp_edge.request import Request
from tcp_edge.server import Server
from tcp_edge.service import Client, Command
from tcp_edge.stat import Failed, Stat
from tcp_edge.wire.gcm import Gcm
from tcp_edge.wire.v1 import SealedLines, derive
from tcp_edge.wire.window import ReplayWindow

LOOPBACK: Final = "127.0.0.1"
CONFIG: Final = TcpConfig(
    login=LoginListener(port=0), quote=QuoteListener(port=0), trade=TradeListener(port=0)
)


class Stub:
    """A service: ``gone`` and the others are of its protocol."""

    def __init__(self, commands: Mapping[int, Command]) -> None:
        self.commands = commands

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def gone(self, client: Client) -> None: ...

    def describe(self) -> dict[str, object]:
        return {}


class Gateway:
    server: Server

    def port(self, name: str) -> int:
        return int(self.server.addresses()[name].rpartition(":")[2])

    async def login(self, client: Client, request: Request) -> Reply:
        if request.params != {"username": "demo", "password": "demo"}:
            raise Failed(Stat.UNAUTHORIZED, "user or password is wrong")
        client.grant = Grant(user="demo", account="1", rights=(), expires=0, serial=0)
        route: dict[str, Any] = {"tradeserver": LOOPBACK, "authcode": "66227638"}
        route |= {"tradeport": self.port("trade"), "uname": "demo"}
        return one(route | {"quoteserver": LOOPBACK, "quoteport": self.port("quote")})

    async def accept(self, client: Client, request: Request) -> Reply:
        return status(1)


class Untagged:
    """AES-GCM that does not look at its tag: what is left is a stream cipher, so to encrypt once
    more gives the text."""

    def __init__(self, cipher: Gcm) -> None:
        self._cipher, self.encrypt = cipher, cipher.encrypt

    def decrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        return self._cipher.encrypt(nonce, data[:-16], aad)[:-16]


class Forgetful(ReplayWindow):
    def enter(self, unix_ms: int, nonce: bytes) -> None: ...


async def run(folder: Path, passphrase: str, careless: str = "") -> None:
    gateway = Gateway()
    cipher = derive(Secret(passphrase), 1)
    keys = {1: cast(Gcm, Untagged(cipher)) if careless == "tag" else cipher}
    window = (Forgetful if careless == "window" else ReplayWindow)(folder / "window")
    gateway.server = Server(
        CONFIG,
        {
            "login": Stub({1: gateway.login}),
            "quote": Stub({110001: gateway.accept}),
            "trade": Stub({210001: gateway.accept}),
        },
        lambda _: SealedLines(keys, window),
    )
    await gateway.server.run()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(Path(sys.argv[1]), *sys.argv[2:]))
