"""The section ``admin`` of the group's file."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from bus import links
from bus.secrets import Secret

Seconds = Annotated[float, Meta(gt=0, le=3600)]


class RemoteConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A process of another machine: its address in ``bus.stat_pub`` there, and the name of its
    key."""

    address: str
    key: str = "edge"

    def __post_init__(self) -> None:
        links.check(self.address)


class AdminConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Metrics, health and alarms.

    host, port       of /metrics, /healthz, /readyz
    feed_silence_s   no tick for so long in trading hours turns the light of a feed red. Liquid
                     contracts tick twice a second; who has others needs more
    disk_free_mb     below it the disk's light is red
    limits_s         a refusal by a limit shows for so long, and so does a gap
    canary_every_s   how often something is sent through every hop; 0: never
    alarm_after_s    a red light is an alarm when it stays red for so long
    webhook          URL that gets each alarm as JSON; webhook_file has it in a file instead
    webhook_s        how long one attempt may take; three are made
    remote           processes of other machines, by a name
    names            of this machine that browsers may use, besides localhost and addresses
    idle_s           the web page logs out who has done nothing for so long
    customer         name that the web page shows
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8088
    feed_silence_s: Seconds = 2.0
    disk_free_mb: Annotated[int, Meta(ge=0)] = 512
    limits_s: Seconds = 10.0
    canary_every_s: Annotated[float, Meta(ge=0, le=3600)] = 10.0
    alarm_after_s: Annotated[float, Meta(ge=0, le=3600)] = 10.0
    webhook: Secret = Secret("")
    webhook_file: str = ""
    webhook_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    remote: dict[str, RemoteConfig] = {}
    names: list[str] = []
    idle_s: Annotated[float, Meta(gt=0, le=86400)] = 1800.0
    customer: str = ""

    def __post_init__(self) -> None:
        if self.webhook and self.webhook_file:
            raise ValueError("webhook or webhook_file, not both")
        if self.webhook and not self.webhook.place and not is_address(self.webhook):
            raise ValueError("webhook: expected http://… or https://…")


def is_address(url: Secret) -> bool:
    """Of a receiver of alarms. Raises SecretError."""
    return urlsplit(url.reveal()).scheme in ("http", "https")
