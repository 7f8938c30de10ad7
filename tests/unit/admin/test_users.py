"""ctpbus user, as a command in this process; tests/process/test_ofx_users.py has the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer.testing

from admin.main import app
from bus.errors import BusError
from bus.secrets import Secret
from bus.users import Users
from tcp_edge.wire.channel import derive


class Group:
    """A group's file in ``path``, on the embedded exchange or not."""

    def __init__(self, path: Path, front: str = "sim://x", edge: str = "{}") -> None:
        self.data = path / "var"
        self.file = path / "group.yaml"
        self.file.write_text(
            f"data: {self.data}\nmd_worker: {{front: '{front}'}}\n"
            f"td_worker: {{front: '{front}'}}\ntcp_edge: {edge}\n"
        )

    @property
    def users(self) -> Users:
        return Users(self.data / "users.db")

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """What it prints, on both streams, or why it does nothing."""
        command = ["user", *arguments, "--config", str(self.file)]
        done = typer.testing.CliRunner().invoke(app, command, input=stdin)
        if isinstance(done.exception, BusError):
            return str(done.exception)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.output


@pytest.fixture
def group(tmp_path: Path) -> Group:
    return Group(tmp_path)


def test_options_become_the_account(group: Group) -> None:
    options = ["--account", "028742", "--rights", "quote", "--quote", "10.0.0.1:11025"]
    said = group("add", "alice", *options, stdin="a long password\r\n")
    assert said == f"user alice added in {group.data}/users.db\n"
    user = group.users.get("alice")
    assert (user.account, user.rights, user.quote) == ("028742", ("quote",), "10.0.0.1:11025")
    (listed,) = json.loads(group("list", "--json"))
    assert listed == json.loads(group("show", "alice", "--json"))
    assert listed["created"] and listed["last_login"] is None
    assert listed.keys() == set(user.__struct_fields__)
    assert "alice  yes      quote   028742" in group("list")
    assert "last login  never" in group("show", "alice")


def test_only_what_is_given_changes_and_codes_end_when_they_must(group: Group) -> None:
    group("add", "alice", "--account", "1", "--trade", "a:1", stdin="a long password\n")
    assert group("change", "alice", "--trade", "b:2") == "user alice changed\n"
    said = group("change", "alice", "--rights", "trade,quote", "--account", "")
    assert said == "user alice changed; his authcodes have ended\n"
    user = group.users.get("alice")
    assert (user.account, user.rights, user.trade) == ("", ("quote", "trade"), "b:2")
    assert group("disable", "alice").startswith("user alice disabled")
    assert group("enable", "alice") == "user alice enabled\n"
    assert group("delete", "alice").startswith("user alice deleted")
    assert group.users.all() == []


@pytest.mark.parametrize(
    ("arguments", "stdin", "text"),
    [
        (["add", "a b"], "x\n", "a name has 1 to 64 letters"),
        (["add", "carol"], "", "the password is empty"),
        (["add", "carol"], "\n", "the password is empty"),
        (["add", "carol"], "x" * 1025, "longer than 1024"),
        (["add", "carol", "--quote", "nowhere"], "x\n", "expected HOST:PORT"),
        (["add", "carol", "--rights", "all"], "x\n", "rights are some of quote, trade"),
        (["add", "carol", "--rights", ""], "x\n", "rights are some of quote, trade"),
        (["add", "there"], "x\n", "there is a user there already"),
        (["passwd", "nobody"], "x\n", "there is no user nobody"),
        (["disable", "nobody"], "", "there is no user nobody"),
        (["add", "carol", "a password"], "", "unexpected extra argument"),
    ],
)
def test_what_is_wrong_is_said(group: Group, arguments: list[str], stdin: str, text: str) -> None:
    group("add", "there", stdin="a long password\n")
    assert text in group(*arguments, stdin=stdin)
    assert [user.name for user in group.users.all()] == ["there"]


def test_before_the_first_user_the_file_is_missing(group: Group) -> None:
    assert "users.db: No such file" in group("list")
    assert not (group.data / "users.db").exists()


def test_a_short_password_is_taken_with_a_word(group: Group) -> None:
    assert "8 characters or more is better" in group("add", "alice", stdin="short\n")
    assert group.users.with_hash("alice")


def test_demo_is_no_name_on_a_real_front(tmp_path: Path) -> None:
    group = Group(tmp_path, "tcp://127.0.0.1:1")
    assert "embedded exchange only" in group("add", "demo", stdin="a long password\n")
    assert not (group.data / "users.db").exists()


def test_the_psk_wire_has_its_secret_when_a_listener_speaks_it(tmp_path: Path) -> None:
    group = Group(tmp_path, edge="{trade: {wire: psk}, salt: site}")
    group("add", "alice", stdin="a long password\n")
    assert group.users.psk("alice") == derive(Secret("a long password"), "alice", "site")
    group("passwd", "alice", stdin="another password\n")
    assert group.users.psk("alice") == derive(Secret("another password"), "alice", "site")
