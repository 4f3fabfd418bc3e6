"""Cuts a run at ten points of it with SIGTERM and with SIGKILL, goes on with each, and compares every file with an undisturbed run's.

    python -m bench.resume [--points request:100,file:SEAL.txt] [--signals TERM,KILL]

One line each: exit code of the cut run, scopes that were not read again, requests that were sent again, what differs. Exits with 1 on any difference.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from reporter.sandbox.serve import sandbox
from tests.whole.cut import POINTS, Runs, comparable

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HEAD = "signal point              exit  goes on  kept  requests  seconds  differs"


@dataclass(frozen=True)
class Bench:
    """The runs, and the servers' own count of requests."""

    runs: Runs
    counters: Sequence[str]
    place: Path

    def forget(self) -> None:
        for counter in self.counters:
            requests.delete(counter, timeout=60).raise_for_status()

    def received(self) -> int:
        return sum(len(requests.get(counter, timeout=60).json()) for counter in self.counters)

    def undisturbed(self) -> dict[str, Any]:
        out = self.place / "undisturbed"
        self.forget()
        done = self.runs.run(out)
        if done.returncode:
            raise SystemExit(done.stderr)
        return comparable(out / "run-000001")

    def line(self, point: str, signal: str, expected: dict[str, Any]) -> tuple[str, bool]:
        """What became of one cut, and whether it is as it should be. A run that had read nothing yet cannot go on and begins anew."""
        out = self.place / f"{signal}-{point.replace(':', '-')}"
        cut = self.runs.cut(out, point, signal)
        self.forget()
        began = time.monotonic()
        resumed = self.runs.run(out, "--resume")
        done = self.runs.run(out) if resumed.returncode == 2 else resumed
        seconds, run = time.monotonic() - began, out / "run-000001"
        found = comparable(run) if run.exists() else {}
        differs = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        differs += sorted(path.name for path in out.iterdir() if path.name not in (".state", run.name))
        said = json.loads((run / "run.json").read_text(encoding="utf-8"))["resumed"] if found else None
        kept = said["scopes_kept"] if said else "-"
        goes_on = "yes" if resumed is done else "anew"
        text = (
            f"{signal:6} {point:18} {cut.returncode:4} {goes_on:>8} {kept:>5} {self.received():9} {seconds:8.1f}  {', '.join(differs) or 'nothing'}"
        )
        return (text if done.returncode == 0 else f"{text}\n{done.stderr[-2000:]}"), not differs and done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", default=",".join(POINTS))
    parser.add_argument("--signals", default="TERM,KILL")
    given = parser.parse_args()
    good = True
    with sandbox(size="small", seed=1, now=NOW) as served, tempfile.TemporaryDirectory() as place:
        schedule = Path(place) / "schedule.yaml"
        schedule.write_text(served.schedule, encoding="utf-8")
        counters = (f"{served.aws_endpoint}/sandbox/calls", f"{served.wp_url.removesuffix('/api')}/sandbox/calls")
        bench = Bench(Runs(served.environment, schedule, "2026-11-24T03:00:00Z"), counters, Path(place))
        expected = bench.undisturbed()
        sys.stdout.write(f"undisturbed: {bench.received()} requests\n{HEAD}\n")
        for signal in given.signals.split(","):
            for point in given.points.split(","):
                text, as_it_should_be = bench.line(point, signal, expected)
                sys.stdout.write(text + "\n")
                sys.stdout.flush()
                good = good and as_it_should_be
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
