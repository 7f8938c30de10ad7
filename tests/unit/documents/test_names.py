"""Files and modules of ours that documents name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.documents import chinese, documents
from tests.support.group import CHECKOUT

_TOPS = "|".join(sorted(path.parent.name for path in CHECKOUT.glob("*/__init__.py")))
_FILE = re.compile(rf"(?<![\w./])((?:{_TOPS}|docs|examples|clients)/[\w./-]+\.[a-z]+)\b")
_MODULE = re.compile(rf"python -m ((?:{_TOPS})(?:\.\w+)*)\b")
MADE = {"examples/ofx/mods/octkeypass.py"}  # by the commands that stand there


def lost(text: str, beside: Path) -> list[str]:
    """``beside``: the folder of the document."""
    files = set(_FILE.findall(text)) - MADE
    modules = {name: Path(CHECKOUT, *name.split(".")) for name in _MODULE.findall(text)}
    return [
        *(f for f in files if not Path(CHECKOUT, f).exists() and not (beside / f).exists()),
        *(
            name
            for name, path in modules.items()
            if not path.with_suffix(".py").exists() and not (path / "__main__.py").exists()
        ),
    ]


@pytest.mark.parametrize("document", [*documents(), *map(chinese, documents())])
def test_every_file_and_module_that_is_named_is_there(document: str) -> None:
    path = CHECKOUT / document
    assert not lost(path.read_text("utf-8"), path.parent)


def test_what_is_not_there_is_found() -> None:
    assert lost("see bus/nothing.py", CHECKOUT) == ["bus/nothing.py"]
    assert lost("python -m tests.bench.nothing --all", CHECKOUT) == ["tests.bench.nothing"]
    assert not lost("bus/since.py, python -m sim and python -m tests.chaos.orders", CHECKOUT)
