"""A second ws_edge beside that of a group."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import yaml

from tests.support.deployment import free_port
from tests.support.group import Group


@contextmanager
def another_edge(group: Group) -> Iterator[str]:
    """Its URL, without a path. It has a port of its own, so that what is meant for one does not
    come to the other."""
    text = group.config_file.read_text("utf-8")
    own = {**group.config["ws_edge"], "processes": 2, "port": free_port()}
    group.config_file.write_text(yaml.safe_dump({**group.config, "ws_edge": own}), "utf-8")
    try:
        group.start("ws_edge:1")
    finally:
        group.config_file.write_text(text, "utf-8")
    yield group.ready["ws_edge:1"]["ws"].rstrip("/")
    group.stop("ws_edge:1")
