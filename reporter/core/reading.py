"""Which scopes an answer depends on, and what to say where one of them was not read. Law 1: what was not read is never a pass and never a fail."""

from __future__ import annotations

from collections.abc import Iterable

from reporter.core.check import Check, Need, Span
from reporter.core.scope import GLOBAL, TENANT_REGION, Scope, ScopeState
from reporter.core.wording import counted
from reporter.core.world import World

_SHOWN = 3
_MESSAGE = 300


def of_tenant(source: str) -> bool:
    """Workload Protection sources have one scope per tenant."""
    return source.startswith("wp_")


def tenants_of(world: World, source: str) -> tuple[str, ...]:
    """The schedule's tenants; where the settings name none, those that were planned."""
    return world.settings.tenants or tuple(scope.account for scope in world.ledger.scopes_of(source))


def scopes_behind(world: World, need: Need, account: str, region: str, tenant: str) -> tuple[Scope, ...]:
    """Scopes that a resource in this account and region (its computer in `tenant`, "" for none) depends on for one needed source.

    A global resource depends on every region of a regional source. A scope in the answer may be unplanned: then it was not read either.
    """
    if of_tenant(need.source):
        if tenant and need.span is Span.ABSENT:
            return ()
        names = (tenant,) if tenant else tenants_of(world, need.source)
        return tuple(Scope(name, TENANT_REGION, need.source) for name in names)
    here = Scope(account, region, need.source)
    if need.span is Span.HERE:
        for scope in (here, Scope(account, GLOBAL, need.source)):
            if scope in world.ledger.planned:
                return (scope,)
        if region != GLOBAL:
            return (here,)
    everywhere = [scope for scope in world.ledger.scopes_of(need.source) if scope.account == account]
    looked_at = tuple(scope for scope in everywhere if world.state(scope.source, scope.account, scope.region) is not ScopeState.SKIPPED)
    return looked_at or (here,)


def why_unread(world: World, scope: Scope, *, own_service: str = "") -> str:
    """Why this scope was not read, for a person, with the permission to grant; "" where it was read.

    `own_service`: a source whose being off is an answer, not a gap.
    """
    where = f"{scope.source} of tenant {scope.account}" if of_tenant(scope.source) else str(scope)
    row = world.ledger.row(scope)
    if row is None:
        return f"{where} was not part of this run"
    if row.state is ScopeState.OK or (row.state is ScopeState.NOT_ENABLED and scope.source == own_service):
        return ""
    if row.state is ScopeState.NOT_ENABLED:
        return f"{where} is not enabled"
    message = " ".join(row.message.split())[:_MESSAGE].rstrip(".") or row.state.value
    if row.state is ScopeState.SKIPPED:
        return f"{where} was skipped: {message}"
    grant = f"; grant {row.permission}" if row.permission else ""
    return f"{where} could not be read: {message}{grant}"


def all_unread(world: World, scopes: Iterable[Scope], *, own_service: str = "") -> str:
    """The causes of every scope that was not read, as one sentence; "" where all were read."""
    causes = [cause for scope in dict.fromkeys(scopes) if (cause := why_unread(world, scope, own_service=own_service))]
    shown = "; ".join(causes[:_SHOWN])
    return f"{shown}; and {counted(len(causes) - _SHOWN, 'more scope', 'more scopes')}" if len(causes) > _SHOWN else shown


def unread(world: World, needs: Iterable[Need], account: str, region: str, tenant: str = "", *, own_service: str = "") -> str:
    """Why an answer about a resource here cannot be given, or "" where everything it needs was read."""
    scopes = [scope for need in needs for scope in scopes_behind(world, need, account, region, tenant)]
    return all_unread(world, scopes, own_service=own_service)


def population_here(world: World, check: Check, account: str, region: str) -> tuple[Need, ...]:
    """The population sources a row can have come from: those with a scope in its own place; if there are none, all of them."""
    own = tuple(source for source in check.population if Scope(account, region, source) in world.ledger.planned)
    return tuple(Need(source) for source in own or check.population)
