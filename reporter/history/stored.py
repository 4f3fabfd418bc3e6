"""A stored run, read back: its schedule, its clock and its ledger, so that it can be judged again without the world."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from reporter.core import stored
from reporter.core.clock import parse
from reporter.core.errors import ScheduleError
from reporter.core.ledger import Ledger, LedgerMismatch, LedgerRow
from reporter.core.scope import Scope, ScopeState
from reporter.core.table import Table, TableError
from reporter.schedule import Schedule


@dataclass(frozen=True)
class StoredRun:
    """What run.json says of a run. `now`: when the world was read."""

    run_id: str
    now: datetime
    endpoint_override: str
    schedule: Schedule
    identity: str = ""


def read_run(folder: Path) -> StoredRun:
    """run.json of a finished run. Raises ScheduleError where the folder holds no run."""
    try:
        said = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return StoredRun(
            str(said["id"]),
            parse(said.get("read_at") or said["start"]),
            said["endpoint_override"] or "",
            Schedule.model_validate(said["schedule"]),
            str(said.get("identity") or ""),
        )
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise ScheduleError(
            f"this is no finished run: {type(error).__name__}", where=str(folder), fix="the folder of a run, for example out/run-000001"
        ) from error


def read_ledger(folder: Path) -> Ledger:
    """scopes.csv of a finished run as a closed ledger. Raises ScheduleError."""
    try:
        frame = pd.read_csv(folder / "scopes.csv", dtype=str, keep_default_na=False)
        rows = [
            LedgerRow(
                Scope(row["account"], row["region"], row["source"]),
                ScopeState(row["state"]),
                int(row["rows"]),
                int(row["calls"]),
                int(row["retries"]),
                float(row["seconds"]),
                row["message"],
                row["permission"],
            )
            for row in frame.to_dict("records")
        ]
        ledger = Ledger(row.scope for row in rows)
        for row in rows:
            ledger.record(row)
        ledger.close()
    except (OSError, ValueError, KeyError, LedgerMismatch) as error:
        raise ScheduleError(f"the ledger of the run cannot be read: {error}", where=str(folder / "scopes.csv"), fix="an unchanged run") from error
    return ledger


def read_plan(folder: Path) -> dict[str, Any]:
    """plan.json of a finished run. Raises ScheduleError."""
    try:
        plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        if not isinstance(plan, dict):
            raise ValueError("not an object")  # noqa: TRY004  # one message for all
    except (OSError, ValueError) as error:
        raise ScheduleError("the run's plan cannot be read", where=str(folder / "plan.json"), fix="an unchanged run folder") from error
    return plan


def read_table(folder: Path, table: Table) -> pd.DataFrame:
    """One table of a finished run. Columns that a version before this one did not write are empty; a table that is not there, or not in any form that
    this version can read, has no rows."""
    try:
        return stored.read(folder / "tables" / f"{table.name}.parquet", table)
    except (OSError, ValueError, TableError):
        return table.frame()
