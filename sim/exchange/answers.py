"""The forms of the counter's answers to a request."""

from collections.abc import Iterable
from typing import Final

from sim.exchange.events import Event
from sim.exchange.refusals import TEXTS, RefusedError
from sim.exchange.values import Fields

LOGINS: Final = frozenset(
    {"ReqUserLogin", "ReqUserLoginWithCaptcha", "ReqUserLoginWithText", "ReqUserLoginWithOTP"}
)


def reply_to(method: str) -> str:
    """The callback that answers a request."""
    return "OnRspUserLogin" if method in LOGINS else f"OnRsp{method.removeprefix('Req')}"


def answer(session: int, method: str, rows: Iterable[Fields], request_id: int) -> list[Event]:
    """The answer to a query: its rows, or one call without a row."""
    found = list(rows)
    callback = reply_to(method)
    if not found:
        return [Event(session, None, callback, None, request_id=request_id)]
    end = len(found) - 1
    return [
        Event(session, None, callback, row, request_id=request_id, last=k == end)
        for k, row in enumerate(found)
    ]


def confirm(session: int, method: str, row: Fields, request_id: int) -> Event:
    """The answer to an action that was done."""
    return Event(session, None, reply_to(method), row, 0, TEXTS[0], request_id)


def refuse(
    session: int, method: str, row: Fields | None, request_id: int, refusal: RefusedError
) -> Event:
    error = refusal.error_id, refusal.error_msg
    return Event(session, None, reply_to(method), row, *error, request_id)
