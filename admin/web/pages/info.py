"""Basic information, and what tcp_edge has counted."""

from __future__ import annotations

import platform
import tomllib
from collections import Counter

from nicegui import ui

from admin.watch.told import Told
from deploy.plan import CHECKOUT
from tcp_edge.config import Listener, ServiceName

from ..frame import Context, page
from ..parts import cell, panel, row, table
from ..texts import word
from ..times import moment

_LOOK_S = 1.0


@page("/info", title="info.title")
def build(context: Context) -> None:
    with panel(context.text("info.title")), table([]):
        for key, value in _facts(context):
            with row():
                cell(context.text(f"info.{key}"), "cb-faint")
                cell(value, "wrap").mark(f"info-{key}")
    if context.site.plan.tcp is not None:
        _Counted(context)


def _facts(context: Context) -> list[tuple[str, str]]:
    plan, config, tcp = context.site.plan, context.site.config, context.site.plan.tcp
    facts = [
        ("version", f"ctpbus {_version()}"),
        ("architecture", platform.machine()),
        ("system", f"{platform.system()} {platform.release()}, Python {platform.python_version()}"),
        ("path", str(CHECKOUT)),
        ("file", str(plan.config)),
        ("data", str(plan.data)),
        ("customer", config.customer or "—"),
        ("account", (tcp.account if tcp else "") or "—"),
        ("deployed", moment(context.site.admins.made)[:10]),
    ]
    names: tuple[ServiceName, ...] = ("login", "quote", "trade")
    for name in names if tcp else ():
        assert tcp is not None
        facts.append((name, _address(tcp.listener(name))))
    if tcp is not None:
        kids = sorted(key.kid for key in tcp.keys) or [1]
        facts.append(("key", ", ".join(f"octkey.1.{kid}" for kid in kids)))
    return facts


def _version() -> str:
    """Of the checkout: an image with the dependencies alone has no package of ours."""
    found = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    return str(found["project"]["version"])


def _address(listener: Listener) -> str:
    """As clients see it."""
    host = listener.advertised_host or listener.host
    return f"{host} : {listener.advertised_port or listener.port} ({listener.wire})"


class _Counted:
    """Requests per command, replies per stat, and what could not be read."""

    def __init__(self, context: Context) -> None:
        self._context = context
        with panel(context.text("info.counted")):
            self._body = ui.element("div").classes("cb-row top")
        self._shown: dict[str, dict[str, int]] = {}
        self._look()
        ui.timer(_LOOK_S, self._look, immediate=False)

    def _look(self) -> None:
        told = [
            each
            for name, each in self._context.monitor.group.told.items()
            if name.startswith("tcp_edge")
        ]
        counted = _counted(told)
        if counted != self._shown:
            self._shown = counted
            self._show(counted)

    def _show(self, counted: dict[str, dict[str, int]]) -> None:
        self._body.clear()
        with self._body:
            for what, counts in counted.items():
                with ui.element("div").classes("cb-grow"):
                    self._table(what, counts)

    def _table(self, what: str, counts: dict[str, int]) -> None:
        with table([self._context.text(f"info.{what}"), ""], numeric=(1,)):
            for name, count in sorted(counts.items()):
                with row():
                    cell(word(self._context.lang, f"count.{name}", name))
                    cell(f"{count:,}", "num")


def _counted(told: list[Told]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {
        "requests": Counter(),
        "replies": Counter(),
        "lines": Counter(),
    }
    for each in told:
        if each.stat is None:
            continue
        for what in ("requests", "replies"):
            found[what].update(each.stat.kinds.get(what, {}))
        counters = each.stat.counters
        found["lines"].update({name: counters[name] for name in _LINES if name in counters})
    return {what: dict(counts) for what, counts in found.items()}


_LINES = ("accepted", "refused", "unreadable", "late", "slow", "login_logins", "login_tries_failed")
