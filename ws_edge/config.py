"""The section ``ws_edge`` of the group's file."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bus.secrets import Secret, either

from .rights import Right

Seconds = Annotated[float, Meta(gt=0, le=3600)]
Bytes = Annotated[int, Meta(ge=1024)]
Count = Annotated[int, Meta(ge=1)]
Notice = Literal["front", "status", "error", "all", "gap", "stale"]
Path = Literal["md", "td"]


class GrantConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is allowed; a request must agree with all of it.

    accounts      UserIDs; empty: any
    rights        md: the path /md/; query, trade: requests that ask, that act, on /td/
    requests      patterns of MsgTypes, such as ``ReqQry*``; empty: all. Logins need none
    instruments   patterns of instruments, see bus/patterns.py; empty: all
    """

    accounts: tuple[str, ...] = ()
    rights: tuple[Right, ...] = ("md", "query", "trade")
    requests: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()


class TokenConfig(GrantConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One token that opens the door.

    token, token_file   the token itself, or a file (mode 0600) whose first line it is
    user                it is his, with what ``users`` opens to him; then the other keys stay empty
    """

    token: Secret = Secret("")
    token_file: str = ""
    user: str = ""


class UserConfig(GrantConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is opened to one client account (bus/users.py), or with ``*`` to all that have no entry
    of their own. Of several entries one must allow the request; the account's own rights and
    trading account bound them all."""

    user: Annotated[str, Meta(min_length=1)]


class LimitsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one address or one user may take of one ws_edge; 0: any amount.

    connections        at a time; more are refused with HTTP 429
    handshakes_per_s   more are refused in the same way. Of each rate two seconds may come at once
    messages_per_s     more are answered with -403, but for cancels
    bytes_per_s        more are read later
    """

    connections: Annotated[int, Meta(ge=0)] = 256
    handshakes_per_s: Annotated[float, Meta(ge=0)] = 50.0
    messages_per_s: Annotated[float, Meta(ge=0)] = 1000.0
    bytes_per_s: Annotated[int, Meta(ge=0)] = 8 << 20


class WsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ws_edge.

    host, port          where to listen; port 0: any free one, see the ready line
    paths               of /md/ and /td/ those that are served; a worker that serves none of them
                        can be left out of the group
    processes           so many ws_edges share the port; the kernel gives each client to one of them
    cert_file, key_file PEM files; with them the edge speaks TLS
    insecure            may listen elsewhere than on loopback without TLS: passwords and tokens can
                        be read on the way, and orders changed
    tokens, users       who may connect; both empty: everybody who reaches the port
    gateway_login_s     who shows nothing in the handshake logs in by his first message within this
                        time; 0: is refused
    origins             allowed values of the header Origin; empty: all. Programs send none
    per_peer            limits of an address; empty: the default ones, but none for this machine
    per_user            limits of a user, or of a token without one
    max_message_bytes   a longer message of a client closes its socket with 1009
    kernel_buffer_bytes, user_buffer_bytes   how much may wait for one client before its ticks are
                        thinned out to the newest of each instrument
    send_limit_bytes    replies and returns waiting for one client; beyond it is closed with 1013
    stall_s             a client that takes nothing at all for so long is closed with 1013
    max_subscriptions   instruments of one socket, and of one request; a front allows 6000 in all
    max_pending         unanswered requests of one socket
    ping_interval_s, ping_timeout_s  WebSocket pings
    login_s             within this time a login is answered, with an error if need be
    query_s             a query without news for so long is answered with an error
    action_s            an order is not sent when it could not be sent within this time
    subscribe_s         the same for market data requests
    feed_silence_s      without a tick for so long while instruments trade the feed counts as stale
    sent_s              how long a late refusal of a request still finds its socket
    envelope, dialect, notices, outcomes, seq, heartbeat   what a client gets that asks for nothing
    heartbeat_interval_s, heartbeat_timeout_s   of the Pings above WebSocket, and when who says
                        nothing is closed; 0: never
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    paths: tuple[Path, ...] = ("md", "td")
    processes: Annotated[int, Meta(ge=1, le=64)] = 1
    cert_file: str = ""
    key_file: str = ""
    insecure: bool = False
    tokens: tuple[TokenConfig, ...] = ()
    users: tuple[UserConfig, ...] = ()
    gateway_login_s: Annotated[float, Meta(ge=0, le=3600)] = 10.0
    origins: tuple[str, ...] = ()
    per_peer: LimitsConfig | None = None
    per_user: LimitsConfig = LimitsConfig()
    max_message_bytes: Bytes = 1 << 20
    kernel_buffer_bytes: Bytes = 64 << 10
    user_buffer_bytes: Annotated[int, Meta(ge=0)] = 0
    send_limit_bytes: Bytes = 64 << 20
    stall_s: Seconds = 40.0
    max_subscriptions: Count = 6000
    max_pending: Count = 10_000
    ping_interval_s: Seconds = 20.0
    ping_timeout_s: Seconds = 20.0
    login_s: Seconds = 10.0
    query_s: Seconds = 60.0
    action_s: Seconds = 5.0
    subscribe_s: Seconds = 10.0
    feed_silence_s: Seconds = 30.0
    sent_s: Seconds = 60.0
    envelope: Literal["compatible", "full"] = "compatible"
    dialect: bool = False
    notices: tuple[Notice, ...] = ()
    outcomes: bool = False
    seq: bool = False
    heartbeat: bool = False
    heartbeat_interval_s: Seconds = 30.0
    heartbeat_timeout_s: Annotated[float, Meta(ge=0, le=3600)] = 60.0

    def __post_init__(self) -> None:
        if not self.paths:
            raise ValueError("paths: expected md, td or both")
        if self.processes > 1 and not self.port:
            raise ValueError("processes: several need one port, so it cannot be 0")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file belong together")
        if self.in_the_clear and not self.insecure:
            raise ValueError(
                f"host: {self.host or 'every address'} is not loopback, so it needs cert_file and "
                "key_file, or `insecure: true`"
            )
        if any(bool(token.token) == bool(token.token_file) for token in self.tokens):
            raise ValueError("each of the tokens has either token or token_file")
        self._check_users()

    def _check_users(self) -> None:
        known, plain = {entry.user for entry in self.users}, GrantConfig()
        for token in self.tokens:
            if token.user and not known & {token.user, "*"}:
                raise ValueError(f"tokens: {token.user} has no entry in users")
            own = [getattr(token, name) for name in plain.__struct_fields__]
            if token.user and own != [getattr(plain, name) for name in plain.__struct_fields__]:
                raise ValueError(f"tokens: what the token of {token.user} opens stands in users")

    @property
    def in_the_clear(self) -> bool:
        """Whether what clients send can be read on a network."""
        return not (self.cert_file or is_loopback(self.host))


def is_loopback(host: str) -> bool:
    """Any other name may mean another address tomorrow."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def as_member(config: WsConfig, member: str) -> WsConfig:
    """The section, when there is such a member. Raises ValueError."""
    numbers = [str(number) for number in range(config.processes)]
    if config.processes == 1 and member:
        raise ValueError("ws_edge.processes is 1, so there are no members")
    if config.processes > 1 and member not in numbers:
        last = config.processes - 1
        raise ValueError(f"ws_edge.processes: say with --member which of 0 to {last}")
    return config


def secret_of(token: TokenConfig) -> Secret:
    """The token itself, which raises ConfigError when it is not where it should be."""
    return either(token.token, token.token_file)
