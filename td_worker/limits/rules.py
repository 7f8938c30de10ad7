"""The file of the limits, ``td_worker.limits_file``."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
import yaml
from msgspec import UNSET, Meta, UnsetType

from bus.errors import ConfigError

T = TypeVar("T")
Count = Annotated[int, Meta(ge=1)]
Fraction = Annotated[float, Meta(gt=0, le=1)]
Pattern = Annotated[str, Meta(min_length=1, max_length=90)]
Kill = bool | Literal["cancel_all"]

_LARGEST: Final = 1 << 18  # bytes of the file


class Bounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for an account, or for each of its clients. A key that is not given is taken from
    the defaults; null switches a default off.

    max_volume      lots of one order; or {pattern: lots}, of which the first that matches counts
    price_band      how far a price may be from the last tick's, as a fraction; or {pattern: …}
    market_orders   orders without a limit price pass the price_band
    orders_per_s    insertions within any second
    max_live_orders orders that may still trade
    instruments     patterns of what may be traded: "rb" a product, "rb26*", "600000", "SHFE/*"
    verbs           patterns of what may be requested besides queries: "ReqOrder*"
    watch_only      queries only
    """

    max_volume: Count | dict[Pattern, Count] | UnsetType | None = UNSET
    price_band: Fraction | dict[Pattern, Fraction] | UnsetType | None = UNSET
    market_orders: bool | UnsetType = UNSET
    orders_per_s: Count | UnsetType | None = UNSET
    max_live_orders: Count | UnsetType | None = UNSET
    instruments: list[Pattern] | UnsetType | None = UNSET
    verbs: list[Pattern] | UnsetType | None = UNSET
    watch_only: bool | UnsetType = UNSET


class Marks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Values of the meters: orders and cancels within a second, seconds with ``busy`` or more of
    them, and their number on a trading day."""

    per_s: Count | None = None
    busy_seconds: Count | None = None
    per_day: Count | None = None


class Meters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one account at one exchange. ``warn``: tell when a meter gets there; ``refuse``: an
    insertion that would take a meter beyond it is refused, a cancel never."""

    busy: Count = 10
    warn: Marks = Marks()
    refuse: Marks = Marks()


class Defaults(Bounds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For every account. ``self_trade: refuse``: no order that could meet one of its own."""

    self_trade: Literal["refuse", "allow"] | UnsetType = UNSET
    meters: Meters | UnsetType = UNSET
    client: Bounds = Bounds()


class Account(Defaults, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For one account. ``kill``: no insertions; cancel_all: and what lives is cancelled."""

    kill: Kill = False


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file.

    kill         of the whole worker
    tick_age_s   the price band goes by no older tick
    """

    kill: Kill = False
    tick_age_s: Annotated[float, Meta(gt=0, le=3600)] = 5.0
    defaults: Defaults = Defaults()
    accounts: dict[str, Account] = {}


# libyaml's is ten times as fast, and nothing else is done meanwhile.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """Refuses a key that is there twice: the first one's limits would be gone without a word."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise yaml.constructor.ConstructorError(
            None, None, f"{twice} is there twice", node.start_mark
        )
    mapping: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return mapping


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: Path) -> Rules:
    """Raises ConfigError with one line that names the file and the key."""
    document = _read(path)
    accounts = document.pop("accounts", None) or {}
    if not isinstance(accounts, dict):
        raise ConfigError(f"{path}: accounts: expected keys and values")
    rules = _convert(path, "", document, Rules)
    by_user = {}
    for user, values in accounts.items():
        if not isinstance(user, str):
            raise ConfigError(f"{path}: accounts.{user}: the UserID must be in quotes")
        by_user[user] = _convert(path, f"accounts.{user}", values or {}, Account)
    return msgspec.structs.replace(rules, accounts=by_user)


def _read(path: Path) -> dict[str, Any]:
    try:
        # A pipe in the file's place must not stop the worker.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(f"{path}: not a file")
            text = file.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise ConfigError(f"{path}: larger than {_LARGEST} bytes")
        document = yaml.load(text, _Loader)
    except OSError as exc:
        raise ConfigError(f"{path}: {exc}") from None
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(exc, "problem", None) or "not valid"
        raise ConfigError(f"{path}: not valid YAML{where}: {problem}") from None
    except (ValueError, AttributeError) as exc:  # of yaml's own: a day 2026-13-45, "!!int x"
        raise ConfigError(f"{path}: not valid YAML: {exc}") from None
    if not isinstance(document, dict) or not document:
        # An empty one is a file that somebody is just writing rather than the wish for no limits.
        raise ConfigError(f"{path}: expected keys and values at the top")
    return document


def _convert(path: Path, where: str, document: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as exc:
        text = str(exc)
        if where and "`$" not in text:
            text += f" - at `{where}`"
        text = text.replace("`$", f"`{where}").replace("`.", "`")
        raise ConfigError(f"{path}: {text}") from None
