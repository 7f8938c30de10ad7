"""What the group's file says, read only."""

from __future__ import annotations

from collections.abc import Iterator

from nicegui import ui

from admin.desk.accounts import accounts
from admin.settings import MASK, Setting, settings
from bus.errors import ConfigError
from tcp_edge.config import ServiceName

from ..frame import Context, page
from ..parts import cell, panel, row, table


@page("/settings", title="settings.title")
def build(context: Context) -> None:
    try:
        found = settings(context.site.plan.config)
    except (ConfigError, OSError) as exc:
        with panel():
            ui.label(context.text("settings.faulty", why=exc)).classes("cb-state bad")
        return
    values = {(each.section, each.key): each.value for each in found}
    with panel(context.text("settings.server")), table([]):
        for key, value in _server(context, values):
            with row():
                cell(context.text(f"settings.{key}"), "cb-faint")
                cell(value, "wrap")
    with panel(context.text("settings.all")):
        ui.label(context.text("settings.hint", file=context.site.plan.config)).classes("cb-faint")
        _all(context, found)


def _server(context: Context, values: dict[tuple[str, str], str]) -> Iterator[tuple[str, str]]:
    """The manual's list."""
    plan, tcp = context.site.plan, context.site.plan.tcp
    if tcp is not None:
        yield "ofx_key", MASK
    yield "md_front", " ".join(plan.md_fronts)
    yield "td_front", " ".join(plan.td_fronts)
    yield "accounts", " ".join(accounts(plan.config)) or "—"
    yield "auth_code", values.get(("td_worker", "auth_code"), "") or "—"
    names: tuple[ServiceName, ...] = ("login", "quote", "trade")
    for name in names if tcp is not None else ():
        assert tcp is not None
        listener = tcp.listener(name)
        yield name, f"{listener.host} : {listener.port}"
    yield "ws", f"{plan.edge.host} : {plan.edge.port}"


def _all(context: Context, found: list[Setting]) -> None:
    titles = [context.text(f"settings.{name}") for name in ("section", "key", "value")]
    with table(titles):
        for each in found:
            with row():
                cell(each.section, "cb-faint")
                cell(each.key, "cb-mono")
                cell(each.value, "cb-mono wrap" if each.given else "cb-mono cb-faint wrap")
