"""How large the page is, how long it takes to write and to open, and how much memory that needs, for so many findings.

    python -m bench.page [--findings 1000000]

Instances: one for each hundred findings; every tenth result fails.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from bench.line import Line, show
from bench.memory import took
from reporter.core.settings import OwnersSettings
from reporter.core.table import Kind, Table
from reporter.judge import discover
from reporter.propose import plan
from reporter.reports.page import REPORT
from reporter.reports.view import View
from reporter.tables.joined import FINDINGS, INSTANCES, RESULTS, VIRTUAL_PATCHES

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def frame(table: Table, count: int, **columns: object) -> pd.DataFrame:
    """So many rows; columns that are not given have one value of their kind."""
    usual = {
        Kind.INTEGER: 7,
        Kind.NUMBER: 1.5,
        Kind.FLAG: False,
        Kind.TIME: NOW - timedelta(days=40),
        Kind.TEXTS: ("one", "two"),
        Kind.INTEGERS: (1, 2),
    }
    data: dict[str, object] = {}
    for column in table.columns:
        value = columns.get(column.name, usual.get(column.kind, "text"))
        data[column.name] = value if isinstance(value, np.ndarray) else [value] * count
    return table.conform(pd.DataFrame(data))


def view(findings: int) -> View:
    """A run with so many package findings."""
    random = np.random.default_rng(1)
    hosts = max(findings // 100, 1)
    names = np.array([f"i-{number:017x}" for number in range(hosts)], dtype=object)
    accounts = np.array([f"{number % 100:012}" for number in range(hosts)], dtype=object)
    on = random.integers(0, hosts, findings)
    arns = np.array([f"arn:aws:inspector2:eu-central-1:111122223333:finding/{number:032x}" for number in range(findings)], dtype=object)
    checks = discover()
    results = np.repeat(np.arange(hosts), len(checks))
    tables = {
        INSTANCES.name: frame(
            INSTANCES, hosts, account=accounts, instance_id=names, protection=random.choice(["protected", "offline"], hosts).astype(object)
        ),
        VIRTUAL_PATCHES.name: frame(
            VIRTUAL_PATCHES,
            findings,
            account=accounts[on],
            instance_id=names[on],
            finding_arn=arns,
            severity=random.choice(["CRITICAL", "HIGH", "MEDIUM", "LOW"], findings).astype(object),
            state=random.choice(["prevented", "available", "no_rule"], findings).astype(object),
            exploit_available=random.random(findings) < 0.1,
        ),
        FINDINGS.name: frame(FINDINGS, findings, finding_id=arns, instance_id=names[on], source="inspector"),
        RESULTS.name: frame(
            RESULTS,
            len(results),
            account=accounts[results],
            resource=names[results],
            check_id=np.tile(np.array([check.id for check in checks], dtype=object), hosts),
            status=random.choice(["PASS", "FAIL"], len(results), p=[0.9, 0.1]).astype(object),
            severity=random.choice(["CRITICAL", "HIGH", "MEDIUM"], len(results)).astype(object),
        ),
    }
    return View("main-000001", "scheduled", "main", NOW, "0", "", ("main",), checks, tables, plan("main-000001", (), {}, NOW), (), OwnersSettings())


def opened(page: Path) -> float | None:
    """Seconds until Chromium has loaded it; None where there is no Chromium."""
    program = shutil.which("chromium")
    if program is None:
        return None
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only here

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        began = time.perf_counter()
        tab.goto(page.as_uri(), wait_until="load")
        taken = time.perf_counter() - began
        browser.close()
    return taken


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. 1: a bar does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description="The page of so many findings.")
    parser.add_argument("--findings", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="100,000 findings")
    parser.add_argument("--json", action="store_true", help="a line of JSON each")
    given = parser.parse_args(arguments)
    return show(lines(100_000 if given.quick else given.findings), as_json=given.json)


def lines(findings: int) -> Iterator[Line]:
    """The figures."""
    seen, what = view(findings), f"report.html of {findings:,} findings"
    with tempfile.TemporaryDirectory() as place:
        found = took(lambda: REPORT.write(Path(place), seen))
        yield Line(f"{what}: written in", found.seconds, "s", 3, "at most")
        page = Path(place) / "report.html"
        yield Line(f"{what}: size", page.stat().st_size / 1e6, "MB", 2, "at most")
        load = opened(page)
        if load is not None:
            yield Line(f"{what}: loaded by Chromium in", load, "s", 2, "at most")
        yield Line(f"{what}: memory above the tables", found.peak, "MB", 500, "at most")


if __name__ == "__main__":
    sys.exit(main())
