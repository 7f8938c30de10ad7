"""What the core says fits the structs of the binding: names, types, lengths."""

from __future__ import annotations

import pytest

from schemas import catalogue
from schemas.layout import Layout
from sim.exchange.counter import Counter
from sim.exchange.events import Event
from sim.exchange.queries import QUERIES
from sim.exchange.values import Fields, Value
from tests.unit.sim.trader import NOW_NS, exchange, log_in, still

KINDS: dict[str, type | tuple[type, ...]] = {
    "s": str,
    "c": str,
    "i": int,
    "h": int,
    "q": int,
    "d": (int, float),
}


def story() -> list[Event]:
    """One of everything that the core can say."""
    counter: Counter = exchange(confirm_settlement=True)
    still(counter, "cu2603", 7930, 7931)
    trader = log_in(counter)
    identity: Fields = {"BrokerID": "9999", "UserID": "100001"}
    events = trader.ask("ReqAuthenticate", **identity, AppID="app", AuthCode="code")
    events += counter.request(
        counter.connect(NOW_NS), "ReqUserLogin", {**identity, "Password": "123456"}, 1, NOW_NS
    )
    events += trader.events("cu2603", 79310, 1)
    events += trader.ask("ReqSettlementInfoConfirm", BrokerID="9999", InvestorID="100001")
    events += trader.events("cu2603", 79310, 12)
    events += trader.events("cu2603", 1.0, 12)
    events += trader.events("m2603-C-3000", 1.0, 1, OrderMemo="memo")
    events += trader.ask("ReqOrderAction", BrokerID="9999", InvestorID="100001", ActionFlag="0")
    events += trader.ask("ReqBatchOrderAction", BrokerID="9999", InvestorID="100002")
    events += trader.ask("ReqForQuoteInsert", InstrumentID="cu2603")
    events += counter.private_stream(None, 0)
    for method in sorted(QUERIES):
        events += trader.ask(method, **({"InstrumentID": "cu2603"} if "Rate" in method else {}))
    password: Fields = {"OldPassword": "123456", "NewPassword": "654321"}
    events += trader.ask("ReqUserPasswordUpdate", **identity, **password)
    events += trader.ask("ReqUserLogout", **identity)
    return events


def problems(layout: Layout, row: Fields) -> list[str]:
    fields = {field.name: field for field in layout.fields}
    found = []
    for name, value in row.items():
        if name not in fields:
            found.append(f"{layout.name} has no {name}")
        elif value is not None:
            found += _misfit(fields[name].kind, fields[name].size, name, value)
    return found


def _misfit(kind: str, size: int, name: str, value: Value) -> list[str]:
    if isinstance(value, bool) or not isinstance(value, KINDS[kind]):
        return [f"{name}: {value!r} is no {kind}"]
    if isinstance(value, str):
        limit = 1 if kind == "c" else size - 1
        if len(value.encode("gb18030")) > limit:
            return [f"{name}: {value!r} is longer than {limit}"]
    return []


@pytest.fixture(scope="module")
def api() -> catalogue.Catalogue:
    return catalogue.load()


def test_callbacks_exist_and_their_fields_fit(api: catalogue.Catalogue) -> None:
    found: set[str] = set()
    for event in story():
        callback = api.td.callbacks[event.callback]
        if event.field is not None:
            assert callback.struct is not None
            found.update(problems(api.layouts[callback.struct], event.field))
        assert len(event.error_msg.encode("gb18030")) <= 80, "RspInfo.ErrorMsg is char[81]"
    assert found == set()


def test_every_tick_fits(api: catalogue.Catalogue) -> None:
    ticks, _ = exchange().advance(NOW_NS + 10**9)
    found: set[str] = set()
    for tick in ticks:
        found.update(problems(api.layouts["DepthMarketData"], tick))
    assert found == set()
