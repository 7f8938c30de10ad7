"""Wire v1 against the clients' module, without I/O."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.secrets import Secret
from tcp_edge import octkeypass
from tcp_edge.reply import Reply
from tcp_edge.wire.gcm import Gcm
from tcp_edge.wire.lines import LARGE, SMALL, Lines
from tcp_edge.wire.v1 import SealedLines, derive
from tcp_edge.wire.window import ReplayWindow
from tcp_edge.wire.wire import Replayed, WireError

KEY, OLD_KEY = "the key of today", "the key of last year"
LOGIN = '{"cmd": 1, "params": {"username": "demo", "password": "demo"}}'


@pytest.fixture(scope="module")
def keys() -> dict[int, Gcm]:
    return {1: derive(Secret(KEY), 1), 200: derive(Secret(OLD_KEY), 200, "Shanghai")}


@pytest.fixture
def window(tmp_path: Path) -> Iterator[ReplayWindow]:
    made = ReplayWindow(tmp_path / "window", booted_ms=0)
    yield made
    made.close()


@pytest.fixture
def wire(keys: dict[int, Gcm], window: ReplayWindow) -> SealedLines:
    return SealedLines(keys, window)


def line(text: str = LOGIN, end: str = "\r\n") -> bytes:
    return (octkeypass.encrypt(KEY, text) + end).encode("ascii")


def test_a_request_is_read_however_its_line_ends(wire: SealedLines) -> None:
    data = line() + line("二", "\n")
    assert list(wire.feed(data)) == [LOGIN, "二"]
    data = line()
    assert [text for at in range(len(data)) for text in wire.feed(data[at : at + 1])] == [LOGIN]


def test_a_reply_is_sealed_with_the_key_of_its_request(wire: SealedLines) -> None:
    list(wire.feed(line()))
    assert octkeypass.extract(wire.seal(wire.pack(Reply(b"{}"))).decode(), KEY) == "{}"
    old = octkeypass.encrypt(OLD_KEY, LOGIN, kid=200, salt="Shanghai")
    assert list(wire.feed(old.encode() + b"\n")) == [LOGIN]
    reply = wire.seal(wire.pack(Reply(b"{}"))).decode()
    assert reply.endswith("\r\n")
    assert octkeypass.extract(reply, OLD_KEY, kid=200, salt="Shanghai") == "{}"


@pytest.mark.parametrize("records", [1, 99, 100, 10_000])
@pytest.mark.parametrize("mode", ["sealed", "open"])
def test_replies_of_every_size_come_out_again(
    keys: dict[int, Gcm], window: ReplayWindow, mode: str, records: int
) -> None:
    wire = SealedLines(keys, window, "open" if mode == "open" else "sealed")
    list(wire.feed(line()))
    body = json.dumps([{"ticker": "000001", "last_price": n / 7} for n in range(records)])
    said = wire.seal(wire.pack(Reply(body.encode(), records))).decode()
    assert octkeypass.extract(said) == body
    assert said.startswith("!") is (mode == "sealed")
    assert len(said) < len(body) + 100


@pytest.mark.parametrize("size", [0, 1, 2, 3, 999, 1000, 1001, 5000])
@pytest.mark.parametrize("mode", ["sealed", "open"])
def test_a_reply_in_parts_is_the_same_line(
    keys: dict[int, Gcm], window: ReplayWindow, mode: str, size: int
) -> None:
    wire = SealedLines(keys, window, "open" if mode == "open" else "sealed")
    list(wire.feed(line()))
    body = b"x" * size
    parts = list(wire.sealed((zlib.compress(body, 0),), 100))
    assert max(map(len, parts)) < 200
    said = b"".join(parts)
    assert said.endswith(b"\r\n")
    assert octkeypass.extract(said.decode()).encode() == body


def test_a_line_twice_is_refused_on_every_connection(
    keys: dict[int, Gcm], window: ReplayWindow, wire: SealedLines
) -> None:
    data = line()
    assert list(wire.feed(data)) == [LOGIN]
    for other in (wire, SealedLines(keys, window)):
        with pytest.raises(Replayed):
            list(other.feed(data))


def test_without_the_window_it_would_be_served_again(
    keys: dict[int, Gcm], window: ReplayWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReplayWindow, "enter", lambda *_: None)
    data = line()
    assert list(SealedLines(keys, window).feed(data + data)) == [LOGIN, LOGIN]


def changed(data: bytes) -> Iterator[bytes]:
    """With each bit of the line turned once, cut at each place, and sealed with another key."""
    text = data.removesuffix(b"\r\n")
    for bit in range(len(text) * 8):
        flipped = bytearray(text)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped) + b"\r\n"
    for size in range(len(text)):
        yield text[:size] + b"\r\n"
        yield text[size + 1 :] + b"\r\n"
    for key, kid in ((OLD_KEY, 1), (KEY, 2), (KEY, 200), (KEY + " ", 1)):
        yield (octkeypass.encrypt(key, LOGIN, kid=kid) + "\r\n").encode()


def accepted(wire: SealedLines, data: bytes) -> int:
    texts = wire.feed(data)
    try:
        return len(list(texts))
    except WireError:
        return 0


def test_no_changed_line_is_accepted(keys: dict[int, Gcm], window: ReplayWindow) -> None:
    tries = list(changed(line()))
    assert len(tries) > 1000
    assert sum(accepted(SealedLines(keys, window), data) for data in tries) == 0


def test_without_the_tag_many_would_be(
    keys: dict[int, Gcm], window: ReplayWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Untagged:
        """AES-GCM that does not look at its tag."""

        def decrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
            # Encrypting once more gives the text back: the mode is a stream cipher.
            return keys[1].encrypt(nonce, data[:-16], aad)[:-16]

    careless: dict[int, Gcm] = {1: Untagged()}  # type: ignore[dict-item]
    assert list(SealedLines(careless, window).feed(line())) == [LOGIN]
    monkeypatch.setattr(ReplayWindow, "enter", lambda *_: None)
    tries = [data for data in changed(line()) if accepted(SealedLines(careless, window), data)]
    assert len(tries) > 100


def test_what_came_before_a_bad_line_is_served(wire: SealedLines) -> None:
    texts = iter(wire.feed(line() + b"garbage\r\n" + line("lost")))
    assert next(texts) == LOGIN
    with pytest.raises(WireError):
        next(texts)


@pytest.mark.parametrize(
    "bad",
    [b"\n", b"\r\n", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\n", b"{}\n", b"A" * 99 + b"\n"],
)
def test_garbage_is_refused(wire: SealedLines, bad: bytes) -> None:
    with pytest.raises(WireError):
        list(wire.feed(bad))


def test_a_sealed_text_that_is_no_text_is_refused(
    keys: dict[int, Gcm], window: ReplayWindow
) -> None:
    latin = octkeypass.encrypt(KEY, b"\xff")  # type: ignore[arg-type]
    with pytest.raises(WireError, match="UTF-8"):
        list(SealedLines(keys, window).feed(latin.encode() + b"\n"))


def test_before_credentials_lines_are_small_and_later_they_are_not_endless(
    keys: dict[int, Gcm], window: ReplayWindow
) -> None:
    large = line("x" * SMALL)
    with pytest.raises(WireError, match=str(SMALL)):
        list(SealedLines(keys, window).feed(large))
    wire = SealedLines(keys, window)
    wire.trust()
    assert list(wire.feed(large)) == ["x" * SMALL]
    with pytest.raises(WireError, match=str(LARGE)):
        list(wire.feed(b"A" * (LARGE + 2)))


def test_this_wire_has_no_pushes(wire: SealedLines) -> None:
    with pytest.raises(WireError):
        wire.push("tick", 1, b"{}")
    assert wire.greeting() == b""


def lines_and_error(lines: Lines, cuts: list[bytes]) -> tuple[list[bytes], bool]:
    found: list[bytes] = []
    try:
        for data in cuts:
            found.extend(lines.feed(data))
    except WireError:
        return found, True
    return found, False


@given(st.text("x\r\n").map(str.encode), st.integers(0, 3))
def test_lines_do_not_depend_on_how_tcp_cuts_them(data: bytes, limit: int) -> None:
    dribble = [data[at : at + 1] for at in range(len(data))]
    assert lines_and_error(Lines(limit), dribble) == lines_and_error(Lines(limit), [data])
