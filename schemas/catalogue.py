"""The catalogue: what the installed binding can do, as data, cached per binding version.

    catalogue = schemas.catalogue.load()
    catalogue.td.requests["ReqOrderInsert"]             # Request: its struct, its reply
    catalogue.codec("InputOrder").pack({"OrderRef": "1"})  # dict -> struct bytes
    catalogue.reply_codec("td", "OnRtnOrder").json(raw)    # struct bytes -> webctp JSON

Deriving everything (1,000 classes) takes about a second and needs the binding; afterwards a
process reads one file in a few milliseconds and need not import the binding at all.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any, Literal

import msgspec

from . import api, binding, layout
from .api import Api
from .cache import cache_dir, replace_file
from .codec import Codec
from .field_order import field_order
from .layout import Layout

Side = Literal["md", "td"]
_FORMAT = 1  # of the cache file


class Catalogue(msgspec.Struct, frozen=True, dict=True):
    """Requests and callbacks of both APIs and the layout of every struct (short names)."""

    binding: str
    version: str
    md: Api
    td: Api
    layouts: dict[str, Layout]

    @cached_property
    def layout_id(self) -> int:
        """The API version in 16 bits, for the bus header: 6.7.11 is 0x670B."""
        major, minor, patch = (int(part) for part in self.version.split(".")[:3])
        return (major & 15) << 12 | (minor & 15) << 8 | patch & 255

    def api(self, side: Side) -> Api:
        return self.md if side == "md" else self.td

    def codec(self, struct: str) -> Codec:
        """The codec of a struct by its short name; KeyError when the binding has no such struct."""
        return self._codec(struct, ())

    def reply_codec(self, side: Side, callback: str) -> Codec:
        """The codec of a callback's struct with the key order that webctp gives this callback.

        KeyError for a callback that the binding does not have or that has no struct.
        """
        codec = self._reply_codecs.get((side, callback))
        if codec is None:  # to find the order costs 15 to 50 us
            struct = self.api(side).callbacks[callback].struct
            if struct is None:
                raise KeyError(f"{callback} carries no struct")
            names = [field.name for field in self.layouts[struct].fields]
            codec = self._codec(struct, field_order(side, callback, struct, names))
            self._reply_codecs[side, callback] = codec
        return codec

    def _codec(self, struct: str, order: tuple[str, ...]) -> Codec:
        codec = self._codecs.get((struct, order))
        if codec is None:
            codec = self._codecs[struct, order] = Codec(self.layouts[struct], order)
        return codec

    @cached_property
    def typed_decoders(self) -> dict[type, Any]:
        """Filled by schemas.typed, one function a class."""
        return {}

    @cached_property
    def typed_classes(self) -> dict[str, Any]:
        """Likewise, the classes that were made on demand by their names."""
        return {}

    @cached_property
    def _reply_codecs(self) -> dict[tuple[Side, str], Codec]:
        return {}

    @cached_property
    def _codecs(self) -> dict[tuple[str, tuple[str, ...]], Codec]:
        return {}


def load(name: str = binding.DEFAULT) -> Catalogue:
    """From the cache, else derived from the binding and cached.

    Raises BindingError, LocaleError, ApiError, LayoutError.
    """
    source = binding.find(name)
    path = cache_dir() / f"catalogue-{name}-{source.version}-{_digest(source)}.msgpack"
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Catalogue)
    except (OSError, msgspec.DecodeError):
        catalogue = derive(name)
        replace_file(path, msgspec.msgpack.encode(catalogue))
        return catalogue


def derive(name: str = binding.DEFAULT) -> Catalogue:
    """Read everything from the binding itself, without the cache."""
    source = binding.find(name)
    loaded = binding.load(name)
    # The structs of one name are the same in both modules (checked by a test).
    classes = layout.struct_classes(loaded.mdapi) | layout.struct_classes(loaded.tdapi)
    return Catalogue(
        binding=name,
        version=source.version,
        md=api.read(source.md, "CThostFtdcMdApi", "CThostFtdcMdSpi"),
        td=api.read(source.td, "CThostFtdcTraderApi", "CThostFtdcTraderSpi"),
        layouts={short: layout.derive(short, cls) for short, cls in classes.items()},
    )


def _digest(source: binding.Source) -> str:
    """Tells apart two builds of one version, and files of an older form of this program."""
    stamps = [(path.stat().st_size, path.stat().st_mtime_ns) for path in (source.md, source.td)]
    return hashlib.sha256(repr((_FORMAT, str(source.folder), stamps)).encode()).hexdigest()[:12]
