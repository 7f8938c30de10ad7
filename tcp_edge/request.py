"""A request text as a Request."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import msgspec

from .stat import Failed, Stat

# The manual prints the login's code as 000001, which is not JSON.
_ZEROS: Final = re.compile(r'("cmd"\s*:\s*)0+(\d)', re.IGNORECASE)
_WHOLE: Final = re.compile(r"-?[0-9]{1,20}")
_MOST_WAIT_MS: Final = 60_000


class Request(NamedTuple):
    """``params``: a dict with keys in lower case, a list of such dicts, an int or None.

    reqid    from the top level, else from params
    wait_ms  how long the reply may be held until an answer is complete
    rest     other keys of the top level, in lower case
    """

    cmd: int
    authcode: str
    params: Any
    reqid: int | None
    wait_ms: int
    rest: dict[str, Any]


class _Usual(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What nearly every request looks like."""

    cmd: int
    params: dict[str, Any] | list[dict[str, Any]] | None = None
    authcode: str = ""


_usual: Final = msgspec.json.Decoder(_Usual).decode


def parse(text: str) -> Request:
    """Lenient as the contract says. Raises Failed(400)."""
    try:
        usual = _usual(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _parse_other(text)
    params = _params(usual.params)
    return Request(usual.cmd, usual.authcode, params, _reqid(None, params), 0, {})


def _parse_other(text: str) -> Request:
    envelope = _lower(_load(text))
    if not isinstance(envelope, dict):
        raise Failed(Stat.BAD_REQUEST, "a request is a JSON object")
    params = _params(envelope.pop("params", None))
    cmd, code = envelope.pop("cmd", None), envelope.pop("authcode", None)
    return Request(
        cmd=_int("cmd", cmd),
        authcode="" if code is None else str(code),
        params=params,
        reqid=_reqid(envelope.pop("reqid", None), params),
        wait_ms=min(_MOST_WAIT_MS, max(0, _int("wait", envelope.pop("wait", 0)))),
        rest=envelope,
    )


def _load(text: str) -> Any:
    """Strictly: no NaN, no number beyond a double, no half of a surrogate pair. A third of the time
    that the standard library takes."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    try:
        return msgspec.json.decode(_ZEROS.sub(r"\1\2", text, count=1))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Failed(Stat.BAD_REQUEST, "not JSON") from None


def _params(params: Any) -> Any:
    if isinstance(params, str):
        params = _load(params) if params.strip() else None
    if isinstance(params, list):
        return [_lower(item) for item in params]
    return _lower(params)


def _lower(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    lower = {key.lower(): item for key, item in value.items()}
    if len(lower) != len(value):  # which of two quantities is meant is not ours to guess
        raise Failed(Stat.BAD_REQUEST, "two keys differ in case only")
    return lower


def _reqid(top: Any, params: Any) -> int | None:
    if top is None and isinstance(params, dict):
        top = params.get("reqid")
    if top is None and isinstance(params, int) and not isinstance(params, bool):
        return params
    return None if top is None or top == "" else _int("reqid", top)


def _int(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Failed(Stat.BAD_REQUEST, f"{name} is not a number")
    if isinstance(value, str) and not _WHOLE.fullmatch(value.strip()):
        raise Failed(Stat.BAD_REQUEST, f"{name} is not a number")
    return int(value)
