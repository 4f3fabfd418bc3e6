"""Every benchmark with a bar, one after the other, in one table: `make bench`; the core of it in five minutes: `make bench-quick`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator

from bench.line import Line, show

MODULES = ("start", "ingest", "parsing", "join", "workbook", "page", "whole", "rivals", "calls", "latency", "cluster")
SLOW = ("rivals",)
"""left out where it is to be quick"""


def main(arguments: list[str] | None = None) -> int:
    """Run and print. 1: a bar does not hold; 2: a benchmark did not finish."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Every benchmark with a bar, in one table.")
    parser.add_argument("--quick", action="store_true", help="smaller sizes")
    given = parser.parse_args(arguments)
    head = f"{'what; peer':<72} {'ours':>12} {'peer':>12} {'unit':<14} {'ratio':>8}  bar"
    sys.stdout.write(head + "\n" + "-" * len(head) + "\n")
    broken: list[str] = []
    held = show(_lines(given.quick, broken), as_json=False)
    for module in broken:
        sys.stderr.write(f"bench.{module} did not finish\n")
    return 2 if broken else held


def _lines(quick: bool, broken: list[str]) -> Iterator[Line]:
    for module in MODULES:
        if quick and module in SLOW:
            continue
        command = [sys.executable, "-m", f"bench.{module}", "--json", *(["--quick"] if quick else [])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None  # noqa: S101  # asked for above
            for said in process.stdout:
                yield Line(**json.loads(said))
        if process.returncode not in (0, 1):
            broken.append(module)


if __name__ == "__main__":
    sys.exit(main())
