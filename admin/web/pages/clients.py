"""Client accounts of the gateway: who may log in by OFX."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from nicegui import ui

from admin.clients import Clients, Form, Known
from bus.errors import BusError
from bus.secrets import Secret
from bus.users import RIGHTS

from ..frame import Context, page
from ..parts import cell, confirm, panel, row, table
from ..times import moment

_LOOK_S = 2.0
_COLUMNS = ("name", "state", "rights", "account", "quote", "trade")
_COUNTS = ("sessions", "authcodes")
_SHORTEST = 8


@page("/clients", title="clients.title")
async def build(context: Context) -> None:
    view = _View(context)
    await view.refresh()
    ui.timer(_LOOK_S, view.refresh, immediate=False)


class _View:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._clients: Clients = context.site.clients
        self._shown: list[Known] | None = None
        text = context.text
        with panel():
            with ui.element("div").classes("cb-row"):
                ui.button(text("clients.add"), on_click=lambda: _Add(context, self)).mark("add")
                ui.label(text("clients.hint")).classes("cb-faint")
                self._said = ui.label().classes("cb-state bad")
                self._said.bind_visibility_from(self._said, "text")
            titles = [text(f"clients.{name}") for name in (*_COLUMNS, *_COUNTS, "last_login")]
            titles.append(text("services.action"))
            with table(titles, numeric=(6, 7), wide=(2, 3, 4, 5, 7, 8)) as self._body:
                pass

    async def refresh(self) -> None:
        try:
            found = await self._clients.all()
        except BusError as exc:
            self._said.text = self._context.text("common.failed", why=exc)
            return
        self._said.text = ""
        if found != self._shown:
            self._shown = found
            self._body.clear()
            with self._body:
                for known in found:
                    self._row(known)

    async def act(self, what: str, on: str, action: Callable[[Clients], Awaitable[None]]) -> bool:
        """Does it, tells the user and the audit log; whether it was done."""
        try:
            await action(self._clients)
        except BusError as exc:
            self._context.note(what, on, str(exc))
            self._context.failed(exc)
            return False
        self._context.note(what, on)
        self._context.told(f"{self._context.text(what.replace('client.', 'clients.'))} {on}")
        await self.refresh()
        return True

    def _row(self, known: Known) -> None:
        user, text = known.user, self._context.text
        with row():
            cell(user.name)
            with cell():
                look = "cb-state good" if user.enabled else "cb-state"
                ui.label(text("clients.on" if user.enabled else "clients.off")).classes(look)
            cell(" ".join(text(f"clients.{right}_right") for right in user.rights), "wide")
            for value in (user.account, user.quote, user.trade):
                cell(value or "—", "wide" if value else "wide cb-faint")
            cell(str(known.sessions), "num")
            cell(str(known.authcodes), "num wide")
            cell(moment(user.last_login) or text("clients.never"), "wide")
            with cell(), ui.element("div").classes("cb-buttons"):
                self._buttons(known)

    def _buttons(self, known: Known) -> None:
        user, text = known.user, self._context.text

        async def switch() -> None:
            if user.enabled and not await confirm(
                self._context, "clients.disable_sure", "clients.disable", name=user.name
            ):
                return
            what = "client.disable" if user.enabled else "client.enable"
            await self.act(what, user.name, lambda all: all.enable(user.name, not user.enabled))

        async def delete() -> None:
            if await confirm(
                self._context, "clients.delete_sure", "clients.delete", name=user.name
            ):
                await self.act("client.delete", user.name, lambda all: all.delete(user.name))

        ui.button(text("clients.change"), on_click=lambda: _Change(self._context, self, known))
        ui.button(text("clients.passwd"), on_click=lambda: _Passwd(self._context, self, known))
        ui.button(text("clients.disable" if user.enabled else "clients.enable"), on_click=switch)
        ui.button(text("clients.delete"), on_click=delete)
        for button in ui.context.slot.children:
            button.props("dense outline")


class _Dialog(ABC):
    """A form with its buttons; ``save`` says whether it is done."""

    def __init__(self, context: Context, view: _View, title: str) -> None:
        self.context, self.view = context, view
        with context.place, ui.element("div") as holder:
            self._dialog = ui.dialog(value=True).props("persistent")
        with self._dialog, panel(title):
            self.fields()
            with ui.element("div").classes("cb-row"):
                self._save = ui.button(context.text("common.save"), on_click=self._pressed)
                ui.button(context.text("common.cancel"), on_click=self._dialog.close).props("flat")
        self._dialog.on("hide", holder.delete)

    @abstractmethod
    def fields(self) -> None: ...

    @abstractmethod
    async def save(self) -> bool: ...

    async def _pressed(self) -> None:
        self._save.disable()
        try:
            if await self.save():
                self._dialog.close()
        finally:
            self._save.enable()

    def input(self, key: str, value: str = "") -> ui.input:
        return ui.input(self.context.text(f"clients.{key}"), value=value).classes("w-full")

    def passwords(self) -> None:
        text = self.context.text
        self._first, self._second = (
            ui.input(text(f"password.{name}"), password=True)
            .classes("w-full")
            .props('autocomplete="new-password"')
            for name in ("new", "again")
        )

    def password(self) -> Secret | None:
        """What was typed twice; None, and told, when it will not do."""
        first, second = self._first.value or "", self._second.value or ""
        if first != second:
            self.context.failed(self.context.text("password.differ"))
        elif len(first) < _SHORTEST:
            self.context.failed(self.context.text("password.short", least=_SHORTEST))
        else:
            return Secret(first)
        return None

    def route(self, known: Known | None = None) -> None:
        user = known.user if known else None
        with ui.element("div").classes("cb-row"):
            self._rights = {
                right: ui.checkbox(
                    self.context.text(f"clients.{right}_right"),
                    value=user is None or right in user.rights,
                )
                for right in RIGHTS
            }
        self._account = self.input("account", user.account if user else "")
        self._quote = self.input("quote_address", user.quote if user else "")
        self._trade = self.input("trade_address", user.trade if user else "")

    def form(self) -> Form:
        return Form(
            account=(self._account.value or "").strip(),
            rights=tuple(right for right, box in self._rights.items() if box.value),
            quote=(self._quote.value or "").strip(),
            trade=(self._trade.value or "").strip(),
        )


class _Add(_Dialog):
    def __init__(self, context: Context, view: _View) -> None:
        super().__init__(context, view, context.text("clients.add"))

    def fields(self) -> None:
        self._name = self.input("name")
        self.passwords()
        self.route()

    async def save(self) -> bool:
        password, name = self.password(), (self._name.value or "").strip()
        if password is None:
            return False
        form = self.form()
        return await self.view.act("client.add", name, lambda all: all.add(name, form, password))


class _Change(_Dialog):
    def __init__(self, context: Context, view: _View, known: Known) -> None:
        self._known = known
        super().__init__(context, view, f"{context.text('clients.change')} {known.user.name}")

    def fields(self) -> None:
        self.route(self._known)

    async def save(self) -> bool:
        name, form = self._known.user.name, self.form()
        return await self.view.act("client.change", name, lambda all: all.change(name, form))


class _Passwd(_Dialog):
    def __init__(self, context: Context, view: _View, known: Known) -> None:
        self._known = known
        super().__init__(context, view, f"{context.text('clients.passwd')} {known.user.name}")

    def fields(self) -> None:
        self.passwords()

    async def save(self) -> bool:
        password, name = self.password(), self._known.user.name
        if password is None:
            return False
        return await self.view.act(
            "client.passwd", name, lambda all: all.set_password(name, password)
        )
