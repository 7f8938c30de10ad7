"""Files of keys, roles, addresses and the answers to libzmq's question who may connect."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import zmq
from zmq.utils import z85

from admin.keygen import make
from bus import links, security
from bus.config import Common, load
from bus.endpoints import Addresses
from bus.errors import ConfigError
from bus.roles import ROLES
from bus.security import Keys
from bus.zap import Verdict, answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path / "keys", list(ROLES))
    return tmp_path / "keys"


def public(folder: Path, name: str) -> str:
    return (folder / f"{name}.pub").read_text().strip()


@pytest.mark.parametrize(
    ("role", "sockets"),
    [
        ("md_worker", "md_pub md_rpc"),
        ("td_worker", "md_pub md_rpc"),
        ("service", "md_pub md_rpc"),
        ("recorder", "md_pub md_rpc td_pub td_rpc"),
        ("edge", "md_pub md_rpc td_pub td_rpc rec_rpc login_pub"),
        ("login", ""),
        ("client", "md_pub md_rpc td_pub td_rpc rec_rpc"),
        ("viewer", "md_pub md_rpc td_pub td_rpc rec_rpc"),
        ("admin", "md_pub md_rpc td_pub td_rpc rec_rpc login_pub"),
    ],
)
def test_a_key_opens_the_sockets_of_its_role_and_no_other(
    folder: Path, role: str, sockets: str
) -> None:
    keys = Keys(folder, "td_worker")
    domains = ("md_pub", "md_rpc", "td_pub", "td_rpc", "rec_rpc", "login_pub", "", "td")
    open_to = [domain for domain in domains if keys.judge(domain, public(folder, role)).role]
    assert open_to == sockets.split()


def test_a_key_that_is_dropped_in_is_admitted_and_one_taken_away_is_not(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security, "_READ_AGAIN_S", 0.0)
    keys = Keys(folder, "td_worker")
    make(tmp_path / "elsewhere", ["edge.two"])
    text = (tmp_path / "elsewhere/edge.two.pub").read_text()
    assert keys.judge("td_rpc", text.strip()) == Verdict("", "unknown key")
    (folder / "edge.two.pub").write_text(text)
    assert keys.judge("td_rpc", text.strip()) == Verdict("edge")
    (folder / "edge.two.pub").unlink()
    assert keys.judge("td_rpc", text.strip()) == Verdict("", "unknown key")


def test_a_key_under_two_roles_opens_nothing(folder: Path) -> None:
    (folder / "edge.two.pub").write_text(public(folder, "service"))
    verdict = Keys(folder, "md_worker").judge("md_pub", public(folder, "service"))
    assert verdict == Verdict("", "key of two roles")


@pytest.mark.parametrize(
    "name", ["friend.pub", "edges.pub", "Edge.pub", "edge.pub.bak", "edge.key"]
)
def test_a_file_that_names_no_role_admits_nobody(folder: Path, name: str) -> None:
    key = zmq.curve_keypair()[0].decode()
    (folder / name).write_text(key)
    assert Keys(folder, "md_worker").judge("md_pub", key).role == ""


@pytest.mark.parametrize("text", ["", "short", "x" * 41, "\xe9" * 40, "'" * 40, "#" * 40])
def test_a_broken_public_file_harms_no_other(folder: Path, text: str) -> None:
    (folder / "client.pub").write_text(text, "latin-1")
    (folder / "client.pipe.pub").mkdir()
    assert Keys(folder, "md_worker").judge("md_pub", public(folder, "edge")) == Verdict("edge")


def test_a_public_file_that_others_may_write_admits_nobody(folder: Path) -> None:
    (folder / "client.pub").chmod(0o666)
    key = public(folder, "client")
    assert Keys(folder, "md_worker").judge("md_pub", key) == Verdict("", "unknown key")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_public_file_of_another_user_admits_nobody_and_is_no_worker(folder: Path) -> None:
    keys, key = Keys(folder, "md_worker"), public(folder, "client")
    os.chown(folder / "client.pub", 12345, -1)
    os.chown(folder / "td_worker.pub", 12345, -1)
    assert keys.judge("md_pub", key) == Verdict("", "unknown key")
    with pytest.raises(ConfigError, match="belongs to another user: chown 0 "):
        keys.server_key("td_worker")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_secret_that_others_may_read_is_refused_with_the_command_that_mends_it(
    folder: Path, mode: int
) -> None:
    (folder / "edge.key").chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {folder}/edge.key$") as caught:
        Keys(folder, "edge")
    assert (folder / "edge.key").read_text().strip() not in str(caught.value)


@pytest.mark.parametrize("text", ["", "short", "x" * 41, "\xe9" * 40, "'" * 40])
def test_a_broken_secret_is_refused_without_its_text(folder: Path, text: str) -> None:
    (folder / "edge.key").write_text(text, "latin-1")
    with pytest.raises(ConfigError) as caught:
        Keys(folder, "edge")
    assert str(caught.value) == f"{folder}/edge.key holds no key"


def test_what_is_missing_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere: No such file"):
        Keys(tmp_path / "nowhere", "edge")
    (folder / "edge.key").unlink()
    with pytest.raises(ConfigError, match=r"edge\.key is missing: ctpbus keygen"):
        Keys(folder, "edge")
    (folder / "td_worker.pub").unlink()
    with pytest.raises(ConfigError, match=r"td_worker\.pub is missing: copy it from td_worker's"):
        Keys(folder, "client").server_key("td_worker")


def test_a_folder_where_others_may_add_keys_is_refused(folder: Path) -> None:
    folder.chmod(0o770)
    with pytest.raises(ConfigError, match=f"chmod 700 {folder}"):
        Keys(folder, "edge")


def test_a_key_with_a_name_of_its_own_is_found_when_it_is_the_only_one(tmp_path: Path) -> None:
    make(tmp_path / "keys", ["edge.shanghai"])
    assert Keys(tmp_path / "keys", "edge").role == "edge"
    make(tmp_path / "keys", ["edge.beijing"])
    with pytest.raises(ConfigError, match=r"edge\.beijing\.key, edge\.shanghai\.key: which one"):
        Keys(tmp_path / "keys", "edge")


def request(key: bytes, mechanism: bytes = b"CURVE") -> list[bytes]:
    return [b"1.0", b"7", b"td_rpc", b"10.0.0.1", b"", mechanism, *([key] if key else [])]


def test_the_role_of_who_is_let_in_is_the_user_id() -> None:
    key = bytes(range(32))
    asked: list[tuple[str, str]] = []

    def judge(domain: str, key: str) -> Verdict:
        asked.append((domain, key))
        return Verdict("edge")

    reply, _ = answer(request(key), judge)
    assert reply == [b"1.0", b"7", b"200", b"OK", z85.encode(key), b""]
    assert asked == [("td_rpc", z85.encode(key).decode())]


@pytest.mark.parametrize(
    "asked", [request(b""), request(b"short"), request(b"x" * 32, b"PLAIN"), request(b"", b"NULL")]
)
def test_what_is_no_curve_is_refused_unseen(asked: list[bytes]) -> None:
    reply, verdict = answer(asked, lambda domain, key: Verdict("edge"))
    assert reply[2:] == [b"300", b"refused", b"", b""]
    assert not verdict.role


def test_a_fault_while_judging_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    def judge(domain: str, key: str) -> Verdict:
        raise OSError("the disk is gone")

    reply, verdict = answer(request(b"x" * 32), judge)
    assert (reply[2], verdict) == (b"300", Verdict("", "fault"))
    assert "the disk is gone" in caplog.text


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("tcp://0.0.0.0:5551", "tcp://127.0.0.1:5551"),
        ("tcp://*:5551", "tcp://127.0.0.1:5551"),
        ("tcp://[::]:5551", "tcp://[::1]:5551"),
        ("tcp://md.example.com:5551", "tcp://md.example.com:5551"),
        ("tcp://[fe80::1]:5551", "tcp://[fe80::1]:5551"),
        ("ipc:///run/md_pub", "ipc:///run/md_pub"),
    ],
)
def test_every_interface_means_this_machine_to_who_connects(address: str, host: str) -> None:
    links.check(address)
    assert links.for_connecting(address) == host


@pytest.mark.parametrize(
    "address",
    [
        *("tcp://0.0.0.0", "tcp://host:", "tcp://host:*", "tcp://host:0", "tcp://host:65536"),
        *("tcp://:5551", "tcp://a;b:5551", "tcp://host:5551/", "tcp://::1:5551", "tcp://a b:1"),
        *(
            "udp://host:1",
            "pgm://host:1",
            "ws://host:1",
            "host:5551",
            "TCP://host:1",
            "tcp://h:1\n",
        ),
    ],
)
def test_an_address_that_is_none_is_refused_before_any_socket_opens(address: str) -> None:
    with pytest.raises(ValueError, match="expected tcp://HOST:PORT"):
        links.check(address)


def test_a_socket_without_a_folder_is_refused() -> None:
    with pytest.raises(ValueError, match="others could come in"):
        Common(bus=Addresses(td_rpc="ipc://@td"))


def test_a_socket_is_this_users_alone_wherever_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    before = os.umask(0)
    try:
        with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
            security.bind(context, socket, f"ipc://{tmp_path}/td", None, "rpc")
            assert (tmp_path / "td").stat().st_mode & 0o777 == 0o700
            assert os.umask(0) == 0
    finally:
        os.umask(before)


def test_a_link_to_nowhere_hides_no_change(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "_READ_AGAIN_S", 0.0)
    (folder / "client.away.pub").symlink_to(folder / "nowhere")
    keys, key = Keys(folder, "td_worker"), public(folder, "edge")
    assert keys.role_of(key) == "edge"
    (folder / "edge.pub").chmod(0o666)
    assert keys.role_of(key) == ""
    (folder / "edge.pub").chmod(0o644)
    assert keys.role_of(key) == "edge"


def test_a_folder_that_others_may_write_admits_no_new_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(security, "_READ_AGAIN_S", 0.0)
    keys, known = Keys(folder, "td_worker"), public(folder, "edge")
    assert keys.judge("td_rpc", known).role == "edge"
    folder.chmod(0o777)
    make(folder.parent / "elsewhere", ["admin"])
    stranger = (folder.parent / "elsewhere" / "admin.pub").read_text()
    (folder / "admin.two.pub").write_text(stranger)
    for _ in range(3):
        assert keys.judge("td_rpc", stranger.strip()) == Verdict("", "unknown key")
        assert keys.judge("td_rpc", known).role == "edge"
    (record,) = [each for each in caplog.records if each.message == "public key not read"]
    assert f"others may add keys to {folder}: chmod 700 {folder}" in str(vars(record))
    folder.chmod(0o700)
    assert keys.judge("td_rpc", stranger.strip()).role == "admin"


def test_tcp_without_keys_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs `keys`"):
        Common(bus=Addresses(td_rpc="tcp://10.0.0.1:5554"))
    file = tmp_path / "group.yaml"
    file.write_text("bus: {md_pub: 'tcp://0.0.0.0:5551'}\n")
    with pytest.raises(ConfigError, match=r"group\.yaml: bus\.md_pub: tcp://0\.0\.0\.0:5551 needs"):
        load(str(file), "", Common)
    file.write_text("bus: {md_pub: 'tcp://0.0.0.0:5551'}\nkeys: keys\n")
    assert load(str(file), "", Common).common.keys == "keys"


def test_sockets_refuse_tcp_without_keys(tmp_path: Path) -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        with pytest.raises(ConfigError, match="needs keys"):
            security.connect(socket, "tcp://127.0.0.1:1", None, "md_worker")
        with pytest.raises(ConfigError, match="needs keys"):
            security.bind(context, socket, "tcp://127.0.0.1:1", None, "pub")
