"""Who may connect: path, token, origin. No I/O."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from bus.patterns import Pattern
from schemas.catalogue import Side

from .config import GrantConfig, WsConfig, secret_of
from .dialect import SUBPROTOCOL
from .options import Options, read_options
from .rights import Access, Grant, requests_of

_SIDES: Final[dict[str, Side]] = {"/md": "md", "/md/": "md", "/td": "td", "/td/": "td"}


class Visit(NamedTuple):
    """A socket that may come in.

    subprotocol  the one to confirm: that of the binary dialect; else the one with the token,
                 because a browser that sent its token there hangs up otherwise
    origin       the client's address, "" when it is not known
    """

    side: Side
    options: Options
    access: Access
    subprotocol: str | None = None
    origin: str = ""


class Door:
    """Decides over handshakes."""

    def __init__(self, config: WsConfig) -> None:
        self._config = config
        self._tokens = [
            (secret_of(token).reveal().encode(), Access((grant_of(token),)))
            for token in config.tokens
        ]

    def admit(
        self,
        target: str,
        origin: str | None = None,
        authorization: str | None = None,
        subprotocols: Sequence[str] = (),
    ) -> Visit | None:
        """None: HTTP 403, and no word why."""
        try:
            parts = urlsplit(target)
            query = parse_qs(parts.query, keep_blank_values=True, max_num_fields=100)
        except ValueError:
            return None
        side = _SIDES.get(parts.path)
        if side not in self._config.paths or not self._origin_allowed(origin):
            return None
        binary = SUBPROTOCOL in subprotocols
        options = read_options(query, self._config, binary)
        confirmed = SUBPROTOCOL if binary else None
        if not self._tokens:
            return Visit(side, options, Access(), confirmed)
        for token in (_bearer(authorization), query.get("token", [""])[-1]):
            access = self._access(token)
            if access is not None and access.side(side):
                return Visit(side, options, access, confirmed)
        for name in subprotocols:
            access = self._access(name)
            if access is not None and access.side(side):
                return Visit(side, options, access, confirmed or name)
        return None

    def _origin_allowed(self, origin: str | None) -> bool:
        # The header protects users of browsers, which always send it; programs send none.
        return origin is None or not self._config.origins or origin in self._config.origins

    def _access(self, offered: str) -> Access | None:
        found = None
        for token, access in self._tokens:  # all of them: the time must not tell which
            if hmac.compare_digest(token, offered.encode("utf-8", "surrogateescape")):
                found = access
        return found


def grant_of(config: GrantConfig) -> Grant:
    return Grant(
        frozenset(config.accounts),
        frozenset(config.rights),
        requests_of(config.requests),
        tuple(Pattern(one) for one in config.instruments),
    )


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
