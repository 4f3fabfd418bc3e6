"""A whole run beside the straightforward program, from the same local server: `python -m bench.whole --findings 100000`.

100 accounts of one region each with 10,000 instances, 10,000 IPS rules and so many findings. Ours is `reporter run` with all its files: checks,
workbook, page, tables, evidence of every answer, seal. The peer is bench/newcomer.py. Wall, CPU and peak memory are those of the program alone, by
the operating system; the server's work is in both walls. The same estate in 1,000 accounts says what accounts cost in memory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.estate.run import run
from bench.estate.running import serving
from bench.estate.size import Size
from bench.line import Line, show
from bench.process import Spent, measured

HERE = Path(__file__).parent
BESIDE, QUICK, LARGE = 100_000, 20_000, 1_000_000


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. 1: a bar does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.whole", description="A whole run beside the straightforward program.")
    parser.add_argument("--findings", type=int, default=0, help="only beside the newcomer, with so many")
    parser.add_argument("--quick", action="store_true", help="20,000 findings only")
    parser.add_argument("--json", action="store_true", help="a line of JSON each")
    given = parser.parse_args(arguments)
    return show(lines(quick=given.quick) if not given.findings else beside(given.findings), as_json=given.json)


def lines(*, quick: bool) -> Iterator[Line]:
    """The figures."""
    yield from beside(QUICK if quick else BESIDE)
    if not quick:
        yield from large()
        yield from accounts()


def beside(findings: int) -> Iterator[Line]:
    """Ours and the newcomer's, one after the other."""
    with serving(Size(regions=1, findings=findings)) as running, tempfile.TemporaryDirectory() as place:
        ours = run(running, Path(place)).spent
        command = [sys.executable, "-m", "bench.newcomer", "schedule.yaml", "theirs"]
        peer = measured("newcomer", command, {**running.environment, "PYTHONPATH": str(HERE.parent)}, Path(place))
    what = f"a whole run, {findings:,} findings; the straightforward program"
    yield Line(f"{what}: from start to last file", ours.wall, "s", 15, "at least", peer.wall, peer.wall / ours.wall)
    yield Line(f"{what}: CPU", ours.cpu, "s CPU", 15, "at least", peer.cpu, peer.cpu / ours.cpu)
    yield Line(f"{what}: memory", ours.peak / 1e6, "MB", 5, "at least", peer.peak / 1e6, peer.peak / ours.peak)


def large() -> Iterator[Line]:
    ours = run_of(Size(regions=1, findings=LARGE))
    yield Line(f"a whole run, {LARGE:,} findings: from start to last file", ours.wall, "s", 30, "at most")
    yield Line(f"a whole run, {LARGE:,} findings: memory", ours.peak / 1e6, "MB", 2500, "at most")


def accounts() -> Iterator[Line]:
    """The same estate in ten times as many accounts."""
    few, many = (run_of(Size(accounts=count, regions=1, findings=BESIDE)) for count in (100, 1000))
    what = f"a whole run, {BESIDE:,} findings in 1,000 accounts; in 100: memory"
    yield Line(what, many.peak / 1e6, "MB", 1.2, "at most", few.peak / 1e6, many.peak / few.peak)


def run_of(size: Size) -> Spent:
    """One run of ours over an estate."""
    with serving(size) as running, tempfile.TemporaryDirectory() as place:
        return run(running, Path(place)).spent


if __name__ == "__main__":
    sys.exit(main())
