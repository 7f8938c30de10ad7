"""The accounts that an administrator can trade for: those that td_worker logs in by itself."""

from __future__ import annotations

from pathlib import Path

from bus import config
from td_worker.config import TdConfig


def accounts(path: Path) -> list[str]:
    """In the group's file of now. Raises ConfigError."""
    return [each.user for each in _section(path).accounts]


def broker(path: Path) -> str:
    """Of all of them. Raises ConfigError."""
    return _section(path).broker_id


def _section(path: Path) -> TdConfig:
    return config.load(str(path), "td_worker", TdConfig).own
