"""Small sealed packs of runs that judged something."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric import ec

from reporter.core.table import Table
from reporter.evidence.seal import Seal
from reporter.reports.parquet import arrow
from reporter.tables.joined import RESULTS
from tests.checks.worlds import I1, A, R, rows
from tests.evidence.pack import KEY, NOW, sealed

FIRST = datetime(2026, 11, 1, 3, tzinfo=UTC)


def result(resource: str = I1, status: str = "FAIL", /, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"check_id": "firewall_active", "resource": resource, "account": A, "region": R, "status": status, "severity": "MEDIUM"}
    made |= {"reason": "off", "observed": "", "expected": "", "owner": "payments", "first_seen": FIRST, "unread": False}
    return made | changes


def pack(
    run: Path,
    *results: dict[str, Any],
    chain: str = "main",
    kind: str = "scheduled",
    before: str = "",
    follows: str = "",
    key: ec.EllipticCurvePrivateKey = KEY,
    tables: Iterable[tuple[Table, Iterable[dict[str, Any]]]] = (),
    **said: Any,
) -> str:
    """Write and seal a run of this number; `before`: hash of the seal before it, `follows`: its run (default: the number below). Returns the hash."""
    sequence = int(run.name.removeprefix("run-"))
    run_id, before_id = f"{chain}-{sequence:06d}", follows or f"{chain}-{sequence - 1:06d}"
    (run / "tables").mkdir(parents=True)
    for table, items in [(RESULTS, results), *tables]:
        pq.write_table(arrow(table, rows(table, *items)), run / "tables" / f"{table.name}.parquet")
    (run / "results.csv").write_text("check_id\n")
    (run / "run.json").write_text(json.dumps({"id": run_id, "kind": kind, "chain": chain, **said}))
    return sealed(run, Seal(chain, sequence, run_id, NOW, "0.1.0", before_id if before else "", before), key)
