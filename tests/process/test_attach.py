"""An account that td_worker logs in by itself, and who uses it without a password."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest

from bus.client import Client, Restarted, Return, addresses_of
from bus.errors import Refused
from bus.frames import Row, account_topic, unpack_message
from bus.orders import After, CancelOnDisconnect, Place
from schemas.errors import BAD_REQUEST, NOT_LOGGED_IN
from tests.support.buslink import TdLink
from tests.support.group import Group

USER, PASSWORD, BROKER = "028742", "123456", "9999"
WAIT_S = 30.0


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    folder = tmp_path_factory.mktemp("attach")
    secret = folder / "password"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    accounts = [
        {"user": USER, "password_file": str(secret)},
        {"user": "100002", "password": "not his"},
    ]
    overrides: dict[str, Any] = {
        "sim": {"queries_per_second": 0},
        "td_worker": {"retry_s": 0.2, "step_s": 0.5, "accounts": accounts},
    }
    with Group(folder, overrides=overrides) as group:
        group.start("sim", "md_worker", "td_worker")
        yield group


def run(group: Group, scenario: Callable[[Client], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with Client(addresses_of(str(group.config_file))) as client:
            async with asyncio.timeout(WAIT_S):
                await scenario(client)

    asyncio.run(whole())


def account_state(link: TdLink, user: str) -> dict[str, Any]:
    found = [one for one in link.state_now()["accounts"] if one["user"] == user]
    return found[0] if found else {}


def test_it_is_ready_without_any_client_and_without_the_password_in_sight(group: Group) -> None:
    with TdLink(group) as link:
        link.wait_for(lambda: account_state(link, USER).get("state") == "ready")
        assert account_state(link, USER)["clients"] == 0
        link.wait_for(lambda: account_state(link, "100002").get("state") == "refused")
        assert account_state(link, "100002")["reason"] == 3
    log = group.log("td_worker")
    assert log.count("the configured password is refused") == 1
    assert PASSWORD not in log
    assert "not his" not in log


def test_a_program_attaches_and_asks_the_counter(group: Group) -> None:
    async def scenario(client: Client) -> None:
        account = await client.attach(USER, name="tcp_edge")
        rows: list[Row] = []
        last = await account.request(
            "ReqQryTradingAccount", {"BrokerID": BROKER, "InvestorID": USER}, rows.append
        )
        raw = last.body[: client.catalogue.layouts["TradingAccount"].size]
        assert client.catalogue.codec("TradingAccount").get(raw, "AccountID") == USER
        other = await client.attach(USER, name="tcp_edge")
        assert account.session["SessionID"] != other.session["SessionID"]
        assert account.session["TradingDay"]

    run(group, scenario)


def test_a_program_is_attached_again_when_td_worker_was_killed(group: Group) -> None:
    async def scenario(client: Client) -> None:
        account = await client.attach(USER, name="tcp_edge")
        returns = account.returns(Place(0, 0))
        before = account.handle
        await asyncio.to_thread(group.restart, "td_worker")
        async for item in returns:
            if isinstance(item, Restarted):
                break
        await account.request("Mark")
        async for item in returns:
            if isinstance(item, Return) and client.name(item) == "Mark":
                break
        assert account.handle != before

    run(group, scenario)


@pytest.mark.parametrize(
    ("user", "name", "error"),
    [
        ("100001", "x", NOT_LOGGED_IN),
        ("", "x", NOT_LOGGED_IN),
        (USER, "a\nb", BAD_REQUEST),
        (USER, "a" * 33, BAD_REQUEST),
        ("100002", "x", 3),
    ],
)
def test_nobody_attaches_to_what_is_not_there_for_it(
    group: Group, user: str, name: str, error: int
) -> None:
    with TdLink(group) as link:
        body = msgspec.msgpack.encode({"user": user, "name": name})
        (row,) = link.call("Attach", body)
        assert row.error_id == error


def test_the_sdk_raises_what_td_worker_says(group: Group) -> None:
    async def scenario(client: Client) -> None:
        with pytest.raises(Refused) as caught:
            await client.attach("100001", name="x")
        assert caught.value.error_id == NOT_LOGGED_IN

    run(group, scenario)


def test_orders_of_a_lost_client_are_cancelled_after_a_restart_with_nobody_logged_in(
    group: Group,
) -> None:
    with TdLink(group) as link:
        link.login()
        link.call(
            "SetCancelOnDisconnect",
            msgspec.msgpack.encode(CancelOnDisconnect(on=True)),
            session=link.handle,
        )
        rows = link.request("ReqQryInstrument", ProductID="rb", ExchangeID="SHFE")
        instrument = str(rows[0]["InstrumentID"])
        (limits,) = link.request("ReqQryDepthMarketData", InstrumentID=instrument)[:1]
        link.order(instrument, float(str(limits["LowerLimitPrice"])), client_order_id="left")
        link.wait_outcome("ACK", client_order_id="left")
    group.restart("td_worker")
    with TdLink(group) as watcher:
        topic = account_topic(BROKER, USER)
        watcher.subscribe(topic)

        def cancelled() -> bool:
            after = msgspec.msgpack.encode(After(0, 0, topic=topic))
            *found, last = watcher.call("Returns", after)
            if last.name != "Returns":
                return False  # the day is not known yet
            messages = [watcher._published(unpack_message(row.body)) for row in found]
            return any(m.name == "OnRtnOrder" and m["OrderStatus"] == "5" for m in messages)

        watcher.wait_for(cancelled)
        assert account_state(watcher, USER)["clients"] == 0
