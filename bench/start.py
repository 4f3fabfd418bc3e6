"""How long the program takes to start: `python -m bench.start`.

`reporter --help` beside Python that imports click, and what a Lambda imports before its first event beside the four libraries that most would import
at once; and what a run imports with its bytecode beside the sources, as in the image, and without it. CPU time of a process of its own, the least of
nine, taken in turns.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from bench.line import Line, show

ROUNDS = 9
LIBRARIES = "import boto3, pandas, openpyxl, jinja2"
PROGRAMS = {
    "help": ["-m", "reporter.cli", "--help"],
    "click": ["-c", "import click"],
    "handler": ["-c", "import reporter.aws_lambda"],
    "libraries": ["-c", LIBRARIES],
    "run": ["-c", "import reporter.run"],
}
UNCOMPILED = ("run",)
"""measured once more without any bytecode"""


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
        ("run", "run uncompiled", 1.0, "import of a run with bytecode, as in the image; without"),
    ):
        yield Line(what, took[name] * 1000, "ms CPU", bar, "at most", took[peer] * 1000, took[name] / took[peer])


def _measured() -> dict[str, list[float]]:
    """Where bytecode is looked for in a folder that stays empty, there is none: not of the standard library either."""
    with tempfile.TemporaryDirectory() as empty:
        without = {**os.environ, "PYTHONPYCACHEPREFIX": empty, "PYTHONDONTWRITEBYTECODE": "1"}
        runs = [(name, arguments, dict(os.environ)) for name, arguments in PROGRAMS.items()]
        runs += [(f"{name} uncompiled", PROGRAMS[name], without) for name in UNCOMPILED]
        found: dict[str, list[float]] = {name: [] for name, _, _ in runs}
        for _ in range(ROUNDS):
            for name, arguments, environment in runs:
                before = _cpu()
                subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
                found[name].append(_cpu() - before)
    return found


def _cpu() -> float:
    """Seconds of all processes that were started and have ended; os.times() would tell hundredths only."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
