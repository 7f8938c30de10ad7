"""The pages, in the order of the navigation."""

from __future__ import annotations

from typing import Final

from ..frame import PAGES

# isort: off
from . import services
from . import live
from . import trade
from . import data
from . import clients
from . import info
from . import settings
from . import logs
from . import audit

# isort: on

ALL: Final = PAGES

__all__ = [
    "ALL",
    "audit",
    "clients",
    "data",
    "info",
    "live",
    "logs",
    "services",
    "settings",
    "trade",
]
