"""The stand-in front (tests/front) for processes of a test.

    front = Front(tmp_path, TICK_RATE=200)
    with Group(tmp_path, sim=False, front_env=front.env) as group:
        group.start("md_worker", "td_worker", "ws_edge")
        front.fault("ReqOrderInsert", "error", number=31, text="CTP:资金不足")
        front.raise_callback("OnRtnOrder", raw)

The settings are the FRONT_* variables of tests/front/README.md without their prefix.
"""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import schemas.binding

FOLDER = Path(__file__).resolve().parents[1] / "front"
REPORT_TIMEOUT_S = 10.0


@cache
def libraries() -> tuple[Path, Path]:
    """The two libraries for the installed binding; tests/front/build.sh makes them."""
    out = FOLDER / "out" / schemas.binding.find().version
    made = out / "libthostmduserapi_se.so", out / "libthosttraderapi_se.so"
    assert all(path.exists() for path in made), f"run tests/front/build.sh: {out} has no libraries"
    return made


class Front:
    """One front: its environment, and a file through which it is told what to do."""

    def __init__(self, folder: Path, **settings: float | str) -> None:
        self.control = folder / "front.control"
        self.control.touch()
        self._requests = folder / "front.requests"
        self._reports = folder / "front.reports"
        self.env = {
            "LD_PRELOAD": ":".join(str(path) for path in libraries()),
            "FRONT_CONTROL": str(self.control),
            "FRONT_REQUESTS": str(self._requests),
            **{f"FRONT_{name}": str(value) for name, value in settings.items()},
        }

    def tell(self, *words: object) -> None:
        """One line for every API object of every process on this front."""
        line = " ".join(str(word) for word in words) + "\n"
        with self.control.open("ab") as file:
            file.write(line.encode("gb18030"))

    def fault(
        self, request: str, kind: str, times: int = 1, number: int = 0, text: str = ""
    ) -> None:
        """What the next calls of a request meet: ``return`` a status, ``error``, ``rsperror`` (an
        OnRspError), ``lose`` (no answer)."""
        self.tell("fault", request, kind, times, number, text)

    def disconnect(self, seconds: float = 1.0, reason: int = 0x1001) -> None:
        self.tell("disconnect", seconds, reason)

    def raise_callback(
        self,
        name: str,
        field: bytes | None = None,
        info: bytes | None = None,
        number: int = 0,
        last: bool = True,
    ) -> None:
        """Call any callback with these struct bytes; None is a null pointer. ``number`` is
        nRequestID, or nReason and nTimeLapse."""
        hexes = [raw.hex() if raw is not None else "-" for raw in (field, info)]
        self.tell("raise", name, *hexes, number, int(last))

    def requests(self) -> list[tuple[str, int, bytes]]:
        """Every request that has come so far: name, nRequestID, struct bytes."""
        if not self._requests.exists():
            return []
        # The front may be in the middle of its last line.
        whole = self._requests.read_text("ascii").rpartition("\n")[0]
        lines = [line.split() for line in whole.splitlines()]
        return [(name, int(number), bytes.fromhex(raw)) for name, number, raw in lines]

    def report(self, name: str) -> dict[str, Any]:
        """Figures of one API object, ``mdfront`` or ``tdfront``; see tests/front/README.md."""
        path = self._reports.with_suffix(f".{time.monotonic_ns()}")
        self.tell("report", path)
        deadline = time.monotonic() + REPORT_TIMEOUT_S
        while time.monotonic() < deadline:
            for line in path.read_text("utf-8").splitlines() if path.exists() else []:
                figures: dict[str, Any] = json.loads(line)
                if figures["front"] == name:
                    return figures
            time.sleep(0.01)
        raise AssertionError(f"no report of {name} within {REPORT_TIMEOUT_S} s")
