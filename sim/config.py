"""The section ``sim`` of the group's file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

from bus.secrets import Secret

from . import address
from .exchange.settings import Settings, UserSettings
from .service import faults
from .service.faults import Fault, FaultError

Positive = Annotated[float, Meta(gt=0)]
_DEFAULTS = Settings()


class UserConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One investor; the keys are those of ``UserSettings``. ``cash`` is in yuan."""

    user_id: Annotated[str, Meta(min_length=1, max_length=12)]
    password: Secret = Secret("123456")
    cash: Annotated[float, Meta(ge=0)] = 20_000_000.0
    name: str = ""
    password_error: Literal[0, 131, 140, 141] = 0
    max_sessions: Annotated[int, Meta(ge=0)] = 0

    def settings(self) -> UserSettings:
        return UserSettings(
            self.user_id,
            self.password.reveal(),
            self.cash,
            self.name,
            self.password_error,
            self.max_sessions,
        )


class SimConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The embedded exchange.

    listen               unix socket, or HOST:PORT on loopback (port 0: any); "": sim.sock in the
                         run directory
    seed                 prices, order numbers and session numbers depend on it
    broker_id, users     who may log in; without ``users`` 028742 and 100001 to 100010
    auth_codes           AppID to AuthCode; empty: every authentication succeeds
    queries_per_second   further queries return -3; 0: no limit. Real fronts allow about 1
    speed                how much faster than the wall clock the market's clock runs
    max_subscriptions    of one market data session; more get error 6000
    max_output_bytes     a client that leaves more than this unread is cut off
    heartbeat_s          both sides say something at least so often
    silence_s            a client hangs up when it has heard nothing for so long (reason 8193)
    client_silence_s     the front does, when the client is silent
    ledger_file          each entry of the ledger is appended to this file as a line of JSON, before
                         anybody is told of it; "": no file
    faults               YAML file with a list of faults, see sim/README.md
    The others are those of ``sim.exchange.settings.Settings``.
    """

    listen: str = ""
    seed: int = _DEFAULTS.seed
    broker_id: Annotated[str, Meta(min_length=1, max_length=10)] = _DEFAULTS.broker_id
    users: tuple[UserConfig, ...] | None = None
    auth_codes: dict[str, Secret] = {}
    confirm_settlement: bool = _DEFAULTS.confirm_settlement
    hours: Literal["always", "exchange"] = _DEFAULTS.hours
    lock_after_failures: Annotated[int, Meta(ge=0)] = _DEFAULTS.lock_after_failures
    lock_s: Annotated[float, Meta(ge=0)] = _DEFAULTS.lock_s
    queries_per_second: Annotated[int, Meta(ge=0)] = 10
    speed: Annotated[float, Meta(ge=0.1, le=100)] = 1.0
    max_subscriptions: Annotated[int, Meta(ge=1)] = 6000
    max_output_bytes: Annotated[int, Meta(ge=65_536)] = 8 << 20
    heartbeat_s: Positive = 15.0
    silence_s: Positive = 40.0
    client_silence_s: Positive = 120.0
    ledger_file: str = ""
    faults: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError, which becomes the one line of a configuration error."""
        if self.listen:
            address.parse(self.listen)
        self.script()

    def script(self) -> list[Fault]:
        """The faults of the script. Raises ValueError."""
        return read_script(self.faults) if self.faults else []

    def settings(self) -> Settings:
        users = (
            _DEFAULTS.users if self.users is None else tuple(user.settings() for user in self.users)
        )
        return Settings(
            seed=self.seed,
            broker_id=self.broker_id,
            users=users,
            auth_codes={name: code.reveal() for name, code in self.auth_codes.items()},
            confirm_settlement=self.confirm_settlement,
            hours=self.hours,
            lock_after_failures=self.lock_after_failures,
            lock_s=self.lock_s,
        )


def read_script(path: str) -> list[Fault]:
    """Raises ValueError with one line."""
    try:
        document: Any = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ValueError(f"faults: {path}: {' '.join(str(exc).split())}") from None
    if not isinstance(document, list):
        raise ValueError(f"faults: {path}: expected a list of faults")
    try:
        return [faults.parse(item) for item in document]
    except FaultError as exc:
        raise ValueError(f"faults: {path}: {exc}") from None
