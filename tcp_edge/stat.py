"""What a status reply says."""

from __future__ import annotations

from enum import IntEnum


class Stat(IntEnum):
    """Only 200 is of the original protocol; the others are ours."""

    ACCEPTED = 200
    BAD_REQUEST = 400
    UNAUTHORIZED = 401  # login failed; authcode missing, wrong, expired or revoked
    FORBIDDEN = 403  # not on this port, not for this account
    NOT_FOUND = 404  # command, code or order id
    DUPLICATE = 409
    TOO_LARGE = 413
    FLOW_LIMIT = 429
    INTERNAL = 500
    NOT_CONNECTED = 503  # the counter, or a worker
    NO_ANSWER = 504  # in time; of an order: it may live


class Failed(Exception):
    """Answered with a status reply; ``detail`` is for people, in English, and holds no secret."""

    def __init__(self, stat: Stat, detail: str, reqid: int = 0) -> None:
        super().__init__(f"{int(stat)} {detail}")
        self.stat, self.detail, self.reqid = stat, detail, reqid


def flow_limit(detail: str) -> Failed:
    """Too many, or too early."""
    return Failed(Stat.FLOW_LIMIT, detail)
