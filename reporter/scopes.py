"""Plan scopes: everything that will be read, said before the first source is called. The ledger must add up to this.

A region that is enabled in an account but not in the schedule is planned as `skipped`: what was not looked at is a finding for an auditor. So is a
region of the schedule that is not enabled in an account; one that is enabled in no account at all is a mistake in the schedule. Which regions are
enabled, which accounts the organisation has, and who is calling are the only questions asked here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from reporter.core.errors import ReporterError, ScheduleError, ScopeProblem, Unavailable
from reporter.core.export import ExportTo
from reporter.core.ledger import LedgerRow
from reporter.core.scope import GLOBAL, TENANT_REGION, Reach, Scope, ScopeState
from reporter.core.source import Source
from reporter.schedule import Account, Schedule

ASKED_AT_ONCE = 16
"""accounts whose regions are asked for at the same time"""


class Asker(Protocol):
    """The three questions asked of AWS before any source is read (clients/aws.py answers them)."""

    def caller(self) -> str: ...

    def organization_accounts(self) -> list[str]: ...

    def enabled_regions(self, account: str, role: str | None, external_id: str | None) -> list[str]: ...


@dataclass(frozen=True)
class Access:
    """How an account is read: through a role, or (None) with the current credentials. `exports`: region -> where Inspector writes its findings to."""

    account: str
    role: str | None = None
    external_id: str | None = None
    exports: tuple[tuple[str, ExportTo], ...] = ()

    def export(self, region: str, source: str) -> ExportTo | None:
        """Where a source's service exports to what it has in a region, where the schedule says so."""
        return dict(self.exports).get(region) if source == "inspector" else None


@dataclass(frozen=True)
class ScopePlan:
    """What will be read, and how; rows that are already known (skipped regions, accounts that could not be asked).

    `delegated`: scope -> the delegated administrator's scope where it is read; that one stands for itself.
    """

    caller: str
    access: Mapping[str, Access]
    sources: tuple[Source, ...]
    aws: tuple[tuple[Scope, Source], ...]
    tenants: tuple[tuple[Scope, Source], ...]
    settled: tuple[LedgerRow, ...] = ()
    delegated: Mapping[Scope, Scope] = field(default_factory=dict)

    def all(self) -> Iterable[Scope]:
        for scope, _ in (*self.aws, *self.tenants):
            yield scope
        for row in self.settled:
            yield row.scope


def plan_scopes(schedule: Schedule, sources: Iterable[Source], ask: Asker) -> ScopePlan:
    """The schedule and what AWS says of accounts and regions -> every scope of this run.

    Raises ReporterError where not even accounts are known, ScheduleError for what the schedule names and AWS does not know.
    """
    listed = tuple(sorted(sources, key=lambda source: source.name))
    caller = _caller(ask)
    access = {item.account: item for item in _accounts(schedule, ask, caller)}
    administrators = _administrators(schedule, access)
    enabled = _enabled_in_each(ask, access)
    _check_regions(schedule.aws.regions, enabled.values())
    aws: list[tuple[Scope, Source]] = []
    settled: list[LedgerRow] = []
    for account, answer in enabled.items():
        regions, rows = _regions(schedule.aws.regions, account, answer)
        settled += rows
        for source in listed:
            aws += [(Scope(account, region, source.name), source) for region in _places(source, regions)]
    aws += [(Scope(caller, GLOBAL, source.name), source) for source in listed if source.reach is Reach.ORGANIZATION]
    tenants = [
        (Scope(tenant.name, TENANT_REGION, source.name), source)
        for tenant in schedule.workload_protection
        for source in listed
        if source.reach is Reach.TENANT
    ]
    return ScopePlan(caller, access, listed, tuple(aws), tuple(tenants), tuple(settled), _delegated(administrators, [scope for scope, _ in aws]))


def access_to(schedule: Schedule, ask: Asker, account: str) -> tuple[str, Access]:
    """(account of the caller, how one account is read). Raises ReporterError where accounts are not known, or this one is none of the schedule's."""
    caller = _caller(ask)
    access = next((item for item in _accounts(schedule, ask, caller) if item.account == account), None)
    if access is None:
        raise ReporterError(
            f"account {account} is none of those that the schedule names",
            where="aws.organization" if schedule.aws.organization else "aws.accounts",
            fix="add it there, or take away what asks in its name",
            meanwhile="nothing was read or answered",
        )
    return caller, access


def plan_place(schedule: Schedule, sources: Iterable[Source], caller: str, access: Access, region: str) -> ScopePlan:
    """The scopes of one account and region, and of every tenant: what a question about something there needs."""
    listed = tuple(sorted(sources, key=lambda source: source.name))
    aws = tuple((Scope(access.account, region, source.name), source) for source in listed if source.reach is Reach.REGIONAL)
    tenants = tuple(
        (Scope(tenant.name, TENANT_REGION, source.name), source)
        for tenant in schedule.workload_protection
        for source in listed
        if source.reach is Reach.TENANT
    )
    return ScopePlan(caller, {access.account: access}, listed, aws, tenants)


def plan_account(schedule: Schedule, sources: Iterable[Source], ask: Asker, caller: str, access: Access) -> ScopePlan:
    """The scopes of one account, in every region of the schedule, and of the organisation. IAM of every other account is `skipped`, so that what
    its roles can reach is not known, rather than nothing. Raises ReporterError where accounts are not known."""
    listed = tuple(sorted(sources, key=lambda source: source.name))
    regions, settled = _regions(schedule.aws.regions, access.account, _enabled(ask, access))
    aws = [(Scope(access.account, region, source.name), source) for source in listed for region in _places(source, regions)]
    aws += [(Scope(caller, GLOBAL, source.name), source) for source in listed if source.reach is Reach.ORGANIZATION]
    others = [item.account for item in _accounts(schedule, ask, caller) if item.account != access.account]
    settled += [LedgerRow(Scope(other, GLOBAL, "iam"), ScopeState.SKIPPED, message="a single event reads its own account alone") for other in others]
    return ScopePlan(caller, {access.account: access}, listed, tuple(aws), (), tuple(settled))


def _caller(ask: Asker) -> str:
    try:
        return ask.caller()
    except ScopeProblem as problem:
        raise ReporterError(
            f"AWS does not say who is calling: {problem.message}",
            where="sts:GetCallerIdentity",
            fix="give the job credentials (AWS_PROFILE, a task role, …) and check AWS_ENDPOINT_URL if it is set",
            meanwhile="nothing was read or written; there is no report of this run",
        ) from problem


def _accounts(schedule: Schedule, ask: Asker, caller: str) -> list[Access]:
    accounts = _named(schedule, ask, caller)
    return [replace(access, exports=_exports(schedule, access.account)) for access in accounts] if schedule.aws.inspector_export else accounts


def _exports(schedule: Schedule, account: str) -> tuple[tuple[str, ExportTo], ...]:
    """Region -> where Inspector writes an account's findings to, where the schedule says so of it."""
    wanted = [(region, one) for region, one in sorted(schedule.aws.inspector_export.items()) if not one.accounts or account in one.accounts]
    return tuple((region, ExportTo(one.bucket, one.key_arn, one.prefix, one.patience.total_seconds())) for region, one in wanted)


def _named(schedule: Schedule, ask: Asker, caller: str) -> list[Access]:
    organization = schedule.aws.organization
    if organization is None:
        return [_own(account, caller) for account in schedule.aws.accounts]
    try:
        ids = ask.organization_accounts()
    except ScopeProblem as problem:
        raise ReporterError(
            f"the organisation's accounts cannot be listed: {problem.message}",
            where="aws.organization",
            fix=f"grant {problem.permission or 'organizations:ListAccounts'} to the job, or list the accounts under aws.accounts",
            meanwhile="nothing was read; there is no report of this run",
        ) from problem
    role = organization.role
    return [Access(account, None if account == caller else f"arn:aws:iam::{account}:role/{role}", organization.external_id) for account in ids]


def _administrators(schedule: Schedule, access: Mapping[str, Access]) -> dict[str, str]:
    """Source -> account of its delegated administrator."""
    administrators = {str(service): admin for service, admin in schedule.aws.delegated_admin.items()}
    for service, admin in administrators.items():
        if admin not in access:
            raise ScheduleError(
                f"the delegated administrator {admin} is not among the accounts of the schedule, so nothing says how to read it",
                where=f"aws.delegated_admin.{service}",
                fix="list the account under aws.accounts, or leave the delegated administrator out",
                meanwhile="nothing was read or written",
            )
    return administrators


def _delegated(administrators: Mapping[str, str], scopes: list[Scope]) -> dict[Scope, Scope]:
    """Scope -> its administrator's. Where the administrator itself is not read (a region that only a member has), each account is read alone."""
    planned = set(scopes)
    pairs = {scope: Scope(administrators[scope.source], scope.region, scope.source) for scope in scopes if scope.source in administrators}
    return {scope: at for scope, at in pairs.items() if at in planned}


def _own(account: Account, caller: str) -> Access:
    if account.role is None and account.id != caller:
        raise ScheduleError(
            f"account {account.id} has no role, and the current credentials belong to account {caller}",
            where="aws.accounts",
            fix=f"give the account a role: arn:aws:iam::{account.id}:role/reporter-read",
            meanwhile="nothing was read or written",
        )
    return Access(account.id, account.role, account.external_id)


_Wanted = tuple[str, ...] | Literal["all"]
_Enabled = list[str] | ScopeProblem


def _enabled(ask: Asker, access: Access) -> _Enabled:
    """Regions that are enabled in an account, or why it does not say them. Some always are: an answer without any cannot be believed."""
    try:
        enabled = ask.enabled_regions(access.account, access.role, access.external_id)
    except ScopeProblem as problem:
        return problem
    return enabled or Unavailable(f"ec2:DescribeRegions in {access.account}: broken answer: it names no region")


def _enabled_in_each(ask: Asker, access: Mapping[str, Access]) -> dict[str, _Enabled]:
    """Account -> its regions. Asked of several accounts at once: each takes two calls, for its role and for the regions."""
    accounts = sorted(access)
    with ThreadPoolExecutor(ASKED_AT_ONCE) as threads:
        return dict(zip(accounts, threads.map(lambda account: _enabled(ask, access[account]), accounts), strict=True))


def _check_regions(wanted: _Wanted, answers: Iterable[_Enabled]) -> None:
    """Raises ScheduleError for a region that no account has. Where an account does not say its regions, it may have it."""
    known: set[str] = set()
    for enabled in answers:
        if isinstance(enabled, ScopeProblem):
            return
        known.update(enabled)
    nowhere = [] if wanted == "all" else sorted(set(wanted) - known)
    if not nowhere:
        return
    close = {region: difflib.get_close_matches(region, sorted(known)) for region in nowhere}
    meant = " ".join(f"did you mean {' or '.join(names)} instead of {region}?" for region, names in close.items() if names)
    raise ScheduleError(
        f"enabled in no account of the schedule: {', '.join(nowhere)}",
        where="aws.regions",
        fix=f"{meant or 'enabled are: ' + ', '.join(sorted(known)) + '.'} Or leave it out, or enable it in an account",
        meanwhile="nothing was read or written",
    )


def _regions(wanted: _Wanted, account: str, enabled: _Enabled) -> tuple[list[str], list[LedgerRow]]:
    """Regions to read in an account, and rows for what is known not to be read."""
    if isinstance(enabled, ScopeProblem):
        row = LedgerRow(
            Scope(account, GLOBAL, "ec2"),
            enabled.state,
            message=f"which regions are enabled could not be asked: {enabled.message}",
            permission=enabled.permission or "ec2:DescribeRegions",
        )
        return ([] if wanted == "all" else list(wanted)), [row]
    if wanted == "all":
        return sorted(enabled), []
    left_out = dict.fromkeys(set(enabled) - set(wanted), "the region is enabled in this account but not in the schedule: nothing was read there")
    off = dict.fromkeys(set(wanted) - set(enabled), "the schedule names this region, but it is not enabled in this account: nothing can be there")
    rows = [LedgerRow(Scope(account, region, "ec2"), ScopeState.SKIPPED, message=why) for region, why in sorted({**left_out, **off}.items())]
    return [region for region in wanted if region in enabled], rows


def _places(source: Source, regions: list[str]) -> list[str]:
    if source.reach is Reach.REGIONAL:
        return [*regions, GLOBAL] if source.also_global else regions
    return [GLOBAL] if source.reach is Reach.GLOBAL else []
