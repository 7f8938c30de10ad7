"""The key ``front`` of a worker's section."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bus.fronts import addresses


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
