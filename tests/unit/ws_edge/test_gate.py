"""Who a client is: tokens, users with passwords, by handshake or by first message."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.config import load
from bus.errors import ConfigError
from bus.secrets import Secret
from bus.tries import Meter
from bus.users import DEMO, User, Users
from tests.support.edge_core import Core
from tests.support.fake_worker import wait_until
from ws_edge.admission import Door, Knock, Offer, Visit
from ws_edge.config import TokenConfig, UserConfig, WsConfig
from ws_edge.gate import Closed, Gate, TooEarly
from ws_edge.lobby import Lobby
from ws_edge.options import Options
from ws_edge.rights import NOTHING, Access

PEER = "192.0.2.7"
PASSWORD = Secret("correct horse")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    users = Users(tmp_path_factory.mktemp("gate") / "users.db", make=True)
    for user in (
        User(name="alice", account="028742"),
        User(name="bob", rights=("quote",)),
        User(name="carol"),
        User(name=DEMO),
    ):
        users.add(user, PASSWORD)
    users.add(User(name="dave"), PASSWORD)
    users.enable("dave", False)
    return users.path


def config(**more: Any) -> WsConfig:
    users = (
        UserConfig(user="alice", rights=("query",)),
        UserConfig(user="alice", requests=("ReqOrder*",), instruments=("rb",)),
        UserConfig(user="carol", accounts=("100001",), rights=("md", "query")),
        UserConfig(user="*", rights=("md", "trade")),
    )
    tokens = (
        TokenConfig(token=Secret("plain"), rights=("md",)),
        TokenConfig(token=Secret("of alice"), user="alice"),
        TokenConfig(token=Secret("of dave"), user="dave"),
        TokenConfig(token=Secret("of a program"), user="recorder"),
    )
    return WsConfig(users=users, tokens=tokens, **more)


@pytest.fixture
def gate(file: Path) -> Iterator[Gate]:
    with closing(sqlite3.connect(file)) as db:
        db.execute("DROP TABLE IF EXISTS addresses")  # nobody has been anywhere
    gate = Gate(config(), file)
    yield gate
    gate.close()


def prove(gate: Gate, *offers: Offer, peer: str = PEER) -> Access:
    async def proven() -> Access:
        return (await gate.prove(offers, peer))[1]

    return asyncio.run(proven())


def of(user: str, password: Secret = PASSWORD) -> Offer:
    return Offer(user=user, password=password)


def shown(access: Access) -> list[tuple[list[str], list[str], bool]]:
    return [
        (sorted(one.accounts), sorted(one.rights), bool(one.instruments)) for one in access.grants
    ]


def test_a_user_has_what_his_entries_and_his_account_both_allow(gate: Gate) -> None:
    alice = prove(gate, of("alice"))
    assert alice.user == "alice"
    assert shown(alice) == [
        (["028742"], ["query"], False),
        (["028742"], ["md", "query", "trade"], True),
    ]
    assert shown(prove(gate, of("bob"))) == [([], ["md"], False)]
    assert shown(prove(gate, of("carol"))) == [(["100001"], ["md", "query"], False)]


def test_a_token_may_be_a_users(gate: Gate) -> None:
    alice = prove(gate, Offer("of alice"))
    assert (alice.user, shown(alice)) == ("alice", shown(prove(gate, of("alice"))))
    program = prove(gate, Offer("of a program"))
    assert (program.user, shown(program)) == ("recorder", [([], ["md", "trade"], False)])
    plain = prove(gate, Offer("plain"))
    assert (plain.user, shown(plain)) == ("token 1", [([], ["md"], False)])


@pytest.mark.parametrize(
    "offer",
    [
        of("alice", Secret("wrong")),
        of("dave"),  # disabled
        of("nobody"),
        of(DEMO),  # on a real front
        of("", Secret("")),
        Offer("of dave"),
        Offer("of Alice"),
        Offer("correct horse"),
        Offer("\udcff\ud800"),
        Offer(),
    ],
)
def test_whoever_has_no_right_proof_stays_outside(gate: Gate, offer: Offer) -> None:
    with pytest.raises(Closed) as caught:
        prove(gate, offer)
    assert not isinstance(caught.value, TooEarly)


def test_demo_is_for_the_embedded_exchange(file: Path) -> None:
    gate = Gate(config(), file, embedded=True)
    assert prove(gate, of(DEMO)).user == DEMO
    gate.close()


def test_wrong_proofs_make_the_next_wait_and_right_ones_that_were_there_do_not(gate: Gate) -> None:
    prove(gate, Offer("plain"))
    outcomes = []
    for number in range(6):
        with pytest.raises(Closed) as caught:
            prove(gate, Offer(f"guess {number}"))
        outcomes.append(type(caught.value))
    assert outcomes == [Closed] * 4 + [TooEarly] * 2  # three cost nothing, the next one a second
    with pytest.raises(TooEarly):
        prove(gate, Offer("of alice"))  # the delay is the address's
    prove(gate, Offer("plain"))  # but who has been here before is not kept out by a neighbour
    prove(gate, Offer("of alice"), peer="192.0.2.8")
    assert gate.refused == 7


def test_without_the_delays_every_guess_is_looked_at(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test before."""
    monkeypatch.setattr(Meter, "wait_s", lambda *_: 0.0)
    for number in range(50):
        with pytest.raises(Closed) as caught:
            prove(gate, Offer(f"guess {number}"))
        assert not isinstance(caught.value, TooEarly)


def test_a_user_is_not_guessed_at_from_many_addresses_and_not_kept_out_of_his_own(
    file: Path,
) -> None:
    """Where he has been in another process counts, whichever it was."""
    other, gate = Gate(config(), file), Gate(config(), file)
    prove(other, of("carol"), peer="192.0.2.9")
    looked = 0
    for number in range(40):
        with pytest.raises(Closed) as caught:
            prove(gate, of("carol", Secret("guess")), peer=f"198.51.100.{number}")
        looked += not isinstance(caught.value, TooEarly)
    assert 11 <= looked <= 15  # a delay or two may pass on a busy machine
    assert prove(gate, of("carol"), peer="192.0.2.9").user == "carol"
    prove(gate, of("bob"), peer="198.51.101.1")
    for each in (other, gate):
        each.close()


def test_no_token_is_kept_in_memory_beside_the_configuration(gate: Gate) -> None:
    prove(gate, Offer("plain"))
    with pytest.raises(Closed):
        prove(gate, Offer("my password"))
    assert not [key for key in gate._tries._entered if "plain" in key]
    assert not [key for key in gate._tries._peers._entries if "password" in key]


def test_the_log_warns_of_tokens_that_can_be_guessed(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = (TokenConfig(token=Secret("x" * 16)), TokenConfig(token=Secret("short")))
    Gate(WsConfig(tokens=tokens), file).close()
    (record,) = caplog.records
    assert record.__dict__["fields"] == {"tokens": [2], "least": 16}


def test_a_users_end_is_noticed(file: Path, tmp_path: Path) -> None:
    users = Users(tmp_path / "users.db", make=True)
    for name in ("alice", "bob"):
        users.add(User(name=name), PASSWORD)
    gate = Gate(config(), users.path)
    alice, bob, token = (
        prove(gate, of("alice")),
        prove(gate, of("bob")),
        prove(gate, Offer("plain")),
    )
    assert not any(map(gate.ended, (alice, bob, token)))
    users.set_password("alice", Secret("another one"))
    users.delete("bob")
    wait_until(lambda: gate.ended(alice) and gate.ended(bob), lambda: "not seen")
    assert not gate.ended(token)
    gate.close()


def knock(**handshake: Any) -> Knock:
    knocked = Door(config()).knock(**handshake)
    assert knocked is not None
    return knocked


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("handshake", "offers"),
    [
        ({"target": "/md/"}, []),
        ({"target": "/md/?token="}, []),
        ({"target": "/md/", "authorization": "Bearer a b"}, [("a b", "")]),
        ({"target": "/md/?token=x", "subprotocols": ["y"]}, [("x", "")]),
        ({"target": "/md/?token=x", "authorization": "Bearer y"}, [("y", "")]),
        ({"target": "/md/?token=x", "authorization": basic("alice:a")}, [("", "alice")]),
        ({"target": "/md/", "subprotocols": ["chat", "y"]}, [("chat", ""), ("y", "")]),
        ({"target": "/md/", "authorization": basic("alice:a:b")}, [("", "alice")]),
        ({"target": "/md/", "authorization": basic("alice")}, [("", "")]),
        ({"target": "/md/", "authorization": "Basic !"}, [("", "")]),
        ({"target": "/md/", "authorization": "Digest x"}, []),
    ],
)
def test_what_a_handshake_offers(handshake: dict[str, Any], offers: list[tuple[str, str]]) -> None:
    assert [(offer.token, offer.user) for offer in knock(**handshake).offers] == offers


def test_who_has_a_token_guesses_no_password_beside_it(gate: Gate) -> None:
    outcomes = []
    for number in range(6):
        handshake = {"target": "/md/?token=plain", "authorization": basic(f"alice:{number}")}
        with pytest.raises(Closed) as caught:
            admit(gate, **handshake)
        outcomes.append(type(caught.value))
    assert outcomes[-1] is TooEarly


def test_many_subprotocols_are_many_guesses() -> None:
    assert Door(config()).knock("/md/", subprotocols=[f"guess{n}" for n in range(9)]) is None


def admit(gate: Gate, **handshake: Any) -> Visit:
    return asyncio.run(gate.admit(knock(**handshake), PEER))


def test_who_offers_nothing_logs_in_later_or_not_at_all(gate: Gate, file: Path) -> None:
    assert admit(gate, target="/td/").access is NOTHING
    assert admit(gate, target="/td/", authorization=basic("alice:correct horse")).access.user
    strict = Gate(config(gateway_login_s=0), file)
    with pytest.raises(Closed):
        admit(strict, target="/td/")
    strict.close()
    with pytest.raises(Closed, match="path"):
        admit(gate, target="/td/?token=plain")


class Talk:
    """A socket in the lobby: what it says, and what it hears."""

    def __init__(self, gate: Gate, side: str = "td", options: Options = Options()) -> None:  # noqa: B008
        visit = Visit(side, options, NOTHING, origin=PEER)  # type: ignore[arg-type]
        self.heard: list[dict[str, Any]] = []
        self.lobby = Lobby(gate, visit, lambda text: self.heard.append(json.loads(text)))

    def say(self, *messages: object) -> Access:
        texts = iter(one if isinstance(one, str | bytes) else json.dumps(one) for one in messages)

        async def recv() -> str | bytes:
            try:
                return next(texts)
            except StopIteration:
                raise EOFError from None

        return asyncio.run(self.lobby.wait(recv))


def login(number: int = 0, **payload: object) -> dict[str, object]:
    return {"MsgType": "GatewayLogin", "GatewayLogin": payload, "RequestID": number}


@pytest.mark.parametrize(
    "payload", [{"User": "alice", "Password": "correct horse"}, {"Token": "of alice"}]
)
def test_the_first_message_says_who_it_is(gate: Gate, payload: dict[str, str]) -> None:
    talk = Talk(gate)
    access = talk.say({"MsgType": "Ping"}, {"MsgType": "Pong"}, login(7, **payload))
    assert access.user == "alice"
    pong, welcome = talk.heard
    assert pong["MsgType"] == "Pong"
    assert welcome == {
        "MsgType": "RspGatewayLogin",
        "RspInfo": {"ErrorID": 0, "ErrorMsg": "CTP:正确"},
        "RequestID": 7,
        "IsLast": True,
        "RspGatewayLogin": {"User": "alice"},
    }


def test_until_then_every_request_is_minus_401_and_none_is_looked_at(gate: Gate) -> None:
    talk = Talk(gate)
    order = {"MsgType": "ReqOrderInsert", "InputOrder": {}, "RequestID": 3}
    talk.say(order, {"MsgType": "nonsense"}, "[]", "{", b"{}", login(Token="of alice"))
    told = [(heard["MsgType"], heard["RspInfo"]["ErrorID"]) for heard in talk.heard]
    assert told == [
        ("ReqOrderInsert", -401),
        ("nonsense", -401),
        ("", -400),
        ("", -400),
        ("", -400),
        ("RspGatewayLogin", 0),
    ]
    assert talk.heard[0]["RequestID"] == 3


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"Token": 5},
        {"User": "alice", "Password": None, "Token": "x"},
        {"User": ["alice"]},
        {"Password": "correct horse"},
    ],
)
def test_a_login_that_is_none_is_minus_400_and_quotes_nothing(
    gate: Gate, payload: dict[str, Any]
) -> None:
    talk = Talk(gate)
    talk.say(login(**payload), login(Token="of alice"))
    assert talk.heard[0]["RspInfo"]["ErrorID"] == -400
    assert "horse" not in str(talk.heard)
    assert gate.refused == 0


def test_wrong_logins_are_answered_and_delayed_and_end(gate: Gate) -> None:
    talk = Talk(gate)
    with pytest.raises(Closed, match="no GatewayLogin"):
        talk.say(*[login(User="alice", Password=str(number)) for number in range(20)])
    details = [heard["Detail"] for heard in talk.heard]
    assert details[:4] == ["wrong"] * 4
    assert details[4].startswith("too many failed tries")
    assert len(details) == 10


def test_a_token_of_the_other_path_opens_nothing(gate: Gate) -> None:
    talk = Talk(gate)
    talk.say(login(Token="plain"), login(Token="of alice"))
    assert talk.heard[0]["Detail"] == "not for this path"


def test_a_long_first_message_ends_it(gate: Gate) -> None:
    with pytest.raises(Closed, match="too long"):
        Talk(gate).say("x" * 4097)


def test_the_binary_dialect_has_the_login_too(gate: Gate) -> None:
    options = Options(Options().style._replace(binary=True))
    talk = Talk(gate, options=options)
    assert talk.say(msgspec.msgpack.encode(login(Token="of alice"))).user == "alice"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["MsgType", "GatewayLogin", "Token", "User"]), inner)
        ),
    )
)
def test_nothing_that_is_said_there_makes_it_fall(message: Any) -> None:
    talk = Talk(Gate(WsConfig(tokens=(TokenConfig(token=Secret("x")),)), Path("/nonexistent")))
    with pytest.raises(EOFError):
        talk.say(message, {"MsgType": "GatewayLogin", "GatewayLogin": message})


def test_a_gateway_that_asks_nobody_greets_everybody() -> None:
    core = Core()
    assert '"ErrorID":0' in core.td().ask(login(3, Token="whatever"))
    named = core.td(access=Access(user="alice"))
    assert '"MsgType":"GatewayLogin","RspInfo":{"ErrorID":-400' in named.ask(login(3, Token="x"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ws_edge: {users: [{rights: [md]}]}", "user"),
        ("ws_edge: {users: [{user: ''}]}", "user"),
        ("ws_edge: {tokens: [{token: x, user: alice}]}", "alice has no entry in users"),
        (
            "ws_edge: {users: [{user: alice}], tokens: [{token: x, user: alice, rights: [md]}]}",
            "stands in users",
        ),
    ],
)
def test_a_wrong_config_is_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "group.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        load(str(path), "ws_edge", WsConfig)
