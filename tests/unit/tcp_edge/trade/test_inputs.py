"""What a client's order becomes when it depends on what the counter says now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bus.client import Account
from bus.frames import Flag, Row, message_type
from schemas.xtp.instruments import Instrument, Instruments
from tcp_edge.stat import Failed, Stat
from tcp_edge.trade.orders.inputs import wanted
from tcp_edge.trade.orders.reserved import Reserved
from tcp_edge.trade.setting import Setting
from tests.unit.tcp_edge.trade.makers import CATALOGUE, RB, nothing

STOCK = Instrument("600000", "SSE", 1, "E", "600000")
SELL = {"ticker": "rb2701", "price": 3100.0, "quantity": 2, "price_type": 1, "side": 2}
TYPE = message_type("OnRspQryInvestorPosition")


def position(date: str, lots: int, frozen: int = 0, **more: Any) -> dict[str, Any]:
    return {
        **nothing("InvestorPosition"),
        "InstrumentID": "rb2701",
        "PosiDirection": "2",
        "HedgeFlag": "1",
        "PositionDate": date,
        "Position": lots,
        "ShortFrozen": frozen,
    } | more


class Counter:
    """Answers each query with these positions, or with an error."""

    user = "028742"
    catalogue = CATALOGUE
    session: dict[str, Any] = {"BrokerID": "9999"}  # noqa: RUF012

    def __init__(self, rows: list[dict[str, Any]], error: int = 0) -> None:
        self.rows, self.error, self.asked = rows, error, 0

    async def request(
        self, method: str, body: object, on_row: Callable[[Row], None], **options: Any
    ) -> Row:
        assert method == "ReqQryInvestorPosition"
        assert options["fresh"]
        self.asked += 1
        codec = CATALOGUE.codec("InvestorPosition")
        for row in self.rows:
            on_row(self._row(Flag.HAS_FIELD, codec.pack(row)))
        if self.error:
            info = CATALOGUE.codec("RspInfo").pack({"ErrorID": self.error})
            return self._row(Flag.HAS_INFO | Flag.LAST, info)
        return self._row(Flag.LAST, b"")

    def _row(self, flags: int, body: bytes) -> Row:
        return Row(1, 0, 0, TYPE, CATALOGUE.layout_id, flags, body)


def offset(counter: Counter, params: dict[str, Any], *, auto: bool = True) -> str:
    setting = SimpleNamespace(
        bus=SimpleNamespace(catalogue=CATALOGUE),
        instruments=lambda: Instruments([RB, STOCK]),
        auto_offset=auto,
        fak_minimum=False,
    )
    made = wanted(params, cast(Account, counter), cast(Setting, setting), Reserved(list))
    return str(asyncio.run(made).fields["CombOffsetFlag"])


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([], "0"),
        ([position("2", 2)], "1"),
        ([position("1", 2)], "3"),
        ([position("1", 2), position("2", 1)], "3"),
        ([position("2", 3, frozen=1)], "1"),
        ([position("1", 2, frozen=2)], "0"),
        ([position("2", 2, HedgeFlag="3")], "0"),
        ([position("2", 2, PosiDirection="3")], "0"),
        ([position("2", 2, InstrumentID="rb2705")], "0"),
    ],
)
def test_auto_offset_closes_what_is_free_and_opens_otherwise(
    rows: list[dict[str, Any]], chosen: str
) -> None:
    assert offset(Counter(rows), SELL) == chosen


@pytest.mark.parametrize("rows", [[position("1", 1)], [position("2", 3, frozen=2)]])
def test_what_one_offset_cannot_express_is_the_clients_to_say(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(Failed, match="position_effect required"):
        offset(Counter(rows), SELL)


def test_without_an_answer_of_the_counter_nothing_is_opened() -> None:
    with pytest.raises(Failed):
        offset(Counter([position("2", 2)], error=90), SELL)


def test_who_says_the_offset_and_who_trades_stocks_waits_for_no_query() -> None:
    counter = Counter([])
    assert offset(counter, SELL | {"position_effect": 2}) == "1"
    assert offset(counter, SELL | {"ticker": "600000"}) == "1"
    with pytest.raises(Failed) as failed:
        offset(counter, SELL, auto=False)
    assert failed.value.stat == Stat.BAD_REQUEST
    assert counter.asked == 0


@pytest.mark.parametrize("side", [1, "1", 1.0, "01", " 1 "])
def test_what_is_closed_is_on_the_other_side_however_the_side_is_written(side: object) -> None:
    long, short = position("2", 2), position("2", 2, PosiDirection="3")
    assert offset(Counter([long]), SELL | {"side": side}) == "0"
    assert offset(Counter([short]), SELL | {"side": side}) == "1"
    assert offset(Counter([short]), SELL | {"side": side, "position_effect": 0.0}) == "1"
