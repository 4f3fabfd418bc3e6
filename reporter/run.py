"""One run, as a story: plan scopes, gather, join, judge, propose, report, seal, remember."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

import reporter.reports
from reporter import __version__
from reporter.core import clock
from reporter.core.errors import ReporterError
from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.world import World
from reporter.evidence.folder import building, finish
from reporter.evidence.raw import RawFolder
from reporter.evidence.seal import Seal, local_key, seal
from reporter.gather import Gathered, discover, gather
from reporter.held_back import held_back, modes
from reporter.history.previous import Previous, previous
from reporter.history.stored import read_ledger, read_run
from reporter.joins import bucket_access, findings, instances, virtual_patches, web_entries
from reporter.judge import discover as discover_checks
from reporter.judge import judge
from reporter.opening import Opener, open_clients
from reporter.propose import plan as propose
from reporter.reports.evaluations import evaluations
from reporter.reports.parquet import read as read_tables
from reporter.reports.run_json import run_json
from reporter.reports.view import Report, View
from reporter.schedule import Schedule
from reporter.scopes import plan_scopes
from reporter.tables.joined import EXCEPTIONS, EXCLUDED_INSTANCES, RESULTS, SCOPES

JOINS = (instances.join, findings.join, virtual_patches.join, bucket_access.join, web_entries.join)
"""in this order: each sees the tables of those before it"""


@dataclass(frozen=True)
class Watch:
    """Is told what happens, so that the library itself never prints."""

    planned: Callable[[int], None] = lambda _: None
    settled: Callable[[LedgerRow], None] = lambda _: None
    stage: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class Finished:
    """What a run came to. `folder` is sealed and never changed again; `incomplete`: some scope is denied or unavailable."""

    folder: Path
    by_status: Mapping[str, int]
    by_scope_state: Mapping[str, int]
    incomplete: bool
    held_back: tuple[str, ...]


@dataclass(frozen=True)
class _Facts:
    """What a run says of itself."""

    kind: str
    schedule: Schedule
    now: datetime
    endpoint_override: str
    held_back: tuple[str, ...]
    sequence: int
    job: str | None = None
    acts_on: str | None = None

    @property
    def run_id(self) -> str:
        return f"{self.schedule.evidence.chain}-{self.sequence:06d}"


def run(schedule: Schedule, out: Path, now: datetime, *, job: str | None = None, watch: Watch | None = None) -> Finished:
    """The scheduled job: reads the world, writes one sealed run folder below `out` and nothing else. Raises ReporterError."""
    watch = watch or Watch()
    kept = held_back(schedule)
    with building(out) as (folder, sequence):
        clients = open_clients(schedule, RawFolder(folder / "raw"))
        watch.stage("plan scopes")
        plan = plan_scopes(schedule, discover(), clients)
        watch.planned(len(set(plan.all())))
        watch.stage("gather")
        gathered = gather(plan, Opener(clients, plan, schedule.settings().config_rule_prefix, now), watch.settled)
        facts = _Facts("scheduled", schedule, now, clients.aws.endpoint_override, kept, sequence, job=job)
        return _conclude(folder, out, facts, gathered, watch)


def judge_again(stored: Path, schedule: Schedule | None = None, *, watch: Watch | None = None) -> Finished:
    """A stored run, joined and judged again without the world and at its own clock, as a new run beside it. Raises ReporterError."""
    watch = watch or Watch()
    was = read_run(stored)
    schedule = schedule or was.schedule
    out = stored.resolve().parent
    with building(out) as (folder, sequence):
        ledger = read_ledger(stored)
        try:
            tables = read_tables(stored)
        except (OSError, ValueError) as error:
            raise ReporterError("the stored tables cannot be read", where=str(stored / "tables"), fix="an unchanged run folder") from error
        sources = {table.name for source in discover() for table in source.tables}
        gathered = Gathered({name: frame for name, frame in tables.items() if name in sources}, ledger)
        facts = _Facts("judge", schedule, was.now, was.endpoint_override, held_back(schedule), sequence, acts_on=was.run_id)
        return _conclude(folder, out, facts, gathered, watch)


def _conclude(folder: Path, out: Path, facts: _Facts, gathered: Gathered, watch: Watch) -> Finished:
    """join, judge, propose, report, seal, remember: everything after the world was read."""
    schedule, key = facts.schedule, local_key(_key_file(facts.schedule, out))
    before = previous(out, schedule.evidence.chain, key.public_key())
    watch.stage("join")
    world = join(World({**gathered.tables, **before.tables(), **_exceptions(schedule)}, gathered.ledger, schedule.settings(), facts.now))
    watch.stage("judge")
    results = judge(world, discover_checks(), schedule.exceptions, before.first_seen or {})
    watch.stage("propose")
    view = _view(facts, world, results, before)
    watch.stage("report")
    for report in discover_reports():
        report.write(folder, view)
    _write_json(folder / "redactions.json", {source.name: list(source.redacts) for source in discover() if source.redacts})
    more = {
        "sequence": facts.sequence,
        "job": facts.job,
        "acts_on": facts.acts_on,
        "previous": before.run_id or None,
        "schedule": json.loads(schedule.model_dump_json()),
    }
    _write_json(folder / "run.json", run_json(view, folder, end=max(facts.now, clock.now()), more=more))
    watch.stage("seal")
    said = Seal(schedule.evidence.chain, facts.sequence, facts.run_id, facts.now, __version__, before.run_id, before.seal_sha256)
    seal(folder, said, key, "local key (weaker than a key service: who holds it can seal again)")
    return Finished(finish(folder, facts.sequence), view.by_status(), view.by_scope_state(), bool(gathered.ledger.unread()), facts.held_back)


def join(world: World) -> World:
    """Source tables -> joined tables beside them."""
    for step in JOINS:
        world = world.with_tables(step(world))
    return world


def discover_reports() -> tuple[Report, ...]:
    """Every file in reports/ that declares REPORT, by name."""
    modules = (importlib.import_module(f"reporter.reports.{module.name}") for module in pkgutil.iter_modules(reporter.reports.__path__))
    found = (getattr(module, "REPORT", None) for module in modules)
    return tuple(sorted((report for report in found if isinstance(report, Report)), key=lambda report: report.name))


def scopes_frame(ledger: Ledger) -> pd.DataFrame:
    """The ledger as the declared table."""
    return SCOPES.frame(
        (
            row.scope.account,
            row.scope.region,
            row.scope.source,
            row.state.value,
            row.rows,
            row.calls,
            row.retries,
            row.seconds,
            row.message or None,
            row.permission or None,
        )
        for row in ledger
    )


def _view(facts: _Facts, world: World, results: pd.DataFrame, before: Previous) -> View:
    schedule = facts.schedule
    unknown = schedule.deliver.config_rules.unknown if schedule.deliver.config_rules else "retire"
    return View(
        run_id=facts.run_id,
        kind=facts.kind,
        chain=schedule.evidence.chain,
        now=facts.now,
        version=__version__,
        endpoint_override=facts.endpoint_override,
        tenants=tuple(tenant.name for tenant in schedule.workload_protection),
        checks=discover_checks(),
        tables={**world.tables, RESULTS.name: results, SCOPES.name: scopes_frame(world.ledger)},
        plan=propose(facts.run_id, (), modes(schedule), facts.now),
        evaluations=list(evaluations(results, world, unknown=unknown, seal=before.seal_sha256)),
        owners=schedule.owners,
        excluded=int(world.table(EXCLUDED_INSTANCES)["instances"].sum()),
        held_back=facts.held_back,
    )


def _exceptions(schedule: Schedule) -> dict[str, pd.DataFrame]:
    rows = [(item.check, item.resource, item.reason, item.owner, item.approved_by, item.ticket, item.expires) for item in schedule.exceptions]
    return {EXCEPTIONS.name: EXCEPTIONS.frame(rows)}


def _key_file(schedule: Schedule, out: Path) -> Path:
    name = schedule.evidence.key
    return Path(name.removeprefix("file:")) if name else out / ".state" / f"{schedule.evidence.chain}-signing-key.pem"


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
