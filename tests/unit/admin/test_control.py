"""What becomes of a call when supervisord is not as it should be."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from admin import control
from admin.control import Control, ControlError


@pytest.fixture
def run() -> Iterator[Path]:
    """Short, as the path of a socket must be."""
    with tempfile.TemporaryDirectory(prefix="ctpbus-") as folder:
        yield Path(folder)


def test_without_supervisord_a_call_fails_at_once(run: Path) -> None:
    with pytest.raises(ControlError, match="supervisord"):
        asyncio.run(Control(run).rows())


def test_a_supervisord_that_hangs_holds_nobody_for_long(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_ANSWER_S", 0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(run / "supervisor.sock"))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(ControlError, match="timed out"):
            asyncio.run(Control(run).start("sim"))
        assert time.monotonic() - began < 5


def test_without_the_time_limit_the_same_supervisord_holds_its_caller(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: what ends the call is the limit."""
    monkeypatch.setattr(control, "_ANSWER_S", None)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(run / "supervisor.sock"))
        silent.listen()
        ended = threading.Event()

        def call() -> None:
            with contextlib.suppress(ControlError):
                control.ask(f"unix://{run}/supervisor.sock", "getAllProcessInfo")
            ended.set()

        caller = threading.Thread(target=call)
        caller.start()
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(65536).startswith(b"POST ")
            assert not ended.wait(1.0)
        caller.join(10)
        assert ended.is_set()
