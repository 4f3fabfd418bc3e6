"""A scheduled run of the reporter against the server, in a process of its own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.estate.running import Running
from bench.process import Spent, measured


@dataclass(frozen=True)
class Ran:
    """`folder`: the run's."""

    folder: Path
    spent: Spent


def run(running: Running, folder: Path, **more: Any) -> Ran:
    """The estate is read whole, or RuntimeError; `more`: further keys of the schedule."""
    schedule = running.write_schedule(folder / "schedule.yaml", **more)
    command = [sys.executable, "-m", "reporter.cli", "run", "--schedule", str(schedule), "--out", "ours"]
    spent = measured("reporter", command, running.environment, folder)
    found = folder / "ours" / "run-000001"
    states = set(pd.read_csv(found / "scopes.csv")["state"])
    if states != {"ok"} or not (found / "SEAL.txt").exists():
        raise RuntimeError(f"not everything was read and sealed: {sorted(states)}")
    return Ran(found, spent)
