"""Scripted faults: what there is, and which message of which session each one hits. No I/O.

Standing faults wait for a message that they name and hit it ``times`` times (0: until removed).
The others happen once, at the moment they are given. In a YAML script each is one mapping::

    - {do: return, target: ReqOrderInsert, code: -3, times: 2}
    - {do: error, target: ReqUserLogin, error_id: 7, times: 3}
    - {do: disconnect, at_s: 30, seconds: 5}

sim/README.md lists them with examples.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

Sides = Literal["md", "td", "both"]
Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Name = Annotated[str, Meta(min_length=1)]
ANY: Final = "*"


class _Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """``at_s``: in a script, seconds after the start of the exchange; given live it is 0."""

    at_s: Seconds = 0.0


class _Standing(_Fault, frozen=True, kw_only=True):
    """``target``: a request or callback by name, "*" for any. ``user``: only his sessions."""

    target: Name
    times: Count = 1
    user: str = ""
    side: Sides = "both"

    def hits(self, name: str, side: str, user: str) -> bool:
        return (
            self.target in (name, ANY)
            and self.side in (side, "both")
            and (not self.user or self.user == user)
        )


class Return(_Fault, frozen=True, kw_only=True, tag="return"):
    """The next ``times`` calls of this method return ``code`` and send nothing. Any session."""

    target: Name
    code: int
    times: Annotated[int, Meta(ge=1, le=10_000)] = 1


class Error(_Standing, frozen=True, kw_only=True, tag="error"):
    """The counter answers the request with this error and does nothing.

    ``error_msg`` "": CTP's text. ``via``: "reply" for the request's own callback.
    """

    error_id: int
    error_msg: str = ""
    via: Literal["reply", "OnRspError"] = "reply"


class Lose(_Standing, frozen=True, kw_only=True, tag="lose"):
    """A request that never reaches the counter, or a callback that never reaches the client.

    ``hold``: a lost answer to a query keeps the API's one place for queries until the next
    disconnect, so that every later one returns -2; otherwise the place is free again.
    """

    hold: bool = False


class Duplicate(_Standing, frozen=True, kw_only=True, tag="duplicate"):
    """The callback is raised twice."""


class Reorder(_Standing, frozen=True, kw_only=True, tag="reorder"):
    """Callbacks named ``target`` wait until one named ``until`` has gone out, at most ``max_s``.

    Used up when it has been released ``times`` times.
    """

    until: Name
    max_s: Seconds = 1.0


class Delay(_Standing, frozen=True, kw_only=True, tag="delay"):
    """A slow front: the request reaches the counter, or the callback the client, later."""

    seconds: Seconds


class Late(_Standing, frozen=True, kw_only=True, tag="late"):
    """The request reaches the counter later, even if the connection it came by has died: its bytes
    were still under way."""

    seconds: Seconds


class NoValue(_Standing, frozen=True, kw_only=True, tag="no_value"):
    """Every double of the callback's struct is DBL_MAX."""


class Disconnect(_Fault, frozen=True, kw_only=True, tag="disconnect"):
    """The front hangs up, and for ``seconds`` takes no connection. ``user``: only his sessions
    are cut, and the front stays open."""

    side: Sides = "both"
    seconds: Seconds = 0.0
    reason: int = 0x1001
    user: str = ""


class Refuse(_Fault, frozen=True, kw_only=True, tag="refuse"):
    """For ``seconds`` the front takes no new connection; the old ones stay."""

    side: Sides = "both"
    seconds: Seconds


class Freeze(_Fault, frozen=True, kw_only=True, tag="freeze"):
    """For ``seconds`` the front neither reads nor writes; afterwards it goes on with everything."""

    side: Sides = "both"
    seconds: Seconds


class FlowReset(_Fault, frozen=True, kw_only=True, tag="flow_reset"):
    """The counter comes back with empty streams and new sessions: everybody is disconnected."""


class EndDay(_Fault, frozen=True, kw_only=True, tag="end_day"):
    """The next trading day begins now: everybody is logged out and cut, streams begin anew."""


class ExpirePassword(_Fault, frozen=True, kw_only=True, tag="expire_password"):
    """The user's next logins fail with this error until he has changed his password."""

    user: Name
    error_id: Literal[131, 140, 141] = 141


class RaiseCallback(_Fault, frozen=True, kw_only=True, tag="raise"):
    """Any callback with any content, to the sessions of its side that are connected.

    ``fields`` None: a value in every field; a mapping sets these and leaves the others empty.
    ``null``: a null pointer instead. ``session``: only this one (SimControl.sessions()).
    """

    callback: Name
    side: Literal["md", "td"] = "td"
    fields: dict[str, str | int | float | None] | None = None
    null: bool = False
    error_id: int | None = None
    error_msg: str = ""
    request_id: int = 0
    last: bool = True
    number: int = 0
    user: str = ""
    session: int = 0
    times: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


T = TypeVar("T", bound=_Standing)
Standing = Error | Lose | Duplicate | Reorder | Delay | Late | NoValue
Immediate = Disconnect | Refuse | Freeze | FlowReset | EndDay | ExpirePassword | RaiseCallback
Fault = Return | Standing | Immediate


class FaultError(ValueError):
    """A fault that does not exist or does not have this form."""


def parse(document: Any) -> Fault:
    """One fault of a script or a command. Raises FaultError."""
    try:
        fault: Fault = msgspec.convert(document, Fault)
    except msgspec.ValidationError as exc:
        raise FaultError(str(exc)) from None
    return fault


class Armed:
    """The faults that wait for something to hit."""

    def __init__(self) -> None:
        self._standing: dict[int, Standing] = {}
        self._left: dict[int, int] = {}
        self._codes: dict[str, list[int]] = {}
        self._version = 0
        self._number = 0
        self.fired: dict[str, int] = {}
        """How often each kind has hit, by its name in a script."""

    def __bool__(self) -> bool:
        return bool(self._standing)

    def add(self, fault: Standing | Return) -> int:
        """The number to remove it by."""
        self._number += 1
        if isinstance(fault, Return):
            self._codes.setdefault(fault.target, []).extend([fault.code] * fault.times)
            self._version += 1
        else:
            self._standing[self._number] = fault
            self._left[self._number] = fault.times
        return self._number

    def remove(self, number: int) -> None:
        self._standing.pop(number, None)
        self._left.pop(number, None)

    def clear(self) -> None:
        self._standing.clear()
        self._left.clear()
        self._codes.clear()
        self._version += 1

    def waiting(self) -> dict[int, dict[str, Any]]:
        """The standing faults, with the times that are left."""
        return {
            number: {**msgspec.to_builtins(fault), "times": self._left[number]}
            for number, fault in self._standing.items()
        }

    @property
    def codes(self) -> tuple[int, dict[str, list[int]]]:
        """Version and scripted return codes by method name."""
        return self._version, {name: list(codes) for name, codes in self._codes.items() if codes}

    def code_used(self, name: str) -> None:
        """A client's call has returned the first code of this method."""
        if codes := self._codes.get(name):
            codes.pop(0)
            self._version += 1
            self._count("return")

    def take(self, kind: type[T], name: str, side: str, user: str) -> T | None:
        """The oldest fault of this kind that hits, counted as used once."""
        found = self.find(kind, name, side, user)
        if found is not None:
            self.use(found[0])
        return found and found[1]

    def find(self, kind: type[T], name: str, side: str, user: str) -> tuple[int, T] | None:
        """The same without using it, and its number."""
        for number, fault in self._standing.items():
            if isinstance(fault, kind) and fault.hits(name, side, user):
                return number, fault
        return None

    def use(self, number: int) -> None:
        """One hit less; nothing when the fault has been used up or removed meanwhile."""
        fault = self._standing.get(number)
        if fault is None:
            return
        self._count(str(fault.__struct_config__.tag))
        if fault.times:
            self._left[number] -= 1
            if not self._left[number]:
                self.remove(number)

    def _count(self, kind: str) -> None:
        self.fired[kind] = self.fired.get(kind, 0) + 1
