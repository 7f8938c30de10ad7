"""The lists of 100002 of a day that is long enough for several pieces."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.day_of_ticks import write_day
from tests.support.group import Group
from tests.support.ofx_client import OfxClient, key_of
from tests.support.ofx_v2 import PskChannel

LONG: Final = {"code": "600036", "market": "SH"}
ASKED: Final = {"cmd": 100002, "params": LONG}
RECORDS: Final = 700
TIMEOUT_S: Final = 30.0
# A user's key for psk is made where some port speaks it.
TCP: Final = {
    "account": "028742",
    "login": {"port": 0, "wire": "psk"},
    "quote": {"port": 0},
    "trade": {"port": 0},
}


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    overrides = {
        "calendar": "always",
        "td_worker": {"accounts": [{"user": "028742", "password": "123456"}]},
        "tcp_edge": TCP,
    }
    with Group(tmp_path_factory.mktemp("lists"), overrides=overrides) as made:
        write_day(made.data / "recorder" / "ticks", LONG["code"], RECORDS)
        made.start("sim", "md_worker", "td_worker", "recorder", "tcp_edge")
        yield made


def connect(group: Group) -> OfxClient:
    return OfxClient(group.ready["tcp_edge"]["quote"], key_of(group.data))


def wait_for(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def whole(client: OfxClient) -> list[dict[str, Any]]:
    """The list, once the recorder is there and has the day."""
    told: list[Any] = []

    def there() -> bool:
        nonlocal told
        told = client.ask(100002, LONG)
        return isinstance(told, list) and len(told) >= RECORDS

    wait_for(there)
    return list(map(json.loads, told))


def test_a_list_is_the_same_when_it_is_asked_for_again_and_when_its_writer_is_another(
    group: Group,
) -> None:
    with connect(group) as client, connect(group) as other:
        listed = whole(client)
        assert [each["qty"] for each in listed] == [300 * number for number in range(RECORDS)]
        assert whole(client) == whole(other) == listed
        (writer,) = children_of(group.pid("tcp_edge"))
        os.kill(writer, signal.SIGKILL)
        assert whole(client) == listed


def test_a_part_of_it_is_what_stands_there(group: Group) -> None:
    with connect(group) as client:
        listed = whole(client)
        part = client.ask(100002, {**LONG, "since": listed[500]["data_time"], "limit": 150})
        assert list(map(json.loads, part)) == listed[500:650]


def test_what_comes_meanwhile_stands_behind_it(group: Group) -> None:
    with connect(group) as client:
        listed = whole(client)
        client.ask(110001, [LONG])
        seen: list[int] = []

        def grown() -> bool:
            told = whole(client)
            assert told[: len(listed)] == listed
            seen.append(len(told))
            return len(told) > RECORDS + 2

        wait_for(grown)
        assert seen == sorted(seen)


def test_it_is_the_same_by_another_wire_and_codec(group: Group) -> None:
    """The last one: the group's tcp_edge is another from here on."""
    with connect(group) as client:
        listed = whole(client)
    assert group.stop("tcp_edge") == 0
    group.config["tcp_edge"] = TCP | {"quote": {"port": 0, "wire": "psk"}}
    group.config_file.write_text(yaml.safe_dump(group.config), "utf-8")
    group.start("tcp_edge")
    with PskChannel(group.ready["tcp_edge"]["quote"]) as channel:
        for _ in range(3):
            channel.ask(ASKED)
            told = channel.next()
            assert told[: len(listed)] == listed  # its items are objects


def children_of(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()))
