"""Plan scopes: everything that will be read, said before the first source is called. The ledger must add up to this.

A region that is enabled in an account but not in the schedule is planned as `skipped`: what was not looked at is a finding for an auditor. Which
regions are enabled, which accounts the organisation has, and who is calling are the only questions asked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from reporter.core.errors import ReporterError, ScheduleError, ScopeProblem
from reporter.core.ledger import LedgerRow
from reporter.core.scope import GLOBAL, TENANT_REGION, Reach, Scope, ScopeState
from reporter.core.source import Source
from reporter.schedule import Account, Schedule


class Asker(Protocol):
    """The three questions asked of AWS before any source is read (clients/aws.py answers them)."""

    def caller(self) -> str: ...

    def organization_accounts(self) -> list[str]: ...

    def enabled_regions(self, account: str, role: str | None, external_id: str | None) -> list[str]: ...


@dataclass(frozen=True)
class Access:
    """How an account is read: through a role, or (None) with the current credentials."""

    account: str
    role: str | None = None
    external_id: str | None = None


@dataclass(frozen=True)
class ScopePlan:
    """What will be read, and how; rows that are already known (skipped regions, accounts that could not be asked)."""

    caller: str
    access: Mapping[str, Access]
    sources: tuple[Source, ...]
    aws: tuple[tuple[Scope, Source], ...]
    tenants: tuple[tuple[Scope, Source], ...]
    settled: tuple[LedgerRow, ...] = ()
    delegated: Mapping[str, str] = field(default_factory=dict)

    def all(self) -> Iterable[Scope]:
        for scope, _ in (*self.aws, *self.tenants):
            yield scope
        for row in self.settled:
            yield row.scope


def plan_scopes(schedule: Schedule, sources: Iterable[Source], ask: Asker) -> ScopePlan:
    """The schedule and what AWS says of accounts and regions -> every scope of this run. Raises ReporterError where not even accounts are known."""
    listed = tuple(sorted(sources, key=lambda source: source.name))
    caller = _caller(ask)
    access = {item.account: item for item in _accounts(schedule, ask, caller)}
    aws: list[tuple[Scope, Source]] = []
    settled: list[LedgerRow] = []
    for account in sorted(access):
        regions, rows = _regions(schedule, ask, access[account])
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
    return ScopePlan(
        caller,
        access,
        listed,
        tuple(aws),
        tuple(tenants),
        tuple(settled),
        {str(service): admin for service, admin in schedule.aws.delegated_admin.items()},
    )


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


def _own(account: Account, caller: str) -> Access:
    if account.role is None and account.id != caller:
        raise ScheduleError(
            f"account {account.id} has no role, and the current credentials belong to account {caller}",
            where="aws.accounts",
            fix=f"give the account a role: arn:aws:iam::{account.id}:role/reporter-read",
            meanwhile="nothing was read or written",
        )
    return Access(account.id, account.role, account.external_id)


def _regions(schedule: Schedule, ask: Asker, access: Access) -> tuple[list[str], list[LedgerRow]]:
    """Regions to read in an account, and rows for what is known not to be read."""
    wanted = schedule.aws.regions
    try:
        enabled = ask.enabled_regions(access.account, access.role, access.external_id)
    except ScopeProblem as problem:
        row = LedgerRow(
            Scope(access.account, GLOBAL, "ec2"),
            problem.state,
            message=f"which regions are enabled could not be asked: {problem.message}",
            permission=problem.permission or "ec2:DescribeRegions",
        )
        return ([] if wanted == "all" else list(wanted)), [row]
    if wanted == "all":
        return sorted(enabled), []
    skipped = sorted(set(enabled) - set(wanted))
    message = "the region is enabled in this account but not in the schedule: nothing was read there"
    return list(wanted), [LedgerRow(Scope(access.account, region, "ec2"), ScopeState.SKIPPED, message=message) for region in skipped]


def _places(source: Source, regions: list[str]) -> list[str]:
    if source.reach is Reach.REGIONAL:
        return [*regions, GLOBAL] if source.also_global else regions
    return [GLOBAL] if source.reach is Reach.GLOBAL else []
