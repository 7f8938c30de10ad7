"""What a client of OFX got wrong."""

from __future__ import annotations


class XtpError(Exception):
    """``stat`` is that of the status reply: 400, or 404 for a code that nobody knows."""

    def __init__(self, stat: int, detail: str) -> None:
        super().__init__(f"{stat} {detail}")
        self.stat, self.detail = stat, detail


def wrong(detail: str) -> XtpError:
    return XtpError(400, detail)
