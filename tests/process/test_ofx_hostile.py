"""Hostile clients of wire v1 over real sockets; the long forms are tests/chaos/ofx_*.py."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import ofx_garbage, ofx_lines
from tests.support.ofx_gateway import OfxGateway, real, stubbed

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


def test_a_captured_line_is_still_refused_after_a_restart(tmp_path: Path) -> None:
    with stubbed(tmp_path) as gateway:
        captured = asyncio.run(ofx_lines.capture(gateway))
    with stubbed(tmp_path) as gateway:
        for service, line in captured.items():
            assert asyncio.run(ofx_lines.ask(gateway, service, line)) == b""
        asyncio.run(ofx_lines.capture(gateway))


def test_garbage_leaves_nothing_behind(gateway: OfxGateway) -> None:
    left = asyncio.run(ofx_garbage.attack(gateway, 1500, warm=500))
    assert left.fine, left
