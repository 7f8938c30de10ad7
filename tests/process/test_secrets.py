"""Secrets from where the configuration says they are, in real processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.authority import Authority
from tests.support.buslink import TdLink
from tests.support.group import Group

PASSWORD, CODE = "pw-0815-geheim", "code-4711-geheim"
USERS = ("100001", "100002", "100003", "100004")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The same password at four places."""
    file = tmp_path / "password"
    credentials = tmp_path / "credentials"
    credentials.mkdir(mode=0o700)
    for path in (file, credentials / "of_td"):
        path.touch(0o600)
        path.write_text(PASSWORD)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    monkeypatch.setenv("CTPBUS_TEST_PASSWORD", PASSWORD)
    monkeypatch.setenv("CTPBUS_TEST_CODE", CODE)
    return {
        USERS[0]: "env:CTPBUS_TEST_PASSWORD",
        USERS[1]: "credential:of_td",
        USERS[2]: f"file:{file}",
        USERS[3]: f"text:{PASSWORD}",
    }


def overrides(places: dict[str, str]) -> dict[str, object]:
    own = [{"user": user, "password": place} for user, place in places.items()]
    known = [{"user_id": user, "password": f"text:{PASSWORD}"} for user in places]
    return {
        "sim": {"users": known, "auth_codes": {"ctpbus_test": CODE}},
        "td_worker": {
            "app_id": "ctpbus_test",
            "auth_code": "env:CTPBUS_TEST_CODE",
            "accounts": own,
        },
    }


def test_every_account_logs_in_with_the_secret_from_its_place(
    tmp_path: Path, places: dict[str, str]
) -> None:
    with Group(tmp_path, overrides=overrides(places)) as group:
        group.start("sim", "td_worker")
        with TdLink(group) as td:
            td.state(logged_in=True)
            accounts = {row["user"]: row["state"] for row in td.state_now()["accounts"]}
            assert accounts == dict.fromkeys(USERS, "ready")
        assert PASSWORD not in group.log("td_worker")
        assert CODE not in group.log("td_worker")


@pytest.mark.parametrize(
    ("user", "spoil", "told"),
    [
        (USERS[0], "env", "accounts[0].password: the environment has no CTPBUS_TEST_PASSWORD"),
        (
            USERS[1],
            "credential",
            "accounts[1].password: {path}/credentials/of_td is open to others",
        ),
        (USERS[2], "file", "accounts[2].password: {path}/password is open to others: chmod 600"),
    ],
)
def test_a_secret_that_is_not_there_or_open_stops_the_process_before_any_socket(
    tmp_path: Path,
    places: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    user: str,
    spoil: str,
    told: str,
) -> None:
    if spoil == "env":
        monkeypatch.delenv("CTPBUS_TEST_PASSWORD")
    else:
        file = "credentials/of_td" if spoil == "credential" else "password"
        (tmp_path / file).chmod(0o644)
    with Group(tmp_path, overrides=overrides(places)) as group:
        for arguments in ((), ("--check",)):
            status, text = group.refused("td_worker", *arguments)
            assert status == 2
            assert text.startswith("td_worker: td_worker." + told.format(path=tmp_path)), text
            assert PASSWORD not in text
        # Whom it does not concern starts.
        assert group.refused("ws_edge", "--check") == (0, "")


@pytest.mark.parametrize(
    ("mode", "place", "told"),
    [
        (0o644, "text", True),
        (0o600, "text", False),
        (0o644, "file", False),
    ],
)
def test_a_configuration_with_secrets_that_others_may_read_is_told(
    tmp_path: Path, mode: int, place: str, told: bool
) -> None:
    password = tmp_path / "code"
    password.touch(0o600)
    password.write_text(CODE)
    code = CODE if place == "text" else f"file:{password}"
    settings = {"app_id": "a", "auth_code": code, "unsent_s": 130}
    with Group(tmp_path, sim=False, overrides={"td_worker": settings}) as group:
        group.config_file.chmod(mode)
        group.start("td_worker")
        log = group.log("td_worker")
    assert ("others may read the secrets of the file" in log) is told
    assert ('"keys":["td_worker.auth_code"]' in log) is told
    assert CODE not in log


@pytest.mark.parametrize("name", ["ws_edge", "tcp_edge"])
def test_the_key_of_a_certificate_is_for_its_owner(tmp_path: Path, name: str) -> None:
    certificate = Authority(tmp_path).issue("server")
    key = certificate.with_suffix(".key")
    settings = {"cert_file": str(certificate), "key_file": str(key)}
    with Group(tmp_path, overrides={name: settings}) as group:
        assert group.refused(name, "--check") == (0, "")
        key.chmod(0o640)
        told = f"{name}: {name}.key_file: {key} is open to others: chmod 600 {key}\n"
        assert group.refused(name, "--check") == (2, told)
        assert group.refused(name) == (2, told)
