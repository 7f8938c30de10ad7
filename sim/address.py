"""Front addresses: ``sim://PATH`` (a unix socket, relative to the working directory) or
``sim://HOST:PORT``."""

from __future__ import annotations

import ipaddress
import re
import socket
from pathlib import Path
from typing import NamedTuple

SCHEME = "sim://"
_HOST_PORT = re.compile(r"(?P<host>[^/]*):(?P<port>[0-9]{1,5})")


class AddressError(ValueError):
    """Not an address of the embedded exchange."""


class TcpAddress(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


Address = Path | TcpAddress


def parse(text: str) -> Address:
    """With or without the scheme. Raises AddressError."""
    bare = text.removeprefix(SCHEME)
    if not bare or "://" in bare:
        raise AddressError(f"{text!r} is not of the form sim://PATH or sim://HOST:PORT")
    match = _HOST_PORT.fullmatch(bare)
    if not match:
        return Path(bare)
    address = TcpAddress(match["host"], int(match["port"]))
    if not _is_loopback(address.host) or address.port > 65535:
        raise AddressError(f"{text!r}: the exchange has no passwords to the world: loopback only")
    return address


def connect(address: Address, timeout_s: float) -> socket.socket:
    """A connected blocking socket. Raises OSError."""
    if isinstance(address, TcpAddress):
        return socket.create_connection(address, timeout_s)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect(str(address))
    except OSError:
        connection.close()
        raise
    return connection


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
