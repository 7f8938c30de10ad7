"""What td_worker refuses, as a status."""

from __future__ import annotations

from typing import Final

from bus.errors import Refused, Unanswered, Unavailable
from schemas import errors

from ..stat import Failed, Stat

_ORDER_NOT_FOUND: Final = 25
_STATS: Final = {
    errors.NETWORK_FAILURE: Stat.NOT_CONNECTED,
    errors.TOO_MANY_IN_FLIGHT: Stat.FLOW_LIMIT,
    errors.TOO_MANY_PER_SECOND: Stat.FLOW_LIMIT,
    errors.BAD_REQUEST: Stat.BAD_REQUEST,
    errors.NOT_LOGGED_IN: Stat.NOT_CONNECTED,
    errors.LIMIT: Stat.FORBIDDEN,
    errors.INTERNAL_ERROR: Stat.INTERNAL,
    _ORDER_NOT_FOUND: Stat.NOT_FOUND,
}


def failed(error: Refused | Unavailable, reqid: int = 0) -> Failed:
    if isinstance(error, Unanswered):
        return Failed(Stat.NO_ANSWER, str(error), reqid)
    if isinstance(error, Unavailable):
        return Failed(Stat.NOT_CONNECTED, f"{error}; nothing was sent", reqid)
    stat = _STATS.get(error.error_id, Stat.FORBIDDEN)
    detail = f": {error.detail}" if error.detail else ""
    return Failed(stat, f"{error.error_msg}{detail}", reqid)
