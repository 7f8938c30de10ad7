"""Finding and importing the CTP binding, a package of openctp_ctp's shape."""

from __future__ import annotations

import importlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from . import locale

DEFAULT = "openctp_ctp"


class BindingError(RuntimeError):
    """The package is not installed or is not of openctp_ctp's shape."""


@dataclass(frozen=True)
class Source:
    """The files of an installed binding, found without importing it (the import costs 0.1 s,
    40 MB and the locale, and an edge process needs none of that)."""

    name: str
    version: str
    folder: Path

    @property
    def md(self) -> Path:
        return self.folder / "thostmduserapi.py"

    @property
    def td(self) -> Path:
        return self.folder / "thosttraderapi.py"


@dataclass(frozen=True)
class Binding:
    """The imported binding. ``mdapi`` and ``tdapi`` are its two SWIG modules."""

    name: str
    version: str
    mdapi: ModuleType
    tdapi: ModuleType


def find(name: str = DEFAULT) -> Source:
    """Raises BindingError."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # the package around it is missing; no name at all
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise BindingError(f"the binding {name} is not installed")
    folder = Path(spec.submodule_search_locations[0])
    text = (folder / "__init__.py").read_text(encoding="utf-8")
    version = re.search(r"^__version__\s*=\s*['\"]([0-9.]+)['\"]", text, re.MULTILINE)
    source = Source(name, version[1] if version else "", folder)
    if not source.version or not source.md.exists() or not source.td.exists():
        raise BindingError(f"{name} in {folder} is not a binding of openctp_ctp's shape")
    return source


def load(name: str = DEFAULT) -> Binding:
    """Import the binding with its locale in place. Raises BindingError, LocaleError."""
    source = find(name)
    locale.ensure()
    mdapi = importlib.import_module(f"{name}.thostmduserapi")
    tdapi = importlib.import_module(f"{name}.thosttraderapi")
    return Binding(source.name, source.version, mdapi, tdapi)
