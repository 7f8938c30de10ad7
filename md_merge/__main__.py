"""python -m md_merge --config FILE"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from bus.config import Loaded
from bus.process import main
from md_worker.config import MdConfig

from .merge import Merge


def run(loaded: Loaded[MdConfig]) -> None:
    merge = Merge(loaded)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(merge.run())


def with_feeds(config: MdConfig, member: str) -> MdConfig:
    """Raises ValueError."""
    if member:
        raise ValueError("md_merge has no members")
    if not config.feeds:
        raise ValueError("md_worker.feeds is empty, so there is nothing to merge")
    return config


if __name__ == "__main__":
    doc = "One stream of several md_workers."
    sys.exit(main("md_merge", MdConfig, run, doc, section="md_worker", as_member=with_feeds))
