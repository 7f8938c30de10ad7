"""Struct bytes that come from a caller, before an API sees them."""

from __future__ import annotations

from schemas.catalogue import Catalogue

from .errors import bad_parameters


class Bodies:
    """Checks what the libraries behind the API take for granted."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._ends: dict[str, tuple[tuple[int, str], ...]] = {}

    def check(self, method: str, struct: str, body: bytes) -> None:
        """Raises Refused (-400) for a wrong size, or a text without its NUL, beyond whose end a
        library might read."""
        size = self._catalogue.layouts[struct].size
        if len(body) != size:
            raise bad_parameters(f"{method}: {len(body)} bytes instead of {size}")
        for end, name in self._ends.get(struct) or self._find(struct):
            if body[end]:
                raise bad_parameters(f"{method}: {struct}.{name} has no NUL at its end")

    def _find(self, struct: str) -> tuple[tuple[int, str], ...]:
        fields = self._catalogue.layouts[struct].fields
        ends = tuple(
            (field.offset + field.size - 1, field.name) for field in fields if field.kind == "s"
        )
        self._ends[struct] = ends
        return ends
