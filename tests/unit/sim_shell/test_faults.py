"""Faults: their form, and whom and how often they hit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sim.config import read_script
from sim.service.faults import Armed, Delay, Disconnect, Error, FaultError, Lose, Return, parse

README = Path(__file__).resolve().parents[3] / "sim" / "README.md"


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"do": "nothing"},
        {"do": "error", "target": "ReqUserLogin"},
        {"do": "error", "target": "", "error_id": 1},
        {"do": "error", "target": "ReqUserLogin", "error_id": 1, "when": 3},
        {"do": "lose", "target": "OnRtnOrder", "times": -1},
        {"do": "return", "target": "ReqUserLogin", "code": -1, "times": 0},
        {"do": "delay", "target": "*", "seconds": -1},
        {"do": "disconnect", "side": "up"},
        {"do": "expire_password", "user": "1", "error_id": 3},
    ],
)
def test_what_is_no_fault_is_refused(document: Any) -> None:
    with pytest.raises(FaultError):
        parse(document)


def test_a_fault_hits_what_it_names_as_often_as_it_says() -> None:
    armed = Armed()
    armed.add(Lose(target="OnRtnOrder", times=2, user="1", side="td"))
    assert not armed.take(Lose, "OnRtnTrade", "td", "1")
    assert not armed.take(Lose, "OnRtnOrder", "td", "2")
    assert not armed.take(Lose, "OnRtnOrder", "md", "1")
    assert not armed.take(Error, "OnRtnOrder", "td", "1")
    assert armed.take(Lose, "OnRtnOrder", "td", "1")
    assert armed.take(Lose, "OnRtnOrder", "td", "1")
    assert not armed.take(Lose, "OnRtnOrder", "td", "1")
    assert not armed
    assert armed.fired == {"lose": 2}


def test_a_fault_without_an_end_hits_until_it_is_removed() -> None:
    armed = Armed()
    number = armed.add(Delay(target="*", seconds=1, times=0))
    assert all(armed.take(Delay, "anything", "md", "") for _ in range(100))
    assert armed.waiting()[number]["times"] == 0
    armed.remove(number)
    armed.remove(number)
    armed.use(number)
    assert not armed.take(Delay, "anything", "md", "")


def test_the_oldest_fault_goes_first() -> None:
    armed = Armed()
    for error_id in (7, 8):
        armed.add(Error(target="ReqUserLogin", error_id=error_id))
    found = [armed.take(Error, "ReqUserLogin", "td", "") for _ in range(3)]
    assert [fault and fault.error_id for fault in found] == [7, 8, None]


def test_return_codes_are_used_up_in_their_order() -> None:
    armed = Armed()
    armed.add(Return(target="ReqOrderInsert", code=-3, times=2))
    armed.add(Return(target="ReqOrderInsert", code=-1))
    assert armed.codes == (2, {"ReqOrderInsert": [-3, -3, -1]})
    armed.code_used("ReqOrderInsert")
    armed.code_used("ReqQryOrder")
    assert armed.codes == (3, {"ReqOrderInsert": [-3, -1]})
    armed.clear()
    assert armed.codes == (4, {})


def test_a_script_is_a_list_of_faults(tmp_path: Path) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text("- {do: disconnect, at_s: 3, side: md}\n")
    assert read_script(str(script)) == [Disconnect(at_s=3, side="md")]


@pytest.mark.parametrize("content", ["", "do: freeze", "[", "- {do: freeze}", "\x00"])
def test_a_wrong_script_is_one_line(tmp_path: Path, content: str) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text(content)
    with pytest.raises(ValueError, match=r"^[^\n]*faults\.yaml[^\n]*$"):
        read_script(str(script))


def test_the_examples_of_the_readme_are_faults(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(- .*?)```", README.read_text("utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        script = tmp_path / "faults.yaml"
        script.write_text(block)
        assert read_script(str(script))
