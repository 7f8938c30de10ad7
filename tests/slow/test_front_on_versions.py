"""The stand-in front builds for other versions of the API, and every call fits their ABI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .bindings import CHECKOUT, OTHERS, environment

pytestmark = [pytest.mark.slow, pytest.mark.front]


# The oldest and the newest of the others: building takes a minute each.
@pytest.mark.parametrize("version", [OTHERS[0], OTHERS[-1]])
def test_the_front_drives_this_version(version: str, tmp_path: Path) -> None:
    variables = environment(version, tmp_path)
    _run(["tests/front/build.sh"], variables | {"PYTHON": sys.executable})
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    _run([*test, "tests/process/test_front.py"], variables)


def _run(command: list[str], variables: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == os.EX_OK, done.stdout[-5000:] + done.stderr[-2000:]
