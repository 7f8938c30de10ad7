"""Giving the handle of a login back to td_worker."""

from __future__ import annotations

import logging
from typing import Final

import msgspec

from bus.errors import Refused, Unavailable
from bus.frames import Row
from bus.orders import Detached

from .session import Services
from .td_login import Account

log = logging.getLogger("ws_edge")

_PATIENCE_S: Final = 600.0  # a handle must go even if the worker stands still for a while
_AGAIN_S: Final = 1.0


def detach(services: Services, account: Account, clean: bool) -> None:
    """``clean``: the client has said that it is done with the login. A handle that was lost with
    its socket is not, whatever the reason, the stop of this process included: who asked for
    cancel-on-disconnect has lost the hold on its orders, and that is when they are to end."""
    _try(services, account, clean, services.now() + _PATIENCE_S)


def is_outdated(services: Services, account: Account) -> bool:
    """Whether the td_worker that knew this login is gone, and the login with it."""
    newest = max(services.td_epoch(), account.returns.place[0])
    return account.session.epoch < newest


def _try(services: Services, account: Account, clean: bool, until: float) -> None:
    """Until ``until`` again and again while it cannot be sent; the socket may be gone meanwhile. A
    new td_worker knows no handle of an old one."""
    if is_outdated(services, account):
        return
    try:
        services.td_background.start(
            "Detach",
            _ignore,
            _nothing,
            _PATIENCE_S,
            session=account.session.handle,
            body=msgspec.msgpack.encode(Detached(clean)),
        )
    except (Refused, Unavailable):
        if services.now() < until:
            services.later(_AGAIN_S, _try, services, account, clean, until)
        else:
            fields = {"user": account.session.user}
            log.warning("a handle could not be given back", extra={"fields": fields})


def _ignore(row: Row) -> None:
    """The answer says nothing that matters."""


def _nothing(why: str) -> None:
    """Without an answer the worker was started anew and knows no handle."""
