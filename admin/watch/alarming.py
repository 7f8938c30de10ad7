"""What is an alarm. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from .events import Event
from .health import Colour, Light

# At once: what they tell has happened already, and does not pass by itself.
_AT_ONCE: Final = ("orders", "limits", "disk")
_WORDS: Final = {
    "PROCESS_STATE_EXITED": ("ended unexpectedly", "意外结束"),
    "PROCESS_STATE_FATAL": ("does not start, and is given up", "无法启动，已放弃"),
    "PROCESS_STATE_BACKOFF": ("ends right after its start", "启动后立即结束"),
}
_STOPPED: Final = "PROCESS_STATE_STOPPED"
_RUNNING: Final = "PROCESS_STATE_RUNNING"
_FATAL: Final = "PROCESS_STATE_FATAL"


class Alarm(msgspec.Struct, frozen=True):
    """``what``: the name of a light, or ``exit.PROGRAM``. ``over``: it has passed. ``at_ns``: Unix
    time."""

    what: str
    over: bool
    at_ns: int
    en: str
    zh: str


class Alarms:
    """Each thing is told once when it begins and once when it is over. A program that ends again
    and again is one thing: it is over when it has run for ``after_s``."""

    def __init__(self, after_s: float) -> None:
        self._after_ns = int(after_s * 1e9)
        self._raised: dict[str, Alarm] = {}
        self._stopped: set[str] = set()
        self._failed: dict[str, str] = {}  # programs, and the last that was told
        self._back: dict[str, int] = {}  # of these, since when they run

    def event(self, event: Event, now_ns: int) -> list[Alarm]:
        """Of supervisord. A program that was stopped on purpose is no alarm, and neither is that
        it is silent."""
        program = event.fields.get("processname", "")
        if event.name == _RUNNING:
            self._stopped.discard(program)
            if program in self._failed:
                self._back.setdefault(program, now_ns)
            return []
        self._back.pop(program, None)
        if event.name == _STOPPED:
            self._stopped.add(program)
        if event.name not in _WORDS or event.fields.get("expected", "0") != "0":
            return []
        told = self._failed.get(program)
        if told is not None and (event.name != _FATAL or told == _FATAL):
            return []  # each attempt would be one more
        self._failed[program] = event.name
        en, zh = _WORDS[event.name]
        return [Alarm(f"exit.{program}", False, now_ns, f"{program} {en}", f"{program} {zh}")]

    def _run_again(self, now_ns: int) -> list[Alarm]:
        programs = [name for name, at in self._back.items() if now_ns - at >= self._after_ns]
        for program in programs:
            del self._back[program], self._failed[program]
        return [
            Alarm(f"exit.{name}", True, now_ns, f"{name} runs", f"{name} 已运行")
            for name in programs
        ]

    def look(self, lights: Iterable[Light], now_ns: int) -> list[Alarm]:
        found = self._run_again(now_ns)
        for light in lights:
            raised = self._raised.get(light.name)
            if raised is None and self._is_alarm(light, now_ns):
                raised = Alarm(light.name, False, now_ns, light.en, light.zh)
                self._raised[light.name] = raised
                found.append(raised)
            elif raised is not None and light.colour is Colour.GREEN:
                del self._raised[light.name]
                en, zh = f"over: {raised.en}", f"已恢复：{raised.zh}"
                found.append(Alarm(light.name, True, now_ns, en, zh))
        return found

    def _is_alarm(self, light: Light, now_ns: int) -> bool:
        kind, _, program = light.name.partition(".")
        if kind == "process" and (program in self._stopped or program in self._failed):
            return False
        if kind in _AT_ONCE:
            return light.colour in (Colour.RED, Colour.YELLOW)
        return light.colour is Colour.RED and now_ns - light.since_ns >= self._after_ns
