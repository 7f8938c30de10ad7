"""Client accounts over real processes: ``ctpbus user`` beside a running gateway, single sign-on to
a gateway of another host, and what its authcodes are worth there."""

from __future__ import annotations

import json
import os
import pty
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from admin.keygen import make
from bus.secrets import Secret
from bus.users import User, Users
from tests.support.group import CHECKOUT, Group
from tests.support.ofx_client import OfxClient

KEY: Final = "the key of the tests"
WAIT_S: Final = 20.0
COMMAND: Final = "from admin.main import main; main()"
KEYS: Final = ["tradeserver", "authcode", "tradeport", "uname", "quoteserver", "quoteport"]
CODE: Final = {"code": "999999", "market": "SH"}


class Gateway(Group):
    """A tcp_edge without workers: a request that gets past the door finds no tick."""

    def __init__(self, path: Path, host: str = "127.0.0.1", sim: bool = True, **more: Any) -> None:
        path.mkdir(exist_ok=True)
        edge: dict[str, Any] = {
            name: {"host": host, "port": 0} for name in ("login", "quote", "trade")
        }
        edge |= {"keys": [{"passphrase": KEY}], "quote_authcode": "required"}
        common = more.pop("common", {})
        super().__init__(path, sim=sim, overrides={"tcp_edge": {**edge, **more}, **common})

    @property
    def users(self) -> Users:
        return Users(self.data / "users.db")

    def connect(self, service: str) -> OfxClient:
        return OfxClient(self.ready["tcp_edge"][service], KEY)

    def log_in(self, name: str, password: str) -> Any:
        with self.connect("login") as client:
            return client.ask(1, {"username": name, "password": password})

    def stat(self, code: str) -> int:
        """200: the authcode is taken, and there is no tick."""
        with self.connect("quote") as client:
            return stat_of(client.ask(100001, CODE, authcode=code))

    def user(self, *arguments: str, password: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command("user", *arguments), "--config", str(self.config_file)],
            input=password,
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def did(self, *arguments: str, password: str = "") -> str:
        done = self.user(*arguments, password=password)
        assert done.returncode == 0, done.stderr
        return done.stdout


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", COMMAND, *arguments]


def stat_of(reply: dict[str, Any]) -> int:
    return int(reply.get("stat", 200))


def until(fact: Callable[[], bool]) -> float:
    """How long it took."""
    begun = time.monotonic()
    while not fact():
        assert time.monotonic() - begun < WAIT_S
        time.sleep(0.02)
    return time.monotonic() - begun


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ofx_users")


@pytest.fixture(scope="module")
def home(path: Path) -> Iterator[Gateway]:
    """The host of the login service; others hear it over tcp."""
    make(path / "keys", ["login", "edge"])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = {"keys": str(path / "keys"), "bus": {"login_pub": f"tcp://127.0.0.1:{port}"}}
    with Gateway(path / "home", common=common) as gateway:
        gateway.start("tcp_edge")
        yield gateway


@pytest.fixture(scope="module")
def away(path: Path, home: Gateway) -> Iterator[Gateway]:
    """A gateway at another address, with the authcode key and no file of users."""
    common = {key: home.config[key] for key in ("keys", "bus")}
    with Gateway(path / "away", "127.0.0.2", common=common, services=["quote"]) as gateway:
        (gateway.data / "tcp_edge").mkdir(parents=True)
        name = "tcp_edge/authcode.key"
        shutil.copy(home.data / name, gateway.data / name)
        gateway.start("tcp_edge")
        yield gateway


def test_an_account_from_its_beginning_to_its_end(home: Gateway) -> None:
    said = home.did("add", "alice", "--account", "028742", password="alice-pass-1\n")
    assert said == f"user alice added in {home.data}/users.db\n"

    reply = home.log_in("alice", "alice-pass-1")
    assert list(reply) == KEYS
    first = reply["authcode"]
    assert home.stat(first) == 200
    shown = json.loads(home.did("show", "alice", "--json"))
    assert shown.keys() >= {"name", "enabled", "account", "rights", "created", "last_login"}
    assert shown["last_login"] is not None and shown["rights"] == ["quote", "trade"]
    assert "hash" not in shown and "psk" not in shown

    with home.connect("quote") as held:
        assert stat_of(held.ask(100001, CODE, authcode=first)) == 200
        assert stat_of(held.ask(100001, CODE)) == 200
        home.did("disable", "alice")
        # Seen within a second by the gateway; the bound is that of a busy machine.
        assert until(lambda: stat_of(held.ask(100001, CODE)) == 401) < 5
    assert home.stat(first) == 401
    assert home.log_in("alice", "alice-pass-1")["stat"] == 401
    home.did("enable", "alice")
    assert home.stat(first) == 401
    second = home.log_in("alice", "alice-pass-1")["authcode"]
    assert home.stat(second) == 200
    home.did("passwd", "alice", password="alice-pass-2\n")
    until(lambda: home.stat(second) == 401)
    assert home.log_in("alice", "alice-pass-1")["stat"] == 401
    third = home.log_in("alice", "alice-pass-2")["authcode"]
    home.did("change", "alice", "--rights", "trade")
    until(lambda: home.stat(third) == 401)
    assert home.stat(home.log_in("alice", "alice-pass-2")["authcode"]) == 403
    home.did("delete", "alice")
    assert home.log_in("alice", "alice-pass-2")["stat"] == 401
    done = home.user("show", "alice")
    assert (done.returncode, done.stderr) == (2, "ctpbus: there is no user alice\n")


def test_no_password_is_seen_by_others(home: Gateway) -> None:
    secret = "s3cret-of-dora"
    with subprocess.Popen(
        [*command("user", "add", "dora"), "--config", str(home.config_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=CHECKOUT,
    ) as adding:
        said, _ = adding.communicate(f"{secret}\n".encode(), timeout=60)
    assert adding.returncode == 0
    reply = home.log_in("dora", secret)
    home.log_in("dora", f"{secret}!")
    home.log_in(secret, "dora")
    found = home.users.with_hash("dora")
    assert found is not None
    key = (home.data / "tcp_edge" / "authcode.key").read_text().strip()
    hidden = [secret.encode(), reply["authcode"].encode(), found[1].encode(), key.encode()]
    log = home.log("tcp_edge").encode()
    assert b"logged in" in log
    for text in hidden:
        assert text not in said + log
        for command_line in Path("/proc").glob("[0-9]*/cmdline"):
            assert not text or text not in _read(command_line)
    home.users.delete("dora")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has just ended
        return b""


def test_a_password_that_is_typed_is_not_shown(home: Gateway) -> None:
    controlling = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    ours, theirs = pty.openpty()
    seen = b""
    with subprocess.Popen(
        [
            *(sys.executable, "-c", controlling + COMMAND),
            *("user", "add", "eve", "--config", str(home.config_file)),
        ],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=CHECKOUT,
        start_new_session=True,
    ) as typed:
        os.close(theirs)
        for prompt in (b"Password of eve: ", b"Repeat for confirmation: "):
            while prompt not in seen:
                seen += os.read(ours, 1024)
            os.write(ours, b"typed-secret\n")
        while b"added" not in seen:
            seen += os.read(ours, 1024)
        assert typed.wait(WAIT_S) == 0
    os.close(ours)
    assert b"typed-secret" not in seen
    assert home.log_in("eve", "typed-secret")["uname"] == "eve"
    home.users.delete("eve")


def test_one_login_service_sends_each_user_to_his_gateway(home: Gateway, away: Gateway) -> None:
    there = away.ready["tcp_edge"]["quote"]
    assert there.startswith("127.0.0.2:")
    users = home.users
    users.add(User(name="near"), Secret("near-pass"))
    users.add(User(name="far", quote=there, trade="127.0.0.2:11026"), Secret("far-pass"))
    near, far = home.log_in("near", "near-pass"), home.log_in("far", "far-pass")
    assert f"{near['quoteserver']}:{near['quoteport']}" == home.ready["tcp_edge"]["quote"]
    assert f"{far['quoteserver']}:{far['quoteport']}" == there
    assert (far["tradeserver"], far["tradeport"]) == ("127.0.0.2", 11026)
    assert home.stat(near["authcode"]) == 200
    assert away.stat(far["authcode"]) == 200
    assert not (away.data / "users.db").exists()

    home.did("disable", "far")
    assert until(lambda: away.stat(far["authcode"]) == 401) < 5
    users.enable("far", True)
    again = home.log_in("far", "far-pass")["authcode"]
    assert away.stat(again) == 200

    # Without the login service it goes on with what it has heard, and says so.
    home.kill("tcp_edge")
    until(lambda: away.stat(again) == 200 and "revocations are not heard" in away.log("tcp_edge"))
    assert away.stat(far["authcode"]) == 401
    home.start("tcp_edge")
    until(lambda: "revocations are heard again" in away.log("tcp_edge"))
    users.delete("far")
    until(lambda: away.stat(again) == 401)


def test_demo_does_not_get_in_on_a_real_front(path: Path, home: Gateway) -> None:
    assert home.log_in("demo", "demo")["uname"] == "demo"
    code = home.log_in("demo", "demo")["authcode"]
    common = {"users": str(home.data / "users.db")}
    with Gateway(path / "real", sim=False, common=common) as real:
        (real.data / "tcp_edge").mkdir(parents=True)
        name = "tcp_edge/authcode.key"
        shutil.copy(home.data / name, real.data / name)
        real.start("tcp_edge")
        assert real.log_in("demo", "demo")["stat"] == 401
        assert real.stat(code) == 401
        done = real.user("add", "demo", password="x\n")
        assert (done.returncode, done.stderr.count("embedded exchange only")) == (2, 1)


def test_codes_of_eight_digits_are_shared_by_the_processes_of_a_machine(path: Path) -> None:
    with Gateway(path / "digits", processes="three", authcode_style="digits8") as gateway:
        gateway.start("tcp_edge:login", "tcp_edge:quote")
        gateway.ready["tcp_edge"] = {
            **gateway.ready["tcp_edge:login"],
            **gateway.ready["tcp_edge:quote"],
        }
        code = gateway.log_in("demo", "demo")["authcode"]
        assert len(code) == 8 and code.isdigit()
        assert gateway.stat(code) == 200
        with gateway.connect("quote") as guesser:
            guesses = (f"{number:08}" for number in range(100))
            said = [stat_of(guesser.ask(100001, CODE, authcode=guess)) for guess in guesses]
        assert said.count(401) <= 10 and set(said) == {401, 429}
        assert gateway.stat(code) == 200  # it has been shown from here before
        gateway.users.enable("demo", False)
        until(lambda: gateway.stat(code) == 401)
        for member in ("login", "quote"):
            assert code not in gateway.log(f"tcp_edge:{member}")
        for file in (gateway.data / "tcp_edge").iterdir():
            assert not file.is_file() or code.encode() not in file.read_bytes()
