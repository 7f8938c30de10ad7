"""What an address and a user may take."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.support.edge_core import Client, Core
from ws_edge.config import LimitsConfig, WsConfig
from ws_edge.edge import take_turns
from ws_edge.limits import Bucket, Limits, Share, Use


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def limits(clock: Clock, **values: float) -> Limits:
    return Limits(WsConfig(per_peer=LimitsConfig(**values)), clock)  # type: ignore[arg-type]


def peer(of: Limits, address: str = "192.0.2.7") -> Use:
    use = of.peer(address)
    assert use is not None
    return use


def test_a_bucket_gives_its_rate_and_two_seconds_of_it_at_once() -> None:
    bucket = Bucket(10, 20, 0.0)
    assert sum(bucket.take(0.0) for _ in range(50)) == 20
    assert sum(bucket.take(1.0) for _ in range(50)) == 10
    assert sum(bucket.take(100.0) for _ in range(50)) == 20
    assert sum(Bucket(0, 0, 0.0).take(0.0) for _ in range(50)) == 50


def test_what_was_spent_has_to_be_waited_for() -> None:
    bucket = Bucket(10, 20, 0.0)
    assert bucket.spend(20, 0.0) == 0
    assert bucket.spend(30, 0.0) == 3.0
    assert bucket.spend(0, 2.0) == 1.0
    assert Bucket(0, 0, 0.0).spend(10**12, 0.0) == 0


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("192.0.2.8", False),
        ("192.0.2.7", True),
        ("::ffff:192.0.2.7", True),
        ("2001:db8::1", False),
    ],
)
def test_an_address_has_one_account(address: str, same: bool) -> None:
    of = limits(Clock())
    assert (peer(of) is peer(of, address)) == same


def test_a_network_of_ipv6_is_one_address() -> None:
    of = limits(Clock())
    assert peer(of, "2001:db8::1") is peer(of, "2001:db8::ffff:2")
    assert peer(of, "2001:db8::1") is not peer(of, "2001:db8:0:1::1")


def test_this_machine_has_none_unless_they_are_given() -> None:
    for address in ("127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1", ""):
        assert Limits(WsConfig(), Clock()).peer(address) is None
        assert limits(Clock()).peer(address) is not None
    assert Limits(WsConfig(), Clock()).peer("192.0.2.7") is not None


def test_connections_of_an_address_come_and_go() -> None:
    of = limits(Clock(), connections=2)
    shares = [Share(Clock()) for _ in range(5)]
    full, crowded = [], []
    for share in shares:
        share.hold(peer(of))
        full.append(peer(of).full)
        crowded.append(peer(of).crowded)
    assert full == [False, False, True, True, True]
    assert crowded == [False] * 4 + [True]
    for share in shares[:3]:
        share.let_go()
        share.let_go()  # of nothing
    assert peer(of).connections == 2
    assert not peer(of).full


def test_who_leaves_while_his_password_is_looked_at_is_not_counted_for_ever() -> None:
    of = limits(Clock())
    share, alice = of.share(), of.user("alice")
    assert alice is not None
    share.hold(peer(of))
    share.let_go()
    share.hold(alice)
    assert (peer(of).connections, alice.connections) == (0, 0)


def test_handshakes_have_a_rate() -> None:
    clock = Clock()
    of = limits(clock, handshakes_per_s=2)

    def comes() -> bool:
        share = of.share()
        share.hold(peer(of))
        try:
            return share.handshake()
        finally:
            share.let_go()

    assert [comes() for _ in range(6)] == [True] * 4 + [False] * 2
    clock.now = 1.0
    assert [comes() for _ in range(3)] == [True, True, False]


def test_the_user_is_counted_wherever_he_comes_from() -> None:
    clock = Clock()
    of = Limits(WsConfig(per_user=LimitsConfig(messages_per_s=1)), clock)
    alice = of.user("alice")
    assert alice is of.user("alice")
    assert of.user("") is None
    shares = [of.share(), of.share()]
    for share, address in zip(shares, ("192.0.2.7", "192.0.2.8"), strict=True):
        assert alice is not None
        share.hold(peer(of, address))
        share.hold(alice)
    assert [share.message() for share in shares] == ["", ""]
    assert [share.message() for share in shares] == ["messages_per_s 1 of the user alice"] * 2


def test_strangers_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ws_edge.limits._MOST", 100)
    of = limits(Clock())
    share = of.share()
    share.hold(peer(of, "198.51.100.1"))
    for number in range(1000):
        peer(of, f"10.0.{number // 250}.{number % 250}")
    assert len(of._uses) <= 101
    assert peer(of, "198.51.100.1").connections == 1


def talk(core: Core, client: Client, *messages: object) -> list[int]:
    for message in messages:
        client.send(message)
    return [(heard["RspInfo"] or {}).get("ErrorID", 0) for heard in client.heard()]


def limited(**values: float) -> tuple[Core, Client]:
    core = Core(WsConfig(per_peer=LimitsConfig(**values)))  # type: ignore[arg-type]
    client = core.td_in()
    client.share.hold(peer(core.limits))
    return core, client


UNKNOWN = {"MsgType": "nonsense"}
ORDER = {"MsgType": "ReqOrderInsert", "InputOrder": {}, "RequestID": 5}
CANCEL = {"MsgType": "ReqOrderAction", "InputOrderAction": {}, "RequestID": 6}


def test_a_message_too_many_is_minus_403_in_the_form_of_its_reply() -> None:
    core, client = limited(messages_per_s=1)
    assert talk(core, client, UNKNOWN, UNKNOWN) == [-404, -404]
    heard = json.loads(client.ask(ORDER))
    assert heard["MsgType"] == "RspOrderInsert"
    assert heard["RspInfo"] == {"ErrorID": -403, "ErrorMsg": "超出网关限额"}
    assert heard["RequestID"] == 5
    assert heard["Detail"] == "messages_per_s 1 of the address 192.0.2.7"
    assert core.td_worker.calls == []
    core.clock.advance(1.0)
    client.send(ORDER)
    assert core.td_worker.methods() == ["ReqOrderInsert"]


def test_cancels_and_pongs_are_never_too_many() -> None:
    core, client = limited(messages_per_s=1)
    assert talk(core, client, *[CANCEL] * 5, *[{"MsgType": "Pong"}] * 5) == []
    assert core.td_worker.methods() == ["ReqOrderAction"] * 5
    assert core.counters.messages_early == 8


@pytest.mark.parametrize("message", [ORDER, CANCEL, "nonsense", UNKNOWN])
def test_who_does_not_stop_is_closed(message: object) -> None:
    _, client = limited(messages_per_s=1)
    for _ in range(200):
        client.send(message)
    assert client.pipe.given_up == (1008, "too many messages")


def test_who_stays_within_is_never_closed() -> None:
    core, client = limited(messages_per_s=1)
    for _ in range(500):
        client.send(ORDER)
        core.clock.advance(1.0)
    assert client.pipe.given_up is None
    assert core.counters.messages_early == 0


def test_without_limits_nothing_is_counted() -> None:
    core = Core()
    client = core.td_in()
    for _ in range(3000):
        client.send(UNKNOWN)
    assert client.pipe.given_up is None
    assert core.counters.messages_early == 0


def test_bytes_are_read_later_and_end_it_when_they_come_all_the_same() -> None:
    clock = Clock()
    of = Limits(WsConfig(per_peer=LimitsConfig(bytes_per_s=1 << 20)), clock)
    share = of.share()
    share.hold(peer(of))
    assert share.heard(2 << 20)
    assert share.pause_s == 0
    assert share.heard(5 << 20)
    assert share.pause_s == 5.0
    clock.now = 4.0
    assert share.pause_s == 1.0
    assert not share.heard(10 << 20)


def test_nothing_is_read_while_there_is_a_debt() -> None:
    taken: list[float] = []

    class Over(Exception):
        pass

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        of = Limits(WsConfig(per_peer=LimitsConfig(bytes_per_s=1 << 22)), loop.time)
        share = of.share()
        share.hold(peer(of))

        async def recv() -> str:
            if len(taken) == 3:
                raise Over
            share.heard((9 << 20) if not taken else 0)
            return "x"

        with pytest.raises(Over):
            await take_turns(recv, lambda text: taken.append(loop.time()), share)

    asyncio.run(scenario())
    assert taken[1] - taken[0] >= 0.2
    assert taken[2] - taken[1] < 0.2
