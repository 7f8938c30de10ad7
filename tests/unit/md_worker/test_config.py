"""The section md_worker with several feeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from bus import config
from bus.errors import ConfigError
from md_worker.config import MdConfig, as_member


def load(tmp_path: Path, text: str) -> MdConfig:
    file = tmp_path / "group.yaml"
    file.write_text(f"md_worker: {text}", encoding="utf-8")
    return config.load(str(file), "md_worker", MdConfig).own


def test_keys_of_a_feed_override_those_of_the_section(tmp_path: Path) -> None:
    feeds = "{a: {front: ['tcp://a:1', 'tcp://a:2']}, b: {front: 'tcp://b:1', password: 'two'}}"
    own = load(tmp_path, f"{{user_id: '1', password: 'one', step_s: 2, feeds: {feeds}}}")
    a, b = as_member(own, "a"), as_member(own, "b")
    assert (a.fronts, a.user_id, a.password.reveal()) == (["tcp://a:1", "tcp://a:2"], "1", "one")
    assert (b.fronts, b.user_id, b.password.reveal()) == (["tcp://b:1"], "1", "two")
    assert a.step_s == b.step_s == 2
    assert not a.feeds


def test_without_feeds_there_is_one_md_worker(tmp_path: Path) -> None:
    own = load(tmp_path, "{front: 'tcp://a:1'}")
    assert as_member(own, "") is own
    with pytest.raises(ValueError, match="no 'a'"):
        as_member(own, "a")


def test_with_feeds_a_process_has_to_say_which_it_is(tmp_path: Path) -> None:
    own = load(tmp_path, "{front: 'tcp://a:1', feeds: {a: {}, b: {front: 'tcp://b:1'}}}")
    assert as_member(own, "a").fronts == ["tcp://a:1"]
    with pytest.raises(ValueError, match="--member which of a, b"):
        as_member(own, "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "front: expected tcp://"),
        ("{feeds: {a: {}}}", "feeds.a: front: expected tcp://"),
        ("{feeds: {a: {front: 'http://a'}}}", "front: expected tcp://"),
        ("{feeds: {a: {front: 'tcp://a:1', step_s: 1}}}", "unknown field `step_s`"),
        ("{feeds: {../a: {front: 'tcp://a:1'}}}", "'../a' is not"),
        (
            f"{{front: 'tcp://a:1', feeds: {{{', '.join(f'f{n}: {{}}' for n in range(17))}}}}}",
            "than 16",
        ),
        ("{feeds: {'': {front: 'tcp://a:1'}}}", "'' is not"),
        ("{feeds: {abcdefghijklmnopq: {front: 'tcp://a:1'}}}", "is not 1 to 16"),
        ("{feeds: {a: {front: 'tcp://a:1', password: 123456}}}", "md_worker.feeds[...].password"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "123456" not in str(caught.value)
