"""What a desk hands to td_worker, and what it makes of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from admin.desk.desk import Desk
from admin.desk.tickets import Ticket
from bus.errors import Unavailable
from bus.frames import Flag, Row, message_type
from bus.orders import OrderState, Outcome
from schemas import catalogue as catalogues
from schemas.errors import NOT_LOGGED_IN

CATALOGUE = catalogues.load("openctp_ctp")
FIELDS = {"InstrumentID": "rb2701", "LimitPrice": 3100.0}


class Silent:
    """An account whose returns never come."""

    def __init__(self) -> None:
        self.session = {"BrokerID": "9999"}
        self.handle = b"one"
        self.started: list[dict[str, Any]] = []
        self.answers: list[tuple[Callable[[Row], None], Callable[[str], None]]] = []

    def returns(self, since: object) -> Silent:
        return self

    def __aiter__(self) -> Silent:
        return self

    async def __anext__(self) -> object:
        await asyncio.Event().wait()
        raise AssertionError

    def close(self) -> None: ...
    def leave(self) -> None: ...

    def pack(self, method: str, fields: dict[str, Any]) -> bytes:
        return CATALOGUE.codec("InputOrder").pack(fields)

    async def request(self, method: str, body: object, *_: object, **__: object) -> Row:
        raise Unavailable("td_worker")

    async def log_in_again(self, void: bytes) -> None:
        self.handle = b"two"

    def start(
        self,
        method: str,
        fields: dict[str, Any],
        on_row: Callable[[Row], None],
        on_silence: Callable[[str], None],
        silent_s: float,
        **options: Any,
    ) -> None:
        self.started.append({"method": method, "fields": fields, **options})
        self.answers.append((on_row, on_silence))


class Bus:
    catalogue = CATALOGUE

    def __init__(self, account: Silent) -> None:
        self._account = account

    async def attach(self, user: str, **_: object) -> Silent:
        return self._account


def sent(state: OrderState) -> Row:
    body = msgspec.msgpack.encode(Outcome(order_id="1", state=state, session_id=7, order_ref="1"))
    return Row(1, 0, 0, message_type("Sent"), 0, Flag.MSGPACK | Flag.SENT, body)


def error(error_id: int, detail: str) -> Row:
    body = {"error_id": error_id, "error_msg": "x", "detail": detail}
    flags = Flag.MSGPACK | Flag.LAST
    return Row(1, 0, 0, message_type("Error"), 0, flags, msgspec.msgpack.encode(body))


def with_desk(use: Callable[[Desk, Silent, list[str]], Any]) -> None:
    async def run() -> None:
        account, told = Silent(), list[str]()

        def hear(ticket: Ticket) -> None:
            told.append(str(ticket.state))

        bus: Any = Bus(account)
        desk = Desk(bus, "028742", hear)
        desk.start()
        try:
            async with asyncio.timeout(10):
                while not desk.ready:
                    await asyncio.sleep(0)
                await use(desk, account, told)
        finally:
            await desk.close()

    asyncio.run(run())


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_form_is_sent_once() -> None:
    async def use(desk: Desk, account: Silent, told: list[str]) -> None:
        first = desk.place("web-1", FIELDS, "admin", "127.0.0.1")
        assert desk.place("web-1", FIELDS, "admin", "127.0.0.1") is first
        await settle()
        assert [call["client_order_id"] for call in account.started] == ["web-1"]
        desk.place("web-2", FIELDS, "admin", "127.0.0.1")  # another form is another order
        await settle()
        assert len(account.started) == 2

    with_desk(use)


def test_silence_leaves_it_unknown() -> None:
    async def use(desk: Desk, account: Silent, told: list[str]) -> None:
        ticket = desk.place("web-1", FIELDS, "admin", "")
        await settle()
        account.answers[0][1]("td_worker was lost before it answered")
        await settle()
        assert ticket.state is OrderState.UNKNOWN
        assert desk.in_doubt
        assert told == ["UNKNOWN"]

    with_desk(use)


def test_an_ended_login_is_made_anew_and_the_order_keeps_its_name() -> None:
    async def use(desk: Desk, account: Silent, told: list[str]) -> None:
        ticket = desk.place("web-1", FIELDS, "admin", "")
        await settle()
        account.answers[0][0](error(NOT_LOGGED_IN, "no such handle"))
        await settle()
        assert [call["session"] for call in account.started] == [b"one", b"two"]
        assert {call["client_order_id"] for call in account.started} == {"web-1"}
        account.answers[1][0](sent(OrderState.SENT))
        await settle()
        assert (ticket.state, ticket.order_ref) == (OrderState.SENT, "1")

    with_desk(use)


def test_a_refusal_is_told_in_its_own_words() -> None:
    async def use(desk: Desk, account: Silent, told: list[str]) -> None:
        ticket = desk.place("web-1", FIELDS, "admin", "")
        await settle()
        account.answers[0][0](error(-403, "kill switch, set by a client of account 028742"))
        await settle()
        assert ticket.state is OrderState.NOT_SENT
        assert "kill switch" in ticket.why

    with_desk(use)


def test_without_an_account_nothing_is_sent() -> None:
    async def use(desk: Desk, account: Silent, told: list[str]) -> None:
        other: Any = Bus(account)
        shut = Desk(other, "028742", lambda ticket: None)
        with pytest.raises(Unavailable):
            shut.place("web-1", FIELDS, "admin", "")
        assert not account.started
        assert not shut.tickets

    with_desk(use)
