"""A run reads scope by scope and keeps what it has read; one that was cut goes on from there, under its own number and clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from reporter import __version__
from reporter.clients.aws_sessions import endpoint_override
from reporter.core.call import Calls
from reporter.core.clock import iso
from reporter.core.errors import ScheduleError
from reporter.core.ledger import LedgerRow
from reporter.core.scope import Scope
from reporter.core.table import Rows
from reporter.evidence.raw import RawFolder
from reporter.evidence.unfinished import Begun, Settled, Unfinished, find, require_fit
from reporter.gather import Elsewhere, Gathered, OpenReader, Progress, gather
from reporter.propose import schedule_digest
from reporter.schedule import Schedule
from reporter.scopes import ScopePlan


def cut_run(schedule: Schedule, out: Path, now: datetime, job: str | None, wanted: str) -> Unfinished:
    """The cut run to go on with; `wanted`: its id, number or folder, or empty for the one there is. Raises ScheduleError where none fits."""
    cut = find(out, wanted)
    require_fit(cut, now, schedule_digest(schedule), job, __version__, endpoint_override())
    return cut


def going_on(schedule: Schedule, out: Path, now: datetime, job: str) -> str | None:
    """The cut run of a job that can be gone on with, for who is started again without being told to; None: there is none."""
    try:
        return cut_run(schedule, out, now, job, "").begun.run
    except ScheduleError:
        return None


def new_run(schedule: Schedule, out: Path, start: datetime, job: str | None, number: int) -> Unfinished:
    """A run that begins now."""
    run = f"{schedule.evidence.chain}-{number:06d}"
    return Unfinished(out, Begun(run, number, job, start, schedule_digest(schedule), __version__, endpoint_override()))


@dataclass
class Reading:
    """What a run has read, and where it keeps it. `resumed`: how much of it was read before the run was cut; None: it was not."""

    left: Unfinished
    raw: RawFolder
    cut: bool = False
    calls: Calls = field(default_factory=Calls)
    planned: int = 0
    resumed: dict[str, Any] | None = None

    def gather(
        self,
        plan: ScopePlan,
        open_reader: OpenReader,
        progress: Progress,
        pulse: Callable[[], None],
        now: datetime,
        elsewhere: Elsewhere | None = None,
    ) -> Gathered:
        """Read every planned scope, but those that were read before the run was cut; keep each as it is read."""
        known = self._known(plan) if self.cut else {}
        if self.cut:
            self.resumed = {"at": iso(now), "scopes_kept": len(known), "scopes_read": len(plan.aws) + len(plan.tenants) - len(known)}
        self.left.begin()
        gathered = gather(plan, open_reader, progress, known=known, keep=self._keep, pulse=pulse, elsewhere=elsewhere)
        self.left.gathered()
        return gathered

    def _known(self, plan: ScopePlan) -> dict[Scope, Settled]:
        """Scopes of this plan that were read already. Raw answers of all others are removed, their calls count anew."""
        groups = [frozenset(scope for scope, at in plan.delegated.items() if at == one) for one in set(plan.delegated.values())]
        planned = {scope for scope, _ in (*plan.aws, *plan.tenants)}
        known = {scope: one for scope, one in self.left.settled(self.raw.folder, groups).items() if scope in planned}
        self.raw.hold({name: said for one in known.values() for name, said in one.raw.items()})
        for one in known.values():
            for call in one.calls:
                self.calls(call)
        return known

    def _keep(self, row: LedgerRow, rows: Rows) -> None:
        scope = row.scope
        calls = self.calls.of(scope.source, scope.account, scope.region)
        self.left.keep(row, rows, calls, self.raw.hashes(scope.source, scope.account, scope.region))
