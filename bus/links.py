"""tcp links between machines: which addresses make sense, and how soon a cut is noticed.

The options are the same for every socket, on both ends. Measured between two network namespaces
(tests/process/test_machines.py): a cut shows to both ends after ``HEARTBEAT_TIMEOUT_MS`` and one
interval at the most, and data flow again within 0.1 to 1.6 s of the link's return. Without
heartbeats it was 3.7 s after a cut of 10 s, because TCP doubles its waits, and nobody noticed the
cut.
"""

from __future__ import annotations

import re
from typing import Any, Final

import zmq

_TCP: Final = re.compile(r"tcp://(\*|\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})")
_EVERYWHERE: Final = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}

HEARTBEAT_MS: Final = 1000
# With 20 % of all packets lost, 3000 dropped a link for nothing within 25 s, 4000 did not. That
# costs a healing; a cut that nobody notices costs more each second.
HEARTBEAT_TIMEOUT_MS: Final = 4000
CUT_S: Final = (HEARTBEAT_TIMEOUT_MS + HEARTBEAT_MS) / 1000  # until both ends know of a cut
_OPTIONS: Final = {
    zmq.HEARTBEAT_IVL: HEARTBEAT_MS,
    zmq.HEARTBEAT_TIMEOUT: HEARTBEAT_TIMEOUT_MS,
    # The kernel sends a lost SYN again after 1, 3 and 7 s; a new attempt is the quicker way.
    zmq.CONNECT_TIMEOUT: 1000,
    zmq.RECONNECT_IVL: 100,
    zmq.RECONNECT_IVL_MAX: 250,
    # CURVE takes four messages; who has not finished by then is a stranger, or the link is cut.
    zmq.HANDSHAKE_IVL: 5000,
    # Heartbeats begin after the handshake only, and a stranger may hold a connection before it.
    zmq.TCP_KEEPALIVE: 1,
    zmq.TCP_KEEPALIVE_IDLE: 5,
    zmq.TCP_KEEPALIVE_INTVL: 2,
    zmq.TCP_KEEPALIVE_CNT: 3,
}


def is_tcp(address: str) -> bool:
    return address.startswith("tcp://")


def check(address: str) -> None:
    """Raises ValueError unless it is ipc://PATH or tcp://HOST:PORT."""
    if not is_tcp(address):
        if address.startswith("ipc://@"):  # of the abstract kind, which has no folder and no mode
            raise ValueError(f"expected a path after ipc://, not {address!r}: others could come in")
        if address.startswith(("ipc://", "inproc://")):
            return
        raise ValueError(f"expected tcp://HOST:PORT or ipc://PATH, not {address!r}")
    match = _TCP.fullmatch(address)
    if match is None or not 1 <= int(match[2]) <= 65535:
        raise ValueError(f"expected tcp://HOST:PORT with a port of 1 to 65535, not {address!r}")


def for_connecting(address: str) -> str:
    """Where to connect to. An address that means every interface of the machine it is bound on, as
    in ``tcp://0.0.0.0:5551``, means this machine to whoever connects."""
    match = _TCP.fullmatch(address)
    if match is None or match[1] not in _EVERYWHERE:
        return address
    return f"tcp://{_EVERYWHERE[match[1]]}:{match[2]}"


def set_options(socket: zmq.Socket[Any], address: str) -> None:
    """Before bind and connect; nothing for what stays on the machine."""
    if not is_tcp(address):
        return
    for option, value in _OPTIONS.items():
        socket.set(option, value)
    if "[" in address:
        socket.set(zmq.IPV6, 1)
