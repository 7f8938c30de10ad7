"""The login of an account that was lost."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

import schemas.catalogue
from bus.client.account import Account
from bus.errors import ConfigError, CounterRefused
from bus.frames import Flag, Row, join_body, message_type
from bus.rpc import SessionBody
from bus.secrets import Secret

CATALOGUE = schemas.catalogue.load()
NOT_OPEN_YET, WRONG_PASSWORD = 7, 3


class Desk:
    """Plays td_worker: each login meets the next of these errors."""

    def __init__(self, *errors: int, layout: int = CATALOGUE.layout_id) -> None:
        self.errors, self._layout = list(errors), layout
        self.catalogue, self.calls = CATALOGUE, self
        self.accounts: list[Account] = []

    async def ask(self, method: str, on_row: Any, silent_s: float, *, body: bytes) -> Row:
        error = self.errors.pop(0)
        if not error:
            session = msgspec.msgpack.encode(SessionBody(b"2" * 16, "9999", "028742", 2))
            on_row(Row(1, 0, 0, message_type("Session"), 0, Flag.MSGPACK, session))
        info = CATALOGUE.codec("RspInfo").pack({"ErrorID": error, "ErrorMsg": "x"})
        flags, rest = join_body(None, info)
        kind = message_type("OnRspUserLogin")
        return Row(1, 5, 0, kind, self._layout, flags | Flag.LAST, rest)


def log_in_again(desk: Desk) -> Account:
    made: Any = desk
    account = Account(made, "9999", "028742", Secret("123456"))
    asyncio.run(asyncio.wait_for(account.log_in_again(b""), 20))
    return account


def test_a_counter_that_is_not_open_yet_is_waited_for() -> None:
    desk = Desk(NOT_OPEN_YET, 0)
    assert log_in_again(desk).handle == b"2" * 16
    assert desk.errors == []


def test_a_password_that_is_wrong_now_is_not_tried_again() -> None:
    desk = Desk(WRONG_PASSWORD, 0)
    with pytest.raises(CounterRefused):
        log_in_again(desk)
    assert desk.errors == [0]


def test_a_td_worker_with_other_structs_is_not_traded_with() -> None:
    desk = Desk(0, layout=0x6308)
    with pytest.raises(ConfigError, match="another version of the API"):
        log_in_again(desk)
