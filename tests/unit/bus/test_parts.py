"""Endpoints, epoch, lock, inbox, retry, log: the small parts."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bus import endpoints, epoch, lock, log
from bus.errors import Busy
from bus.retry import Retry
from bus.wake import Inbox


def test_sockets_lie_in_a_closed_folder_under_data(tmp_path: Path) -> None:
    data = str(tmp_path / "d")[:60]
    run = endpoints.run_dir(data)
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    addresses = endpoints.resolve(endpoints.Addresses(md_pub="tcp://127.0.0.1:5"), data)
    assert addresses.md_pub == "tcp://127.0.0.1:5"
    assert addresses.td_rpc == f"ipc://{run}/td_rpc"


def test_a_deep_folder_gets_a_short_socket_path_always_the_same(tmp_path: Path) -> None:
    deep = str(tmp_path / ("deep" * 30))
    run = endpoints.run_dir(deep)
    assert len(os.fsencode(run)) <= 80
    assert endpoints.run_dir(deep) == run != endpoints.run_dir(deep + "er")
    run.rmdir()


def test_a_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    data = Path("/tmp") / f"ctpbus-test-{os.getpid()}"
    try:
        endpoints.run_dir(str(data)).chmod(0o755)
        with pytest.raises(PermissionError, match="0700"):
            endpoints.run_dir(str(data))
    finally:
        (data / "run").rmdir()
        data.rmdir()


def test_the_epoch_rises_at_each_start(tmp_path: Path) -> None:
    first, second, third = (epoch.next_epoch(tmp_path) for _ in range(3))
    assert (second, third) == (first + 1, first + 2)


def test_the_epoch_rises_even_when_its_folder_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = [epoch.next_epoch(tmp_path) for _ in range(3)][-1]
    (tmp_path / "epoch").unlink()
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert last < epoch.next_epoch(tmp_path) < 2**32


def test_publishers_that_share_a_folder_never_share_an_epoch(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        epochs = list(pool.map(epoch.next_epoch, [tmp_path] * 40))
    assert sorted(epochs) == list(range(min(epochs), min(epochs) + 40))


def test_only_one_process_holds_a_lock(tmp_path: Path) -> None:
    held = lock.hold(tmp_path / "lock")
    code = (
        "import sys; from pathlib import Path; from bus import lock\n"
        "from bus.errors import Busy\n"
        f"try: lock.hold(Path({str(tmp_path / 'lock')!r}))\n"
        "except Busy: sys.exit(75)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 75
    held.close()
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_lock_is_told_by_its_file(tmp_path: Path) -> None:
    with lock.hold(tmp_path / "lock"), pytest.raises(Busy, match="lock is held"):
        lock.hold(tmp_path / "lock")


def test_the_inbox_keeps_the_order_of_each_thread() -> None:
    inbox: Inbox[tuple[int, int]] = Inbox()

    def fill(n: int) -> None:
        for i in range(2000):
            inbox.put((n, i))

    threads = [threading.Thread(target=fill, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    seen: list[tuple[int, int]] = []
    while len(seen) < 8000:
        seen += inbox.take()
    for thread in threads:
        thread.join()
    assert all([i for n, i in seen if n == m] == list(range(2000)) for m in range(4))
    assert inbox.take() == []
    inbox.close()


def test_temporary_refusals_are_repeated_with_growing_pauses_and_others_never() -> None:
    retry = Retry(10)
    pauses = []
    for _ in range(5):
        assert retry.refused(7, now=100)
        assert retry.due is not None
        pauses.append(retry.due - 100)
    assert pauses == [10, 20, 40, 60, 60]
    for fatal in (3, 63, 75, 140, 143, 144, 12345):
        assert not retry.refused(fatal, now=100)
        assert retry.due is None
    retry.reset()
    retry.refused(8, now=0)
    assert retry.due == 10


def test_a_log_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("INFO")
    try:
        raise ValueError("out")
    except ValueError:
        logging.getLogger("x").exception("fell\nover", extra={"fields": {"n": 1, "t": {2}}})
    (line,) = capsys.readouterr().err.splitlines()
    fields = json.loads(line)
    assert fields["event"] == "fell\nover"
    assert (fields["n"], fields["logger"], fields["level"]) == (1, "x", "ERROR")
    assert "ValueError: out" in fields["traceback"]
