"""A unix socket in front of another one, that can be cut."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path


class UnixRelay:
    """Forwards bytes both ways between who connects to ``path`` and ``target``."""

    def __init__(self, path: Path, target: Path) -> None:
        self.path, self._target = path, target
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._listening: socket.socket | None = None
        self.mend()

    def mend(self) -> None:
        self.path.unlink(missing_ok=True)
        listening = self._listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self.path))
        listening.listen()
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def cut(self) -> None:
        """Both ends lose their connection, and nobody gets a new one."""
        assert self._listening is not None
        with self._lock:
            found, self._sockets = [self._listening, *self._sockets], []
        for each in found:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.socket(socket.AF_UNIX)
                with self._lock:
                    self._sockets += [near, far]
                try:
                    far.connect(str(self._target))
                except OSError:  # not there yet
                    near.close()
                    continue
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=ends, daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
