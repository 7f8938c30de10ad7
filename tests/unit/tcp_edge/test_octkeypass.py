"""The module that clients copy, on this Python; tests/process/test_ofx.py has it on 2.7."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcp_edge import octkeypass
from tcp_edge.octkeypass import OctKeyError, compress, decrypt, encrypt, extract

KEY = "a key of the tests"
LOGIN = '{"cmd": 1, "params": {"username": "demo", "password": "demo"}}'


@given(st.text())
def test_what_is_sealed_comes_out_again(text: str) -> None:
    if text.isprintable():
        assert decrypt(KEY, encrypt(KEY, text)) == text
        assert extract(compress(text, KEY)) == text
        assert extract(compress(text)) == text


def test_the_lines_have_the_sizes_of_the_contract() -> None:
    assert len(encrypt(KEY, LOGIN) + "\r\n") == 138
    assert not set("\r\n+/") & set(encrypt(KEY, LOGIN))
    assert encrypt(KEY, LOGIN) != encrypt(KEY, LOGIN)


def test_a_reply_is_read_with_its_end_and_with_either_key() -> None:
    encrypt(KEY, "?")
    sealed = compress("中", KEY)
    assert sealed.startswith("!")
    for line in (sealed, sealed + "\r\n", sealed + "\n"):
        assert extract(line) == extract(line, KEY) == "中"
    assert extract(compress("中") + "\r\n") == "中"


def test_without_a_key_the_key_of_the_last_request_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = compress("x", KEY)
    encrypt("another key", "?")
    with pytest.raises(OctKeyError):
        extract(sealed)
    assert extract(sealed, KEY) == "x"
    monkeypatch.setattr(octkeypass, "_used", [])
    with pytest.raises(OctKeyError, match="nothing has been encrypted"):
        extract(sealed)


def test_kid_and_salt_are_of_the_module_or_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    line = encrypt(KEY, "x", kid=7, salt="Shanghai")
    with pytest.raises(OctKeyError, match="kid 7"):
        decrypt(KEY, line)
    with pytest.raises(OctKeyError):
        decrypt(KEY, line, kid=7)
    monkeypatch.setattr(octkeypass, "KID", 7)
    monkeypatch.setattr(octkeypass, "SITE_SALT", "Shanghai")
    assert decrypt(KEY, line) == "x"


def test_a_key_is_derived_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encrypt(KEY, "x")
    monkeypatch.setattr(octkeypass, "derive", None)
    assert decrypt(KEY, encrypt(KEY, "x")) == "x"


def test_a_bomb_is_not_unpacked() -> None:
    most = octkeypass.MOST_TEXT
    assert len(extract(base64.b64encode(zlib.compress(bytes(most))).decode())) == most
    with pytest.raises(OctKeyError, match="64 MiB"):
        extract(base64.b64encode(zlib.compress(bytes(most + 1))).decode())


def _open(packed: bytes) -> str:
    return base64.b64encode(packed).decode()


@pytest.mark.parametrize(
    "bad",
    [
        lambda: decrypt(KEY, ""),
        lambda: decrypt(KEY, "\r\n"),
        lambda: decrypt(KEY, "AQ=="),
        lambda: decrypt(KEY, "中"),
        lambda: decrypt(KEY, "\ud800"),
        lambda: decrypt(KEY, encrypt(KEY, "x")[:-1]),
        lambda: decrypt(KEY, " " + encrypt(KEY, "x")),
        lambda: decrypt(KEY, encrypt(KEY, LOGIN).rstrip("=")),
        lambda: decrypt(KEY, compress("x", KEY)[1:]),
        lambda: decrypt("no key", encrypt(KEY, "x")),
        lambda: encrypt(KEY, "\ud800"),
        lambda: encrypt(KEY, "x", kid=256),
        lambda: extract(""),
        lambda: extract("!"),
        lambda: extract("!" + encrypt(KEY, "x")),
        lambda: extract(_open(b"")),
        lambda: extract(_open(b"no zlib")),
        lambda: extract(_open(zlib.compress(b"abc" * 99)[:-1])),
        lambda: extract(_open(zlib.compress(b"abc") + b"x")),
        lambda: extract(_open(zlib.compress(b"\xff"))),
    ],
)
def test_what_is_wrong_raises_one_kind_of_error(bad: Callable[[], str]) -> None:
    with pytest.raises(OctKeyError):
        bad()


@settings(max_examples=300)
@given(st.data())
def test_no_changed_line_is_opened(data: st.DataObject) -> None:
    line = bytearray(encrypt(KEY, LOGIN), "ascii")
    bit = data.draw(st.integers(0, len(line) * 8 - 1))
    line[bit // 8] ^= 1 << bit % 8
    with pytest.raises(OctKeyError):
        decrypt(KEY, line.decode("latin-1"))
