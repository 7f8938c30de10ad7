"""The wire of each listener, by the configuration."""

from __future__ import annotations

import secrets
from pathlib import Path

from bus.errors import ConfigError

from .config import KeyConfig, ServiceName, TcpConfig, passphrase_of
from .wire.v1 import SealedLines, derive
from .wire.window import ReplayWindow
from .wire.wire import Wire

KEY_FILE = "ofx.key"


class Wires:
    """Raises ConfigError. ``folder``: of tcp_edge under ``data``. ``embedded``: a key that is not
    configured may be made."""

    def __init__(
        self, config: TcpConfig, names: tuple[ServiceName, ...], folder: Path, *, embedded: bool
    ) -> None:
        self._config = config
        if any(config.listener(name).wire == "v1" for name in names):
            keys = config.keys or (made_key(folder, embedded=embedded),)
            self._keys = {key.kid: derive(passphrase_of(key), key.kid, config.salt) for key in keys}
            self._window = ReplayWindow(folder / "window", config.replay_window_s)

    def make(self, name: ServiceName) -> Wire:
        return SealedLines(self._keys, self._window, self._config.reply)


def made_key(folder: Path, *, embedded: bool) -> KeyConfig:
    """The key of a group on the embedded exchange that has none configured: made once, by whichever
    process is first. Raises ConfigError."""
    if not embedded:
        raise ConfigError("tcp_edge.keys: an OFX key is needed, 8 characters or more")
    file = folder / KEY_FILE
    if not file.exists():
        beside = folder / f"{KEY_FILE}.{secrets.token_hex(4)}"
        beside.touch(0o600)
        beside.write_text(secrets.token_urlsafe(18) + "\n", "ascii")
        try:
            # Unlike a rename it leaves the file of another process that was quicker.
            file.hardlink_to(beside)
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return KeyConfig(kid=1, file=str(file))
