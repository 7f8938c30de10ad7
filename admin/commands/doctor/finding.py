"""One thing that was looked at."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["ok", "warning", "fault"]


class Finding(msgspec.Struct, frozen=True):
    """``check``: its kind, such as "port". ``remedy``: what to do; "" when nothing is to be done.

    fault: the group, or a part of it, does not work so, or others can read a secret. warning: it
    works, and a person should know.
    """

    check: str
    level: Level
    text: str
    remedy: str = ""
