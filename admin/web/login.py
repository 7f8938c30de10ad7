"""The login page: plain HTML, so that nothing of NiceGUI answers to who has no session."""

from __future__ import annotations

import hmac
import secrets
from html import escape
from string import Template
from typing import Final, cast, get_args
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bus.secrets import Secret

from .entry import Entry, Refused
from .frame import HOME
from .style import ACCENT
from .texts import Lang, preferred, text

PATH: Final = "/login"
_MOST_BYTES: Final = 8192
_FORM_S: Final = 3600
_PAGE: Final = Template("""\
<!doctype html>
<html lang="$lang"><head><meta charset="utf-8"><title>$heading · $app</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 15px system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC",
  "WenQuanYi Micro Hei", sans-serif; background: #f4f6f9; color: #1d2733; margin: 0;
  min-height: 100vh; display: grid; place-items: center; }
form { background: #fff; border: 1px solid #dde3ea; border-radius: 6px; padding: 24px;
  width: min(320px, 84vw); }
h1 { font-size: 18px; margin: 0 0 2px; color: $accent; }
p { margin: 0 0 14px; color: #667085; }
label { display: block; margin: 10px 0 3px; }
input { width: 100%; box-sizing: border-box; font: inherit; padding: 7px 9px;
  border: 1px solid #b8c0cc; border-radius: 4px; }
button { width: 100%; margin-top: 16px; padding: 8px; font: inherit; color: #fff;
  background: $accent; border: 0; border-radius: 4px; cursor: pointer; }
.said { color: #b42318; margin: 12px 0 0; }
a { color: $accent; display: block; margin-top: 14px; text-align: center; }
</style></head><body>
<form method="post" action="/login?lang=$lang">
<h1>$app</h1><p>$heading</p>
<input type="hidden" name="form" value="$form">
<label for="name">$name</label>
<input id="name" name="name" autocomplete="username" maxlength="64" autofocus required>
<label for="password">$password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>$enter</button>
$said
<a href="/login?lang=$other">$other_name</a>
</form></body></html>
""")


class Login:
    """``cookie``: the name of the session's. The form has a token that is in a cookie as well, so
    that no other site can send it."""

    def __init__(self, entry: Entry, cookie: str) -> None:
        self._entry, self._cookie = entry, cookie
        self._form_cookie = f"{cookie}_form"

    async def answer(self, request: Request) -> Response:
        lang = _language(request)
        if request.method == "POST":
            return await self._post(request, lang)
        return self._page(lang, text(lang, "login.over") if "over" in request.query_params else "")

    async def _post(self, request: Request, lang: Lang) -> Response:
        fields = parse_qs(await _body(request), keep_blank_values=True, errors="replace")
        form, name, password = (fields.get(key, [""])[0] for key in ("form", "name", "password"))
        known = request.cookies.get(self._form_cookie, "")
        if not known or not hmac.compare_digest(known.encode(), form.encode()):
            return self._page(lang, text(lang, "login.stale"), 403)
        peer = request.client.host if request.client else ""
        try:
            token = await self._entry.log_in(name, Secret(password), peer, lang)
        except Refused as refused:
            return self._page(lang, str(refused), 403)
        answer = RedirectResponse(HOME, 303)
        answer.delete_cookie(self._form_cookie, path=PATH, httponly=True, samesite="strict")
        # Until the browser is closed; the session itself ends earlier.
        answer.set_cookie(self._cookie, token, path="/", httponly=True, samesite="strict")
        return answer

    def _page(self, lang: Lang, said: str, status: int = 200) -> Response:
        form = secrets.token_urlsafe(32)
        page = _PAGE.substitute(
            lang=lang,
            app=escape(text(lang, "app.title")),
            heading=escape(text(lang, "login.title")),
            name=escape(text(lang, "login.name")),
            password=escape(text(lang, "login.password")),
            enter=escape(text(lang, "login.enter")),
            said=f'<p class="said" role="alert">{escape(said)}</p>' if said else "",
            other="en" if lang == "zh" else "zh",
            other_name=escape(text(lang, "frame.language")),
            accent=ACCENT,
            form=form,
        )
        answer = HTMLResponse(page, status)
        answer.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        answer.set_cookie(
            self._form_cookie, form, _FORM_S, path=PATH, httponly=True, samesite="strict"
        )
        return answer


def _language(request: Request) -> Lang:
    asked = request.query_params.get("lang")
    if asked in get_args(Lang):
        return cast(Lang, asked)
    return preferred(request.headers.get("accept-language", ""))


async def _body(request: Request) -> str:
    """What is longer is no login."""
    found = b""
    try:
        async for part in request.stream():
            found += part
            if len(found) > _MOST_BYTES:
                return ""
    except ClientDisconnect:
        return ""
    return found.decode("utf-8", "replace")
