"""The errors of the bus.

BusError
├── ConfigError         the configuration is wrong: one line, exit status 2
├── Closed              who waited has closed what he waits for
├── Busy                another process holds what this one needs: exit status 75
├── Unavailable         no worker is connected, so nothing was sent
│   └── Unanswered      it was sent, and no answer came: what became of it is not known
└── Refused             a worker refused a call; nothing reached the counter
    └── CounterRefused  the counter did: its own error
"""

from __future__ import annotations

from schemas import errors


class BusError(Exception):
    """Any error of this package."""


class ConfigError(BusError):
    """The text names the file and the key."""


class Closed(BusError):
    """The client was closed, or the login ended: of its orders nothing more is heard."""


class Busy(BusError):
    """A lock is held by another process."""


class Unavailable(BusError):
    """No worker is connected on the other side, or it has left 100,000 calls unread; the call was
    not sent and will not be."""

    def __init__(self, worker: str) -> None:
        super().__init__(f"{worker} is not connected")
        self.worker = worker


class Unanswered(Unavailable):
    """The worker may have acted on the call, and may yet."""

    def __init__(self, worker: str) -> None:
        BusError.__init__(self, f"{worker} did not answer")
        self.worker = worker


class Refused(BusError):
    """``error_id`` and ``error_msg`` are webctp's (-1 "CTP:请求失败"), ``detail`` is for people."""

    def __init__(self, error_id: int, error_msg: str, detail: str = "") -> None:
        super().__init__(f"{error_id} {error_msg}: {detail}")
        self.error_id, self.error_msg, self.detail = error_id, error_msg, detail


class CounterRefused(Refused):
    """The counter's answer to a login or a request is an error."""


def refused(number: int, detail: str) -> Refused:
    """A local error (-1, -2, -3, or one of ``schemas.errors.LOCAL_TEXTS``) with its exact text."""
    return Refused(number, errors.LOCAL_TEXTS.get(number) or errors.return_text(number), detail)


def forbidden(detail: str) -> Refused:
    """Who asks may not do this."""
    return Refused(errors.LIMIT, errors.FORBIDDEN_TEXT, detail)


def request_failed(detail: str) -> Refused:
    """The counter could not be asked, or did not answer in time."""
    return refused(errors.NETWORK_FAILURE, detail)


def bad_parameters(detail: str) -> Refused:
    """The call itself is wrong."""
    return refused(errors.BAD_REQUEST, detail)
