"""Who may do what: the authcode of a request, or the one that its connection has shown before."""

from __future__ import annotations

import asyncio
import hmac
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import zmq

from bus.authcodes import KEY_FILE, Grant, KeyFile, Tokens
from bus.config import Loaded
from bus.digits import CodesError, Digits
from bus.endpoints import resolve
from bus.security import keys_of
from bus.serials import HeardSerials, ReadSerials, Serials
from bus.tries import Meter, Tries, network
from bus.users import DEMO, Right, Users

from .config import TcpConfig
from .request import Request
from .service import Client
from .stat import Failed, Stat, flow_limit

Scope = Literal["connection", "command"]


class Codes(Protocol):
    """A style of authcode. ``guessable``: in a time that matters."""

    guessable: Final[bool]  # type: ignore[misc]

    def issue(self, grant: Grant, peer: str = "") -> str:
        """To a client at that address."""

    def read(self, code: str) -> Grant | None: ...

    def home(self, code: str) -> str:
        """The network of that client, where it is known."""


class Access:
    """Of one process; ``serials`` and ``codes`` are its own.

    account   the trading account of this gateway; "": whichever a user has
    embedded  all fronts are the embedded exchange's, so ``demo`` may be here
    """

    def __init__(
        self,
        codes: Codes,
        serials: Serials,
        *,
        scope: Scope = "connection",
        account: str = "",
        embedded: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.codes, self.serials, self.embedded = codes, serials, embedded
        self._scope, self._account, self._clock = scope, account, clock
        self._tries = Tries(refusal=flow_limit)
        # Of all peers together: with many addresses there would be no end of guesses.
        self._everybody = Meter(10, 5.0, time.monotonic)
        self._missing = self._ended = self._forbidden = 0

    async def grant(self, client: Client, request: Request, right: Right) -> Grant:
        """What the client may do.

        Raises Failed: 401 for an authcode that is missing, wrong, expired or revoked, 403 for one
        without the right or of another account, 429 when wrong ones came too often.
        """
        known = self.known(client, request, right)
        if known is not None:
            return known
        return self._granted(client, await self._read(client, request.authcode), right)

    def known(self, client: Client, request: Request, right: Right) -> Grant | None:
        """The same without waiting; None when the connection shows another authcode now."""
        grant = self._known(client, request.authcode)
        return None if grant is None else self._granted(client, grant, right)

    def _granted(self, client: Client, grant: Grant, right: Right) -> Grant:
        self._check(client, grant)
        if right not in grant.rights:
            self._forbidden += 1
            raise Failed(Stat.FORBIDDEN, f"user {grant.user} has no right to {right}")
        if right == "trade" and self._account and grant.account not in ("", self._account):
            self._forbidden += 1
            raise Failed(Stat.FORBIDDEN, f"user {grant.user} has another account than this gateway")
        return grant

    def stands(self, client: Client, right: Right, account: str = "") -> bool:
        """Whether what the client has shown last still gives him the right, to the account where
        one is named: for pushes, which no request asks for."""
        try:
            if client.grant is not None:
                self._check(client, client.grant)
        except Failed:
            pass
        grant = client.grant
        if grant is None or right not in grant.rights:
            return False
        return account in ("", grant.account or self._account)

    def show(self, client: Client, code: str, grant: Grant) -> None:
        """The connection has this authcode from now on."""
        client.authcode, client.grant = code, grant

    def has_entered(self, peer: str, user: str) -> bool:
        """Whether a user has logged in from there; False where the file of users is not read."""
        serials = self.serials
        return isinstance(serials, ReadSerials) and serials.has_entered(peer, user)

    def describe(self) -> dict[str, object]:
        return {
            "authcodes": self._tries.describe(),
            "missing": self._missing,
            "ended": self._ended,
            "forbidden": self._forbidden,
            **self.serials.describe(),
        }

    def close(self) -> None:
        self.serials.close()

    def _known(self, client: Client, code: str) -> Grant | None:
        """Of the connection, when it shows none or the same again."""
        if code:
            return client.grant if _same(code, client.authcode) else None
        if self._scope == "connection" and client.grant is not None:
            return client.grant
        self._missing += 1
        raise Failed(Stat.UNAUTHORIZED, "authcode missing")

    async def _read(self, client: Client, code: str) -> Grant:
        """Another one; what was shown before counts no more."""
        client.authcode, client.grant = "", None
        if self.codes.guessable:
            grant = await self._guess(client.peer, code)
        else:
            grant = self.codes.read(code)
            if grant is None:
                self._tries.wrong(client.peer)
        if grant is None:
            raise Failed(Stat.UNAUTHORIZED, "authcode wrong")
        self.show(client, code, grant)
        return grant

    async def _guess(self, peer: str, code: str) -> Grant | None:
        """Not even looked at after too many wrong ones of this peer. After too many of all peers it
        is good only where it was issued or has been shown before, and elsewhere nobody is told
        whether it is."""
        with self._tries.one(peer, code) as attempt:
            try:
                grant, home = await asyncio.to_thread(self._find, code)
            except CodesError as exc:
                raise Failed(Stat.NOT_CONNECTED, "authcodes cannot be checked") from exc
            wait_s = self._everybody.wait_s("")
            at_home = (home and network(peer) == home) or self._tries.has_entered(peer, code)
            if grant is not None and (at_home or not wait_s):
                attempt.succeeded()
                return grant
        if wait_s:
            raise flow_limit(f"too many failed tries; wait {math.ceil(wait_s)} s")
        self._everybody.fail("")
        return None

    def _find(self, code: str) -> tuple[Grant | None, str]:
        return self.codes.read(code), self.codes.home(code)

    def _check(self, client: Client, grant: Grant) -> None:
        """Raises Failed(401), and the connection forgets an authcode that has ended."""
        why = ""
        if self._clock() >= grant.expires:
            why = "authcode expired"
        elif self.serials.ended(grant.user, grant.serial):
            why = "authcode revoked"
        elif grant.user == DEMO and not self.embedded:
            why = "demo is for the embedded exchange only"
        if why:
            self._ended += 1
            client.authcode, client.grant = "", None
            raise Failed(Stat.UNAUTHORIZED, why)


def open_access(loaded: Loaded[TcpConfig], context: zmq.Context[Any]) -> Access:
    """Made in a running event loop. Where the group has the login
    service the key and the file of users are made when they are missing. Raises ConfigError and
    UsersError."""
    common, config = loaded.common, loaded.own
    folder: Path = common.folder("tcp_edge")
    host = "login" in config.services
    keys = KeyFile(folder / KEY_FILE, make=host)
    serials: Serials
    if host:
        serials = ReadSerials(Users(common.users_file, make=True).path)
    else:
        address = resolve(common.bus, common.data).login_pub
        serials = HeardSerials(context, address, keys_of(common.keys, "tcp_edge"))
    codes: Codes = Tokens(keys)
    if config.authcode_style == "digits8":
        codes = Digits(folder / "codes.db", keys)
    return Access(
        codes,
        serials,
        scope=config.authcode_scope,
        account=config.account,
        embedded=loaded.embedded,
    )


def _same(code: str, other: str) -> bool:
    return hmac.compare_digest(code.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
