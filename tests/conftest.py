"""Fixtures for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.support import canary
from tests.support.group import Group

# How long an example takes says nothing on a machine that does other things as well.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Files that take minutes are begun first, so that no worker is left alone with one in the end.
_LONG: Final = (
    "test_front_on_versions",
    "test_chaos",
    "test_deploy",
    "test_binding_versions",
    "test_orders",
    "test_td_login",
    "test_web_manager",
    "test_documents",
    "test_machines",
    "test_freshness",
    "test_strategy",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each file's tests stay in their order."""
    items.sort(key=lambda item: _rank(item.path))


def _rank(path: Path) -> tuple[int, int]:
    if path.stem in _LONG:
        return 0, _LONG.index(path.stem)
    return {"slow": 1, "process": 2}.get(path.parent.name, 3), 0


@pytest.fixture(scope="session", autouse=True)
def no_secret_leaks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """While tests run none of their groups' secrets is in the list of processes, and in the end
    what was planted is in no file that they have left (what a group has besides is looked for at
    its own end)."""
    with canary.Sampler() as sampler:
        yield
    assert not sampler.leaks, "\n".join(sampler.leaks)
    assert not (leaks := canary.found(tmp_path_factory.getbasetemp(), canary.PLANTED)), leaks


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    """A group on the embedded exchange; nothing of it runs yet."""
    with Group(tmp_path) as made:
        yield made
