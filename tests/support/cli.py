"""A group of its own that ``ctpbus up`` has started, and the command beside it."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from deploy.plan import Plan, read
from tests.support.deployment import free_port
from tests.support.group import CHECKOUT

COMMAND = "from admin.main import main; main()"
CALL_TIMEOUT_S = 90.0
ACCOUNT = {"user": "028742", "password": "123456"}


def ctpbus(
    *arguments: str,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    prefix: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """The command, of this checkout. ``prefix`` begins its command line."""
    return subprocess.run(
        [*prefix, sys.executable, "-c", COMMAND, *arguments],
        cwd=CHECKOUT,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=CALL_TIMEOUT_S,
        check=False,
    )


# The imports, which take longer than most commands, are done once; each command is a process.
_NURSERY = """
import json, os, sys
from admin.main import main
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child == 0:
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(os.path.join(job["folder"], name), flags, 0o600), number)
        sys.stdin = open(0, encoding="utf-8", closefd=False)
        sys.argv = ["ctpbus", *job["arguments"]]
        status = 1
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    """Where the commands of a test file are forked, one at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "call"
        self._folder.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NURSERY],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        (self._folder / "stdin").write_text(stdin, "utf-8")
        given, told = self._process.stdin, self._process.stdout
        assert given is not None
        assert told is not None
        given.write(json.dumps({"folder": str(self._folder), "arguments": arguments}) + "\n")
        given.flush()
        assert select.select([told], [], [], CALL_TIMEOUT_S)[0], f"no end of {arguments}"
        status = int(told.readline())
        said = [(self._folder / name).read_text("utf-8") for name in ("stdout", "stderr")]
        return subprocess.CompletedProcess(arguments, status, *said)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


class Operated:
    """``folder`` is short enough for sockets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._nursery = Nursery(folder)
        self.config_file = folder / "group.yaml"
        self.port = free_port()
        front = f"sim://{folder}/sim.sock"
        self.document: dict[str, Any] = {
            "data": str(folder / "var"),
            "calendar": "always",
            "sim": {"listen": str(folder / "sim.sock")},
            "md_worker": {"front": front, "broker_id": "9999"},
            "td_worker": {"front": front, "broker_id": "9999", "accounts": [ACCOUNT]},
            "ws_edge": {"host": "127.0.0.1", "port": self.port},
            "recorder": {},
            "canary": {"instrument": "600000", "user_id": "028742", "password": "123456"},
        }
        self.config_file.write_text(yaml.safe_dump(self.document), "utf-8")
        self.config_file.chmod(0o600)

    @property
    def plan(self) -> Plan:
        return read(self.config_file)

    def call(
        self, *arguments: str, stdin: str = "", config: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        file = str(config or self.config_file)
        return self._nursery.call(*arguments, "--config", file, stdin=stdin)

    def close(self) -> None:
        """End the group."""
        self.call("down")
        self._nursery.close()

    def json(self, *arguments: str, status: int = 0) -> Any:
        """What it prints with --json."""
        done = self.call(*arguments, "--json")
        assert done.returncode == status, (done.stdout, done.stderr)
        return json.loads(done.stdout)


@contextmanager
def operated() -> Iterator[Operated]:
    folder = Path(tempfile.mkdtemp(prefix="ctpbus-"))
    group = Operated(folder)
    try:
        done = group.call("up")
        assert done.returncode == 0, done.stderr
        yield group
    finally:
        group.close()
        shutil.rmtree(folder)
