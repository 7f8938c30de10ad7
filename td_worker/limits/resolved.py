"""The rules of one account, ready to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from bus.patterns import Pattern

from .rules import Account, Bounds, Defaults, Kill, Meters, Rules

_MOST_NAMES: Final = 8192  # instruments whose bounds are kept
_KILLS: Final[tuple[Kill, ...]] = (False, True, "cancel_all")  # the next one does more


class Bound(NamedTuple):
    """A bound and where it is set; as text "max_volume 10 of account 028742"."""

    name: str
    value: float
    where: str

    def __str__(self) -> str:
        return f"{self.name} {self.value:g} of {self.where}"


class Band(NamedTuple):
    bound: Bound
    market_orders: bool


class Instrument(NamedTuple):
    """What the rules say of one instrument. ``refusal`` "" when it may be traded."""

    volumes: tuple[Bound, ...]
    bands: tuple[Band, ...]
    refusal: str


class Level:
    """One of the two levels: the account as a whole, or each of its clients."""

    def __init__(self, own: Bounds, defaults: Bounds, where: str, elsewhere: str) -> None:
        self._own, self._defaults = own, defaults
        self._where, self._elsewhere = where, elsewhere
        self.orders_per_s = self.bound("orders_per_s")
        self.max_live_orders = self.bound("max_live_orders")
        self._volumes, self._bands = self._table("max_volume"), self._table("price_band")
        self._market_orders = bool(self.value("market_orders"))
        names = self.value("instruments")
        self.names: list[str] | None = names
        self._allowed = None if names is None else [Pattern(name) for name in names]
        self.ticks = bool(self._bands)

    def value(self, name: str) -> Any:
        """None when nothing is set."""
        for values in (self._own, self._defaults):
            value = getattr(values, name)
            if value is not UNSET:
                return value
        return None

    def bound(self, name: str) -> Bound | None:
        value = self.value(name)
        return None if value is None else Bound(name, value, self.origin(name))

    def origin(self, name: str) -> str:
        return self._elsewhere if getattr(self._own, name) is UNSET else self._where

    def verb(self, method: str) -> str:
        """Why a request that is no query is refused; "" when it is not."""
        if self.value("watch_only"):
            return f"watch_only of {self.origin('watch_only')}: {method}"
        verbs = self.value("verbs")
        if verbs is None or any(fnmatchcase(method, pattern) for pattern in verbs):
            return ""
        return f"verbs of {self.origin('verbs')}: {method} is none of them"

    def refusal(self, instrument: str, exchange: str) -> str:
        """Why an instrument is refused; "" when it is not."""
        if self._allowed is None or any(one.covers(instrument, exchange) for one in self._allowed):
            return ""
        return f"instruments of {self.origin('instruments')}: {exchange}/{instrument} is none"

    def volume(self, instrument: str, exchange: str) -> Bound | None:
        return self._first(self._volumes, instrument, exchange)

    def band(self, instrument: str, exchange: str) -> Band | None:
        bound = self._first(self._bands, instrument, exchange)
        return None if bound is None else Band(bound, self._market_orders)

    def _table(self, name: str) -> list[tuple[Pattern, Bound]]:
        value = self.value(name)
        if value is None:
            return []
        table = value if isinstance(value, dict) else {"*": value}
        where = self.origin(name)
        return [(Pattern(key), Bound(name, number, where)) for key, number in table.items()]

    def _first(
        self, table: Sequence[tuple[Pattern, Bound]], instrument: str, exchange: str
    ) -> Bound | None:
        """The first that matches; of an instrument that is not fully known the narrowest that may
        match, else an order without an ExchangeID would pass under its bound."""
        if instrument and exchange:
            return next((b for pattern, b in table if pattern.covers(instrument, exchange)), None)
        found = [bound for pattern, bound in table if pattern.may_cover(instrument, exchange)]
        return min(found, key=lambda bound: bound.value, default=None)


class Resolved:
    """Account and defaults together, for one account."""

    def __init__(self, rules: Rules, user: str) -> None:
        own, defaults = rules.accounts.get(user, Account()), rules.defaults
        account, client = f"account {user}", f"each client of account {user}"
        self.account = Level(own, defaults, account, f"the defaults ({account})")
        self.client = Level(own.client, defaults.client, client, f"the defaults ({client})")
        self._levels = (self.account, self.client)
        self.self_trade = f"self_trade of {self.account.origin('self_trade')}"
        self.refuses_self_trade = self.account.value("self_trade") == "refuse"
        self.meters: Meters = self.account.value("meters") or Meters()
        self.meters_where = self.account.origin("meters")
        # An account's plain switch takes nothing from the whole worker's cancel_all.
        self.kill: Kill = max(own.kill, rules.kill, key=_KILLS.index)
        self.kill_where = account if own.kill else "the whole worker"
        self.tick_age_s = rules.tick_age_s
        self.needs_ticks = self.account.ticks or self.client.ticks
        self._verbs: dict[str, str] = {}
        self._instruments: dict[tuple[str, str], Instrument] = {}

    def verb(self, method: str) -> str:
        text = self._verbs.get(method)
        if text is None:
            text = self.account.verb(method) or self.client.verb(method)
            self._verbs[method] = text
        return text

    def instrument(self, name: str, exchange: str) -> Instrument:
        found = self._instruments.get((name, exchange))
        if found is None:
            if len(self._instruments) >= _MOST_NAMES:
                self._instruments.clear()
            found = self._instruments[name, exchange] = self._look_up(name, exchange)
        return found

    def listed(self) -> list[str]:
        """Instruments that the rules name one by one and that need ticks."""
        if not self.needs_ticks:
            return []
        names = [name for level in self._levels for name in level.names or []]
        bare = [name.rpartition("/")[2] for name in names]
        return [name for name in bare if any(map(str.isdigit, name)) and not set(name) & set("*?[")]

    def _look_up(self, name: str, exchange: str) -> Instrument:
        volumes = [level.volume(name, exchange) for level in self._levels]
        bands = [level.band(name, exchange) for level in self._levels]
        refusals = [level.refusal(name, exchange) for level in self._levels]
        return Instrument(
            tuple(bound for bound in volumes if bound is not None),
            tuple(band for band in bands if band is not None),
            next(filter(None, refusals), ""),
        )


def needs_ticks(rules: Rules) -> bool:
    """Whether any rule of the file goes by ticks."""
    levels: list[Defaults | Bounds] = [rules.defaults, rules.defaults.client]
    for account in rules.accounts.values():
        levels += [account, account.client]
    return any(level.price_band is not UNSET and level.price_band for level in levels)
