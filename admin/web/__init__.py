"""The web page of the group: `http://127.0.0.1:8088`.

sessions, entry, login, gate   who may come in; ``admin.admins`` has the passwords
site       what all pages share
frame      what stands around each page
texts, style, times, parts   words in both languages, looks, small parts of pages
pages/     one module per page; market and order_form are parts of them, downloads their files
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from nicegui import ui

from admin.config import AdminConfig
from bus.config import Loaded
from deploy.plan import Plan

from . import downloads, frame, pages
from .gate import Gate
from .login import Login
from .site import Site


def mount(app: FastAPI, loaded: Loaded[AdminConfig], plan: Plan) -> None:
    """Once in a process, because NiceGUI is one in a process. Raises OSError."""
    site = Site(app, loaded, plan)
    _live(app, site)
    downloads.register(app, site)
    # No storage_secret: NiceGUI then keeps nothing, neither in cookies nor on disk.
    ui.run_with(app, tailwind=False, show_welcome_message=False)
    for each in pages.ALL:
        frame.register(site, each)
    # Cookies know no ports, so another group's page on this machine would take ours away.
    cookie = f"ctpbus_admin_{loaded.own.port}"
    app.add_middleware(
        Gate,
        sessions=site.sessions,
        login_page=Login(site.entry, cookie),
        cookie=cookie,
        names=(loaded.own.host, *loaded.own.names),
    )


def _live(app: FastAPI, site: Site) -> None:
    before = app.router.lifespan_context

    @asynccontextmanager
    async def life(app: Any) -> AsyncIterator[Any]:
        async with before(app) as state, site.life():
            yield state

    app.router.lifespan_context = life
