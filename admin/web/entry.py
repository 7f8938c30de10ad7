"""Who may come in: names and passwords of administrators, with growing delays."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from admin.admins import SHORTEST, Admins, TooShort, WrongPassword
from admin.audit import OK, Audit
from bus.secrets import Secret
from bus.tries import TooManyTries, Tries

from .sessions import Session, Sessions
from .texts import Lang, text

log = logging.getLogger("admin")

P = ParamSpec("P")
T = TypeVar("T")


class Refused(Exception):
    """``args[0]``: why, in the language asked for."""


class Entry:
    """Passwords are checked one after the other in a thread of their own."""

    def __init__(self, admins: Admins, sessions: Sessions, audit: Audit) -> None:
        self._admins, self._sessions, self._audit = admins, sessions, audit
        self._tries = Tries()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)

    async def log_in(self, name: str, password: Secret, peer: str, lang: Lang) -> str:
        """The token of a new session. Raises Refused."""
        if not await self._try(name, password, peer, lang):
            self._note(await self._known(name), peer, "login", outcome="wrong password")
            raise Refused(text(lang, "login.wrong"))
        self._note(name, peer, "login")
        return self._sessions.start(name, peer, lang)

    async def change_password(self, session: Session, old: Secret, new: Secret) -> None:
        """Ends the other sessions of the user. Raises Refused."""
        lang = session.lang
        if not await self._try(session.user, old, session.peer, lang):
            self._note(session.user, session.peer, "password", outcome="wrong password")
            raise Refused(text(lang, "password.wrong"))
        try:
            await self._run(self._admins.set_password, session.user, old, new)
        except (WrongPassword, TooShort):
            raise Refused(text(lang, "password.short", least=SHORTEST)) from None
        except ValueError as exc:
            raise Refused(str(exc)) from None
        self._note(session.user, session.peer, "password")
        self._sessions.end_others(session)

    async def _try(self, name: str, password: Secret, peer: str, lang: Lang) -> bool:
        wait_s = self._tries.wait_s(peer, name)
        if wait_s > 0:
            raise Refused(text(lang, "login.wait", seconds=math.ceil(wait_s)))
        try:
            with self._tries.one(peer, name) as attempt:
                right = await self._run(self._admins.check, name, password)
                if right:
                    attempt.succeeded()
        except TooManyTries as early:
            raise Refused(str(early)) from None
        return right

    def _note(self, who: str, peer: str, what: str, outcome: str = OK) -> None:
        """On a full disk an administrator is needed, so it keeps nobody out."""
        try:
            self._audit.write(who, peer, what, outcome=outcome)
        except OSError as exc:
            fields = {"who": who, "what": what, "reason": exc.strerror}
            log.error("the audit log cannot be written", extra={"fields": fields})

    async def _known(self, name: str) -> str:
        """For the log, where what is no name of ours may be a password in the wrong field."""
        return name if await self._run(self._admins.knows, name) else "?"

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.wrap_future(self._thread.submit(function, *args, **kwargs))
