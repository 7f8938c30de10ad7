"""Requests and callbacks of the CTP APIs, read from the binding's source.

SWIG writes the C++ types as annotations into the Python source and throws them away at run time,
so the source is parsed. SWIG keeps the order of the C++ declarations, which for the callback
classes is the order of the virtual function table.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec

from .layout import PREFIX, SUFFIX


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One Req* method. ``reply`` is the callback that answers it."""

    name: str
    struct: str
    reply: str

    @property
    def is_query(self) -> bool:
        """Whether the API counts it against its query limits: ReqQry*, but not ReqQuery*."""
        return self.name.startswith("ReqQry")

    @property
    def only_asks(self) -> bool:
        """Whether it changes nothing: ReqQry* and ReqQuery*, which the limits do not concern."""
        return self.name.startswith(("ReqQry", "ReqQuery"))


class Callback(msgspec.Struct, frozen=True, array_like=True):
    """One On* method of a callback class.

    ``struct`` is its first parameter's struct (None: it has none), ``has_info`` whether a RspInfo
    follows, ``has_id`` whether it ends in (nRequestID, bIsLast), ``number`` the name of a lone
    int (``nReason``, ``nTimeLapse``) or None.
    """

    name: str
    struct: str | None
    has_info: bool
    has_id: bool
    number: str | None


class Api(msgspec.Struct, frozen=True):
    """One of the two APIs. Both tables are in the order of the C++ declarations."""

    requests: dict[str, Request]
    callbacks: dict[str, Callback]


class ApiError(RuntimeError):
    """The binding's source does not have the expected form."""


def read(path: Path, api_class: str, spi_class: str) -> Api:
    """Parse one module of the binding. Raises ApiError."""
    classes = {
        node.name: node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name in (api_class, spi_class)
    }
    if len(classes) != 2:
        raise ApiError(f"{path} does not define {api_class} and {spi_class}")
    callbacks = {
        name: _callback(name, parameters) for name, parameters in _methods(classes[spi_class], "On")
    }
    requests = {
        name: _request(name, parameters, callbacks)
        for name, parameters in _methods(classes[api_class], "Req")
    }
    return Api(requests, callbacks)


Parameters = list[tuple[str, str]]  # (name, C++ type)


def _methods(node: ast.ClassDef, prefix: str) -> Iterator[tuple[str, Parameters]]:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name.startswith(prefix):
            yield item.name, [(arg.arg, _type(arg)) for arg in item.args.args[1:]]


def _type(arg: ast.arg) -> str:
    return str(arg.annotation.value) if isinstance(arg.annotation, ast.Constant) else ""


def _request(name: str, parameters: Parameters, callbacks: dict[str, Callback]) -> Request:
    structs = _structs(parameters)
    if len(structs) != 1 or len(parameters) != 2:
        raise ApiError(f"{name} takes {parameters}, not one struct and a request id")
    reply = "OnRsp" + name.removeprefix("Req")
    if reply not in callbacks:
        # ReqUserLoginWithCaptcha, -WithText and -WithOTP have no callback of their own.
        reply = next((known for known in callbacks if reply.startswith(known)), "")
    if not reply:
        raise ApiError(f"no callback answers {name}")
    return Request(name, structs[0], reply)


def _callback(name: str, parameters: Parameters) -> Callback:
    structs = _structs(parameters)
    has_info = "RspInfo" in structs
    numbers = [arg for arg, kind in parameters if kind == "int" and arg != "nRequestID"]
    own = [struct for struct in structs if struct != "RspInfo"]
    callback = Callback(
        name,
        struct=own[0] if own else None,
        has_info=has_info,
        has_id=("bIsLast", "bool") in parameters,
        number=numbers[0] if numbers else None,
    )
    expected = len(own) + has_info + 2 * callback.has_id + len(numbers)
    if len(own) > 1 or len(numbers) > 1 or expected != len(parameters):
        raise ApiError(f"{name} takes {parameters}, which is no form that is known")
    return callback


def _structs(parameters: Parameters) -> list[str]:
    return [
        kind[len(PREFIX) : -len(SUFFIX)]
        for _, kind in parameters
        if kind.startswith(PREFIX) and kind.endswith(SUFFIX)
    ]
