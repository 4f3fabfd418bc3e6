"""Approve: a person takes responsibility for exactly one plan, by its hash, for as long as the plan is fresh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from reporter.clients.store import Store
from reporter.core import clock
from reporter.core.change import Change
from reporter.core.errors import ScheduleError
from reporter.core.wording import counted
from reporter.doors import open_store
from reporter.evidence.key import known_keys, open_signer
from reporter.evidence.seal import broken
from reporter.history.stored import StoredRun, read_plan, read_run
from reporter.opening import open_clients
from reporter.propose import changes_of, schedule_digest
from reporter.schedule import Schedule
from reporter.state.approvals import Approval, approval_of, approve, same_identity

NOTHING = "nothing was changed"
AGAIN = "run again, and approve that run's plan"


def approve_plan(stored: Path, by: str, now: datetime) -> tuple[Approval, Sequence[Change]]:
    """Approve a stored run's plan in somebody's name; the caller's own identity at STS is recorded beside it. Raises ReporterError.

    Returns the approval that stands (an earlier one of the same plan keeps its name), and the changes it covers.
    """
    if not by.strip() or len(by) > 200 or not by.isprintable():
        raise ScheduleError("an approval names a person", where="--by", fix="--by 'Name, or name@example.com'", meanwhile=NOTHING)
    was, plan = read_run(stored), read_plan(stored)
    out = stored.resolve().parent
    changes = [change for change in changes_of(plan, str(stored / "plan.json")) if not change.held]
    clients = open_clients(was.schedule)
    store = open_store(was.schedule, out, clients.aws)
    _require_as_planned(stored, was, plan, store, now)
    if not changes:
        raise ScheduleError("the plan has no change that could be made", where=str(stored / "plan.json"), fix=AGAIN, meanwhile=NOTHING)
    identity = clients.aws.identity("")["arn"]
    own = same_identity(identity, str(plan["identity"]))
    if own and was.schedule.approvals.separate:
        raise _own_identity()
    made = Approval(str(plan["hash"]), was.run_id, by.strip(), identity, clock.iso(now), str(plan["expires"]), own)
    return approve(store, made), changes


def standing_approval(stored: Path, was: StoredRun, plan: Mapping[str, Any], store: Store, now: datetime) -> Approval:
    """The approval under which a plan may be applied now. Raises ScheduleError where there is none that holds."""
    where = str(stored / "plan.json")
    _require_as_planned(stored, was, plan, store, now)
    approval = approval_of(store, str(plan["hash"]))
    if approval is None:
        raise ScheduleError("nobody approved this plan", where=where, fix=f"reporter approve {stored} --by WHO", meanwhile=NOTHING)
    if not approval.valid(now):
        raise ScheduleError(f"the approval holds from {approval.at} to {approval.expires}", where=where, fix=AGAIN, meanwhile=NOTHING)
    own = approval.self_approved or same_identity(approval.identity, str(plan["identity"]))
    if own and was.schedule.approvals.separate:
        raise _own_identity()
    return approval


def require_sealed(stored: Path, schedule: Schedule, out: Path, store: Store) -> None:
    """Raises ScheduleError where the run's pack is not as it was sealed."""
    problem = broken(stored, known_keys(store, open_signer(schedule.evidence, out)))
    if problem:
        fix = "an unchanged run folder, in the folder of its chain"
        raise ScheduleError(f"the run is not as it was sealed: {problem}", where=str(stored), fix=fix, meanwhile=NOTHING)


def _require_as_planned(stored: Path, was: StoredRun, plan: Mapping[str, Any], store: Store, now: datetime) -> None:
    """Raises ScheduleError where the run is not as it was sealed, its schedule not the one the plan was made by, or the plan no longer fresh."""
    require_sealed(stored, was.schedule, stored.resolve().parent, store)
    if plan.get("schedule") != schedule_digest(was.schedule):
        raise ScheduleError("the run's schedule is not the one its plan was made by", where=str(stored / "run.json"), fix=AGAIN, meanwhile=NOTHING)
    if clock.parse(plan["expires"]) <= now:
        raise ScheduleError(f"the plan expired at {plan['expires']}", where=str(stored / "plan.json"), fix=AGAIN, meanwhile=NOTHING)


def _own_identity() -> ScheduleError:
    return ScheduleError(
        "this is the job's own identity, and the schedule wants another one to approve",
        where="approvals.separate",
        fix="approve with the credentials of a person",
        meanwhile=NOTHING,
    )


def told(plan: Mapping[str, Any], changes: Sequence[Change]) -> Iterator[str]:
    """The plan, a few lines a change, for a person who is to approve it."""
    free = [change for change in changes if not change.held]
    yield f"plan of {plan['run']}, {len(free)} of {counted(len(changes), 'change', 'changes')} can be made, until {plan['expires']}"
    for change in changes:
        yield ""
        yield f"{'held  ' if change.held else 'change'}  {change.action}  {change.target}  ({change.severity.lower()})"
        yield f"        {change.reason}"
        for name in ("cves", "identifiers", "instances", "findings", "entries", "computers", "percent", "rules_after_most"):
            value = change.facts.get(name)
            if value not in (None, [], ""):
                yield f"        {name.replace('_', ' ')}: {_short(value)}"
        if change.held:
            yield f"        not made: {change.held}"
    yield ""
    yield f"hash {plan['hash']}"


def _short(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    more = f" and {len(value) - 5} more" if len(value) > 5 else ""
    return ", ".join(str(item) for item in value[:5]) + more
