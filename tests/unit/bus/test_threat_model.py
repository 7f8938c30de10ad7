"""docs/security.md: each test that it names exists, and each defence has one."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.support.group import CHECKOUT

PAGES = ("security.md", "security.zh.md")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
MARK = "<!-- defences -->\n"


def text(page: str) -> str:
    return (CHECKOUT / "docs" / page).read_text("utf-8")


@cache
def functions_in(file: str) -> frozenset[str]:
    tree = ast.parse((CHECKOUT / file).read_text("utf-8"))
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def defences(page: str) -> list[list[tuple[str, str]]]:
    """The tests of each row of each table of defences."""
    rows = []
    for part in text(page).split(MARK)[1:]:
        table = part.strip().partition("\n\n")[0].splitlines()
        rows += [NAMED.findall(line) for line in table[2:]]
    return rows


@pytest.mark.parametrize("page", PAGES)
def test_each_test_that_the_threat_model_names_exists(page: str) -> None:
    named = NAMED.findall(text(page))
    assert len(named) > 80
    assert [f"{file}::{name}" for file, name in named if name not in functions_in(file)] == []


@pytest.mark.parametrize("page", PAGES)
def test_each_defence_has_a_test(page: str) -> None:
    assert len(defences(page)) > 40
    assert all(defences(page))


def test_both_languages_have_the_same_defences() -> None:
    assert defences(PAGES[0]) == defences(PAGES[1])
    assert text(PAGES[0]).count("\n## ") == text(PAGES[1]).count("\n## ")
