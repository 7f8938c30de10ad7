"""The pages of figures are written by a program; this is the part without a clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.performance import COMMANDS, PAGES, PICTURE, markdown, replace
from tests.bench.table import header, row, verdict, verdict_at_least


def test_what_a_benchmark_prints_becomes_titles_tables_and_promises(
    capsys: pytest.CaptureFixture[str],
) -> None:
    header("fan-out: CPU")
    row("100 clients, ws_edge", paced_us=7.5, n=3)
    row("100 clients, C", paced_us=5.0, n=3)
    row("ratio", times=1.5)
    verdict("ratio", 1.5, 1.6, "x")
    verdict_at_least("deliveries: a second", 10, 20, "")
    assert list(markdown(capsys.readouterr().out, "en")) == [
        "",
        "**fan-out: CPU**",
        "",
        "| |paced_us|n|",
        "|---|---:|---:|",
        "|100 clients, ws_edge|7.50|3|",
        "|100 clients, C|5.00|3|",
        "",
        "| |times|",
        "|---|---:|",
        "|ratio|1.50|",
        "",
        "- kept: ratio: 1.50 x, limit 1.6 x",
        "- **missed**: deliveries: a second: 10.00 , at least 20 ",
    ]


def test_only_what_stands_between_the_markers_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x -->\nold\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n", "utf-8")
    replace(page, "x", r"new \1")
    assert page.read_text("utf-8") == (
        "a\n<!-- x -->\nnew \\1\n\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n"
    )
    with pytest.raises(AssertionError, match="no place for z"):
        replace(page, "z", "")


@pytest.mark.parametrize("language", PAGES)
def test_each_page_has_a_place_for_each_table_and_the_picture(language: str) -> None:
    text = PAGES[language].read_text("utf-8")
    for name in ("machine", *COMMANDS):
        assert text.count(f"<!-- {name} -->") == text.count(f"<!-- /{name} -->") == 1
    assert f"({PICTURE.name})" in text
