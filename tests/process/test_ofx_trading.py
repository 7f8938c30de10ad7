"""Orders by OFX over real sockets: to the exchange once, seen by every client of the account and
by nobody else, with the same numbers after any kill."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.orders import KillSwitch
from bus.secrets import Secret
from bus.users import User, Users
from sim.control import SimControl
from tests.support.buslink import TdLink
from tests.support.group import Group
from tests.support.ofx_client import OfxClient, key_of
from tests.support.ws_client import ONE_LOT, ws

USERS = {"anna": "028742", "bert": "028742", "carl": "100001"}
OPEN = ExitStack()  # connections of one test
PASSWORDS = {"028742": "123456", "100001": "123456"}
WAIT_S = 30.0


class Market:
    """What is traded; the embedded exchange has one seed. ``rests`` and ``fills``: prices."""

    code = ""
    rests = fills = 0.0


class Desk:
    """A user with a connection to the trade service."""

    def __init__(self, group: Group, user: str) -> None:
        assert group.running("tcp_edge"), group.log("tcp_edge")[-4000:]
        key, ready = key_of(group.data), group.ready["tcp_edge"]
        with OfxClient(ready["login"], key) as login:
            self.route = login.ask(1, {"username": user, "password": "secret"})
        self.client = OfxClient(ready["trade"], key)
        OPEN.callback(self.client.close)
        self.authcode = self.route["authcode"]

    def ask(self, cmd: int, params: object = None, **more: object) -> Any:
        return self.client.ask(cmd, params, authcode=self.authcode, **more)

    def good(self, cmd: int, params: object = None, **more: object) -> Any:
        reply = self.ask(cmd, params, **more)
        assert not (isinstance(reply, dict) and reply.get("stat", 200) != 200), reply
        return reply

    def place(self, price: object = 0.0, **more: object) -> Any:
        """Buys a lot; by default at a price at which it rests."""
        order = {"ticker": Market.code, "quantity": 1, "price_type": 1, "side": 1}
        order |= {"price": Market.rests if price == 0.0 else price, "position_effect": 1}
        return self.ask(210005, order | more)

    def placed(self, price: float = 0.0, **more: object) -> int:
        reply = self.place(price, **more)
        assert reply["stat"] == 200, reply
        return int(reply["order_xtp_id"])

    def events(self, cmd: int = 200001) -> list[dict[str, Any]]:
        return items(self.good(cmd))

    def states(self, number: int) -> list[int]:
        return [e["order_status"] for e in self.events() if e["order_xtp_id"] == number]

    def until(self, number: int, status: int) -> dict[str, Any]:
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [e for e in self.events() if e["order_xtp_id"] == number]
            return bool(found) and found[-1]["order_status"] == status

        wait_for(there, lambda: f"{number} has {found}")
        return found[-1]

    def query(self, ask: int, read: int) -> Any:
        reqid = self.good(ask)["reqid"]
        return self.good(read, reqid=reqid, wait=20_000)


def items(reply: Any) -> list[dict[str, Any]]:
    return [json.loads(item) for item in reply]


def wait_for(fact: Callable[[], bool], why: Callable[[], str] = lambda: "") -> None:
    until = time.monotonic() + WAIT_S
    while not fact():
        assert time.monotonic() < until, why()
        time.sleep(0.05)


def start(folder: Path) -> Group:
    accounts = [{"user": user, "password": word} for user, word in PASSWORDS.items()]
    ports = {name: {"port": 0} for name in ("login", "quote", "trade")}
    group = Group(
        folder,
        overrides={
            "calendar": "always",
            "sim": {"queries_per_second": 0},
            "td_worker": {
                "retry_s": 0.2,
                "step_s": 0.5,
                "unsent_s": 1,
                "queries_per_s": 50,
                "accounts": accounts,
            },
            "tcp_edge": {**ports, "auto_offset": True},
        },
    )
    group.data.mkdir(mode=0o700, exist_ok=True)
    users = Users(group.data / "users.db", make=True)
    for name, account in USERS.items():
        users.add(User(name=name, account=account, created=1), Secret("secret"))
    return group


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    with start(tmp_path_factory.mktemp("ofx")) as group:
        group.start("sim", "md_worker", "td_worker", "ws_edge", "recorder", "tcp_edge")
        with ws(group.url("/td/")) as client:
            client.log_in()
            client.send(MsgType="ReqQryInstrument", QryInstrument={"ProductID": "rb"})
            Market.code = client.hear_of("RspQryInstrument")["Instrument"]["InstrumentID"]
        with SimControl(group.config["sim"]["listen"]) as sim:
            prices = sim.snapshot(Market.code)
        Market.rests, Market.fills = prices["LowerLimitPrice"], prices["UpperLimitPrice"]
        with OPEN:
            for user in ("anna", "carl"):
                serving(group, user)
        yield group


@pytest.fixture(autouse=True)
def connections() -> Iterator[None]:
    with OPEN:
        yield


def ledger(group: Group) -> list[dict[str, Any]]:
    with SimControl(group.config["sim"]["listen"]) as sim:
        return sim.ledger()


def serving(group: Group, user: str = "anna") -> Desk:
    """A connection, when the account is ready."""
    desk = Desk(group, user)
    wait_for(lambda: desk.ask(210001)["stat"] == 200)
    return desk


def accepted(group: Group) -> int:
    return sum(entry["kind"] == "AcceptedOrder" for entry in ledger(group))


def test_an_order_is_placed_seen_queried_and_cancelled(group: Group) -> None:
    anna, before = Desk(group, "anna"), accepted(group)
    reply = anna.place(order_client_id=12, price_type=101)  # kills what does not fill
    number = reply["order_xtp_id"]
    assert 0 < number < 2**53
    ended = anna.until(number, 5)
    assert (ended["order_client_id"], ended["price_type"]) == (12, 101)
    rests = anna.placed(order_client_id=13)
    shown = anna.until(rests, 4)
    listed = {each["order_xtp_id"]: each for each in items(anna.query(210003, 200005))}
    assert listed[rests]["order_status"] == 4
    assert listed[rests]["insert_time"] == shown["insert_time"]
    assert anna.ask(210006, rests)["stat"] == 200
    anna.until(rests, 5)
    assert accepted(group) == before + 2


def test_a_fill_is_told_with_its_trade_and_changes_positions(group: Group) -> None:
    anna = Desk(group, "anna")
    number = anna.placed(Market.fills, order_client_id=14)
    wait_for(lambda: anna.states(number)[-1:] == [1])
    done = anna.until(number, 1)
    assert done["trade_amount"] > 0
    (trade,) = [each for each in anna.events(200002) if each["order_xtp_id"] == number]
    assert (trade["order_client_id"], trade["quantity"]) == (14, 1)
    assert trade["trade_amount"] == done["trade_amount"]
    assert trade["order_xtp_id"] in [
        each["order_xtp_id"] for each in items(anna.query(210004, 200006))
    ]
    positions = items(anna.query(210002, 200004))
    (mine,) = [each for each in positions if each["ticker"] == Market.code]
    assert (mine["total_qty"] >= 1, mine["position_direction"]) == (True, 1)
    assert anna.query(210001, 200003)["withholding_amount"] >= 0
    by_code = items(anna.good(200002, {"code": Market.code, "market": "SHFE"}))
    assert trade["exec_id"] in [each["exec_id"] for each in by_code]
    assert items(anna.good(200002, {"market": "CZCE"})) == []


def test_an_order_by_ofx_is_seen_by_a_websocket_client_and_the_other_way_round(
    group: Group,
) -> None:
    anna = Desk(group, "anna")
    with ws(group.url("/td/")) as client:
        client.log_in()
        number = anna.placed()
        heard = client.hear_of("RtnOrder")["Order"]
        while heard["OrderSysID"].strip() == "":
            heard = client.hear_of("RtnOrder")["Order"]
        ours = anna.until(number, 4)
        assert ours["order_exch_id"] == heard["OrderSysID"].strip()
        order = ONE_LOT | {"InstrumentID": Market.code, "ExchangeID": "SHFE", "OrderRef": "7"}
        order |= {"LimitPrice": Market.rests}
        client.send(MsgType="ReqOrderInsert", InputOrder=order)
        known = {each["order_xtp_id"] for each in anna.events()}
        wait_for(lambda: bool({e["order_xtp_id"] for e in anna.events()} - known))
        (theirs,) = {each["order_xtp_id"] for each in anna.events()} - known
        anna.until(theirs, 4)
        assert anna.ask(210006, {"order_xtp_id": str(theirs)})["stat"] == 200
        anna.until(theirs, 5)
        wait_for(lambda: client.hear_of("RtnOrder")["Order"]["OrderStatus"] == "5")


def test_two_users_of_two_accounts_never_see_each_other(group: Group) -> None:
    anna, bert, carl = (Desk(group, name) for name in USERS)
    number = anna.placed()
    anna.until(number, 4)
    bert.until(number, 4)
    assert carl.states(number) == []
    assert carl.ask(210006, number)["stat"] == 404
    reqid = anna.good(210001)["reqid"]
    assert anna.good(200003, reqid=reqid, wait=20_000)["total_asset"] > 0
    assert carl.ask(200003, reqid=reqid)["stat"] == 404
    assert carl.good(200003) == {} or carl.good(200003)["total_asset"] == 20_000_000
    assert anna.states(number)[-1] == 4, "nobody else has cancelled it"


def test_a_refusal_of_the_counter_is_told_as_a_rejected_order(group: Group) -> None:
    anna = Desk(group, "anna")
    number = anna.placed(quantity=2_000_000_000, order_client_id=15)
    told = anna.until(number, 6)
    assert told["order_submit_status"] == 3
    assert told["order_client_id"] == 15
    assert told["error_id"] != 0
    assert told["error_msg"]
    assert anna.states(number) == [6]
    listed = {each["order_xtp_id"]: each for each in items(anna.query(210003, 200005))}
    assert listed[number]["order_status"] == 6


@pytest.mark.parametrize(
    ("params", "stat"),
    [
        ({"ticker": "nothing"}, 404),
        ({"quantity": 0}, 400),
        ({"quantity": "1.5"}, 400),
        ({"price": "nan"}, 400),
        ({"price": None}, 400),
        ({"side": 99}, 400),
        ({"position_effect": 9}, 400),
        ({"stop_price": 1}, 400),
        ({"client_order_id": "x" * 65}, 400),
        ({"client_order_id": []}, 400),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_no_event(
    group: Group, params: dict[str, object], stat: int
) -> None:
    anna = Desk(group, "anna")
    before = anna.events()
    reply = anna.place(**params)
    assert (reply["stat"], reply["reqid"]) == (stat, 0)
    assert anna.events() == before


def test_a_client_order_id_makes_a_repetition_harmless(group: Group) -> None:
    anna, before = Desk(group, "anna"), accepted(group)
    first = anna.place(client_order_id="mine")
    assert first["stat"] == 200
    assert anna.place(client_order_id="mine") == first
    assert anna.place(client_order_id="mine", quantity=2)["stat"] == 409
    bert = Desk(group, "bert")
    assert bert.place(client_order_id="mine")["order_xtp_id"] != first["order_xtp_id"]
    assert accepted(group) == before + 2


def test_two_orders_at_one_moment_do_not_close_the_same_lots(group: Group) -> None:
    both = [Desk(group, "carl"), Desk(group, "carl")]
    one = both[0]
    one.until(one.placed(Market.fills), 1)
    sells = {"ticker": Market.code, "quantity": 1, "price_type": 1, "side": 2}
    sells |= {"price": Market.fills}  # rests
    for desk in both:
        desk.client.send(210005, sells, authcode=desk.authcode)
    replies = [desk.client.receive() for desk in both]
    assert [reply["stat"] for reply in replies] == [200, 200]
    rest = [one.until(reply["order_xtp_id"], 4) for reply in replies]
    assert sorted(each["position_effect"] for each in rest) == [1, 4], "opens, and closes today's"
    for each in rest:
        assert one.ask(210006, each["order_xtp_id"])["stat"] == 200
        one.until(each["order_xtp_id"], 5)


def test_a_cancel_that_the_front_refuses_is_an_event_also_after_a_restart(group: Group) -> None:
    anna = Desk(group, "anna")
    rests = anna.placed(order_client_id=16)
    anna.until(rests, 4)
    assert anna.ask(210006, rests)["stat"] == 200
    anna.until(rests, 5)

    def refused() -> list[dict[str, Any]]:
        mine = [each for each in anna.events() if each["order_xtp_id"] == rests]
        return [each for each in mine if each["order_submit_status"] == 5]

    assert anna.ask(210006, rests)["stat"] == 200, "it was passed on"
    wait_for(lambda: len(refused()) == 1)
    with SimControl(group.config["sim"]["listen"]) as sim:
        sim.lose("OnErrRtnOrderAction")
        assert anna.ask(210006, rests)["stat"] == 200
        wait_for(lambda: len(refused()) == 2)
        sim.clear()
    told = anna.events()
    for each in refused():
        assert each["order_status"] == 5
        assert (each["error_id"], each["order_client_id"]) == (26, 16)
        assert each["error_msg"]
    group.restart("tcp_edge")
    assert serving(group).events() == told


def test_what_the_api_does_not_take_is_429_and_may_be_repeated(group: Group) -> None:
    anna, before = serving(group), accepted(group)
    events = anna.events()
    with SimControl(group.config["sim"]["listen"]) as sim:
        sim.returns("ReqOrderInsert", -2)
        assert anna.place(client_order_id="again")["stat"] == 429
        sim.returns("ReqOrderInsert", -3)
        assert anna.place(client_order_id="again")["stat"] == 429
        sim.clear()
    assert anna.events() == events
    placed = anna.place(client_order_id="again")
    assert placed["stat"] == 200
    assert anna.place(client_order_id="again") == placed
    anna.until(placed["order_xtp_id"], 4)
    assert accepted(group) == before + 1


def test_after_kills_the_lists_and_the_numbers_are_the_same(group: Group) -> None:
    anna = Desk(group, "anna")
    rests = anna.placed(order_client_id=21)
    anna.until(rests, 4)
    fills = anna.placed(Market.fills, order_client_id=22)
    anna.until(fills, 1)
    refused = anna.placed(quantity=2_000_000_000, order_client_id=23)
    anna.until(refused, 6)
    named = anna.place(client_order_id="kept")
    anna.until(named["order_xtp_id"], 4)
    reqid = anna.good(210002)["reqid"]
    answer = anna.good(200004, reqid=reqid, wait=20_000)
    assert answer
    orders, trades = anna.events(), anna.events(200002)
    arrived = accepted(group)
    for name in ("tcp_edge", "td_worker", "tcp_edge"):
        group.restart(name)
        anna = serving(group)
        assert anna.events() == orders
        assert anna.events(200002) == trades
        assert anna.place(client_order_id="kept") == named
    assert accepted(group) == arrived
    wait_for(lambda: isinstance(anna.ask(200004, reqid=reqid), list))
    assert anna.good(200004, reqid=reqid) == answer
    assert anna.good(210001)["reqid"] > reqid
    assert anna.ask(210006, rests)["stat"] == 200
    anna.until(rests, 5)


def test_with_a_file_that_cannot_be_used_orders_are_refused_and_cancels_go_on(
    group: Group,
) -> None:
    anna = serving(group)
    rests = anna.placed(order_client_id=41)
    anna.until(rests, 4)
    files = list((group.data / "tcp_edge" / "orders").glob("*/*.db"))
    group.kill("tcp_edge")
    aside = []
    for file in files:
        for part in file.parent.glob(f"{file.name}*"):
            aside.append((part, part.read_bytes()))
            part.unlink()
        file.write_bytes(b"not a database" * 1000)
    group.start("tcp_edge")
    anna, before = serving(group), accepted(group)
    reply = anna.place()
    assert reply["stat"] == 500, reply
    assert "cannot be kept on the disk; nothing was sent" in reply["msg"]
    count = group.data / "tcp_edge" / "reqids"
    count_was = count.read_bytes()
    count.write_bytes(b"neither a count")
    assert anna.ask(210006, rests) == {"stat": 200, "reqid": 0}
    count.write_bytes(count_was)
    assert anna.until(rests, 5)["order_client_id"] == 0
    assert accepted(group) == before
    for part, content in aside:
        part.write_bytes(content)
    assert anna.place(client_order_id="mended")["stat"] == 200
    assert anna.until(rests, 5)["order_client_id"] == 41
    assert accepted(group) == before + 1


def test_while_td_worker_is_away_nothing_is_sent_and_all_is_told_so(group: Group) -> None:
    anna, before = Desk(group, "anna"), accepted(group)
    events = anna.events()
    group.kill("td_worker")
    reply = anna.place()
    assert reply["stat"] in (503, 504), reply
    assert anna.ask(210001)["stat"] == 503
    assert anna.events()[: len(events)] == events
    group.start("td_worker")
    wait_for(lambda: anna.ask(210001)["stat"] == 200)
    assert accepted(group) == before
    assert anna.place()["stat"] == 200


def test_a_cancel_goes_out_before_td_worker_takes_orders_again(group: Group) -> None:
    anna = serving(group)
    rests = anna.placed()
    anna.until(rests, 4)
    with SimControl(group.config["sim"]["listen"]) as sim:
        sim.delay("OnRspQryOrder", 12.0, times=0, user="028742")  # so long it recovers
        group.restart("td_worker")
        wait_for(lambda: anna.ask(210006, rests)["stat"] == 200)
        with TdLink(group) as link:
            (mine,) = (each for each in link.state_now()["accounts"] if each["user"] == "028742")
            assert mine["state"] == "recovering", "and no order is taken"
        sim.clear()
    anna = serving(group)
    anna.until(rests, 5)


def test_while_the_front_is_away_it_is_503(group: Group) -> None:
    anna = Desk(group, "anna")
    with SimControl(group.config["sim"]["listen"]) as sim:
        sim.refuse(3.0)
        sim.disconnect()
        wait_for(lambda: anna.place()["stat"] == 503)
        sim.clear()
    wait_for(lambda: anna.ask(210001)["stat"] == 200)
    wait_for(lambda: anna.place()["stat"] == 200)


def test_a_new_trading_day_begins_with_empty_lists(group: Group) -> None:
    anna = serving(group)
    earlier = anna.placed()
    anna.until(earlier, 4)
    before = accepted(group)
    with SimControl(group.config["sim"]["listen"]) as sim:
        sim.end_day()
    wait_for(lambda: anna.ask(200001) == [])
    assert anna.ask(200002) == []
    wait_for(lambda: anna.ask(210001)["stat"] == 200)
    assert anna.ask(210006, earlier)["stat"] == 404
    number = anna.placed(order_client_id=31)
    assert anna.until(number, 4)["order_client_id"] == 31
    assert len({each["order_xtp_id"] for each in anna.events()}) == 1
    assert accepted(group) == before + 1


def test_the_kill_switch_is_a_clear_refusal(group: Group) -> None:
    anna = Desk(group, "anna")
    wait_for(lambda: anna.ask(210001)["stat"] == 200)
    with TdLink(group) as link:
        link.login()

        def switch(on: bool) -> None:
            body = msgspec.msgpack.encode(KillSwitch(on=on))
            link.call("SetKillSwitch", body, session=link.handle)

        switch(True)
        before = anna.events()
        reply = anna.place()
        assert reply["stat"] == 403
        assert "kill switch" in reply["msg"]
        assert anna.events() == before
        switch(False)
        assert anna.place()["stat"] == 200


def test_without_a_right_or_an_authcode_there_is_nothing(group: Group) -> None:
    anna = Desk(group, "anna")
    for cmd in (210001, 200001, 200003, 210005, 210006):
        with OfxClient(group.ready["tcp_edge"]["trade"], key_of(group.data)) as nobody:
            assert nobody.ask(cmd)["stat"] == 401
            assert nobody.ask(cmd, authcode="guess")["stat"] in (401, 429)
    assert anna.good(200001, {}) is not None
