"""How time and memory of a whole run grow: `python -m bench.growth --plot docs/growth.svg`.

Whole runs against the server of bench.estate: in 100 accounts with more and more findings, and with 100,000 findings in more and more accounts. CPU
seconds and peak memory are the run's own. Printed is the exponent of a power that fits best (1: as much as there is to read; less: a part of it is
there whatever there is to read). The plot is made by matplotlib in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.estate.size import Size
from bench.line import Line, show
from bench.rivals import environment
from bench.whole import run_of

FINDINGS, ACCOUNTS = (10_000, 100_000, 1_000_000), (1, 10, 100, 1000)
BESIDE, IN = 100_000, 100
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Grown:
    """What runs took: `cpu` in seconds, `memory` in MB, by `sizes` of what grows."""

    what: str
    sizes: tuple[int, ...]
    cpu: tuple[float, ...]
    memory: tuple[float, ...]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, draw. 1: something grows faster than linear."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description="How time and memory of a whole run grow.")
    parser.add_argument("--findings", type=int, nargs="+", default=FINDINGS)
    parser.add_argument("--accounts", type=int, nargs="+", default=ACCOUNTS)
    parser.add_argument("--plot", type=Path, help="draw it there (.svg)")
    parser.add_argument("--json", action="store_true", help="a line of JSON each")
    given = parser.parse_args(arguments)
    found = [by_findings(given.findings), by_accounts(given.accounts)]
    held = show(lines(found), as_json=given.json)
    if given.plot:
        drawn = {
            "path": str(given.plot),
            "grown": [vars(one) for one in found],
            "fits": [[fit(one.sizes, one.cpu), fit(one.sizes, one.memory)] for one in found],
        }
        subprocess.run([environment("plot") / "python", HERE / "growth_plot.py"], input=json.dumps(drawn), text=True, check=True)
    return held


def lines(found: Sequence[Grown]) -> Iterator[Line]:
    """The exponents."""
    for one in found:
        upto = f"from {one.sizes[0]:,} to {one.sizes[-1]:,} {one.what}"
        yield Line(f"CPU of a whole run, {upto}", fit(one.sizes, one.cpu), "exponent", 1, "at most")
        yield Line(f"memory of a whole run, {upto}", fit(one.sizes, one.memory), "exponent", 1, "at most")


def by_findings(sizes: Sequence[int]) -> Grown:
    return _grown("findings", sizes, [Size(accounts=IN, regions=1, findings=count) for count in sizes])


def by_accounts(sizes: Sequence[int]) -> Grown:
    return _grown("accounts", sizes, [Size(accounts=count, regions=1, findings=BESIDE) for count in sizes])


def _grown(what: str, sizes: Sequence[int], estates: Sequence[Size]) -> Grown:
    spent = [run_of(estate) for estate in estates]
    return Grown(what, tuple(sizes), tuple(one.cpu for one in spent), tuple(one.peak / 1e6 for one in spent))


def fit(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The exponent k of value = c * size^k that fits best, by least squares of the logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)


if __name__ == "__main__":
    sys.exit(main())
