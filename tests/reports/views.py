"""Views of small runs: a quiet one, and one in which every text of the world is hostile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from reporter.core.check import Check
from reporter.core.result import Severity
from reporter.core.settings import OwnersSettings
from reporter.core.table import Column, Kind, Table
from reporter.propose import plan
from reporter.reports.view import View
from reporter.tables.controls import CONTROLS
from reporter.tables.joined import ACTIONS, BUCKET_ACCESS, FINDINGS, INSTANCES, RESULTS, SCOPES, VIRTUAL_PATCHES, WEB_ENTRIES

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
A, R, I = "111122223333", "eu-central-1", "i-0000000000000001"  # noqa: E741
TABLES = (RESULTS, SCOPES, INSTANCES, FINDINGS, VIRTUAL_PATCHES, BUCKET_ACCESS, WEB_ENTRIES, ACTIONS, CONTROLS)

HOSTILE = (
    '=HYPERLINK("http://evil.example","click")',
    "=cmd|'/C calc'!A0",
    "+1+cmd|'/C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "  =1+1",
    "x;=1+1",
    "\uff1d1+1",
    "#REF!",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "a\u202egnp.exe",
    "nul\x00bell\x07",
    "line\nbreak\r\nand\u2028more",
    "../../etc/passwd",
    "\N{GRINNING FACE}" * 20_000,
    "long " * 8_000,
    "</style><style>*{display:none}",
    "]]>&amp;<!--",
    "_x003D_1",
)

CHECKS = (
    Check("firewall_active", "Firewall active", Severity.MEDIUM, ("ec2",), (), lambda _: RESULTS.frame()),
    Check("agent_online", "Agent online <b>", Severity.HIGH, ("ec2",), (), lambda _: RESULTS.frame()),
    Check("scans", "Scans recent", Severity.LOW, ("ec2",), (), lambda _: RESULTS.frame()),
)

_STATES: dict[str, dict[str, Any]] = {
    RESULTS.name: {"check_id": "firewall_active", "status": "FAIL", "severity": "MEDIUM", "first_seen": datetime(2026, 11, 1, 3, tzinfo=UTC)},
    SCOPES.name: {"source": "ec2", "state": "denied", "region": R, "seconds": 0.25},
    INSTANCES.name: {"protection": "unmanaged", "state": "running"},
    FINDINGS.name: {"source": "guardduty", "severity": "HIGH"},
    VIRTUAL_PATCHES.name: {"state": "available", "severity": "CRITICAL"},
    BUCKET_ACCESS.name: {"decision": "allowed", "protection": "protected", "via": "task_role"},
    ACTIONS.name: {"state": "failed", "severity": "HIGH", "run": "main-000001"},
    CONTROLS.name: {"status": "NO_AUTOMATED_EVIDENCE", "confidence": "low"},
    WEB_ENTRIES.name: {"state": "missing_acl", "type": "alb"},
}

_VALUES: dict[Kind, Any] = {
    Kind.INTEGER: 1234,
    Kind.NUMBER: 1.5,
    Kind.FLAG: True,
    Kind.TIME: datetime(2026, 11, 23, 1, 2, 3, 456_000, tzinfo=UTC),
    Kind.INTEGERS: (9, 10),
}


def row(table: Table, text: str = "plain", **changes: Any) -> tuple[Any, ...]:
    """A row in which every free text is `text`."""
    given = {"account": A, "region": R, "instance_id": I, **_STATES.get(table.name, {}), **changes}

    def value(column: Column) -> Any:
        if column.name in given:
            return given[column.name]
        if column.kind in (Kind.TEXT, Kind.CATEGORY):
            return text
        return (text, text) if column.kind is Kind.TEXTS else _VALUES[column.kind]

    return tuple(value(column) for column in table.columns)


def bare(table: Table, **changes: Any) -> tuple[Any, ...]:
    """A row in which everything that may be missing is missing."""
    whole = dict(zip(table.names, row(table), strict=True))
    empty = {column.name: None for column in table.columns if column.nullable or column.kind in (Kind.TEXTS, Kind.INTEGERS)}
    return tuple({**whole, **empty, **changes}[name] for name in table.names)


def view(tables: Mapping[str, pd.DataFrame] | None = None, **changes: Any) -> View:
    given: dict[str, Any] = {
        "run_id": "main-000001",
        "kind": "scheduled",
        "chain": "main",
        "now": NOW,
        "version": "0.1.0",
        "endpoint_override": "",
        "tenants": ("main",),
        "checks": CHECKS,
        "tables": {table.name: table.frame([row(table)]) for table in TABLES} if tables is None else tables,
        "plan": plan("main-000001", (), {"integrity_scan": "plan"}, NOW),
        "evaluations": (),
        "owners": OwnersSettings(default="secops@example.com"),
    }
    return View(**{**given, **changes})


def hostile(**changes: Any) -> View:
    """Every table with one row for each hostile text, in every column that holds text."""
    return view({table.name: table.frame(row(table, text) for text in HOSTILE) for table in TABLES}, **changes)


def empty() -> View:
    return view({}, checks=())


def of(table: Table, rows: Iterable[tuple[Any, ...]], **changes: Any) -> View:
    return view({table.name: table.frame(rows)}, **changes)
