"""Calling a Spi as the vendor's C++ library does: through its table of virtual functions.

The binding's Spi classes are SWIG directors: C++ objects whose virtual methods build the Python
structs and call the Python methods of a subclass. ``int(spi.this)`` is the C++ object; its first
word points to the table, and since the base class has no virtual destructor the slots are the
callbacks in the order of their declaration, which is the catalogue's.

ctypes gives up the interpreter lock around each call and the director takes it again, so a
callback runs as one from a foreign thread does, on the thread that calls ``Director.call``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from schemas.api import Api
from schemas.api import Callback as Declaration

from ..wire import Raise

_POINTER = ctypes.c_void_p
_WORD = ctypes.sizeof(_POINTER)


class Director:
    """The callbacks of one Spi object, which it keeps alive."""

    def __init__(self, spi: Any, api: Api) -> None:
        self._spi = spi
        self._this = int(spi.this)
        table = _POINTER.from_address(self._this).value
        assert table, "an object without virtual functions is no Spi"
        self._call = {
            name: _bind(declaration, _POINTER.from_address(table + slot * _WORD).value)
            for slot, (name, declaration) in enumerate(api.callbacks.items())
        }

    def call(self, event: Raise) -> None:
        """Run one callback to its end. KeyError for a name that the binding does not have.

        An exception of the Python method ends in the director, which prints it.
        """
        self._call[event.callback](self._this, event)


def _bind(declaration: Declaration, address: int | None) -> Callable[[int, Raise], None]:
    """A function that raises one callback, with the arguments that it declares."""
    assert address, f"{declaration.name} has no code"
    if declaration.number is not None:
        lone = ctypes.CFUNCTYPE(None, _POINTER, ctypes.c_int)(address)
        return lambda this, event: lone(this, event.number)
    kinds: list[Any] = [_POINTER] * (1 + (declaration.struct is not None) + declaration.has_info)
    if declaration.has_id:
        kinds += [ctypes.c_int, ctypes.c_bool]
    function = ctypes.CFUNCTYPE(None, *kinds)(address)
    has_struct, has_info, has_id = declaration.struct, declaration.has_info, declaration.has_id

    def call(this: int, event: Raise) -> None:
        arguments: list[Any] = [this]
        # Copies in writable memory: a C++ caller's structs may be written to, bytes may not.
        memory = [_copy(event.field)] if has_struct else []
        if has_info:
            memory.append(_copy(event.info))
        arguments += memory
        if has_id:
            arguments += [event.request_id, event.last]
        function(*arguments)

    return call


def _copy(raw: bytes | None) -> Any:
    return None if raw is None else ctypes.create_string_buffer(raw, len(raw))
