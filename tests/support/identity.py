"""What td_worker changes in structs on their way, because clients have names of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_NAMES: Final = ("FrontID", "SessionID", "RequestID", "OrderMemo", "ExchangeID", "UserID")


def without_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but the names of an order; of a struct that names none everything."""
    if not any(name.endswith("Ref") for name in values):
        return dict(values)
    return {
        name: value
        for name, value in values.items()
        if name not in _NAMES and not name.endswith(("Ref", "SysID"))
    }
