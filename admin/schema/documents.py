"""Every file of ``docs/schema`` that is generated, and its text."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.catalogue import Catalogue
from schemas.values import Vocabulary

from . import asyncapi, bus, layouts, messages, table, typescript
from .messages import document
from .printing import Schema, pretty
from .webctp import Path


def documents(catalogue: Catalogue, vocabulary: Vocabulary) -> dict[str, str]:
    """By name."""
    md, td = (Path(catalogue, vocabulary, side) for side in ("md", "td"))
    paths = {"md": md, "td": td}
    found: dict[str, str] = {}
    for name, schema in _schemas(md, td):
        found[f"{name}.json"] = pretty(schema)
        found[f"{name}.d.ts"] = typescript.declarations(schema)
    for side, path in paths.items():
        found[f"{side}.asyncapi.json"] = pretty(asyncapi.websocket(path))
    found["bus.asyncapi.json"] = pretty(asyncapi.zeromq(catalogue))
    found["layouts.json"] = pretty(layouts.layouts(catalogue))
    found["methods.json"] = pretty(table.table(paths))
    found["methods.d.ts"] = table.declarations(paths)
    return found


def _schemas(md: Path, td: Path) -> Iterator[tuple[str, Schema]]:
    for name, part in (md.parts | td.parts).items():
        yield name, part.document
    flags: Schema = dict(sorted({**md.structs.values(), **td.structs.values()}.items()))
    yield "values", document("Flags", "Fields of one character.", flags, [])
    about = "What the messages of /md/ and /td/ share."
    yield "bus", bus.schema()
    yield "common", document("Common", about, messages.definitions(), list(_COMMON))


_COMMON = ("LocalError", "Ping", "Pong", "ServerShutdown", "Gap")
