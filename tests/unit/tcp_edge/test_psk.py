"""Wire v2: the psk channel, both sides back to back, and lines for TLS."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.secrets import Secret
from tcp_edge.reply import Reply
from tcp_edge.wire import channel
from tcp_edge.wire.channel import Seal, unpack
from tcp_edge.wire.frames import Base64, Binary
from tcp_edge.wire.lines import LARGE, SMALL
from tcp_edge.wire.psk import PskServer
from tcp_edge.wire.pskclient import PskClient
from tcp_edge.wire.tls import TlsLines
from tcp_edge.wire.wire import Codec, WireError

PSK = bytes(range(32))
PSKS = {"demo": PSK}
LOGIN = '{"cmd": 1, "params": {"username": "demo", "password": "demo"}}'
RECORDS = json.dumps([{"ticker": "000001", "last_price": n / 7} for n in range(500)]).encode()


def pair(
    psk: bytes = PSK,
    codecs: tuple[Codec, ...] = ("zstd", "zlib"),
    lines: bool = False,
    user: str = "demo",
) -> tuple[PskClient, PskServer]:
    """After their handshake."""
    client, server = PskClient(user, psk, codecs, lines), PskServer(PSKS.get)
    assert list(server.feed(client.hello())) == []
    assert list(client.feed(server.greeting())) == []
    assert client.ready
    assert server.greeting() == b""
    return client, server


def seal(server: PskServer, reply: Reply) -> bytes:
    return server.seal(server.pack(reply))


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("codecs", [(), ("zlib",), ("zstd", "zlib")])
def test_texts_of_every_size_come_through_both_ways(codecs: tuple[Codec, ...], lines: bool) -> None:
    client, server = pair(codecs=codecs, lines=lines)
    server.trust()
    for text in ("", LOGIN, "中" * 30_000):
        assert list(server.feed(client.request(text))) == [text]
    assert server.user == "demo"
    for reply in (Reply(b"{}"), Reply(RECORDS), Reply(RECORDS, 500), Reply(RECORDS, secret=True)):
        assert list(client.feed(seal(server, reply))) == [reply.body.decode()]
    assert server.codec == ("zstd" if "zstd" in codecs else "zlib")


def test_what_was_packed_elsewhere_comes_through_in_pieces_too() -> None:
    client, server = pair()
    packed = channel.zstd(b"[1,"), channel.zstd(b"2]")
    assert list(client.feed(seal(server, Reply(b"", 2, packed)))) == ["[1,2]"]


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("size", [0, 1, 99, 100, 5000])
def test_a_reply_in_parts_is_the_same_frame(lines: bool, size: int) -> None:
    client, server = pair(lines=lines)
    for _ in range(2):  # and what comes behind it has the right counter
        packed = server.pack(Reply(b"x" * size, secret=True))
        said = b"".join(server.sealed(packed, 100))
        assert list(client.feed(said)) == ["x" * size]


def test_small_and_secret_texts_are_not_compressed() -> None:
    _, server = pair()
    assert server.pack(Reply(b"a" * 511))[0][:1] == b"\0"
    assert server.pack(Reply(b"a" * 512))[0][:1] == b"\2"
    assert server.pack(Reply(b"a" * 512, secret=True))[0][:1] == b"\0"


def test_a_push_has_its_kind_and_number() -> None:
    client, server = pair()
    (said,) = client.feed(server.push("tick", 7, b'{"ticker": "000001"}'))
    assert json.loads(said) == {"push": "tick", "seq": 7, "data": {"ticker": "000001"}}
    wire = TlsLines()
    assert wire.push("order", 1, b"{}") == b'{"push": "order", "seq": 1, "data": {}}\r\n'


@pytest.mark.parametrize(
    ("psk", "user"), [(bytes(32), "demo"), (PSK, "nobody"), (bytes(32), "nobody")]
)
def test_a_wrong_key_and_an_unknown_user_look_alike(psk: bytes, user: str) -> None:
    client, server = pair(psk, user=user)
    with pytest.raises(WireError, match="another key"):
        list(server.feed(client.request(LOGIN)))
    assert server.user == ""


def dribble(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def frames_of(client: PskClient) -> list[bytes]:
    return [client.request(f"request {number}") for number in range(3)]


@pytest.mark.parametrize("order", [(0, 0), (1,), (0, 2), (0, 1, 1), (0, 1, 0), (1, 0)])
@pytest.mark.parametrize("lines", [False, True])
def test_frames_repeated_left_out_or_out_of_order_fail_at_once(
    order: tuple[int, ...], lines: bool
) -> None:
    client, server = pair(lines=lines)
    frames = frames_of(client)
    with pytest.raises(WireError):
        for index in order:
            list(server.feed(frames[index]))


def test_a_conversation_cannot_be_repeated() -> None:
    client, first = PskClient("demo", PSK), PskServer(PSKS.get)
    list(first.feed(client.hello()))
    list(client.feed(first.greeting()))
    request = client.request(LOGIN)
    assert list(first.feed(request)) == [LOGIN]
    second = PskServer(PSKS.get)
    with pytest.raises(WireError):
        list(second.feed(client.hello() + request))


def test_without_the_counter_it_could(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Seal, "_nonce", lambda _: bytes(12))
    client, server = pair()
    request = client.request(LOGIN)
    assert list(server.feed(request + request)) == [LOGIN, LOGIN]


def test_a_reply_is_none_of_the_requests() -> None:
    client, _ = pair()
    with pytest.raises(WireError):
        list(client.feed(client.request(LOGIN)))


def flipped(data: bytes, bit: int) -> bytes:
    """Its end, CRLF, stays."""
    changed = bytearray(data)
    changed[bit % (8 * len(data) - 16) // 8] ^= 1 << bit % 8
    return bytes(changed)


@settings(max_examples=200)
@given(st.sampled_from(["hello", "answer", "frame"]), st.integers(0, 4000))
def test_a_changed_bit_of_the_handshake_or_a_frame_is_noticed(which: str, bit: int) -> None:
    client, server = PskClient("demo", PSK, lines=True), PskServer(PSKS.get)
    hello = client.hello()
    with pytest.raises(WireError):
        list(server.feed(flipped(hello, bit) if which == "hello" else hello))
        answer = server.greeting()
        list(client.feed(flipped(answer, bit) if which == "answer" else answer))
        frame = client.request(LOGIN)
        list(server.feed(flipped(frame, bit) if which == "frame" else frame))


@pytest.mark.parametrize("lines", [False, True])
def test_frames_do_not_depend_on_how_tcp_cuts_them(lines: bool) -> None:
    client, server = PskClient("demo", PSK, lines=lines), PskServer(PSKS.get)
    assert [text for byte in dribble(client.hello()) for text in server.feed(byte)] == []
    assert [text for byte in dribble(server.greeting()) for text in client.feed(byte)] == []
    sent = b"".join(frames_of(client))
    texts = [text for byte in dribble(sent) for text in server.feed(byte)]
    assert texts == ["request 0", "request 1", "request 2"]
    replies = seal(server, Reply(RECORDS)) + seal(server, Reply(b"{}"))
    assert list(client.feed(replies)) == [RECORDS.decode(), "{}"]


@pytest.mark.parametrize("lines", [False, True])
def test_before_credentials_frames_are_small(lines: bool) -> None:
    for size, trusted in ((SMALL, False), (LARGE, True)):
        client, server = pair(codecs=(), lines=lines)
        if trusted:
            server.trust()
        assert list(server.feed(client.request("x" * size))) == ["x" * size]
        with pytest.raises(WireError, match=r"more than|line"):
            list(server.feed(client.request("x" * (size + 9))))


def test_a_small_frame_with_a_large_text_is_refused() -> None:
    client, server = pair()
    with pytest.raises(WireError, match="text"):
        list(server.feed(client.request("x" * (SMALL + 1))))


def test_a_frames_length_alone_is_enough_to_refuse_it() -> None:
    _, server = pair()
    with pytest.raises(WireError):
        list(server.feed(b"\xff\xff\xff\xff"))


@pytest.mark.parametrize(
    "hello",
    [
        b"\n",
        b"garbage\r\n",
        b"{}\n",
        b"\xff\n",
        b"[]\n",
        b'{"v":2,"kid":"demo","random":"","pub":""}\n',
        b'{"v":2,"kid":"demo","random":"\\ud800","pub":""}\n',
        b'{"v":2,"kid":"","random":"%b","pub":"%b"}\n' % (b"A" * 43 + b"=", b"A" * 43 + b"="),
        b'{"v":1,"kid":"demo","random":"%b","pub":"%b"}\n' % (b"A" * 43 + b"=", b"A" * 43 + b"="),
        # A public key of small order: the shared secret would be known to everybody.
        b'{"v":2,"kid":"demo","random":"%b","pub":"%b"}\n' % (b"A" * 43 + b"=", b"A" * 43 + b"="),
        b"\x16\x03\x01" + b"A" * 2000,
    ],
)
def test_no_handshake_is_no_connection(hello: bytes) -> None:
    with pytest.raises(WireError):
        list(PskServer(PSKS.get).feed(hello))


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"\3{}",
        b"\1no zlib",
        b"\2no zstd",
        b"\0\xff",
        b"\1" + zlib.compress(bytes(1001)),
        b"\2" + channel.zstd(bytes(1001)),
        b"\0" + bytes(1001),
    ],
)
def test_a_text_that_cannot_be_unpacked_is_refused(plain: bytes) -> None:
    with pytest.raises(WireError):
        unpack(plain, 1000)


def test_the_psk_is_of_user_site_and_passphrase() -> None:
    made = {
        channel.derive(Secret(passphrase), user, salt)
        for passphrase, user, salt in (
            ("p", "u", ""),
            ("q", "u", ""),
            ("p", "v", ""),
            ("p", "u", "s"),
        )
    }
    assert len(made) == 4
    assert all(len(psk) == 32 for psk in made)


def test_frames_of_no_bytes_are_frames() -> None:
    assert list(Binary().feed(bytes(8))) == [b"", b""]
    assert list(Base64().feed(b"\r\n\n")) == [b"", b""]


def test_lines_in_tls_are_texts_as_they_are() -> None:
    wire = TlsLines()
    assert list(wire.feed(b'{"cmd": 1}\r\n{"cmd": 2}\n')) == ['{"cmd": 1}', '{"cmd": 2}']
    assert wire.seal(wire.pack(Reply(b"{}"))) == b"{}\r\n"
    with pytest.raises(WireError):
        list(wire.feed(b"\xff\n"))
    with pytest.raises(WireError):
        list(TlsLines().feed(b"x" * (SMALL + 2)))
    wire.trust()
    assert list(wire.feed(b"x" * LARGE + b"\n")) == ["x" * LARGE]
    assert wire.greeting() == b""
