"""The wire of each listener, by the configuration."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from bus.config import Loaded
from bus.errors import ConfigError
from bus.secrets import Secret
from bus.tries import Tries
from bus.users import Users, UsersError

from .config import SERVICES, KeyConfig, ServiceName, TcpConfig, passphrase_of, services_of
from .guarded import GuardedPsk
from .wire.tls import TlsLines
from .wire.v1 import SealedLines, derive
from .wire.window import TEND_S, ReplayWindow
from .wire.wire import Wire

log = logging.getLogger("tcp_edge")

KEY_FILE: Final = "ofx.key"
_MISSING: Final = "tcp_edge.keys: an OFX key is needed, 8 characters or more"


class Wires:
    """Raises ConfigError. ``folder``: of tcp_edge under ``data``. ``embedded``: a key that is not
    configured may be made. ``users``: whose keys the wire psk takes."""

    def __init__(
        self,
        config: TcpConfig,
        names: tuple[ServiceName, ...],
        folder: Path,
        users: Users,
        *,
        embedded: bool,
    ) -> None:
        self._config, self._users = config, users
        self._tries = Tries()
        self._window: ReplayWindow | None = None
        if _has_v1(config, names):
            if not config.keys:
                make_key(folder, embedded=embedded)
            keys = config.keys or (made_key(folder),)
            self._keys = {key.kid: derive(passphrase_of(key), key.kid, config.salt) for key in keys}
            try:
                self._window = ReplayWindow(folder / "window", config.replay_window_s)
            except OSError as exc:
                raise ConfigError(f"tcp_edge: the replay window's file: {exc}") from None

    def recognise(self, knows: Callable[[str, str], bool]) -> None:
        """Clients who have got in from their address by another process or before the start."""
        self._tries.knows = knows

    def make(self, name: ServiceName) -> Wire:
        wire = self._config.listener(name).wire
        if wire == "tls":
            return TlsLines()
        if wire == "psk":
            return GuardedPsk(self._psk, self._tries)
        assert self._window is not None
        return SealedLines(self._keys, self._window, self._config.reply)

    async def tend(self) -> None:
        """As long as the process runs."""
        while self._window is not None:
            await asyncio.sleep(TEND_S)
            try:
                self._window.tend()
            except Exception:  # a watch that ended would be silent, as if all were well
                log.exception("the replay window was not looked at")

    def close(self) -> None:
        if self._window is not None:
            self._window.close()

    def describe(self) -> dict[str, object]:
        """``psk``: keys of users that were tried; ``window``: where a listener is on v1."""
        window = {} if self._window is None else {"window": self._window.describe()}
        return {"psk": self._tries.describe(), **window}

    def _psk(self, user: str) -> bytes | None:
        try:
            return self._users.psk(user)
        except UsersError as exc:
            log.error("users cannot be read", extra={"fields": {"reason": str(exc)}})
            return None


def check_keys(loaded: Loaded[TcpConfig]) -> None:
    """Raises ConfigError."""
    config = loaded.own
    if (
        not config.keys
        and not loaded.embedded
        and _has_v1(config, services_of(config, loaded.member))
    ):
        raise ConfigError(_MISSING)
    for key in config.keys:
        passphrase_of(key)


def _has_v1(config: TcpConfig, names: tuple[ServiceName, ...]) -> bool:
    return any(config.listener(name).wire == "v1" for name in names)


def made_key(folder: Path) -> KeyConfig:
    """Of a group that has none in its configuration."""
    return KeyConfig(kid=1, file=str(folder / KEY_FILE))


def first_key(config: TcpConfig, folder: Path) -> tuple[Secret, int]:
    """One with which clients can seal, and its kid. Raises ConfigError."""
    if not _has_v1(config, SERVICES):
        return Secret(""), 0
    key = config.keys[0] if config.keys else made_key(folder)
    return passphrase_of(key), key.kid


def make_key(folder: Path, *, embedded: bool) -> None:
    """Once, by whichever process is first. Raises ConfigError."""
    if not embedded:
        raise ConfigError(_MISSING)
    file = folder / KEY_FILE
    if file.exists():
        return
    beside = folder / f"{KEY_FILE}.{secrets.token_hex(4)}"
    beside.touch(0o600)
    beside.write_text(secrets.token_urlsafe(18) + "\n", "ascii")
    # Unlike a rename it leaves the file of another process that was quicker.
    with suppress(FileExistsError):
        file.hardlink_to(beside)
    beside.unlink()
