"""Signed tokens that say who a client is and what he may do."""

from __future__ import annotations

import msgspec


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What an authcode stands for.

    user      the client account of the gateway
    account   the trading account (CTP's UserID) that it acts for
    rights    some of "quote", "trade"
    expires   Unix time in seconds
    serial    rises with every change of the user that ends his earlier authcodes
    """

    user: str
    account: str
    rights: tuple[str, ...]
    expires: int
    serial: int
