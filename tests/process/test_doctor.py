"""``ctpbus doctor`` where something is wrong: each is named, with what to do. The conditions are
real ones; what a machine lacks is taken away in a mount namespace, which needs root."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from admin.keygen import make
from bus.endpoints import run_dir
from tests.support.cli import ctpbus
from tests.support.deployment import free_port

Findings = dict[str, list[dict[str, str]]]

# Its arguments are put out of sight: an empty file, which cannot be run, over a file, and an empty
# folder over a folder.
HIDE = """
set -e
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mount --bind "$EMPTY/folder" "$1"; else mount --bind "$EMPTY/file" "$1"; fi
  shift
done
shift
exec "$@"
"""


def can_hide() -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-m", "true"], check=False).returncode == 0


# CI never leaves them out.
needs_namespace = pytest.mark.skipif(
    os.environ.get("CI") != "true" and not can_hide(), reason="mount namespaces need root"
)


class Patient:
    """A machine's configuration that is in order, on a front that takes connections."""

    def __init__(self, folder: Path, front: str) -> None:
        self.folder = folder
        self.config_file = folder / "group.yaml"
        self.cache = folder / "cache"
        self.document: dict[str, Any] = {
            "data": str(folder / "var"),
            "md_worker": {"front": front},
            "td_worker": {"front": front, "broker_id": "9999"},
            "ws_edge": {"port": 0},
        }

    def change(self, section: str, **keys: Any) -> None:
        self.document.setdefault(section, {}).update(keys)

    def examine(self, *hidden: str) -> Findings:
        """Findings by their check. ``hidden``: files and folders that the machine has not."""
        self.config_file.write_text(yaml.safe_dump(self.document), "utf-8")
        self.config_file.chmod(0o600)
        self.cache.mkdir(exist_ok=True)
        environment = os.environ | {"CTPBUS_CACHE": str(self.cache)}
        environment.pop("LOCPATH", None)
        prefix: tuple[str, ...] = ()
        if hidden:
            empty = self.folder / "empty"
            (empty / "folder").mkdir(parents=True, exist_ok=True)
            (empty / "file").touch(0o644)
            environment["EMPTY"] = str(empty)
            prefix = ("unshare", "-m", "sh", "-c", HIDE, "sh", *hidden, "--")
        config = str(self.config_file)
        done = ctpbus(
            "doctor", "--config", config, "--json", environment=environment, prefix=prefix
        )
        assert done.stdout, done.stderr
        report = json.loads(done.stdout)
        assert done.returncode == (1 if report["faults"] else 0)
        found: Findings = {}
        for finding in report["findings"]:
            found.setdefault(finding["check"], []).append(finding)
        return found


@pytest.fixture
def front() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def patient(tmp_path: Path, front: str) -> Patient:
    return Patient(tmp_path, front)


def faults(found: Findings) -> list[dict[str, str]]:
    return [item for items in found.values() for item in items if item["level"] == "fault"]


def system_locales() -> list[str]:
    return [folder for folder in ("/usr/lib/locale",) if Path(folder).exists()]


def localedef() -> str:
    path = shutil.which("localedef")
    assert path is not None, "the suite's machine has localedef"
    return os.path.realpath(path)


@needs_namespace
def test_without_the_locale_package_ctpbus_makes_its_own(patient: Patient) -> None:
    found = patient.examine(*system_locales())
    (locale,) = found["locale"]
    assert locale["level"] == "ok"
    assert "the system has no zh_CN.GB18030; ctpbus has just made its own" in locale["text"]
    assert "apt-get install locales" in locale["remedy"]
    # Later localedef is not missed any more.
    found = patient.examine(*system_locales(), localedef())
    assert "ctpbus's own" in found["locale"][0]["text"]
    assert found["localedef"][0]["level"] == "ok"
    assert "the locale does not need it" in found["localedef"][0]["text"]
    assert not faults(found)


@needs_namespace
def test_without_the_locale_and_localedef_it_says_what_to_install(patient: Patient) -> None:
    found = patient.examine(*system_locales(), localedef())
    (locale,), (compiler,), (binding,) = found["locale"], found["localedef"], found["binding"]
    assert locale["level"] == compiler["level"] == binding["level"] == "fault"
    assert "without localedef ctpbus cannot make its own" in locale["text"]
    assert "install libc-bin (Debian, Ubuntu) or glibc-common" in locale["remedy"]
    assert "there is no program localedef" in compiler["text"]
    assert "install libc-bin" in compiler["remedy"]
    assert "first what is said of the locale" in binding["remedy"]


def test_a_machine_in_order_has_no_fault(patient: Patient) -> None:
    found = patient.examine()
    assert not faults(found)
    assert {"locale", "binding", "clock", "disk", "file modes", "keys", "front"} <= found.keys()
    assert "the API says v6" in found["binding"][0]["text"]
    assert all("takes connections" in item["text"] for item in found["front"])


def test_a_taken_port_is_named_with_who_has_it(patient: Patient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        patient.change("ws_edge", port=port)
        found = patient.examine()
        (fault,) = faults(found)
        assert fault["check"] == "port"
        assert f"port {port} on 127.0.0.1 is taken by pid {os.getpid()}" in fault["text"]
        assert "ws_edge.port" in fault["remedy"]
    assert not faults(patient.examine())


def test_fronts_that_are_not_reached_are_told_apart(patient: Patient, front: str) -> None:
    nobody = "tcp://127.0.0.1:1"
    patient.change("md_worker", front=[nobody, front])
    patient.change("td_worker", front=[nobody, "tcp://front.invalid:41205"])
    found = patient.examine()
    levels = [(item["level"], item["text"].partition(" is ")[0]) for item in found["front"]]
    assert levels[0] == ("warning", f"md front {nobody}")  # the worker has another one
    assert levels[1][0] == "ok"
    assert levels[2:] == [
        ("fault", f"td front {nobody}"),
        ("fault", "td front tcp://front.invalid:41205"),
    ]
    assert "nobody listens" in found["front"][2]["remedy"]
    assert "check the address in the file" in found["front"][3]["remedy"]


def test_a_socket_of_another_machine_is_tried(patient: Patient) -> None:
    make(patient.folder / "keys", ["edge", "md_worker", "td_worker"])
    patient.document |= {
        "keys": str(patient.folder / "keys"),
        # TEST-NET: nobody is there.
        "bus": {"td_pub": "tcp://192.0.2.1:5553", "md_pub": f"tcp://*:{free_port()}"},
        "ws_edge": {"host": "", "port": free_port(), "insecure": True},
    }
    found = patient.examine()
    texts = [item["text"] for item in found["door"]]
    assert "WebSocket on all addresses without TLS" in texts[0]
    assert "whoever reaches WebSocket" in texts[1]
    (fault,) = faults(found)
    assert fault["check"] == "bus"
    assert fault["text"].startswith("bus.td_pub at 192.0.2.1:5553 is not reached")
    assert {item["level"] for item in found["port"]} == {"ok"}
    assert any("on all addresses is free (ws_edge.port)" in item["text"] for item in found["port"])


def test_a_folder_of_sockets_that_others_may_enter_is_named(patient: Patient) -> None:
    run = run_dir(str(patient.folder / "var"))
    run.chmod(0o755)
    (fault,) = faults(patient.examine())
    assert str(run) in fault["text"]
    assert fault["remedy"].startswith("chmod 700")
    run.chmod(0o700)


def test_files_that_others_may_read_are_named(patient: Patient) -> None:
    folder = patient.folder
    secret = folder / "password"
    secret.write_text("123456\n")
    account = {"user": "028742", "password_file": str(secret)}
    patient.change("td_worker", accounts=[account])
    patient.change("canary", password_file=str(folder / "forgotten"))
    make(folder / "keys", ["edge", "md_worker", "td_worker", "admin"])
    patient.document["keys"] = str(folder / "keys")
    made = folder / "var" / "tcp_edge" / "authcode.key"
    made.parent.mkdir(parents=True)
    made.touch()
    for path in (secret, made, folder / "keys" / "admin.key"):
        path.chmod(0o644)
    found = patient.examine()
    told = {fault["text"].partition(" is ")[0]: fault["remedy"] for fault in faults(found)}
    assert told.keys() == {
        f"td_worker.accounts.password_file: {secret}",
        f"canary.password_file: {folder / 'forgotten'}",
        str(made),
        str(folder / "keys" / "admin.key"),
    }
    assert all("chmod 600" in remedy for remedy in told.values())
    assert "123456" not in str(found)
    for path in (secret, made, folder / "keys" / "admin.key"):
        path.chmod(0o600)
    (folder / "forgotten").touch(0o600)
    assert not faults(patient.examine())


def test_a_key_that_stops_every_program_is_named_with_its_remedy(patient: Patient) -> None:
    make(patient.folder / "keys", ["edge", "md_worker", "td_worker"])
    patient.document["keys"] = str(patient.folder / "keys")
    key = patient.folder / "keys" / "edge.key"
    key.chmod(0o644)
    (fault,) = faults(patient.examine())
    assert fault["text"] == f"{key} is open to others: chmod 600 {key}"
    assert fault["remedy"] == f"chmod 600 {key}"


def test_a_file_with_passwords_is_for_its_owner(patient: Patient) -> None:
    patient.change("td_worker", auth_code="s3cret-code")
    found = patient.examine()
    assert not faults(found)
    patient.config_file.chmod(0o644)
    done = ctpbus("doctor", "--config", str(patient.config_file))
    assert done.returncode == 1
    assert "holds td_worker.auth_code and others may read it" in done.stdout
    assert f"→ chmod 600 {patient.config_file}" in done.stdout
    assert "s3cret-code" not in done.stdout + done.stderr


def test_what_others_may_change_is_named(patient: Patient) -> None:
    limits = patient.folder / "limits.yaml"
    limits.touch()
    limits.chmod(0o666)
    patient.change("td_worker", limits_file=str(limits))
    (fault,) = faults(patient.examine())
    assert fault["text"] == f"others may change {limits}"
    assert fault["remedy"].startswith(f"chmod go-w {limits}")


def test_of_a_wrong_file_it_says_so_and_looks_at_the_rest(patient: Patient) -> None:
    patient.change("ws_edge", prot=1)
    found = patient.examine()
    (fault,) = faults(found)
    assert fault["check"] == "config"
    assert "prot" in fault["text"]
    assert "binding" in found
