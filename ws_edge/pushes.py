"""Which messages of the bus go to which clients, and what they look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from bus.frames import Flag, Message, message_type, split_body
from schemas.catalogue import Catalogue, Side
from schemas.errors import disconnect_text

from .envelope import Head, Style, message, placed, rsp_info

# Every client of the original gets these, whatever it asked for.
_ALWAYS: Final = frozenset(
    {"OnRtnOrder", "OnRtnTrade", "OnErrRtnOrderInsert", "OnErrRtnOrderAction"}
)
_BY_NOTICE: Final = {
    "OnFrontConnected": "front",
    "OnFrontDisconnected": "front",
    "OnHeartBeatWarning": "front",
    "OnRtnInstrumentStatus": "status",
    "OnRspError": "error",
    "OnRtnBulletin": "all",
    "OnRtnTradingNotice": "all",
}
_decode_number: Final = msgspec.msgpack.Decoder(int | None).decode


class Push(NamedTuple):
    """How one type of message is told.

    always   every logged-in socket of the account gets it
    notice   who asked for this notice gets it (``all`` gets everything)
    family   who has used a request of this family gets it
    """

    callback: str
    key: str
    always: bool
    notice: str
    family: str


def pushes(catalogue: Catalogue, side: Side) -> dict[int, Push]:
    """By the type in the bus header. OnRsp* answer requests and are not among them, but OnRspError,
    which the counter also raises without a request."""
    return {
        message_type(name): Push(
            name,
            callback.struct or "",
            name in _ALWAYS,
            _BY_NOTICE.get(name, ""),
            "" if name in _BY_NOTICE else family(name),
        )
        for name, callback in catalogue.api(side).callbacks.items()
        if name == "OnRspError" or not callback.has_id
    }


def family(name: str) -> str:
    """What a request and the returns it may bring have in common: "Quote" of ReqQuoteInsert,
    ReqQryQuote, OnRtnQuote and OnErrRtnQuoteAction. All bank business is one family."""
    if "Bank" in name or "Transfer" in name:
        return "Bank"
    stem = re.sub(r"^(Req|OnRtn|OnErrRtn)(Qry|Query|Cancel|ErrorConditional)?", "", name)
    return re.sub(r"((Insert|Action|Rsp)+)$", "", stem)


class Renderer:
    """Turns messages of one side's topics into texts, once per message and style."""

    def __init__(self, catalogue: Catalogue, side: Side) -> None:
        self._catalogue, self._side = catalogue, side
        self._info = catalogue.codec("RspInfo")
        self._last: tuple[Message, dict[tuple[Style, bool], bytes]] | None = None

    def text(self, push: Push, what: Message, style: Style, with_place: bool = False) -> bytes:
        if self._last is None or self._last[0] is not what:
            self._last = (what, {})
        texts, key = self._last[1], (style, with_place)
        if key not in texts:
            text = self._render(push, what, style)
            texts[key] = placed(text, what.epoch, what.seq) if with_place else text
        return texts[key]

    def _render(self, push: Push, what: Message, style: Style) -> bytes:
        if what.flags & Flag.MSGPACK:
            return notice(style, push.callback, _decode_number(what.body))
        field, info = split_body(what.flags, what.body, self._info.size)
        head = Head(
            push.callback,
            None if info is None else self._info.json(info),
            last=bool(what.flags & Flag.LAST),
        )
        payload = self._payload(push, field) if push.key else None
        return message(style, head, push.key, payload)

    def _payload(self, push: Push, field: bytes | None) -> bytes:
        if field is None:
            return b"null"
        return self._catalogue.reply_codec(self._side, push.callback).json(field)


_TEXTS: Final[dict[str, Callable[[int], str]]] = {
    "OnFrontDisconnected": disconnect_text,
    "OnHeartBeatWarning": lambda seconds: f"no message from the front for {seconds} s",
}


def notice(style: Style, callback: str, number: int | None) -> bytes:
    """A callback with nothing but a number, or without one."""
    text = _TEXTS.get(callback)
    info = rsp_info(number, text(number)) if text and number is not None else None
    return message(style, Head(callback, info))
