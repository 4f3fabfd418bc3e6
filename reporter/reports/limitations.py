"""limitations.txt and GRENZEN.txt: what this run could not tell, counted, and what no run shows.

For an auditor who has the pack and nothing else: both are written whatever the languages of the run's reports are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reporter.reports.plain_text import write_texts
from reporter.reports.self_test import passed, rows_complete
from reporter.reports.view import Report, View
from reporter.tables.evidence import BETWEEN_RUNS, QUERIES, RECONCILIATION

NAMES = {"limitations.txt": "ascii", "GRENZEN.txt": "utf-8"}


def facts(view: View) -> dict[str, Any]:
    """What the two texts count."""
    states = view.table(RECONCILIATION)["state"].value_counts()
    rows = rows_complete(view)
    between, queries = view.table(BETWEEN_RUNS), view.table(QUERIES)
    return {
        "scopes": view.by_scope_state(),
        "statuses": view.by_status(),
        "results": len(view.results),
        "lines": {state: int(states.get(state, 0)) for state in ("unknown", "unexplained")},
        "blind": int((between["event"] == "unknown").sum()),
        "passed": passed(view, rows),
        "missing": sum(one["missing"] or 0 for one in rows),
        "calls": len(queries),
        "failed": int(queries["error"].notna().sum()),
    }


def write(folder: Path, view: View) -> None:
    """limitations.txt (English, ASCII) and GRENZEN.txt (German, UTF-8)."""
    write_texts(folder, NAMES, view=view, **facts(view))


REPORT = Report("limitations", "limitations.txt and GRENZEN.txt: what this run could not tell, and what no run shows", write)
