"""What is sent through every hop while the group runs, to see that it comes back. No order, and no
login at the counter: that is deploy/up's canary.

    client → ws_edge → md_worker → the front's tick     when something trades
    client → td_worker                                  its state
    client → recorder                                   its state
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from typing import Any, Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from bus.client.calls import Calls
from bus.errors import BusError
from bus.rpc import Caller
from bus.secrets import SecretError, read_secret

from .health import Flight

_HOP_S: Final = 3.0


class Lost(Exception):
    """``args[0]``: where."""


class Canary:
    """``edge``: the address of ws_edge without a path, "": do not look at it. ``callers``: the
    processes that answer calls, by their hop. ``trades``: whether the instrument ticks now."""

    def __init__(
        self,
        edge: str,
        token_file: str,
        tls: ssl.SSLContext | None,
        instrument: str,
        trades: Callable[[], bool],
        callers: dict[str, Caller],
    ) -> None:
        self._edge, self._token_file, self._tls = edge, token_file, tls
        self._instrument, self._trades, self._callers = instrument, trades, callers

    async def fly(self) -> Flight:
        """Takes ``_HOP_S`` for each hop at the most."""
        try:
            for hop, caller in self._callers.items():
                await self._ask(hop, caller)
            await self._see_tick()
        except Lost as lost:
            return Flight(False, str(lost))
        return Flight(True)

    async def _ask(self, hop: str, caller: Caller) -> None:
        loop = asyncio.get_running_loop()
        try:
            await Calls(caller, loop.call_later).ask("State", silent_s=_HOP_S)
        except BusError:
            raise Lost(hop) from None

    async def _see_tick(self) -> None:
        if not self._edge:
            return
        try:
            async with asyncio.timeout(_HOP_S), self._connection() as client:
                await _send(client, "ReqUserLogin", ReqUserLogin={"UserID": "", "Password": ""})
                await _expect(client, "RspUserLogin")
                if self._instrument and self._trades():
                    await _send(client, "SubscribeMarketData", InstrumentID=[self._instrument])
                    for _ in range(2):  # the first one may have been kept
                        await _expect(client, "RtnDepthMarketData")
        except TimeoutError:
            raise Lost("ws_edge → md_worker → front") from None
        except (OSError, SecretError, WebSocketException, ValueError) as exc:
            raise Lost(f"client → ws_edge: {type(exc).__name__}") from None

    def _connection(self) -> connect:
        token = read_secret(self._token_file).reveal() if self._token_file else ""
        return connect(
            f"{self._edge}/md/",
            ssl=self._tls,
            additional_headers={"Authorization": f"Bearer {token}"} if token else None,
            close_timeout=0.5,
            proxy=None,
        )


async def _send(client: ClientConnection, kind: str, **keys: Any) -> None:
    await client.send(json.dumps({"MsgType": kind, **keys}))


async def _expect(client: ClientConnection, kind: str) -> None:
    while True:
        message = msgspec.json.decode(await client.recv())
        if message.get("MsgType") == kind:
            return
