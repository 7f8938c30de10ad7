"""Runs every benchmark that docs/performance.md shows, and rewrites its tables and its picture.

    python -m tests.bench.performance [--only NAME ... [--write]] [--quick]

Needs the extra ``bench``, a C compiler, and the stand-in front (tests/front/build.sh). The whole
run takes twenty minutes; --quick and --only write nothing, with --write those tables alone, each
with the day and the machine. The exit status is 1 when a promise was missed; the tables are written
nevertheless, with what was missed in them.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from .programs import CHECKOUT

DOCS = CHECKOUT / "docs"
PAGES = {"en": DOCS / "performance.md", "zh": DOCS / "performance.zh.md"}
PICTURE = DOCS / "fanout.svg"
COMMANDS = {
    "fanout": ["--plot", str(PICTURE)],
    "end_to_end": [],
    "bus": [],
    "idle": [],
    "stuck": [],
    "json_ratio": [],
    "ofx": [],
    "admin_killed": [],
}
QUICK = {
    "fanout": ["--rounds", "1", "--clients", "10", "100"],
    "end_to_end": ["--rounds", "1", "--seconds", "2"],
    "bus": ["--rounds", "1"],
    "idle": ["--connections", "500", "--seconds", "1"],
    "stuck": ["--rounds", "1", "--seconds", "1"],
    "ofx": ["--rounds", "1", "--seconds", "1"],
    "admin_killed": ["--kills", "10"],
}
TIMEOUT_S = 900
BUSY = 1.0  # load average before the first benchmark, above which the figures are marked
_NAME = 44  # columns, see table.row

MACHINE = {
    "en": "Measured {date} on {cpu}, {cores} cores, Linux {kernel}, Python {python}; load average "
    "before the start {load:.1f}.",
    "zh": "测量时间 {date}；{cpu}，{cores} 核，Linux {kernel}，Python {python}；"
    "开始前的平均负载 {load:.1f}。",
}
MARK = {
    "en": "**Other programs were using this machine during the run:** read the ratios and the "
    "least values, not the percentiles.",
    "zh": "**测量期间有其他程序在使用这台机器：** 请看比值和最小值，不要看分位数。",
}
KEPT = {"en": ("kept", "**missed**"), "zh": ("达到", "**未达到**")}


class Row(NamedTuple):
    name: str
    keys: tuple[str, ...]
    values: tuple[str, ...]


def run(name: str, arguments: list[str]) -> str:
    """What a benchmark prints. Fails when it breaks, not when a promise is missed."""
    command = [sys.executable, "-m", f"tests.bench.{name}", *arguments]
    print("$", " ".join(["python", *command[1:]]), flush=True)
    done = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    print(done.stdout, flush=True)
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    return done.stdout


def parsed(line: str) -> Row:
    cells = [cell.rsplit(" ", 1) for cell in line[_NAME:].strip().split("  ") if cell]
    keys, values = zip(*cells, strict=True)
    return Row(line[:_NAME].strip(), keys, values)


def markdown(output: str, language: str) -> Iterator[str]:
    """Titles, tables and promises of what a benchmark printed."""
    lines = [line for line in output.splitlines() if line.strip()]
    for kind, group in groupby(lines, key=_kind):
        if kind == "title":
            for line in group:
                yield from ("", f"**{line[2:].split(': Python ')[0]}**")
        elif kind == "promise":
            yield ""
            for line in group:
                word, text = line.split(maxsplit=1)
                yield f"- {KEPT[language][word == 'MISSED']}: {text}"
        else:
            tables: dict[tuple[str, ...], list[Row]] = {}
            for one in map(parsed, group):
                tables.setdefault(one.keys, []).append(one)
            for keys, rows in tables.items():
                yield from ("", "| |" + "|".join(keys) + "|", "|---|" + "---:|" * len(keys))
                for row in rows:
                    yield f"|{row.name}|" + "|".join(row.values) + "|"


def _kind(line: str) -> str:
    if line.startswith("# "):
        return "title"
    return "promise" if line.startswith(("kept ", "MISSED ")) else "row"


def replace(page: Path, name: str, text: str) -> None:
    """What stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    old = page.read_text("utf-8")
    assert begin in old and end in old, f"{page} has no place for {name}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    page.write_text(pattern.sub(lambda _: f"{begin}\n{text.strip()}\n\n{end}", old), "utf-8")


def machine(language: str, load: float) -> str:
    cpu = next(
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    text = MACHINE[language].format(
        date=time.strftime("%Y-%m-%d"),
        cpu=cpu,
        cores=os.cpu_count(),
        kernel=platform.release(),
        python=platform.python_version(),
        load=load,
    )
    return text if load < BUSY else f"{text}\n\n{MARK[language]}"


def main() -> int:
    parser = argparse.ArgumentParser(description="all benchmarks of docs/performance.md")
    parser.add_argument("--only", nargs="+", choices=COMMANDS, help="some of them")
    parser.add_argument("--write", action="store_true", help="the tables of --only")
    parser.add_argument("--quick", action="store_true", help="small, and nothing is written")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    whole = not (options.quick or options.only)  # the page speaks of one run
    outputs = {}
    for name in options.only or COMMANDS:
        arguments = QUICK.get(name, []) if options.quick else []
        outputs[name] = run(name, COMMANDS[name] if whole else arguments)
    if whole:
        for language, page in PAGES.items():
            replace(page, "machine", machine(language, load))
    if whole or options.write:
        for language, page in PAGES.items():
            head = [] if whole else [machine(language, load)]
            for name, output in outputs.items():
                replace(page, name, "\n".join([*head, *markdown(output, language)]))
    return int(any("MISSED" in output for output in outputs.values()))


if __name__ == "__main__":
    sys.exit(main())
