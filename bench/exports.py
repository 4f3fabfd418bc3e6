"""How large the records of other systems are, how long they take to write, and how much memory that needs, for so many instances.

    python -m bench.exports [--instances 5000] [--failing 0.1]

Each instance has a result of every check, and every tenth fails. Each format is written twice: what is open, and all. Prints one line each.
"""

from __future__ import annotations

import argparse
import gzip
import resource
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from reporter import frameworks
from reporter.core.settings import OwnersSettings
from reporter.judge import discover
from reporter.propose import plan
from reporter.reports import asff, ocsf, oscal
from reporter.reports.view import View
from reporter.tables.controls import CONTROLS
from reporter.tables.joined import RESULTS

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
FORMATS = ((asff.REPORT, asff.FILE), (ocsf.REPORT, ocsf.FILE), (oscal.REPORT, oscal.FILE))


def view(instances: int, failing: float) -> View:
    """A run of so many instances in 100 accounts."""
    random = np.random.default_rng(1)
    checks = discover()
    count = instances * len(checks)
    on = np.repeat(np.arange(instances), len(checks))
    status = random.choice(["PASS", "FAIL", "UNKNOWN", "WAIVED"], count, p=[1 - failing - 0.02, failing, 0.01, 0.01]).astype(object)
    names = np.array([f"i-{number:017x}" for number in range(instances)], dtype=object)
    results = RESULTS.conform(
        pd.DataFrame(
            {
                "check_id": np.tile(np.array([check.id for check in checks], dtype=object), instances),
                "account": np.array([f"{number % 100:012}" for number in range(instances)], dtype=object)[on],
                "region": "eu-central-1",
                "resource": names[on],
                "status": status,
                "severity": random.choice(["CRITICAL", "HIGH", "MEDIUM"], count).astype(object),
                "reason": [f"the agent of {name} has not been in contact since 2026-11-22T01:00:00Z" for name in names[on]],
                "observed": "last contact 2026-11-22T01:00:00Z",
                "expected": "contact in the last 24 hours",
                "owner": "payments",
                "first_seen": NOW - timedelta(days=40),
                "age_days": 40,
                "waiver": ["SEC-1 until 2027-03-31" if one == "WAIVED" else None for one in status],
                "due": [NOW + timedelta(days=3) if one == "FAIL" else None for one in status],
                "unread": False,
                "calls": "ec2 wp_computers/main",
            }
        )
    )
    tables = {RESULTS.name: RESULTS.sort(results), CONTROLS.name: frameworks.controls(results)}
    return View("main-000001", "scheduled", "main", NOW, "0", "", ("main",), checks, tables, plan("main-000001", (), {}, NOW), (), OwnersSettings())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--instances", type=int, default=5_000)
    parser.add_argument("--failing", type=float, default=0.1)
    given = parser.parse_args()
    seen = view(given.instances, given.failing)
    sys.stdout.write(f"{given.instances} instances x {len(seen.checks)} checks, {given.failing:.0%} failing\n")
    with tempfile.TemporaryDirectory() as place:
        for every in (False, True):
            for report, name in FORMATS:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                began = time.perf_counter()
                report.write(Path(place), replace(seen, exports=frozenset({report.name}), export_all=every))
                taken = time.perf_counter() - began
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                data = (Path(place) / name).read_bytes()
                zipped = len(gzip.compress(data, 6)) / 1e6
                sys.stdout.write(
                    f"{report.name:6} {'all ' if every else 'open'} {len(data) / 1e6:8.2f} MB  gzip {zipped:6.2f} MB  "
                    f"{taken:6.2f} s  +{(peak - before) / 1024:.0f} MB memory\n"
                )


if __name__ == "__main__":
    main()
