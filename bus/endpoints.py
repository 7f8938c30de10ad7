"""Where the sockets are."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

# sun_path holds 108 bytes with its NUL; the longest of our names, stat.recorder_ and 16 characters,
# is 30.
_LONGEST_FOLDER: Final = 76
HIGH_WATER: Final = 100_000


class Addresses(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """ZeroMQ addresses of the workers, the recorder and tcp_edge's login service; empty: an ipc
    socket in the run directory.

    high_water  messages that wait for one subscriber, on each side of the link, before the newest
                are dropped: a burst, not an outage. 65 MB of ticks in the publisher's memory
    stat_pub    by the name of a program without other PUB socket, where it tells its figures when
                that is not an ipc socket, see bus/stats.py
    """

    md_pub: str = ""
    md_rpc: str = ""
    td_pub: str = ""
    td_rpc: str = ""
    rec_rpc: str = ""
    login_pub: str = ""
    high_water: Annotated[int, Meta(ge=1, le=10_000_000)] = HIGH_WATER
    stat_pub: dict[str, str] = {}


def resolve(addresses: Addresses, data: str) -> Addresses:
    """The same with nothing empty."""
    run = run_dir(data)
    return msgspec.structs.replace(
        addresses,
        **{
            name: f"ipc://{run}/{name}"
            for name in Addresses.__struct_fields__
            if getattr(addresses, name) == ""
        },
    )


def feed_addresses(data: str, feed: str) -> Addresses:
    """The sockets of one of several md_workers, between it and md_merge."""
    run = run_dir(data)
    return Addresses(md_pub=f"ipc://{run}/md_pub.{feed}", md_rpc=f"ipc://{run}/md_rpc.{feed}")


def recorder_address(addresses: Addresses, data: str, member: str) -> str:
    """Where a recorder answers. Those with a name do so on their own machine only."""
    return f"ipc://{run_dir(data)}/rec_rpc.{member}" if member else addresses.rec_rpc


def run_dir(data: str) -> Path:
    """The folder of sockets, 0700: ``data``/run, or a short one in the temporary directory when
    the path is too long for a socket address. The same ``data`` always gives the same folder."""
    path = Path(data).absolute() / "run"
    if len(os.fsencode(path)) > _LONGEST_FOLDER:
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"ctpbus-{os.getuid()}-{digest}"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{path} must belong to this user alone (mode 0700)")
    return path
