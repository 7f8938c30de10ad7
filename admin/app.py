"""The web application of a group: /metrics, /healthz, /readyz, and what is added to it.

    app = make_app(loaded, plan)
    ui.run_with(app, …)             # pages of NiceGUI, or app.mount(…)
    app.state.monitor.lights        # while it runs

Whoever adds something uses the event loop of the application, where the bus is listened to as well.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from admin.config import AdminConfig
from admin.watch.health import ready
from admin.watch.metrics import GroupCollector
from admin.watch.monitor import Monitor
from bus.config import Loaded
from deploy.plan import Plan


def make_app(loaded: Loaded[AdminConfig], plan: Plan) -> FastAPI:
    """``app.state.monitor`` is there while the application runs."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        monitor = app.state.monitor = Monitor(loaded, plan, canary=True)
        registry = app.state.registry = CollectorRegistry()
        ProcessCollector(namespace="ctpbus_admin", registry=registry)
        registry.register(
            GroupCollector(monitor.group.told, lambda: monitor.lights, time.monotonic)
        )
        try:
            yield
        finally:
            await monitor.close()

    app = FastAPI(lifespan=life, openapi_url=None, docs_url=None, redoc_url=None)
    app.add_route("/healthz", _healthz)
    app.add_route("/readyz", _readyz)
    app.add_route("/metrics", _metrics)
    return app


async def _healthz(request: Request) -> Response:
    """This process answers; nothing about the group."""
    return PlainTextResponse("ok\n")


async def _readyz(request: Request) -> Response:
    """200 when the group serves its clients, else 503; the lights as JSON in both cases."""
    lights = request.app.state.monitor.lights
    served = bool(lights) and ready(lights)
    body = msgspec.json.encode({"ready": served, "lights": lights})
    return Response(body, 200 if served else 503, media_type="application/json")


async def _metrics(request: Request) -> Response:
    encode, kind = choose_encoder(request.headers.get("accept", ""))
    body: Any = encode(request.app.state.registry)
    return Response(body, media_type=kind)
