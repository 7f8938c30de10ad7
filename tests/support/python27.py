"""An interpreter of Python 2.7 with what octkeypass needs.

``python -m tests.support.python27`` prints its path, or ends with 1 when there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.group import CHECKOUT

# The last version that runs there.
CRYPTOGRAPHY: Final = "cryptography==3.3.2"
LIBRARIES: Final = CHECKOUT / ".venv-2.7"


def find() -> Path | None:
    """By PYTHON27, on the path, or pyenv's newest. Only one that really runs: a version manager
    puts commands on the path that do not."""
    return next((path for path in _candidates() if _runs(path)), None)


def _candidates() -> Iterator[Path]:
    for name in (os.environ.get("PYTHON27"), shutil.which("python2.7")):
        if name:
            yield Path(name)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob("versions/2.7*/bin/python"), reverse=True)


def _runs(path: Path) -> bool:
    command = [str(path), "-c", "import sys; assert sys.version_info[:2] == (2, 7)"]
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def environment(python: Path) -> dict[str, str]:
    """For its processes; the libraries are installed once for a checkout."""
    if not LIBRARIES.exists():
        with tempfile.TemporaryDirectory(dir=CHECKOUT, prefix=".venv-2.7-") as folder:
            made = Path(folder) / "made"
            pip = [str(python), "-m", "pip", "install", "--quiet", "--target", str(made)]
            done = subprocess.run(
                [*pip, CRYPTOGRAPHY], capture_output=True, text=True, timeout=300, check=False
            )
            assert done.returncode == 0, done.stderr
            if not LIBRARIES.exists():
                made.rename(LIBRARIES)
    return os.environ | {"PYTHONPATH": str(LIBRARIES), "PYTHONDONTWRITEBYTECODE": "1"}


if __name__ == "__main__":
    found = find()
    print(found or "no Python 2.7 runs here", file=sys.stdout if found else sys.stderr)
    sys.exit(found is None)
