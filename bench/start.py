"""How long the program takes to start: `python -m bench.start`.

`reporter --help` beside Python that imports click, and what a Lambda imports before its first event beside the four libraries that most would import
at once. CPU time of a process of its own, the least of seven, taken in turns.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator

from bench.line import Line, show

ROUNDS = 7
LIBRARIES = "import boto3, pandas, openpyxl, jinja2"
PROGRAMS = {
    "help": ["-m", "reporter.cli", "--help"],
    "click": ["-c", "import click"],
    "handler": ["-c", "import reporter.aws_lambda"],
    "libraries": ["-c", LIBRARIES],
}


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. 1: a bar does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description="How long the program takes to start.")
    parser.add_argument("--json", action="store_true", help="a line of JSON each")
    parser.add_argument("--quick", action="store_true", help="the same: it is quick")
    return show(lines(), as_json=parser.parse_args(arguments).json)


def lines() -> Iterator[Line]:
    """The figures."""
    took = {name: min(found) for name, found in _measured().items()}
    for name, peer, bar, what in (
        ("help", "click", 2.0, "reporter --help, beside Python with click"),
        ("handler", "libraries", 0.6, "import of the Lambda's handler, beside " + LIBRARIES.removeprefix("import ")),
    ):
        yield Line(what, took[name] * 1000, "ms CPU", bar, "at most", took[peer] * 1000, took[name] / took[peer])


def _measured() -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(ROUNDS):
        for name, arguments in PROGRAMS.items():
            before = os.times()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            after = os.times()
            found[name].append(after.children_user - before.children_user + after.children_system - before.children_system)
    return found


if __name__ == "__main__":
    sys.exit(main())
