"""The same lines on older and newer versions of the API."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bus.frames import message_type
from tests.unit.schemas.test_catalogue import OWN_MESSAGES

from .bindings import CHECKOUT, OTHERS, VERSIONS, environment

pytestmark = pytest.mark.slow

NAMES = """
import json
from schemas import catalogue
loaded = catalogue.load()
names = [*loaded.md.callbacks, *loaded.td.callbacks]
print(json.dumps({"version": loaded.version, "names": names}))
"""


def run(version: str, cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=CHECKOUT,
        env=environment(version, cache),
        capture_output=True,
        text=True,
        check=False,
    )


def callbacks(version: str, cache: Path) -> set[str]:
    done = run(version, cache, "-c", NAMES)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["version"].startswith(version + ".")  # not the one that is installed
    return set(told["names"])


@pytest.mark.parametrize("version", OTHERS)
def test_schemas_works_unchanged(version: str, tmp_path: Path) -> None:
    """Catalogue, every struct, every callback's payload, parser, cache: all of the unit tests but
    those of XTP that read no struct."""
    assert callbacks(version, tmp_path)
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/schemas"]
    arguments.append("--ignore-glob=*/xtp/test_[!t]*")
    done = run(version, tmp_path, *arguments)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


def test_no_two_messages_of_any_version_share_a_type(tmp_path: Path) -> None:
    names = set(OWN_MESSAGES).union(*(callbacks(version, tmp_path) for version in VERSIONS))
    assert len(names) > 170
    assert len({message_type(name) for name in names}) == len(names)
