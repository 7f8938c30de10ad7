"""The stand-in front through the real binding: what the other tests on it rely on."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

import schemas.catalogue
from schemas.catalogue import Side
from schemas.codec import DBL_MAX, Value
from schemas.layout import Layout
from tests.support.front import Front
from tests.support.group import CHECKOUT

pytestmark = pytest.mark.front

CATALOGUE = schemas.catalogue.load()
TIMEOUT_S = 10.0


@dataclass
class Event:
    """One callback; ``field`` and ``info`` are struct bytes, ``shown`` the properties of field."""

    name: str
    at: int
    field: bytes | None
    shown: dict[str, Value] | None
    info: bytes | None
    numbers: list[int]

    @property
    def error(self) -> Value:
        return CATALOGUE.codec("RspInfo").get(self.info, "ErrorID") if self.info else None

    @property
    def error_text(self) -> Value:
        return CATALOGUE.codec("RspInfo").get(self.info, "ErrorMsg") if self.info else None

    @property
    def last(self) -> bool:
        return bool(self.numbers[-1])


class Driver:
    """tests.front.driver as a child process under the front."""

    def __init__(self, side: Side, folder: Path, front: Front) -> None:
        self.side: Side = side
        self.front = front
        self._returned: Queue[Any] = Queue()
        self._events: Queue[Event] = Queue()
        (folder / "flow").mkdir()
        with (folder / "driver.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.front.driver", side, str(folder / "flow")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=CHECKOUT,
                env=os.environ | front.env,
            )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            assert self._process.wait(TIMEOUT_S) == 0
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            self._process.stdout.close()

    def call(self, name: str, request_id: int = 0, /, **values: Value) -> Any:
        struct = CATALOGUE.api(self.side).requests[name].struct
        return self.raw_call(name, CATALOGUE.codec(struct).pack(values), request_id)

    def raw_call(self, name: str, raw: bytes, request_id: int) -> Any:
        return self.tell(call=name, raw=raw.hex(), id=request_id)

    def tell(self, **call: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        return self._returned.get(timeout=TIMEOUT_S)

    def wait(self, name: str) -> Event:
        """The next callback of this name; others before it are passed over."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                raise AssertionError(f"{name} did not come") from None
            if event.name == name:
                return event

    def rows(self, name: str) -> list[Event]:
        rows = [self.wait(name)]
        while not rows[-1].last:
            rows.append(self.wait(name))
        return rows

    def login(self, password: str = "good") -> Event:
        self.call("ReqUserLogin", 1, BrokerID="9999", UserID="u1", Password=password)
        return self.wait("OnRspUserLogin")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "returned" in said:
                self._returned.put(said["returned"])
            elif "callback" in said:
                self._events.put(self._event(said))

    def _event(self, said: dict[str, Any]) -> Event:
        callback = CATALOGUE.api(self.side).callbacks[said["callback"]]
        values: list[Any] = list(said["values"])
        field = values.pop(0) if callback.struct else None
        info = values.pop(0) if callback.has_info else None
        return Event(
            callback.name,
            said["at"],
            bytes.fromhex(field["raw"]) if field else None,
            field["shown"] if field else None,
            bytes.fromhex(info["raw"]) if info else None,
            values,
        )


Start = Callable[..., Driver]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """start("td", FLOW=1) is a connected driver on a front with these settings."""
    drivers = []

    def begin(side: Side, **settings: float | str) -> Driver:
        driver = Driver(side, tmp_path, Front(tmp_path, **settings))
        drivers.append(driver)
        driver.wait("OnFrontConnected")
        return driver

    yield begin
    for driver in drivers:
        driver.close()


def get(event: Event, name: str) -> Value:
    assert event.shown is not None
    return event.shown[name]


def random_struct(layout: Layout, rng: random.Random) -> bytes:
    """Text in ASCII and Chinese, whole numbers and fractions, DBL_MAX here and there."""
    values: dict[str, Value] = {}
    for field in layout.fields:
        if field.kind == "s":
            text = "".join(rng.choices("aZ0 期货", k=rng.randrange(field.size)))
            values[field.name] = text.encode("gb18030")[: field.size - 1].decode(
                "gb18030", "ignore"
            )
        elif field.kind == "c":
            values[field.name] = rng.choice("0aZ")
        elif field.kind == "d":
            values[field.name] = rng.choice([None, 0.0, -1.5, 3001.2])
        else:
            values[field.name] = rng.randrange(-(2**15), 2**15)
    return CATALOGUE.codec(layout.name).pack(values)


def shown_as_unpacked(shown: dict[str, Value], raw: bytes, struct: str) -> None:
    unpacked = CATALOGUE.codec(struct).unpack(raw)
    for name, value in shown.items():
        expected = DBL_MAX if unpacked[name] is None else unpacked[name]
        assert value == expected, f"{struct}.{name}"


@pytest.mark.parametrize("side", ["md", "td"])
def test_every_request_reaches_the_front_as_it_is_and_is_answered(side: Side, start: Start) -> None:
    driver = start(side, TICK_RATE=-1)
    driver.login()
    rng = random.Random(7)
    # The logout last: nothing after it would be answered as it should.
    requests = sorted(CATALOGUE.api(side).requests.values(), key=lambda r: r.name.endswith("out"))
    for number, request in enumerate(requests, start=100):
        raw = random_struct(CATALOGUE.layouts[request.struct], rng)
        assert driver.raw_call(request.name, raw, number) == 0
        reply = driver.rows(request.reply)[-1]
        assert reply.numbers == [number, True]
        assert driver.front.requests()[-1] == (request.name, number, raw)


@pytest.mark.parametrize("side", ["md", "td"])
def test_every_callback_can_be_raised_with_any_bytes(side: Side, start: Start) -> None:
    driver = start(side)
    rng = random.Random(8)
    for number, callback in enumerate(CATALOGUE.api(side).callbacks.values()):
        layout = CATALOGUE.layouts[callback.struct] if callback.struct else None
        field = random_struct(layout, rng) if layout else None
        info = random_struct(CATALOGUE.layouts["RspInfo"], rng) if callback.has_info else None
        driver.front.raise_callback(callback.name, field, info, number, last=False)
        event = driver.wait(callback.name)
        assert (event.field, event.info) == (field, info), callback.name
        expected = [number, False] if callback.has_id else [number] if callback.number else []
        assert event.numbers == expected
        if layout and field and event.shown:
            shown_as_unpacked(event.shown, field, layout.name)


@pytest.mark.parametrize("side", ["md", "td"])
def test_a_null_pointer_arrives_as_none(side: Side, start: Start) -> None:
    driver = start(side)
    driver.front.raise_callback("OnRspUserLogout")
    event = driver.wait("OnRspUserLogout")
    assert (event.field, event.info) == (None, None)


def test_ticks_go_round_the_instruments_and_carry_their_stamps(start: Start) -> None:
    driver = start("md", TICK_RATE=500, TICK_COUNT=20)
    assert driver.tell(call="GetTradingDay") == "19800100"
    login = driver.login()
    assert (login.error, get(login, "SystemName")) == (0, "行情替身")
    assert driver.tell(call="GetTradingDay") == get(login, "TradingDay")
    names = ["rb2601", "IF2601", "sc2601"]
    driver.tell(call="SubscribeMarketData", instruments=names)
    answers = [driver.wait("OnRspSubMarketData") for _ in names]
    assert [get(answer, "InstrumentID") for answer in answers] == names
    assert [answer.last for answer in answers] == [False, False, True]
    ticks = [driver.wait("OnRtnDepthMarketData") for _ in range(20)]
    assert [get(tick, "InstrumentID") for tick in ticks[:6]] == names * 2
    assert [get(tick, "Volume") for tick in ticks] == list(range(1, 21))
    assert get(ticks[0], "AskPrice2") == get(ticks[0], "CurrDelta") == DBL_MAX
    for tick in ticks:
        began, due = get(tick, "Turnover"), get(tick, "OpenInterest")
        assert isinstance(began, float)
        assert isinstance(due, float)
        assert due <= began <= tick.at
    assert driver.front.report("mdfront")["ticks"] == 20
    driver.tell(call="UnSubscribeMarketData", instruments=names[:1])
    assert get(driver.wait("OnRspUnSubMarketData"), "InstrumentID") == "rb2601"


def test_a_subscription_before_the_login_is_refused(start: Start) -> None:
    driver = start("md")
    driver.tell(call="SubscribeMarketData", instruments=["rb2601"])
    assert driver.wait("OnRspSubMarketData").error == 6


def test_a_disconnect_ends_the_login_and_comes_back(start: Start) -> None:
    driver = start("md", TICK_RATE=100)
    driver.login()
    driver.front.disconnect(0.2, 0x2001)
    gone = driver.wait("OnFrontDisconnected")
    assert gone.numbers == [0x2001]
    assert driver.call("ReqUserLogin", 2) == -1
    assert driver.wait("OnFrontConnected").at - gone.at > 0.19e9
    driver.tell(call="SubscribeMarketData", instruments=["rb2601"])
    assert driver.wait("OnRspSubMarketData").error == 6


def test_passwords_stand_for_the_states_of_an_account(start: Start) -> None:
    driver = start("td")
    driver.call("ReqAuthenticate", 1, AuthCode="bad")
    refused = driver.wait("OnRspAuthenticate")
    assert (refused.error, refused.error_text) == (63, "CTP:客户端认证失败")
    errors = {password: driver.login(password).error for password in ("bad", "weak", "expired")}
    assert errors == {"bad": 3, "weak": 131, "expired": 141}
    change = {"BrokerID": "9999", "UserID": "u1", "OldPassword": "expired"}
    driver.call("ReqUserPasswordUpdate", 2, **change, NewPassword="good")
    assert driver.wait("OnRspUserPasswordUpdate").error == 0
    assert driver.login("expired").error == 3
    login = driver.login("good")
    assert (login.error, get(login, "SystemName")) == (0, "交易替身")
    assert get(driver.wait("OnRtnInstrumentStatus"), "InstrumentStatus") == "2"


def order(ref: str, price: float, instrument: str = "rb2601") -> dict[str, Value]:
    return {
        "BrokerID": "9999",
        "InvestorID": "u1",
        "InstrumentID": instrument,
        "OrderRef": ref,
        "OrderPriceType": "2",
        "Direction": "0",
        "CombOffsetFlag": "0",
        "LimitPrice": price,
        "VolumeTotalOriginal": 2,
    }


@pytest.fixture
def trader(start: Start) -> Driver:
    driver = start("td")
    driver.login()
    driver.call("ReqSettlementInfoConfirm", 2, BrokerID="9999", InvestorID="u1")
    driver.wait("OnRspSettlementInfoConfirm")
    return driver


def test_an_order_needs_the_settlement_confirmed(start: Start) -> None:
    driver = start("td")
    driver.login()
    driver.call("ReqQrySettlementInfoConfirm", 3)
    assert driver.wait("OnRspQrySettlementInfoConfirm").field is None
    driver.call("ReqOrderInsert", 4, **order("2", 3001.0))
    assert driver.wait("OnRspOrderInsert").error == 42


def test_an_order_is_accepted_and_traded(trader: Driver) -> None:
    trader.call("ReqOrderInsert", 11, **order("2", 3001.0))
    accepted, traded = trader.wait("OnRtnOrder"), trader.wait("OnRtnOrder")
    assert [get(accepted, n) for n in ("OrderStatus", "StatusMsg")] == ["3", "未成交"]
    assert [get(traded, n) for n in ("OrderStatus", "StatusMsg")] == ["0", "全部成交"]
    trade = trader.wait("OnRtnTrade")
    assert (get(trade, "Price"), get(trade, "Volume")) == (3001.0, 2)
    assert get(trade, "OrderSysID") == get(accepted, "OrderSysID")
    trader.call("ReqQryOrder", 12)
    assert [get(row, "OrderStatus") for row in trader.rows("OnRspQryOrder")] == ["0"]


def test_refused_orders_answer_twice(trader: Driver) -> None:
    trader.call("ReqOrderInsert", 11, **order("2", 3001.0, "zz9999"))
    reply, error_return = trader.wait("OnRspOrderInsert"), trader.wait("OnErrRtnOrderInsert")
    assert reply.error == error_return.error == 16
    assert (reply.error_text, reply.numbers) == ("CTP:找不到合约", [11, True])
    trader.call("ReqOrderInsert", 12, **order("1", 3001.0))
    assert trader.wait("OnRspOrderInsert").error == 22


def test_an_order_at_1_rests_until_it_is_cancelled(trader: Driver) -> None:
    trader.call("ReqOrderInsert", 11, **order("2", 1.0))
    resting = trader.wait("OnRtnOrder")
    names = ("FrontID", "SessionID", "OrderRef")
    action = {name: get(resting, name) for name in names} | {"ActionFlag": "0"}
    trader.call("ReqOrderAction", 12, **action)
    assert get(trader.wait("OnRtnOrder"), "OrderStatus") == "5"
    trader.call("ReqOrderAction", 13, **action)
    assert trader.wait("OnRspOrderAction").error == 26
    assert trader.wait("OnErrRtnOrderAction").error == 26


def test_a_new_login_hears_the_private_stream_again(trader: Driver) -> None:
    trader.call("ReqOrderInsert", 11, **order("2", 3001.0))
    trader.wait("OnRtnTrade")
    trader.front.disconnect(0.05)
    trader.wait("OnFrontConnected")
    trader.login()
    statuses = [get(trader.wait("OnRtnOrder"), "OrderStatus") for _ in range(2)]
    assert statuses == ["3", "0"]
    trader.wait("OnRtnTrade")


def test_instruments_and_a_settlement_cut_inside_a_character(trader: Driver) -> None:
    trader.call("ReqQryInstrument", 5)
    rows = trader.rows("OnRspQryInstrument")
    named = {get(row, "InstrumentID"): row for row in rows}
    assert len(rows) == len(named) == 800
    assert get(named["TA601"], "InstrumentName") == "精对苯二甲酸2601"
    assert get(named["au2601"], "PriceTick") == 0.02
    trader.call("ReqQrySettlementInfo", 6)
    rows = trader.rows("OnRspQrySettlementInfo")
    assert len(rows) > 2
    content = next(f for f in CATALOGUE.layouts["SettlementInfo"].fields if f.name == "Content")
    pieces = [row.field[content.offset :][:500] for row in rows if row.field]
    assert b"".join(pieces).rstrip(b"\0").decode("gb18030").startswith("交易结算单")


def test_flow_control_returns_2_and_3(start: Start) -> None:
    driver = start("td", FLOW=1, QRY_FREQ=1, QRY_DELAY_MS=300)
    driver.login()
    # GetFrontInfo is in the API since 6.7.7.
    assert driver.tell(call="GetFrontInfo") == (1 if "FrontInfo" in CATALOGUE.layouts else None)
    assert driver.call("ReqQryTradingAccount", 1) == 0
    assert driver.call("ReqQryTradingAccount", 2) == -2
    driver.wait("OnRspQryTradingAccount")
    assert driver.call("ReqQryTradingAccount", 3) == -3
    time.sleep(1.0)
    assert driver.call("ReqQryTradingAccount", 4) == 0
    assert driver.wait("OnRspQryTradingAccount").numbers == [4, True]


def test_faults_befall_any_request(trader: Driver) -> None:
    front = trader.front
    front.fault("ReqQryTrade", "return", number=-3)
    front.fault("ReqQryTrade", "lose")
    front.fault("ReqQryTrade", "rsperror", number=90, text="CTP：查询未就绪，请稍后重试")
    front.fault("ReqOrderInsert", "error", number=31, text="CTP:资金不足")
    front.raise_callback("OnHeartBeatWarning", number=1)
    trader.wait("OnHeartBeatWarning")  # so it has read the lines before this one
    assert trader.call("ReqQryTrade", 21) == -3
    assert trader.call("ReqQryTrade", 22) == 0
    assert trader.call("ReqQryTrade", 23) == 0
    error = trader.wait("OnRspError")
    assert (error.error, error.error_text) == (90, "CTP：查询未就绪，请稍后重试")
    assert error.numbers == [23, True]
    trader.call("ReqOrderInsert", 24, **order("2", 3001.0))
    assert trader.wait("OnRspOrderInsert").error == 31
    assert trader.wait("OnErrRtnOrderInsert").error_text == "CTP:资金不足"
    trader.call("ReqQryTrade", 25)
    assert trader.wait("OnRspQryTrade").numbers == [25, True]
