"""The pages, in the order of the navigation."""

from __future__ import annotations

from typing import Final

from ..frame import PAGES
from . import services

ALL: Final = PAGES

__all__ = ["ALL", "services"]
