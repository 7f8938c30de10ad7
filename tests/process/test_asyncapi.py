"""The AsyncAPI documents, read by the parser of the AsyncAPI project.

It takes half a minute for /td/, so all but the first requests and pushes are left out of that one.
CTPBUS_ASYNCAPI=all leaves nothing out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.group import CHECKOUT
from tests.support.schemas import FOLDER, file

PROGRAM: Final = CHECKOUT / "tests" / "asyncapi"
MOST: Final = None if os.environ.get("CTPBUS_ASYNCAPI") == "all" else 25
TIMEOUT_S: Final = 120.0

pytestmark = pytest.mark.npm


def validated(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", "validate.mjs", str(path)],
        cwd=PROGRAM,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in FOLDER.glob("*.json"):
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["md", "td", "bus"])
def test_a_document_is_asyncapi(name: str, folder: Path) -> None:
    path = folder / f"{name}.asyncapi.json"
    content = shortened(file(path.name), MOST) if name == "td" else file(path.name)
    path.write_text(json.dumps(content), "utf-8")
    done = validated(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(f": {len(content['operations'])} operations\n")


def test_a_document_that_is_wrong_is_not(folder: Path) -> None:
    """The control."""
    path = folder / "md.asyncapi.json"
    content = json.loads(path.read_text("utf-8"))
    content["operations"]["Ping"]["action"] = "whisper"
    path.write_text(json.dumps(content), "utf-8")
    assert validated(path).returncode == 1


def shortened(document: Any, most: int | None) -> Any:
    """Without the operations behind the first ``most``, and without the messages of those."""
    if most is None:
        return document
    names = list(document["operations"])
    kept = {name: document["operations"][name] for name in names[:most]}
    text = json.dumps(kept)
    (channel,) = document["channels"]
    messages = {
        name: message
        for name, message in document["channels"][channel]["messages"].items()
        if f'messages/{name}"' in text
    }
    channels = {channel: {**document["channels"][channel], "messages": messages}}
    return {**document, "channels": channels, "operations": kept}
