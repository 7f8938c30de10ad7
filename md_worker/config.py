"""The section ``md_worker`` of the group's file."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from bus.secrets import Secret

Front = Annotated[str, Meta(pattern=r"^(tcp|ssl|sim)://.")]


class MdConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One md_worker.

    front        address of the market data front, or a list of them (the API picks one)
    broker_id, user_id, password   ordinary fronts take empty ones; a front with login
                 verification wants those of a trading login of the same day
    subscribe_per_s   instruments asked for per second; more in one burst has led real fronts to
                 cut the link
    answer_s     how long a caller waits for the front's answer to a subscription
    retry_s      first pause after a login that the front refused for now; doubles up to a minute
    """

    front: Front | list[Front]
    broker_id: str = ""
    user_id: str = ""
    password: Secret = Secret("")
    subscribe_per_s: Annotated[int, Meta(ge=1)] = 1000
    answer_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    retry_s: Annotated[float, Meta(gt=0, le=60)] = 5.0

    @property
    def fronts(self) -> list[str]:
        return [self.front] if isinstance(self.front, str) else self.front
