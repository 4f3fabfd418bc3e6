"""Open the way to the world: clients for every account and tenant, and a reader for each planned scope."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reporter.clients.aws import AwsClients, AwsReader
from reporter.clients.aws_raw import RawObserver
from reporter.clients.secrets import rereading, resolve
from reporter.clients.workload_protection import WpClient
from reporter.core.answers import field
from reporter.core.call import CallLog, unlogged
from reporter.core.errors import ScopeProblem
from reporter.core.permission import By, Permission
from reporter.core.scope import GLOBAL, Reach, Scope
from reporter.core.source import Source
from reporter.core.table import Row
from reporter.schedule import Schedule
from reporter.scopes import Access, ScopePlan


@dataclass(frozen=True)
class Clients:
    """Everything a run reads through."""

    aws: AwsClients
    wp: Mapping[str, WpClient]
    told: Callable[[str], None] = lambda _: None
    """is given what came of a key that was refused and read again"""

    def caller(self) -> str:
        """Account of the current credentials. Raises Denied, Unavailable."""
        return self.aws.identity("")["account"]

    def identities(self, accounts: Iterable[Access]) -> list[Row]:
        """(account, ARN of the caller, why it could not be asked) of each account, sorted."""

        def who(access: Access) -> Row:
            try:
                return (access.account, self.aws.identity(access.account, access.role, access.external_id)["arn"], None)
            except ScopeProblem as problem:
                return (access.account, None, problem.message)

        with ThreadPoolExecutor(8) as threads:
            return sorted(threads.map(who, accounts))

    def organization_accounts(self) -> list[str]:
        """Active accounts of the organisation, sorted. Raises Denied, Unavailable."""
        reader = self.aws.reader("", GLOBAL, "organizations")
        accounts = reader.items("organizations", "list_accounts", "Accounts")
        what = "organizations ListAccounts"
        states = {str(field(account, "Id", what)): account.get("State") or field(account, "Status", what) for account in accounts}
        return sorted(account for account, state in states.items() if state == "ACTIVE")  # State takes the place of Status

    def enabled_regions(self, account: str, role: str | None, external_id: str | None) -> list[str]:
        """Regions enabled in an account, sorted. Raises Denied, Unavailable."""
        return list(self.aws.enabled_regions(account, role, external_id))


def open_clients(
    schedule: Schedule, raw: RawObserver | None = None, log: CallLog = unlogged, told: Callable[[str], None] = lambda _: None
) -> Clients:
    """Clients as the schedule asks for them; secrets are read here. Raises ScheduleError for a secret that cannot be read. Opens no connection."""
    return Clients(open_aws(schedule, raw, log), open_tenants(schedule, raw, log, told), told)


def open_aws(schedule: Schedule, raw: RawObserver | None = None, log: CallLog = unlogged) -> AwsClients:
    """Clients of AWS. Opens no connection."""
    return CallLimits.of(schedule).clients(raw, log)


def open_tenants(
    schedule: Schedule, raw: RawObserver | None = None, log: CallLog = unlogged, told: Callable[[str], None] = lambda _: None
) -> Mapping[str, WpClient]:
    """A client for each tenant; their keys are read here. Raises ScheduleError for one that cannot be read."""
    return {
        tenant.name: WpClient(
            tenant.name,
            tenant.url,
            tenant.auth,
            resolve(tenant.key, f"workload_protection {tenant.name}"),
            calls_per_minute=tenant.calls_per_minute,
            patience=tenant.patience,
            timeout=tenant.timeout,
            raw=raw,
            log=log,
            renew=rereading(tenant.key, f"workload_protection {tenant.name}"),
            told=told,
        )
        for tenant in schedule.workload_protection
    }


@dataclass(frozen=True)
class CallLimits:
    """What the schedule says of calls: seconds they may take, sends of one, how many at once for each account and service."""

    read_timeout: float
    connect_timeout: float
    max_attempts: int
    concurrency: int

    @classmethod
    def of(cls, schedule: Schedule) -> CallLimits:
        aws = schedule.aws
        return cls(aws.read_timeout, aws.connect_timeout, aws.max_attempts, aws.concurrency)

    def clients(self, raw: RawObserver | None = None, log: CallLog = unlogged) -> AwsClients:
        """Clients of AWS. Opens no connection."""
        return AwsClients(
            read_timeout=self.read_timeout,
            connect_timeout=self.connect_timeout,
            max_attempts=self.max_attempts,
            concurrency=self.concurrency,
            raw=raw,
            log=log,
        )


@dataclass(frozen=True)
class Opener:
    """A scope and its source -> a reader: through the account's role, or with the tenant's key. One for each gathering.

    The reader of a delegated administrator is made once, and is behind the readers of all its members. `only`: instances that are asked about,
    `finding`: the one finding that is, where it is not all.
    """

    clients: Clients
    plan: ScopePlan
    rule_prefix: str
    now: datetime
    only: tuple[str, ...] = ()
    finding: str = ""
    _administrators: dict[Scope, AwsReader] = dataclasses.field(default_factory=dict)
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def __call__(self, scope: Scope, source: Source) -> Any:
        if source.reach is Reach.TENANT:
            tenant = self.clients.wp[scope.account].reader(source.name, source.redacts)
            tenant.only = self.only
            return tenant
        at = self.plan.delegated.get(scope)
        if at is None:
            return self._reader(scope, source)
        administrator = self._administrator(at, source)
        if at == scope:
            return administrator
        reader = self._reader(scope, source)
        reader.administrator = administrator
        return reader

    def _administrator(self, scope: Scope, source: Source) -> AwsReader:
        with self._lock:
            if scope not in self._administrators:
                reader = self._reader(scope, source)
                reader.members = tuple(member.account for member, at in self.plan.delegated.items() if at == scope != member)
                self._administrators[scope] = reader
            return self._administrators[scope]

    def _reader(self, scope: Scope, source: Source) -> AwsReader:
        access = Access(scope.account) if source.reach is Reach.ORGANIZATION else self.plan.access[scope.account]
        reader = self.clients.aws.reader(
            scope.account, scope.region, source.name, access.role, access.external_id, self.now, self.rule_prefix, source.redacts
        )
        reader.only, reader.finding, reader.export = self.only, self.finding, access.export(scope.region, source.name)
        return reader


def _organization(schedule: Any) -> tuple[str, ...]:
    return ("*",) if schedule.aws.organization else ()


PERMISSIONS = (Permission(By.JOB, "AccountsOfTheOrganisation", ("organizations:ListAccounts",), _organization),)
