"""Small programs run in processes of their own, with a cache folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]


def start(code: str, cache: Path, environment: Mapping[str, str] | None = None) -> Child:
    """Run Python code on this checkout and the same binding as here. LOCPATH is unset unless
    ``environment`` sets it."""
    variables = {name: value for name, value in os.environ.items() if name != "LOCPATH"}
    paths = [variables.get("PYTHONPATH", ""), str(CHECKOUT)]
    variables["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    variables["CTPBUS_CACHE"] = str(cache)
    variables.update(environment or {})
    return Child(code, variables)


def run(code: str, cache: Path, environment: Mapping[str, str] | None = None) -> str:
    """The same to the end: stdout without its last line break."""
    return start(code, cache, environment).output()


class Child:
    """A process whose code is still running."""

    def __init__(self, code: str, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""
        out, err = self._process.communicate(timeout=60)
        return self._process.returncode, out.strip(), err

    def output(self) -> str:
        status, out, err = self.end()
        assert status == 0, err
        return out
