"""Writes the test vectors beside it: python -m tests.vectors.make

Keys, nonces and times are fixed; only what zlib makes of a text may be another with another zlib,
so a reply's compressed bytes stand in the file.
"""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bus.secrets import Secret
from tcp_edge import octkeypass
from tcp_edge.octkeypass import HEADER, REPLY_AAD, REQUEST_AAD
from tcp_edge.reply import Reply
from tcp_edge.wire import channel
from tcp_edge.wire.psk import PskServer
from tcp_edge.wire.pskclient import PskClient

HERE: Final = Path(__file__).parent
LOGIN: Final = '{"cmd": 1, "params": {"username": "demo", "password": "demo"}}'
ROUTE: Final = (
    '{"tradeserver": "218.57.111.30", "authcode": "66227638", "tradeport": 11026,'
    ' "uname": "demo", "quoteserver": "218.57.111.30", "quoteport": 11025}'
)
TEXTS: Final = (
    LOGIN,
    '{"cmd": 100001, "params": {"code": "000001", "market": "SZ"}}',
    "",
    "平安银行",
)
KEYS: Final = (("ofx-demo-key", 1, ""), ("另一把钥匙 of 2027", 200, "shanghai-1"))
TIME_MS: Final = 1_800_000_000_500


def sealed(cipher: AESGCM, aad: bytes, kid: int, number: int, text: bytes) -> dict[str, Any]:
    header, nonce = HEADER.pack(1, kid, TIME_MS + 1000 * number), bytes([number] * 12)
    line = header + nonce + cipher.encrypt(nonce, text, aad + header)
    return {
        "unix_ms": TIME_MS + 1000 * number,
        "nonce": nonce.hex(),
        "line": base64.urlsafe_b64encode(line).decode(),
    }


def v1() -> dict[str, Any]:
    keys, requests, replies = [], [], []
    for number, (passphrase, kid, salt) in enumerate(KEYS):
        raw = octkeypass.derive(passphrase, kid, salt)
        keys.append({"passphrase": passphrase, "kid": kid, "salt": salt, "aes": raw.hex()})
        cipher = AESGCM(raw)
        for index, text in enumerate(TEXTS, 1):
            said = sealed(cipher, REQUEST_AAD, kid, index, text.encode())
            requests.append({"key": number, "text": text, **said})
        for index, text in enumerate((ROUTE, '{"stat": 200, "reqid": 7}', "[]"), 1):
            packed = zlib.compress(text.encode(), 6)
            said = sealed(cipher, REPLY_AAD, kid, index, packed)
            said["line"] = "!" + said["line"]
            replies.append({"key": number, "text": text, "zlib": packed.hex(), **said})
    packed = zlib.compress(ROUTE.encode(), 6)
    line = base64.b64encode(packed).decode()
    replies.append({"key": None, "text": ROUTE, "zlib": packed.hex(), "line": line})
    return {
        "keys": keys,
        "requests": requests,
        "replies": replies,
        "refused_requests": refused(requests[0]["line"], replies[0]["line"], requests[4]["line"]),
    }


def refused(line: str, reply: str, other: str) -> list[dict[str, Any]]:
    """Lines that the first key must not open."""
    raw = base64.urlsafe_b64decode(line)

    def spelled(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode()

    return [
        {"why": "a bit of the text", "line": spelled(raw[:30] + bytes([raw[30] ^ 1]) + raw[31:])},
        {"why": "a bit of the tag", "line": spelled(raw[:-1] + bytes([raw[-1] ^ 128]))},
        {"why": "a bit of the time", "line": spelled(raw[:9] + bytes([raw[9] ^ 1]) + raw[10:])},
        {"why": "another nonce", "line": spelled(raw[:10] + bytes(12) + raw[22:])},
        {"why": "another version", "line": spelled(b"\2" + raw[1:])},
        {"why": "cut off", "line": spelled(raw[:-1])},
        {"why": "shorter than header, nonce and tag", "line": spelled(raw[:37])},
        {"why": "no padding", "line": line.rstrip("=")},
        {"why": "other bits after the last byte", "line": line[:-3] + "B=="},
        {"why": "a reply is no request", "line": reply[1:]},
        {"why": "sealed with the other key", "line": other},
        {"why": "nothing", "line": ""},
    ]


def psk() -> dict[str, Any]:
    user, passphrase, salt = "demo", "a passphrase of demo's own", "shanghai-1"
    secret = channel.derive(Secret(passphrase), user, salt)
    sides = {name: bytes(range(at, at + 32)) for name, at in (("client", 1), ("server", 101))}
    own = {name: X25519PrivateKey.from_private_bytes(raw) for name, raw in sides.items()}
    client = PskClient(user, secret, lines=False, own=own["client"], random=b"C" * 32)
    server = PskServer({user: secret}.get, own=own["server"], random=b"S" * 32)
    list(server.feed(client.hello()))
    answer = server.greeting()
    list(client.feed(answer))
    hello_line, answer_line = client.hello()[:-2], answer[:-2]
    made = channel.keys(
        own["client"],
        own["server"].public_key().public_bytes_raw(),
        secret,
        hello_line,
        answer_line,
    )
    tick = json.dumps([{"ticker": "000001", "last_price": 10.25}] * 20)
    packed = [b"\0" + ROUTE.encode(), b"\1" + zlib.compress(tick.encode(), 6)]
    packed.append(b"\2" + channel.zstd(tick.encode()))
    return {
        "user": user,
        "passphrase": passphrase,
        "salt": salt,
        "psk": secret.hex(),
        "client_private": sides["client"].hex(),
        "server_private": sides["server"].hex(),
        "hello": hello_line.decode(),
        "answer": answer_line.decode(),
        "client_key": made[:32].hex(),
        "server_key": made[32:].hex(),
        "requests": [{"text": text, "frame": client.request(text).hex()} for text in TEXTS],
        "replies": [
            {"text": text, "sealed_text": body.hex(), "frame": server.seal((body,)).hex()}
            for text, body in zip((ROUTE, tick, tick), packed, strict=True)
        ],
        "push": {
            "kind": "tick",
            "seq": 1,
            "data": '{"ticker": "000001"}',
            "frame": server.seal(server.pack(Reply(PUSH))).hex(),
        },
    }


PUSH: Final = b'{"push": "tick", "seq": 1, "data": {"ticker": "000001"}}'


def main() -> None:
    for name, vectors in (("ofx_v1", v1()), ("ofx_v2_psk", psk())):
        text = json.dumps(vectors, indent=1, ensure_ascii=True) + "\n"
        (HERE / f"{name}.json").write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
