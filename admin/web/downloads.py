"""The day's data as a file. The gate stands before it as before each page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from admin.day.csv import csv_lines
from admin.day.query import Query, QueryError
from admin.day.records import records
from admin.desk.accounts import accounts, broker
from bus.errors import Refused, Unavailable

from .frame import SESSION
from .site import Site

PATH: Final = "/data.csv"


def register(app: FastAPI, site: Site) -> None:
    """Before NiceGUI, which takes every address that nobody else has."""

    async def download(request: Request) -> Response:
        listed = accounts(site.plan.config)
        try:
            query = Query.of(request.query_params, listed)
        except QueryError as exc:
            return PlainTextResponse(f"{exc.key}\n", 400)
        session = request.scope[SESSION]
        lines = csv_lines(records(site.bus, broker(site.plan.config), query))
        try:
            site.audit.write(session.user, session.peer, "data.csv", query.file_name)
            first = await anext(lines)  # without a recorder it is no empty file
        except (OSError, Refused, Unavailable) as exc:
            return PlainTextResponse(f"{exc}\n", 503)
        named = {"content-disposition": f'attachment; filename="{query.file_name}"'}
        kind = "text/csv; charset=utf-8"
        return StreamingResponse(_all(first, lines), media_type=kind, headers=named)

    app.add_route(PATH, download)


async def _all(first: str, lines: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for text in lines:
        yield text
