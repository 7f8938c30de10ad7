"""Struct bytes of callers."""

from __future__ import annotations

import pytest

import schemas.catalogue
from bus.bodies import Bodies
from bus.errors import Refused

CATALOGUE = schemas.catalogue.load()
BODIES = Bodies(CATALOGUE)
ORDER = CATALOGUE.layouts["InputOrder"]


def test_a_packed_struct_passes() -> None:
    body = CATALOGUE.codec("InputOrder").pack({"InstrumentID": "i" * 80, "OrderRef": "1" * 12})
    BODIES.check("ReqOrderInsert", "InputOrder", body)


@pytest.mark.parametrize("size", [0, ORDER.size - 1, ORDER.size + 1, 100_000])
def test_a_body_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(Refused, match=f"{size} bytes instead of {ORDER.size}") as caught:
        BODIES.check("ReqOrderInsert", "InputOrder", bytes(size))
    assert caught.value.error_id == -400


def test_a_text_without_its_end_is_refused() -> None:
    for field in ORDER.fields:
        body = bytearray(ORDER.size)
        body[field.offset : field.offset + field.size] = b"x" * field.size
        if field.kind == "s":
            with pytest.raises(Refused, match=f"InputOrder.{field.name} has no NUL"):
                BODIES.check("ReqOrderInsert", "InputOrder", bytes(body))
        else:
            BODIES.check("ReqOrderInsert", "InputOrder", bytes(body))
