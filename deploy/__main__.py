"""``python -m deploy up`` and ``python -m deploy down``; deploy/up and deploy/down call this."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bus.errors import ConfigError
from bus.memory import close_memory
from deploy import group
from deploy.plan import CHECKOUT, DEFAULT_CONFIG, read


def main() -> int:
    close_memory()
    parser = argparse.ArgumentParser(prog="deploy")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser(
        "up",
        prog="deploy/up",
        help="start the group and return when ticks and requests travel through it",
        description="Start the group, or what is down of it, and return when a tick and a request "
        "have travelled every hop. Exit status: 0 it works, 1 it does not come up (and what was "
        "started is stopped again), 2 the configuration is wrong, 130 after Ctrl-C.",
        epilog="Environment: PYTHON, VENV and CTPBUS_PYTHON choose the interpreter, see "
        "deploy/README.md.",
    )
    down = commands.add_parser(
        "down",
        prog="deploy/down",
        help="stop the group",
        description="Stop the group; returns when every process has ended.",
    )
    for command in (up, down):
        command.add_argument(
            "--config",
            type=Path,
            default=DEFAULT_CONFIG,
            metavar="FILE",
            help="the group's YAML file (default: deploy/gateway.yaml, the embedded exchange)",
        )
    up.add_argument(
        "--timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="give up after this time (default: 60)",
    )
    up.add_argument(
        "--no-canary",
        action="store_true",
        help="return when the processes run, e.g. before a front opens in the morning",
    )
    up.add_argument(
        "--foreground",
        action="store_true",
        help="stay in the foreground and stop the group on SIGTERM, as a container's PID 1 does",
    )
    arguments = parser.parse_args()
    config = arguments.config.resolve()
    # Relative paths in the file then mean the same here as in the programs.
    os.chdir(CHECKOUT)
    try:
        plan = read(config)
    except ConfigError as exc:
        print(f"deploy/{arguments.command}: {exc}", file=sys.stderr)
        return 2
    if arguments.command == "down":
        return group.down(plan)
    return group.up(
        plan,
        timeout_s=arguments.timeout,
        canary=not arguments.no_canary,
        foreground=arguments.foreground,
    )


if __name__ == "__main__":
    sys.exit(main())
