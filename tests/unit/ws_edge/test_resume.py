"""A client that was away gets what it missed, once and in order, or is told that it cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bus.frames import HEADER, Flag, account_topic, unpack_message
from bus.orders import NOT_KEPT, Place
from tests.support.edge_core import (
    BROKER,
    CATALOGUE,
    USER,
    Client,
    Core,
    Line,
    error,
    info,
    login,
    own,
    pack,
    published,
    row,
    session_row,
)
from ws_edge.config import WsConfig
from ws_edge.envelope import Style
from ws_edge.names import Kind, methods
from ws_edge.options import Options, read_options
from ws_edge.resume import _MOST_WAITING

SEQ = Options(seq=True)
GAP = {"InstrumentID": "", "Missing": None, "Reason": "lost"}
QUERY = {"MsgType": "ReqQryOrder", "QryOrder": {}, "RequestID": 4}


@pytest.fixture
def core() -> Core:
    """Seven returns of epoch 2 have been published, after three of epoch 1."""
    core = Core()
    for seq in range(1, 8):
        publish(core, seq)
    return core


def publish(core: Core, seq: int) -> None:
    core.publish("OnRtnOrder", seq, order(seq), epoch=2)


def order(number: int) -> bytes:
    return pack("Order", OrderSysID=str(number))


def missed(epoch: int, *seqs: int, name: str = "OnRtnOrder") -> list[Line]:
    topic = account_topic(BROKER, USER)
    frames = [published(topic, name, seq, order(seq), epoch=epoch) for seq in seqs]
    return [Line("Return", Flag.LOCAL | Flag.HAS_FIELD, frame) for frame in frames]


def end(epoch: int = 2, seq: int = 7) -> Line:
    return own("Returns", Place(epoch, seq), last=True)


def log_in(core: Core, client: Client, resume: str | None = None) -> dict[str, Any]:
    """Also its reply, the one message that came at once."""
    client.send({**login(), "Resume": resume})
    reply = row("OnRspUserLogin", pack("RspUserLogin"), info(), last=True, after_seq=7)
    core.td_worker.answer("ReqUserLogin", session_row(epoch=2), reply)
    (heard,) = client.heard()
    found: dict[str, Any] = heard
    return found


def back(core: Core, resume: str, options: Options = SEQ) -> Client:
    """A client that is logged in, and gets what it missed next."""
    client = core.td(options)
    assert log_in(core, client, resume).get("Place", resume) == resume
    return client


def shown(client: Client) -> list[str]:
    """The Places of returns in short, "gap PLACE" for a gap, other messages by their names."""
    found = []
    for heard in client.heard():
        place = heard.get("Place", "")
        if heard["MsgType"] == "Gap":
            assert heard["Gap"] == GAP
            found.append(f"gap {place}")
        else:
            found.append(place or heard["MsgType"])
    return found


def test_every_return_and_the_login_carry_their_place(core: Core) -> None:
    client = core.td(SEQ)
    assert log_in(core, client)["Place"] == "2-7"
    publish(core, 8)
    (text,) = client.texts()
    assert text.startswith('{"MsgType":"RtnOrder","RspInfo":null,"Order":{')
    assert text.endswith('},"Place":"2-8"}')


def test_who_does_not_ask_sees_no_byte_of_it(core: Core) -> None:
    plain, other = core.td(), core.td(SEQ)
    log_in(core, plain)
    assert "Place" not in log_in(core, core.td())
    log_in(core, other)
    publish(core, 8)
    (text,), (longer,) = plain.texts(), other.texts()
    assert longer == text[:-1] + ',"Place":"2-8"}'


def test_places_in_the_binary_dialect(core: Core) -> None:
    client = core.td(Options(Style(binary=True), seq=True))
    assert log_in(core, client)["Place"] == "2-7"
    publish(core, 8)
    assert shown(client) == ["2-8"]


def test_the_option_and_its_default() -> None:
    assert not read_options({}, WsConfig()).seq
    assert read_options({"seq": ["on"]}, WsConfig()).seq
    assert not read_options({"seq": ["off"]}, WsConfig(seq=True)).seq
    assert read_options({}, WsConfig(seq=True)).seq


def test_what_was_missed_comes_once_between_the_reply_and_the_live_returns(core: Core) -> None:
    client = back(core, "1-2")
    publish(core, 8)
    assert client.heard() == []
    asked = core.td_worker.take("Returns")
    assert asked.body == b"\x82\xa5epoch\x01\xa3seq\x02"
    core.td_worker.tell(asked, *missed(1, 3), *missed(2, 1, 2, 3, 4))
    publish(core, 9)
    assert shown(client) == ["1-3", "2-1", "2-2", "2-3", "2-4"]
    core.td_worker.tell(asked, *missed(2, 5, 6, 7, 8, 9, 10), end(2, 10))
    assert shown(client) == ["2-5", "2-6", "2-7", "2-8", "2-9"]
    publish(core, 10)
    assert shown(client) == ["2-10"]


@pytest.mark.parametrize("slot", [0, 1])
def test_a_session_of_ones_own_has_places_that_mean_nothing_to_the_next(
    core: Core, slot: int
) -> None:
    """Its stream ends with it, and another one has the same numbers for other returns."""
    topic, client = account_topic(BROKER, USER, slot), core.td(SEQ)
    core.topic(topic).see(unpack_message(published(topic, "OnRtnOrder", 7, order(7), epoch=2)))
    client.send({**login(), "Resume": "2-4"})
    reply = row("OnRspUserLogin", pack("RspUserLogin"), info(), last=True, after_seq=7)
    core.td_worker.answer("ReqUserLogin", session_row(epoch=2, topic=topic), reply)
    assert core.td_worker.methods().count("Returns") == (not slot)
    assert shown(client) == (["2-4", "gap 2-7"] if slot else ["2-4"])


def test_without_resume_the_same_client_lacks_them(core: Core) -> None:
    client = core.td(SEQ)
    log_in(core, client)
    publish(core, 8)
    assert shown(client) == ["2-8"]
    assert "Returns" not in core.td_worker.methods()


def test_who_missed_nothing_asks_nobody(core: Core) -> None:
    client = back(core, "2-7")
    assert "Returns" not in core.td_worker.methods()
    publish(core, 8)
    assert shown(client) == ["2-8"]


def test_the_whole_day(core: Core) -> None:
    client = back(core, "0-0")
    core.td_worker.answer("Returns", *missed(1, 3), *missed(2, 1, 2, 3, 4, 5, 6, 7), end())
    assert shown(client) == ["1-3", *[f"2-{seq}" for seq in range(1, 8)]]


def test_a_day_without_returns_has_no_gap(core: Core) -> None:
    client = back(core, "0-0")
    core.td_worker.answer("Returns", end())
    assert shown(client) == []


def test_a_reply_does_not_overtake_what_was_missed(core: Core) -> None:
    client = back(core, "2-6")
    client.send(QUERY)
    line = row("OnRspQryOrder", order(7), last=True, after_seq=8)
    core.td_worker.answer("ReqQryOrder", line)
    publish(core, 8)
    assert shown(client) == []
    core.td_worker.answer("Returns", *missed(2, 7), end())
    assert shown(client) == ["2-7", "2-8", "RspQryOrder"]


def test_what_is_not_kept_is_a_gap_at_once(core: Core) -> None:
    client = back(core, "1-99")
    publish(core, 8)
    core.td_worker.answer(
        "Returns", error(-1, "", f"the returns after 1/99 {NOT_KEPT}: query orders")
    )
    assert shown(client) == ["gap 2-7", "2-8"]


def test_a_place_that_does_not_exist_yet_is_a_gap(core: Core) -> None:
    client = back(core, "3-1")
    core.td_worker.answer("Returns", error(-1, "", NOT_KEPT))
    publish(core, 8)
    assert shown(client) == ["gap 2-7", "2-8"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([*missed(2, 3, 6, 7), end()], ["2-3", "gap 2-5", "2-6", "2-7"]),
        ([*missed(2, 3, 4), end()], ["2-3", "2-4", "gap 2-7"]),
        ([*missed(2, 3, 4, 9), end(2, 9)], ["2-3", "2-4", "gap 2-7"]),
        ([end()], ["gap 2-7"]),
    ],
)
def test_a_hole_in_what_is_kept_is_told_where_it_is(
    core: Core, lines: list[Line], expected: list[str]
) -> None:
    client = back(core, "2-2")
    core.td_worker.answer("Returns", *lines)
    publish(core, 8)
    assert shown(client) == [*expected, "2-8"]


def test_the_beginning_of_an_epoch_that_is_not_kept_is_a_hole(core: Core) -> None:
    client = back(core, "1-2")
    core.td_worker.answer("Returns", *missed(2, 3, 4, 5, 6, 7), end())
    assert shown(client)[:2] == ["gap 2-2", "2-3"]


@pytest.mark.parametrize(
    ("resume", "unreadable", "expected"),
    [
        ("2-2", (3, 4), ["gap 2-4", "2-5", "2-6", "2-7"]),
        ("2-2", (3, 4, 5, 6, 7), ["gap 2-7"]),
        ("0-0", (3, 4), ["gap 2-4", "2-5", "2-6", "2-7"]),
        ("0-0", (3, 4, 5, 6, 7), ["gap 2-7"]),
    ],
)
def test_structs_of_another_version_are_a_gap(
    core: Core, resume: str, unreadable: tuple[int, ...], expected: list[str]
) -> None:
    client = back(core, resume)
    lines = missed(2, 3, 4, 5, 6, 7)
    for seq in unreadable:
        at = lines[seq - 3].body.index(b"\0") + 1
        header = list(HEADER.unpack_from(lines[seq - 3].body, at))
        header[5] ^= 1
        body = lines[seq - 3].body[:at] + HEADER.pack(*header) + b"another struct"
        lines[seq - 3] = lines[seq - 3]._replace(body=body)
    core.td_worker.answer("Returns", *lines, end())
    publish(core, 8)
    assert shown(client) == [*expected, "2-8"]


def test_a_worker_without_time_is_asked_again_for_the_rest(core: Core) -> None:
    client = back(core, "2-4")
    core.td_worker.answer("Returns", *missed(2, 5), error(-1, "", "no time was left for all"))
    core.clock.advance(0.2)
    asked = core.td_worker.answer("Returns", *missed(2, 6, 7), end())
    assert asked.body == b"\x82\xa5epoch\x02\xa3seq\x05"
    assert shown(client) == ["2-5", "2-6", "2-7"]


def test_a_worker_that_is_away_for_a_moment(core: Core) -> None:
    client = core.td(SEQ)
    core.td_worker.there = True
    client.send({**login(), "Resume": "2-6"})
    reply = row("OnRspUserLogin", pack("RspUserLogin"), info(), last=True, after_seq=7)
    asked = core.td_worker.take("ReqUserLogin")
    core.td_worker.there = False
    core.td_worker.tell(asked, session_row(epoch=2), reply)
    core.clock.advance(1)
    core.td_worker.there = True
    core.clock.advance(1)
    core.td_worker.answer("Returns", *missed(2, 7), end())
    assert shown(client) == ["2-6", "2-7"]  # the first is that of the reply


def test_a_worker_that_is_silent_leaves_a_gap_and_the_live_returns(core: Core) -> None:
    client = back(core, "2-4")
    publish(core, 8)
    core.clock.advance(9)
    assert shown(client) == []
    core.clock.advance(5)
    assert shown(client) == ["gap 2-7", "2-8"]
    late = core.td_worker.calls
    for asked in list(late):
        core.td_worker.tell(asked, *missed(2, 5, 6, 7), end())
    assert shown(client) == []


def test_news_now_and_then_are_no_silence(core: Core) -> None:
    client = back(core, "2-4")
    asked = core.td_worker.take("Returns")
    for seq in (5, 6, 7):
        core.clock.advance(2.5)
        core.td_worker.tell(asked, *missed(2, seq))
    assert shown(client) == ["2-5", "2-6", "2-7"]


def test_no_more_than_so_much_waits(core: Core) -> None:
    client = back(core, "2-6")
    for seq in range(8, 8 + _MOST_WAITING):
        publish(core, seq)
    assert shown(client) == []
    publish(core, 8 + _MOST_WAITING)
    found = shown(client)
    assert found[:2] == ["gap 2-7", "2-8"]
    assert len(found) == _MOST_WAITING + 2


def test_only_what_this_socket_would_have_been_shown(core: Core) -> None:
    lines = [
        *missed(2, 1, name="Mark"),
        *missed(2, 2, name="SessionLost"),
        *missed(2, 3, name="OnRtnTrade"),
        *missed(2, 4, name="OnRtnQuote"),
        *missed(2, 5, name="OnFrontConnected"),
        *missed(2, 6, 7),
    ]
    clients = {
        "": back(core, "1-3"),
        "all": back(core, "1-3", SEQ._replace(notices=frozenset({"all"}))),
        "quotes": core.td(SEQ),
    }
    quotes = clients["quotes"]
    log_in(core, quotes)
    quotes.send({"MsgType": "ReqQuoteInsert", "InputQuote": {}})
    log_in(core, quotes, "1-3")
    for _ in clients:
        trade = published(account_topic(BROKER, USER), "OnRtnTrade", 3, pack("Trade"), epoch=2)
        quote = published(account_topic(BROKER, USER), "OnRtnQuote", 4, pack("Quote"), epoch=2)
        front = published(account_topic(BROKER, USER), "OnFrontConnected", 5, epoch=2)
        for number, frame in ((2, trade), (3, quote), (4, front)):
            lines[number] = lines[number]._replace(body=frame)
        core.td_worker.answer("Returns", *lines, end())
    assert shown(clients[""]) == ["2-3", "2-6", "2-7"]
    assert shown(clients["all"]) == ["2-3", "2-4", "2-5", "2-6", "2-7"]
    assert shown(quotes) == ["2-3", "2-4", "2-6", "2-7"]
    assert all(client.pipe.open for client in clients.values())


def test_a_logout_in_between_ends_it(core: Core) -> None:
    client = back(core, "2-4")
    client.send(QUERY)
    core.td_worker.answer("ReqQryOrder", row("OnRspQryOrder", None, last=True))
    client.send({"MsgType": "ReqUserLogout", "UserLogout": {}})
    assert shown(client) == ["gap 2-7", "RspQryOrder", "RspUserLogout"]
    core.td_worker.answer("Returns", *missed(2, 5, 6, 7), end())
    assert shown(client) == []


def test_another_login_in_between_begins_anew(core: Core) -> None:
    client = back(core, "2-4")
    client.send({**login(), "Resume": "2-5"})
    reply = row("OnRspUserLogin", pack("RspUserLogin"), info(), last=True, after_seq=7)
    core.td_worker.answer("ReqUserLogin", session_row(b"1" * 16, epoch=2), reply)
    core.td_worker.answer("Returns", *missed(2, 5, 6, 7), end())
    assert shown(client) == ["gap 2-7", "2-5"]
    core.td_worker.answer("Returns", *missed(2, 6, 7), end())
    assert shown(client) == ["2-6", "2-7"]


def test_a_socket_that_closes_in_between_is_told_nothing(core: Core) -> None:
    client = back(core, "2-4")
    client.session.close()
    core.td_worker.answer("Returns", *missed(2, 5, 6, 7), end())
    core.clock.advance(20)
    assert shown(client) == []


def test_a_refused_login_has_no_place(core: Core) -> None:
    client = core.td(SEQ)
    client.send({**login(), "Resume": "2-4"})
    core.td_worker.answer("ReqUserLogin", row("OnRspUserLogin", None, info(3, "x"), last=True))
    (heard,) = client.heard()
    assert heard["RspInfo"]["ErrorID"] == 3
    assert "Place" not in heard


@pytest.mark.parametrize(
    "resume",
    ["", "2", "2-", "-7", "2-7 ", " 2-7", "2-7\n", "2--7", "+2-7", "2-7-1", "a-b", "2-١",
     "4294967296-1", "2-" + "9" * 20, 5, 2.7, True, [], {}, [2, 7]],
)  # fmt: skip
def test_bad_places(core: Core, resume: object) -> None:
    client = core.td(SEQ)
    heard = json.loads(client.ask({**login(), "Resume": resume, "RequestID": 3}))
    assert heard["MsgType"] == "ReqUserLogin"
    assert heard["RspInfo"]["ErrorID"] == -400
    assert heard["Detail"] == "Resume: expected the Place of a message"
    assert core.td_worker.calls == []


def test_logins_on_td_alone_resume(core: Core) -> None:
    logins = {one.name for one in methods(CATALOGUE, "td").values() if one.resumes}
    assert logins >= {"ReqUserLogin", "ReqUserLoginWithCaptcha"}
    assert all(methods(CATALOGUE, "td")[name].kind is Kind.LOGIN for name in logins)
    client = core.md()
    client.send({"MsgType": "ReqUserLogin", "ReqUserLogin": {}, "Resume": []})
    assert core.md_worker.methods() == ["ReqUserLogin"]
