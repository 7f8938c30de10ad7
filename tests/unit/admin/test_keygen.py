"""ctpbus keygen, as a command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bus.roles import ROLES
from bus.security import Keys

COMMAND = "from admin.main import main; main()"
CHECKOUT = Path(__file__).resolve().parents[3]


def keygen(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, "keygen", "--keys", str(folder), *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        umask=0o000,
    )


def test_every_role_gets_a_pair_that_only_the_owner_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "keys"
    done = keygen(folder)
    assert done.returncode == 0, done.stderr
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stem for path in folder.iterdir()} == set(ROLES)
    for role in ROLES:
        assert (folder / f"{role}.key").stat().st_mode & 0o777 == 0o600
        assert (folder / f"{role}.pub").stat().st_mode & 0o777 == 0o644
        assert Keys(folder, role).judge("md_pub", (folder / f"{role}.pub").read_text().strip())
        assert (folder / f"{role}.key").read_text().strip() not in done.stdout + done.stderr


def test_nothing_is_overwritten_and_a_lost_public_part_comes_back(tmp_path: Path) -> None:
    assert keygen(tmp_path, "edge", "md_worker").returncode == 0
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    (tmp_path / "edge.pub").unlink()
    (tmp_path / "md_worker.key").unlink()  # as on a machine that got only the public part
    report = json.loads(keygen(tmp_path, "--json", "edge", "md_worker", "service").stdout)
    assert report["made"] == ["edge.pub", "service.key", "service.pub"]
    assert report["kept"] == ["edge.key", "md_worker.pub"]
    del before["md_worker.key"]
    assert before.items() <= {path.name: path.read_text() for path in tmp_path.iterdir()}.items()


def test_the_report_says_what_each_machine_needs(tmp_path: Path) -> None:
    roles = ("md_worker", "td_worker", "edge.sh", "recorder", "service")
    machines = json.loads(keygen(tmp_path, "--json", *roles).stdout)["machines"]
    servers = ["md_worker.pub", "td_worker.pub"]
    assert machines == {
        "edge.sh": ["edge.sh.key", "md_worker.pub", "recorder.pub", "td_worker.pub"],
        "recorder": ["recorder.key", "edge.sh.pub", *servers],
        "service": ["service.key", "md_worker.pub"],
        "md_worker": [
            *("md_worker.key", "edge.sh.pub", "md_worker.pub", "recorder.pub", "service.pub"),
            "td_worker.pub",
        ],
        "td_worker": ["td_worker.key", "edge.sh.pub", "md_worker.pub", "recorder.pub"],
    }
    said = keygen(tmp_path).stdout
    for files in (
        "where admin runs: admin.key edge.pub edge.sh.pub login.pub md_worker.pub",
        "where edge.sh runs: edge.sh.key admin.pub login.pub md_worker.pub recorder.pub",
    ):
        assert files in said


@pytest.mark.parametrize("name", ["edges", "", "../edge", "edge/x", "edge.", "Edge", "edge.ä"])
def test_a_name_without_a_role_makes_nothing(tmp_path: Path, name: str) -> None:
    done = keygen(tmp_path / "keys", "md_worker", name)
    assert done.returncode == 2
    assert done.stderr.startswith(f"ctpbus: {name!r} is no key: ROLE or ROLE.NAME, with ROLE of")
    assert not (tmp_path / "keys").exists()


def test_a_secret_that_others_may_read_is_not_taken_for_good(tmp_path: Path) -> None:
    keygen(tmp_path, "edge")
    (tmp_path / "edge.key").chmod(0o644)
    done = keygen(tmp_path, "edge")
    assert (done.returncode, done.stderr) == (
        2,
        f"ctpbus: {tmp_path}/edge.key is open to others: chmod 600 {tmp_path}/edge.key\n",
    )


def test_a_public_part_of_another_secret_is_told(tmp_path: Path) -> None:
    keygen(tmp_path, "edge", "client")
    (tmp_path / "edge.pub").write_bytes((tmp_path / "client.pub").read_bytes())
    assert "is not the public part of" in keygen(tmp_path, "edge").stderr
