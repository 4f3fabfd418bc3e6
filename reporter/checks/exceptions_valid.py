"""Is each exception in schedule.yaml approved by somebody else than its owner, and does it end within a year?

Why: an exception is a risk that somebody took; without an end and a second pair of eyes it is a hole that nobody remembers.

Limits: who approved it is what schedule.yaml says; the ticket is not looked up. An exception that does not hold waives nothing, whether or not
this check is read; one whose review is overdue fails here, and still waives. One row per resource: several exceptions for it are judged together,
the worst one counts.

Source: the exceptions of schedule.yaml.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from reporter.core.check import VERDICTS, Check
from reporter.core.expiry import LONGEST_DAYS, last_day, refusal
from reporter.core.result import Severity, Status
from reporter.core.wording import counted
from reporter.core.world import World
from reporter.tables.joined import EXCEPTIONS

_EXPECTED = f"approved by somebody else than its owner, reviewed when due, ends within {LONGEST_DAYS} days"
_SOON_DAYS = 14
_NOWHERE = "-"


def judge(world: World) -> pd.DataFrame:
    """One row per resource that has an exception; one NOT_APPLICABLE row where there is none at all."""
    exceptions = EXCEPTIONS.sort(world.table(EXCEPTIONS))
    if exceptions.empty:
        return VERDICTS.frame([_row("schedule.yaml", Status.NOT_APPLICABLE, "schedule.yaml has no exceptions", "", None)])
    rows = []
    for resource, group in exceptions.groupby("resource", sort=True):
        said = [_one(item, world.now.date()) for item in group.itertuples(index=False)]
        failed = [reason for status, reason in said if status is Status.FAIL]
        status = Status.FAIL if failed else Status.PASS
        owners = sorted(set(group["owner"]))
        observed = "; ".join(f"{item.check}: {item.ticket} until {item.expires}" for item in group.itertuples(index=False))
        rows.append(
            _row(str(resource), status, "; ".join(failed or [reason for _, reason in said]), observed, owners[0] if len(owners) == 1 else None)
        )
    return VERDICTS.frame(rows)


def _one(item: Any, today: date) -> tuple[Status, str]:
    name = f"exception {item.ticket} for {item.check}"
    why = refusal(item.expires, today)
    if why:
        return Status.FAIL, f"{name} does not hold: {why}"
    if item.approved_by.strip().casefold() == item.owner.strip().casefold():
        return Status.FAIL, f"{name} was approved by its own owner"
    review = last_day(item.review_on) if isinstance(item.review_on, str) else None
    if review and review < today:
        return Status.FAIL, f"{name} was to be reviewed by {item.review_on}"
    last = last_day(item.expires)
    days = (last - today).days if last else 0
    if days <= _SOON_DAYS:
        return Status.PASS, f"{name} holds, but ends in {counted(days, 'day', 'days')}, on {item.expires}: renew it or put the cause right"
    return Status.PASS, f"{name} holds until {item.expires}"


def _row(resource: str, status: Status, reason: str, observed: str, owner: str | None) -> tuple[Any, ...]:
    return (resource, _NOWHERE, _NOWHERE, None, status.value, None, reason, observed, _EXPECTED, owner, None)


CHECK = Check(
    id="exceptions_valid",
    title="Exceptions approved, justified, unexpired",
    severity=Severity.MEDIUM,
    population=(),
    needs=(),
    judge=judge,
)
