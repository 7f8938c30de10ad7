"""Who a client is: tokens of the configuration, users of ``bus.users``, and growing delays."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bus.errors import BusError
from bus.passwords import Checker, TooManyChecks
from bus.patterns import Pattern
from bus.serials import ReadSerials
from bus.tries import TooManyTries, Tries
from bus.users import DEMO, User, Users, UsersError

from .admission import Knock, Offer, Visit
from .config import GrantConfig, TokenConfig, UserConfig, WsConfig, secret_of
from .rights import EVERYTHING, Access, Grant, Right, requests_of

log = logging.getLogger("ws_edge")

ANYBODY: Final = "*"
_SHORT: Final = 16  # characters
_RIGHTS: Final[dict[str, tuple[Right, ...]]] = {"quote": ("md",), "trade": ("query", "trade")}


class Closed(BusError):
    """Nobody gets in; the text says why."""


class TooEarly(Closed):
    """It was not even looked at."""


class Gate:
    """Of one process. ``embedded``: all fronts are the embedded exchange's, so ``demo`` may be
    here. Raises ConfigError and UsersError."""

    def __init__(self, config: WsConfig, users_file: Path, *, embedded: bool = False) -> None:
        self._config, self._embedded = config, embedded
        self._tries = Tries(knows=self._knows)
        self._users: Users | None = None
        if config.users:
            self._users = Users(users_file, make=True)
            self._checker = Checker(self._users)
            self._serials = ReadSerials(users_file)
        self._tokens = [(secret_of(one).reveal().encode(), one) for one in config.tokens]
        short = [number for number, (token, _) in enumerate(self._tokens, 1) if len(token) < _SHORT]
        if short:
            text = "tokens that can be guessed: make them longer"
            log.warning(text, extra={"fields": {"tokens": short, "least": _SHORT}})

    @property
    def open(self) -> bool:
        """Whether everybody may come in and do everything."""
        return not (self._config.tokens or self._config.users)

    @property
    def refused(self) -> int:
        """Wrong proofs, and those that were not looked at."""
        return self._tries.failed + self._tries.refused

    async def admit(self, knock: Knock, peer: str) -> Visit:
        """A visit that may do nothing yet has to log in by its first message. Raises Closed."""
        visit = knock.visit
        if self.open:
            return visit._replace(access=EVERYTHING)
        if not knock.offers and self._config.gateway_login_s:
            return visit
        offer, access = await self.prove(knock.offers, peer)
        if not access.side(visit.side):
            raise Closed("not for this path")
        subprotocol = visit.subprotocol or offer.subprotocol or None
        return visit._replace(access=access, subprotocol=subprotocol)

    async def prove(self, offers: Sequence[Offer], peer: str) -> tuple[Offer, Access]:
        """The offer that counts, and what it opens. All of them together are one try. Raises
        Closed."""
        if not offers:
            raise Closed("no token")
        try:
            with self._tries.one(peer, _label(offers[0])) as attempt:
                for offer in offers:
                    access = await self._access(offer, peer)
                    if access is not None:
                        attempt.succeeded()
                        return offer, access
        except TooManyTries as exc:
            raise TooEarly(str(exc)) from None
        except TooManyChecks as exc:
            raise TooEarly(str(exc)) from None
        except UsersError as exc:
            log.error("users cannot be read", extra={"fields": {"reason": str(exc)}})
            raise Closed("logins cannot be checked") from None
        raise Closed("wrong")

    def ended(self, access: Access) -> bool:
        """Whether the user was disabled, deleted or changed since. Costs microseconds."""
        return bool(access.serial) and self._serials.ended(access.user, access.serial)

    def close(self) -> None:
        if self._users is not None:
            self._checker.close()
            self._serials.close()

    def _knows(self, peer: str, label: str) -> bool:
        kind, _, name = label.partition(" ")
        known = kind == "user" and self._users is not None
        return known and self._serials.has_entered(peer, name)

    async def _access(self, offer: Offer, peer: str) -> Access | None:
        """Raises TooManyChecks and UsersError."""
        if offer.token:
            return self._of_token(offer.token)
        if self._users is None or not offer.user:
            return None
        user = await self._checker.check(offer.user, offer.password, peer)
        return None if user is None else self._of_user(user)

    def _of_token(self, offered: str) -> Access | None:
        found = None
        for number, (token, config) in enumerate(self._tokens):  # the time must not tell which
            if hmac.compare_digest(token, _octets(offered)):
                found = number, config
        return None if found is None else self._opened(*found)

    def _opened(self, number: int, config: TokenConfig) -> Access | None:
        if not config.user:
            return Access((grant_of(config),), f"token {number + 1}")
        assert self._users is not None
        account = self._users.with_hash(config.user)
        if account is None:
            return Access(tuple(map(grant_of, self._entries(config.user))), config.user)
        return self._of_user(account[0]) if account[0].enabled else None

    def _of_user(self, user: User) -> Access | None:
        """As much of his entries as his account allows."""
        if user.name == DEMO and not self._embedded:
            return None
        grants = [_narrowed(grant_of(entry), user) for entry in self._entries(user.name)]
        some = tuple(grant for grant in grants if grant is not None)
        return Access(some, user.name, user.serial) if some else None

    def _entries(self, name: str) -> list[UserConfig]:
        own = [entry for entry in self._config.users if entry.user == name]
        return own or [entry for entry in self._config.users if entry.user == ANYBODY]


def grant_of(config: GrantConfig) -> Grant:
    return Grant(
        frozenset(config.accounts),
        frozenset(config.rights),
        requests_of(config.requests),
        tuple(Pattern(one) for one in config.instruments),
    )


def _narrowed(grant: Grant, user: User) -> Grant | None:
    rights = grant.rights & {right for name in user.rights for right in _RIGHTS[name]}
    accounts = grant.accounts
    if user.account:
        if accounts and user.account not in accounts:
            rights = rights & {"md"}
        accounts = frozenset({user.account})
    return grant._replace(accounts=accounts, rights=rights) if rights else None


def _label(offer: Offer) -> str:
    """Whose delay it is. A token is kept nowhere but in the configuration."""
    if offer.token:
        return f"token {hashlib.sha256(_octets(offer.token)).hexdigest()[:16]}"
    return f"user {offer.user}"


def _octets(token: str) -> bytes:
    try:
        return token.encode("utf-8", "surrogateescape")  # so the bytes of a header are kept
    except UnicodeEncodeError:  # JSON may hold half of a surrogate pair
        return token.encode("utf-8", "surrogatepass")
