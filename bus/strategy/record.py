"""What quotes and positions have in common."""

from __future__ import annotations

from operator import attrgetter


class Record:
    """Equal when all fields are, those without a value too: dataclasses of Python 3.13 find a NaN
    different from itself, so that no two positions without lots would be the same."""

    __slots__ = ()
    __match_args__: tuple[str, ...]
    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        # Tuples ask first whether it is the very same object, and there is one math.nan.
        fields = attrgetter(*self.__match_args__)
        return bool(fields(self) == fields(other))
