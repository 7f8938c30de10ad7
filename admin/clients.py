"""Client accounts with what is known of them now, for the web page."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from admin.watch.told import Told
from bus.config import load
from bus.secrets import Secret
from bus.users import DEMO, Right, User, Users, UsersError
from tcp_edge.config import TcpConfig
from tcp_edge.login.service import psk_of


class Known(NamedTuple):
    """``sessions``: connections that have shown an authcode. ``authcodes``: issued since the login
    service was started, and not ended."""

    user: User
    sessions: int
    authcodes: int


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What may be changed of an account besides its password."""

    account: str = ""
    rights: tuple[Right, ...] = ()
    quote: str = ""
    trade: str = ""


class Clients:
    """Of the group at ``path``. The file is read and written in threads. All methods raise
    UsersError and ConfigError."""

    def __init__(self, path: Path, told: Mapping[str, Told]) -> None:
        self._path, self._told = str(path), told

    async def all(self) -> list[Known]:
        users = await asyncio.to_thread(self._all)
        sessions, authcodes = self._now("sessions_of"), self._now("login_codes_of")
        return [Known(user, sessions[user.name], authcodes[user.name]) for user in users]

    async def add(self, name: str, form: Form, password: Secret) -> None:
        await asyncio.to_thread(self._add, name, form, password)

    async def change(self, name: str, form: Form) -> None:
        fields: dict[str, Any] = msgspec.structs.asdict(form)
        await asyncio.to_thread(lambda: self._users().change(name, **fields))

    async def set_password(self, name: str, password: Secret) -> None:
        await asyncio.to_thread(self._set_password, name, password)

    async def enable(self, name: str, enabled: bool) -> None:
        await asyncio.to_thread(lambda: self._users().enable(name, enabled))

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(lambda: self._users().delete(name))

    def _all(self) -> list[User]:
        users = self._users()
        return users.all() if users.path.exists() else []

    def _add(self, name: str, form: Form, password: Secret) -> None:
        loaded = load(self._path, "tcp_edge", TcpConfig)
        if name == DEMO and not loaded.embedded:
            raise UsersError("demo is for the embedded exchange only; choose another name")
        try:
            user = User(name=name, **msgspec.structs.asdict(form))
        except ValueError as exc:
            raise UsersError(str(exc)) from None
        users = Users(loaded.common.users_file, make=True)
        users.add(user, password, psk_of(loaded.own, password, name))

    def _set_password(self, name: str, password: Secret) -> None:
        loaded = load(self._path, "tcp_edge", TcpConfig)
        users = Users(loaded.common.users_file)
        users.set_password(name, password, psk_of(loaded.own, password, name))

    def _users(self) -> Users:
        return Users(load(self._path, "tcp_edge", TcpConfig).common.users_file)

    def _now(self, kind: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for told in self._told.values():
            if told.stat is not None:
                found.update(told.stat.kinds.get(kind, {}))
        return found
