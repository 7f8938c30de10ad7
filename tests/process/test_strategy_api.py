"""``SyncStrategyApi`` on real workers and the embedded exchange."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from bus.errors import ConfigError
from bus.orders import OrderState
from bus.strategy import (
    OrderUnknown,
    Position,
    Quote,
    Stopped,
    StrategyPlugin,
    SyncStrategyApi,
)
from bus.strategy.trading import Wanted
from sim.control import SimControl
from tests.support.group import Group

PASSWORD: Final = "123456"
WAIT_S: Final = 20.0
EXCHANGES: Final = {"SHFE": "rb", "INE": "sc", "DCE": "m", "CZCE": "SR", "CFFEX": "IF"} | {
    "GFEX": "si"
}
_users = (str(100001 + number) for number in itertools.count())


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    users = [{"user_id": str(100001 + n), "password": PASSWORD, "cash": 1e9} for n in range(20)]
    overrides: dict[str, Any] = {
        "calendar": "always",
        "sim": {"queries_per_second": 0, "users": users},
        "md_worker": {"retry_s": 0.2, "step_s": 0.5},
        "td_worker": {"retry_s": 0.2, "step_s": 0.5, "queries_per_s": 1000, "unsent_s": 3.0},
        "sync_api": {"max_strategies": 2, "order_timeout": WAIT_S, "position_timeout": WAIT_S},
    }
    with Group(tmp_path_factory.mktemp("api"), overrides=overrides) as group:
        group.start("sim", "md_worker", "td_worker")
        yield group


@pytest.fixture(scope="module")
def sim(group: Group) -> Iterator[SimControl]:
    with SimControl(group.config["sim"]["listen"]) as sim:
        yield sim


@pytest.fixture
def api(group: Group) -> Iterator[SyncStrategyApi]:
    """Of an account that no other test has."""
    with SyncStrategyApi(next(_users), PASSWORD, str(group.config_file)) as api:
        yield api


@pytest.fixture(scope="module")
def listed(group: Group) -> dict[str, str]:
    """A future of each exchange."""
    with SyncStrategyApi(next(_users), PASSWORD, str(group.config_file)) as api:
        found = {}
        for exchange, product in EXCHANGES.items():
            asked = {"ProductID": product, "ExchangeID": exchange}
            rows: list[Any] = api.account.query("ReqQryInstrument", asked)
            found[exchange] = min(row.instrument_id for row in rows)
        return found


@pytest.fixture
def rb(listed: dict[str, str]) -> str:
    return listed["SHFE"]


def limits(api: SyncStrategyApi, instrument: str) -> tuple[float, float]:
    """The day's lowest price and its highest."""
    rows: list[Any] = api.account.query("ReqQryDepthMarketData", {"InstrumentID": instrument})
    (tick,) = [row for row in rows if row.instrument_id == instrument]
    return tick.lower_limit_price, tick.upper_limit_price


def until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def trades(sim: SimControl, api: SyncStrategyApi) -> list[tuple[str, int]]:
    """CombOffsetFlag and lots of what its user has traded."""
    mine = [each for each in sim.ledger() if each["user"] == api.account.user]
    return [(each["offset"], each["volume"]) for each in mine if each["kind"] == "ExecutedTrade"]


def accepted(sim: SimControl, api: SyncStrategyApi) -> int:
    """How many orders of its user the exchange has taken."""
    mine = [each for each in sim.ledger() if each["user"] == api.account.user]
    return sum(each["kind"] == "AcceptedOrder" for each in mine)


# -- quotes ----------------------------------------------------------------------------------


def test_quotes_come_and_each_update_is_new(api: SyncStrategyApi, rb: str) -> None:
    quotes = [api.get_quote(rb), *(api.wait_quote_update(rb) for _ in range(2))]
    times = [quote.ctp_datetime for quote in quotes]
    assert None not in times
    assert sorted(set(map(str, times))) == list(map(str, times))
    assert all(quote["LastPrice"] > 0 for quote in quotes)
    assert api.get_quote(rb) == quotes[-1]
    with pytest.raises(TimeoutError):
        api.get_quote("rb0000", timeout=0.2)


@pytest.mark.parametrize("defended", [True, False])
def test_while_md_worker_is_silent_its_last_quote_is_not_given_out(
    group: Group, api: SyncStrategyApi, rb: str, defended: bool
) -> None:
    """Without the mark that it is stale, the control, it is."""
    api.get_quote(rb)
    marked, mark = threading.Event(), api._quotes.stale

    def stale(instrument: str) -> None:
        if defended:
            mark(instrument)
        marked.set()

    api._quotes.stale = stale  # type: ignore[method-assign]
    group.freeze("md_worker")
    try:
        assert marked.wait(WAIT_S)
        if defended:
            with pytest.raises(TimeoutError):
                api.get_quote(rb, timeout=0)
        else:
            api.get_quote(rb, timeout=0)
    finally:
        group.thaw("md_worker")
    assert api.get_quote(rb).LastPrice > 0


def test_quotes_come_again_from_a_new_md_worker(
    group: Group, api: SyncStrategyApi, rb: str
) -> None:
    api.get_quote(rb)
    group.restart("md_worker")
    assert api.wait_quote_update(rb).LastPrice > 0


# -- orders and positions --------------------------------------------------------------------


def test_on_every_exchange_lots_of_both_days_are_closed(
    group: Group, sim: SimControl, api: SyncStrategyApi, listed: dict[str, str]
) -> None:
    for instrument in listed.values():
        _, high = limits(api, instrument)
        assert api.open_close(instrument, "kaiduo", 3, high, lasts="fok")["volume_traded"] == 3
    sim.end_day()
    until(lambda: today(api, listed["SHFE"]) == 0)
    until(lambda: orders_are_taken(api, listed["SHFE"]))
    for exchange, instrument in listed.items():
        low, high = limits(api, instrument)
        opened = api.open_close(instrument, "kaiduo", 2, high, lasts="fok")
        assert opened["volume_traded"] == 2, opened["error_msg"]
        held = api.get_position(instrument)
        assert (held.pos_long, held.pos_long_today, held.pos_long_his) == (5, 2, 3), exchange
        assert low < held.open_price_long < high
        assert math.isnan(held.open_price_short)
        before = len(trades(sim, api))
        result = api.open_close(instrument, "pingduo", 4, low, lasts="fok")
        assert (result["success"], result["volume_traded"]) == (True, 4), result
        closed: dict[str, int] = {}
        for offset, volume in trades(sim, api)[before:]:
            closed[offset] = closed.get(offset, 0) + volume
        split = {"4": 3, "3": 1} if exchange in ("SHFE", "INE") else {"1": 4}
        assert closed == split, exchange
        assert api.get_position(instrument).pos_long == 1
        too_many = api.open_close(instrument, "pingduo", 2, low, lasts="fok")
        assert (too_many["success"], too_many["error_id"]) == (False, 30), exchange


def orders_are_taken(api: SyncStrategyApi, instrument: str) -> bool:
    """Orders wait until td_worker knows what became of yesterday's."""
    _, high = limits(api, instrument)
    return api.open_close(instrument, "kaikong", 1, high, lasts="fak")["success"]


def today(api: SyncStrategyApi, instrument: str) -> int:
    try:
        return api.get_position(instrument, timeout=1).pos_long_today
    except (TimeoutError, RuntimeError):
        return -1


def test_each_of_many_orders_at_once_gets_its_own_answer(
    sim: SimControl, api: SyncStrategyApi, listed: dict[str, str]
) -> None:
    """Every third is refused by the exchange, another third rests."""
    crowded = listed["GFEX"]  # no other test needs its prices
    low, high = limits(api, crowded)
    prices = {0: high, 1: low, 2: high * 2}

    def order(number: int) -> Any:
        return api.open_close(crowded, "kaiduo", number + 1, prices[number % 3])

    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(order, range(60)))
    entries = [each for each in sim.ledger() if each["user"] == api.account.user]
    taken = [each for each in entries if each["kind"] == "AcceptedOrder"]
    lots = {each["order_sys_id"].strip(): each["volume"] for each in taken}
    mine = {order.order_ref.strip(): order.order_sys_id.strip() for order in api.account.orders()}
    for number, result in enumerate(results):
        assert result["success"] is (number % 3 != 2)
        if result["success"]:
            assert lots[mine[result["order_ref"]]] == number + 1


class FirstCome:
    """What homalos does: an answer goes to the call that has waited longest."""

    def __init__(self, order: Any, placed: list[Any]) -> None:
        self._order, self._placed = order, placed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._order, name)

    def wait(self, *states: OrderState, timeout_s: float) -> OrderState:
        self._order.wait(*states, timeout_s=timeout_s)
        self._order = self._placed.pop(0)
        state: OrderState = self._order.state
        return state


@pytest.mark.parametrize("paired", [True, False])
def test_an_answer_that_overtakes_another_goes_to_its_own_order(
    sim: SimControl, api: SyncStrategyApi, rb: str, paired: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: answers go to calls in their turn."""
    low, high = limits(api, rb)
    api.get_position(rb)
    if not paired:
        placed: list[Any] = []
        place = api._counter.place

        def place_in_turn(wanted: Wanted, name: str) -> Any:
            placed.append(place(wanted, name))
            return FirstCome(placed[-1], placed)

        monkeypatch.setattr(api._counter, "place", place_in_turn)
    sim.delay("OnRtnOrder", seconds=5.0, times=2)  # those of the first order
    with ThreadPoolExecutor(1) as pool:
        rests = pool.submit(api.open_close, rb, "kaiduo", 1, low)
        until(lambda: len(api.account.orders()) == 1)
        until(lambda: api.account.orders()[0].state is not OrderState.INTENT)
        try:
            refused: Any = api.open_close(rb, "kaiduo", 2, high * 2)
        except OrderUnknown:
            refused = {"success": None}
        told = (rests.result(WAIT_S)["success"], refused["success"])
    sim.clear()
    assert (told == (True, False)) is paired, told


@pytest.mark.parametrize("by_name", [True, False])
def test_an_order_of_unknown_outcome_is_asked_for_by_its_name(
    group: Group, sim: SimControl, api: SyncStrategyApi, rb: str, by_name: bool
) -> None:
    """td_worker dies before anybody hears of the order. Control: who sends it anew has two."""
    low, _ = limits(api, rb)
    sim.lose("OnRtnOrder", times=1000)
    try:
        with pytest.raises(OrderUnknown) as caught:
            api.open_close(rb, "kaiduo", 1, low, timeout=0.5)
        until(lambda: accepted(sim, api) == 1)
        group.kill("td_worker")
        name = caught.value.client_order_id
        with pytest.raises(OrderUnknown):
            api.open_close(rb, "kaiduo", 1, low, timeout=0.2, client_order_id=name)
    finally:
        sim.clear()
    group.start("td_worker")

    def again() -> bool:
        said = api.open_close(rb, "kaiduo", 1, low, client_order_id=name if by_name else "")
        return said["success"]

    until(again)  # to a new order td_worker says for a moment that it does not know enough yet
    assert accepted(sim, api) == (1 if by_name else 2)


def test_a_position_that_nobody_tells_is_not_taken_for_none(
    sim: SimControl, api: SyncStrategyApi, rb: str
) -> None:
    """A strategy that wants two lots has two, also while the counter refuses queries; one that
    takes no answer for no lots, the control, has more."""
    _, high = limits(api, rb)

    def naive() -> Position:
        try:
            return api.get_position(rb, timeout=0.2)
        except TimeoutError:
            return Position()

    def careful() -> Position:
        return api.get_position(rb, timeout=0.2)

    def want_two(held: Callable[[], Position]) -> None:
        if (volume := 2 - held().pos_long) > 0:
            api.open_close(rb, "kaiduo", volume, high, lasts="fok")

    want_two(lambda: api.get_position(rb))
    sim.returns("ReqQryInvestorPosition", -3, times=1000)
    try:
        with pytest.raises(TimeoutError):
            want_two(careful)
        want_two(naive)
    finally:
        sim.clear()
    assert api.get_position(rb).pos_long == 4, "the careful one's two, and two more of the control"


def test_a_position_follows_what_others_trade(group: Group, api: SyncStrategyApi, rb: str) -> None:
    assert api.get_position(rb) == api.get_position(rb)
    with SyncStrategyApi(api.account.user, PASSWORD, str(group.config_file)) as other:
        low, _ = limits(other, rb)
        assert other.open_close(rb, "kaikong", 1, low, lasts="fok")["success"]
    until(lambda: api.get_position(rb).pos_short == 1)


@pytest.mark.parametrize("defended", [True, False])
def test_a_position_is_not_told_from_memory_when_td_worker_has_just_died(
    group: Group, api: SyncStrategyApi, rb: str, defended: bool
) -> None:
    """Control: without asking it, the last answer is given for seconds."""
    _, high = limits(api, rb)
    assert api.open_close(rb, "kaiduo", 1, high, lasts="fok")["volume_traded"] == 1
    until(lambda: api.get_position(rb) == api.get_position(rb) and rb in api._positions._kept)
    if not defended:
        api._positions._unchanged = lambda timeout_s: True
    group.freeze("td_worker")
    try:
        if defended:
            with pytest.raises(TimeoutError):
                api.get_position(rb, timeout=0.3)
        else:
            assert api.get_position(rb, timeout=0.3).pos_long == 1
    finally:
        group.thaw("td_worker")
    assert api.get_position(rb).pos_long == 1


# -- strategies and plugins ------------------------------------------------------------------


class Noting(StrategyPlugin):
    def __init__(self) -> None:
        self.quotes: list[Quote] = []
        self.trades: list[dict[str, Any]] = []
        self.waited: list[str] = []
        self.stopped = 0

    def on_init(self, api: SyncStrategyApi) -> None:
        self.api = api

    def on_quote(self, quote: Quote) -> Quote | None:
        self.quotes.append(quote)
        try:
            self.api.wait_quote_update(quote.InstrumentID)
        except TimeoutError as exc:
            self.waited.append(str(exc))
        return None if len(self.quotes) < 3 else quote

    def on_trade(self, trade_data: dict[str, Any]) -> dict[str, Any] | None:
        self.trades.append(trade_data)
        return None

    def on_stop(self) -> None:
        self.stopped += 1


def test_a_plugin_sees_quotes_and_returns_and_can_leave_them_out(
    api: SyncStrategyApi, rb: str
) -> None:
    plugin = Noting()
    api.register_plugin(plugin)
    quote = api.get_quote(rb)
    assert len(plugin.quotes) >= 3
    assert quote.ctp_datetime != plugin.quotes[0].ctp_datetime
    assert plugin.waited, "it would wait for itself"
    _, high = limits(api, rb)
    assert api.open_close(rb, "kaiduo", 1, high, lasts="fok")["success"], "though it sees no return"
    until(lambda: any(each["MsgType"] == "RtnTrade" for each in plugin.trades))
    trade = next(each for each in plugin.trades if each["MsgType"] == "RtnTrade")
    assert (trade["Trade"]["InstrumentID"], trade["RspInfo"]) == (rb, None)
    assert api.get_position(rb).pos_long == 1
    api.unregister_plugin(plugin)
    seen = len(plugin.quotes)
    api.wait_quote_update(rb)
    assert (len(plugin.quotes), plugin.stopped) == (seen, 1)


def test_stop_ends_strategies_and_everything_after_it_says_so(group: Group, rb: str) -> None:
    api = SyncStrategyApi(next(_users), PASSWORD, str(group.config_file))
    plugin, began, ends = Noting(), threading.Event(), []
    api.register_plugin(plugin)

    def for_ever() -> None:
        try:
            while True:
                api.get_quote(rb)
                began.set()
        except Stopped:
            ends.append("stopped")
            raise

    thread = api.run_strategy(for_ever)
    waiting = api.run_strategy(api.wait_quote_update, "rb0000", WAIT_S)
    with pytest.raises(RuntimeError, match="max_strategies"):
        api.run_strategy(for_ever)
    assert set(api.get_running_strategies()) == {"for_ever", "wait_quote_update"}
    assert began.wait(WAIT_S)
    api.stop()
    assert not thread.is_alive()
    assert not waiting.is_alive()
    assert (ends, plugin.stopped, api.get_running_strategies()) == (["stopped"], 1, {})
    for call in (api.get_quote, api.wait_quote_update, api.get_position):
        with pytest.raises(Stopped):
            call(rb)
    with pytest.raises(Stopped):
        api.open_close(rb, "kaiduo", 1, 3000.0)
    api.stop()
    assert not [
        each for each in threading.enumerate() if each.name.startswith(("follow-", "ctpbus"))
    ]


def test_who_is_not_let_in_is_told_at_once_and_who_hears_nothing_after_his_time(
    group: Group,
) -> None:
    with pytest.raises(RuntimeError, match="3 "):
        SyncStrategyApi(next(_users), "wrong", str(group.config_file))
    with pytest.raises(ConfigError):
        SyncStrategyApi("100001", PASSWORD, str(group.path / "nothing.yaml"))
    group.freeze("td_worker")
    try:
        with pytest.raises(TimeoutError):
            SyncStrategyApi("100001", PASSWORD, str(group.config_file), timeout=0.3)
    finally:
        group.thaw("td_worker")
