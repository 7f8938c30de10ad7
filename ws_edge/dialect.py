"""The binary dialect: the messages of the JSON protocol as MessagePack, in binary frames.

Same keys, same values, same order; whole numbers are ints. Only the ticks of the stream differ:
their payload is an array, whose names were announced before the first one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec

from bus.frames import FrameError
from schemas.catalogue import Catalogue
from schemas.tick_msgpack import compile_tick_msgpack, short_number

from .envelope import STYLES, Style
from .frames import binary_frame, text_frame

SUBPROTOCOL: Final = "ctpbus.msgpack.v1"
_TICK: Final = "OnRtnDepthMarketData"
_encode: Final = msgspec.msgpack.Encoder().encode
_decode_json: Final = msgspec.json.Decoder(float_hook=lambda text: short_number(float(text))).decode


def frame(style_index: int, text: bytes) -> bytes:
    """A message of the JSON protocol as a frame of one style."""
    return binary_frame(to_msgpack(text)) if STYLES[style_index].binary else text_frame(text)


@lru_cache(maxsize=8)  # a push goes to many sockets, one after the other
def to_msgpack(text: bytes) -> bytes:
    """A finished message of the JSON protocol."""
    return _encode(_decode_json(text))


class TickFrames:
    """Ticks of the stream as frames. A tick is encoded once as JSON and once as MessagePack, at the
    most, however many styles there are.

    json          the struct as JSON
    announcement  the message with the names of the array's values, as JSON
    """

    def __init__(self, catalogue: Catalogue) -> None:
        codec = catalogue.reply_codec("md", _TICK)
        names = {"DepthMarketData": codec.order}
        self.announcement = msgspec.json.encode({"MsgType": "Fields", "Fields": names})
        self.json, self._size = codec.json, codec.size
        self._array = compile_tick_msgpack(codec.layout, codec.order)
        self._raw = b""
        self._texts: dict[bool, bytes] = {}

    def checked(self, raw: bytes) -> bytes:
        """It itself; ``frame`` then cannot fail. Raises FrameError."""
        if len(raw) != self._size:
            raise FrameError(f"a tick of {len(raw)} bytes instead of {self._size}")
        return raw

    def frame(self, style_index: int, raw: bytes) -> bytes:
        """``raw``: the struct, the same object in every call for one tick."""
        if raw is not self._raw:
            self._raw, self._texts = raw, {}
        binary = STYLES[style_index].binary
        text = self._texts.get(binary)
        if text is None:
            text = self._texts[binary] = self._array(raw) if binary else self.json(raw)
        head = _HEADS[style_index]
        return binary_frame(head + text) if binary else text_frame(b"%b%b}" % (head, text))


def _head(style: Style) -> bytes:
    """A tick up to its payload. It is the one message of webctp without RspInfo."""
    keys: dict[str, Any] = {"MsgType": _TICK if style.on else _TICK.removeprefix("On")}
    if style.full:
        keys |= {"RequestID": 0, "IsLast": False}
    if style.binary:
        return _encode({**keys, "DepthMarketData": None})[:-1]
    return msgspec.json.encode(keys)[:-1] + b',"DepthMarketData":'


_HEADS: Final = tuple(_head(style) for style in STYLES)
