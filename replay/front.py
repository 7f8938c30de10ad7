"""A recorded day as a binding: what md_worker uses behind a ``replay://`` front.

``load`` has the form of ``schemas.binding.load``: it returns modules in which struct and Spi
classes are those of the real binding and only the API class is ours.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from schemas import binding, catalogue
from schemas.binding import Binding

from .api import api_class

_loaded: dict[str, Binding] = {}


def load(name: str = binding.DEFAULT) -> Binding:
    """Raises what ``schemas.binding.load`` raises. The trading side is the real one."""
    if name not in _loaded:
        real = binding.load(name)
        _loaded[name] = Binding(name, real.version, MdModule(real), real.tdapi)
    return _loaded[name]


class MdModule(ModuleType):
    """The binding's module of market data with our API class in it."""

    def __init__(self, real: Binding) -> None:
        super().__init__("replay.mdapi", f"{real.name} in front of a recorded day")
        self._module = real.mdapi
        self.CThostFtdcMdApi = api_class(real, catalogue.load(real.name))

    def __getattr__(self, name: str) -> Any:
        """Whatever is not ours: structs, Spi classes, constants."""
        return getattr(self._module, name)
