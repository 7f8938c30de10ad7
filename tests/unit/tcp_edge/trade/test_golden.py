"""Every command of the trade service, request and reply as they are documented.

``tests/golden/ofx/CMD.json`` is a list of exchanges on one connection. Set CTPBUS_GOLDEN=write to
write them anew after a change that is meant; what a client reads then differs.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from pathlib import Path
from typing import Any, cast

import pytest

from bus.authcodes import Grant
from schemas.xtp.account import asset, positions
from schemas.xtp.instruments import Instruments
from tcp_edge.reply import failure
from tcp_edge.request import Request, parse
from tcp_edge.service import Client
from tcp_edge.stat import Failed, Stat
from tcp_edge.trade.account.book import Book
from tcp_edge.trade.desk import Desk
from tcp_edge.trade.orders.order import Order
from tcp_edge.trade.orders.placed import Placed
from tcp_edge.trade.queries.answers import Answer, Answers, Kind
from tcp_edge.trade.service import Trade
from tcp_edge.trade.setting import Setting
from tests.support.group import CHECKOUT
from tests.support.ofx_command import reply_to
from tests.unit.tcp_edge.trade import makers
from tests.unit.tcp_edge.trade.makers import AT_NS, RB, nothing, order, placed, trade

GOLDEN = CHECKOUT / "tests" / "golden" / "ofx"
NUMBER = placed("1").order_xtp_id
ACCOUNTS = {"right": "028742", "other": "100001"}
BUY = {
    "ticker": "rb2701",
    "market": "SHFE",
    "price": 3100.0,
    "quantity": 5,
    "price_type": 1,
    "side": 1,
    "position_effect": 1,
    "business_type": 0,
    "order_client_id": 1001,
}
SCRIPTS: dict[str, list[dict[str, Any]]] = {
    "210001": [{"cmd": 210001}, {"cmd": 210001, "authcode": "wrong"}],
    "210002": [{"cmd": 210002}],
    "210003": [{"cmd": 210003}],
    "210004": [{"cmd": 210004}],
    "200001": [
        {"cmd": 200001, "params": {"code": "rb2701", "market": "SHFE"}},
        {"cmd": 200001},
        {"cmd": 200001, "params": {"code": "rb2701", "market": "DCE"}},
        {"cmd": 200001, "params": {"code": "nothing"}},
        {"cmd": 200001, "params": []},
        {"cmd": 200001, "authcode": "other"},
    ],
    "200002": [
        {"cmd": 200002, "params": {"code": "rb2701", "market": 101}},
        {"cmd": 200002, "params": ""},
        {"cmd": 200002, "params": {"market": "nowhere"}},
        {"cmd": 200002, "authcode": "other"},
    ],
    "200003": [
        {"cmd": 200003, "params": {}},
        {"cmd": 210001},
        {"cmd": 200003, "params": {}},
        {"cmd": 200003, "reqid": 21},
        {"cmd": 200003, "reqid": 99},
        {"cmd": 200003, "reqid": 21, "authcode": "other"},
    ],
    "200004": [
        {"cmd": 200004},
        {"cmd": 210002},
        {"cmd": 200004, "reqid": 21},
        {"cmd": 210002},
        {"cmd": 200004},
        {"cmd": 200004, "latest": True},
        {"cmd": 200004, "params": 21},
        {"cmd": 200004, "reqid": "x"},
    ],
    "200005": [{"cmd": 210003}, {"cmd": 200005, "params": {"ReqId": 21}}],
    "200006": [{"cmd": 210004}, {"cmd": 200006, "reqid": 21}],
    "210005": [
        {"cmd": 210005, "params": BUY},
        {"cmd": 210005, "params": BUY | {"client_order_id": "mine"}},
        {"cmd": 210005, "params": BUY | {"client_order_id": "lost"}},
        {"cmd": 210005, "params": BUY | {"client_order_id": "x" * 65}},
        {"cmd": 210005, "params": [BUY]},
    ],
    "210006": [
        {"cmd": 210006, "params": NUMBER},
        {"cmd": 210006, "params": str(NUMBER)},
        {"cmd": 210006, "params": {"order_xtp_id": NUMBER}},
        {"cmd": 210006, "params": 2**64 - 1},
        {"cmd": 210006, "params": "rb2701"},
        {"cmd": 210006, "params": None},
    ],
}


class Guest:
    """Access by two authcodes."""

    async def grant(self, client: Client, request: Request, right: str) -> Grant:
        account = ACCOUNTS.get(request.authcode)
        if account is None:
            raise Failed(Stat.UNAUTHORIZED, "authcode wrong")
        return Grant(user="demo", account=account, rights=("trade",), expires=0, serial=1)

    def stands(self, client: Client, right: str, account: str) -> bool:
        return True


class Played:
    """A desk whose counter answers at once."""

    def __init__(self, book: Book, reqids: itertools.count[int]) -> None:
        self.book, self._reqids = book, reqids
        self.answers = Answers(1000, makers.DAY, self._texts)

    def start(self) -> None: ...

    async def opened(self) -> Book:
        return self.book

    async def ask(self, kind: Kind) -> int:
        answer = self.answers.begin(kind, next(self._reqids))
        self.answers.row(answer, b"", 0)
        answer.end()
        return answer.reqid

    async def place(self, order: Order) -> Placed:
        reqid = next(self._reqids)
        if order.own == "lost":
            raise Failed(Stat.NO_ANSWER, "td_worker did not answer", reqid)
        return placed("1", reqid=reqid)

    async def cancel(self, order_xtp_id: int) -> int:
        if self.book.known(order_xtp_id) is None:
            raise Failed(Stat.NOT_FOUND, "no such order today")
        return next(self._reqids)

    async def _texts(self, answer: Answer) -> tuple[list[bytes], bool]:
        return self._records(answer), True

    def _records(self, answer: Answer) -> list[bytes]:
        book = self.book
        if answer.kind == "assets":
            fields = nothing("TradingAccount") | {"Balance": 20000000.0, "Available": 18000000.0}
            return [book.encode(asset(fields | {"CurrMargin": 2000000.0}))]
        if answer.kind == "positions":
            row = nothing("InvestorPosition") | {
                "InstrumentID": "rb2701",
                "ExchangeID": "SHFE",
                "PosiDirection": "2",
                "Position": 5,
                "OpenCost": 154950.0,
            }
            return [book.encode(each) for each in positions([row], Instruments([RB]))]
        if answer.kind == "trades":
            return [book.encode(book.trade_record(trade("1", "t1", 2, 3100.0), AT_NS)[0])]
        return [book.encode(book.order_record(order("1", "1", 2), AT_NS)[0])]


def service() -> Trade:
    reqids = itertools.count(21)
    setting = cast(Any, Setting)(
        bus=None,
        name="gateway",
        folder=Path(),
        calendar=None,
        instruments=lambda: Instruments([RB]),
        instruments_loaded=None,
        next_reqid=reqids.__next__,
        day_of=lambda ns: makers.DAY,
        big_ints=False,
        max_records=1000,
    )
    made = Trade(setting, Guest(), "")
    for account in ACCOUNTS.values():
        made._desks[account] = cast(Desk, Played(makers.book(), reqids))
    book = made._desks["028742"].book
    assert book is not None
    book.place(placed("1"))
    book.order(order("1", "3"), AT_NS)
    book.order(order("1", "1", 2), AT_NS)
    book.trade(trade("1", "t1", 2, 3100.0), AT_NS)
    return made


async def converse(script: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made, client, said = service(), Client("127.0.0.1"), []
    for request in script:
        try:
            asked = parse(json.dumps({"authcode": "right"} | request))
            reply = await reply_to(made, client, asked)
        except Failed as exc:
            reply = failure(exc)
        said.append({"request": request, "reply": json.loads(reply.body)})
    return said


@pytest.mark.parametrize("command", list(SCRIPTS))
def test_a_command_is_answered_as_ever(command: str) -> None:
    said = asyncio.run(converse(SCRIPTS[command]))
    file = GOLDEN / f"{command}.json"
    if os.environ.get("CTPBUS_GOLDEN") == "write":
        file.write_text(json.dumps(said, indent=1) + "\n", "ascii")
    assert said == json.loads(file.read_text("ascii"))


def test_every_command_of_the_service_has_its_file() -> None:
    assert {int(name) for name in SCRIPTS} == set(service().commands)
    assert {file.stem for file in GOLDEN.glob("2*.json")} == set(SCRIPTS)


def test_a_list_has_the_shape_of_its_listener() -> None:
    async def ask(shape: Any) -> Any:
        request = parse(json.dumps({"cmd": 200002, "authcode": "right"}))
        client = Client("127.0.0.1", shape=shape)
        return json.loads((await reply_to(service(), client, request)).body)

    (text,) = asyncio.run(ask("string"))
    assert asyncio.run(ask("nested")) == [[text]]
    assert asyncio.run(ask("object")) == [json.loads(text)]


def test_pushes_are_for_who_wants_them_of_his_own_account_only() -> None:
    pushed: list[tuple[str, int]] = []
    made = service()

    async def run() -> None:
        mine = Client("a", push=lambda kind, seq, record: pushed.append((kind, seq)))
        other = Client("b", push=lambda kind, seq, record: pushed.append(("leak", seq)))
        for client, code in ((mine, "right"), (other, "other")):
            text = {"cmd": 200003, "authcode": code, "push": ["order", "trade"]}
            await reply_to(made, client, parse(json.dumps(text)))
        made._on_event("028742", "order", b"{}")
        made._on_event("028742", "order", b"{}")
        made._on_event("028742", "trade", b"{}")
        made.gone(mine)
        made._on_event("028742", "trade", b"{}")

    asyncio.run(run())
    assert pushed == [("order", 1), ("order", 2), ("trade", 1)]


@pytest.mark.parametrize("push", [["tick"], "order", [1], {"order": 1}])
def test_what_cannot_be_pushed_is_refused(push: object) -> None:
    client = Client("a", push=lambda kind, seq, record: None)
    request = parse(json.dumps({"cmd": 200003, "authcode": "right", "push": push}))
    with pytest.raises(Failed) as caught:
        asyncio.run(cast(Any, service().commands[200003](client, request)))
    assert caught.value.stat is Stat.BAD_REQUEST
