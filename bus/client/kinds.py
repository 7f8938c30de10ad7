"""What each request of the trader API is to the SDK, by its name."""

from __future__ import annotations

from typing import Final

from schemas.api import Request
from schemas.catalogue import Catalogue

_SESSIONS: Final = ("OnRspUserLogin", "OnRspUserLogout")


def methods(catalogue: Catalogue) -> dict[str, Request]:
    """The requests that are methods."""
    requests = catalogue.td.requests
    return {name: each for name, each in requests.items() if each.reply not in _SESSIONS}


def inserts(request: Request) -> bool:
    """Whether td_worker keeps a record of it and tells its outcome."""
    return request.name.endswith("Insert")


def acts(request: Request) -> bool:
    """Whether the counter answers to refuse only; what is parked stays with it and is answered."""
    told = request.name.endswith(("Action", "ByFuture")) and "Parked" not in request.name
    return told and not request.only_asks
