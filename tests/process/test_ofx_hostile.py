"""Hostile clients of wire v1 over real sockets; the long forms are tests/chaos/ofx_*.py."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import ofx_garbage, ofx_lines
from tests.support.fake_worker import wait_until
from tests.support.group import Group
from tests.support.ofx_gateway import KEY, OfxGateway, real, stubbed

TRIES = 4500  # all changes of one line for each port


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfxGateway]:
    with real(tmp_path_factory.mktemp("ofx")) as gateway:
        yield gateway


def test_no_line_is_taken_but_what_an_owner_of_the_key_sends_once(gateway: OfxGateway) -> None:
    verdict = asyncio.run(ofx_lines.attack(gateway, TRIES))
    assert verdict.tries.total() == TRIES
    assert set(verdict.tries) == {"bit", "cut", "cut in front", "more", "replay", "other key"}
    assert not verdict.taken, verdict


@pytest.mark.parametrize(("careless", "kind"), [("window", "replay"), ("tag", "bit")])
def test_without_a_defence_some_are_taken(careless: str, kind: str, tmp_path: Path) -> None:
    with stubbed(tmp_path, careless) as gateway:
        verdict = asyncio.run(ofx_lines.attack(gateway, 1600))
    assert set(verdict.taken) >= {kind}, verdict


def test_a_captured_line_is_refused_by_the_other_processes_and_after_kill(tmp_path: Path) -> None:
    members = ("tcp_edge:login", "tcp_edge:quote")
    edge = {"processes": "three", "keys": [{"passphrase": KEY}]}
    with Group(tmp_path, overrides={"tcp_edge": edge}) as group:
        group.start(*members)
        gateway = of_members(group, members)
        captured = asyncio.run(ofx_lines.capture(gateway))
        assert replayed(gateway, captured) == [b""] * 4
        for member in members:
            group.kill(member)
        group.start(*members)
        gateway = of_members(group, members)
        assert replayed(gateway, captured) == [b""] * 4
        asyncio.run(ofx_lines.capture(gateway))


def test_a_line_is_not_taken_again_when_the_file_of_lines_is_removed(tmp_path: Path) -> None:
    members = ("tcp_edge:login", "tcp_edge:quote")
    edge = {"processes": "three", "keys": [{"passphrase": KEY}]}
    with Group(tmp_path, overrides={"tcp_edge": edge}) as group:
        group.start(members[0])
        ready = dict(group.ready[members[0]])
        gateway = OfxGateway(group.pid(members[0]), ready)
        (captured,) = asyncio.run(ofx_lines.capture(gateway)).values()
        window = group.data / "tcp_edge" / "window"
        window.unlink()
        wait_until(window.exists, lambda: group.log(members[0]))
        group.start(members[1])
        ready |= group.ready[members[1]]
        for service in ("login", "quote"):
            assert asyncio.run(ofx_lines.ask(gateway, service, captured)) == b""
        wait_until(
            lambda: "the window's file was removed" in group.log(members[0]),
            lambda: group.log(members[0]),
        )


def of_members(group: Group, members: tuple[str, ...]) -> OfxGateway:
    ready: dict[str, str] = {}
    for member in members:
        ready |= group.ready[member]
    return OfxGateway(group.pid(members[0]), ready)


def replayed(gateway: OfxGateway, captured: dict[str, bytes]) -> list[bytes]:
    """What each port says to each line."""
    return [
        asyncio.run(ofx_lines.ask(gateway, service, line))
        for line in captured.values()
        for service in captured
    ]


def test_garbage_leaves_nothing_behind(gateway: OfxGateway) -> None:
    left = asyncio.run(ofx_garbage.attack(gateway, 1500, warm=500))
    assert left.fine, left
