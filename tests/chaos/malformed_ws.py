"""Malformed messages for ws_edge: part of ``malformed.py``.

Requests of every MsgType, broken in bytes and in values, as JSON and as MessagePack, before and
after a login; WebSocket frames that are none; handshakes that are none.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from random import Random
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from schemas import catalogue as catalogues
from schemas.catalogue import Side
from ws_edge.names import LISTS, Kind, Method, methods

from .malformed_tally import Tally, Where, abort, connect, shape, stranger
from .mutate import Corpus, from_json, from_msgpack, json_bytes, msgpack_bytes

TOGETHER: Final = 48
_SAID_S: Final = 0.005
_FIRST: Final = 8  # messages before a login to the gateway
_LAST: Final = 40  # portions of one connection
_BINARY: Final = "ctpbus.msgpack.v1"
_TEXT, _BIN, _CLOSE, _PING = 1, 2, 8, 9
_HANDSHAKE: Final = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
)
_NOBODY: Final = "nobody"
_END: Final = "sync-"
# The switch is on, so that no order of ours becomes one. A GatewayLogin that is wrong ends its
# connection, and what is behind it would not be read.
_LEFT_OUT: Final = frozenset({"SetKillSwitch", "GatewayLogin"})


def handshake(where: Where, side: str, binary: bool = False) -> bytes:
    more = f"Sec-WebSocket-Protocol: {_BINARY}\r\n" if binary else ""
    if where.token:
        more += f"Authorization: Bearer {where.token}\r\n"
    return _HANDSHAKE.format(path=f"/{side}/", more=more).encode()


def frame(payload: bytes, opcode: int, chance: Random) -> bytes:
    """As a client sends it, masked."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 0xFE, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0xFF, size)
    key = chance.randbytes(4)
    mask = (key * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return head + key + masked.to_bytes(size, "big")


class Talk:
    """One connection. ``ended`` when the server has closed it."""

    def __init__(
        self,
        where: Where,
        side: str,
        binary: bool,
        chance: Random,
        source: str = "127.0.0.1",
    ) -> None:
        self.binary, self._chance = binary, chance
        self._socket = connect(where.ws, source)
        self._socket.sendall(handshake(where, side, binary))
        head, _, self._rest = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.split(b"\r\n")[0].decode())
        self.ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        abort(self._socket)

    def send(self, messages: Iterable[bytes]) -> None:
        opcode = _BIN if self.binary else _TEXT
        try:
            self._socket.sendall(b"".join(frame(each, opcode, self._chance) for each in messages))
        except ConnectionError:
            self.ended = True

    def hear_to(self, end: str) -> list[str]:
        """The shapes of what is said up to the answer to ``end``."""
        shapes: list[str] = []
        while not self.ended:
            opcode, payload = self._frame()
            if opcode == _CLOSE:
                self.ended = True
                shapes.append(f"close {int.from_bytes(payload[:2], 'big')}")
            elif opcode in (_TEXT, _BIN):
                message = _decode(payload, opcode)
                if message.MsgType == end:
                    break
                shapes.append(_shape(message))
        return shapes

    def say(self, chance: Random, **message: Any) -> None:
        self.send([(msgpack_bytes if self.binary else json_bytes)(message)])

    def _frame(self) -> tuple[int, bytes]:
        first, size = self._exactly(2)
        if size >= 126:
            size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
        return first & 15, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        while len(self._rest) < size and not self.ended:
            self._more()
        if self.ended:
            return struct.pack("!BB", 0x80 | _PING, 0)[:size].ljust(size, b"\0")
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _more(self) -> None:
        try:
            data = self._socket.recv(1 << 18)
        except ConnectionError:
            data = b""
        self._rest += data
        self.ended = not data

    def _until(self, end: bytes) -> bytes:
        data = b""
        while end not in data:
            part = self._socket.recv(1 << 16)
            if not part:
                break
            data += part
        return data


class _Answer(msgspec.Struct):
    MsgType: str = ""
    RspInfo: dict[str, Any] | None = None
    Detail: str = ""


_answer_json: Final = msgspec.json.Decoder(_Answer).decode
_answer_msgpack: Final = msgspec.msgpack.Decoder(_Answer).decode


def _decode(payload: bytes, opcode: int) -> _Answer:
    return (_answer_json if opcode == _TEXT else _answer_msgpack)(payload)


def _shape(answer: _Answer) -> str:
    error = (answer.RspInfo or {}).get("ErrorID", 0)
    return f"{error} {shape(answer.Detail)}" if error else f"ok {answer.MsgType[:40]}"


# -- what to grow from ---------------------------------------------------------------------------


def samples(side: Side) -> list[dict[str, Any]]:
    """A request of every MsgType, with every key that it can have."""
    known = methods(catalogues.load(), side)
    return [_sample(each) for each in known.values() if each.name not in _LEFT_OUT]


def _sample(method: Method) -> dict[str, Any]:
    message: dict[str, Any] = {"MsgType": method.name}
    if method.kind in LISTS:
        return message | {"InstrumentID": ["rb2610", "nothing", "SR701"], "RequestID": 1}
    if method.struct:
        codec = catalogues.load().codec(method.struct)
        values = codec.unpack(bytes(codec.size))
        message |= {method.keys[0]: _filled(values), "RequestID": 2}
    elif method.kind is Kind.VERB:
        named = {"ClientOrderID": "a", "OrderID": "1-1", "SessionID": 1, "OrderRef": "1"}
        message |= {method.keys[0]: {**named, "On": False}, "RequestID": 3}
    if method.kind in (Kind.ACTION, Kind.QUERY):
        message |= {"ClientOrderID": "hostile", "DeadlineMs": 300, "Fresh": True}
    if method.resumes:
        message["Resume"] = "0-0"
    return message


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    named = {"BrokerID": "9999", "UserID": "nobody", "InvestorID": "nobody", "ExchangeID": "SHFE"}
    named |= {"InstrumentID": "nothing", "Password": "wrong"}
    return {key: named.get(key, value) for key, value in list(values.items())[:24]}


# -- the attacks ---------------------------------------------------------------------------------


def requests(where: Where, count: int, seed: int) -> Tally:
    """Over connections of both sides and dialects, half of them logged in."""
    tally, chance = Tally(), Random(f"ws {seed}")
    sides: tuple[Side, ...] = ("td", "md")
    ways = [(side, binary) for side in sides for binary in (False, True)]
    growing = {(side, binary): _growing(side, binary, chance) for side, binary in ways}
    number = 0
    while tally.sent < count:
        side, binary = ways[number % len(ways)]
        number += 1
        with Talk(where, side, binary, chance) as talk:
            tally.connections += 1
            if number // len(ways) % 2:
                login = {"UserID": where.user, "Password": where.password}
                talk.say(chance, MsgType="ReqUserLogin", ReqUserLogin=login)
            _portions(talk, growing[side, binary], count, tally, chance)
    return tally


def _growing(side: Side, binary: bool, chance: Random) -> Corpus:
    encode, decode = (msgpack_bytes, from_msgpack) if binary else (json_bytes, from_json)
    return Corpus(samples(side), encode, chance, decode)


def _portions(talk: Talk, corpus: Corpus, count: int, tally: Tally, chance: Random) -> None:
    for portion in range(_LAST):
        sent = [_fitting(corpus.next(), talk.binary, chance) for _ in range(TOGETHER)]
        end = f"{_END}{portion}"
        talk.send(sent)
        talk.say(chance, MsgType=end)
        shapes = talk.hear_to(end)
        tally.sent += TOGETHER
        tally.heard(shapes)
        corpus.learn(sent, shapes)
        if talk.ended or tally.sent >= count:
            return


def _fitting(message: bytes, binary: bool, chance: Random) -> bytes:
    """A text that is no UTF-8 ends the connection, and what is behind it would not be read."""
    if binary or chance.random() < 0.0005:
        return message
    return message.decode("utf-8", "replace").encode()


def frames(where: Where, count: int, seed: int) -> Tally:
    """Each on a connection of its own: what is broken is the protocol below the messages."""
    chance = Random(f"frames {seed}")
    text = b'{"MsgType":"Ping"}'
    whole = [frame(text, opcode, chance) for opcode in range(16)]
    whole += [frame(struct.pack("!H", code), _CLOSE, chance) for code in (0, 1000, 1005, 4999)]
    whole += [frame(b"x" * 126, _PING, chance), frame(b"", _PING, chance), b"\x81\x05hello"]
    split = [b"\x01" + frame(text, 1, chance)[1:], frame(text, 0, chance), b"\x00\x80" + bytes(4)]
    whole += [b"".join(split), *split, b"\x81\xff" + b"\x7f" * 12, b"\xf1\x80" + bytes(4)]
    corpus = Corpus(whole, lambda raw: raw, chance)
    tally = Tally()
    while tally.sent < count:
        side, message = chance.choice(("td", "md")), corpus.next()
        said = _burst(where, handshake(where, side), message, tally)
        # Behind the answer to the handshake: a Close with its code, an answer, or nothing.
        said = said.partition(b"\r\n\r\n")[2]
        code = int.from_bytes(said[2:4], "big") if said[:1] == b"\x88" else 0
        corpus.learn([message], [f"{said[:1].hex()} {code}"])
        tally.heard([f"frame: close {code}" if code else "frame: no close"])
    return tally


def logins(where: Where, count: int, seed: int) -> Tally:
    """First messages of sockets that have shown nothing: none of them may open the gateway."""
    chance = Random(f"logins {seed}")
    named = ({"Token": "wrong"}, {"User": _NOBODY, "Password": "wrong"}, {"Token": ""})
    good: list[dict[str, Any]] = [
        {"MsgType": "GatewayLogin", "GatewayLogin": each, "RequestID": 1} for each in named
    ]
    good += [{"MsgType": "ReqUserLogin", "ReqUserLogin": named[1]}, {"MsgType": "Ping"}]
    corpora = [Corpus(good, json_bytes, chance, from_json)]
    corpora.append(Corpus(good, msgpack_bytes, chance, from_msgpack))
    outside = where._replace(token="")
    tally = Tally()
    while tally.sent < count:
        binary = bool(tally.connections % 2)
        source = stranger(tally.connections)
        with Talk(outside, chance.choice(("td", "md")), binary, chance, source) as talk:
            tally.connections += 1
            corpus = corpora[binary]
            sent = [_fitting(corpus.next(), binary, chance) for _ in range(_FIRST)]
            talk.send(sent)
            talk.say(chance, MsgType=_END)
            shapes = talk.hear_to(_END)
            corpus.learn(sent, shapes)
            tally.sent += _FIRST
            tally.heard([f"login: {shape}" for shape in shapes])
            if any("ok RspGatewayLogin" in shape for shape in shapes):
                tally.faults.append("the gateway let in who had shown nothing")
    return tally


def handshakes(where: Where, count: int, seed: int) -> Tally:
    chance = Random(f"handshakes {seed}")
    good = [handshake(where, side, binary) for side in ("td", "md") for binary in (False, True)]
    good += [
        handshake(where, "td?token=x&notices=all&seq=on&outcomes=on"),
        good[0].replace(b"GET", b"POST", 1),
        good[0].replace(b"\r\n", b"\r\nX-Long: " + b"x" * 9000 + b"\r\n", 1),
        good[0].replace(b"\r\n", b"\r\nX: y" * 200 + b"\r\n", 1),
        good[0].replace(b"Host:", b"Origin: http://elsewhere\r\nHost:"),
        bytes.fromhex("16030100c8010000c40303") + bytes(range(194)),
    ]
    corpus = Corpus(good, lambda raw: raw, chance)
    tally = Tally()
    while tally.sent < count:
        message = corpus.next()
        said = _burst(where, message, b"", tally)
        words = said.split(b"\r\n")[0].decode("ascii", "replace").split(" ")
        status = words[1] if len(words) > 1 else "nothing at once"
        corpus.learn([message], [shape(" ".join(words))])
        tally.heard([f"handshake: {status}"])
    return tally


def _burst(where: Where, first: bytes, then: bytes, tally: Tally) -> bytes:
    """What comes back at once; the server need not see that this was all. Every fourth one does not
    wait for it."""
    tally.sent += 1
    tally.connections += 1
    line = connect(where.ws, stranger(tally.sent))
    said = b""
    try:
        line.sendall(first + then)
        if tally.sent % 4 == 0:
            return said
        line.settimeout(_SAID_S)
        while data := line.recv(1 << 16):
            said += data
    except OSError:
        pass
    finally:
        abort(line)
    return said


WAYS: Final[dict[str, tuple[Callable[[Where, int, int], Tally], int]]] = {
    "ws requests": (requests, 40),
    "ws frames": (frames, 3),
    "ws handshakes": (handshakes, 2),
    "ws logins": (logins, 4),
}
