"""What tcp_edge tells of itself."""

from __future__ import annotations

from tcp_edge.figures import figures


def test_accounts_are_told_together_and_none_by_its_name() -> None:
    one = {"ready": True, "day": "20261123", "order_events": 4, "placed": 2}
    other = {"ready": False, "day": "", "order_events": 1, "placed": 3}
    told = figures({"trade": {"accounts": {"028742": one, "991": other}, "pushed_to": 1}})
    assert told.levels == {
        "trade_accounts_ready": 1,
        "trade_accounts_order_events": 5,
        "trade_pushed_to": 1,
    }
    assert told.counters == {"trade_accounts_placed": 5}


def test_counters_by_kind_stay_apart() -> None:
    told = figures({"accepted": 3, "replies": {"200": 2, "503": 1}, "quote": {"ticks": 7}})
    assert told.counters == {"accepted": 3, "quote_ticks": 7}
    assert told.kinds == {"replies": {"200": 2, "503": 1}}
