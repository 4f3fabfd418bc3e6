"""population.csv, reconciliation.csv, between_runs.csv, identities.csv: that nothing was left out, or what was, as an auditor counts it."""

from __future__ import annotations

from pathlib import Path

from reporter.core.table import Table
from reporter.reports.record import write_csv
from reporter.reports.view import Report, View
from reporter.tables.evidence import BETWEEN_RUNS, IDENTITIES, POPULATION, RECONCILIATION

FILES: dict[str, Table] = {
    "population.csv": POPULATION,
    "reconciliation.csv": RECONCILIATION,
    "between_runs.csv": BETWEEN_RUNS,
    "identities.csv": IDENTITIES,
}
"""File -> its table, whole"""


def write(folder: Path, view: View) -> None:
    """One CSV file a table."""
    for name, table in FILES.items():
        write_csv(folder / name, table, table.names, view.table(table))


REPORT = Report("completeness", "population, reconciliation, who came and went, as whom accounts were read", write)
