"""Every command and snippet of the documents is one that a test runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.documents import (
    LANGUAGES,
    Block,
    anchors,
    blocks,
    chinese,
    commands_outside,
    documents,
    links,
    meaning,
    outline,
    shown_commands,
)
from tests.support.group import CHECKOUT

DOCUMENTS = documents()
BOTH = [*DOCUMENTS, *map(chinese, DOCUMENTS)]
MARKS = re.compile(
    r"|tests/\S+\.py runs this|not run: \S.*|file: \S+( on 10\.0\.0\.\d)?"
    r"|input: .*|stays: .*|printed"
)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_document_is_there_in_chinese(document: str) -> None:
    assert Path(CHECKOUT, chinese(document)).exists()


@pytest.mark.parametrize("ending", [".md", ".zh.md"])
def test_the_index_names_every_document(ending: str) -> None:
    index = Path(CHECKOUT, "docs", f"README{ending}")
    links = re.findall(r"\]\(([^):#]+)\)", index.read_text("utf-8"))
    named = {(index.parent / link).resolve() for link in links}
    names = DOCUMENTS if ending == ".md" else map(chinese, DOCUMENTS)
    wanted = {Path(CHECKOUT, name).resolve() for name in names}
    tops = {Path(CHECKOUT, folder, f"README{ending}").resolve() for folder in ("", "docs")}
    assert not wanted - named - tops - {Path(CHECKOUT, "examples", "ofx", f"README{ending}")}


@pytest.mark.parametrize("document", BOTH)
def test_every_block_says_how_it_is_tested(document: str) -> None:
    for block in blocks(document):
        assert block.language in LANGUAGES, block
        assert MARKS.fullmatch(block.mark), block
        assert not shown_commands(block), f"{block} is run by nobody"
    assert not commands_outside(document)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_test_that_is_named_reads_the_document(document: str) -> None:
    for block in blocks(document):
        if block.owner:
            test = Path(CHECKOUT, block.owner).read_text("utf-8")
            name = Path(document)
            assert name.stem in test and (name.parent.name in test), block


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_chinese_document_has_the_same_commands_and_snippets(document: str) -> None:
    ours, theirs = blocks(document), blocks(chinese(document))
    assert [_shape(block) for block in ours] == [_shape(block) for block in theirs]
    for block, other in zip(ours, theirs, strict=True):
        assert meaning(block) == meaning(other), f"{block} and {other}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_chinese_document_has_the_same_headings_rows_and_items(document: str) -> None:
    assert outline(document) == outline(chinese(document))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_links_to_the_other_and_else_to_documents_in_its_language(document: str) -> None:
    ours, theirs = ([name for name, _ in links(each)] for each in (document, chinese(document)))
    assert [name for name in ours if name.endswith(".zh.md")] == [chinese(document)]
    assert [name for name in theirs if name in DOCUMENTS] == [document]


@pytest.mark.parametrize("document", BOTH)
def test_everything_that_is_linked_is_there(document: str) -> None:
    linked = links(document)
    assert not [name for name, _ in linked if not Path(CHECKOUT, name).exists()]
    assert not [
        (name, anchor)
        for name, anchor in linked
        if anchor and name.endswith(".md") and anchor not in anchors(name)
    ]


@pytest.mark.parametrize("document", BOTH)
def test_messages_that_are_shown_are_json(document: str) -> None:
    for block in blocks(document):
        rest = block.text.strip() if block.language == "json" else ""
        while rest:
            _, end = json.JSONDecoder().raw_decode(rest)
            rest = rest[end:].lstrip()


def _shape(block: Block) -> tuple[str, str]:
    return block.language, block.mark


def _text(language: str, text: str) -> Block:
    return Block("x.md", 1, language, "", text)


def test_a_translation_may_change_comments_and_nothing_else() -> None:
    assert meaning(_text("python", "f(1)  # buy\n")) == meaning(_text("python", "f(1)  # 买\n"))
    assert meaning(_text("python", "f(1)\n")) != meaning(_text("python", "f(2)\n"))
    assert meaning(_text("sh", "a b   # up\n")) == meaning(_text("sh", "a b  # 启动\n"))
    assert meaning(_text("sh", "a b\n")) != meaning(_text("sh", "a c\n"))
    assert meaning(_text("yaml", "a: 1\n")) != meaning(_text("yaml", "a: 2\n"))
    assert meaning(_text("js", "f(1); // buy\n")) == meaning(_text("js", "f(1); // 买\n"))
    assert meaning(_text("js", 'f("ws://a");\n')) != meaning(_text("js", 'f("ws://b");\n'))


def test_a_command_that_is_only_shown_is_found() -> None:
    assert shown_commands(_text("text", "first\ndeploy/up --config x\n"))
    assert not shown_commands(_text("text", "CTP td front ──> td_worker\n"))
