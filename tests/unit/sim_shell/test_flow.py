"""Limits that the API keeps by itself, and its flow file."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.api import Request
from sim.client.flow import FlowFile, QueryLimits

ORDERS = Request("ReqQryOrder", "QryOrder", "OnRspQryOrder")
TRADES = Request("ReqQryTrade", "QryTrade", "OnRspQryTrade")


def limits(per_second: int = 0) -> QueryLimits:
    made = QueryLimits()
    made.per_second = per_second
    return made


@pytest.mark.parametrize(
    ("request_id", "callback", "code"),
    [
        (1, "OnRspQryOrder", 0),
        (1, "OnRspError", 0),
        (1, None, 0),
        (1, "OnRspQryTrade", -2),  # the answer to something else with the same number
        (1, "OnRspOrderInsert", -2),
        (2, "OnRspQryOrder", -2),
    ],
)
def test_the_place_for_a_query_is_free_after_its_answer_only(
    request_id: int, callback: str | None, code: int
) -> None:
    budget = limits()
    assert budget.take(ORDERS, 1, 0.0) == 0
    budget.answered(request_id, callback)
    assert budget.take(TRADES, 3, 0.1) == code


def test_a_disconnect_frees_the_place() -> None:
    budget = limits()
    budget.take(ORDERS, 1, 0.0)
    budget.disconnected()
    assert budget.take(ORDERS, 2, 0.0) == 0


def test_queries_per_second_count_over_any_second() -> None:
    budget = limits(2)
    codes = []
    for moment in (0.0, 0.6, 0.9, 1.0, 1.5, 1.6):
        codes.append(budget.take(ORDERS, 1, moment))
        budget.answered(1)
    assert codes == [0, 0, -3, 0, -3, 0]


def test_no_limit_is_no_limit() -> None:
    budget = limits(0)
    for number in range(1000):
        assert budget.take(ORDERS, number, 0.0) == 0
        budget.answered(number)


def test_a_flow_file_remembers(tmp_path: Path) -> None:
    flow = FlowFile(f"{tmp_path}/a")
    assert flow.load() == ("", 0)
    flow.store("20260105", 7)
    flow.store("20260106", 3)
    flow.close()
    again = FlowFile(f"{tmp_path}/a")
    assert again.load() == ("20260106", 3)
    again.close()
    assert [path.name for path in tmp_path.iterdir()] == ["aPrivate.con"]


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 15])
def test_a_damaged_flow_file_counts_as_new(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "Private.con").write_bytes(content)
    flow = FlowFile(f"{tmp_path}/")
    assert flow.load() == ("", 0)
    flow.close()


def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="missing"):
        FlowFile(f"{tmp_path}/missing/")
