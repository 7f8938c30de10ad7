"""What a row or a return of td_worker holds."""

from __future__ import annotations

from collections.abc import Mapping

from bus.frames import split_body
from schemas.catalogue import Catalogue
from schemas.codec import Value


def parts(
    catalogue: Catalogue, flags: int, body: bytes
) -> tuple[bytes | None, Mapping[str, Value]]:
    """Its struct, None without one, and the fields of its RspInfo, none without one."""
    field, info = split_body(flags, body, catalogue.layouts["RspInfo"].size)
    return field, {} if info is None else catalogue.codec("RspInfo").unpack(info)
