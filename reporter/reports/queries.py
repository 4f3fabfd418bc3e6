"""queries.jsonl: every call by which the world was read, one line a page; and how far our clock is from the servers'."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reporter.core.clock import iso
from reporter.reports.record import write_lines
from reporter.reports.view import Report, View
from reporter.tables.evidence import QUERIES


def write(folder: Path, view: View) -> None:
    """One line a call, in the order of the calls of each scope."""
    frame = view.table(QUERIES).sort_values("call", kind="stable").astype(object)
    rows = frame.where(frame.notna(), None).to_dict("records")
    write_lines(folder / "queries.jsonl", ({name: _plain(name, value) for name, value in row.items()} for row in rows))


def _plain(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name == "parameters":
        return json.loads(value)
    return iso(value) if name in ("date", "answered_at") else value


def clock_offset(view: View) -> dict[str, int] | None:
    """Seconds that our clock was ahead of the servers' (Date headers are whole seconds): least, median, most; None where none told its time."""
    table = view.table(QUERIES)
    ahead = (table["answered_at"] - table["date"]).dropna().dt.total_seconds()
    if ahead.empty:
        return None
    return {"least": int(ahead.min()), "median": int(ahead.median()), "most": int(ahead.max()), "calls": len(ahead)}


REPORT = Report("queries", "every call by which the world was read", write)
