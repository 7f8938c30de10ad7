"""The key ``front`` of a worker's section."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bus.fronts import addresses, md_addresses


def test_one_address_and_a_list_of_them() -> None:
    assert addresses("tcp://127.0.0.1:1") == ["tcp://127.0.0.1:1"]
    assert addresses(["ssl://a:1", "sim://b"]) == ["ssl://a:1", "sim://b"]


@pytest.mark.parametrize("front", ["", "127.0.0.1:1", "http://x", "tcp://", [], ["sim://a", "b"]])
def test_what_is_no_front_is_refused(front: str | list[str]) -> None:
    with pytest.raises(ValueError, match="front: expected tcp://…, ssl://… or sim://…"):
        addresses(front)


def test_a_process_that_reads_both_workers_sections_ends_in_peace() -> None:
    """It crashed in the interpreter's last garbage collection when the check was a pattern."""
    script = """if True:
        import msgspec
        from md_worker.config import MdConfig
        from td_worker.config import TdConfig
        section = {"front": ["sim://x"], "broker_id": "9999"}
        for kind in (MdConfig, TdConfig):
            msgspec.convert(section, kind)
    """
    for _ in range(3):
        subprocess.run([sys.executable, "-c", script], check=True)


def test_a_recorded_day_stands_alone_and_only_for_market_data(tmp_path: Path) -> None:
    (tmp_path / "20261123").mkdir()
    (tmp_path / "20261123" / "rb2601.csv").write_text("InstrumentID,LastPrice,UpdateTime\n")
    front = f"replay://{tmp_path}?speed=max"
    assert md_addresses(front) == md_addresses([front]) == [front]
    assert md_addresses("sim://x") == ["sim://x"]
    with pytest.raises(ValueError, match="front: expected tcp://…, ssl://… or sim://…"):
        addresses(front)
    with pytest.raises(ValueError, match="stands alone"):
        md_addresses([front, "sim://x"])
    with pytest.raises(ValueError, match="front: there is no folder"):
        md_addresses(front.replace("?", "-?"))
