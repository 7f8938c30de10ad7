"""Two machines with a bad wire between them: network namespaces, which need root.

    with Machines() as machines:
        group = Group(path, prefix=machines.prefix("a"))      its processes run on machine a
        with machines.inside("b"): socket.create_connection((ADDRESSES["a"], 5551))
        machines.loss(0.2)

A namespace has its own loopback and nothing else but the wire.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from .group import CHECKOUT
from .relay import DEVICE, enter

ADDRESSES: Final = {"a": "10.77.0.1", "b": "10.77.0.2"}
_NAMES: Final = Path("/run/netns")
_PREFIX: Final = "ctpbus"


def missing() -> str:
    """What this machine lacks for namespaces; "" when nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "no command ip (iproute2)"
    if not Path("/dev/net/tun").exists():
        return "no /dev/net/tun"
    probe = f"{_PREFIX}-{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False)
    if made.returncode:
        return f"no network namespaces: {made.stderr.decode().strip()}"
    _ip("netns", "del", probe)
    return ""


class Machines:
    def __init__(self, addresses: Mapping[str, str] = ADDRESSES) -> None:
        self._addresses = addresses
        self._names = {machine: f"{_PREFIX}-{os.getpid()}-{machine}" for machine in addresses}
        self._relay: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        _sweep()
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def prefix(self, machine: str) -> list[str]:
        """What begins a command that shall run there; it ends up as that very process."""
        return ["ip", "netns", "exec", self._names[machine]]

    @contextmanager
    def inside(self, machine: str) -> Iterator[None]:
        """What this thread opens meanwhile is there, and so are threads that it starts."""
        home = f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net"
        with open(home, "rb") as file:  # noqa: PTH123
            enter(str(_NAMES / self._names[machine]))
            try:
                yield
            finally:
                enter(f"/proc/self/fd/{file.fileno()}")

    def loss(self, part: float) -> None:
        """Of the packets; 1.0 is a cut that neither machine is told of."""
        relay = self._relay
        assert relay is not None and relay.stdin is not None and relay.stdout is not None
        relay.stdin.write(f"loss {part}\n")
        relay.stdin.flush()
        assert relay.stdout.readline() == f"loss {part}\n"

    def link(self, machine: str, up: bool) -> None:
        """Pull the plug of one machine, which is told at once, or put it back."""
        _ip("-n", self._names[machine], "link", "set", DEVICE, "up" if up else "down")

    def close(self) -> None:
        if self._relay is not None:
            self._relay.kill()
            self._relay.communicate()
            self._relay = None
        for name in self._names.values():
            if (_NAMES / name).exists():
                _ip("netns", "del", name)

    def _build(self) -> None:
        for name in self._names.values():
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        self._relay = subprocess.Popen(
            [sys.executable, "-m", "tests.support.relay", *self._names.values()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
        )
        assert self._relay.stdout is not None
        assert self._relay.stdout.readline() == "ready\n"
        for machine, name in self._names.items():
            _ip("-n", name, "addr", "add", f"{self._addresses[machine]}/30", "dev", DEVICE)
            _ip("-n", name, "link", "set", DEVICE, "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=20)


def _sweep() -> None:
    """Take away what a run that was killed has left."""
    for path in _NAMES.glob(f"{_PREFIX}-*-*"):
        with suppress(ValueError, subprocess.CalledProcessError):
            if not Path("/proc", str(int(path.name.split("-")[1]))).exists():
                _ip("netns", "del", path.name)
