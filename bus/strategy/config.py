"""The section ``sync_api`` of the group's file: homalos' keys with homalos' defaults."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class SyncApiConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long calls wait that do not say so themselves, and how many strategies may run."""

    connect_timeout: Seconds = 30.0
    quote_timeout: Seconds = 10.0
    quote_update_timeout: Seconds = 30.0
    position_timeout: Seconds = 10.0
    order_timeout: Seconds = 10.0
    stop_timeout: Seconds = 5.0
    max_strategies: Annotated[int, Meta(ge=1, le=1000)] = 10
