"""python -m admin.alarms --config FILE: supervisord's event listener of a group.

It hears the processes by itself, so it needs no admin. Each alarm is a line of the log, and a POST
when ``admin.webhook`` names somebody. stdin and stdout are supervisord's.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path

from admin.config import AdminConfig, is_address
from admin.control import ControlError, ask
from admin.watch.alarming import Alarm, Alarms
from admin.watch.events import DONE, READY, Event, Events
from admin.watch.health import Light
from admin.watch.monitor import Monitor
from admin.watch.webhook import Webhook
from bus.config import Loaded
from bus.errors import ConfigError
from bus.process import leave, main
from bus.secrets import Secret, either
from deploy import plan

log = logging.getLogger("alarms")


class Listener:
    """One group's alarms. ``tell``: called with each."""

    def __init__(self, loaded: Loaded[AdminConfig]) -> None:
        self._loaded = loaded
        self._alarms = Alarms(loaded.own.alarm_after_s)
        url = webhook_of(loaded.own)
        self._webhook = Webhook(url, loaded.own.webhook_s) if url else None

    async def run(self) -> None:
        """Until SIGTERM, or until supervisord is gone."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        group = plan.read(Path(self._loaded.path).absolute())
        monitor = Monitor(self._loaded, group, canary=False, on_look=self._on_look)
        listening = asyncio.create_task(self._listen())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((listening, stopped), return_when=asyncio.FIRST_COMPLETED)
        for task in (listening, stopped):
            task.cancel()
        await monitor.close()

    async def _listen(self) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
        events = Events()
        for event in await asyncio.to_thread(_states):
            self._on_event(event)
        _say(READY)
        while data := await reader.read(1 << 16):
            for event in events.receive(data):
                self._on_event(event)
                _say(DONE)
                _say(READY)

    def _on_event(self, event: Event) -> None:
        self._tell(self._alarms.event(event, time.time_ns()))

    def _on_look(self, lights: list[Light]) -> None:
        self._tell(self._alarms.look(lights, time.time_ns()))

    def _tell(self, alarms: list[Alarm]) -> None:
        for alarm in alarms:
            level = logging.INFO if alarm.over else logging.ERROR
            fields = {"what": alarm.what, "over": alarm.over, "en": alarm.en, "zh": alarm.zh}
            log.log(level, "alarm", extra={"fields": fields})
            if self._webhook is not None:
                self._webhook.send(alarm)


def _states() -> list[Event]:
    """What was told before we were started, as events. Later ones wait for our READY."""
    url = os.environ.get("SUPERVISOR_SERVER_URL", "")
    if not url.startswith("unix://"):
        return []
    try:
        rows = ask(url, "getAllProcessInfo")
    except ControlError as exc:
        log.warning("the states of the programs are not known", extra={"fields": {"why": str(exc)}})
        return []
    return [
        Event(f"PROCESS_STATE_{row['statename']}", {"processname": row["name"]}) for row in rows
    ]


def webhook_of(config: AdminConfig) -> Secret:
    """Raises ConfigError."""
    url = either(config.webhook, config.webhook_file)
    if url and not is_address(url):
        raise ConfigError(f"admin.webhook: {url.place} holds no http:// address")
    return url


def _say(data: bytes) -> None:
    os.write(sys.stdout.fileno(), data)


def run(loaded: Loaded[AdminConfig]) -> None:
    asyncio.run(Listener(loaded).run())
    leave(0)  # an attempt to tell somebody may hang


if __name__ == "__main__":
    doc = "Alarms of the group, as supervisord's event listener."
    sys.exit(main("admin.alarms", AdminConfig, run, doc, section="admin"))
