"""The embedded exchange as a binding: what a process uses behind a ``sim://`` front.

``load`` has the form of ``schemas.binding.load``: it returns modules in which struct and Spi
classes are those of the real binding and only the API classes are ours.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from schemas import binding, catalogue
from schemas.binding import Binding
from schemas.catalogue import Side

from .client.api import api_class

_API_CLASSES = {"md": "CThostFtdcMdApi", "td": "CThostFtdcTraderApi"}
_loaded: dict[str, Binding] = {}


def load(name: str = binding.DEFAULT) -> Binding:
    """Raises what ``schemas.binding.load`` raises."""
    if name not in _loaded:
        real = binding.load(name)
        _loaded[name] = Binding(
            name, real.version, FrontModule("md", real), FrontModule("td", real)
        )
    return _loaded[name]


class FrontModule(ModuleType):
    """The binding's module of one side with our API class in it."""

    def __init__(self, side: Side, real: Binding) -> None:
        super().__init__(f"sim.{side}api", f"{real.name} in front of the embedded exchange")
        self._module = real.mdapi if side == "md" else real.tdapi
        setattr(self, _API_CLASSES[side], api_class(side, real, catalogue.load(real.name)))

    def __getattr__(self, name: str) -> Any:
        """Whatever is not ours: structs, Spi classes, constants."""
        return getattr(self._module, name)
