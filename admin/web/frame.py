"""What stands around each page: header, navigation, lights, language, logout.

@page("/services", title="services.title")
def build(context: Context) -> None:
    ui.label(context.text("services.name"))
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from string import Template
from typing import Final

from nicegui import ui
from nicegui.element import Element
from nicegui.language import Language
from starlette.requests import Request

from admin.audit import OK, Audit
from admin.control import Control
from admin.watch.health import Colour, Light
from admin.watch.monitor import Monitor
from bus.client import Client
from bus.secrets import Secret

from .entry import Refused
from .sessions import Session
from .site import Site
from .style import ACCENT, CSS
from .texts import Lang, text

SESSION: Final = "ctpbus.session"  # in the scope of a request that the gate has let in
HOME: Final = "/services"
_OVER: Final = "/login?over"
_LOOK_S: Final = 0.5
# After a restart of admin nobody is logged in, and no websocket is let in that could say so: a page
# that has lost its own asks. Nothing is there; 401 says that there is no session either.
_ASK_MS: Final = 2000
_LEAVE: Final = Template("""<script>
setInterval(async () => {
  if (!window.socket || window.socket.connected) return;
  const answer = await fetch("/_nicegui/", {cache: "no-store"}).catch(() => null);
  if (answer && answer.status === 401) window.location.href = "$over";
}, $ask_ms);
</script>""")
_ORDER: Final = (Colour.RED, Colour.YELLOW, Colour.GREEN, Colour.GREY)
_QUASAR: Final[dict[Lang, Language]] = {"en": "en-US", "zh": "zh-CN"}

Build = Callable[["Context"], Awaitable[None] | None]


class Context:
    """What a page is built with; one for each time that it is opened. ``place``: the element that
    is there as long as the page is; what asked for something may be gone when it is done."""

    def __init__(self, site: Site, session: Session, place: Element) -> None:
        self.site, self.session, self.place = site, session, place

    @property
    def lang(self) -> Lang:
        return self.session.lang

    @property
    def user(self) -> str:
        return self.session.user

    @property
    def monitor(self) -> Monitor:
        return self.site.monitor

    @property
    def bus(self) -> Client:
        return self.site.bus

    @property
    def control(self) -> Control:
        return self.site.control

    @property
    def audit(self) -> Audit:
        return self.site.audit

    def text(self, key: str, **values: object) -> str:
        return text(self.lang, key, **values)

    def note(self, what: str, on: str = "", outcome: str = OK) -> bool:
        """An action of this user into the audit log; whether it could be written, and told when
        not. Called with the outcome, or before what cannot be taken back."""
        try:
            self.audit.write(self.user, self.session.peer, what, on, outcome)
        except OSError as exc:
            self._notify(self.text("common.not_audited", why=exc.strerror), good=False)
            return False
        return True

    def told(self, what: str) -> None:
        self._notify(self.text("common.done", what=what), good=True)

    def failed(self, why: object) -> None:
        self._notify(self.text("common.failed", why=why), good=False)

    def _notify(self, said: str, *, good: bool) -> None:
        with self.place:
            ui.notify(said, type="positive" if good else "negative", multi_line=True)


@dataclass(frozen=True)
class Page:
    """``title``: key of its text."""

    path: str
    title: str
    build: Build


PAGES: Final[list[Page]] = []


def page(path: str, *, title: str) -> Callable[[Build], Build]:
    """In the navigation they stand in the order in which their modules are imported."""

    def add(build: Build) -> Build:
        PAGES.append(Page(path, title, build))
        return build

    return add


def register(site: Site, shown: Page) -> None:
    """Makes NiceGUI serve it; only who has a session comes that far."""

    async def show(request: Request) -> None:
        client = ui.context.client
        context = Context(site, request.scope[SESSION], client.content)
        # The language of a page is NiceGUI's for all who see it; ours is the session's.
        client.page = copy.copy(client.page)
        client.page.language = _QUASAR[context.lang]
        with _frame(context, shown):
            built = shown.build(context)
            if inspect.isawaitable(built):
                await built

    ui.page(shown.path)(show)


@contextmanager
def _frame(context: Context, shown: Page) -> Iterator[None]:
    ui.colors(primary=ACCENT)
    ui.add_css(CSS)
    ui.add_head_html(_LEAVE.substitute(over=_OVER, ask_ms=_ASK_MS))
    ui.page_title(f"{context.text(shown.title)} · {context.text('app.title')}")
    with ui.header().classes("cb-header"):
        with ui.element("div").classes("cb-bar"):
            ui.label(context.text("app.title")).classes("cb-title")
            _navigation(context, shown)
            _language(context)
            _menu(context)
        _Lights(context)
    yield


def _navigation(context: Context, shown: Page) -> None:
    with ui.element("nav").classes("cb-nav"):
        for each in PAGES:
            link = ui.link(context.text(each.title), each.path)
            if each is shown:
                link.classes("here")


def _language(context: Context) -> None:
    def switch() -> None:
        context.session.lang = "en" if context.lang == "zh" else "zh"
        ui.navigate.reload()

    ui.button(context.text("frame.language"), on_click=switch).props("flat dense no-caps").mark(
        "language"
    )


def _menu(context: Context) -> None:
    def log_out() -> None:
        context.note("logout")
        context.site.sessions.end(context.session)
        ui.navigate.to(_OVER)

    with ui.button(context.user, icon="person").props("flat dense no-caps"), ui.menu():
        ui.menu_item(context.text("frame.password"), lambda: _change_password(context))
        ui.menu_item(context.text("frame.logout"), log_out)


def _change_password(context: Context) -> None:
    with context.place, ui.dialog(value=True) as dialog, ui.element("div").classes("cb-panel"):
        old, new, again = (
            ui.input(context.text(f"password.{name}"), password=True).classes("w-full")
            for name in ("old", "new", "again")
        )
        with ui.element("div").classes("cb-row"):
            save = ui.button(context.text("common.save"))
            ui.button(context.text("common.cancel"), on_click=dialog.close).props("flat")
    dialog.on("hide", dialog.delete)

    async def change() -> None:
        if new.value != again.value:
            context.failed(context.text("password.differ"))
            return
        save.disable()
        try:
            await context.site.entry.change_password(
                context.session, Secret(old.value), Secret(new.value)
            )
        except (Refused, OSError) as exc:
            context.failed(exc)
            return
        finally:
            save.enable()
        dialog.close()
        context.told(context.text("frame.password"))

    save.on_click(change)


class _Lights:
    """One dot for each light; what is not green is named. It also sees that the session is over."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._shown: list[Light] | None = None
        self._strip = ui.element("div").classes("cb-lights").mark("lights")
        self._look()
        ui.timer(_LOOK_S, self._look)

    def _look(self) -> None:
        if not self._context.site.sessions.alive(self._context.session):
            ui.navigate.to(_OVER)
            return
        lights = sorted(self._context.monitor.lights, key=lambda light: _ORDER.index(light.colour))
        if lights != self._shown:
            self._shown = lights
            self._show(lights)

    def _show(self, lights: list[Light]) -> None:
        self._strip.clear()
        with self._strip:
            for light in lights:
                dot = ui.element("span").classes(f"cb-light {light.colour}")
                with dot:
                    ui.tooltip(self._words(light))
            ui.label(self._summary(lights)).classes("cb-faint")

    def _words(self, light: Light) -> str:
        return f"{light.name}: {light.zh if self._context.lang == 'zh' else light.en}"

    def _summary(self, lights: list[Light]) -> str:
        if not lights:
            return self._context.text("frame.no_lights")
        wrong = [light for light in lights if light.colour in (Colour.RED, Colour.YELLOW)]
        return "; ".join(map(self._words, wrong)) or self._context.text("frame.all_green")
