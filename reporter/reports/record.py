"""The record: CSV and JSON lines, one row per thing. Same rows and clock -> same bytes.

UTF-8, LF, ISO 8601 UTC with Z, lists joined by ";", booleans true/false, an empty cell for not known or not applicable. What a spreadsheet would run
as a formula is led by an apostrophe, after a ";" too, because spreadsheets of many countries begin a new cell there; line breaks and control
characters become spaces, so that a row is always one line.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.table import Kind, Table
from reporter.reports.view import Report, View
from reporter.tables.controls import CONTROLS
from reporter.tables.joined import BUCKET_ACCESS, FINDINGS, INSTANCES, RESULTS, SCOPES, VIRTUAL_PATCHES, WEB_ENTRIES

CONTRACT: dict[str, tuple[Table, tuple[str, ...]]] = {
    "findings.csv": (
        FINDINGS,
        (
            "source",
            "finding_id",
            "account",
            "region",
            "type",
            "severity",
            "resource",
            "instance_id",
            "protection",
            "sample",
            "archived",
            "action",
            "updated_at",
        ),
    ),
    "scopes.csv": (SCOPES, SCOPES.names),
    "results.csv": (
        RESULTS,
        (
            "check_id",
            "resource",
            "account",
            "region",
            "status",
            "severity",
            "reason",
            "observed",
            "expected",
            "owner",
            "first_seen",
            "age_days",
            "waiver",
            "due",
            "calls",
        ),
    ),
    "instances.csv": (INSTANCES, INSTANCES.names[: INSTANCES.names.index("tenant")]),
    "virtual_patches.csv": (
        VIRTUAL_PATCHES,
        (
            "account",
            "region",
            "instance_id",
            "image",
            "cve",
            "severity",
            "state",
            "rule_identifiers",
            "policy",
            "finding_arn",
            "first_observed",
            "age_days",
        ),
    ),
    "bucket_access.csv": (BUCKET_ACCESS, ("bucket", "account", "role_arn", "instance_id", "via", "allowed_by", "decision", "protection")),
    "web_entries.csv": (
        WEB_ENTRIES,
        ("account", "region", "entry", "type", "internet_facing", "web_acl", "instances", "policies", "wanted_groups", "present_groups", "state"),
    ),
    "controls.csv": (CONTROLS, CONTROLS.names),
}
"""File -> its table and the columns that the contract names, in order."""

_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20].")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_SUSPECT = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]|(?:^|;)\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""what stands in every text that `safe` may change"""


def write_csv(path: Path, table: Table, columns: Sequence[str], frame: pd.DataFrame) -> None:
    """One declared frame -> one CSV file with the named columns, in key order."""
    kinds = {column.name: column.kind for column in table.columns}
    ordered = table.sort(frame)
    cells = [_cells(ordered[name], kinds[name]) for name in columns]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*cells, strict=True))


def _cells(values: pd.Series, kind: Kind) -> list[str]:
    """A column as it is written. What repeats is written out once."""
    if kind is Kind.NUMBER:  # 0.0 and -0.0 are one value, but not one text
        return [_cell(value, kind) for value in values]
    codes, distinct = pd.factorize(values)
    written = np.empty(len(distinct) + 1, dtype=object)
    written[:-1], written[-1] = [_cell(value, kind) for value in distinct], ""  # the last is what code -1, of missing values, finds
    return list(written[codes])


ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A value as JSON in one line."""


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """JSON lines, keys in the rows' own order."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(ENCODE(row) + "\n" for row in rows)


def _cell(value: Any, kind: Kind) -> str:
    if not isinstance(value, tuple) and pd.isna(value):
        return ""
    return _WRITTEN.get(kind, _text)(value)


def _text(value: Any) -> str:
    return safe(str(value))


_WRITTEN: dict[Kind, Callable[[Any], str]] = {
    Kind.FLAG: lambda value: "true" if value else "false",
    Kind.INTEGER: lambda value: str(int(value)),
    Kind.INTEGERS: lambda value: ";".join(str(item) for item in value),
    Kind.NUMBER: lambda value: f"{value:.3f}".rstrip("0").rstrip("."),
    Kind.TEXTS: lambda value: safe(";".join(str(item) for item in value)),
    Kind.TIME: lambda value: str(value.strftime("%Y-%m-%dT%H:%M:%SZ")),
}


def safe(text: str) -> str:
    """Text from the world as a cell: one line, no formula. https://owasp.org/www-community/attacks/CSV_Injection"""
    if _SUSPECT.search(text) is None:
        return text
    parts = _CONTROL.sub(" ", text).split(";")
    return ";".join(f"'{part}" if _FORMULA.match(part) and not _NUMBER.fullmatch(part) else part for part in parts)


def write(folder: Path, view: View) -> None:
    """The CSV files, actions.jsonl, config_evaluations.jsonl and plan.json."""
    for name, (table, columns) in CONTRACT.items():
        write_csv(folder / name, table, columns, view.table(table))
    write_lines(folder / "actions.jsonl", view.actions)
    write_lines(folder / "config_evaluations.jsonl", view.evaluations)
    plan = json.dumps(view.plan, indent=2, ensure_ascii=False) + "\n"
    (folder / "plan.json").write_text(plan, encoding="utf-8", newline="\n")


REPORT = Report("record", "CSV and JSON lines: the record", write)
