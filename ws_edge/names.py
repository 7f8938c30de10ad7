"""The naming rule over the catalogue: which requests there are and how they are answered.

One rule for the whole API: MsgType = method, payload key = struct of the method, reply =
callback without "On", its payload key = struct of the callback. What is listed here is what
differs: three logins without a callback of their own, the subscriptions of market data, nine
replies whose empty payload is {} and one request with a second payload key. Our own verbs are in
``verbs.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

from schemas.api import Request
from schemas.catalogue import Catalogue, Side

from .verbs import VERBS

_EMPTY_OBJECT: Final = frozenset(
    {
        "ReqQryInstrument",
        "ReqQryExchange",
        "ReqQryProduct",
        "ReqQryDepthMarketData",
        "ReqQryInvestorPositionDetail",
        "ReqQryExchangeMarginRate",
        "ReqQryInstrumentOrderCommRate",
        "ReqQryOptionInstrTradeCost",
        "ReqQryOptionInstrCommRate",
    }
)
_ALIASES: Final = {"ReqQryInstrument": ("QryInstrument", "ReqQryInstrument")}
# Of our own, on both paths: who the client is to the gateway.
GATEWAY_LOGIN: Final = "GatewayLogin"
_CREDENTIALS: Final = ("UserID", "Password")


class Kind(Enum):
    """What the edge does with a request."""

    LOGIN = "login"
    LOGOUT = "logout"
    QUERY = "query"
    ACTION = "action"
    VERB = "verb"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    SNAPSHOT = "snapshot"
    GATEWAY = "gateway"
    PING = "ping"
    PONG = "pong"


LISTS: Final = (Kind.SUBSCRIBE, Kind.UNSUBSCRIBE, Kind.SNAPSHOT)


class Method(NamedTuple):
    """One MsgType that a path understands.

    keys      payload keys, the first that is present counts; a list of instruments has one
    struct    struct of the payload; empty where there is none
    required  fields of it that must be there
    only      fields of it that are looked at; empty: all
    callback  the callback that answers; the reply's MsgType with "On"
    key       payload key of the reply
    empty     JSON of the payload when the counter gave none
    insertion it makes an order, a quote or the like
    cancels   it ends one, which is never too late
    resumes   a login after which missed returns may be asked for
    """

    name: str
    kind: Kind
    keys: tuple[str, ...] = ()
    struct: str = ""
    required: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    callback: str = ""
    key: str = ""
    empty: bytes = b"null"
    insertion: bool = False
    cancels: bool = False
    resumes: bool = False


_MD_VERBS: Final = (
    ("SubscribeMarketData", Kind.SUBSCRIBE, "OnRspSubMarketData", "SpecificInstrument"),
    ("UnSubscribeMarketData", Kind.UNSUBSCRIBE, "OnRspUnSubMarketData", "SpecificInstrument"),
    ("SubscribeForQuoteRsp", Kind.SUBSCRIBE, "OnRspSubForQuoteRsp", "SpecificInstrument"),
    ("UnSubscribeForQuoteRsp", Kind.UNSUBSCRIBE, "OnRspUnSubForQuoteRsp", "SpecificInstrument"),
    ("QueryMarketSnapshot", Kind.SNAPSHOT, "OnRspQueryMarketSnapshot", "DepthMarketData"),
)


def methods(catalogue: Catalogue, side: Side) -> dict[str, Method]:
    """Everything that one path understands, by MsgType."""
    return {method.name: method for method in _methods(catalogue, side)}


def _methods(catalogue: Catalogue, side: Side) -> Iterator[Method]:
    yield Method("Ping", Kind.PING)
    yield Method("Pong", Kind.PONG)
    yield Method(
        GATEWAY_LOGIN,
        Kind.GATEWAY,
        (GATEWAY_LOGIN,),
        callback=f"OnRsp{GATEWAY_LOGIN}",
        key=f"Rsp{GATEWAY_LOGIN}",
    )
    api = catalogue.api(side)
    for request in api.requests.values():
        yield _method(request, side, api.callbacks[request.reply].struct or "")
    if side == "td":
        for verb in VERBS.values():
            yield Method(
                verb.name, Kind.VERB, (verb.name,), callback=f"OnRsp{verb.name}", key=verb.key
            )
    else:
        for name, kind, callback, key in _MD_VERBS:
            yield Method(name, kind, ("InstrumentID",), callback=callback, key=key)


def _method(request: Request, side: Side, key: str) -> Method:
    is_login = request.reply == "OnRspUserLogin"
    return Method(
        request.name,
        _kind(request, is_login),
        _ALIASES.get(request.name, (request.struct,)),
        request.struct,
        required=_CREDENTIALS if is_login and side == "td" else (),
        only=_CREDENTIALS if request.name == "ReqUserLogin" and side == "td" else (),
        callback=request.reply,
        key=key,
        empty=b"{}" if request.name in _EMPTY_OBJECT else b"null",
        insertion=request.name.endswith("Insert"),
        cancels=request.name.endswith("Action") and request.name != "ReqParkedOrderAction",
        resumes=is_login and side == "td",
    )


def _kind(request: Request, is_login: bool) -> Kind:
    if is_login:
        return Kind.LOGIN
    if request.name == "ReqUserLogout":
        return Kind.LOGOUT
    return Kind.QUERY if request.is_query else Kind.ACTION
