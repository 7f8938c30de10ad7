"""The blocks of the documents, and the marks above them that say how they are tested.

A block is fenced and names its language. ``sh``, ``python`` and ``js`` are run, ``yaml`` is read as
part of a group's file, each line of ``json`` is parsed, and ``text`` is only shown. What stands in
the line above the fence changes that:

    <!-- tests/process/test_readme.py runs this -->   that test reads the document and runs it
    <!-- not run: REASON -->
    <!-- file: workers.yaml on 10.0.0.1 -->           written there, for the blocks that follow
    <!-- input: WORDS -->                             what is typed in
    <!-- stays: WORDS -->                             each line is a program that goes on
    <!-- printed -->                                  by the block before; … is anything
"""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Final

import yaml

from tests.support.group import CHECKOUT

LANGUAGES: Final = {"sh", "python", "js", "ts", "yaml", "json", "text"}
# Of no user: what is for who works on the tests, and what is not in the repository.
_SKIPPED: Final = {"tests", "var", "build", "node_modules"}
_BLOCK: Final = re.compile(
    r"(?:^ *<!-- (?P<mark>[^\n]*) -->\n)?^ *```(?P<language>[^\n]*)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_COMMANDS: Final = re.compile(
    r"^ *(?:[\d.]*\$ .*|(?:deploy/(?:up|down)|\S*\.venv/\S+)(?: .*)?"
    r"|(?:python[\d.]*|ctpbus|node|npm|pip|curl|websocat|docker|systemctl|cd|scp|g\+\+) .*)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """``line``: of the fence, from 1. ``mark``: what stands above it, "" without."""

    document: str
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def owner(self) -> str:
        """The test that runs it."""
        return self.mark.removesuffix(" runs this") if self.mark.endswith(" runs this") else ""

    def argument(self, kind: str) -> str | None:
        """Of the mark, when it is one of this kind."""
        head, _, rest = self.mark.partition(": ")
        return rest if head == kind else None


def chinese(document: str) -> str:
    return f"{document.removesuffix('.md')}.zh.md"


def documents() -> list[str]:
    """All for users in English, by their path in the checkout."""
    found = []
    for folder, below, files in os.walk(CHECKOUT):
        below[:] = [name for name in below if name not in _SKIPPED and not name.startswith(".")]
        found += [Path(folder, name).relative_to(CHECKOUT) for name in files]
    return sorted(str(p) for p in found if p.suffix == ".md" and not p.stem.endswith(".zh"))


def outline(document: str) -> list[str]:
    """Headings by their level, rows of tables and items of lists, in their order."""
    text = _BLOCK.sub("", Path(CHECKOUT, document).read_text("utf-8"))
    begins = re.findall(r"^ *(#+|\||-|\d{1,2}\.)(?: |$)", text, re.MULTILINE)
    return ["1." if begin.endswith(".") else begin for begin in begins]


def anchors(document: str) -> set[str]:
    """What a link to one of its headings has behind the #, as GitHub makes it."""
    text = _BLOCK.sub("", Path(CHECKOUT, document).read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    names = (re.sub(r"[^\w\- ]", "", words.lower()) for words in headings)
    return {name.replace(" ", "-") for name in names}


def links(document: str) -> list[tuple[str, str]]:
    """Of those to files of the checkout: the path in it, and the anchor, if any."""
    text = _BLOCK.sub("", Path(CHECKOUT, document).read_text("utf-8"))
    here = Path(CHECKOUT, document)
    return [
        (str((here.parent / path if path else here).resolve().relative_to(CHECKOUT)), anchor)
        for path, _, anchor in (
            found.partition("#") for found in re.findall(r"\]\((?!https?:)([^)]+)\)", text)
        )
    ]


def blocks(document: str) -> list[Block]:
    text = Path(CHECKOUT, document).read_text("utf-8")
    return [
        Block(
            document,
            text.count("\n", 0, found.start("language")) + 1,
            found["language"],
            found["mark"] or "",
            dedent(found["text"]),
        )
        for found in _BLOCK.finditer(text)
    ]


def commands_outside(document: str) -> list[str]:
    """Indented lines that look like commands: nobody runs those."""
    text = _BLOCK.sub("", Path(CHECKOUT, document).read_text("utf-8"))
    shown = re.findall(r"^ {4}\S.*$", text, re.MULTILINE)
    return [line for line in shown if _COMMANDS.match(line[4:])]


def shown_commands(block: Block) -> bool:
    """Is it shown as a text what should be run?"""
    return block.language == "text" and _COMMANDS.search(block.text) is not None


def meaning(block: Block) -> object:
    """What a translation must not change: all but comments and spaces at the ends."""
    match block.language:
        case "python":
            return ast.dump(ast.parse(block.text))
        case "yaml" if "…" not in block.text:
            return yaml.safe_load(block.text)
        case "sh" | "yaml":
            return _without(r"#", block.text)
        case "js" | "ts":
            return _without(r"//", block.text)
        case "json":
            return block.text
    return None


def _without(comment: str, text: str) -> list[str]:
    lines = (re.sub(rf"(^|\s+){comment}\s.*$", "", line).rstrip() for line in text.splitlines())
    return [line for line in lines if line]
