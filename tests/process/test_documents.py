"""The commands and snippets of the documents, run as printed.

tests/support/documents.py says what is run, tests/support/site.py where.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import Block, blocks, documents
from tests.support.machines import missing
from tests.support.site import Site

_MISSING = missing()
pytestmark = pytest.mark.skipif(
    bool(_MISSING) and os.environ.get("CI") != "true", reason=_MISSING or "nothing"
)
NEEDS: dict[str, list[Any]] = {
    "README.md": [pytest.mark.node],
    "examples/README.md": [pytest.mark.node, pytest.mark.libzmq],
}


def is_run(block: Block) -> bool:
    if block.owner or block.argument("not run") is not None:
        return False
    return block.language in ("sh", "python", "js", "yaml") or block.argument("file") is not None


RUN = [name for name in documents() if any(map(is_run, blocks(name)))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.mark.parametrize(
    "document", [pytest.param(name, marks=NEEDS.get(name, [])) for name in RUN]
)
def test_the_blocks_of_a_document_run(document: str, site: Site) -> None:
    """Beside the group, which a document may also stop and start."""
    said, (first, *_) = "", filter(is_run, blocks(document))
    if "deploy/up" not in first.text:
        site.up()
    try:
        for block in blocks(document):
            if block.mark == "printed":
                check_printed(block, said)
            elif is_run(block):
                said = site.run(block)
    finally:
        site.rest()


def check_printed(block: Block, said: str) -> None:
    for line in block.text.splitlines():
        pattern = ".*".join(re.escape(part) for part in line.split("…"))
        assert re.search(f"^{pattern}$", said, re.MULTILINE), f"{block}: {line}\nnot in\n{said}"


def test_what_a_block_did_not_print_is_found() -> None:
    shown = Block("x.md", 1, "text", "printed", "100 600000 …\n")
    check_printed(shown, "first\n100 600000 10.5\n")
    with pytest.raises(AssertionError, match="not in"):
        check_printed(shown, "0 600000 10.5\n")


def test_a_block_that_fails_is_found(tmp_path: Path, site: Site) -> None:
    with pytest.raises(AssertionError, match="exit status 1"):
        site.run(Block("x.md", 1, "sh", "", "true\nfalse\ntrue\n"))
    with pytest.raises(AssertionError, match="does not say"):
        site.run(Block("x.md", 1, "sh", "stays: ready", "10.0.0.1$ echo never\n"))
