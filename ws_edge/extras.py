"""Keys of our own that a request may have beside its payload.

ClientOrderID  with insertions: the client's id of a new order, which never makes two of it
DeadlineMs     with everything that acts: not later than so many milliseconds from now
Fresh          with queries: true asks the counter although an answer of the day is known
Resume         with logins on /td/: the Place of the last message that the client has
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from bus.orders import Place
from schemas.codec import FieldError

from .names import Kind, Method

_ID: Final = re.compile(r"[ -~]{1,64}")
_LATEST_MS: Final = 600_000
_PLACE: Final = re.compile(r"([0-9]{1,10})-([0-9]{1,19})")
_LAST_EPOCH: Final = 2**32 - 1


class Extras(NamedTuple):
    """``deadline_ms`` 0: what is configured."""

    client_order_id: str = ""
    deadline_ms: int = 0
    fresh: bool = False
    resume: Place | None = None


NONE: Final = Extras()


def read_extras(method: Method, document: Mapping[str, object]) -> Extras:
    """null counts as absent. Raises FieldError."""
    if method.kind is Kind.ACTION:
        return Extras(_client_order_id(method, document), _deadline_ms(document))
    if method.kind is Kind.QUERY:
        return Extras(fresh=_fresh(document))
    if method.resumes:
        return Extras(resume=_resume(document))
    return NONE


def _client_order_id(method: Method, document: Mapping[str, object]) -> str:
    value = document.get("ClientOrderID")
    if value is None:
        return ""
    if not method.insertion:
        # Passed over it would promise a transfer of money that happens once, and not keep it.
        raise FieldError("ClientOrderID", "only insertions have one")
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise FieldError("ClientOrderID", "expected 1 to 64 printable ASCII characters")
    return value


def _deadline_ms(document: Mapping[str, object]) -> int:
    value = document.get("DeadlineMs")
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LATEST_MS:
        raise FieldError("DeadlineMs", f"expected int from 1 to {_LATEST_MS}")
    return value


def _fresh(document: Mapping[str, object]) -> bool:
    value = document.get("Fresh")
    if value is not None and not isinstance(value, bool):
        raise FieldError("Fresh", "expected true or false")
    return bool(value)


def _resume(document: Mapping[str, object]) -> Place | None:
    value = document.get("Resume")
    if value is None:
        return None
    found = _PLACE.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) > _LAST_EPOCH:
        raise FieldError("Resume", "expected the Place of a message")
    return Place(int(found[1]), int(found[2]))
