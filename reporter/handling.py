"""Handles a finding that EventBridge tells of: once, whatever the number of copies, and only where the schedule looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reporter.clients.aws import AwsClients
from reporter.clients.store import Store
from reporter.doors import open_store
from reporter.finding_event import Told, read
from reporter.opening import Clients, open_aws
from reporter.run import Finished, run_finding
from reporter.schedule import Schedule
from reporter.scopes import Access, access_to
from reporter.state import events

KNOWN_FOR = timedelta(hours=1)
"""so long the function believes what it knows of the organisation's accounts"""


@dataclass
class Handling:
    """What a function keeps between findings. `now`: the present."""

    schedule: Schedule
    out: Path
    aws: AwsClients
    store: Store
    now: Callable[[], datetime]
    _ways: dict[str, tuple[datetime, str, Access]] = field(default_factory=dict)

    @classmethod
    def of(cls, schedule: Schedule, out: Path, now: Callable[[], datetime]) -> Handling:
        """Opens no connection. Raises ScheduleError."""
        aws = open_aws(schedule)
        return cls(schedule, out, aws, open_store(schedule, out, aws), now)

    def handle(self, event: Mapping[str, Any], holder: str) -> dict[str, Any]:
        """What was done, for the log. `holder`: the invocation. Raises ReporterError; then the next copy of the event may try."""
        told = read(event)
        if told.closed:
            return _said(told, "closed", why=f"{told.closed}: it is listed by the next scheduled run, and never acted on")
        regions = self.schedule.aws.regions
        if regions != "all" and told.region not in regions:
            return _said(told, "outside", why=f"the schedule does not look at {told.region}")
        caller, access = self._way(told.account)
        attempt = events.begin(self.store, told.key, holder, self.now())
        if not isinstance(attempt, events.Attempt):
            return {**attempt, "outcome": "handled before"}
        finished: Finished | None = None
        try:
            finished = run_finding(self.schedule, self.out, self.now(), told, caller, access)
        finally:
            if finished is None:
                attempt.ended(self.now())
        if finished is None:
            return _said(told, "nothing to do", why="its service does not list it as open, or it is about no instance and no container host")
        said = _came_of(told, finished)
        attempt.done(said)
        return said

    def _way(self, account: str) -> tuple[str, Access]:
        """Account of the caller, and how the finding's account is read. Raises ReporterError for one that the schedule does not know."""
        known = self._ways.get(account)
        if known is None or self.now() - known[0] > KNOWN_FOR:
            caller, access = access_to(self.schedule, Clients(self.aws, {}), account)
            known = self._ways[account] = (self.now(), caller, access)
        return known[1], known[2]


def _came_of(told: Told, finished: Finished) -> dict[str, Any]:
    counts = {"results": dict(finished.by_status), "actions": {name: dict(states) for name, states in finished.by_action.items()}}
    flaws = {"incomplete": finished.incomplete, "action_failed": finished.action_failed}
    return _said(told, "handled", run=finished.folder.name, **counts, **flaws)


def _said(told: Told, outcome: str, **more: Any) -> dict[str, Any]:
    return {**told.as_json(), "outcome": outcome, **more}
