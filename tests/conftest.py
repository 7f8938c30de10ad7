"""Fixtures for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.group import Group


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    """A group on the embedded exchange; nothing of it runs yet."""
    with Group(tmp_path) as made:
        yield made
