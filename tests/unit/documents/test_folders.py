"""Every folder of Python says at its top what it holds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.group import CHECKOUT

# A folder under it mirrors a package, whose own words hold for its tests too.
_MIRROR = Path("tests", "unit")
_TOPS = sorted(path.parent for path in CHECKOUT.glob("*/__init__.py"))
FOLDERS = [
    str(folder)
    for top in _TOPS
    for path in sorted(top.rglob("__init__.py"))
    if _MIRROR not in (folder := path.parent.relative_to(CHECKOUT)).parents
]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_stranger_knows_what_is_in_it(folder: str) -> None:
    text = Path(CHECKOUT, folder, "__init__.py").read_text("utf-8")
    assert ast.get_docstring(ast.parse(text))


def test_all_are_looked_at() -> None:
    assert {"bus", "td_worker/orders", "tests", "tests/chaos"} <= set(FOLDERS)
    assert not set(FOLDERS) & {"tests/unit/bus", "tests/unit/td_worker/orders"}
