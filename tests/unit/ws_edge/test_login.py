"""Logins on /td/ and who gets which returns."""

from __future__ import annotations

import json

import msgspec
import pytest

from bus.frames import Flag, Message, message_type, unpack_message
from bus.orders import Detached
from tests.support.edge_core import (
    BROKER,
    CATALOGUE,
    HANDLE,
    USER,
    Client,
    Core,
    error,
    info,
    login,
    own,
    pack,
    published,
    row,
    sent,
    session_row,
)
from ws_edge.config import WsConfig
from ws_edge.options import Options
from ws_edge.rights import Access, Grant

SUCCESS = row(
    "OnRspUserLogin",
    pack("RspUserLogin", BrokerID=BROKER, UserID=USER, FrontID=1, SessionID=-5),
    info(),
    last=True,
    after_seq=1,
)
NOT_LOGGED_IN = '{"MsgType":"ReqQryOrder","RspInfo":{"ErrorID":-401,"ErrorMsg":"未登录"}}'
QUERY = {"MsgType": "ReqQryOrder", "QryOrder": {}}


@pytest.fixture
def core() -> Core:
    return Core()


def test_the_reply_has_no_request_id_and_only_the_credentials_go_on(core: Core) -> None:
    client = core.td()
    core.publish("Mark", 1)
    payload = {"UserID": USER, "Password": "密码", "BrokerID": "x" * 99, "IPPort": 5}
    client.send({"MsgType": "ReqUserLogin", "ReqUserLogin": payload, "RequestID": 8})
    asked = core.td_worker.answer("ReqUserLogin", session_row(), SUCCESS)
    codec = CATALOGUE.codec("ReqUserLogin")
    assert codec.unpack(asked.body) == codec.unpack(
        codec.pack({"UserID": USER, "Password": "密码"})
    )
    assert asked.session == b""
    (text,) = client.texts()
    assert text.startswith(
        '{"MsgType":"RspUserLogin","RspInfo":{"ErrorID":0,"ErrorMsg":"CTP:No Error"},'
        '"IsLast":true,"RspUserLogin":{"TradingDay":"","LoginTime":"","BrokerID":"9999",'
        '"UserID":"028742","SystemName":"","FrontID":1,"SessionID":-5,"MaxOrderRef":"",'
        '"SHFETime":"","DCETime":"","CZCETime":"","FFEXTime":"","INETime":"",'
    )


@pytest.mark.parametrize(
    ("callback", "error_id", "expected"),
    [
        ("OnRspUserLogin", 3, "RspUserLogin"),
        ("OnRspAuthenticate", 63, "RspAuthenticate"),
        ("OnRspSettlementInfoConfirm", 42, "RspUserLogin"),
        ("OnRspError", 90, "RspUserLogin"),
    ],
)
def test_a_refusal_of_the_counter(core: Core, callback: str, error_id: int, expected: str) -> None:
    client = core.td()
    client.send({**login(), "RequestID": 5})
    line = row(callback, None, info(error_id, "CTP:不合法的登录"), last=True)
    core.td_worker.answer("ReqUserLogin", line)
    assert client.texts() == [
        f'{{"MsgType":"{expected}","RspInfo":{{"ErrorID":{error_id},'
        '"ErrorMsg":"CTP:不合法的登录"},"IsLast":true}'
    ]
    assert client.ask(QUERY) == NOT_LOGGED_IN


def test_a_front_out_of_reach(core: Core) -> None:
    client = core.td()
    client.send({**login(), "RequestID": 5})
    core.td_worker.answer("ReqUserLogin", error(-1, "CTP:请求失败", "no login in time"))
    assert client.texts() == [
        '{"MsgType":"RspUserLogin","RspInfo":{"ErrorID":-1,"ErrorMsg":"CTP:请求失败"},'
        '"IsLast":true,"Detail":"no login in time"}'
    ]


def test_a_worker_that_is_not_there_has_until_the_login_time_to_come(core: Core) -> None:
    core.td_worker.there = False
    one, other = core.td(), core.td()
    one.send(login())
    core.clock.advance(9)
    core.td_worker.there = True
    core.clock.advance(0.2)
    core.publish("Mark", 1)
    core.td_worker.answer("ReqUserLogin", session_row(), SUCCESS)
    assert len(one.texts()) == 1
    core.td_worker.there = False
    other.send(login())
    assert other.texts() == []
    core.clock.advance(11)
    (text,) = other.texts()
    assert '"ErrorID":-1' in text
    assert '"IsLast":true,"Detail":"td_worker is not connected"' in text


def test_a_worker_that_says_nothing_is_an_error_in_the_end(core: Core) -> None:
    client = core.td()
    client.send(login())
    core.clock.advance(10.9)
    assert client.texts() == []
    core.clock.advance(0.2)
    (text,) = client.texts()
    assert '"RspUserLogin","RspInfo":{"ErrorID":-1' in text


def test_requests_are_refused_until_a_login_has_succeeded(core: Core) -> None:
    client = core.td()
    assert client.ask(QUERY) == NOT_LOGGED_IN
    client.send(login())
    assert client.ask(QUERY) == NOT_LOGGED_IN
    assert core.td_worker.methods() == ["ReqUserLogin"]


def test_the_reply_waits_until_the_returns_are_proven_to_arrive(core: Core) -> None:
    client = core.td()
    client.send(login())
    core.td_worker.answer("ReqUserLogin", session_row(), SUCCESS)
    assert client.texts() == []
    core.clock.advance(0.11)
    core.td_worker.answer("Mark", own("Mark", None, last=True, after_seq=2))
    assert client.texts() == []
    core.publish("Mark", 2)
    assert len(client.texts()) == 1
    core.publish("OnRtnOrder", 3, pack("Order"))
    assert [heard["MsgType"] for heard in client.heard()] == ["RtnOrder"]
    assert "Detach" not in core.td_worker.methods()


def test_without_the_proof_the_login_fails_and_gives_its_handle_back(core: Core) -> None:
    client = core.td()
    client.send(login())
    core.td_worker.answer("ReqUserLogin", session_row(), SUCCESS)
    for seq in range(200):
        core.clock.advance(0.11)
        if "Mark" in core.td_worker.methods():
            core.td_worker.answer("Mark", own("Mark", None, last=True, after_seq=seq + 2))
    (text,) = client.texts()
    assert '"RspUserLogin","RspInfo":{"ErrorID":-1' in text
    assert core.td_worker.take("Detach").session == HANDLE


def test_a_new_epoch_needs_its_own_proof(core: Core) -> None:
    core.publish("OnRtnOrder", 700, pack("Order"), epoch=1)
    client = core.td()
    client.send(login())
    core.td_worker.answer("ReqUserLogin", session_row(epoch=2), SUCCESS)
    assert client.texts() == []
    core.publish("Mark", 1, epoch=2)
    assert len(client.texts()) == 1


@pytest.mark.parametrize("news", ["state", "return"])
def test_a_login_of_a_worker_that_is_gone_has_failed(core: Core, news: str) -> None:
    client = core.td()
    client.send(login())
    core.publish("Mark", 1)
    if news == "state":
        core.td_epoch = 2
    else:
        core.publish("Mark", 1, epoch=2)
    core.td_worker.answer("ReqUserLogin", session_row(epoch=1), SUCCESS)
    (heard,) = client.heard()
    assert (heard["MsgType"], heard["RspInfo"]["ErrorID"]) == ("RspUserLogin", -1)
    assert heard["Detail"] == "td_worker was started anew meanwhile; log in again"
    assert client.ask(QUERY) == NOT_LOGGED_IN
    client.send(login())
    core.publish("Mark", 2, epoch=2)
    core.td_worker.answer("ReqUserLogin", session_row(epoch=2), SUCCESS)
    assert client.heard()[0]["RspInfo"]["ErrorID"] == 0


def test_no_return_before_the_login_reply_and_none_lost_after_it(core: Core) -> None:
    client = core.td()
    client.send(login())
    core.publish("Mark", 1)
    core.publish("OnRtnOrder", 2, pack("Order"))
    assert client.texts() == []
    core.td_worker.answer("ReqUserLogin", session_row(), SUCCESS)
    core.publish("OnRtnTrade", 3, pack("Trade"))
    assert [heard["MsgType"] for heard in client.heard()] == ["RspUserLogin", "RtnTrade"]


def test_all_sockets_of_an_account_get_its_returns_and_no_other(core: Core) -> None:
    clients = [core.td_in(), core.td_in()]
    core.publish("OnRtnOrder", 1, pack("Order"), user="100001")
    core.publish("OnRtnOrder", 2, pack("Order"))
    assert [len(client.texts()) for client in clients] == [1, 1]


def test_a_second_login_binds_the_socket_to_the_account_now_named(core: Core) -> None:
    client = core.td_in()
    client.send(login("100001"))
    core.publish("OnRtnOrder", 2, pack("Order"))  # still the old one
    core.publish("Mark", 1, user="100001")
    other = b"f" * 16
    core.td_worker.answer("ReqUserLogin", session_row(other, "100001"), SUCCESS)
    assert [heard["MsgType"] for heard in client.heard()] == ["RtnOrder", "RspUserLogin"]
    assert left(core) == (HANDLE, True)
    core.publish("OnRtnOrder", 3, pack("Order"))
    assert client.texts() == []
    client.send(QUERY)
    asked = core.td_worker.take("ReqQryOrder")
    assert asked.session == other
    assert CATALOGUE.codec("QryOrder").get(asked.body, "InvestorID") == "100001"


def test_of_two_logins_at_once_the_later_one_counts(core: Core) -> None:
    client = core.td()
    client.send(login())
    client.send(login("100001"))
    first, second = core.td_worker.take("ReqUserLogin"), core.td_worker.take("ReqUserLogin")
    core.publish("Mark", 1)
    core.publish("Mark", 1, user="100001")
    core.td_worker.tell(second, session_row(b"2" * 16, "100001"), SUCCESS)
    assert client.heard()[0]["RspInfo"]["ErrorID"] == 0
    core.td_worker.tell(first, session_row(b"1" * 16), SUCCESS)
    assert client.texts() == [
        '{"MsgType":"RspUserLogin","RspInfo":{"ErrorID":-1,"ErrorMsg":"CTP:请求失败"},'
        '"IsLast":true,"Detail":"replaced by a later login of this socket"}'
    ]
    assert core.td_worker.take("Detach").session == b"1" * 16
    client.send(QUERY)
    assert core.td_worker.take("ReqQryOrder").session == b"2" * 16


def test_a_second_login_that_fails_changes_nothing(core: Core) -> None:
    client = core.td_in()
    client.send(login(password="wrong"))
    line = row("OnRspUserLogin", None, info(3, "CTP:不合法的登录"), last=True)
    core.td_worker.answer("ReqUserLogin", line)
    assert '"ErrorID":3' in client.texts()[0]
    core.publish("OnRtnOrder", 2, pack("Order"))
    assert len(client.texts()) == 1
    client.send(QUERY)
    assert core.td_worker.take("ReqQryOrder").session == HANDLE


def session_lost(core: Core, seq: int, error_id: int = 3) -> None:
    kind, body = message_type("SessionLost"), msgspec.msgpack.encode(error_id)
    returns = core.returns()
    returns.see(Message(returns.topic, 1, seq, 0, 0, kind, 0, Flag.MSGPACK, body))


def test_who_views_a_session_that_the_counter_refuses_is_sent_away(core: Core) -> None:
    client, stranger = core.td_in(), core.td()
    stranger.send(login("100001"))
    core.publish("Mark", 1, user="100001")
    other = session_row(b"f" * 16, "100001")
    core.td_worker.answer("ReqUserLogin", other, SUCCESS)
    session_lost(core, 2)
    assert client.pipe.given_up == (1012, "the counter refuses the login: 3; log in again")
    assert stranger.pipe.open
    later = core.td()
    later.send(login())
    core.publish("Mark", 3)
    core.td_worker.answer("ReqUserLogin", session_row(), SUCCESS._replace(after_seq=3))
    assert later.heard()[0]["RspInfo"]["ErrorID"] == 0


def left(core: Core) -> tuple[bytes, bool]:
    """The handle that was given back, and whether its client was done with it."""
    asked = core.td_worker.take("Detach")
    return asked.session, msgspec.msgpack.decode(asked.body, type=Detached).clean


def test_a_login_that_waits_for_its_proof_when_the_session_is_lost_has_failed(core: Core) -> None:
    client = core.td()
    client.send(login())
    core.td_worker.answer("ReqUserLogin", session_row(), SUCCESS)
    session_lost(core, 2)  # the mark before it was lost
    (heard,) = client.heard()
    assert heard["RspInfo"]["ErrorID"] == -1
    assert heard["Detail"] == "the session at the counter has ended meanwhile; log in again"
    assert client.ask(QUERY) == NOT_LOGGED_IN


def test_a_logout_leaves_this_socket_only(core: Core) -> None:
    client, other = core.td_in(), core.td_in()
    text = client.ask({"MsgType": "ReqUserLogout", "UserLogout": {}, "RequestID": 2})
    assert text == (
        '{"MsgType":"RspUserLogout","RspInfo":{"ErrorID":0,"ErrorMsg":"CTP:No Error"},'
        '"RequestID":2,"IsLast":true,"UserLogout":{"BrokerID":"9999","UserID":"028742"}}'
    )
    assert left(core) == (HANDLE, True)
    assert core.td_worker.calls == []
    core.publish("OnRtnOrder", 2, pack("Order"))
    assert (client.texts(), len(other.texts())) == ([], 1)
    assert client.ask(QUERY) == NOT_LOGGED_IN


def test_who_asks_a_worker_that_forgot_his_login_is_answered_and_sent_away(core: Core) -> None:
    client, other = core.td_in(), core.td_in()
    client.send({**QUERY, "RequestID": 6})
    client.send({**QUERY, "RequestID": 7})
    for number in (6, 7):
        assert client.pipe.open
        core.td_worker.answer("ReqQryOrder", error(-401, "未登录", "log in again"))
        core.clock.advance(0.2)
        assert client.texts() == [
            '{"MsgType":"ReqQryOrder","RspInfo":{"ErrorID":-401,"ErrorMsg":"未登录"},'
            f'"RequestID":{number},"Detail":"log in again"}}'
        ]
    assert client.pipe.given_up == (1012, "td_worker does not know the login; log in again")
    assert other.pipe.open


def test_who_is_not_answered_is_sent_away_all_the_same(core: Core) -> None:
    client = core.td_in()
    client.send(QUERY)
    client.send(QUERY)
    core.td_worker.answer("ReqQryOrder", error(-401, "未登录"))
    core.clock.advance(1.5)
    assert client.pipe.given_up is not None


def test_who_has_logged_in_again_by_then_stays(core: Core) -> None:
    client = core.td_in()
    client.send(QUERY)
    client.send(QUERY)
    core.td_worker.answer("ReqQryOrder", error(-401, "未登录"))
    core.log_in(client, b"anew")
    core.clock.advance(1.5)
    assert client.pipe.open
    client.send(QUERY)
    core.td_worker.take("ReqQryOrder")
    assert core.td_worker.take("ReqQryOrder").session == b"anew"


def test_who_logs_out_of_a_login_that_is_gone_stays(core: Core) -> None:
    client = core.td_in()
    client.send(QUERY)
    core.td_worker.answer("ReqQryOrder", error(-401, "未登录"))
    client.send({"MsgType": "ReqUserLogout", "UserLogout": {}})
    core.clock.advance(1.5)
    assert client.pipe.open
    client.texts()
    assert client.ask(QUERY) == NOT_LOGGED_IN


def test_a_closed_socket_gives_everything_back(core: Core) -> None:
    client = core.td_in()
    client.send(QUERY)
    number = core.td_worker.calls[-1].number
    client.session.close()
    assert number in core.td_worker.forgotten
    assert left(core) == (HANDLE, False)
    assert core.returns().viewers == {}


def test_a_handle_that_cannot_be_given_back_is_offered_again(
    core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    client, other = core.td_in(), core.td_in()
    core.td_worker.there = False
    client.session.close()
    core.clock.advance(300)
    core.td_worker.there = True
    core.clock.advance(1.1)
    assert [call.method for call in core.td_worker.calls] == ["Detach"]
    assert core.td_worker.take("Detach").session == HANDLE
    core.td_worker.there = False
    other.session.close()
    core.clock.advance(602)
    core.td_worker.there = True
    core.clock.advance(602)
    assert core.td_worker.calls == []
    assert [record.getMessage() for record in caplog.records] == [
        "a handle could not be given back"
    ]


def test_a_new_worker_is_not_offered_the_handles_of_the_old_one(core: Core) -> None:
    client = core.td_in()
    core.td_worker.there = False
    client.session.close()
    core.td_worker.there, core.td_epoch = True, 2
    core.clock.advance(602)
    assert core.td_worker.calls == []


def test_a_socket_closed_during_its_login_gives_the_handle_back(core: Core) -> None:
    early, late = core.td(), core.td()
    early.send(login())
    early.session.close()
    core.td_worker.answer("ReqUserLogin", session_row(), SUCCESS)
    assert core.td_worker.take("Detach").session == HANDLE
    late.send(login())
    core.td_worker.answer("ReqUserLogin", session_row(), SUCCESS)  # not proven yet
    late.session.close()
    assert left(core) == (HANDLE, True), "it had no orders"
    core.publish("Mark", 1)
    assert core.returns().viewers == {}
    assert late.pipe.frames == []


def test_logins_without_a_callback_of_their_own_are_logins(core: Core) -> None:
    names = [name for name in CATALOGUE.td.requests if name.startswith("ReqUserLoginWith")]
    assert len(names) == 3
    core.publish("Mark", 1)
    for name in names:
        client = core.td()
        struct = CATALOGUE.td.requests[name].struct
        client.send({"MsgType": name, struct: {"UserID": USER, "Password": "x"}})
        core.td_worker.answer(name, session_row(), SUCCESS)
        assert client.heard()[0]["MsgType"] == "RspUserLogin"
        client.send(QUERY)
        assert core.td_worker.take("ReqQryOrder").session == HANDLE


PASSWORD = {
    "MsgType": "ReqUserPasswordUpdate",
    "UserPasswordUpdate": {"UserID": USER, "OldPassword": "a", "NewPassword": "b"},
    "RequestID": 4,
}


def test_a_new_password_may_be_set_before_a_login_can_succeed(core: Core) -> None:
    client = core.td()
    client.send(PASSWORD)
    asked = core.td_worker.take("ReqUserPasswordUpdate")
    assert asked.session == b""
    assert CATALOGUE.codec("UserPasswordUpdate").get(asked.body, "NewPassword") == "b"
    core.td_worker.tell(asked, sent(), row("OnRspUserPasswordUpdate", asked.body, info()))
    (heard,) = client.heard()
    assert (heard["MsgType"], heard["RequestID"]) == ("RspUserPasswordUpdate", 4)
    client.send(PASSWORD)
    core.td_worker.answer("ReqUserPasswordUpdate", error(-401, "未登录", "log in first"))
    (heard,) = client.heard()
    assert (heard["MsgType"], heard["RspInfo"]["ErrorID"]) == ("ReqUserPasswordUpdate", -401)
    client.send(PASSWORD)
    core.clock.advance(6.1)
    assert "whether it was sent is not known" in client.texts()[0]
    other = {"MsgType": "ReqTradingAccountPasswordUpdate", "TradingAccountPasswordUpdate": {}}
    assert '"ErrorID":-401' in client.ask(other)
    assert core.td_worker.methods() == ["ReqUserPasswordUpdate"]


def test_a_token_sets_no_passwords_of_other_accounts(core: Core) -> None:
    for access in (
        Access((Grant(accounts=frozenset({"100001"})),)),
        Access((Grant(rights=frozenset({"query"})),)),
    ):
        text = core.td(access=access).ask(PASSWORD)
        assert '"MsgType":"RspUserPasswordUpdate","RspInfo":{"ErrorID":-403,' in text
    assert core.td_worker.calls == []


def test_a_session_may_name_its_topic(core: Core) -> None:
    client, topic = core.td(), "td/somewhere/"
    client.send(login())
    core.td_worker.answer("ReqUserLogin", session_row(topic=topic), SUCCESS)
    for seq, name in ((1, "Mark"), (2, "OnRtnOrder")):
        core.topic(topic).see(unpack_message(published(topic, name, seq, pack("Order"))))
        core.publish(name, seq, pack("Order"))  # what it would be otherwise
    assert [heard["MsgType"] for heard in client.heard()] == ["RspUserLogin", "RtnOrder"]


def test_authentication_is_answered_without_request_id(core: Core) -> None:
    client = core.td_in()
    client.send({"MsgType": "ReqAuthenticate", "ReqAuthenticate": {}, "RequestID": 3})
    line = row("OnRspAuthenticate", pack("RspAuthenticate"), info(), last=True)
    core.td_worker.answer("ReqAuthenticate", line)
    (heard,) = client.heard()
    assert list(heard) == ["MsgType", "RspInfo", "IsLast", "RspAuthenticate"]


def test_a_token_opens_its_accounts_and_rights_only(core: Core) -> None:
    access = Access((Grant(accounts=frozenset({USER}), rights=frozenset({"query"})),))
    client = core.td(access=access)
    text = client.ask(login("100001"))
    assert '"MsgType":"RspUserLogin","RspInfo":{"ErrorID":-403,"ErrorMsg":"网关未授权"}' in text
    reader = core.td_in(access=access)
    text = reader.ask({"MsgType": "ReqOrderInsert", "InputOrder": {}})
    assert '"MsgType":"RspOrderInsert","RspInfo":{"ErrorID":-403' in text
    reader.send(QUERY)
    assert core.td_worker.methods() == ["ReqQryOrder"]
    trader = core.td_in(access=Access((Grant(rights=frozenset({"trade"})),)))
    assert '"ErrorID":-403' in trader.ask(QUERY)
    assert '"ErrorID":0' in trader.ask({"MsgType": "ReqUserLogout", "UserLogout": {}})


def wanted(client: Client) -> list[str]:
    return [heard["MsgType"] for heard in client.heard()]


def test_returns_of_a_family_go_to_those_who_used_it(core: Core) -> None:
    quoter, other, everything = (
        core.td_in(),
        core.td_in(),
        core.td_in(Options(notices=frozenset({"all"}))),
    )
    quoter.send({"MsgType": "ReqQuoteInsert", "InputQuote": {}})
    core.publish("OnRtnQuote", 2, pack("Quote"))
    core.publish("OnErrRtnQuoteAction", 3, pack("QuoteAction"), info(1, "x"))
    names = ["RtnQuote", "ErrRtnQuoteAction"]
    assert [wanted(client) for client in (quoter, other, everything)] == [names, [], names]


@pytest.mark.parametrize(
    ("notice", "name", "struct"),
    [
        ("status", "OnRtnInstrumentStatus", "InstrumentStatus"),
        ("all", "OnRtnBulletin", "Bulletin"),
        ("all", "OnRtnTradingNotice", "TradingNoticeInfo"),
        ("error", "OnRspError", None),
        ("front", "OnFrontConnected", None),
    ],
)
def test_notices_are_for_those_who_asked(
    core: Core, notice: str, name: str, struct: str | None
) -> None:
    clients = {
        asked: core.td_in(Options(notices=frozenset({asked} - {""})))
        for asked in ("", "front", "status", "error", "all")
    }
    field = pack(struct) if struct else None
    core.publish(name, 2, field, info(7, "x") if name == "OnRspError" else None)
    heard = {asked for asked, client in clients.items() if wanted(client) == [name[2:]]}
    assert heard == {notice, "all"}


def test_every_callback_without_a_request_arrives_with_notices_all(core: Core) -> None:
    client = core.td_in(Options(notices=frozenset({"all"})))
    seq = 1
    for callback in CATALOGUE.td.callbacks.values():
        if callback.has_id and callback.name != "OnRspError":
            continue
        seq += 1
        field = pack(callback.struct) if callback.struct else None
        core.publish(callback.name, seq, field, info() if callback.has_info else None)
        (heard,) = client.heard()
        assert heard["MsgType"] == callback.name[2:]
        keys = ["MsgType", "RspInfo", *([callback.struct] if callback.struct else [])]
        assert list(heard) == keys
    assert seq > 45


def test_a_full_envelope_has_every_key(core: Core) -> None:
    options = Options(style=core.td().session.style._replace(full=True))
    client = core.td(options)
    assert json.loads(client.ask(QUERY)) == {
        "MsgType": "ReqQryOrder",
        "RspInfo": {"ErrorID": -401, "ErrorMsg": "未登录"},
        "RequestID": 0,
        "IsLast": True,
        "Order": None,
    }
    client.send({**login(), "RequestID": 5})
    line = row("OnRspUserLogin", None, info(3, "CTP:不合法的登录"), last=True)
    core.td_worker.answer("ReqUserLogin", line)
    assert client.texts() == [
        '{"MsgType":"RspUserLogin","RspInfo":{"ErrorID":3,"ErrorMsg":"CTP:不合法的登录"},'
        '"RequestID":5,"IsLast":true,"RspUserLogin":null}'
    ]
    client = core.td_in(options)
    client.send(QUERY)
    asked = core.td_worker.take("ReqQryOrder")
    core.td_worker.tell(asked, row("OnRspQryOrder", pack("Order")), row("OnRspQryOrder", last=True))
    heard = client.heard()
    assert [(row["RequestID"], row["IsLast"]) for row in heard] == [(0, False), (0, True)]
    assert heard[1]["Order"] is None


def test_the_legacy_dialect_keeps_the_on(core: Core) -> None:
    options = Options(style=core.td().session.style._replace(on=True))
    client = core.td_in(options)
    core.publish("OnRtnOrder", 2, pack("Order"))
    client.send(QUERY)
    core.td_worker.answer("ReqQryOrder", row("OnRspQryOrder", last=True))
    assert wanted(client) == ["OnRtnOrder", "OnRspQryOrder"]


def test_a_limit_of_open_requests(core: Core) -> None:
    core = Core(WsConfig(max_pending=2))
    client = core.td_in()
    client.send(QUERY)
    client.send(QUERY)
    text = client.ask(QUERY)
    assert '"MsgType":"RspQryOrder","RspInfo":{"ErrorID":-1,' in text
