"""The group that is tortured: quick to log in, with accounts that never run out of money."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Final

PASSWORD: Final = "chaos-7319"
CASH: Final = 1e12
LEDGER: Final = "ledger.jsonl"


def overrides(path: Path, users: list[str]) -> dict[str, Any]:
    """For ``tests.support.group.Group``."""
    return {
        "sim": {
            "queries_per_second": 0,
            "ledger_file": str(path / LEDGER),
            "users": [{"user_id": user, "password": PASSWORD, "cash": CASH} for user in users],
        },
        "td_worker": {
            "login_s": 6.0,
            "step_s": 0.5,
            "retry_s": 0.1,
            "query_s": 3.0,
            "queries_per_s": 1000,
            "gone_s": 2.0,
            "app_id": "",
            "quiet_s": 0.1,
            "answer_s": 0.5,
            "unsent_s": 1.0,
        },
        "ws_edge": {"port": free_port()},
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
