"""Where each process of a group says what it does."""

from __future__ import annotations

from typing import NamedTuple

from admin.config import AdminConfig
from bus.endpoints import Addresses, feed_addresses
from bus.stats import stat_address
from deploy.plan import Plan

_KEYS = {"recorder": "recorder", "ws_edge": "edge", "tcp_edge": "edge", "sim": ""}


class Source(NamedTuple):
    """``key``: the name of the process's key, for a tcp address."""

    program: str
    module: str
    address: str
    key: str


def sources(plan: Plan, config: AdminConfig) -> list[Source]:
    """One for each program that tells figures."""
    found = []
    for name, program in plan.programs.items():
        source = _source(plan.bus, str(plan.data), name, program.module, program.member)
        if source is not None:
            found.append(source)
    for name, remote in config.remote.items():
        found.append(Source(name, "", remote.address, remote.key))
    return found


def _source(addresses: Addresses, data: str, name: str, module: str, member: str) -> Source | None:
    if module in ("md_worker", "md_merge"):
        of_feed = feed_addresses(data, member) if member else addresses
        return Source(name, module, of_feed.md_pub, "md_worker")
    if module == "td_worker":
        return Source(name, module, addresses.td_pub, "td_worker")
    if module in _KEYS:
        return Source(name, module, stat_address(addresses, data, name), _KEYS[module])
    return None
