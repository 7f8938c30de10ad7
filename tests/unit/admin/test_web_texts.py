"""The texts of the web page."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from admin.web.texts import TEXTS, preferred, text, word
from admin.web.times import moment

SOURCES = Path(__file__).resolve().parents[3] / "admin"
# Keys that are put together: what they begin with.
MADE = (
    *("service.", "state.", "services.", "password.", "info.", "clients.", "settings.", "audit."),
    *("quote.", "mark.", "hop.", "side.", "offset.", "kind.", "hedge.", "order.", "outcome."),
    *("status.", "asset.", "position.", "kill.", "stream.", "field.", "did.", "came."),
    "count.",
)


def fields(words: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(words) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_each_text_is_there_in_both_languages_with_the_same_values(key: str) -> None:
    english, chinese = TEXTS[key]
    assert english.strip() and chinese.strip()
    assert fields(english) == fields(chinese)


def test_no_text_is_unused() -> None:
    code = "".join(file.read_text("utf-8") for file in SOURCES.rglob("*.py"))
    code = code.replace((SOURCES / "web" / "texts.py").read_text("utf-8"), "")
    used = set(re.findall(r'"([a-z_]+\.[A-Za-z_]+)"', code))
    assert not {key for key in TEXTS if key not in used and not key.startswith(MADE)}


def test_a_text_takes_its_values() -> None:
    assert text("en", "login.wait", seconds=3) == "Too many failed tries: wait 3 s."
    assert text("zh", "login.wait", seconds=3) == "失败次数过多，请等待 3 秒。"


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr,zh-TW;q=0.5", "zh"),
        ("*", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_names_first(accepted: str, lang: str) -> None:
    assert preferred(accepted) == lang


def test_what_an_administrator_does_has_words_in_both_languages() -> None:
    """The audit log has words for programs."""
    pages = "".join(file.read_text("utf-8") for file in (SOURCES / "web").rglob("*.py"))
    noted = set(re.findall(r'"((?:service|client|order|kill)\.[a-z_]+)"', pages))
    noted |= set(re.findall(r'\.note\(\s*"([a-z_.]+)"', pages))
    noted -= TEXTS.keys() | {"order.type"}
    assert noted > {"service.stop", "client.add", "order.place"}
    assert not {what for what in noted if f"did.{what}" not in TEXTS}
    assert word("zh", "did.service.stop", "") == "停止服务"
    assert word("zh", "did.something", "something") == "something"


def test_times_are_chinas_wherever_the_machine_stands() -> None:
    assert moment(1_795_305_600) == "2026-11-22 08:00:00"
    assert moment(0) == ""
