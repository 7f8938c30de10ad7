"""The examples, beside a real group; the one in C++ also beside a scripted publisher."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self

import pytest
import zmq

from bus.frames import HEADER, Flag, message_type, tick_topic
from schemas import catalogue
from schemas.codec import Value
from tests.support.group import CHECKOUT, Group

TIMEOUT_S: Final = 20.0
SOURCE: Final = CHECKOUT / "examples" / "cpp" / "subscriber.cpp"
OTHER: Final = tick_topic("au2612").encode()
STOCK: Final = "600000"  # listed for ever
TICK, BEAT = message_type("OnRtnDepthMarketData"), message_type("Beat")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, built by the command that stands in its first lines."""
    folder = tmp_path_factory.mktemp("cpp")
    shutil.copy(SOURCE, folder)
    command = SOURCE.read_text("utf-8").splitlines()[1].removeprefix("//").split()
    assert {"-Wall", "-Wextra", "-Werror"} <= set(command)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "subscriber"


class Example:
    """A running example and the lines that it prints."""

    silent_s = TIMEOUT_S

    def __init__(
        self, program: Path, *arguments: str, path: Path | None = None, folder: Path | None = None
    ) -> None:
        """``path`` is for Python's modules."""
        command = [str(program), *arguments]
        environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, cwd=folder, env=environment
        )
        assert self._process.stdout is not None
        self._fd = self._process.stdout.fileno()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._fd, selectors.EVENT_READ)
        self._rest = b""
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._selector.close()

    def line(self) -> str:
        """The next one."""
        deadline = time.monotonic() + self.silent_s
        while not self._lines:
            assert self._selector.select(max(0.0, deadline - time.monotonic())), "silent example"
            chunk = os.read(self._fd, 1 << 16)
            assert chunk, f"the example ended with {self._process.wait()}"
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            self._lines += [line.decode() for line in whole]
        return self._lines.pop(0)

    def until(self, *begin: str) -> list[str]:
        """All lines up to the one that begins with all these words."""
        lines: list[str] = []
        deadline = time.monotonic() + self.silent_s
        while time.monotonic() < deadline:
            lines.append(self.line())
            if lines[-1].split()[: len(begin)] == list(begin):
                return lines
        raise AssertionError(f"no {begin} in {lines}")


class Script:
    """A publisher that says what the test wants."""

    def __init__(self, address: str) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.bind(address)
        self._topic = tick_topic("rb2610").encode()
        codec = catalogue.load().codec("DepthMarketData")
        values: dict[str, Value] = {"InstrumentID": "rb2610", "LastPrice": 3321.5, "Volume": 7}
        self._tick = codec.pack({**values, "UpdateTime": "09:30:00", "UpdateMillisec": 500})
        for _ in range(2):
            assert self._socket.poll(int(TIMEOUT_S * 1000))
            assert self._socket.recv() in (b"\1" + self._topic, b"\1" + OTHER)

    def close(self) -> None:
        self._context.destroy(linger=0)

    def tick(self, epoch: int, seq: int, topic: bytes = b"") -> None:
        self._send(epoch, seq, TICK, Flag.HAS_FIELD, self._tick, topic)

    def beat(self, epoch: int, seq: int) -> None:
        self._send(epoch, seq, BEAT, Flag.LOCAL, b"")

    def other(self, epoch: int, seq: int) -> None:
        """A type that the example does not know."""
        self._send(epoch, seq, 1, 0, b"?")

    def bad(self) -> None:
        self._socket.send(self._topic + b"\0" + bytes(HEADER.size - 1))
        self._socket.send(self._topic)
        self._socket.send(self._topic + bytes(100_000))

    def _send(
        self, epoch: int, seq: int, kind: int, flags: int, body: bytes, topic: bytes = b""
    ) -> None:
        header = HEADER.pack(epoch, seq, 1, 2, kind, 0x670B, flags)
        self._socket.send((topic or self._topic) + b"\0" + header + body)


@pytest.fixture
def script(program: Path) -> Iterator[tuple[Script, Example]]:
    with TemporaryDirectory(prefix="ctpbus-") as folder:  # tmp_path may be too long for a socket
        yield from _script(program, f"ipc://{folder}/p")


def _script(program: Path, address: str) -> Iterator[tuple[Script, Example]]:
    with Example(program, address, "rb2610", "au2612") as example:
        script = Script(address)
        try:
            yield script, example
        finally:
            script.close()


@pytest.mark.libzmq
def test_a_tick_is_read_by_the_struct_and_the_first_seq_is_no_loss(
    script: tuple[Script, Example],
) -> None:
    script[0].tick(9, 100)
    said = script[1].line()
    assert said == "TICK rb2610 09:30:00.500 price 3321.5 volume 7 epoch 9 seq 100"


@pytest.mark.libzmq
def test_a_gap_in_the_seq_and_one_that_only_a_beat_shows_are_told(
    script: tuple[Script, Example],
) -> None:
    publisher, example = script
    publisher.tick(9, 1)
    publisher.tick(9, 4)
    assert example.until("TICK")
    assert example.line() == "GAP tick/rb2610/ lost 2"
    assert example.line().endswith("seq 4")
    publisher.beat(9, 4)
    publisher.beat(9, 5)
    assert example.line() == "GAP tick/rb2610/ lost 1"
    publisher.tick(9, 5)  # told as lost; a tick of the past is not shown
    publisher.other(9, 6)
    publisher.bad()
    publisher.tick(9, 7)
    assert example.line().endswith("seq 7")


@pytest.mark.libzmq
def test_no_tick_of_an_old_epoch_comes_after_one_of_a_new(script: tuple[Script, Example]) -> None:
    publisher, example = script
    publisher.tick(9, 50)
    publisher.beat(10, 0)
    publisher.tick(9, 51)
    publisher.tick(10, 3)
    assert example.line().endswith("epoch 9 seq 50")
    assert example.line() == "RESTARTED tick/rb2610/ epoch 10 after 9"
    assert example.line() == "GAP tick/rb2610/ lost 2"
    assert example.line().endswith("epoch 10 seq 3")


@pytest.mark.libzmq
def test_a_new_epoch_of_one_topic_ends_the_old_one_of_all(script: tuple[Script, Example]) -> None:
    publisher, example = script
    publisher.tick(9, 5, OTHER)
    publisher.tick(10, 1)
    publisher.tick(9, 6, OTHER)
    publisher.tick(10, 2)
    assert [example.line().split()[-3:] for _ in range(3)] == [
        ["9", "seq", "5"],
        ["10", "seq", "1"],
        ["10", "seq", "2"],
    ]


@pytest.mark.libzmq
def test_beside_a_real_worker_silence_and_a_new_start_are_told(group: Group, program: Path) -> None:
    group.start("sim", "md_worker")
    with Example(program, group.ready["md_worker"]["pub"], STOCK) as example:
        example.until("TICK", STOCK)
        group.freeze("md_worker")
        example.until("SILENT", f"tick/{STOCK}/")
        group.thaw("md_worker")
        example.until("BACK", f"tick/{STOCK}/")
        example.until("TICK", STOCK)
        group.restart("md_worker")
        example.until("RESTARTED", f"tick/{STOCK}/")
        example.until("TICK", STOCK)


def test_the_python_example_tells_the_same(group: Group) -> None:
    group.start("sim", "md_worker")
    program = CHECKOUT / "examples" / "python" / "subscriber.py"
    arguments = [str(program), str(group.config_file), STOCK]
    with Example(Path(sys.executable), *arguments, path=CHECKOUT, folder=group.path) as example:
        example.until("TICK", STOCK)
        group.freeze("md_worker")
        example.until("SILENT", f"tick/{STOCK}/")
        group.thaw("md_worker")
        example.until("BACK", f"tick/{STOCK}/")
        group.restart("md_worker")
        example.until("RESTARTED", f"tick/{STOCK}/")
        example.until("TICK", STOCK)


@pytest.mark.libzmq
def test_the_example_says_how_it_is_used(program: Path) -> None:
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")
