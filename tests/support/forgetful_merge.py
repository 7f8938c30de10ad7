"""md_merge without its memory of what has been in the stream: a negative control."""

from __future__ import annotations

import itertools
import sys
from typing import Any

from bus.process import main
from md_merge import merging
from md_merge.__main__ import run, with_feeds
from md_worker.config import MdConfig

if __name__ == "__main__":
    numbers = itertools.count(1)
    module: Any = merging
    module.hash = lambda values: next(numbers)  # every content is a new one
    sys.exit(main("md_merge", MdConfig, run, "", section="md_worker", as_member=with_feeds))
