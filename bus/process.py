"""The life of one process: ``python -m NAME --config FILE``, with ``--member MEMBER`` where several
processes share a section.

Exit status: 0 stopped by SIGTERM or SIGINT, 1 a fault of ours (the log says which), 2 the
configuration is wrong, 75 another process holds the lock. When ready a process writes one JSON line
to stdout: {"ready": {addresses}}.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec

from . import log, membership, secrets, security
from .config import Loaded, load, open_calendar
from .errors import Busy, ConfigError
from .memory import close_memory

T = TypeVar("T")

logger = logging.getLogger("ctpbus")


def main(
    name: str,
    kind: type[T],
    run: Callable[[Loaded[T]], None],
    doc: str,
    *,
    section: str = "",
    as_member: Callable[[T, str], T] | None = None,
    check: Callable[[Loaded[T]], None] = lambda loaded: None,
) -> int:
    """Read the command line and the configuration, then ``run``; returns the exit status.

    ``section``: the one it reads, when that has another name. ``as_member``: the section as one
    member reads it, "" for a process started without ``--member``; raises ValueError. ``check``:
    what is to be looked at besides, before anything is started; raises ConfigError.
    """
    membership.join()  # while the environment still tells whose we are
    close_memory()
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=doc)
    parser.add_argument("--config", required=True, help="the group's YAML file")
    parser.add_argument("--check", action="store_true", help="only check the configuration")
    if as_member is not None:
        parser.add_argument("--member", default="", help="which one of several")
    arguments = parser.parse_args()
    try:
        config = load(arguments.config, section or name, kind)
        if as_member is not None:
            config = _of_member(config, arguments.config, arguments.member, as_member)
        secrets.take(config.own, section or name)
        secrets.forget(config.variables)
        if arguments.check:
            security.keys_of(config.common.keys, name)
            open_calendar(config.common)
            check(config)
        else:
            log.setup(config.common.log_level)
            _warn_of_open_file(config, section or name)
            run(config)
    except ConfigError as exc:
        print(f"{name}: {exc}", file=sys.stderr)
        return 2
    except Busy as exc:
        print(f"{name}: {exc}", file=sys.stderr)
        return 75
    return 0


def _warn_of_open_file(config: Loaded[T], section: str) -> None:
    """The passwords of the embedded exchange are known to everybody anyway."""
    keys = secrets.written_out(config.own, section)
    if keys and not config.embedded and Path(config.path).stat().st_mode & 0o077:
        fields = {"file": config.path, "keys": keys, "remedy": f"chmod 600 {config.path}"}
        logger.warning("others may read the secrets of the file", extra={"fields": fields})


def _of_member(
    loaded: Loaded[T], path: str, member: str, as_member: Callable[[T, str], T]
) -> Loaded[T]:
    try:
        own = as_member(loaded.own, member)
        return msgspec.structs.replace(loaded, own=own, member=member)
    except ValueError as exc:
        raise ConfigError(f"{path}: {exc}") from None


def announce(addresses: Mapping[str, str]) -> None:
    """Tell whoever started this process that it is ready, and where."""
    print(msgspec.json.encode({"ready": addresses}).decode(), flush=True)


def leave(status: int) -> NoReturn:
    """End the process at once, without Release of the APIs and without Python's farewell.

    Release may block, or call exit itself, and the API's threads may call back into an interpreter
    that is being taken down. SFIT's advice is not to release an API but to end the process.
    """
    logging.shutdown()
    sys.stdout.flush()
    os._exit(status)
