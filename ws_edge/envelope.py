"""What a client gets, byte for byte.

Key order: MsgType, RspInfo, RequestID, IsLast, payload, Detail, Place. Payloads come as finished
JSON from the codecs, so a message is put together from bytes and nothing is encoded twice.
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple

import msgspec

_encode: Final = msgspec.json.Encoder().encode


class Style(NamedTuple):
    """What a socket may ask for at its connect.

    full    ``envelope=full``: RequestID, IsLast and the payload key are always there
    on      ``dialect=on``: MsgTypes of replies and pushes keep the "On" of the callback
    binary  sub-protocol ``ctpbus.msgpack.v1``: MessagePack; messages are put together as JSON all
            the same, and translated as a whole
    """

    full: bool = False
    on: bool = False
    binary: bool = False

    @property
    def number(self) -> int:
        """0 to 7, for tables of one message in each style."""
        return 4 * self.binary + 2 * self.full + self.on


STYLES: Final = tuple(
    Style(full, on, binary)
    for binary in (False, True)
    for full in (False, True)
    for on in (False, True)
)


class Head(NamedTuple):
    """The envelope of one message.

    callback   MsgType with its "On"; replies and pushes
    info       RspInfo as JSON; None: null
    last       adds "IsLast":true
    """

    callback: str
    info: bytes | None = None
    request_id: int = 0
    last: bool = False


def message(
    style: Style, head: Head, key: str = "", payload: bytes | None = None, detail: str = ""
) -> bytes:
    """A reply or a push. ``payload`` None leaves its key out (``envelope=full``: null)."""
    name = head.callback if style.on else head.callback.removeprefix("On")
    return _join(style, name, head, key, payload, detail)


def placed(text: bytes, epoch: int, seq: int) -> bytes:
    """A message with its place in the account's stream."""
    return b'%b,"Place":"%d-%d"}' % (text[:-1], epoch, seq)


def request_error(style: Style, request: str, head: Head, key: str, detail: str) -> bytes:
    """A local error that carries the name of the request (-400, -401, -404, -500)."""
    return _join(style, request, head, key, None, detail)


def _join(
    style: Style, name: str, head: Head, key: str, payload: bytes | None, detail: str
) -> bytes:
    parts = [b'{"MsgType":', _encode(name), b',"RspInfo":', head.info or b"null"]
    if head.request_id or style.full:
        parts.append(b',"RequestID":%d' % head.request_id)
    if head.last:
        parts.append(b',"IsLast":true')
    elif style.full:
        parts.append(b',"IsLast":false')
    if key and (payload is not None or style.full):
        parts.append(b',"%b":%b' % (key.encode(), payload or b"null"))
    if detail:
        parts.append(b',"Detail":%b' % _encode(detail))
    parts.append(b"}")
    return b"".join(parts)


def rsp_info(error_id: int, error_msg: str) -> bytes:
    """RspInfo of our own."""
    return b'{"ErrorID":%d,"ErrorMsg":%b}' % (error_id, _encode(error_msg))


def clock(name: str, unix_ms: int) -> bytes:
    """ "Ping" or "Pong" of the heartbeat above WebSocket."""
    return b'{"MsgType":"%b","Timestamp":%d}' % (name.encode(), unix_ms)


def unix_ms() -> int:
    return time.time_ns() // 1_000_000


def shutdown(eta_ms: int) -> bytes:
    """The notice before a planned stop."""
    return b'{"MsgType":"ServerShutdown","EtaMs":%d}' % eta_ms
