"""What a key of each role may do: which streams it hears, and which verbs it may call on whom.

One table for all servers. ``bus.security`` asks it when somebody connects, and the ROUTER of each
worker and of the recorder with every call: libzmq puts the role of the key, which the handshake has
proven, beside each frame as its User-Id, so no caller can say that he is somebody else.

Who connects over ipc is this user himself (a folder of mode 0700) and has the role "", which may
call everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Verbs = tuple[str, ...]  # names; "Req*" stands for all that begin so

_MARKET_DATA: Final[Verbs] = (
    *("SubscribeMarketData", "UnSubscribeMarketData"),
    *("SubscribeForQuoteRsp", "UnSubscribeForQuoteRsp"),
    *("Snapshot", "Since", "State", "ReqUserLogin", "ReqQry*"),
)
# Of one who logs in, with a password. ReqQuery* are questions, too, the API only counts them apart.
_LOOK: Final[Verbs] = (
    *("State", "ReqUserLogin*", "ReqUserLogout", "Detach"),
    *("ReqQry*", "ReqQuery*", "Returns", "Mark", "QryOrderOutcome"),
)
_TRADE: Final[Verbs] = (
    *(*_LOOK, "Req*", "VoidClientOrderID"),
    *("SetCancelOnDisconnect", "SetKillSwitch"),
)
_HISTORY: Final[Verbs] = ("Ticks", "LastTicks", "Events", "Answers", "State", "Streams")

_STREAMS: Final[Mapping[str, frozenset[str]]] = {
    "md_worker": frozenset({"md_pub"}),
    "td_worker": frozenset({"md_pub"}),
    "edge": frozenset({"md_pub", "td_pub", "login_pub"}),
    "client": frozenset({"md_pub", "td_pub"}),
    "viewer": frozenset({"md_pub", "td_pub"}),
    "admin": frozenset({"md_pub", "td_pub", "login_pub", "edge_pub", "rec_pub"}),
    "recorder": frozenset({"md_pub", "td_pub"}),
    "service": frozenset({"md_pub"}),
    "login": frozenset(),
}
VERBS: Final[Mapping[str, Mapping[str, Verbs]]] = {
    "md_worker": {"md_rpc": _MARKET_DATA},
    "td_worker": {"md_rpc": ("Snapshot", "State")},  # for the price bands
    # It has proven to td_worker's satisfaction who its clients are, so it attaches them.
    "edge": {"md_rpc": _MARKET_DATA, "td_rpc": (*_TRADE, "Attach"), "rec_rpc": _HISTORY},
    "client": {"md_rpc": _MARKET_DATA, "td_rpc": _TRADE, "rec_rpc": _HISTORY},
    "viewer": {"md_rpc": _MARKET_DATA, "td_rpc": _LOOK, "rec_rpc": _HISTORY},
    "admin": {
        "md_rpc": _MARKET_DATA,
        "td_rpc": (*_TRADE, "Attach"),
        "rec_rpc": (*_HISTORY, "StartStream", "StopStream"),
    },
    # For what it has missed, without a login.
    "recorder": {"md_rpc": ("Snapshot", "Since", "State"), "td_rpc": ("State", "Returns")},
    "service": {"md_rpc": _MARKET_DATA},
    "login": {},  # the second key of the tcp_edge that has the login service; it serves only
}
# The sockets that a key of each role may connect to.
ROLES: Final[Mapping[str, frozenset[str]]] = {
    role: _STREAMS[role] | frozenset(verbs) for role, verbs in VERBS.items()
}
# For a question with each call: names, and beginnings of names.
_NOTHING: Final = (frozenset[str](), tuple[str, ...]())
_PREPARED: Final = {
    (role, socket): (frozenset(verbs), tuple(verb[:-1] for verb in verbs if verb.endswith("*")))
    for role, sockets in VERBS.items()
    for socket, verbs in sockets.items()
}
# Who has all returns of all accounts without a login, "" being this user over ipc.
HEARS_ALL: Final = frozenset({"", "recorder"})
# Who may say for whom he calls, by which wrong passwords are counted. Of others their key counts:
# they could be somebody else with each guess.
SPEAKS_FOR_OTHERS: Final = frozenset({"", "edge", "admin"})


def may_call(role: str, socket: str, method: str) -> bool:
    """Whether a key of ``role`` may call ``method`` on the socket of this name."""
    if not role:
        return True
    exact, begun = _PREPARED.get((role, socket), _NOTHING)
    return method in exact or method.startswith(begun)
