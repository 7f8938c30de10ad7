"""What a client sends, checked. The order of the checks is part of the protocol:
JSON (or MessagePack), then MsgType (-404), then parameters (-400); the login (-401) is the
session's to check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

import msgspec

from schemas.catalogue import Catalogue
from schemas.codec import FieldError
from schemas.errors import BAD_REQUEST, LOCAL_TEXTS, NOT_IMPLEMENTED

from .extras import NONE, Extras, read_extras
from .names import LISTS, Kind, Method
from .verbs import VERBS

_INT32: Final = 2**31
_decode: Final = msgspec.json.Decoder().decode
_decode_msgpack: Final = msgspec.msgpack.Decoder().decode


class Request(NamedTuple):
    """A request that is in order. ``body``: struct bytes, msgpack for our own verbs;
    ``instruments`` for the list requests."""

    method: Method
    request_id: int
    body: bytes = b""
    instruments: tuple[str, ...] = ()
    extras: Extras = NONE


class BadRequest(Exception):
    """The answer to a request that is not in order; ``detail`` quotes no value of the client."""

    def __init__(
        self, detail: str, name: str = "", request_id: int = 0, error_id: int = BAD_REQUEST
    ) -> None:
        super().__init__(detail)
        self.name, self.request_id, self.detail = name, request_id, detail
        self.error_id, self.error_msg = error_id, LOCAL_TEXTS[error_id]


class Parser:
    """Reads the requests of one path. ``most_names``: instruments of one request, each of which
    costs 5 µs that all sockets wait."""

    def __init__(
        self, catalogue: Catalogue, methods: Mapping[str, Method], most_names: int
    ) -> None:
        self._catalogue, self._methods, self._most_names = catalogue, methods, most_names

    def parse(self, message: str | bytes, *, binary: bool = False) -> Request:
        """``binary``: MessagePack may come as well. Raises BadRequest."""
        document = document_of(message, binary=binary)
        request_id = request_id_of(document)
        name = document.get("MsgType")
        if not isinstance(name, str):
            raise BadRequest("MsgType: expected string", request_id=request_id)
        method = self._methods.get(name)
        if method is None:
            raise BadRequest("", name, request_id, NOT_IMPLEMENTED)
        try:
            return self._request(method, document)
        except FieldError as error:
            raise BadRequest(str(error), name, request_id) from None

    def _request(self, method: Method, document: dict[str, Any]) -> Request:
        if method.kind in (Kind.PING, Kind.PONG):
            return Request(method, 0)
        request_id = _request_id(document)
        if method.kind is Kind.GATEWAY:
            return Request(method, request_id)
        if method.kind in LISTS:
            return Request(method, request_id, instruments=self._instruments(document))
        key, payload = _payload(method, document)
        if method.kind is Kind.VERB:
            return Request(method, request_id, VERBS[method.name].parse(payload))
        extras = read_extras(method, document)
        return Request(method, request_id, self._struct(method, key, payload), extras=extras)

    def _struct(self, method: Method, key: str, payload: dict[str, Any]) -> bytes:
        for field in method.required:
            if payload.get(field) is None:
                raise FieldError(f"{key}.{field}", "required")
        if method.only:
            payload = {field: payload[field] for field in method.only if field in payload}
        return self._catalogue.codec(method.struct).parse(payload, key)

    def _instruments(self, document: dict[str, Any]) -> tuple[str, ...]:
        names = document.get("InstrumentID")
        if not isinstance(names, list) or not names:
            raise FieldError("InstrumentID", "expected a list of strings, not empty")
        if len(names) > self._most_names:
            raise FieldError("InstrumentID", f"more than {self._most_names} in one request")
        codec = self._catalogue.codec("SpecificInstrument")
        for index, name in enumerate(names):
            path = f"InstrumentID[{index}]"
            try:  # the type, the length, and that the counter has the characters
                codec.parse({"InstrumentID": name}, path)
            except FieldError as error:
                raise FieldError(path, error.problem) from None
            # It becomes part of a topic, which ends in "/" and is cut at its NUL.
            if not name or "/" in name or "\0" in name:
                raise FieldError(path, "not an instrument")
        return tuple(names)


def document_of(message: str | bytes, *, binary: bool) -> dict[str, Any]:
    """``binary``: MessagePack may come as well. Raises BadRequest."""
    if isinstance(message, str):
        return _json(message)
    if binary:
        return _msgpack(message)
    raise BadRequest("expected a text frame")


def _payload(method: Method, document: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """With its key."""
    key = next((key for key in method.keys if key in document), method.keys[0])
    payload = document.get(key)
    if not isinstance(payload, dict):
        raise FieldError(key, "expected object" if key in document else "required")
    return key, payload


def _json(text: str) -> dict[str, Any]:
    try:
        document = _decode(text)
    except msgspec.DecodeError as error:
        raise BadRequest(f"not JSON: {error}") from None
    except RecursionError:
        raise BadRequest("not JSON: nested too deeply") from None
    if not isinstance(document, dict):
        raise BadRequest("expected a JSON object")
    return cast(dict[str, Any], document)


def _msgpack(message: bytes) -> dict[str, Any]:
    """Keys and values of types that JSON does not have fit nowhere, and are refused as such."""
    try:
        document = _decode_msgpack(message)
    except UnicodeDecodeError:
        raise BadRequest("not MessagePack: a string that is not UTF-8") from None
    except msgspec.DecodeError as error:
        raise BadRequest(f"not MessagePack: {error}") from None
    except RecursionError:
        raise BadRequest("not MessagePack: nested too deeply") from None
    if not isinstance(document, dict):
        raise BadRequest("expected a MessagePack map")
    return cast(dict[str, Any], document)


def _is_request_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_INT32 <= value < _INT32


def _request_id(document: dict[str, Any]) -> int:
    """Optional, and null counts as absent. Raises FieldError."""
    value = document.get("RequestID")
    if value is None:
        return 0
    if not _is_request_id(value):
        raise FieldError("RequestID", "expected int")
    return int(value)


def request_id_of(document: dict[str, Any]) -> int:
    """For the answer to a request that is wrong elsewhere; 0 when it has none."""
    value = document.get("RequestID")
    return int(value) if value is not None and _is_request_id(value) else 0
