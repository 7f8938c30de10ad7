"""What a handshake asks for: path, options, proofs of who it is. No I/O."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from bus.secrets import Secret
from schemas.catalogue import Side

from .config import WsConfig
from .dialect import SUBPROTOCOL
from .options import Options, read_options
from .rights import NOTHING, Access

_SIDES: Final[dict[str, Side]] = {"/md": "md", "/md/": "md", "/td": "td", "/td/": "td"}
_MOST_SUBPROTOCOLS: Final = 8  # each could be a guess


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


class Offer(NamedTuple):
    """One proof: a token, or a user with his password. ``subprotocol``: the token stood there."""

    token: str = ""
    user: str = ""
    password: Secret = Secret("")
    subprotocol: str = ""


class Knock(NamedTuple):
    """A handshake on a path that is served. ``visit`` may do nothing yet."""

    visit: Visit
    offers: tuple[Offer, ...] = ()


class Door:
    """Reads handshakes."""

    def __init__(self, config: WsConfig) -> None:
        self._config = config

    def knock(
        self,
        target: str,
        origin: str | None = None,
        authorization: str | None = None,
        subprotocols: Sequence[str] = (),
    ) -> Knock | None:
        """None: HTTP 403, and no word why."""
        try:
            parts = urlsplit(target)
            query = parse_qs(parts.query, keep_blank_values=True, max_num_fields=100)
        except ValueError:
            return None
        side = _SIDES.get(parts.path)
        if side not in self._config.paths or not self._origin_allowed(origin):
            return None
        if len(subprotocols) > _MOST_SUBPROTOCOLS:
            return None
        binary = SUBPROTOCOL in subprotocols
        options = read_options(query, self._config, binary)
        visit = Visit(side, options, NOTHING, SUBPROTOCOL if binary else None)
        return Knock(visit, tuple(_offers(query, authorization or "", subprotocols)))

    def _origin_allowed(self, origin: str | None) -> bool:
        # The header protects users of browsers, which always send it; programs send none.
        return origin is None or not self._config.origins or origin in self._config.origins


def _offers(
    query: Mapping[str, Sequence[str]], authorization: str, subprotocols: Sequence[str]
) -> Iterator[Offer]:
    """One, or the sub-protocols, of which any may be the token. Whoever has a right proof could
    guess at another one beside it, and would never be wrong."""
    scheme, _, value = authorization.strip().partition(" ")
    token = query.get("token", [""])[-1]
    if scheme.lower() == "bearer" and value.strip():
        yield Offer(value.strip())
    elif scheme.lower() == "basic":
        yield _basic(value.strip())
    elif token:
        yield Offer(token)
    else:
        for name in subprotocols:
            if name and name != SUBPROTOCOL:
                yield Offer(name, subprotocol=name)


def _basic(value: str) -> Offer:
    """RFC 7617. What is none is an offer that fails."""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return Offer()
    return Offer(user=user, password=Secret(password)) if colon else Offer()
