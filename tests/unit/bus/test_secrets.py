"""Where a secret may stand, and that it shows up nowhere else."""

from __future__ import annotations

import copy
import io
import json
import logging
import os
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.log import JsonLines
from bus.secrets import (
    Secret,
    SecretError,
    either,
    forget,
    private_file,
    read_secret,
    take,
    variables,
)

TEXT = "geheim-0815"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    password: Secret = Secret("")
    password_file: str = ""
    name: str = ""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    code: Secret = Secret("")
    parts: tuple[Part, ...] = ()
    feeds: dict[str, Part] = {}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_text(f"{TEXT}\nnot this\n")
    return file


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "credentials"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


def revealed(secret: Secret) -> Secret:
    assert secret.reveal() == TEXT
    return secret


# -- it prints nowhere -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{!r}".format,
        "{!s}".format,
        "%s".__mod__,
        lambda secret: f"{secret}",
        lambda secret: repr(Section(code=secret, feeds={"a": Part(password=secret)})),
        lambda secret: repr({"secret": [secret]}),
        lambda secret: json.dumps({"a": 1}, default=str) + json.dumps(secret, default=repr),
        lambda secret: repr(vars(secret)) if hasattr(secret, "__dict__") else "",
    ],
)
def test_a_secret_is_in_no_text(show: Callable[[Secret], str]) -> None:
    assert TEXT not in show(revealed(Secret(TEXT)))


@pytest.mark.parametrize(
    "write",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        msgspec.yaml.encode,
        msgspec.to_builtins,
        lambda secret: f"{secret:>10}",
        lambda secret: "".join(secret),
        lambda secret: TEXT + secret,
        lambda secret: bytes(secret),
        Path,
    ],
)
def test_a_secret_is_not_written_down(write: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError) as caught:
        write(Secret(TEXT))
    assert TEXT not in str(caught.value)


def test_a_secret_is_in_no_log_and_in_no_traceback() -> None:
    heard, password = io.StringIO(), Secret(TEXT)
    logger = logging.Logger("of this test")
    logger.addHandler(handler := logging.StreamHandler(heard))
    handler.setFormatter(JsonLines())
    try:
        raise ValueError(password)
    except ValueError as exc:
        logger.exception("%s", password, extra={"fields": {"password": str(password)}})
        told = traceback.TracebackException.from_exception(exc, capture_locals=True)
    text = "".join(told.format())
    assert "Secret(...)" in text
    assert heard.getvalue().count("Secret(...)") == 3
    assert TEXT not in text + heard.getvalue()


# -- its places --------------------------------------------------------------------------------


def test_a_secret_stands_in_the_configuration_a_file_the_environment_or_a_credential(
    file: Path, credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTPBUS_TEST_SECRET", TEXT)
    (credentials / "td").write_text(f"{TEXT}\n")
    (credentials / "td").chmod(0o440)  # as systemd's ACL looks
    for setting in (TEXT, f"file:{file}", "env:CTPBUS_TEST_SECRET", "credential:td"):
        secret = Secret.of_setting(setting)
        assert secret
        assert secret.place == ("" if setting == TEXT else setting)
        revealed(secret)
    revealed(Secret.of_file(str(file)))
    revealed(Secret.of_file("credential:td"))
    revealed(read_secret(str(file)))


@pytest.mark.parametrize(
    "setting", ["env:X", "file:X", "credential:X", "text:X", "env", "text:env:X", "nothing:X"]
)
def test_a_secret_that_looks_like_a_place_is_said_with_text(setting: str) -> None:
    assert Secret.of_setting(f"text:{setting}").reveal() == setting


def test_a_typed_password_is_never_a_place() -> None:
    assert Secret("env:HOME").reveal() == "env:HOME"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601, 0o610])
def test_a_file_that_others_may_read_is_refused_with_the_command_that_mends_it(
    file: Path, mode: int
) -> None:
    file.chmod(mode)
    for read in (read_secret, private_file):
        with pytest.raises(SecretError) as caught:
            read(str(file))
        assert str(caught.value) == f"{file} is open to others: chmod 600 {file}"


def test_a_credential_that_everybody_may_read_is_refused(credentials: Path) -> None:
    (credentials / "td").write_text(TEXT)
    (credentials / "td").chmod(0o444)
    with pytest.raises(SecretError, match="open to others"):
        Secret.of_setting("credential:td").reveal()


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("env:CTPBUS_NOT_SET", "the environment has no CTPBUS_NOT_SET"),
        ("file:/nowhere/at/all", "/nowhere/at/all: No such file or directory"),
        ("credential:none", "credentials/none: No such file or directory"),
    ],
)
def test_what_is_not_there_is_told_by_its_place(
    credentials: Path, file: Path, setting: str, told: str
) -> None:
    with pytest.raises(SecretError) as caught:
        Secret.of_setting(setting).reveal()
    assert str(caught.value).endswith(told)
    assert TEXT not in str(caught.value)


@pytest.mark.parametrize(
    "setting",
    [
        *(f"credential:../{TEXT}", "credential:..", f"credential:/etc/{TEXT}", "credential:"),
        *(f"env:{TEXT}!", "env:", f"env:{TEXT} {TEXT}"),
    ],
)
def test_what_is_no_name_is_told_without_it(setting: str) -> None:
    """It may be a password that begins so."""
    if setting.endswith(":"):
        assert Secret.of_setting(setting).reveal() == setting
        return
    with pytest.raises(ValueError, match="Expected a name after") as caught:
        Secret.of_setting(setting)
    assert TEXT not in str(caught.value)
    if setting.startswith("credential"):
        with pytest.raises(SecretError, match=r"^expected a name after credential:$"):
            Secret.of_file(setting).reveal()


def test_a_credential_without_systemd_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(SecretError, match="systemd has handed over none"):
        Secret.of_setting("credential:td").reveal()


@pytest.mark.parametrize("content", [b"", b"\n", b"  \nsecond\n", b"\xff\xfe" + TEXT.encode()])
def test_a_file_without_a_secret_is_refused_without_its_content(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(SecretError) as caught:
        read_secret(str(file))
    assert str(caught.value) in (f"{file} is empty", f"{file} is not UTF-8")


def test_the_file_of_a_key_or_the_key(file: Path) -> None:
    assert either(Secret("own"), "").reveal() == "own"
    assert either(Secret(""), str(file)).reveal() == TEXT
    assert not either(Secret(""), "")


# -- who reads it ------------------------------------------------------------------------------


def test_who_only_looks_at_the_configuration_needs_no_secret() -> None:
    section = Section(code=Secret.of_setting("env:CTPBUS_NOT_SET"))
    assert section.code
    assert "CTPBUS_NOT_SET" not in repr(section)


@pytest.mark.parametrize(
    ("section", "key"),
    [
        (Section(code=Secret.of_setting("env:CTPBUS_NOT_SET")), "td.code"),
        (
            Section(parts=(Part(), Part(password=Secret.of_file("/nowhere")))),
            "td.parts[1].password",
        ),
        (Section(parts=(Part(password_file="/nowhere"),)), "td.parts[0].password_file"),
        (Section(feeds={"a": Part(password_file="/nowhere")}), "td.feeds.a.password_file"),
    ],
)
def test_who_starts_reads_all_of_his_and_names_the_key_of_what_is_missing(
    section: Section, key: str
) -> None:
    with pytest.raises(SecretError) as caught:
        take(section, "td")
    assert str(caught.value).startswith(f"{key}: ")


def test_what_was_taken_is_not_read_again(file: Path) -> None:
    secret = Secret.of_file(str(file))
    take(Section(code=secret), "td")
    file.unlink()
    revealed(secret)


def test_the_environment_s_secrets_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    document = {"a": "env:ONE", "b": {"c": ["x", {"d": "env:TWO"}]}, "e": 3, "f": "text:env:THREE"}
    assert variables(document) == {"ONE", "TWO"}
    for name in ("ONE", "THREE"):
        monkeypatch.setenv(name, TEXT)
    forget(variables(document))
    assert "ONE" not in os.environ
    assert os.environ["THREE"] == TEXT
