"""A process's memory holds passwords and keys: it is left to nobody, not even to this user."""

from __future__ import annotations

import ctypes
import os
import resource
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h


def close_memory() -> None:
    """Before a secret is read: no core file after a crash, and no ptrace or reading of
    /proc/PID/mem, environ or fd by other processes, those of this user included; root may.

    The limit alone would not do: where cores go to a program, as with systemd-coredump, the kernel
    does not ask it. The flag alone would not do: exec sets it back, so a child would have none of
    it. Raises OSError.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"PR_SET_DUMPABLE: {os.strerror(number)}")
