"""The wire between two network namespaces: a TUN device in each, and this process in between.

    python -m tests.support.relay NAMESPACE NAMESPACE

It reads commands from stdin, a line each, and repeats them on stdout when they hold: ``loss 0.2``
drops that part of all packets at random, ``loss 1`` is a cut that neither end is told of.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import random
import selectors
import struct
import sys
from typing import Final

DEVICE: Final = "wire"
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_CLONE_NEWNET: Final = 0x40000000
_LONGEST: Final = 65536


def enter(namespace: str) -> None:
    """What this thread opens from now on belongs to the namespace (a file)."""
    with open(namespace, "rb") as file:  # noqa: PTH123
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(file.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")


def open_end(name: str) -> int:
    enter(f"/run/netns/{name}")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI)
    fcntl.ioctl(device, _TUNSETIFF, request)
    return device


def main(names: list[str]) -> None:
    one, other = (open_end(name) for name in names)
    facing = {one: other, other: one}
    loss = 0.0
    dice = random.Random(1)
    with selectors.DefaultSelector() as selector:
        for source in (*facing, sys.stdin.fileno()):
            selector.register(source, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in selector.select():
                if key.fd not in facing:
                    command = sys.stdin.readline()
                    if not command:
                        return
                    loss = float(command.split()[1])
                    print(command, end="", flush=True)
                    continue
                # A device that is down takes and gives nothing.
                with contextlib.suppress(OSError):
                    packet = os.read(key.fd, _LONGEST)
                    if dice.random() >= loss:
                        os.write(facing[key.fd], packet)


if __name__ == "__main__":
    main(sys.argv[1:])
