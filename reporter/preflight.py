"""Preflight: can everything the schedule names be reached? Harmless reads only; each failing line says what to change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from reporter.clients.aws import HOME_REGION
from reporter.clients.kms import KmsKey
from reporter.clients.pack_bucket import MODES, Mode, PackBucket
from reporter.clients.workload_protection import WpClient, WpReader
from reporter.core.errors import ReporterError, ScopeProblem
from reporter.core.scope import TENANT_REGION, Scope, ScopeState
from reporter.core.source import Source
from reporter.gather import read_scope
from reporter.held_back import held_back
from reporter.opening import Clients, open_clients
from reporter.schedule import Schedule
from reporter.scopes import plan_scopes
from reporter.sources import wp_roles
from reporter.tables.workload_protection import WP_ROLES


@dataclass(frozen=True)
class Finding:
    """One thing that was tried."""

    what: str
    good: bool
    seen: str
    fix: str = ""


def preflight(schedule: Schedule) -> list[Finding]:
    """Try every way in that the schedule names. Raises ScheduleError for what is wrong with the schedule itself."""
    findings = [Finding("schedule", True, "valid")]
    findings += [Finding("delivery", True, sentence) for sentence in held_back(schedule)]
    clients = open_clients(schedule)
    return [*findings, *_aws(schedule, clients), *_tenants(clients), *_evidence(schedule, clients)]


def _aws(schedule: Schedule, clients: Clients) -> Iterator[Finding]:
    if clients.aws.endpoint_override:
        yield Finding("AWS endpoint", True, f"overridden: calls go to {clients.aws.endpoint_override}, every output will say so")
    try:
        plan = plan_scopes(schedule, (), clients)
    except ReporterError as error:
        yield Finding("AWS", False, error.what, error.fix)
        return
    yield Finding("AWS caller", True, f"account {plan.caller}")
    for account, access in sorted(plan.access.items()):
        what = f"account {account}"
        try:
            identity = clients.aws.identity(account, access.role, access.external_id)
        except ScopeProblem as problem:
            yield Finding(what, False, problem.message, f"grant {problem.permission or 'sts:AssumeRole, and let the role trust the caller'}")
            continue
        if identity["account"] == account:
            yield Finding(what, True, identity["arn"])
        else:
            yield Finding(what, False, f"the credentials belong to account {identity['account']}", "give the account a role of its own")
    for row in plan.settled:
        if row.permission:
            yield Finding(f"regions of {row.scope.account}", False, row.message, f"grant {row.permission}")


def _tenants(clients: Clients) -> Iterator[Finding]:
    for name, client in sorted(clients.wp.items()):
        what = f"Workload Protection {name}"
        row, rows = read_scope(Scope(name, TENANT_REGION, wp_roles.SOURCE.name), wp_roles.SOURCE, partial(_reader, client))
        if row.state is not ScopeState.OK:
            yield Finding(what, False, row.message, f"grant: {row.permission}" if row.permission else "the URL, and the way to it")
            continue
        role = dict(zip(WP_ROLES.names, rows[WP_ROLES.name][0], strict=True))
        expires = f", key expires {role['key_expires']:%Y-%m-%d}" if role["key_expires"] else ""
        if role["all_computers"] and role["all_policies"]:
            yield Finding(what, True, f"role {role['role_name']} sees every computer and policy{expires}")
        else:
            seen = f"role {role['role_name']} does not see every computer and policy: instances without a computer stay unknown{expires}"
            yield Finding(what, False, seen, "a key whose role has all computers and all policies")


def _evidence(schedule: Schedule, clients: Clients) -> Iterator[Finding]:
    """The key that signs, and the bucket that keeps packs; a key of this machine is only made by a run."""
    evidence = schedule.evidence
    for what, name in (("evidence key", evidence.key), ("evidence next key", evidence.next_key)):
        if name.startswith("kms:"):
            yield _tried(what, partial(_signs, name.removeprefix("kms:")))
    if not evidence.key and schedule.state:
        seen = "none is named, and the state is in a bucket: each machine signs with a key of its own"
        yield Finding("evidence key", False, seen, "evidence.key: kms:alias/… of a P-256 key")
    if evidence.store.startswith("s3://"):
        bucket = PackBucket(evidence.store, clients.aws.client("", "s3", HOME_REGION))
        yield _tried("evidence store", partial(_keeps, bucket, MODES[evidence.lock]))


def _tried(what: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except ReporterError as error:
        return Finding(what, False, error.what, error.fix)


def _signs(name: str) -> Finding:
    key = KmsKey.find(name)
    key.try_to_sign()
    return Finding("evidence key", True, f"{key.arn} signs")


def _keeps(bucket: PackBucket, mode: Mode) -> Finding:
    lacking = bucket.look().lacks(mode)
    if lacking:
        return Finding("evidence store", False, *lacking)
    return Finding("evidence store", True, f"{bucket.url} is versioned, {f'packs are locked ({mode})' if mode else 'packs are not locked'}")


def _reader(client: WpClient, _: Scope, source: Source) -> WpReader:
    return client.reader(source.name)
