"""The section ``md_worker`` of the group's file."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from bus.fronts import addresses
from bus.secrets import Secret


class MdConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One md_worker.

    front        address of the market data front, or a list of them (the API picks one)
    broker_id, user_id, password   ordinary fronts take empty ones; a front with login
                 verification wants those of a trading login of the same day
    subscribe_per_s   instruments asked for per second; more in one burst has led real fronts to
                 cut the link
    step_s       a login without an answer is tried anew after this; doubles up to a minute
    answer_s     how long a caller waits for the front's answer to a subscription, and how long the
                 call alone keeps it: a subscriber of the topic has to follow
    retry_s      first pause after a login that the front refused for now; doubles up to a minute
    keep_ticks   messages of each instrument that can be had again by who has lost them: 20 s of two
                 a second; 27 KB of memory for each instrument that has ticked
    """

    front: str | list[str]
    broker_id: str = ""
    user_id: str = ""
    password: Secret = Secret("")
    subscribe_per_s: Annotated[int, Meta(ge=1)] = 1000
    step_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    answer_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    retry_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    keep_ticks: Annotated[int, Meta(ge=1, le=10_000)] = 40

    def __post_init__(self) -> None:
        addresses(self.front)

    @property
    def fronts(self) -> list[str]:
        return addresses(self.front)
