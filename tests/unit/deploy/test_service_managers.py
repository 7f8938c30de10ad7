"""systemd's units and Docker's files, before their own validators."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import plan as plans
from deploy.group import config_faults
from tests.support.group import CHECKOUT

SYSTEMD = CHECKOUT / "deploy" / "systemd"
DOCKER = CHECKOUT / "deploy" / "docker"
UNITS = ("ctpbus@.service", "ctpbus-group@.service", "ctpbus.target")
INSTANCES = ("ctpbus@td_worker.service", "ctpbus-group@simnow.service")
COMPOSE_FILES = ("compose.yaml", "compose.processes.yaml")
MOST_EXPOSED = 15  # tenths of systemd-analyze's figure, which goes from 0 to 10
SECRET_FOLDER = "/etc/ctpbus/secrets"


# What pip has installed is beside the interpreter.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def needs(program: str) -> pytest.MarkDecorator:
    """CI has all of them."""
    absent = shutil.which(program, path=PATH) is None and os.environ.get("CI") != "true"
    return pytest.mark.skipif(absent, reason=f"no {program}")


def said(command: Sequence[str], folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": PATH},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


# -- systemd ---------------------------------------------------------------------------------------


def units(folder: Path) -> None:
    """As they would be installed, but for where the checkout is."""
    for name in UNITS:
        text = (SYSTEMD / name).read_text("utf-8").replace("/opt/ctpbus", str(CHECKOUT))
        (folder / name).write_text(text, "utf-8")
        for instance in INSTANCES:
            if name == re.sub("@.*[.]", "@.", instance):
                (folder / instance).write_text(text, "utf-8")


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", [*INSTANCES, "ctpbus.target"])
def test_systemd_has_nothing_to_say_about_a_unit(tmp_path: Path, unit: str) -> None:
    units(tmp_path)
    assert said(["systemd-analyze", "verify", f"./{unit}"], tmp_path) == (0, "")


@needs("systemd-analyze")
def test_it_does_about_a_wrong_one(tmp_path: Path) -> None:
    units(tmp_path)
    file = tmp_path / INSTANCES[0]
    file.write_text(file.read_text("utf-8").replace("NoNewPrivileges", "NoNewPrivilege"), "utf-8")
    assert "NoNewPrivilege" in said(["systemd-analyze", "verify", f"./{file.name}"], tmp_path)[1]


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", INSTANCES)
def test_a_unit_is_hardly_exposed(tmp_path: Path, unit: str) -> None:
    units(tmp_path)
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}"]
    status, text = said([*command, f"./{unit}"], tmp_path)
    assert status == 0, text
    file = tmp_path / unit
    file.write_text(re.sub("(?m)^(Protect|Private|Restrict).*$", "", file.read_text()), "utf-8")
    assert said([*command, f"./{unit}"], tmp_path)[0] == 1


def test_both_services_have_the_same_sandbox() -> None:
    parts = [re.split(r"# -- the same in .*\n", (SYSTEMD / name).read_text()) for name in UNITS[:2]]
    assert parts[0][1].split("[Install]")[0] == parts[1][1].split("[Install]")[0]
    assert "SystemCallFilter" in parts[0][1]


@needs("systemd-sysusers")
@needs("systemd-tmpfiles")
def test_the_user_and_the_folders_are_made(tmp_path: Path) -> None:
    users, folders = SYSTEMD / "sysusers.conf", SYSTEMD / "tmpfiles.conf"
    root = f"--root={tmp_path}"
    if os.geteuid() != 0:
        pytest.skip("folders of root are made by root")
    (tmp_path / "etc").mkdir()
    status, text = said(["systemd-sysusers", root, str(users)], tmp_path)
    assert status == 0, text
    assert "ctpbus" in (tmp_path / "etc" / "passwd").read_text()
    status, text = said(["systemd-tmpfiles", root, "--create", str(folders)], tmp_path)
    assert status == 0, text
    assert (tmp_path / SECRET_FOLDER[1:]).stat().st_mode & 0o777 == 0o700
    assert f"LoadCredential=secrets:{SECRET_FOLDER}\n" in (SYSTEMD / UNITS[0]).read_text()


# -- Docker ----------------------------------------------------------------------------------------


@needs("hadolint")
def test_hadolint_has_nothing_to_say(tmp_path: Path) -> None:
    assert said(["hadolint", str(DOCKER / "Dockerfile")], tmp_path) == (0, "")
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM python\nRUN cd /tmp && sudo pip install x\n")
    assert said(["hadolint", str(wrong)], tmp_path)[0] == 1


def compose(*arguments: str, folder: Path = CHECKOUT) -> tuple[int, str]:
    """By whichever is there: compose has been a program and is a plug-in now."""
    command = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    try:
        return said([*command, *arguments], folder)
    except FileNotFoundError as exc:
        return 1, str(exc)


@pytest.mark.skipif(
    os.environ.get("CI") != "true" and compose("version")[0] != 0, reason="no docker compose"
)
@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_compose_takes_the_file(tmp_path: Path, name: str) -> None:
    status, text = compose("-f", str(DOCKER / name), "config", folder=tmp_path)
    assert status == 0, text
    wrong = tmp_path / name
    wrong.write_text((DOCKER / name).read_text().replace("read_only", "read_onyl"))
    assert compose("-f", str(wrong), "config", folder=tmp_path)[0] != 0


def test_the_image_has_all_packages_and_nothing_else_of_the_checkout() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    found = project["tool"]["setuptools"]["packages"]["find"]["include"]
    files = {name.removesuffix("*") for name in found} | {"pyproject.toml", "README.md", "LICENSE"}
    _, build, _ = re.split("(?m)^FROM ", (DOCKER / "Dockerfile").read_text())
    copied = re.findall(r"^COPY (.*) \S+$", build, re.M)
    assert set(" ".join(copied).split()) == files
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == files
    assert "*" in ignored


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> plans.Plan:
    """Of the group in the image, with its data elsewhere."""
    folder = tmp_path_factory.mktemp("image")
    file = folder / "group.yaml"
    text = (DOCKER / "group.yaml").read_text("utf-8")
    file.write_text(text.replace("/var/lib/ctpbus", str(folder)), "utf-8")
    return plans.read(file)


def test_every_program_takes_the_file_in_the_image(plan: plans.Plan) -> None:
    assert config_faults(plan) == {}


def services(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DOCKER / name).read_text("utf-8"))["services"]
    return found


def test_there_is_a_container_for_each_process(plan: plans.Plan) -> None:
    processes = services("compose.processes.yaml")
    assert processes.keys() == plan.programs.keys() - {"alarms"}  # supervisord's listener
    for name, service in processes.items():
        assert service["command"] == [name, "/etc/ctpbus/group.yaml"]


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_ports_are_published_on_loopback_only(plan: plans.Plan, name: str) -> None:
    published: set[int] = set()
    for service in services(name).values():
        for port in service.get("ports", ()):
            host, outside, inside = port.split(":")
            assert (host, outside) == ("127.0.0.1", inside)
            first, _, last = inside.partition("-")
            published |= set(range(int(first), int(last or first) + 1))
    assert plan.tcp is not None
    listeners = {plan.tcp.listener(service).port for service in plan.tcp.services}
    assert published == {plan.edge.port, 8088} | listeners
