"""The text of a settlement statement. The counter cuts it into rows of 500 bytes wherever it
happens to be, also between the bytes of one Chinese character."""

from __future__ import annotations

import codecs
from typing import Final

import msgspec

from schemas.codec import Codec

from .requests import Request

METHOD: Final = "ReqQrySettlementInfo"
_MOST: Final = 100
_EMPTY: Final = b'"Content":""'
_decoder = codecs.getincrementaldecoder("gb18030")


class Statements:
    """Those of one socket that are on their way; of the oldest beyond 100 the bytes of a cut
    character are forgotten."""

    def __init__(self) -> None:
        # By the identity of the request: two may be equal. It is kept, so that no other gets it.
        self._open: dict[int, tuple[Request, codecs.IncrementalDecoder]] = {}

    def payload(self, request: Request, codec: Codec, field: bytes, last: bool) -> bytes:
        """The JSON of one row; a cut character is in the row that ends it."""
        _, decoder = self._open.setdefault(id(request), (request, _decoder("replace")))
        if last or len(self._open) > _MOST:
            del self._open[id(request) if last else next(iter(self._open))]
        content = next(part for part in codec.layout.fields if part.name == "Content")
        octets = field[content.offset : content.offset + content.size].partition(b"\0")[0]
        text = msgspec.json.encode(decoder.decode(octets, final=last))
        blank = codec.json(codec.patch(field, {"Content": ""}))
        return blank.replace(_EMPTY, _EMPTY[:-2] + text, 1)
