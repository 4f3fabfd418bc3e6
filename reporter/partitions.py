"""One account as a partition of a run: what another process or machine is told to read it, and what it gives back.

It is told where to read and through which role, never with what: it assumes the roles with its own credentials. What has to be read with the run's
own (its account, the organisation, the tenants) is no partition.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TypeAlias

from reporter.clients.aws import AwsClients
from reporter.clients.aws_raw import place
from reporter.core.call import Call, Calls
from reporter.core.ledger import LedgerRow
from reporter.core.scope import Reach, Scope
from reporter.core.source import Source
from reporter.core.table import Rows
from reporter.evidence.raw import Packed, RawKept
from reporter.fitness import Program, unfit
from reporter.gather import abreast, discover, read_scope, threads_for
from reporter.opening import CallLimits, Clients, Opener
from reporter.scopes import Access, ScopePlan

Place: TypeAlias = tuple[str, str, str]
"""A scope as plain texts: account, region, source."""


@dataclass(frozen=True)
class Terms:
    """What holds for every partition of a run. `program`: what reads has to be the same; `rule_prefix`: how names of our own Config rules begin."""

    program: Program
    now: datetime
    rule_prefix: str
    limits: CallLimits


@dataclass(frozen=True)
class Partition:
    """Scopes that are read together: an account's, and those that it reads for others as their delegated administrator."""

    account: str
    caller: str
    access: tuple[Access, ...]
    places: tuple[Place, ...]
    delegated: tuple[tuple[Place, Place], ...]

    @property
    def scopes(self) -> tuple[Scope, ...]:
        return tuple(Scope(*one) for one in self.places)

    def plan(self, sources: tuple[Source, ...]) -> ScopePlan:
        """It as a plan of scopes."""
        named = {source.name: source for source in sources}
        return ScopePlan(
            self.caller,
            {one.account: one for one in self.access},
            sources,
            tuple((scope, named[scope.source]) for scope in self.scopes),
            (),
            (),
            {Scope(*scope): Scope(*at) for scope, at in self.delegated},
        )


@dataclass(frozen=True)
class ReadScope:
    """A scope as it was read: its row of the ledger, its rows by table, its calls, and its raw answers by file."""

    row: LedgerRow
    rows: Rows
    calls: list[Call]
    raw: dict[str, Packed]


@dataclass(frozen=True)
class ReadPartition:
    """Every scope of a partition. `beside`: calls that belong to none of them (the roles that were assumed)."""

    scopes: tuple[ReadScope, ...]
    beside: tuple[Call, ...]


def partitions(plan: ScopePlan, wanted: Collection[Scope]) -> list[Partition]:
    """Those of the wanted scopes that can be read by anybody who may assume the roles, by account."""
    groups: dict[str, list[Scope]] = {}
    for scope, source in plan.aws:
        if scope in wanted and source.reach is not Reach.ORGANIZATION:
            groups.setdefault(plan.delegated.get(scope, scope).account, []).append(scope)
    return [one for account, scopes in sorted(groups.items()) if (one := _partition(plan, account, sorted(scopes))) is not None]


def _partition(plan: ScopePlan, account: str, scopes: list[Scope]) -> Partition | None:
    """None: some account of it is read with the credentials that the run itself has."""
    access = tuple(plan.access[one] for one in sorted({account, *(scope.account for scope in scopes)}))
    if any(one.role is None for one in access):
        return None
    delegated = tuple((_plain(scope), _plain(plan.delegated[scope])) for scope in scopes if scope in plan.delegated)
    return Partition(account, plan.caller, access, tuple(map(_plain, scopes)), delegated)


def _plain(scope: Scope) -> Place:
    return scope.account, scope.region, scope.source


def read_partition(partition: Partition, terms: Terms) -> ReadPartition:
    """Read it, here and now. Raises Unfit where this is not the program that asked; what could not be read is a row."""
    unfit(terms.program)
    raw, calls = RawKept(), Calls()
    plan = partition.plan(discover())
    opener = Opener(Clients(_clients(terms.limits).beside(raw, calls), {}), plan, terms.rule_prefix, terms.now)
    with ThreadPoolExecutor(threads_for(partition.scopes)) as threads:
        read = list(threads.map(lambda item: read_scope(item[0], item[1], opener), abreast(plan.aws)))
    scopes = tuple(ReadScope(row, rows, calls.of(*_named(row.scope)), raw.of(place(*_named(row.scope)))) for row, rows in read)
    own = {one.scope for scope in scopes for one in scope.calls}
    return ReadPartition(scopes, tuple(call for call in calls if call.scope not in own))


@cache
def _clients(limits: CallLimits) -> AwsClients:
    """Clients that every partition which this process reads has its own beside."""
    return limits.clients()


def _named(scope: Scope) -> tuple[str, str, str]:
    return scope.source, scope.account, scope.region
