"""The section ``md_worker`` of the group's file."""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bus.fronts import md_addresses
from bus.secrets import Secret

MOST_FEEDS: Final = 16
# Part of folders, of sockets (whose whole path ends at 107 bytes) and of supervisord's programs.
_FEED: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,15}")


class FeedConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of several md_workers. What it does not have is taken from the section."""

    front: str | list[str] | UnsetType = UNSET
    broker_id: str | UnsetType = UNSET
    user_id: str | UnsetType = UNSET
    password: Secret | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.front is not UNSET:
            md_addresses(self.front)


class MdConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One md_worker, or several that md_merge makes one stream of.

    front        address of the market data front, or a list of them (the API picks one); or
                 replay://DIR?day=…&speed=…, a recorded day, see replay/__init__.py
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
    feeds        a name, and front, broker_id, user_id, password where they differ from the keys
                 above, for each of several md_workers; empty: there is one
    """

    front: str | list[str] = ""
    broker_id: str = ""
    user_id: str = ""
    password: Secret = Secret("")
    subscribe_per_s: Annotated[int, Meta(ge=1)] = 1000
    step_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    answer_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    retry_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    keep_ticks: Annotated[int, Meta(ge=1, le=10_000)] = 40
    feeds: dict[str, FeedConfig] = {}

    def __post_init__(self) -> None:
        if self.front or not self.feeds:
            md_addresses(self.front)
        if len(self.feeds) > MOST_FEEDS:
            raise ValueError(f"feeds: more than {MOST_FEEDS}")
        for name in self.feeds:
            if not _FEED.fullmatch(name):
                raise ValueError(f"feeds: {name!r} is not 1 to 16 of a-z, 0-9 and _")
            self.feed(name)

    def feed(self, name: str) -> MdConfig:
        """The section as one of the feeds reads it."""
        feed = self.feeds[name]
        own = {
            key: value
            for key in feed.__struct_fields__
            if (value := getattr(feed, key)) is not UNSET
        }
        kept = {key: getattr(self, key) for key in self.__struct_fields__}
        try:
            return MdConfig(**kept | own | {"feeds": {}})
        except ValueError as exc:
            raise ValueError(f"feeds.{name}: {exc}") from None

    @property
    def replayed(self) -> bool:
        """Whether a recorded day stands in the place of a front."""
        return self.fronts[0].startswith("replay://")

    @property
    def fronts(self) -> list[str]:
        return md_addresses(self.front)


def as_member(config: MdConfig, member: str) -> MdConfig:
    """The section as the md_worker of this name reads it. Raises ValueError."""
    if member and member not in config.feeds:
        raise ValueError(f"md_worker.feeds has no {member!r}")
    if config.feeds and not member:
        raise ValueError(f"md_worker.feeds: say with --member which of {', '.join(config.feeds)}")
    return config.feed(member) if member else config
