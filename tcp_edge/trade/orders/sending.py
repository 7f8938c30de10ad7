"""Orders and cancels on their way to td_worker, and its first word on them.

A word is None when td_worker has taken it, Refused when it has not, and Unanswered when nobody
knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from bus.client import Account
from bus.errors import Unanswered, Unavailable
from bus.frames import Row, message_type
from bus.rpc import refusal

from .placed import Placed

ORDER_S: Final = 5.0  # td_worker sends an order within this time, or never
LATE_S: Final = 1.0  # its answer may take so much longer
IN_RETURNS_S: Final = 1.0  # what it refuses comes among the returns as well, if it does, so soon

_REFUSAL_S: Final = 600.0  # and the counter's refusal so long
_ACTION_REFUSAL_S: Final = 60.0  # of a cancel
_SENT: Final = message_type("Sent")
_OUTCOME: Final = message_type("Outcome")
_INSERT_REFUSED: Final = message_type("OnRspOrderInsert")
_ACTION_REFUSED: Final = message_type("OnRspOrderAction")


class _Word:
    """The first one counts."""

    def __init__(self) -> None:
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def say(self, error: Exception | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(error)

    def silence(self, why: str = "") -> None:
        self.say(Unanswered("td_worker"))


def send(
    placed: Placed,
    body: bytes,
    account: Account,
    handle: bytes,
    on_refusal: Callable[[Row], None],
) -> asyncio.Future[None]:
    """The word on an order. ``on_refusal`` gets the counter's OnRspOrderInsert, which may come long
    after it. Raises Unavailable when nothing was sent."""
    word = _Word()

    def take(row: Row) -> None:
        if (error := refusal(row)) is not None:
            word.say(error)
        elif row.type == _INSERT_REFUSED:
            on_refusal(row)
            word.say(None)
        elif row.type in (_SENT, _OUTCOME):
            word.say(None)

    timer = asyncio.get_running_loop().call_later(ORDER_S + LATE_S, word.silence)
    word.future.add_done_callback(lambda _: timer.cancel())
    try:
        account.start(
            "ReqOrderInsert",
            body,
            take,
            word.silence,
            _REFUSAL_S,
            session=handle,
            request_id=placed.reqid,
            client_order_id=placed.name,
            deadline_s=ORDER_S,
        )
    except Unavailable:
        word.future.cancel()
        raise
    return word.future


async def act(
    account: Account,
    handle: bytes,
    fields: Mapping[str, Any],
    reqid: int,
    on_refusal: Callable[[Row], None],
) -> None:
    """Send a cancel and wait for the word. ``on_refusal`` gets the counter's OnRspOrderAction,
    which comes after it. Raises Refused, Unavailable and Unanswered."""
    word = _Word()

    def take(row: Row) -> None:
        error = refusal(row)
        if error is None and row.type == _ACTION_REFUSED:
            on_refusal(row)
        word.say(error)

    timer = asyncio.get_running_loop().call_later(ORDER_S + LATE_S, word.silence)
    word.future.add_done_callback(lambda _: timer.cancel())
    try:
        account.start(
            "ReqOrderAction",
            fields,
            take,
            word.silence,
            _ACTION_REFUSAL_S,
            session=handle,
            request_id=reqid,
            deadline_s=ORDER_S,
        )
    except Unavailable:
        word.future.cancel()
        raise
    await word.future
