"""Fixtures for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.group import Group

# How long an example takes says nothing on a machine that does other things as well.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    """A group on the embedded exchange; nothing of it runs yet."""
    with Group(tmp_path) as made:
        yield made
