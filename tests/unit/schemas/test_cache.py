"""The catalogue's cache file: made once, made again when damaged, shared by processes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from schemas import binding as bindings
from schemas import cache
from schemas import catalogue as catalogues
from schemas.binding import Source
from schemas.catalogue import Catalogue

from .children import run, start

LOAD = """
import sys
from schemas import catalogue
loaded = catalogue.load()
assert len(loaded.layouts["DepthMarketData"].fields) >= 44
assert len(loaded.codec("InputOrder").pack({"InstrumentID": "rb2610"})) > 200
print(any(name.startswith("openctp_ctp") for name in sys.modules))
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder after a first load."""
    folder = tmp_path_factory.mktemp("cache")
    assert run(LOAD, folder) == "True"
    return folder


def catalogue_file(folder: Path) -> Path:
    (path,) = folder.glob("catalogue-*")
    return path


def test_a_second_load_does_not_import_the_binding(filled: Path) -> None:
    assert run(LOAD, filled) == "False"


def test_the_file_holds_all_of_the_catalogue(filled: Path, catalogue: Catalogue) -> None:
    stored = msgspec.msgpack.decode(catalogue_file(filled).read_bytes(), type=Catalogue)
    assert stored == catalogue


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: b"\xc1garbage",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole + b"x",
        lambda whole: msgspec.msgpack.encode({"binding": "openctp_ctp"}),
        lambda whole: msgspec.msgpack.encode([1, 2, 3]),
    ],
    ids=["empty", "garbage", "half", "longer", "keys missing", "another type"],
)
def test_a_damaged_file_is_made_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    catalogue: Catalogue,
    damage: Callable[[bytes], bytes],
) -> None:
    monkeypatch.setenv("CTPBUS_CACHE", str(tmp_path))
    monkeypatch.setattr(catalogues, "derive", lambda name: catalogue)
    catalogues.load()
    path = catalogue_file(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert catalogues.load() == catalogue
    assert path.read_bytes() == whole


def test_another_build_of_one_version_has_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue: Catalogue
) -> None:
    monkeypatch.setenv("CTPBUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(catalogues, "derive", lambda name: catalogue)
    source = Source("openctp_ctp", catalogue.version, tmp_path)
    monkeypatch.setattr(bindings, "find", lambda name: source)
    for content in ("first build", "second one", "first build"):
        source.md.write_text(content)
        source.td.write_text(content)
        catalogues.load()
        catalogues.load()
    # The third has the content of the first, but pip wrote it anew.
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_processes_that_start_together_all_get_it(tmp_path: Path) -> None:
    children = [start(LOAD, tmp_path) for _ in range(2)]
    for child in children:
        child.output()
    assert [path.name for path in tmp_path.iterdir() if path.name != "locale"] == [
        catalogue_file(tmp_path).name
    ]
    assert run(LOAD, tmp_path) == "False"


def test_a_reader_never_sees_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    seen = []
    real = os.fdopen

    def watched(*args: object) -> object:
        seen.append(path.read_bytes())
        return real(*args)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "fdopen", watched)
    cache.replace_file(path, b"new")
    assert seen == [b"old"]
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def no_cache_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CTPBUS_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)


@pytest.mark.usefixtures("no_cache_variables")
class TestWhereTheCacheIs:
    """Folders that cannot be made are below a plain file: root may write everywhere else."""

    def test_the_first_choice_is_our_own_variable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CTPBUS_CACHE", str(tmp_path / "a" / "b"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert cache.cache_dir() == tmp_path / "a" / "b"
        assert (tmp_path / "a" / "b").is_dir()

    def test_then_the_desktops(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert cache.cache_dir() == tmp_path / "ctpbus"

    def test_a_relative_one_does_not_count(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert cache.cache_dir() == tmp_path / ".cache" / "ctpbus"

    def test_a_service_without_a_home_gets_a_folder_of_its_own(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "file"
        file.touch()
        monkeypatch.setenv("CTPBUS_CACHE", str(file / "cache"))
        monkeypatch.setenv("HOME", str(file))
        monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
        folder = cache.cache_dir()
        assert folder == tmp_path / f"ctpbus-cache-{os.getuid()}"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert cache.cache_dir() == folder

    def test_a_folder_that_somebody_else_put_there_is_not_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        uid = os.getuid() + 1
        (tmp_path / f"ctpbus-cache-{uid}").mkdir()
        monkeypatch.setenv("HOME", "/dev/null")
        monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
        monkeypatch.setattr(os, "getuid", lambda: uid)
        with pytest.raises(PermissionError, match="belongs to another user; set CTPBUS_CACHE"):
            cache.cache_dir()
