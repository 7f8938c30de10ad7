"""Two complete gateways at two addresses, each with an account and a market of its own, and one
login service that sends every user to his."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from bus.endpoints import run_dir
from bus.secrets import Secret
from bus.users import User, Users
from tests.support.group import Group
from tests.support.ofx_client import OfxClient

KEY: Final = "the key of the tests"
WAIT_S: Final = 30.0
STOCK: Final = {"code": "600000", "market": "SH"}
WORKERS: Final = ("sim", "md_worker", "td_worker", "tcp_edge")


def gateway(path: Path, host: str, account: str, **more: Any) -> Group:
    path.mkdir()
    edge: dict[str, Any] = {name: {"host": host, "port": 0} for name in ("login", "quote", "trade")}
    edge |= {"keys": [{"passphrase": KEY}], "quote_authcode": "required", "account": account}
    accounts = {"accounts": [{"user": account, "password": "123456"}]}
    common = more.pop("common", {})
    edge |= more
    return Group(path, overrides={"tcp_edge": edge, "td_worker": accounts, **common})


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Group, Group]]:
    path = tmp_path_factory.mktemp("two")
    with ExitStack() as stack:
        first = stack.enter_context(gateway(path / "first", "127.0.0.1", "028742"))
        heard = {"login_pub": f"ipc://{run_dir(str(first.data))}/login_pub"}
        second = stack.enter_context(
            gateway(
                path / "second",
                "127.0.0.2",
                "100001",
                common={"bus": heard},
                services=["quote", "trade"],
            )
        )
        first.start(*WORKERS)
        name = "tcp_edge/authcode.key"
        (second.data / "tcp_edge").mkdir(parents=True)
        shutil.copy(first.data / name, second.data / name)
        second.start(*WORKERS)
        users = Users(first.data / "users.db")
        users.add(User(name="near"), Secret("near-password"))
        ready = second.ready["tcp_edge"]
        far = User(name="far", quote=ready["quote"], trade=ready["trade"])
        users.add(far, Secret("far-password"))
        yield first, second


class Desk:
    """A user where the login has sent him."""

    def __init__(self, login: str, user: str) -> None:
        with OfxClient(login, KEY) as client:
            self.route = client.ask(1, {"username": user, "password": f"{user}-password"})
        self.quote, self.trade = (
            OfxClient(f"{self.route[f'{name}server']}:{self.route[f'{name}port']}", KEY)
            for name in ("quote", "trade")
        )

    def ask(self, cmd: int, params: object = None, **more: object) -> Any:
        client = self.quote if cmd < 200_000 else self.trade
        return client.ask(cmd, params, authcode=self.route["authcode"], **more)


def until(fact: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (found := fact()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_each_user_has_the_quotes_and_the_account_of_his_gateway(
    gateways: tuple[Group, Group],
) -> None:
    first, second = gateways
    login = first.ready["tcp_edge"]["login"]
    with ExitStack() as stack:
        near, far = Desk(login, "near"), Desk(login, "far")
        for client in (near.quote, near.trade, far.quote, far.trade):
            stack.enter_context(client)
        assert near.route["quoteserver"] == near.route["tradeserver"] == "127.0.0.1"
        assert far.route["quoteserver"] == far.route["tradeserver"] == "127.0.0.2"
        for desk in (near, far):
            assert desk.ask(110001, [STOCK])["stat"] == 200
            tick = until(partial(desk.ask, 100001, STOCK))
            assert tick["ticker"] == "600000"
        order = {"ticker": "600000", "market": 2, "quantity": 100, "price_type": 1, "side": 1}
        order["price"] = round(tick["last_price"] * 0.95, 2)
        placed = until(lambda: ok(near.ask(210005, order)))
        assert until(lambda: near.ask(200001))
        assert until(lambda: far.ask(200001) == [])  # another account, another gateway
        assert near.ask(210006, placed["order_xtp_id"])["stat"] == 200
        assert far.ask(210006, placed["order_xtp_id"])["stat"] == 404
        with OfxClient(second.ready["tcp_edge"]["trade"], KEY) as stranger:
            assert stranger.ask(200001)["stat"] == 401

        Users(first.data / "users.db").enable("far", False)
        until(lambda: stat(far.ask(200001)) == 401)
        assert stat(far.ask(100001, STOCK)) == 401
        assert stat(near.ask(200001)) == 200


def ok(reply: dict[str, Any]) -> dict[str, Any] | None:
    return reply if reply["stat"] == 200 else None


def stat(reply: Any) -> int:
    return int(reply.get("stat", 200)) if isinstance(reply, dict) else 200
