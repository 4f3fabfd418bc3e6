"""What a run about one finding looks at: the finding, the instances it concerns, and the protection before those; and what it judges of that.

The same sources, joins and checks as every run's, read one after the other: what the service says of the finding decides which instances are
read, and those decide which computers are. A check is asked only where this is all that its answer needs; of what it answers, rows about other
things are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from reporter.core.check import Check
from reporter.core.errors import ReporterError
from reporter.core.ledger import Ledger
from reporter.core.reading import of_tenant
from reporter.core.records import records
from reporter.core.scope import Scope, ScopeState
from reporter.core.source import Source
from reporter.core.world import World
from reporter.finding_event import Told
from reporter.gather import Gathered, discover, gather
from reporter.joins import bucket_access, findings, instances, virtual_patches
from reporter.joins.hosts import IMAGE, INSTANCE
from reporter.judge import discover as discover_checks
from reporter.opening import Clients, Opener
from reporter.schedule import Schedule
from reporter.scopes import Access, ScopePlan, plan_account, plan_place
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import GUARDDUTY_FINDINGS, INSPECTOR_FINDINGS, MACIE_FINDINGS
from reporter.tables.joined import BUCKET_ACCESS, FINDINGS, INSTANCES, RESULTS

JOINS = (instances.join, findings.join, virtual_patches.join, bucket_access.join)
"""those that say nothing of the population as a whole"""
REPORTS = frozenset({"catalogue", "parquet", "queries", "readme", "record", "results_lines", "tool"})
"""a small pack: the record, and what it rests on; the views of a whole estate are left out"""
_TABLES = {"guardduty": (GUARDDUTY_FINDINGS, "finding_id"), "inspector": (INSPECTOR_FINDINGS, "arn"), "macie": (MACIE_FINDINGS, "finding_id")}
_ASKED = {"guardduty": "guardduty_finding_handled", "macie": "bucket_access_protected"}
"""the check that is about such a finding itself; of CVEs it is about all that Inspector finds on a host, which only a whole run reads"""
_TENANT = {
    "guardduty": ("wp_computers", "wp_policies", "wp_recommendations", "wp_roles"),
    "inspector": ("wp_computers", "wp_policies", "wp_roles", "wp_rules"),
    "macie": ("wp_computers", "wp_policies", "wp_recommendations", "wp_roles"),
}


@dataclass(frozen=True)
class Looked:
    """What was read, and the resources that it is about: instance ids, the finding's own names, the bucket."""

    gathered: Gathered
    about: frozenset[str]


@dataclass(frozen=True)
class Look:
    """How one finding is looked at. `caller`: account of the current credentials; `access`: how the finding's account is read."""

    schedule: Schedule
    clients: Clients
    told: Told
    caller: str
    access: Access
    now: datetime

    def finding(self) -> Any:
        """The finding's row as its service has it now; None where it lists none (of Inspector: none that is active). Raises ReporterError."""
        return self._row(self._first())

    def whole(self) -> Looked:
        """Everything that the finding's run needs. What cannot be read is in the ledger; only of the finding itself it raises ReporterError."""
        first = self._first()
        found = self._row(first)
        if found is None:
            raise self._error("it is no longer listed", "nothing: it was closed meanwhile")
        seen = _merged([first, self._aws(found)])
        world = self._joined(seen)
        concerned = _concerned(self.told, world)
        parts = [seen]
        if concerned or self.told.source == "macie":
            only = () if self.told.source == "inspector" else concerned  # how far a rule would reach is counted over all computers
            parts.append(self._gather(self._place(_TENANT[self.told.source]), only))
        return Looked(_merged(parts), frozenset({*concerned, *_names(self.told, found)}))

    def _first(self) -> Gathered:
        return self._gather(self._place([self.told.source]))

    def _place(self, sources: Iterable[str]) -> ScopePlan:
        return plan_place(self.schedule, _sources(sources), self.caller, self.access, self.told.region)

    def _row(self, gathered: Gathered) -> Any:
        row = gathered.ledger.row(Scope(self.told.account, self.told.region, self.told.source))
        if row is None or row.state is not ScopeState.OK:
            fix = f"grant {row.permission}" if row and row.permission else "nothing, where it passes: the event is tried again"
            raise self._error(row.message if row else "it was not read", fix)
        table, key = _TABLES[self.told.source]
        rows = [one for one in records(gathered.tables[table.name]) if getattr(one, key) == self.told.finding]
        return rows[0] if rows else None

    def _error(self, why: str, fix: str) -> ReporterError:
        return ReporterError(f"the finding cannot be read: {why}", where=self.told.where, fix=fix, meanwhile="nothing was changed or told")

    def _aws(self, found: Any) -> Gathered:
        """What says which instances it concerns."""
        if self.told.source == "macie":
            plan = plan_account(self.schedule, _sources(["ec2", "ecs", "iam", "organizations", "s3"]), self.clients, self.caller, self.access)
            return self._gather(plan)
        containers = found.resource_type == IMAGE if self.told.source == "inspector" else bool(found.ecs_tasks)
        if containers:
            only: tuple[str, ...] = ()
        else:
            only = (found.resource_id,) if self.told.source == "inspector" else tuple(found.instance_ids)
        return self._gather(self._place(["ec2", "ecs"] if containers else ["ec2"]), only)

    def _gather(self, plan: ScopePlan, only: tuple[str, ...] = ()) -> Gathered:
        return gather(
            plan, Opener(self.clients, plan, self.schedule.settings().config_rule_prefix, self.now, only, self.told.finding), lambda _: None
        )

    def _joined(self, gathered: Gathered) -> World:
        return joined(World(gathered.tables, gathered.ledger, self.schedule.settings(), self.now))


def joined(world: World) -> World:
    """Source tables -> those joined tables that are about named things."""
    for step in JOINS:
        world = world.with_tables(step(world))
    return world


def narrowed(world: World, about: frozenset[str]) -> World:
    """The joined world, with the instances that the finding concerns alone."""
    world = joined(world)
    rows = world.table(INSTANCES)
    return world.with_tables({INSTANCES.name: INSTANCES.conform(rows[rows["instance_id"].isin(about)].reset_index(drop=True))})


def checks(source: str) -> tuple[Check, ...]:
    """Those about an instance that rest on the instance and its computer alone, and the one about such a finding itself."""
    read = set(_TENANT[source])

    def fits(check: Check) -> bool:
        of_computer = bool(check.needs) and all(of_tenant(need.source) and need.source in read for need in check.needs)
        return check.id == _ASKED.get(source) or (check.population == ("ec2",) and of_computer)

    return tuple(check for check in discover_checks() if fits(check))


def own(results: pd.DataFrame, about: frozenset[str]) -> pd.DataFrame:
    """The results about what the finding names, and those that say that it could not be seen."""
    return RESULTS.conform(results[results["resource"].isin({*about, "*"})].reset_index(drop=True))


def concerns_hosts(source: str, found: Any) -> bool:
    """Whether a finding is about an instance or a container host: what this report is about."""
    if source == "guardduty":
        return bool(found.instance_ids or found.ecs_tasks)
    return source == "macie" or found.resource_type in (INSTANCE, IMAGE)


def _names(told: Told, found: Any) -> set[str]:
    names = {told.finding, getattr(found, "arn", None), getattr(found, "bucket_arn", None)}
    if getattr(found, "bucket_name", None):
        names.add(f"arn:aws:s3:::{found.bucket_name}")
    return {str(name) for name in names if name}


def _concerned(told: Told, world: World) -> tuple[str, ...]:
    """Instances that the finding names, whose containers it is on, or that can reach its bucket."""
    frame = world.table(BUCKET_ACCESS) if told.source == "macie" else world.table(FINDINGS)
    named = {str(instance) for instance in frame["instance_id"] if isinstance(instance, str)}
    if world.read("ec2", told.account, told.region):
        named &= set(world.table(EC2_INSTANCES)["instance_id"])
    return tuple(sorted(named))


def _sources(names: Iterable[str]) -> list[Source]:
    wanted = set(names)
    return [source for source in discover() if source.name in wanted]


def _merged(parts: list[Gathered]) -> Gathered:
    """What was read in several steps, as one."""
    ledger = Ledger(scope for part in parts for scope in part.ledger.planned)
    for part in parts:
        for row in part.ledger:
            ledger.record(row)
    ledger.close()
    declared = {table.name: table for source in discover() for table in source.tables}
    tables: dict[str, pd.DataFrame] = {}
    for part in parts:
        for name, frame in part.tables.items():
            if name not in tables or tables[name].empty:
                tables[name] = frame
            elif len(frame):
                both = pd.concat([tables[name].astype(object), frame.astype(object)], ignore_index=True)
                tables[name] = declared[name].conform(both)
    return Gathered(tables, ledger)
