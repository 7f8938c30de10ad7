"""Malformed messages that are grown from valid ones. No I/O; one seed gives the same again.

A message is broken in its bytes (bits turned, pieces taken out, doubled, or of another message), in
its tree (values of other types, out of range, missing, much too many or deep), or in both. What was
answered in a way that had not been seen is kept, and grown from as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Final

import msgspec

Encode = Callable[[Any], bytes]
Decode = Callable[[bytes], Any]
_MOST: Final = 600  # messages to grow from
_BROKEN: Final = 0.1  # of those that are kept are no documents any more
_LONGEST: Final = 4096  # bytes of one that is kept
_BYTES: Final = b'\x00\xff\x80\x7f\x01"{}[]\\/,:\r\n'
_BOUNDS: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64)


def _deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, -1, 0, 1, 1.5, -0.0, 1e308, -1e308, 5e-324),
    *(2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1),
    *("", " ", "0", "-1", "1e999", "null", "\0", "a\0b", "a/b", "../..", "%s%n", "期货" * 9),
    *("x" * 13, "x" * 81, "x" * 300, "x" * 5000, "\ufeff", "\ufffd", "\U0001f4b0", "\x7f\x1b[2J"),
    *([], {}, [[]], [{}], {"": ""}, [None] * 50, list(range(300)), _deep(40), _deep(200)),
)


def json_bytes(document: Any) -> bytes:
    return msgspec.json.encode(document)


def msgpack_bytes(document: Any) -> bytes:
    return msgspec.msgpack.encode(document)


from_json: Final = msgspec.json.Decoder().decode
from_msgpack: Final = msgspec.msgpack.Decoder().decode


class Corpus:
    """Messages to grow from; ``encode`` makes bytes of those that are no bytes yet, ``decode`` the
    other way where it can (it raises ValueError)."""

    def __init__(
        self, samples: Sequence[Any], encode: Encode, chance: Random, decode: Decode = bytes
    ) -> None:
        self._samples: list[Any] = list(samples)
        self._encode, self._chance, self._decode = encode, chance, decode
        self._own = len(self._samples)
        self._seen: set[str] = set()

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def own(self) -> list[Any]:
        """The messages that it began with."""
        return self._samples[: self._own]

    def next(self) -> bytes:
        """One that is broken."""
        sample, how = self._chance.choice(self._samples), self._chance.random()
        if isinstance(sample, bytes):
            return self._scrambled(sample)
        try:
            if how < 0.65:
                return self._encode(twisted(sample, self._chance))
            broken = twisted(sample, self._chance) if how < 0.8 else sample
            return self._scrambled(self._encode(broken))
        except RecursionError:  # it has grown too deep for us; what is as deep was sent before
            deep = b"[" * self._chance.randrange(1, _LONGEST)
            return scrambled(deep, deep, self._chance)

    def learn(self, sent: Iterable[bytes], answers: Iterable[str]) -> None:
        """``answers`` are the shapes of what was said to ``sent``."""
        new = {answer for answer in answers if answer not in self._seen}
        if not new:
            return
        self._seen |= new
        for message in sent:
            if len(message) > _LONGEST:
                continue
            try:
                sample = self._decode(message)
            except (ValueError, RecursionError):
                if self._chance.random() > _BROKEN:
                    continue
                sample = message
            if len(self._samples) < _MOST:
                self._samples.append(sample)
            else:
                self._samples[self._chance.randrange(self._own, _MOST)] = sample

    def _scrambled(self, data: bytes) -> bytes:
        """With a piece of another one, perhaps."""
        other = self._chance.choice(self._samples)
        if not isinstance(other, bytes):
            other = self._encode(other)
        return scrambled(data, other, self._chance)


def scrambled(data: bytes, other: bytes, chance: Random) -> bytes:
    """``data`` with one to four faults in its bytes; ``other`` is one to take pieces of."""
    broken = bytearray(data or b"\0")
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4))):
        chance.choice(_FAULTS)(broken, other, chance)
        if not broken:
            broken += b"\0"
    return bytes(broken)


def _bit(data: bytearray, other: bytes, chance: Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _byte(data: bytearray, other: bytes, chance: Random) -> None:
    data[chance.randrange(len(data))] = chance.choice(_BYTES)


def _cut(data: bytearray, other: bytes, chance: Random) -> None:
    del data[chance.randrange(len(data)) :]


def _taken_out(data: bytearray, other: bytes, chance: Random) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.randrange(1, 17)]


def _doubled(data: bytearray, other: bytes, chance: Random) -> None:
    at = chance.randrange(len(data))
    piece = data[at : at + chance.randrange(1, 33)]
    data[at:at] = piece * chance.choice((1, 1, 2, 8, 60))


def _put_in(data: bytearray, other: bytes, chance: Random) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = chance.randbytes(chance.randrange(1, 9))


def _number(data: bytearray, other: bytes, chance: Random) -> None:
    size = chance.choice((1, 2, 4, 8))
    value = chance.choice(_BOUNDS) % (1 << 8 * size)
    at = chance.randrange(len(data))
    data[at : at + size] = value.to_bytes(size, "big" if chance.random() < 0.5 else "little")


def _spliced(data: bytearray, other: bytes, chance: Random) -> None:
    data[chance.randrange(len(data)) :] = other[chance.randrange(len(other) + 1) :]


_FAULTS: Final = (_bit, _bit, _byte, _cut, _taken_out, _doubled, _put_in, _number, _spliced)


def twisted(document: Any, chance: Random) -> Any:
    """A copy of a document of dicts and lists with one to three faults in it."""
    root = [_copy(document)]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        places = list(_places(root))
        _twist(*chance.choice(places), places, chance)
    return root[0]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def _places(holder: Any) -> Iterable[tuple[Any, Any]]:
    """Every value by what holds it and its key there; what is deep is left alone."""
    waiting = [(holder, 0)]
    while waiting:
        inside, depth = waiting.pop()
        for key in list(inside) if isinstance(inside, dict) else range(len(inside)):
            yield inside, key
            if isinstance(inside[key], dict | list) and depth < 4:
                waiting.append((inside[key], depth + 1))


def _twist(holder: Any, key: Any, places: Sequence[tuple[Any, Any]], chance: Random) -> None:
    how = chance.random()
    if how < 0.65:
        holder[key] = _copy(chance.choice(ODD))
    elif isinstance(holder, list):
        # From elsewhere, as a copy: a tree that holds itself has no end.
        other, place = chance.choice(places)
        holder[key] = _copy(other[place])
    elif how < 0.8:
        del holder[key]
    elif how < 0.9:
        text = str(key)
        holder[chance.choice((text.lower(), text + "X", "", "x" * 200, "期"))] = holder.pop(key)
    else:
        for number in range(chance.choice((1, 30))):
            holder[f"{key}{number}"] = _copy(chance.choice(ODD))
