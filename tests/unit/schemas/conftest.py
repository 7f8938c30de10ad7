"""The installed binding and its catalogue, once for all tests of this folder."""

from __future__ import annotations

import pytest

from schemas import binding as bindings
from schemas import catalogue as catalogues
from schemas.binding import Binding
from schemas.catalogue import Catalogue


@pytest.fixture(scope="session")
def binding() -> Binding:
    return bindings.load()


@pytest.fixture(scope="session")
def catalogue(binding: Binding) -> Catalogue:
    """Derived anew, so that a stale cache file cannot hide a mistake."""
    return catalogues.derive(binding.name)
