"""What the exchange puts on record."""

from __future__ import annotations

import json
from pathlib import Path

from sim.exchange.counter import Counter
from sim.exchange.ledger import Entry, RefusedOrder
from sim.service.record import Record, plain
from tests.unit.sim.trader import NOW_NS, SETTINGS, exchange, input_order, log_in, still


def test_a_refusal_is_on_record_whoever_refused() -> None:
    counter = exchange()
    trader = log_in(counter)
    still(counter, "cu2603", bid=7900, ask=7901)
    trader.events("nosuch99", 1.0, BusinessUnit="by the counter", OrderMemo="m1")
    trader.order("cu2603", 10.0, BusinessUnit="by the exchange")
    first, second = counter.ledger.since()
    assert isinstance(first, RefusedOrder)
    assert isinstance(second, RefusedOrder)
    assert (first.business_unit, first.order_memo, first.error_id) == ("by the counter", "m1", 16)
    assert (second.business_unit, second.error_id) == ("by the exchange", 0)
    assert second.reason == "价格跌破跌停板"
    assert first.user == second.user == trader.user


def test_an_order_of_somebody_who_is_not_logged_in_is_on_record() -> None:
    counter = exchange()
    fields = input_order("100001", "cu2603", 79010.0, 1)
    counter.request(counter.connect(NOW_NS), "ReqOrderInsert", fields, 1, NOW_NS)
    (entry,) = counter.ledger.since()
    assert isinstance(entry, RefusedOrder)
    assert (entry.user, entry.error_id) == ("100001", 6)


def test_an_entry_is_in_the_file_before_anybody_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    record, entries = Record(str(path)), list[Entry]()

    def both(entry: Entry) -> None:
        record.append(entry)
        entries.append(entry)

    counter = Counter(SETTINGS, NOW_NS, both)
    counter.advance(NOW_NS)
    still(counter, "cu2603", bid=7900, ask=7901)
    log_in(counter).events("cu2603", 79010.0, BusinessUnit="a mark")
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert lines == [plain(entry) for entry in entries]
    assert [line["kind"] for line in lines] == ["AcceptedOrder", "ExecutedTrade"]
    assert lines[0]["business_unit"] == "a mark"
