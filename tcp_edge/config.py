"""The section ``tcp_edge`` of the group's file."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from bus.errors import ConfigError
from bus.secrets import Secret, either

from .reply import Shape

Seconds = Annotated[float, Meta(gt=0, le=86400)]
Bytes = Annotated[int, Meta(ge=1024)]
Count = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=0, le=65535)]
WireName = Literal["v1", "tls", "psk"]
ServiceName = Literal["login", "quote", "trade"]

SERVICES: Final[tuple[ServiceName, ...]] = ("login", "quote", "trade")
_EVERYWHERE: Final = ("", "0.0.0.0", "::")
SHORTEST_PASSPHRASE: Final = 8


class Listener(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a service listens, and how.

    host, port       port 0: any free one, see the ready line
    advertised_host, advertised_port   what clients are told instead, behind a NAT; "" and 0: the
                     address itself
    wire             v1: encrypted lines, as octkeypass makes them; tls; psk: keys per user
    list_items       shape of a list's items; auto: string for v1, object for the others
    """

    host: str = "127.0.0.1"
    port: Port = 0
    advertised_host: str = ""
    advertised_port: Port = 0
    wire: WireName = "v1"
    list_items: Literal["auto", "string", "nested", "object"] = "auto"

    @property
    def shape(self) -> Shape:
        if self.list_items != "auto":
            return self.list_items
        return "string" if self.wire == "v1" else "object"


class LoginListener(Listener, frozen=True, kw_only=True, forbid_unknown_fields=True):
    port: Port = 11027


class QuoteListener(Listener, frozen=True, kw_only=True, forbid_unknown_fields=True):
    port: Port = 11025


class TradeListener(Listener, frozen=True, kw_only=True, forbid_unknown_fields=True):
    port: Port = 11026


class KeyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An OFX key: its number on the wire and its passphrase, or a file (mode 0600) whose first
    line the passphrase is."""

    kid: Annotated[int, Meta(ge=0, le=255)] = 1
    passphrase: Secret = Secret("")
    file: str = ""


class TcpConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tcp_edge: the services login, quote and trade.

    login, quote, trade  their listeners
    services             those of this group. Without login it hears at ``bus.login_pub`` which
                         authcodes have ended, and needs a copy of the login host's authcode.key
    processes            one, or one for each service
    single_port          the login listener takes all commands; the other two do not listen
    account              UserID of the trading account, one of td_worker's ``accounts``
    keys                 OFX keys of wire v1; empty: made at the first start on the embedded
                         exchange, see ``key_file_of``
    salt                 of the site, goes into the keys
    reply                v1: sealed, or open as in 2018 (compressed, not encrypted)
    replay_window_s      v1: how far a client's clock may be off
    cert_file, key_file  PEM files for the wire tls
    client_ca_file       clients need a certificate that this one signed
    big_ints             string: data_time as text, for JavaScript
    auto_offset          an order for futures without position_effect closes what can be closed,
                         and opens when there is nothing; it waits for a query of the positions
    fak                  form of fill-and-kill orders that the counter takes: any (VolumeCondition
                         '1'), or minimum ('2' with MinVolume 1)
    authcode_scope       connection: shown once; command: with each command
    authcode_style       token, or digits8 (weak)
    authcode_hours       0: valid to the end of the trading day
    quote_authcode       whether the quote port wants one; auto: unless it listens on loopback
    max_connections, max_connections_per_peer   of each listener, and of one address there (IPv6:
                         of one network of 64 bits)
    credentials_s        a client that has shown none for so long is closed
    idle_s               so is one that asks nothing for so long; 0: never
    stall_s              and one that takes nothing of its replies
    max_request_bytes    that wait for their turn, of one client; more are left in the kernel
    send_limit_bytes     pushes that wait for one client; beyond it is closed
    max_subscriptions    codes of all clients together
    max_subscriptions_per_client   those of them that one user may bring in, or one address where
                         quotes need no authcode; 0: any number
    max_codes            codes of one request
    max_records          records of one reply
    cache_mb             finished pieces of the day's ticks, in the process that writes them and, of
                         whole lists, as much again in the one that sends them
    """

    login: LoginListener = LoginListener()
    quote: QuoteListener = QuoteListener()
    trade: TradeListener = TradeListener()
    services: tuple[ServiceName, ...] = SERVICES
    processes: Literal["one", "three"] = "one"
    single_port: bool = False
    account: str = ""
    keys: tuple[KeyConfig, ...] = ()
    salt: str = ""
    reply: Literal["sealed", "open"] = "sealed"
    replay_window_s: Seconds = 30.0
    cert_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""
    big_ints: Literal["number", "string"] = "number"
    auto_offset: bool = False
    fak: Literal["any", "minimum"] = "any"
    authcode_scope: Literal["connection", "command"] = "connection"
    authcode_style: Literal["token", "digits8"] = "token"
    authcode_hours: Annotated[float, Meta(ge=0, le=720)] = 0.0
    quote_authcode: Literal["auto", "required", "none"] = "auto"
    max_connections: Count = 4096
    max_connections_per_peer: Count = 256
    credentials_s: Seconds = 30.0
    idle_s: Annotated[float, Meta(ge=0, le=86400)] = 0.0
    stall_s: Seconds = 40.0
    max_request_bytes: Bytes = 256 << 10
    send_limit_bytes: Bytes = 16 << 20
    max_subscriptions: Count = 6000
    max_subscriptions_per_client: Annotated[int, Meta(ge=0)] = 2000
    max_codes: Count = 1000
    max_records: Count = 100_000
    cache_mb: Annotated[int, Meta(ge=1)] = 256

    def __post_init__(self) -> None:
        if not self.services:
            raise ValueError("services: at least one of login, quote and trade")
        if self.authcode_style == "digits8" and "login" not in self.services:
            raise ValueError("authcode_style: digits8 are known where the login service is only")
        if self.single_port and self.processes == "three":
            raise ValueError("single_port: one port is one process, so processes must be one")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file belong together")
        if self.client_ca_file and not self.cert_file:
            raise ValueError("client_ca_file needs cert_file and key_file")
        if any(self.listener(name).wire == "tls" for name in SERVICES) and not self.cert_file:
            raise ValueError("wire: tls needs cert_file and key_file")
        if "login" in self.services:
            for name in SERVICES[1:]:
                own = self.listener(name)
                if own.host in _EVERYWHERE and not own.advertised_host:
                    raise ValueError(f"{name}: a host for everybody needs an advertised_host")
        kids = [key.kid for key in self.keys]
        if len(set(kids)) != len(kids):
            raise ValueError("keys: two have the same kid")
        if any(bool(key.passphrase) == bool(key.file) for key in self.keys):
            raise ValueError("keys: each has either passphrase or file")

    def listener(self, name: ServiceName) -> Listener:
        if self.single_port or name == "login":
            return self.login
        return self.quote if name == "quote" else self.trade

    @property
    def quote_needs_authcode(self) -> bool:
        if self.quote_authcode == "auto":
            return not is_loopback(self.listener("quote").host)
        return self.quote_authcode == "required"


@lru_cache(maxsize=16)  # it is asked with each request
def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def as_member(config: TcpConfig, member: str) -> TcpConfig:
    """The section, when there is such a member. Raises ValueError."""
    if config.processes == "one" and member:
        raise ValueError("tcp_edge.processes is one, so there are no members")
    if config.processes == "three" and member not in config.services:
        names = ", ".join(config.services)
        raise ValueError(f"tcp_edge.processes: say with --member which of {names}")
    return config


def services_of(config: TcpConfig, member: str) -> tuple[ServiceName, ...]:
    """Those that a process has."""
    return tuple(name for name in config.services if member in ("", name))


def passphrase_of(key: KeyConfig) -> Secret:
    """Raises ConfigError."""
    secret = either(key.passphrase, key.file)
    if len(secret.reveal()) < SHORTEST_PASSPHRASE:
        raise ConfigError(
            f"tcp_edge.keys: kid {key.kid} has a passphrase shorter than {SHORTEST_PASSPHRASE}"
        )
    return secret
