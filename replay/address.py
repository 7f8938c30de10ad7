"""Front addresses: ``replay://DIR?day=20261123&speed=1|10|max``. See ``replay`` for the options."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote, unquote

SCHEME: Final = "replay://"
MAX: Final = math.inf  # the speed
_OPTIONS: Final = frozenset({"day", "speed", "wait", "pause", "loop", "layout", "calendar"})


class AddressError(ValueError):
    """Not the address of a recorded day; one line."""


class Address(NamedTuple):
    """``day``: "" for the newest one. ``pause_s``: 0 for pauses as long as they were.
    ``calendar``: as the key of the group."""

    folder: Path
    day: str = ""
    speed: float = 1.0
    wait_s: float = 1.0
    pause_s: float = 0.0
    loop: bool = False
    layout: str = ""
    calendar: str = "exchange"

    def __str__(self) -> str:
        speed = "max" if self.speed == MAX else f"{self.speed:g}"
        parts = {
            "day": self.day,
            "speed": speed,
            "wait": f"{self.wait_s:g}",
            "pause": f"{self.pause_s:g}" if self.pause_s else "",
            "loop": "1" if self.loop else "",
            "layout": self.layout,
            "calendar": self.calendar if self.calendar != "exchange" else "",
        }
        query = "&".join(f"{key}={quote(value, safe=',')}" for key, value in parts.items() if value)
        return f"{SCHEME}{quote(str(self.folder), safe='/')}?{query}"


def parse(text: str) -> Address:
    """Raises AddressError."""
    if not text.startswith(SCHEME):
        raise AddressError(f"{text!r} is not of the form replay://DIR?day=…&speed=…")
    folder, _, query = text.removeprefix(SCHEME).partition("?")
    if not folder:
        raise AddressError(f"{text!r} names no folder")
    options: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if (
            name not in ("day", "speed", "wait", "pause", "loop", "layout", "calendar")
            or name in options
        ):
            raise AddressError(f"{text}: {name!r} is no option, or stands there twice")
        options[name] = value
    day = options.get("day", "")
    if day and not (len(day) == 8 and day.isascii() and day.isdigit()):
        raise AddressError(f"{text}: day={day} is not like 20261123")
    if options.get("loop", "0") not in ("0", "1"):
        raise AddressError(f"{text}: loop is 0 or 1")
    return Address(
        folder=Path(unquote(folder)),
        day=day,
        speed=speed_of(options.get("speed", "1")),
        wait_s=_seconds("wait", options.get("wait", "1")),
        pause_s=_seconds("pause", options.get("pause", "0")),
        loop=options.get("loop") == "1",
        layout=options.get("layout", ""),
        calendar=options.get("calendar") or "exchange",
    )


def speed_of(text: str) -> float:
    """Raises AddressError."""
    if text == "max":
        return MAX
    speed = _number(text)
    if not 0 < speed < 1e6:
        raise AddressError(f"speed={text} is neither max nor a number such as 1, 10 or 0.5")
    return speed


def _seconds(name: str, text: str) -> float:
    seconds = _number(text)
    if not 0 <= seconds <= 86_400:
        raise AddressError(f"{name}={text} is no number of seconds")
    return seconds


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
