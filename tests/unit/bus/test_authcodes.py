"""Signed tokens: what is refused, and how keys change."""

from __future__ import annotations

import base64
import hmac
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import authcodes
from bus.authcodes import Grant, KeyFile, Tokens, seal, unseal
from bus.errors import ConfigError

KEY, OTHER = b"k" * 32, b"o" * 32
NAMES = st.text("abcXYZ019_.@-", min_size=1, max_size=64)
GRANTS = st.builds(
    Grant,
    user=NAMES,
    account=st.text("0123456789", max_size=15),
    rights=st.sampled_from([("quote",), ("trade",), ("quote", "trade")]),
    expires=st.integers(0, 2**40),
    serial=st.integers(0, 2**53),
)
GRANT = Grant(user="demo", account="028742", rights=("quote", "trade"), expires=2**31, serial=1)


@given(GRANTS)
def test_a_token_says_what_it_was_made_of(grant: Grant) -> None:
    code = seal(KEY, grant)
    assert unseal((OTHER, KEY), code) == grant
    assert unseal((OTHER,), code) is None
    assert unseal((), code) is None
    assert len(code) < 512
    assert code.replace("-", "").replace("_", "").isalnum()


def test_any_flipped_bit_is_refused() -> None:
    code = seal(KEY, GRANT)
    for place, letter in enumerate(code):
        for bit in range(8):
            changed = code[:place] + chr(ord(letter) ^ 1 << bit) + code[place + 1 :]
            assert unseal((KEY,), changed) is None, (place, bit)


@given(GRANTS, st.data())
def test_cut_longer_and_mixed_tokens_are_refused(grant: Grant, data: st.DataObject) -> None:
    code = seal(KEY, grant)
    end = data.draw(st.integers(0, len(code) - 1))
    assert unseal((KEY,), code[:end]) is None
    assert unseal((KEY,), code + data.draw(st.text("A-_=\n ", min_size=1, max_size=4))) is None


@given(st.text(max_size=300))
def test_no_text_of_a_stranger_is_taken(text: str) -> None:
    assert unseal((KEY,), text) is None


def test_the_rights_of_a_token_cannot_be_written_over() -> None:
    body = base64.urlsafe_b64decode(seal(KEY, GRANT) + "==")
    other = base64.urlsafe_b64encode(body.replace(b"demo", b"root")).rstrip(b"=").decode()
    assert unseal((KEY,), other) is None
    assert unseal((KEY,), "A" * 100_000) is None


def test_without_a_look_at_the_tag_anything_would_be_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: True)
    with pytest.raises(AssertionError):
        test_the_rights_of_a_token_cannot_be_written_over()


def test_the_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "tcp_edge" / "authcode.key"
    with pytest.raises(ConfigError, match="copy it"):
        KeyFile(path)
    first = KeyFile(path, make=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyFile(path, make=True).all == first.all
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        KeyFile(path)


@pytest.mark.parametrize(
    "text", ["", "abc\n", "g" * 64, "ä" * 64, "00" * 33, ("00" * 32 + "\n") * 17]
)
def test_a_file_without_keys_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="holds no keys") as raised:
        KeyFile(path)
    assert not text or text[:8] not in str(raised.value)


def test_a_key_is_changed_while_all_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authcodes, "_READ_AGAIN_S", 0.0)
    path = tmp_path / "key"
    tokens = Tokens(KeyFile(path, make=True))
    old, code = path.read_text(), tokens.issue(GRANT)
    new = secrets.token_hex(32)
    path.write_text(f"{new}\n{old}")
    assert tokens.read(code) == GRANT
    assert unseal((bytes.fromhex(new),), tokens.issue(GRANT)) == GRANT
    path.write_text(f"{new}\n")
    assert tokens.read(code) is None
    path.write_text("nonsense")
    assert tokens.read(tokens.issue(GRANT)) == GRANT  # the keys that were known


def test_little_of_a_code_is_shown() -> None:
    assert authcodes.shown("66227638") == "…38"
    assert len(authcodes.shown(seal(KEY, GRANT))) == 7
