"""A scheduled run of the reporter against the server, in a process of its own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.estate.running import Running


@dataclass(frozen=True)
class Ran:
    """`folder`: the run's; seconds of wall and of CPU (its own alone)."""

    folder: Path
    wall: float
    cpu: float


def run(running: Running, folder: Path, **more: Any) -> Ran:
    """The estate is read whole, or RuntimeError; `more`: further keys of the schedule."""
    schedule = running.write_schedule(folder / "schedule.yaml", **more)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | dict(running.environment)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "reporter.cli", "run", "--schedule", str(schedule), "--out", str(folder / "out")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"the run ended with {done.returncode}: {done.stderr[-2000:]}")
    found = Path(done.stdout.splitlines()[-1])
    states = set(pd.read_csv(found / "scopes.csv")["state"])
    if states != {"ok"}:
        raise RuntimeError(f"not everything was read: {sorted(states)}")
    return Ran(found, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
