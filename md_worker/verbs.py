"""What the calls of md_worker's clients say. Everything here raises Refused."""

from __future__ import annotations

from typing import Final

import msgspec

from bus.errors import bad_parameters
from bus.rpc import Call
from bus.since import Since

_MOST_IN_CALL: Final = 20_000  # instruments; all exchanges together have fewer than that
_LONGEST_ID: Final = 80  # bytes of an InstrumentID in GB18030


def is_instrument(name: str) -> bool:
    """Whether the API can take it and a topic can hold it."""
    if not name or "/" in name or "\0" in name or len(name) > _LONGEST_ID:
        return False
    return len(name.encode("gb18030", "replace")) <= _LONGEST_ID


def instruments_of(call: Call, may_be_empty: bool = False) -> list[str]:
    """The list of a call about instruments."""
    try:
        names = msgspec.msgpack.decode(call.body, type=list[str])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise bad_parameters(f"{call.method}: expected a list of texts") from None
    if not names and not may_be_empty:
        raise bad_parameters(f"{call.method}: the list is empty")
    if len(names) > _MOST_IN_CALL:
        raise bad_parameters(f"{call.method}: more than {_MOST_IN_CALL} instruments")
    if not all(is_instrument(name) for name in names):
        raise bad_parameters(f"{call.method}: not an instrument id")
    return names


def place_of(call: Call) -> Since:
    """The body of the verb Since."""
    try:
        return msgspec.msgpack.decode(call.body, type=Since)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise bad_parameters(f"Since: {exc}") from None
