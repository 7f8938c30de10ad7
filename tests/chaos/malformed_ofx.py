"""Malformed messages for tcp_edge: part of ``malformed.py``.

Requests of every command, broken in bytes and in values, by somebody who has the keys, on each of
the wires; and bytes from strangers who have none.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from random import Random
from typing import Any, Final, Protocol

from bus.secrets import Secret
from tcp_edge import octkeypass
from tcp_edge.wire.channel import derive
from tcp_edge.wire.pskclient import PskClient
from tcp_edge.wire.wire import WireError

from .malformed_tally import Tally, Where, abort, connect, shape, stranger
from .mutate import Corpus, from_json, json_bytes

USER: Final = "hostile"
TOGETHER: Final = 24
_LAST: Final = 40  # portions over one connection
_CODE: Final = {"code": "600000", "market": "SH"}
_ORDER: Final = {
    "ticker": "600000",
    "market": 2,
    "side": 1,
    "price_type": 1,
    "quantity": 100,
    "price": 1.0,
    "position_effect": 1,
    "client_order_id": "hostile",
    "stop_price": 0.0,
    "business_type": 0,
}
_COMMANDS: Final[dict[str, list[dict[str, Any]]]] = {
    "login": [{"cmd": 1, "params": {"username": "nobody", "password": "wrong"}}],
    "quote": [
        *({"cmd": 110001, "params": [_CODE]}, {"cmd": 100001, "params": _CODE}),
        *({"cmd": 100003, "params": [_CODE, {"code": "nothing"}]}, {"CMD": "100001"}),
        {"cmd": 100002, "params": {**_CODE, "since": 20261123093000000, "limit": 2}},
    ],
    "trade": [
        *({"cmd": cmd} for cmd in (210001, 210002, 210003, 210004)),
        *({"cmd": cmd, "params": {"reqid": 1}} for cmd in (200003, 200004, 200005, 200006)),
        *({"cmd": cmd, "params": _CODE, "latest": True} for cmd in (200001, 200002)),
        *({"cmd": 210005, "params": _ORDER}, {"cmd": 210006, "params": {"order_xtp_id": 1}}),
    ],
}
_CODE_KEY: Final = "the authcode here"


class Line(Protocol):
    """A connection with keys: a text goes out, replies come in."""

    @property
    def socket(self) -> socket.socket: ...
    def send(self, texts: list[str]) -> None: ...
    def replies(self, count: int) -> Iterator[str]: ...


class LineV1:
    def __init__(self, where: Where, line: socket.socket, user: str) -> None:
        self._key, self.socket = where.ofx_key, line
        self._file = line.makefile("rb")

    def send(self, texts: list[str]) -> None:
        sealed = (octkeypass.encrypt(self._key, text).encode() + b"\r\n" for text in texts)
        self.socket.sendall(b"".join(sealed))

    def replies(self, count: int) -> Iterator[str]:
        for _ in range(count):
            line = self._file.readline()
            if not line.endswith(b"\n"):
                raise ConnectionResetError
            yield octkeypass.extract(line.decode(), self._key)


class LineTls:
    def __init__(self, where: Where, line: socket.socket, user: str) -> None:
        context = ssl.create_default_context(cafile=where.authority)
        self.socket: socket.socket = context.wrap_socket(line, server_hostname="127.0.0.1")
        self._file = self.socket.makefile("rb")

    def send(self, texts: list[str]) -> None:
        lines = (text.replace("\n", " ").encode() + b"\r\n" for text in texts)
        self.socket.sendall(b"".join(lines))

    def replies(self, count: int) -> Iterator[str]:
        for _ in range(count):
            line = self._file.readline()
            if not line.endswith(b"\n"):
                raise ConnectionResetError
            yield line.decode()


class LinePsk:
    def __init__(self, where: Where, line: socket.socket, user: str) -> None:
        self.socket = line
        self._client = PskClient(user, _psk(user, where.password))
        self._texts: list[str] = []
        line.sendall(self._client.hello())
        while not self._client.ready:
            self._receive()

    def send(self, texts: list[str]) -> None:
        self.socket.sendall(b"".join(map(self._client.request, texts)))

    def send_plain(self, plain: bytes) -> None:
        """What is inside of a frame that is in order."""
        self.socket.sendall(self._client.sealed(plain))

    def replies(self, count: int) -> Iterator[str]:
        for _ in range(count):
            while not self._texts:
                self._receive()
            yield self._texts.pop(0)

    def _receive(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionResetError
        self._texts += self._client.feed(data)


@cache
def _psk(user: str, password: str) -> bytes:
    """Made once: it takes a tenth of a second, as is meant."""
    return derive(Secret(password), user)


_LINES: Final[dict[str, Callable[[Where, socket.socket, str], Line]]] = {
    "login": LineV1,
    "trade": LineTls,
    "quote": LinePsk,
}


@contextmanager
def opened(
    where: Where, service: str, source: str = "127.0.0.1", user: str = USER
) -> Iterator[Line]:
    line = _LINES[service](where, connect(where.ofx[service], source), user)
    try:
        yield line
    finally:
        abort(line.socket)


def authcode(where: Where, user: str = USER) -> str:
    with opened(where, "login") as line:
        said = {"cmd": 1, "params": {"username": user, "password": where.password}}
        line.send([json.dumps(said)])
        return str(json.loads(next(line.replies(1)))["authcode"])


# -- the attacks ---------------------------------------------------------------------------------


def requests(service: str, where: Where, count: int, seed: int) -> Tally:
    """One reply for each, whatever it was."""
    chance = Random(f"{service} {seed}")
    code = authcode(where)
    wanted = [{**each, "authcode": _CODE_KEY} for each in _COMMANDS[service]]
    corpus, tally = Corpus([*wanted, *_COMMANDS["quote"]], json_bytes, chance, from_json), Tally()
    while tally.sent < count and not tally.faults:
        tally.connections += 1
        with opened(where, service) as line:
            try:
                _portions(line, corpus, code, count, tally)
            except (ConnectionError, TimeoutError) as exc:
                tally.faults.append(f"{service}: {type(exc).__name__} instead of a reply")
    return tally


def _portions(line: Line, corpus: Corpus, code: str, count: int, tally: Tally) -> None:
    for _ in range(_LAST):
        sent = [corpus.next() for _ in range(TOGETHER)]
        texts = [each.decode("utf-8", "replace").replace(_CODE_KEY, code) for each in sent]
        # A client who asks to be told would have to tell replies from what he is told.
        texts = [text.replace('"push"', '"p"') for text in texts]
        line.send(texts)
        tally.sent += TOGETHER
        shapes = [_shape(reply) for reply in line.replies(TOGETHER)]
        tally.heard(shapes)
        corpus.learn(sent, shapes)
        if tally.sent >= count:
            return


def _shape(reply: str) -> str:
    said = json.loads(reply)
    if isinstance(said, dict) and "stat" in said:
        return f"{said['stat']} {shape(str(said.get('msg', '')))}"
    return "a list" if isinstance(said, list) else "a record"


def strangers(service: str, where: Where, count: int, seed: int) -> Tally:
    """Each on a connection of its own; nobody of them may get a reply to a request."""
    chance = Random(f"strangers {service} {seed}")
    corpus, tally = Corpus(_beginnings(where, service), lambda raw: raw, chance), Tally()
    while tally.sent < count:
        message = corpus.next()
        tally.sent += 1
        tally.connections += 1
        line = connect(where.ofx[service], stranger(tally.sent))
        try:
            line.sendall(message)
            if tally.sent % 4:
                line.shutdown(socket.SHUT_WR)
                tally.heard([f"{service}: {_all(line)} bytes to a stranger"])
        except OSError:
            pass
        finally:
            abort(line)
    return tally


def _all(line: socket.socket) -> int:
    size = 0
    while data := line.recv(1 << 16):
        size += len(data)
    return size


def _beginnings(where: Where, service: str) -> list[bytes]:
    """What a client with the keys would begin with, and what other protocols do."""
    text = json.dumps(_COMMANDS[service][0])
    others = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", text.encode() + b"\r\n", b"\r\n" * 5]
    others.append(bytes.fromhex("16030100c8010000c40303") + bytes(range(194)))
    if service == "login":
        # Sealed with a key that is not the gateway's: bytes turned in it make no better one.
        return [*others, octkeypass.encrypt("another key", text).encode() + b"\r\n"]
    if service == "trade":
        out = ssl.MemoryBIO()
        hello = ssl.create_default_context(cafile=where.authority).wrap_bio(ssl.MemoryBIO(), out)
        try:
            hello.do_handshake()
        except ssl.SSLWantReadError:
            return [*others, out.read()]
        raise WireError("no hello")
    frame = (60).to_bytes(4, "big") + bytes(60)
    named = [PskClient(user, bytes(32)).hello() for user in (USER, "nobody", "")]
    plain = PskClient(USER, bytes(32), codecs=(), lines=True).hello()
    return [*others, *named, *(each + frame for each in named), plain + b"AAAA\r\n"]


def broken_frames(where: Where, count: int, seed: int) -> Tally:
    """psk: what is sealed well and is nothing to be read, one to a connection."""
    chance, tally = Random(f"psk frames {seed}"), Tally()
    text = json_bytes(_COMMANDS["quote"][1])
    packed = [bytes([codec]) + text for codec in (0, 1, 2, 3, 255)]
    corpus = Corpus([*packed, b"", b"\1\x78\x9c" + bytes(50)], lambda raw: raw, chance)
    while tally.sent < count:
        tally.sent += 1
        tally.connections += 1
        try:
            with opened(where, "quote", stranger(tally.sent)) as line:
                assert isinstance(line, LinePsk)
                line.send_plain(corpus.next())
                tally.heard(_shape(each) for each in line.replies(1))
        except ConnectionError:  # this address may have to wait, after so many wrongs
            tally.heard(["psk: closed"])
    return tally


def _bound(attack: Callable[..., Tally], service: str) -> Callable[[Where, int, int], Tally]:
    return lambda where, count, seed: attack(service, where, count, seed)


WAYS: Final[dict[str, tuple[Callable[[Where, int, int], Tally], int]]] = {
    "ofx v1 requests": (_bound(requests, "login"), 8),
    "ofx tls requests": (_bound(requests, "trade"), 8),
    "ofx psk requests": (_bound(requests, "quote"), 8),
    "ofx v1 strangers": (_bound(strangers, "login"), 1),
    "ofx tls strangers": (_bound(strangers, "trade"), 1),
    "ofx psk strangers": (_bound(strangers, "quote"), 1),
    "ofx psk frames": (broken_frames, 1),
}
