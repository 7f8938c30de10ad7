"""Several ws_edges on one port."""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.deployment import free_port
from tests.support.group import Group
from tests.support.ws_client import ONE_LOT, WAIT_S, WsClient, ws

EDGES = ("ws_edge:0", "ws_edge:1", "ws_edge:2")
CLIENTS = 60
USERS = ("028742", "100001", "100002")
WHOSE = '"event":"connected"'


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    overrides = {
        "sim": {"queries_per_second": 0},
        "ws_edge": {"processes": 3, "port": free_port()},
    }
    with Group(tmp_path, overrides=overrides) as group:
        group.start("sim", "md_worker", "td_worker", *EDGES)
        yield group


class Client:
    """Somebody with one socket for ticks and one for orders."""

    numbers = itertools.count(1)

    def __init__(self, group: Group, user: str, instrument: dict[str, Any]) -> None:
        self.group, self.user, self.instrument = group, user, instrument
        self.stack = ExitStack()
        self.limit = 0.0
        self.md = self.connect("/md/")
        self.md.log_in("", "")
        self.md.send(MsgType="SubscribeMarketData", InstrumentID=[instrument["InstrumentID"]])
        self.td = self.connect("/td/")
        reply = self.td.log_in(user)
        assert reply["RspInfo"]["ErrorID"] == 0
        self.session = reply["RspUserLogin"]["SessionID"]

    def connect(self, path: str) -> WsClient:
        # All that comes is read at once, or closing would wait for it.
        return self.stack.enter_context(ws(self.group.url(path), max_queue=None))

    def forget(self) -> None:
        """The ticks so far."""
        with contextlib.suppress(TimeoutError):
            while self.md.text(0):
                pass

    def check(self) -> None:
        """A fresh tick, and the return of an order."""
        tick = self.md.hear_of("RtnDepthMarketData")["DepthMarketData"]
        ref = str(next(self.numbers))
        names = {name: self.instrument[name] for name in ("InstrumentID", "ExchangeID")}
        order = {**ONE_LOT, **names, "LimitPrice": tick["LowerLimitPrice"], "OrderRef": ref}
        self.td.send(MsgType="ReqOrderInsert", InputOrder=order, RequestID=1)
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            heard = self.td.hear()
            assert heard["MsgType"] in ("RtnOrder", "RtnTrade"), heard
            found = heard.get("Order", {})
            if (found.get("SessionID"), found.get("OrderRef", "").strip()) == (self.session, ref):
                return
        raise AssertionError(f"no return of order {ref}")

    def close(self) -> None:
        self.stack.close()


def lost(clients: list[Client]) -> list[Client]:
    """Those whose connections have ended; the others have fresh ticks and can trade."""
    gone = []
    for step in (Client.forget, Client.check):
        for client in clients:
            try:
                step(client)
            except ConnectionClosed:
                gone.append(client)
        clients = [client for client in clients if client not in gone]
    return gone


def connections(group: Group) -> dict[str, int]:
    return {edge: group.log(edge).count(WHOSE) for edge in EDGES}


def test_sixty_clients_are_spread_and_the_end_of_one_process_is_not_that_of_the_others(
    group: Group,
) -> None:
    with ws(group.url("/td/")) as td:
        td.log_in()
        td.send(MsgType="ReqQryInstrument", QryInstrument={"ProductID": "rb"}, RequestID=1)
        instrument = td.hear_of("RspQryInstrument")["Instrument"]
    with ExitStack() as stack:
        clients = []
        for number in range(CLIENTS):
            clients.append(Client(group, USERS[number % len(USERS)], instrument))
            stack.callback(clients[-1].close)
        assert all(count >= 10 for count in connections(group).values()), connections(group)
        assert not lost(clients)
        group.kill("ws_edge:1")
        gone = lost(clients)
        assert 0 < len(gone) < CLIENTS
        again = []
        for client in gone:
            again.append(Client(group, client.user, instrument))
            stack.callback(again[-1].close)
        assert not lost(again)


def test_a_process_has_to_say_which_it_is_and_each_is_there_once(group: Group) -> None:
    assert group.refused("ws_edge", "--member", "1")[0] == 75
    for arguments in ((), ("--member", "3"), ("--member", "-1"), ("--member", "a")):
        status, told = group.refused("ws_edge", *arguments)
        assert status == 2, arguments
        assert "say with --member which of 0 to 2" in told or "expected one argument" in told


def test_a_port_that_somebody_else_has_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for processes, arguments in ((1, ()), (2, ("--member", "0"))):
            settings = {"ws_edge": {"processes": processes, "port": port}}
            with Group(tmp_path, overrides=settings) as group:
                status, told = group.refused("ws_edge", *arguments)
                assert (status, f"cannot listen on 127.0.0.1:{port}" in told) == (75, True), told


def test_several_on_any_port_are_refused(tmp_path: Path) -> None:
    with Group(tmp_path, overrides={"ws_edge": {"processes": 2}}) as group:
        status, told = group.refused("ws_edge", "--member", "0")
        assert status == 2
        assert "processes: several need one port" in told
