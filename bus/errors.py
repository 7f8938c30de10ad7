"""The errors of the bus.

BusError
├── ConfigError         the configuration is wrong: one line, exit status 2
├── Busy                another process holds what this one needs: exit status 75
├── Unavailable         no worker is connected, so nothing was sent
└── Refused             a worker refused a call; nothing reached the counter
"""

from __future__ import annotations

from typing import Final

# webctp's local errors: their texts are part of the protocol (spec: webctp, error codes).
REQUEST_FAILED: Final = (-1, "CTP:请求失败")
BAD_PARAMETERS: Final = (-400, "参数有误")
NOT_LOGGED_IN: Final = (-401, "未登录")
NOT_IMPLEMENTED: Final = (-404, "Not implemented")
INTERNAL_ERROR: Final = (-500, "内部错误")


class BusError(Exception):
    """Any error of this package."""


class ConfigError(BusError):
    """The text names the file and the key."""


class Busy(BusError):
    """A lock is held by another process."""


class Unavailable(BusError):
    """No worker is connected on the other side; the call was not sent and will not be."""

    def __init__(self, worker: str) -> None:
        super().__init__(f"{worker} is not connected")
        self.worker = worker


class Refused(BusError):
    """``error_id`` and ``error_msg`` are webctp's (-1 "CTP:请求失败"), ``detail`` is for people."""

    def __init__(self, error_id: int, error_msg: str, detail: str = "") -> None:
        super().__init__(f"{error_id} {error_msg}: {detail}")
        self.error_id, self.error_msg, self.detail = error_id, error_msg, detail


def request_failed(detail: str) -> Refused:
    """The counter could not be asked, or did not answer in time."""
    return Refused(*REQUEST_FAILED, detail)


def bad_parameters(detail: str) -> Refused:
    """The call itself is wrong."""
    return Refused(*BAD_PARAMETERS, detail)
