"""Every file of ``docs/schema`` that is generated, and its text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schemas.catalogue import Catalogue
from schemas.values import Vocabulary

from . import messages
from .messages import document
from .printing import Schema, pretty
from .webctp import Path

GENERATED: Final = ("*.json", "*.d.ts")


def documents(catalogue: Catalogue, vocabulary: Vocabulary) -> dict[str, str]:
    """By name."""
    return {name: pretty(schema) for name, schema in _schemas(catalogue, vocabulary)}


def _schemas(catalogue: Catalogue, vocabulary: Vocabulary) -> Iterator[tuple[str, Schema]]:
    md, td = (Path(catalogue, vocabulary, side) for side in ("md", "td"))
    for name, part in (md.parts | td.parts).items():
        yield f"{name}.json", part.document
    values = {**md.structs.values(), **td.structs.values()}
    yield (
        "values.json",
        document("Flags", "Fields of one character.", dict(sorted(values.items())), []),
    )
    about = "What the messages of /md/ and /td/ share."
    yield "common.json", document("Common", about, messages.definitions(), list(_COMMON))


_COMMON = ("LocalError", "Ping", "Pong", "ServerShutdown", "Gap")
