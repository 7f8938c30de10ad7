"""Secrets that must be found nowhere: planted in every group of the test-suite, and looked for
wherever a secret could leave a trace.

Planted are an auth code and an account in each group's configuration and, at its end, logins by
each door with passwords, with a token in all the ways that there are, and with an authcode. Looked
for are these, and whatever else the group has for a secret (passwords, keys, tokens, the gateway's
own files): in all that lies in its folder (logs, var/, metric pages, core files), in what clients
are told, and in the list of processes while the tests run. As text, in base64, in hexadecimal
digits, and quoted as in a URL.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tcp_edge import octkeypass

AUTH_CODE: Final = "cNrYauth7319code"  # as long as CTP's
PASSWORD: Final = "cNrYword7319pass"
TOKEN: Final = "cNrYtoken7319-of-nobody"
AUTHCODE: Final = "cNrYofx7319authcode"
USER: Final = "canary"  # who may log in with it, where a group says nothing of users
USERS: Final = [
    *({"user_id": name} for name in ("028742", *map(str, range(100001, 100011)))),
    {"user_id": USER, "password": PASSWORD},
]
PLANTED: Final = frozenset({AUTH_CODE, PASSWORD, TOKEN, AUTHCODE})
_SECRET: Final = ("password", "passphrase", "token", "auth_code", "secret")
_ELSEWHERE: Final = ("env:", "credential:", "file:")
# Too common to be looked for: a number of this kind may be anything.
_SHORTEST: Final = 8
_COMMON: Final = frozenset({"0" * 16, "demodemo", "12345678"})
# Where secrets belong: what tests write for the gateway to read, its own files of them, and what
# has come to the stand-in front.
_HOMES: Final = ("*.yaml", "*.yml", "*.key", "first_password", "front.requests")
_OWN_FILES: Final = ("tcp_edge/ofx.key", "admin/first_password")
_VISIT_S: Final = 2.0
_SAMPLE_S: Final = 0.5

_known: set[str] = set(PLANTED)  # by this process, for the list of processes


class Leak(AssertionError):
    """A secret was found where it does not belong."""


def secrets_of(config: Mapping[str, Any], data: Path) -> set[str]:
    """What a group's configuration, the files that it names, and its own files hold."""
    found = set(_walked(config))
    folders = [Path(config["keys"])] if config.get("keys") else []
    files = [data / name for name in _OWN_FILES]
    files += [path for folder in folders for path in folder.glob("*.key")]
    found.update(filter(None, map(_first_line, files)))
    return {each for each in found if len(each) >= _SHORTEST and each not in _COMMON} | PLANTED


def _walked(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(inner, str):
                yield from _walked(inner)
            elif key in _SECRET and not inner.startswith(_ELSEWHERE):
                yield inner
            elif key.endswith("_file") and key.removesuffix("_file") in _SECRET:
                yield _first_line(Path(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _walked(inner)


def _first_line(path: Path) -> str:
    try:
        return path.read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        return ""


def forms(secret: str) -> set[str]:
    """As it may stand in a file."""
    raw = secret.encode()
    made = {secret, urllib.parse.quote(secret, safe=""), json.dumps(secret)[1:-1]}
    made |= {raw.hex(), raw.hex().upper()}
    for before in range(3):  # base64 of a text that it is a part of
        whole = base64.b64encode(bytes(before) + raw).decode()
        # Without the characters in which it mixes with what is around it.
        made.add(whole[(before * 8 + 5) // 6 : len(whole) - 4 if whole.endswith("=") else None])
    return made


def found(folder: Path, secrets: Iterable[str]) -> list[str]:
    """The files below a folder that hold one of them, with which; where secrets belong is left
    out. Names of files count too."""
    patterns = {form: secret for secret in secrets for form in forms(secret)}
    hits = [
        f"{path}: {_masked(patterns[form])}"
        for path in _files_with(folder, patterns)
        for form in _forms_in(path, patterns)
    ]
    named = (path for path in folder.rglob("*") if any(form in path.name for form in patterns))
    return sorted({*hits, *(f"{path.parent}: the name of a file" for path in named)})


def _files_with(folder: Path, patterns: Iterable[str]) -> list[Path]:
    homes = [f"--exclude={name}" for name in _HOMES]
    done = subprocess.run(
        ["grep", "-rlaFZ", "-D", "skip", *homes, "-f", "-", "--", str(folder)],
        input="\n".join(patterns),
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    # 2 when a file went away meanwhile; what was found counts all the same.
    assert done.returncode in (0, 1, 2), done.stderr
    return [Path(name) for name in done.stdout.split("\0") if name]


def _forms_in(path: Path, patterns: Mapping[str, str]) -> Iterator[str]:
    """None in a file that holds a secret and nothing else: that is what it is for."""
    with contextlib.suppress(FileNotFoundError):
        raw = path.read_bytes()
        if raw.strip().decode("utf-8", "replace") not in patterns:
            yield from (form for form in patterns if form.encode() in raw)


def _masked(secret: str) -> str:
    """So that the complaint is no leak of its own."""
    return f"{secret[:4]}… of {len(secret)} characters"


def check(text: str) -> str:
    """``text`` as it is, unless it holds what was planted. For all that a client is told."""
    for secret in PLANTED:
        if secret in text:
            raise Leak(f"{_masked(secret)} was told to a client")
    return text


def know(secrets: Iterable[str]) -> None:
    """From now on they must not be in the list of processes."""
    _known.update(secrets)


class Sampler:
    """Looks through the list of processes, which every user of a machine may, until it is left."""

    def __init__(self, secrets: Collection[str] = _known) -> None:
        self.leaks: set[str] = set()
        self.samples = 0
        self._secrets = secrets
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="canary", daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                self._judge((process / "cmdline").read_bytes().decode("utf-8", "replace"))
        self.samples += 1

    def _judge(self, line: str) -> None:
        if "tests.support" in line:  # stand-ins of the tests' own
            return
        for secret in tuple(self._secrets):
            if secret in line:
                words = line.replace(secret, "…").split("\0")
                self.leaks.add(f"{_masked(secret)} in the arguments of {words[:6]}")

    def _run(self) -> None:
        while not self._stop.wait(_SAMPLE_S):
            self.look()


# -- the visit: what a group is told before it ends --------------------------------------------


def visit(ready: Mapping[str, Mapping[str, str]], key: str, pages: Path) -> None:
    """Secrets by each door that is open, good ones and bad ones, and the pages of admin into a
    file. What does not answer is left."""
    for name, told in ready.items():
        with contextlib.suppress(OSError, WebSocketException, TimeoutError, ValueError):
            if name.startswith("ws_edge"):
                _by_ws(told["ws"])
            elif name.startswith("tcp_edge"):
                _by_ofx(told, key)
            elif name == "admin":
                _by_http(told["http"], pages)


def _by_ws(address: str) -> None:
    context = None
    if address.startswith("wss"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    options: dict[str, Any] = {"open_timeout": _VISIT_S, "close_timeout": 0.1, "proxy": None}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with connect(
        f"{address.rstrip('/')}/td/?token={TOKEN}",
        ssl=context,
        additional_headers=headers,
        subprotocols=[TOKEN],  # type: ignore[list-item]
        **options,
    ) as door:
        login = {"UserID": USER, "Password": PASSWORD, "AuthCode": AUTH_CODE}
        for payload in (login, {**login, "UserID": 7}, {**login, "Password": [PASSWORD]}):
            said = {"MsgType": "ReqUserLogin", "ReqUserLogin": payload, "RequestID": 1}
            door.send(json.dumps(said))
        update = {"UserID": USER, "OldPassword": PASSWORD, "NewPassword": PASSWORD[::-1]}
        for kind, payload in (
            ("ReqUserPasswordUpdate", update),
            ("ReqAuthenticate", {"AuthCode": AUTH_CODE, "AppID": "canary"}),
            ("GatewayLogin", {"User": "canary", "Password": PASSWORD, "Token": TOKEN}),
        ):
            key = kind.removeprefix("Req")
            door.send(json.dumps({"MsgType": kind, key: payload, "RequestID": 2}))
        door.send(f'{{"MsgType":"{{"Password":"{PASSWORD}"')
        door.send(json.dumps({"MsgType": "Ping"}))
        while '"Pong"' not in (said_back := str(door.recv(_VISIT_S))):
            check(said_back)


def _by_ofx(told: Mapping[str, str], key: str) -> None:
    """Wire v1; on the others it is a stranger's line."""
    login = {"cmd": 1, "params": {"username": "canary", "password": PASSWORD}}
    bad = {"cmd": 1, "params": {"username": "canary", "password": [PASSWORD]}}
    asked = {"cmd": 210001, "authcode": AUTHCODE, "params": {"password": PASSWORD}}
    for address in told.values():
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), _VISIT_S) as line:
            for request in (login, bad, asked):
                text = json.dumps(request)
                sealed = octkeypass.encrypt(key, text) if key else text
                line.sendall(sealed.encode() + b"\r\n")
            with line.makefile("rb") as replies:
                reply = replies.readline().decode()
                check(octkeypass.extract(reply, key) if key and reply else reply)


def _by_http(address: str, pages: Path) -> None:
    with pages.open("ab") as file:
        for page in ("/metrics", "/readyz", "/healthz", f"/?token={TOKEN}"):
            try:
                with urllib.request.urlopen(address.rstrip("/") + page, timeout=_VISIT_S) as said:
                    file.write(said.read())
            except urllib.error.HTTPError as error:
                with error:
                    file.write(error.read())


def of_file(path: Path, data: Path) -> set[str]:
    """As ``secrets_of``, of a configuration on the disk, if it is one."""
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError:
        config = None
    return secrets_of(config if isinstance(config, dict) else {}, data)
