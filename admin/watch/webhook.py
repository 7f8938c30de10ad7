"""Alarms to a URL, from a thread of its own: nobody waits for whoever takes them."""

from __future__ import annotations

import logging
import queue
import socket
import threading
import time
import urllib.error
import urllib.request
from typing import Final

import msgspec

from bus.secrets import Secret

from .alarming import Alarm

log = logging.getLogger("alarms")

ATTEMPTS: Final = 3
_PAUSE_S: Final = 1.0
_MOST_WAITING: Final = 100


class Webhook:
    """POSTs each alarm as a JSON object, with the name of this machine: one receiver may hear many
    groups. The URL may hold a token, so it is never told."""

    def __init__(self, url: Secret, timeout_s: float) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._host = socket.gethostname()
        self._waiting: queue.Queue[Alarm] = queue.Queue(_MOST_WAITING)
        self.lost = 0
        threading.Thread(target=self._work, daemon=True).start()

    def send(self, alarm: Alarm) -> None:
        """Never waits."""
        try:
            self._waiting.put_nowait(alarm)
        except queue.Full:
            self._lose(alarm, "too many wait")

    def _work(self) -> None:
        while True:
            alarm = self._waiting.get()
            fault = self._try(alarm)
            if fault:
                self._lose(alarm, fault)

    def _try(self, alarm: Alarm) -> str:
        fault = self._post(alarm)
        for attempt in range(1, ATTEMPTS):
            if not fault:
                break
            time.sleep(_PAUSE_S * attempt)
            fault = self._post(alarm)
        return fault

    def _post(self, alarm: Alarm) -> str:
        """Why it was not taken, "" when it was."""
        try:
            request = urllib.request.Request(
                self._url.reveal(),
                msgspec.json.encode({"host": self._host, **msgspec.structs.asdict(alarm)}),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=self._timeout_s):
                return ""
        except urllib.error.HTTPError as exc:
            with exc:
                return f"HTTP {exc.code}"
        except Exception as exc:  # its text may have the URL
            return type(exc).__name__

    def _lose(self, alarm: Alarm, why: str) -> None:
        self.lost += 1
        fields = {"what": alarm.what, "why": why, "lost": self.lost}
        log.error("an alarm was not taken", extra={"fields": fields})
