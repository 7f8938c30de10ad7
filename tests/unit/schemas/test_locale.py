"""The self-made locale, in processes of their own: the C library remembers what it did not find."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from schemas import locale
from schemas.locale import NAME, LocaleError

from .children import run, start

ENSURE = """
import os
from schemas import locale
locale.ensure()
assert locale.available()
print(os.environ.get("LOCPATH", ""))
"""
IMPORT = "import openctp_ctp.thostmduserapi"
TEXT = """
from schemas import binding, catalogue
text = "报单错误 €𠀀"
struct = binding.load().tdapi.CThostFtdcRspInfoField()
import ctypes
raw = catalogue.load().codec("RspInfo").pack({"ErrorMsg": text})
ctypes.memmove(int(struct.this), raw, len(raw))
assert struct.ErrorMsg == text, ascii(struct.ErrorMsg)
"""


@pytest.fixture(scope="module")
def system_has_it(tmp_path_factory: pytest.TempPathFactory) -> bool:
    code = "from schemas import locale; print(locale.available())"
    return run(code, tmp_path_factory.mktemp("cache")) == "True"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the locale in it."""
    folder = tmp_path_factory.mktemp("locale")
    locale.build(folder)
    return folder


def test_an_empty_cache_is_filled_once(tmp_path: Path, system_has_it: bool) -> None:
    folder = tmp_path / "locale"
    expected = "" if system_has_it else str(folder)
    assert run(ENSURE, tmp_path) == expected
    assert (folder / NAME).exists() == (not system_has_it)
    if not system_has_it:
        before = (folder / NAME / "LC_CTYPE").stat().st_mtime_ns
        assert run(ENSURE, tmp_path) == expected
        assert (folder / NAME / "LC_CTYPE").stat().st_mtime_ns == before
        assert [path.name for path in folder.iterdir()] == [NAME]


def test_chinese_text_goes_through_the_binding_with_it(tmp_path: Path) -> None:
    run(TEXT, tmp_path)


def test_control_without_the_locale_the_import_aborts(tmp_path: Path, system_has_it: bool) -> None:
    status, _, err = start(IMPORT, tmp_path).end()
    assert (status, "locale" in err) == ((0, False) if system_has_it else (-signal.SIGABRT, True))


def test_a_locpath_of_the_user_stays_and_comes_first(tmp_path: Path, system_has_it: bool) -> None:
    own = tmp_path / "own"
    own.mkdir()
    expected = str(own) if system_has_it else f"{own}:{tmp_path / 'locale'}"
    assert run(ENSURE, tmp_path, {"LOCPATH": str(own)}) == expected


def test_a_locpath_that_has_the_locale_is_enough(tmp_path: Path, made: Path) -> None:
    assert run(ENSURE, tmp_path, {"LOCPATH": str(made)}) == str(made)
    assert not (tmp_path / "locale").exists()


def test_an_inherited_locpath_works_after_the_cache_was_emptied(tmp_path: Path) -> None:
    folder = str(tmp_path / "locale")
    assert run(ENSURE, tmp_path, {"LOCPATH": folder}) == folder
    assert run(ENSURE, tmp_path, {"LOCPATH": folder}) == folder


def test_localedef_is_found_without_a_path(tmp_path: Path) -> None:
    run(ENSURE, tmp_path, {"PATH": str(tmp_path)})


def test_without_localedef_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(locale, "available", lambda: False)
    monkeypatch.setenv("CTPBUS_CACHE", str(tmp_path))
    which = shutil.which
    searched: list[str | None] = []

    def only_in_the_path(name: str, path: str | None = None) -> str | None:
        searched.append(path)
        return which(name) if path is None else None

    monkeypatch.setattr(shutil, "which", only_in_the_path)
    with pytest.raises(LocaleError) as error:
        locale.ensure()
    assert searched == [None, "/usr/bin:/bin"]
    assert str(error.value) == (
        "the locale zh_CN.GB18030 is missing and so is the program localedef that makes it; "
        "install libc-bin (Debian, Ubuntu) or glibc-common (RHEL, Fedora)"
    )
    assert "\n" not in str(error.value)


def test_a_localedef_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "localedef"
    fake.write_text("#!/bin/sh\necho 'no room left' >&2\nexit 4\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocaleError, match=r"^localedef could not make zh_CN.GB18030: no room"):
        locale.build(tmp_path / "locale")
    assert list((tmp_path / "locale").iterdir()) == []


def test_a_broken_locale_in_the_cache_is_named(tmp_path: Path, system_has_it: bool) -> None:
    broken = tmp_path / "locale" / NAME
    broken.mkdir(parents=True)
    (broken / "LC_CTYPE").write_bytes(b"no locale")
    status, _, err = start(ENSURE, tmp_path).end()
    if system_has_it:
        assert status == 0
    else:
        assert status == 1
        assert f"the C library refuses the locale in {broken}: remove it and try again" in err


def test_another_process_may_be_quicker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one's locale appears while our localedef runs."""
    theirs = tmp_path / NAME

    def slow(*args: Any, **kwargs: Any) -> Any:
        done = real(*args, **kwargs)
        theirs.mkdir()
        (theirs / "LC_CTYPE").write_bytes(b"theirs")
        return done

    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", slow)
    locale.build(tmp_path)
    assert (theirs / "LC_CTYPE").read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == [NAME]  # noqa: PTH208 - the scratch folder is gone


def test_processes_that_start_together_all_get_it(tmp_path: Path) -> None:
    children = [start(ENSURE, tmp_path) for _ in range(3)]
    assert len({child.output() for child in children}) == 1
