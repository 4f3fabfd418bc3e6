"""changes.csv, exceptions.csv, mapping.csv: what changed, what was accepted and whether that holds, which control each check supports."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reporter.core.expiry import refusal
from reporter.core.result import Status
from reporter.core.table import Table
from reporter.frameworks import mapping
from reporter.reports.record import write_csv
from reporter.reports.view import Report, View
from reporter.tables.evidence import ACCEPTED, MAPPING
from reporter.tables.joined import CHANGES

FILES: dict[str, Table] = {"changes.csv": CHANGES, "exceptions.csv": ACCEPTED, "mapping.csv": MAPPING}
"""File -> its table, whole"""


def write(folder: Path, view: View) -> None:
    """One CSV file a table."""
    frames = {CHANGES.name: view.table(CHANGES), ACCEPTED.name: accepted(view), MAPPING.name: mapped(view)}
    for name, table in FILES.items():
        write_csv(folder / name, table, table.names, frames[table.name])


def accepted(view: View) -> pd.DataFrame:
    """The exceptions, each with its state and how many results it waives."""
    waived = view.results[view.results["status"] == Status.WAIVED.value]
    rows, today = view.exceptions(), view.now.date()
    why = [refusal(str(text), today) for text in rows["expires"]]
    return ACCEPTED.conform(
        rows.assign(
            state=["refused" if one else "valid" for one in why],
            why=[one or None for one in why],
            waived=[
                int(((waived["check_id"] == check) & (waived["resource"] == resource)).sum())
                for check, resource in zip(rows["check"], rows["resource"], strict=True)
            ],
        )
    )


def mapped(view: View) -> pd.DataFrame:
    """Rows of the frameworks that this run reports on."""
    shown = set(view.controls()["framework"])
    rows = ((one.framework, one.control_id, one.title, one.check_id, one.confidence, one.rationale) for one in mapping() if one.framework in shown)
    return MAPPING.frame(rows)


REPORT = Report("judgement", "what changed, what was accepted, which control each check supports", write)
