"""A client of OFX over wire v2 psk."""

from __future__ import annotations

import json
import socket
from typing import Any, Final

from bus.secrets import Secret
from tcp_edge.wire.channel import derive
from tcp_edge.wire.pskclient import PskClient

_TIMEOUT_S: Final = 20.0


class PskChannel:
    """``address``: host:port of a listener with wire psk."""

    def __init__(
        self, address: str, salt: str = "", *, password: str = "demo", user: str = "demo"
    ) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), _TIMEOUT_S)
        self._client = PskClient(user, derive(Secret(password), user, salt))
        self._texts: list[str] = []
        self.sent = self._client.hello()
        self.socket.sendall(self.sent)
        while not self._client.ready:
            self._receive()

    def __enter__(self) -> PskChannel:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, request: dict[str, Any]) -> None:
        frame = self._client.request(json.dumps(request))
        self.sent += frame
        self.socket.sendall(frame)

    def next(self) -> Any:
        """The next reply or push. Raises ConnectionError at the end of the connection."""
        while not self._texts:
            self._receive()
        return json.loads(self._texts.pop(0))

    def _receive(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionResetError
        self._texts += self._client.feed(data)
