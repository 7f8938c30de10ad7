"""The parameters of the commands, in the many forms that clients send. All raise Failed(400)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.xtp.errors import XtpError
from schemas.xtp.instruments import Instruments
from schemas.xtp.markets import SIX_DIGITS, code_of, market_of

from ..request import Request
from ..stat import Failed, Stat
from .account.book import Event
from .orders.order import Order

_MOST_OWN: Final = 64
_MOST_DIGITS: Final = 30  # of an order_xtp_id; a longer one is nobody's, and so is its beginning


def order(params: Any, user: str) -> Order:
    """XTPOrderInsertInfo, perhaps with a client_order_id."""
    if not isinstance(params, dict):
        raise Failed(Stat.BAD_REQUEST, "params is an object, XTPOrderInsertInfo")
    params = dict(params)
    own = params.pop("client_order_id", None)
    own = "" if own is None else own
    if isinstance(own, bool) or not isinstance(own, str | int) or len(str(own)) > _MOST_OWN:
        text = f"client_order_id is a text of {_MOST_OWN} characters at the most"
        raise Failed(Stat.BAD_REQUEST, text)
    return Order(user, str(own), params)


def order_xtp_id(params: Any) -> int:
    """A bare int, a decimal text, or an object."""
    value = params.get("order_xtp_id") if isinstance(params, dict) else params
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip().lstrip("0")[:_MOST_DIGITS] or "0")
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Failed(Stat.BAD_REQUEST, "params is an order_xtp_id")
    return value


def events(params: Any, table: Instruments) -> Callable[[Event], bool]:
    """Which ones are wanted, by code and market; all without them."""
    params = {} if params is None else params
    if not isinstance(params, dict):
        raise Failed(Stat.BAD_REQUEST, "params is an object with code and market")
    try:
        exchange = market_of(params.get("market"))
        code = params.get("code")
        if code is None or code == "":
            return lambda event: not exchange or event.exchange == exchange
        codes = {code_of(code, exchange)}
        if not exchange and isinstance(code, int):
            codes.add(code_of(code, next(iter(SIX_DIGITS))))
        if not exchange and len(table):
            exchange = table.find(code).exchange
    except XtpError as exc:
        raise Failed(Stat(exc.stat), exc.detail) from None
    return lambda event: event.code in codes and exchange in ("", event.exchange)


def latest(request: Request) -> bool:
    params = request.params if isinstance(request.params, dict) else {}
    return request.rest.get("latest", params.get("latest")) is True
