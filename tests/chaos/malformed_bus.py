"""Malformed messages for the bus: part of ``malformed.py``.

Calls to each ROUTER by somebody who may call, subscriptions to each XPUB by somebody who may
subscribe, and bytes that are no ZMTP, on tcp from a stranger, and behind a good greeting on the
unix sockets.
"""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final

import msgspec
import zmq

from bus import security
from bus.frames import Flag, Row, message_type, unpack_row
from bus.rpc import MAX_CALL, Call, SessionBody, refusal
from schemas import catalogue as catalogues

from .malformed_tally import TIMEOUT_S, Tally, Where, abort, connect, shape, stranger
from .mutate import Corpus, from_msgpack, msgpack_bytes

TOGETHER: Final = 64
_BROKER: Final = "9999"
_SUBSCRIPTIONS: Final = 1000  # of one socket
_LONGEST_TOPIC: Final = 900  # with what CURVE adds it is no more than a publisher takes
_LAST: Final = 60  # portions over one socket
# In a call that is grown: what has to be of now is put in when it is sent.
_DEADLINE: Final = 0x1122334455667788
_HANDLE: Final = b"the session here"
_WITHIN_S: Final = 2.0
_TOPICS: Final = (
    "tick/rb2610/",
    "quote/au2612/",
    "td/9999/nobody/",
    "state/",
    "late/",
    "",
    "tick/",
)
_VERBS: Final[dict[str, tuple[Any, ...]]] = {
    "md_rpc": (
        ("SubscribeMarketData", ["rb2610", "nothing"]),
        ("UnSubscribeMarketData", ["nothing"]),
        ("SubscribeForQuoteRsp", ["nothing"]),
        ("UnSubscribeForQuoteRsp", ["nothing"]),
        ("Snapshot", ["rb2610", "nothing"]),
        ("Since", {"topic": "tick/rb2610/", "epoch": 1, "seq": 1}),
        ("State", None),
    ),
    "td_rpc": (
        ("State", None),
        ("Attach", {"user": "nobody", "name": "hostile"}),
        ("Detach", {"clean": True}),
        ("Returns", {"epoch": 1, "seq": 1, "most": 3}),
        ("Returns", {"topic": "td/9999/nobody/", "epoch": 0, "seq": 0}),
        ("Mark", None),
        ("QryOrderOutcome", {"client_order_id": "a"}),
        ("QryOrderOutcome", {"session_id": 1, "order_ref": "1"}),
        ("SetCancelOnDisconnect", {"on": True}),
    ),
    "rec_rpc": (
        ("Ticks", {"instrument": "rb2610", "day": "", "limit": 3, "form": "json", "since_ns": 0}),
        ("LastTicks", {"instruments": ["rb2610"], "form": "raw"}),
        ("Events", {"broker": _BROKER, "user": "nobody", "stream": "order_events", "limit": 3}),
        ("Answers", {"broker": _BROKER, "user": "nobody", "kind": "orders", "request_id": 1}),
        ("State", None),
        ("Streams", None),
        ("StartStream", "ticks"),
    ),
}
_SERVERS: Final = {"md": "md_worker", "td": "td_worker", "rec": "recorder"}
_SESSION: Final = message_type("Session")
_decode_session: Final = msgspec.msgpack.Decoder(SessionBody).decode


def samples(rpc: str) -> list[Any]:
    """A call of every kind, as the list that it is on the wire."""
    known = catalogues.load()
    calls: list[Any] = []
    if rpc != "rec_rpc":
        for request in known.api("md" if rpc == "md_rpc" else "td").requests.values():
            codec = known.codec(request.struct)
            calls += [_sample(request.name, bytes(codec.size)), _sample(request.name, b"short")]
    return calls + [_sample(name, msgpack_bytes(body)) for name, body in _VERBS[rpc]]


def _sample(method: str, body: bytes) -> list[Any]:
    return [1, method, _DEADLINE, _HANDLE, 1, body, "", "127.0.0.1", False]


def calls(rpc: str, where: Where, count: int, seed: int) -> Tally:
    """To one ROUTER. td_worker's is called with a login, so that requests get past the door."""
    chance = Random(f"{rpc} {seed}")
    corpus, tally = Corpus(samples(rpc), msgpack_bytes, chance, from_msgpack), Tally()
    bodies = Corpus([body for _, body in _VERBS[rpc]], msgpack_bytes, chance)
    while tally.sent < count:
        with dealer(where, rpc) as link:
            tally.connections += 1
            handle = _log_in(link, where) if rpc == "td_rpc" else b"no such session."
            for _ in range(_LAST):
                messages = [_call(corpus, bodies, chance) for _ in range(TOGETHER)]
                now = msgpack_bytes(time.time_ns() + int(_WITHIN_S * 1e9))
                for message in messages:
                    whole = message.replace(msgpack_bytes(_DEADLINE), now)
                    link.send_multipart(_parts(whole.replace(_HANDLE, handle), chance))
                rows = _rows_to_answer(link, tally)
                tally.sent += TOGETHER
                shapes = [_shape(row) for row in rows]
                if sum(each.startswith("-401") for each in shapes) > TOGETHER // 8:
                    handle = _log_in(link, where)  # it was detached, by one of these
                tally.heard(shapes)
                corpus.learn(messages, shapes)
                if tally.sent >= count or tally.faults:
                    break
        if tally.faults:
            break
    return tally


def _call(corpus: Corpus, bodies: Corpus, chance: Random) -> bytes:
    """One in three is a good call with a body that is not."""
    if chance.random() < 0.67:
        return corpus.next()
    sample = chance.choice(corpus.own)
    body = bodies.next() if chance.random() < 0.6 else chance.randbytes(len(sample[5]))
    return msgpack_bytes([*sample[:5], body, *sample[6:]])


def _parts(message: bytes, chance: Random) -> list[bytes]:
    """A call is one frame; some have more, or are none."""
    how = chance.random()
    if how < 0.97:
        return [message]
    if how < 0.98:
        return [b"", message]
    return [message, *[chance.randbytes(5)] * chance.choice((1, 2, 200))]


@contextmanager
def dealer(where: Where, rpc: str) -> Iterator[zmq.Socket[bytes]]:
    with socket_to(where, rpc, zmq.DEALER) as made:
        made.set(zmq.IDENTITY, b"x" + os.urandom(8))
        made.set(zmq.RCVTIMEO, int(TIMEOUT_S * 1000))
        made.connect(where.bus[rpc])
        yield made


@contextmanager
def socket_to(where: Where, name: str, kind: int) -> Iterator[zmq.Socket[bytes]]:
    """Not connected yet; on tcp with the key of a program that trades."""
    context: zmq.Context[Any] = zmq.Context()
    made = context.socket(kind)
    try:
        for option in (zmq.SNDHWM, zmq.RCVHWM):
            made.set(option, 100_000)
        if where.bus[name].startswith("tcp"):
            keys = security.Keys(where.keys, "client")
            keys.trust(made, _SERVERS[name.partition("_")[0]])
        yield made
    finally:
        context.destroy(linger=0)


_numbers: Final = itertools.count(1 << 40)


def _ask(link: zmq.Socket[bytes], method: str, body: bytes = b"") -> int:
    number = next(_numbers)
    link.send(msgpack_bytes(Call(number, method, time.time_ns() + int(60e9), body=body)))
    return number


def _log_in(link: zmq.Socket[bytes], where: Where) -> bytes:
    codec = catalogues.load().codec("ReqUserLogin")
    login = {"BrokerID": _BROKER, "UserID": where.user, "Password": where.password}
    number = _ask(link, "ReqUserLogin", codec.pack(login))
    while True:
        row = unpack_row(link.recv())
        if row.id == number and row.type == _SESSION:
            return _decode_session(row.body).handle
        if row.id == number and (refused := refusal(row)):
            raise ConnectionError(str(refused))


def ask_and_hear(link: zmq.Socket[bytes]) -> list[Row]:
    """What is said up to the answer to a good call. Raises zmq.Again."""
    number, rows = _ask(link, "State"), []
    while (row := unpack_row(link.recv())).id != number:
        rows.append(row)
    return rows


def _rows_to_answer(link: zmq.Socket[bytes], tally: Tally) -> list[Row]:
    try:
        return ask_and_hear(link)
    except zmq.Again:
        tally.faults.append(f"no answer to a good call within {TIMEOUT_S:.0f} s")
        return []


def _shape(row: Row) -> str:
    refused = refusal(row)
    if refused is not None:
        return f"{refused.error_id} {shape(refused.detail)}"
    return f"row {row.type:#06x} {row.flags & Flag.LAST}"


# -- subscriptions -------------------------------------------------------------------------------


def subscriptions(pub: str, where: Where, count: int, seed: int) -> Tally:
    """An XSUB sends them as they are: topics of all kinds, ends of what never began, and what is
    neither. One that is too long ends the connection, and an XSUB says it again on the next one:
    those are among the bytes below."""
    chance = Random(f"{pub} {seed}")
    wanted = [b"\1" + topic.encode() for topic in _TOPICS]
    wanted += [b"\0" + topic.encode() for topic in _TOPICS] + [b"\1tick/" + b"x" * 1000, b"\2x"]
    corpus, tally = Corpus(wanted, lambda raw: raw, chance), Tally()
    topic = f"state/{_SERVERS[pub.partition('_')[0]]}/".encode()
    while tally.sent < count:
        with socket_to(where, pub, zmq.XSUB) as xsub:
            xsub.set(zmq.RCVTIMEO, int(TIMEOUT_S * 1000))
            xsub.connect(where.bus[pub])
            tally.connections += 1
            for _ in range(min(_SUBSCRIPTIONS, count - tally.sent)):
                xsub.send(corpus.next()[:_LONGEST_TOPIC])
                tally.sent += 1
            xsub.send(b"\1" + topic)
            try:  # the publisher has come to the end of all that
                while not xsub.recv().startswith(topic):
                    pass
            except zmq.Again:
                tally.faults.append(f"{pub} is silent")
                return tally
    tally.heard(["subscribed"])
    return tally


# -- below the messages --------------------------------------------------------------------------


def _greeting(mechanism: bytes) -> bytes:
    return b"\xff" + bytes(8) + b"\x7f\x03\x00" + mechanism.ljust(20, b"\0") + bytes(32)


def _command(name: bytes, body: bytes) -> bytes:
    whole = bytes([len(name)]) + name + body
    return b"\x04" + bytes([len(whole) % 256]) + whole


def _property(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value


def streams() -> list[bytes]:
    """What a peer begins with, by both mechanisms, and what may follow."""
    ready = _property(b"Socket-Type", b"DEALER") + _property(b"Identity", b"xyz")
    begun = _greeting(b"NULL") + _command(b"READY", ready)
    sub = _greeting(b"NULL") + _command(b"READY", _property(b"Socket-Type", b"SUB"))
    topic = b"\1tick/" + b"x" * 2000
    call = msgpack_bytes(Call(1, "State", time.time_ns() + 10**12))
    short = b"\x00" + bytes([len(call)]) + call
    hello = _greeting(b"CURVE") + _command(b"HELLO", b"\1\0" + bytes(72 + 32 + 8 + 80))
    return [
        sub + b"\x00\x0d\1tick/rb2610/" + b"\x00\x0d\0tick/rb2610/" + b"\x00\x02\2x",
        sub + b"\x02" + len(topic).to_bytes(8, "big") + topic,
        *(begun, sub, hello, begun + short * 3, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        begun + b"\x01" + bytes([len(call)]) + call + short,
        begun + b"\x02" + len(call).to_bytes(8, "big") + call,
        begun + b"\x02" + (MAX_CALL + 1).to_bytes(8, "big") + b"x" * 3000,
        begun + b"\x02" + (2**63 - 1).to_bytes(8, "big") + b"x" * 100,
        begun + _command(b"PING", b"\0\x0a" + b"context") * 3,
        begun + _command(b"SUBSCRIBE", b"tick/rb2610/") + _command(b"CANCEL", b"tick/rb2610/"),
        hello + _command(b"INITIATE", bytes(250)),
        _greeting(b"PLAIN") + _command(b"HELLO", b"\4user\4pass"),
        b"\xff\0\0\0\0\0\0\0\1\x7f\1\5\0\3xyz",  # ZMTP 2
        b"\1\0\4\0abc",  # ZMTP 1
    ]


def raw(name: str, where: Where, count: int, seed: int) -> Tally:
    """Each on a connection of its own."""
    chance = Random(f"raw {name} {seed}")
    corpus, tally = Corpus(streams(), lambda raw: raw, chance), Tally()
    while tally.sent < count:
        message = corpus.next()
        tally.sent += 1
        tally.connections += 1
        line = _raw_socket(where.bus[name], tally.sent)
        try:
            line.sendall(message)
            if tally.sent % 4:
                line.shutdown(socket.SHUT_WR)
                said = b""
                while data := line.recv(1 << 16):
                    said += data
                answer = f"raw: {len(said)} bytes"
                corpus.learn([message], [answer])
                tally.heard([answer if len(said) < 200 else "raw: more"])
        except OSError:
            pass
        finally:
            abort(line)
    return tally


def _raw_socket(address: str, number: int) -> socket.socket:
    scheme, _, rest = address.partition("://")
    if scheme == "tcp":
        host, _, port = rest.rpartition(":")
        return connect((host, int(port)), stranger(number))
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(TIMEOUT_S)
    line.connect(rest)
    return line


def _bound(attack: Callable[..., Tally], name: str) -> Callable[[Where, int, int], Tally]:
    return lambda where, count, seed: attack(name, where, count, seed)


WAYS: Final[dict[str, tuple[Callable[[Where, int, int], Tally], int]]] = {
    "bus calls td_worker": (_bound(calls, "td_rpc"), 12),
    "bus calls md_worker": (_bound(calls, "md_rpc"), 8),
    "bus calls recorder": (_bound(calls, "rec_rpc"), 4),
    "bus subscriptions td_worker": (_bound(subscriptions, "td_pub"), 2),
    "bus subscriptions md_worker": (_bound(subscriptions, "md_pub"), 2),
    "bus bytes td_rpc": (_bound(raw, "td_rpc"), 1),
    "bus bytes td_pub": (_bound(raw, "td_pub"), 1),
    "bus bytes md_rpc": (_bound(raw, "md_rpc"), 1),
    "bus bytes md_pub": (_bound(raw, "md_pub"), 1),
}
