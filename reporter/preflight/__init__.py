"""Preflight: can everything the schedule names be reached? Harmless reads only; each failing row says what to change.

What only a write would show is not tried, and said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from reporter.core.clock import now as present
from reporter.core.permission import By
from reporter.held_back import held_back
from reporter.judge import discover as discover_checks
from reporter.opening import open_clients
from reporter.permissions import statements
from reporter.preflight import accounts, evidence, mail, tenants
from reporter.preflight.finding import Finding, State, ok
from reporter.propose import discover, modes
from reporter.schedule import Schedule
from reporter.waivers import refuse_too_long, refuse_unknown

_WRITES = ("s3:DeleteObject", "s3:PutObject", "ses:SendEmail")
"""of the job's own actions: those that only a write would show"""


def preflight(schedule: Schedule, now: datetime | None = None) -> list[Finding]:
    """Try every way in that the schedule names. Raises ScheduleError for what is wrong with the schedule itself."""
    at = now or present()
    refuse_too_long(schedule.exceptions, at.date())
    refuse_unknown(schedule.exceptions, {check.id for check in discover_checks()})
    clients = open_clients(schedule)
    return [
        ok("schedule", "valid"),
        *(ok("delivery", sentence) for sentence in held_back(schedule)),
        *accounts.look(schedule, clients),
        *tenants.look(schedule, clients, at),
        *evidence.look(schedule, clients),
        *mail.look(schedule),
        *_not_tried(schedule),
    ]


def table(findings: Iterable[Finding]) -> list[str]:
    """The rows as lines; what is not good has one more, with what to change."""
    listed = list(findings)
    width = max(len(finding.what) for finding in listed)
    lines = []
    for finding in listed:
        lines.append(f"{finding.state.value:<9}  {finding.what:<{width}}  {finding.seen}")
        if finding.bad:
            lines.append(f"{'':<9}  {'':<{width}}  change: {finding.fix}")
    return lines


def _not_tried(schedule: Schedule) -> Iterator[Finding]:
    asked = {action for said in statements(schedule, By.JOB) for action in said["Action"]}
    writes = [action for action in _WRITES if action in asked]
    if writes:
        yield Finding("writes of the job", State.NOT_TRIED, f"only a write would show it: {', '.join(writes)}")
    applied = sorted(name for name, mode in modes(schedule.actions, discover()).items() if mode == "apply")
    if applied:
        yield Finding("rights to change Workload Protection", State.NOT_TRIED, f"only a change would show it: {', '.join(applied)}")
