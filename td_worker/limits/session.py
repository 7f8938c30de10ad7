"""The limits of one session of an account: asked before anything of it goes to the front."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from bus.errors import Refused, refused, request_failed
from bus.rpc import Call
from schemas.catalogue import Catalogue
from schemas.counter import Event
from schemas.errors import LIMIT

from .band import outside
from .live import Known, Live
from .resolved import Band, Instrument, Resolved
from .shapes import SELL, Asked, Leg, Shape, is_cancel, is_counted, is_insertion
from .shared import Shared
from .ticks import Ticks

log = logging.getLogger("td_worker")


class SessionLimits:
    """``check`` before the intent is recorded, ``sent`` when the API has taken it, ``returned``
    with every return, ``new_day`` with the TradingDay of each login. Clients are told apart by
    their virtual SessionID. Times are seconds of the monotonic clock.

    Every session of an account hears of all of its orders, each with other identities for those of
    its own clients; so what is live is known by session, and the rest is shared.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        user: str,
        shared: Shared,
        rules: Resolved,
        ticks: Ticks,
    ) -> None:
        self.user, self._ticks = user, ticks
        self.rules = rules
        self._live = Live(catalogue)
        self._shared = shared
        self._switch, self._meters = shared.switch, shared.day
        self._day = ""
        self._shapes = {
            name: Shape(catalogue, name)
            for name in catalogue.td.requests
            if is_insertion(name) or is_cancel(name)
        }
        self._refused: dict[str, int] = {}  # by the rule

    # -- what the orders' road calls ---------------------------------------------------------

    def check(self, call: Call, session_id: int, now: float) -> None:
        """Raises Refused (-403) for what a limit forbids; counts nothing yet. For every request
        that is no query; of the cancels only ``verbs`` and ``watch_only`` can refuse one."""
        if text := self.rules.verb(call.method):
            raise self._refusal("verbs", text)
        shape = self._shapes.get(call.method)
        if shape is None:
            return
        if not is_insertion(call.method):
            if self.killed and shape.modifies(call.body):
                raise self._refusal("kill", f"kill switch, set by {self.killed}: a modification")
            return
        if killed := self.killed:
            raise self._refusal("kill", f"kill switch, set by {killed}")
        asked = shape.read(call.body)
        rules = self.rules.instrument(asked.instrument, asked.exchange)
        self._check_size(asked, rules)
        self._check_live(session_id)
        self._check_rate(session_id, now)
        self._check_meters(asked)
        if self.rules.refuses_self_trade:
            self._check_self_trade(asked)
        if rules.bands:
            self._check_bands(asked, rules.bands, now)

    def sent(
        self, method: str, body: bytes, session_id: int, record: Known | None, now: float
    ) -> None:
        """The API has taken a request; ``record`` is that of an insertion."""
        if not is_counted(method) and not is_insertion(method):
            return
        asked = self._shapes[method].read(body)
        if is_insertion(method):
            self._shared.window.add(now)
            self._shared.client(session_id, now).add(now)
            if record is not None:
                self._live.sent(asked, record)
        if is_counted(method):
            cancel = is_cancel(method)
            self._meters.count(self._exchange(asked), cancel, self.rules.meters)

    def returned(self, event: Event) -> None:
        """A return of the account as its clients see it, also one that repeats an earlier one."""
        self._live.returned(event)

    def recovered(self, records: Iterable[Known]) -> None:
        """What is on record of before a restart and may still trade."""
        for record in records:
            self._live.sent(self._shapes[record.method].read(record.body), record)

    def new_day(self, day: str) -> None:
        """The TradingDay of a login; the day's meters go on where they were."""
        self._meters.begin(day, self.rules.meters.busy)
        if day != self._day:
            self._day = day
            self._live.clear()

    # -- the kill switch ---------------------------------------------------------------------

    @property
    def killed(self) -> str:
        """Who keeps new orders from going out; "" when nobody does."""
        if self._switch.on:
            return f"a client of account {self.user}"
        return f"the limits file for {self.rules.kill_where}" if self.rules.kill else ""

    @property
    def cancels_all(self) -> bool:
        """What lives is to be cancelled; stays so while the switch is on."""
        return self._switch.cancel_all or self.rules.kill == "cancel_all"

    def kill(self, on: bool, cancel_all: bool) -> None:
        """The switch of the clients; that of the file is the file's. Raises Refused when it could
        not be recorded: one that was to be set on is on all the same."""
        try:
            self._switch.set(on, cancel_all)
        except OSError as exc:
            state = "on" if self._switch.on else "off"
            raise request_failed(f"the kill switch is {state}, not recorded: {exc}") from None
        fields = {"user": self.user, "on": on, "cancel_all": cancel_all}
        log.warning("kill switch", extra={"fields": fields})

    # -- what the state message says ---------------------------------------------------------

    @property
    def refused(self) -> dict[str, int]:
        """How often, by the rule."""
        return self._refused

    def describe(self) -> dict[str, Any]:
        return {
            "killed": self.killed,
            "cancel_all": self.cancels_all,
            "refused": dict(self._refused),
            **self._meters.describe(),
        }

    # -- the rules ---------------------------------------------------------------------------

    def _check_size(self, asked: Asked, rules: Instrument) -> None:
        if rules.refusal:
            raise self._refusal("instruments", rules.refusal)
        for bound in rules.volumes:
            for leg in asked.legs:
                if leg.volume is not None and not 0 <= leg.volume <= bound.value:
                    raise self._refusal("max_volume", f"{bound}: {leg.volume} lots")

    def _check_live(self, session_id: int) -> None:
        for bound, owner in (
            (self.rules.account.max_live_orders, None),
            (self.rules.client.max_live_orders, session_id),
        ):
            if bound is not None and (live := self._live.count(bound.value, owner)) >= bound.value:
                raise self._refusal("max_live_orders", f"{bound}: {live} orders are live")

    def _check_rate(self, session_id: int, now: float) -> None:
        for bound, client in (
            (self.rules.account.orders_per_s, None),
            (self.rules.client.orders_per_s, session_id),
        ):
            if bound is None:
                continue
            window = self._shared.window if client is None else self._shared.client(client, now)
            if (lately := window.count(now)) >= bound.value:
                raise self._refusal("orders_per_s", f"{bound}: {lately} within the last second")

    def _check_meters(self, asked: Asked) -> None:
        text = self._meters.refusal(
            self._exchange(asked), self.rules.meters, self.rules.meters_where
        )
        if text:
            raise self._refusal("meters", text)

    def _check_self_trade(self, asked: Asked) -> None:
        for leg in asked.legs:
            if leg.side and leg.volume != 0:
                met = self._live.meets(asked.instrument, leg)
                if met is not None:
                    raise self._refusal("self_trade", self._self_trade(leg, met))

    def _self_trade(self, leg: Leg, met: float) -> str:
        other = "buys" if leg.side == SELL else "sells"
        at = f"at {met:g}" if abs(met) != float("inf") else "at any price"
        price = "any price" if leg.price is None else f"{leg.price:g}"
        return f"{self.rules.self_trade}: {price} meets a live order that {other} {at}"

    def _check_bands(self, asked: Asked, bands: Sequence[Band], now: float) -> None:
        tick = self._ticks.last(asked.instrument)
        for bound, market_orders in bands:
            for leg in asked.legs:
                if not leg.side or leg.volume == 0:
                    continue
                if leg.price is None:
                    text = "" if market_orders else "an order without a limit price"
                elif tick is None or now - tick.at > self.rules.tick_age_s:
                    self._ticks.want([asked.instrument], now)
                    age = f"younger than {self.rules.tick_age_s:g} s"
                    text = f"no tick of {asked.instrument} {age}; asked for it"
                else:
                    text = outside(leg.price, tick, bound)
                if text:
                    raise self._refusal("price_band", f"{bound}: {text}")

    def _refusal(self, rule: str, text: str) -> Refused:
        self._refused[rule] = self._refused.get(rule, 0) + 1
        return refused(LIMIT, text)

    # -- counting ----------------------------------------------------------------------------

    def _exchange(self, asked: Asked) -> str:
        """Old clients leave ExchangeID out; the returns tell where an instrument is traded."""
        return asked.exchange or self._live.exchange_of.get(asked.instrument, "")
