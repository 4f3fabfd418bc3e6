"""The chain in numbers: one row per scheduled run, carried from run to run, so that deleting old folders loses nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from reporter.core.result import Severity, Status
from reporter.core.scope import ScopeState
from reporter.core.table import Table, Tables, concat
from reporter.tables.joined import CHANGES, INSTANCES, RESULTS, SCOPES, TREND, VIRTUAL_PATCHES, WEB_ENTRIES

LENGTH = 30


def trend(before: pd.DataFrame, run: str, at: datetime, tables: Tables, *, compared: bool) -> pd.DataFrame:
    """The rows carried so far and this run's own -> TREND, at most LENGTH. `compared`: there was a run to compare with."""
    rows = concat(TREND, [before, TREND.frame([_row(run, at, tables, compared=compared)])])
    return TREND.sort(rows).tail(LENGTH).reset_index(drop=True)


def _row(run: str, at: datetime, tables: Tables, *, compared: bool) -> tuple[Any, ...]:
    def frame(table: Table) -> pd.DataFrame:
        found = tables.get(table.name)
        return table.frame() if found is None else found

    results, changes = frame(RESULTS), frame(CHANGES)
    failed = results["status"] == Status.FAIL.value
    states = frame(SCOPES)["state"]
    return (
        run,
        at,
        *(
            int((results["status"] == status.value).sum())
            for status in (Status.PASS, Status.FAIL, Status.UNKNOWN, Status.WAIVED, Status.NOT_APPLICABLE)
        ),
        int((failed & (results["severity"] == Severity.CRITICAL.value)).sum()),
        int((failed & (results["severity"] == Severity.HIGH.value)).sum()),
        int((failed & (results["due"] < pd.Timestamp(at)).fillna(value=False)).sum()),
        len(frame(INSTANCES)),
        int((frame(INSTANCES)["protection"] == "protected").sum()),
        len(frame(VIRTUAL_PATCHES)),
        int((frame(VIRTUAL_PATCHES)["state"] == "prevented").sum()),
        len(frame(WEB_ENTRIES)),
        int((frame(WEB_ENTRIES)["state"] == "covered").sum()),
        len(states),
        int(states.isin([ScopeState.DENIED.value, ScopeState.UNAVAILABLE.value]).sum()),
        int(changes["change"].isin(["new", "reopened"]).sum()) if compared else None,
        int((changes["change"] == "fixed").sum()) if compared else None,
    )
