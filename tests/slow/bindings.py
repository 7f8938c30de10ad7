"""Other versions of the binding, each in a folder of its own beside the installed one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
VERSIONS = ["6.3.19", "6.6.9", "6.7.2", "6.7.11"]
INSTALLED = metadata.version("openctp-ctp")
# All other tests are of the installed one.
OTHERS = [version for version in VERSIONS if not INSTALLED.startswith(f"{version}.")]


@cache
def folder(version: str) -> Path:
    """Where the newest build of an API version lies; installed there on first use. Kept in the
    virtual environment, so that pip has to fetch it once."""
    path = Path(sys.prefix) / "bindings" / version
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            target = Path(scratch) / version
            _install(version, target)
            target.rename(path)
    return path


def _install(version: str, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*command, "--target", str(target), f"openctp-ctp=={version}.*"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def environment(version: str, cache_folder: Path) -> dict[str, str]:
    """Variables for a process that shall use this version and derive everything anew."""
    paths = [str(folder(version)), str(CHECKOUT)]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "CTPBUS_CACHE": str(cache_folder),
    }
