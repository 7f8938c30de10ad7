"""The canary's way through tcp_edge: log in, subscribe, and a quote that comes back.

client ── tcp_edge ── md_worker ── md front
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from bus.secrets import Secret
from tcp_edge import octkeypass
from tcp_edge.config import Listener, TcpConfig

_CONNECT_S: Final = 5.0
_AGAIN_S: Final = 0.3


class OfxFailed(Exception):
    """The text is for people. ``worth_again``: it may be coming up."""

    def __init__(self, reason: str, *, worth_again: bool = False) -> None:
        super().__init__(reason)
        self.worth_again = worth_again


class OfxWay(NamedTuple):
    """``user`` of the gateway, "" for none; ``key`` of wire v1 and its kid. ``must_tick``: a
    missing tick is a failure."""

    config: TcpConfig
    key: Secret
    kid: int
    user: str
    password: Secret
    code: str
    must_tick: bool
    deadline: float

    def fly(self) -> str:
        """What was proven and what was not, in a sentence. Raises OfxFailed."""
        quote = self.config.listener("quote")
        if quote.wire == "psk" and "quote" in self.config.services:
            self._listening(quote)
            return "OFX: the quote port listens; its wire is psk, so nothing more is checked"
        said = self._login() if self.user and "login" in self.config.services else "OFX: "
        if "quote" not in self.config.services:
            return f"{said}there is no quote port"
        if not self.code or (self.config.quote_needs_authcode and not self.user):
            self._listening(quote)
            return f"{said}the quote port listens; no quote is checked"
        return f"{said}{self._quote(quote)}"

    def _login(self) -> str:
        params = {"username": self.user, "password": self.password.reveal()}
        with self._connection(self.config.listener("login")) as client:
            reply = client.ask(cmd=1, params=params)
        if "authcode" not in reply:
            raise OfxFailed(f"the login of {self.user} got {_told(reply)}")
        return f"OFX: {self.user} logged in, "

    def _quote(self, listener: Listener) -> str:
        """One that is not stale."""
        with self._connection(listener) as client:
            authcode: dict[str, str] = {}
            if self.config.quote_needs_authcode:
                authcode = {"authcode": self._authcode()}
            reply = client.ask(cmd=110001, params=[{"code": self.code}], **authcode)
            if reply.get("stat") != 200:
                raise OfxFailed(f"110001 got {_told(reply)}", worth_again=True)
            until = self.deadline if self.must_tick else time.monotonic() + 6
            while time.monotonic() < until:
                reply = client.ask(cmd=100001, params={"code": self.code})
                if reply.get("ticker") == self.code and "stale" not in reply:
                    return f"quotes of {self.code} arrive"
                time.sleep(_AGAIN_S)
        if self.must_tick:
            raise OfxFailed(f"no fresh quote of {self.code} in time")
        return f"no fresh quote of {self.code} (market closed?), so quotes are NOT checked"

    def _authcode(self) -> str:
        params = {"username": self.user, "password": self.password.reveal()}
        with self._connection(self.config.listener("login")) as client:
            return str(client.ask(cmd=1, params=params).get("authcode", ""))

    def _listening(self, listener: Listener) -> None:
        with self._connection(listener):
            pass

    @contextmanager
    def _connection(self, listener: Listener) -> Iterator[_Client]:
        host = local(listener.host)
        try:
            with socket.create_connection((host, listener.port), _CONNECT_S) as plain:
                plain.settimeout(max(1.0, self.deadline - time.monotonic()))
                sock = self._trusting().wrap_socket(plain) if listener.wire == "tls" else plain
                with sock, sock.makefile("rb") as file:
                    yield _Client(self, listener.wire == "v1", sock, file)
        except (OSError, octkeypass.OctKeyError) as exc:
            why = f"{host}:{listener.port}: {exc}"
            raise OfxFailed(why, worth_again=True) from exc

    def _trusting(self) -> ssl.SSLContext:
        """Accepts the group's own certificate under any name: we know the address."""
        context = ssl.create_default_context(cafile=self.config.cert_file)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.check_hostname = False
        return context


class _Client:
    def __init__(self, way: OfxWay, sealed: bool, sock: socket.socket, file: Any) -> None:
        self._way, self._sealed, self._sock, self._file = way, sealed, sock, file

    def ask(self, **request: object) -> dict[str, Any]:
        """Raises OSError and OctKeyError."""
        text = json.dumps(request)
        key, kid, salt = self._way.key.reveal(), self._way.kid, self._way.config.salt
        if self._sealed:
            text = octkeypass.encrypt(key, text, kid, salt)
        self._sock.sendall(text.encode() + b"\r\n")
        line = self._file.readline()
        if not line:
            raise OSError("closed without a word (is the key right?)")
        text = line.decode()
        if self._sealed:
            text = octkeypass.extract(text, key, kid, salt)
        reply: dict[str, Any] = json.loads(text)
        return reply


def local(host: str) -> str:
    """An address to connect to where ``host`` means all of them."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _told(reply: dict[str, Any]) -> str:
    return f"stat {reply.get('stat')} {reply.get('msg', '')}"
