"""One run, as a story: plan scopes, gather, join, judge, propose, apply, verify, report, seal, publish, remember."""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

import reporter.reports
from reporter import __version__, frameworks, one_finding
from reporter.acting import Act
from reporter.approving import require_sealed, standing_approval
from reporter.asking import Asking
from reporter.changing import Changing, acted, actions_frame, planned
from reporter.clients.aws import HOME_REGION, AwsClients
from reporter.clients.store import Store
from reporter.comparing import Comparison, compare_runs, exceptions_table
from reporter.core import clock
from reporter.core.call import Calls
from reporter.core.change import ActionState
from reporter.core.check import Check
from reporter.core.errors import Denied, ReporterError, Stopped
from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.memory import give_back
from reporter.core.past import Past
from reporter.core.scope import ScopeState
from reporter.core.table import TableError
from reporter.core.world import World
from reporter.delivery.bounces import looked_up
from reporter.delivery.email import outbox
from reporter.delivery.s3 import PackStore
from reporter.delivery.security_hub import Hubs
from reporter.doors import open_store
from reporter.elsewhere import Away, Workers
from reporter.evidence.folder import building, is_named, start_over
from reporter.evidence.raw import RawFolder
from reporter.evidence.seal import TIMESTAMP, Head, Seal, read_seal
from reporter.evidence.trust import Trust
from reporter.finding_event import Told
from reporter.fitness import this_program
from reporter.gather import Gathered, discover
from reporter.held_back import held_back
from reporter.history.population import previous_population
from reporter.history.previous import Previous, previous
from reporter.history.stored import StoredRun, read_ledger, read_plan, read_run
from reporter.joining import join
from reporter.judge import discover as discover_checks
from reporter.judge import judge
from reporter.one_finding import Look, concerns_hosts
from reporter.opening import CallLimits, Clients, Opener, open_clients
from reporter.partitions import Terms
from reporter.propose import changes_of
from reporter.propose import plan as hashed
from reporter.reports.evaluations import evaluations
from reporter.reports.parquet import read as read_tables
from reporter.reports.run_json import run_json
from reporter.reports.view import Report, View
from reporter.resuming import Reading, cut_run, new_run
from reporter.schedule import Schedule
from reporter.scopes import Access, ScopePlan, plan_scopes
from reporter.sealing import Sealing
from reporter.self_testing import self_test
from reporter.state import config_rules, deliveries, journal, packs, sent_findings, sequence
from reporter.state.approvals import Approval
from reporter.state.deliveries import Delivery, DeliveryState
from reporter.tables.controls import CONTROLS
from reporter.tables.evidence import IDENTITIES, PREVIOUS_POPULATION, QUERIES
from reporter.tables.joined import ACTIONS, EXCLUDED_INSTANCES, RESULTS, SCOPES
from reporter.waivers import refuse_too_long, refuse_unknown


@dataclass(frozen=True)
class Watch:
    """Is told what happens, so that the library itself never prints."""

    planned: Callable[[int], None] = lambda _: None
    settled: Callable[[LedgerRow], None] = lambda _: None
    stage: Callable[[str], None] = lambda _: None
    acted: Callable[[Act], None] = lambda _: None
    begun: Callable[[str, str | None], None] = lambda _run, _job: None
    noted: Callable[[str, str], None] = lambda _what, _said: None
    pulse: Callable[[], None] = lambda: None
    """called all the time where a run can be left and gone on with later: what it raises stops the run there"""


@dataclass(frozen=True)
class Finished:
    """What a run came to. `folder` is sealed and never changed again; `incomplete`: some scope is denied or unavailable; `by_action`: how many
    changes stand in which state."""

    folder: Path
    by_status: Mapping[str, int]
    by_scope_state: Mapping[str, int]
    incomplete: bool
    held_back: tuple[str, ...]
    by_action: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    deliveries: tuple[Delivery, ...] = ()
    """what became of the mails, after the run was sealed"""
    packs: tuple[Delivery, ...] = ()
    """what became of the packs that were to be stored: this run's, and those of earlier runs that were not stored then"""
    hubs: tuple[Delivery, ...] = ()
    """what became of the findings, in the Security Hub of each account and region"""
    rules: tuple[Delivery, ...] = ()
    """whether AWS Config was told to ask its rules, by account and region"""
    no_stamp: str = ""
    """why the seal has no time stamp where it should have one"""
    findings: int = 0
    calls: int = 0
    """requests that were sent to read the world"""
    throttled: int = 0
    """how many of them were answered with "slow down", to be sent again"""

    @property
    def nobody_has_it(self) -> bool:
        """Whether mails were to be sent and none was."""
        return bool(self.deliveries) and all(delivery.state is not DeliveryState.SENT for delivery in self.deliveries)

    @property
    def nobody_keeps_it(self) -> bool:
        """Whether a pack was to be stored and was not."""
        return any(pack.state is not DeliveryState.SENT for pack in self.packs)

    @property
    def hub_lacks_some(self) -> bool:
        """Whether findings did not arrive in a Security Hub that is on."""
        return any(hub.state is DeliveryState.REFUSED for hub in self.hubs)

    @property
    def action_failed(self) -> bool:
        return any(states.get(ActionState.FAILED.value) for states in self.by_action.values())


@dataclass(frozen=True)
class _Facts:
    """What a run says of itself. `read_at`: when the world was read, `now`: when this run began; `identity`: ARN it ran as."""

    kind: str
    schedule: Schedule
    now: datetime
    endpoint_override: str
    held_back: tuple[str, ...]
    sequence: int
    job: str | None = None
    acts_on: str | None = None
    stored: Path | None = None
    read_at: datetime | None = None
    identity: str = ""
    approval: Approval | None = None
    ticking: Callable[[], datetime] | None = None
    lost: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    reading: Reading | None = None
    workers: Workers | None = None
    renewals: list[str] = field(default_factory=list)
    finding: Told | None = None

    def present(self) -> datetime:
        return self.ticking() if self.ticking else self.now

    @property
    def run_id(self) -> str:
        return f"{self.schedule.evidence.chain}-{self.sequence:06d}"


@dataclass(frozen=True)
class _Part:
    """What a run does of join, judge and report: all of it, or what is about one finding. `own`: its results of all that its checks say."""

    checks: tuple[Check, ...]
    join: Callable[[World], World]
    own: Callable[[pd.DataFrame], pd.DataFrame]
    reports: tuple[Report, ...]


Acts = Callable[[World], tuple[Mapping[str, Any], Sequence[Act]]]
"""The judged world -> the plan, and what became of its changes."""


def run(
    schedule: Schedule,
    out: Path,
    now: datetime,
    *,
    job: str | None = None,
    watch: Watch | None = None,
    resume: str | None = None,
    workers: Workers | None = None,
) -> Finished:
    """The scheduled job: reads the world, changes what the schedule says may be changed, and writes one sealed run folder below `out`.

    `resume`: the cut run to go on with (empty: the one there is); it keeps its number and its clock. `workers` read accounts; None: all is read here.
    Raises ReporterError; Stopped where `watch` asks to stop: then what was read is kept.
    """
    watch = watch or Watch()
    kept, ticking = held_back(schedule), clock.running(now)
    refuse_too_long(schedule.exceptions, now.date())
    _refuse_unknown(schedule)
    cut = cut_run(schedule, out, now, job, resume) if resume is not None else None
    start, job = (cut.begun.start, cut.begun.job) if cut else (now, job)
    clients = open_clients(schedule)
    store = open_store(schedule, out, clients.aws)
    sealing = Sealing.of(schedule, out, store)
    mails = outbox(schedule.deliver.email, store, now, schedule.recipients())
    sent = sent_findings.known(store, schedule.evidence.chain)
    again = cut.begun.number if cut else None
    with building(out, _numbering(schedule, store, now), sealing.in_chain, again=again) as (folder, number):
        reading = Reading(cut or new_run(schedule, out, start, job, number), RawFolder(folder / "raw"), cut=cut is not None)
        lost = _bring_back(sealing, clients.aws, ticking)
        facts = _Facts(
            "scheduled",
            schedule,
            start,
            clients.aws.endpoint_override,
            kept,
            number,
            job=job,
            ticking=ticking,
            lost=lost,
            reading=reading,
            workers=workers,
        )
        watch.begun(facts.run_id, job)
        try:
            finished, clients, plan = (_stood if is_named(folder) else _night)(folder, sealing, facts, sent, watch)
            finished = _keep(finished, sealing, clients.aws, ticking, watch)
            if schedule.deliver.security_hub:
                hubs = Hubs(store, schedule.evidence.chain, sent, ticking, partial(_hub_client, clients.aws, plan))
                finished = replace(finished, hubs=hubs.publish(finished.folder))
            finished = replace(finished, deliveries=mails.publish(finished.folder))
            finished = replace(finished, rules=Asking(schedule, store, clients.aws, plan.access, ticking).publish(finished.folder))
        except Stopped:
            reading.raw.close()
            raise reading.left.stopped(reading.planned) from None
        except ReporterError as error:
            reading.raw.close()
            if reading.left.exists:
                error.meanwhile = "; ".join(filter(None, (error.meanwhile, f"what was read is kept: {reading.left.how}")))
            raise
        reading.left.remove()
        return finished


def _night(folder: Path, sealing: Sealing, facts: _Facts, sent: sent_findings.Known, watch: Watch) -> tuple[Finished, Clients, ScopePlan]:
    """From the plan of scopes to the seal."""
    schedule, store, reading = facts.schedule, sealing.store, facts.reading
    assert reading is not None  # noqa: S101  # a scheduled run reads
    if reading.cut:
        start_over(folder)

    def renewed(said: str) -> None:
        facts.renewals.append(said)
        watch.noted("key", said)

    clients = open_clients(schedule, reading.raw, reading.calls, renewed)
    plan = _planned(schedule, clients, reading, watch)
    watch.stage("gather")
    opener = Opener(clients, plan, schedule.settings().config_rule_prefix, facts.now)
    gathered = reading.gather(plan, opener, watch.settled, watch.pulse, facts.present(), _away(facts, reading, watch))
    facts = replace(facts, identity=clients.aws.identity("")["arn"])
    who = IDENTITIES.frame(clients.identities(plan.access.values()))
    stored = packs.since(store, schedule.evidence.chain, sealing.out, sealing.head(), schedule.evidence.store)
    asked = config_rules.last_asked(store, schedule.evidence.chain) if schedule.deliver.config_rules else []
    mailed = looked_up(deliveries.last_mails(store, schedule.evidence.chain, sealing.out), schedule.deliver.email, clients.aws)
    came_of_it = deliveries.tables([*mailed, *stored, *sent.deliveries, *asked])
    evidence = {IDENTITIES.name: who, QUERIES.name: QUERIES.frame(reading.calls.rows())}
    gathered = Gathered({**gathered.tables, **came_of_it, **sent.tables(), **evidence}, gathered.ledger)
    finished = _conclude(folder, sealing, facts, gathered, watch, _changing(facts, store, clients, watch).scheduled)
    calls, throttled = reading.calls.sent()
    return replace(finished, calls=calls, throttled=throttled), clients, plan


def _away(facts: _Facts, reading: Reading, watch: Watch) -> Away | None:
    if facts.workers is None:
        return None
    terms = Terms(this_program(), facts.now, facts.schedule.settings().config_rule_prefix, CallLimits.of(facts.schedule))
    return Away(facts.workers, terms, reading.raw, reading.calls, watch.noted)


def _stood(folder: Path, sealing: Sealing, facts: _Facts, sent: sent_findings.Known, watch: Watch) -> tuple[Finished, Clients, ScopePlan]:
    """A run that was cut after it was sealed: what it came to. What is left is to publish it."""
    del sealing, sent
    clients = open_clients(facts.schedule)
    assert facts.reading is not None  # noqa: S101  # a scheduled run reads
    plan = _planned(facts.schedule, clients, facts.reading, watch)
    counts = json.loads((folder / "run.json").read_text(encoding="utf-8"))["counts"]
    unread = any(counts["scopes"].get(state.value) for state in (ScopeState.DENIED, ScopeState.UNAVAILABLE))
    found = sum(counts["findings"].values())
    return Finished(folder, counts["results"], counts["scopes"], unread, facts.held_back, counts["actions"], findings=found), clients, plan


def _planned(schedule: Schedule, clients: Clients, reading: Reading, watch: Watch) -> ScopePlan:
    watch.stage("plan scopes")
    plan = plan_scopes(schedule, discover(), clients)
    reading.planned = len(plan.aws) + len(plan.tenants)
    watch.planned(len(set(plan.all())))
    return plan


def run_finding(
    schedule: Schedule, out: Path, now: datetime, told: Told, caller: str, access: Access, *, watch: Watch | None = None
) -> Finished | None:
    """One finding that an event told of, as a run of its own of kind `event`: reads, judges and changes what the finding names, and nothing else.

    `caller`: account of the current credentials; `access`: how the finding's account is read. None: there is nothing to do, for the finding is
    closed, or about no host; then nothing is written. Raises ReporterError.
    """
    watch = watch or Watch()
    refuse_too_long(schedule.exceptions, now.date())
    _refuse_unknown(schedule)
    clients = open_clients(schedule)
    found = Look(schedule, clients, told, caller, access, now).finding()
    if found is None or not concerns_hosts(told.source, found) or getattr(found, "sample", False) or getattr(found, "archived", False):
        return None
    store, ticking = open_store(schedule, out, clients.aws), clock.running(now)
    sealing = Sealing.of(schedule, out, store)
    with building(out, _numbering(schedule, store, now), sealing.in_chain) as (folder, number):
        calls = Calls()
        clients = open_clients(schedule, RawFolder(folder / "raw"), calls)
        watch.stage("gather")
        looked = Look(schedule, clients, told, caller, access, now).whole()
        identity = clients.aws.identity("")["arn"]
        who = IDENTITIES.frame(clients.identities([access]))
        override = clients.aws.endpoint_override
        facts = _Facts("event", schedule, now, override, held_back(schedule), number, identity=identity, ticking=ticking, finding=told)
        evidence = {IDENTITIES.name: who, QUERIES.name: QUERIES.frame(calls.rows())}
        gathered = Gathered({**looked.gathered.tables, **evidence}, looked.gathered.ledger)
        part = _Part(
            one_finding.checks(told.source),
            partial(one_finding.narrowed, about=looked.about),
            partial(one_finding.own, about=looked.about),
            tuple(report for report in discover_reports() if report.name in one_finding.REPORTS),
        )
        changing = partial(_changing(facts, store, clients, watch).named, told.finding)
        finished = _conclude(folder, sealing, facts, gathered, watch, changing, part)
        return _keep(finished, sealing, clients.aws, ticking, watch)


def judge_again(stored: Path, schedule: Schedule | None = None, *, watch: Watch | None = None) -> Finished:
    """A stored run, joined and judged again without the world and at its own clock, as a new run beside it. Raises ReporterError."""
    watch = watch or Watch()
    was = read_run(stored)
    if schedule is not None:
        _refuse_unknown(schedule)
    schedule = schedule or was.schedule
    out, aws, ticking = stored.resolve().parent, AwsClients(), clock.running(clock.now())
    store = open_store(schedule, out, aws)
    sealing = Sealing.of(schedule, out, store)
    with building(out, _numbering(schedule, store, ticking()), sealing.in_chain) as (folder, number):
        facts = _Facts(
            "judge", schedule, was.now, was.endpoint_override, held_back(schedule), number, acts_on=was.run_id, stored=stored, identity=was.identity
        )
        past = Past() if schedule.state else journal.read(store)  # a bucket is the world
        plan = partial(planned, facts.run_id, schedule, facts.now, facts.identity, past=past)
        return _keep(_conclude(folder, sealing, facts, _stored(stored), watch, plan), sealing, aws, ticking, watch)


def apply_plan(stored: Path, now: datetime, *, watch: Watch | None = None) -> Finished:
    """Make the changes of a stored run's plan that a person approved, as a new run of kind `apply` beside it. Raises ReporterError."""
    watch = watch or Watch()
    was, said = read_run(stored), read_plan(stored)
    changes = changes_of(said, str(stored / "plan.json"))
    clients = open_clients(was.schedule)
    store = open_store(was.schedule, stored.resolve().parent, clients.aws)
    approval = standing_approval(stored, was, said, store, now)

    def acts(facts: _Facts) -> Acts:
        return lambda _: (said, _changing(facts, store, clients, watch).approved(changes, str(said["hash"])))

    return _on_stored("apply", stored, was, now, clients, store, approval, acts, watch)


def undo_run(stored: Path, now: datetime, *, watch: Watch | None = None) -> Finished:
    """Take back what a run changed, as a new run of kind `undo` beside it. Raises ReporterError."""
    watch = watch or Watch()
    was = read_run(stored)
    clients = open_clients(was.schedule)
    store = open_store(was.schedule, stored.resolve().parent, clients.aws)
    require_sealed(stored, was.schedule, stored.resolve().parent, store)

    def acts(facts: _Facts) -> Acts:
        empty = hashed(facts.run_id, (), {}, now, facts.identity, was.schedule)
        return lambda _: (empty, _changing(facts, store, clients, watch).undone(was.run_id))

    return _on_stored("undo", stored, was, now, clients, store, None, acts, watch)


def _on_stored(
    kind: str,
    stored: Path,
    was: StoredRun,
    now: datetime,
    clients: Clients,
    store: Store,
    approval: Approval | None,
    acts: Callable[[_Facts], Acts],
    watch: Watch,
) -> Finished:
    """A run that acts on a stored one: its tables, joined and judged at the instant they were read, and what was changed now."""
    schedule, out = was.schedule, stored.resolve().parent
    sealing = Sealing.of(schedule, out, store)
    with building(out, _numbering(schedule, store, now), sealing.in_chain) as (folder, number):
        facts = _Facts(
            kind,
            schedule,
            now,
            clients.aws.endpoint_override,
            held_back(schedule),
            number,
            acts_on=was.run_id,
            stored=stored,
            read_at=was.now,
            identity=clients.aws.identity("")["arn"],
            approval=approval,
        )
        finished = _conclude(folder, sealing, facts, _stored(stored), watch, acts(facts))
        return _keep(finished, sealing, clients.aws, clock.running(now), watch)


def _refuse_unknown(schedule: Schedule) -> None:
    refuse_unknown(schedule.exceptions, {check.id for check in discover_checks()})


def _keep(finished: Finished, sealing: Sealing, aws: AwsClients, now: Callable[[], datetime], watch: Watch) -> Finished:
    """The sealed pack in its store, and what became of it in the state."""
    watch.stage("publish")
    if finished.no_stamp:
        run_id, url = read_seal(finished.folder)["run_id"], sealing.evidence.tsa_url
        said = Delivery(run_id, TIMESTAMP, url, DeliveryState.REFUSED, now(), finished.no_stamp, packs.STAMP)
        finished = replace(finished, no_stamp=packs.received(sealing.store, said).message)
    return replace(finished, packs=_pack_store(sealing, aws, now).publish(sealing.out))


def _bring_back(sealing: Sealing, aws: AwsClients, now: Callable[[], datetime]) -> dict[str, tuple[str, bool]]:
    """On a machine that has lost them: the newest pack, which this run judges, and that of the last scheduled run, which it is compared with."""
    wanted = [head for head in (sealing.head(), sealing.last("scheduled")) if head is not None]
    lost = _pack_store(sealing, aws, now).bring_back(sealing.out, wanted, Trust(sealing.chain_keys()))
    return {run: (astray.why, astray.known) for run, astray in lost.items()}


def _pack_store(sealing: Sealing, aws: AwsClients, now: Callable[[], datetime]) -> PackStore:
    return PackStore(sealing.evidence, sealing.store, now, lambda: aws.client("", "s3", HOME_REGION))


def _hub_client(aws: AwsClients, plan: ScopePlan, account: str, region: str) -> Any:
    """Security Hub, asked as the account that the findings are of. Raises Denied, BotoCoreError."""
    access = plan.access.get(account)
    if access is None:
        raise Denied(f"account {account} is not in the schedule")
    return aws.client(account, "securityhub", region, access.role, access.external_id)


def _numbering(schedule: Schedule, store: Store, now: datetime) -> Callable[[int], int]:
    """The last number here -> the next one. A run that died after it wrote into the journal keeps its number; a shared state is asked first."""
    chain = schedule.evidence.chain
    if schedule.state:
        return lambda last: sequence.claim(store, chain, last, now)
    return lambda last: max(last, sequence.last_known(store, chain)) + 1


def _changing(facts: _Facts, store: Store, clients: Clients, watch: Watch) -> Changing:
    account = facts.identity.split(":")[4] if facts.identity else ""
    resumed = facts.reading is not None and facts.reading.cut
    return Changing(
        facts.run_id,
        facts.schedule,
        facts.now,
        facts.identity,
        store,
        clients,
        account,
        watch.stage,
        watch.acted,
        facts.ticking,
        watch.pulse,
        resumed,
    )


def _stored(folder: Path) -> Gathered:
    """The source tables and the ledger of a stored run, and what cannot be made again: its calls, as whom it read, the population before it.

    Raises ReporterError.
    """
    ledger = read_ledger(folder)
    try:
        names = {table.name for source in discover() for table in source.tables}
        tables = read_tables(folder, names | {QUERIES.name, IDENTITIES.name, PREVIOUS_POPULATION.name})
    except (OSError, ValueError, TableError) as error:
        raise ReporterError("the stored tables cannot be read", where=str(folder / "tables"), fix="an unchanged run folder") from error
    return Gathered(tables, ledger)


def _conclude(folder: Path, sealing: Sealing, facts: _Facts, gathered: Gathered, watch: Watch, acts: Acts, part: _Part | None = None) -> Finished:
    """join, judge, compare, propose, apply, verify, report, seal, remember: everything after the world was read. `part`: where it is not all."""
    schedule, whole = facts.schedule, part is None
    part = part or _Part(discover_checks(), join, lambda results: results, discover_reports())
    before = previous(sealing.out, schedule.evidence.chain, sealing.chain_keys(), facts.stored, sealing.head(), facts.lost)
    read_at = facts.read_at or facts.now
    give_back()
    watch.stage("join")
    tables = {**previous_population(before.compared if whole else None), **gathered.tables, **before.tables(), **exceptions_table(schedule)}
    world = part.join(World(tables, gathered.ledger, schedule.settings(), read_at))
    give_back()
    watch.stage("judge")
    ages = before.ages if whole or before.compared else None  # where no run of the past is at hand, nobody says that it began now
    results = part.own(judge(world, part.checks, schedule.exceptions, ages, before.failing))
    give_back()
    watch.stage("compare")
    judged = {**world.tables, RESULTS.name: results, SCOPES.name: scopes_frame(world.ledger)}
    changes = compare_runs(facts.kind, facts.run_id, schedule, before, world, judged, part.checks)
    give_back()
    watch.stage("propose")
    plan, rows = acts(world.with_tables({RESULTS.name: results}))
    view = _view(facts, acted(world, rows), results, before, changes, plan, rows, part.checks)
    watch.stage("report")
    for report in part.reports:
        report.write_all(folder, view)
        give_back()
    _write_json(folder / "redactions.json", {source.name: list(source.redacts) for source in discover() if source.redacts})
    said_by = json.loads(schedule.model_dump_json())
    more = {
        "start": clock.iso(facts.now),
        "read_at": clock.iso(read_at),
        "sequence": facts.sequence,
        "job": facts.job,
        "acts_on": facts.acts_on,
        "identity": facts.identity or None,
        "resumed": facts.reading.resumed if facts.reading else None,
        "keys_read_again": facts.renewals,
        "approval": asdict(facts.approval) if facts.approval else None,
        **({"finding": facts.finding.as_json()} if facts.finding else {}),
        **changes.as_json(),
        "schedule": said_by,
        "schedule_sha256": hashlib.sha256(json.dumps(said_by, sort_keys=True, separators=(",", ":")).encode()).hexdigest(),
    }
    watch.stage("seal")

    def describe(last: Head | None) -> None:
        (folder / "run.json").unlink(missing_ok=True)
        said = {**more, "previous": last.run_id if last else None}
        _write_json(folder / "run.json", run_json(view, folder, end=max(facts.now, clock.now()), more=said))

    said = Seal(schedule.evidence.chain, facts.sequence, facts.run_id, facts.now, __version__, kind=facts.kind)
    done, missing = sealing.seal(folder, said, describe)
    unread = bool(gathered.ledger.unread())
    found = sum(view.by_finding_source().values())
    return Finished(done, view.by_status(), view.by_scope_state(), unread, facts.held_back, view.by_action(), no_stamp=missing, findings=found)


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


def _view(
    facts: _Facts,
    world: World,
    results: pd.DataFrame,
    before: Previous,
    changes: Comparison,
    plan: Mapping[str, Any],
    rows: Sequence[Act],
    checks: tuple[Check, ...],
) -> View:
    schedule = facts.schedule
    unknown = schedule.deliver.config_rules.unknown if schedule.deliver.config_rules else "retire"
    return View(
        run_id=facts.run_id,
        kind=facts.kind,
        chain=schedule.evidence.chain,
        now=world.now,
        version=__version__,
        endpoint_override=facts.endpoint_override,
        tenants=tuple(tenant.name for tenant in schedule.workload_protection),
        checks=checks,
        tables={
            **world.tables,
            **changes.tables,
            RESULTS.name: results,
            SCOPES.name: scopes_frame(world.ledger),
            ACTIONS.name: actions_frame(rows),
            CONTROLS.name: frameworks.controls(results, schedule.reports.frameworks),
        },
        compared_with=changes.compared_with,
        compared_notes=changes.notes,
        plan=plan,
        actions=[row.as_json() for row in rows],
        evaluations=list(evaluations(results, world, unknown=unknown, seal=before.seal_sha256)),
        owners=schedule.owners,
        excluded=int(world.table(EXCLUDED_INSTANCES)["instances"].sum()),
        held_back=facts.held_back,
        self_test=self_test(),
        exports=schedule.exports(),
        export_all=schedule.reports.export_results == "all",
        languages=schedule.languages(),
        recipients=schedule.recipients() if facts.kind == "scheduled" else (),
    )


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
