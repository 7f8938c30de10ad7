"""What the counter and its market are told at start; the process's configuration fills this in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class UserSettings:
    """One investor. Money is in yuan."""

    user_id: str
    password: str = "123456"
    cash: float = 20_000_000.0
    name: str = ""
    password_error: int = 0
    """131 (weak), 140 (first login) or 141 (out of date): every login fails with it until the
    password has been changed in the same session; 0: none."""
    max_sessions: int = 0
    """Sessions logged in at once; one more is refused with error 60. 0: no limit."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The embedded exchange without its sockets and faults."""

    seed: int = 1
    broker_id: str = "9999"
    users: tuple[UserSettings, ...] = (
        UserSettings("028742"),
        *(UserSettings(str(100001 + k)) for k in range(10)),
    )
    front_id: int = 1
    auth_codes: Mapping[str, str] = field(default_factory=dict)
    """AppID to AuthCode. When it is empty, any authentication succeeds and none is needed."""
    confirm_settlement: bool = True
    """Refuse orders with error 42 until the settlement of the day has been confirmed."""
    hours: Literal["always", "exchange"] = "always"
    """"always": every instrument trades around the clock, so that the exchange is of use at any
    hour; "exchange": the sessions of each product, outside of them no ticks, and the
    exchange refuses orders."""
    lock_after_failures: int = 10
    """Wrong passwords in a row after which a login gets error 75 for ``lock_s``; 0: never."""
    lock_s: float = 60.0
