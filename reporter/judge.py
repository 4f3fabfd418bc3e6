"""Judge: tables -> results. Law 1 is kept here, for every check: what could not be read is UNKNOWN, with the cause and the permission named."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from types import ModuleType
from typing import TypeAlias

import pandas as pd

import reporter.checks
from reporter.core.check import VERDICTS, Check, Span
from reporter.core.reading import all_unread, of_tenant, population_here, scopes_behind, unread, why_unread
from reporter.core.result import ROLL_UP, Status
from reporter.core.scope import GLOBAL, Scope, ScopeState
from reporter.core.settings import Days, ExceptionRule
from reporter.core.world import World
from reporter.tables.joined import RESULTS
from reporter.waivers import waive

History: TypeAlias = Mapping[tuple[str, str, str, str], tuple[str, datetime]]
"""(check id, resource, account, region) -> status in the run before, and since when it held."""

Failing: TypeAlias = Mapping[tuple[str, str, str, str], datetime]
"""(check id, resource, account, region) -> since when it fails, where it was not seen otherwise since: nights on which it could not be read, or
was accepted, do not move its deadline."""

_KEY = ["check_id", "resource", "account", "region"]
_HIDDEN = (ScopeState.DENIED, ScopeState.UNAVAILABLE, ScopeState.NOT_ENABLED)


def discover(package: ModuleType = reporter.checks) -> tuple[Check, ...]:
    """Every CHECK and CHECKS of the files under checks/, by id; `about` is the file's docstring. Raises ValueError for an id used twice."""
    found: dict[str, Check] = {}
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module = import_module(info.name)
        declared = (*getattr(module, "CHECKS", ()), *([module.CHECK] if hasattr(module, "CHECK") else ()))
        for check in declared:
            if check.id in found:
                raise ValueError(f"two checks have the id {check.id}")
            found[check.id] = check if check.about else replace(check, about=module.__doc__ or "")
    return tuple(found[check_id] for check_id in sorted(found))


def judge(
    world: World,
    checks: Sequence[Check],
    exceptions: Iterable[ExceptionRule] = (),
    history: History | None = None,
    failing: Failing | None = None,
) -> pd.DataFrame:
    """Ask every check -> RESULTS, sorted.

    A row that depends on a scope that was not read becomes UNKNOWN; a population that was not read is one UNKNOWN row with resource `*`
    per check, account and region; a FAIL with a valid exception becomes WAIVED. Rows that agree in check, resource, account and region
    become one, with the status that comes first in core.result.ROLL_UP. With `history`, first_seen and age_days are filled, and a FAIL is due so
    many days (`checks.fix_days`) after the run that first saw it, or when its check says. An exception raised inside a check is a defect and is
    not caught.
    """
    frames = [part for check in checks for part in (_judged(world, check), _unseen(world, check)) if len(part)]
    if not frames:
        return RESULTS.frame()
    rows = pd.concat(frames, ignore_index=True)
    rows = waive(_one_row_each(rows), tuple(exceptions), world.now)
    rows = _due(_aged(rows, history, world.now), world.settings.checks.fix_days, failing or {})
    return RESULTS.sort(RESULTS.conform(rows))


def _judged(world: World, check: Check) -> pd.DataFrame:
    rows = VERDICTS.conform(check.judge(world))
    rows["unread"], rows["calls"] = False, None
    if rows.empty:
        return rows
    cause = _of_places(rows, lambda *place: _cause(world, check, *place))
    rows["calls"] = _of_places(rows, lambda *place: _calls(world, check, *place))
    hidden = (cause != "") & (rows["status"] != Status.NOT_APPLICABLE.value)
    rows["status"] = rows["status"].mask(hidden, Status.UNKNOWN.value)
    rows["reason"] = rows["reason"].mask(hidden, cause)
    rows["observed"] = rows["observed"].mask(hidden, "")
    rows["due"], rows["unread"] = rows["due"].mask(hidden), hidden
    rows["severity"] = rows["severity"].where(rows["severity"].notna() & ~hidden, check.severity.value)
    rows["check_id"] = check.id
    return rows


def _of_places(rows: pd.DataFrame, ask: Callable[[str, str, str], str]) -> pd.Series:
    """For each row, ask(account, region, tenant). Asked once for each distinct place."""
    places = rows[["account", "region", "tenant"]].fillna("")
    codes = places.groupby(["account", "region", "tenant"], sort=False).ngroup()
    distinct = places.drop_duplicates()
    answers = [ask(*place) for place in distinct.itertuples(index=False, name=None)]
    by_code = pd.Series(answers, index=codes.loc[distinct.index], dtype="object")
    return codes.map(by_code)


def _cause(world: World, check: Check, account: str, region: str, tenant: str) -> str:
    needs = (*population_here(world, check, account, region), *check.needs)
    return unread(world, needs, account, region, tenant, own_service=check.own_service)


def _calls(world: World, check: Check, account: str, region: str, tenant: str) -> str:
    """Whose calls the answer about a resource here rests on: sources, each with where it was read if that is not here."""
    named: dict[str, None] = {}
    for need in (*population_here(world, check, account, region), *check.needs):
        for scope in scopes_behind(world, need, account, region, tenant):
            here = (scope.account, scope.region) == (account, region)
            elsewhere = scope.account if of_tenant(scope.source) else "*" if need.span is Span.ACCOUNT else scope.region
            named[scope.source if here else f"{scope.source}/{elsewhere}"] = None
    return " ".join(named)


def _unseen(world: World, check: Check) -> pd.DataFrame:
    """One row `*` for each account and region whose population was not read."""
    places: dict[tuple[str, str], list[Scope]] = {}
    for scope in sorted({scope for source in check.population for scope in (*world.ledger.scopes_of(source), *_regions_not_known(world, source))}):
        row = world.ledger.row(scope)
        if row is not None and row.state in _HIDDEN and why_unread(world, scope, own_service=check.own_service):
            places.setdefault((scope.account, scope.region), []).append(scope)
    listed = [
        ("*", account, region, None, Status.UNKNOWN.value, check.severity.value, all_unread(world, scopes), "", "", None, None)
        for (account, region), scopes in places.items()
    ]
    rows = VERDICTS.frame(listed)
    rows["check_id"], rows["unread"] = check.id, True
    rows["calls"] = [" ".join(dict.fromkeys(scope.source for scope in scopes)) for scopes in places.values()]
    return rows


def _regions_not_known(world: World, source: str) -> tuple[Scope, ...]:
    """Where it could not be asked which regions an account has (scopes.py: an ec2 scope in region global), its regional sources have no scopes."""
    planned = {scope.account for scope in world.ledger.scopes_of(source)}
    return tuple(scope for scope in world.ledger.scopes_of("ec2") if scope.region == GLOBAL and scope.account not in planned)


def _one_row_each(rows: pd.DataFrame) -> pd.DataFrame:
    order = {status.value: rank for rank, status in enumerate(ROLL_UP)}
    rows["rank"] = rows["status"].map(order)
    doubled = rows.duplicated(_KEY, keep=False)
    if not doubled.any():
        return rows
    worst = rows.loc[doubled].sort_values([*_KEY, "rank", "severity", "reason", "observed"], kind="stable").drop_duplicates(_KEY)
    return pd.concat([rows.loc[~doubled], worst], ignore_index=True)


def _aged(rows: pd.DataFrame, history: History | None, now: datetime) -> pd.DataFrame:
    """first_seen is the run before's where the status is the same, else now."""
    if history is None:
        rows["first_seen"], rows["age_days"] = None, None
        return rows
    before = pd.DataFrame(list(history.keys()), columns=_KEY, dtype="object")
    values = pd.DataFrame(list(history.values()), columns=["was", "since"], dtype="object")
    merged = rows.merge(pd.concat([before, values], axis=1), on=_KEY, how="left", validate="one_to_one")
    since = pd.Series(pd.to_datetime(merged["since"], utc=True))
    kept = (merged["was"] == merged["status"]) & since.notna()
    merged["first_seen"] = since.where(kept, pd.Timestamp(now))
    merged["age_days"] = (pd.Timestamp(now) - merged["first_seen"]).dt.days
    return merged


def _due(rows: pd.DataFrame, days: Days, failing: Failing) -> pd.DataFrame:
    """The check's own date, for a FAIL else since when it fails + days by severity. What is accepted has no date here: its exception has one."""
    failed = rows["status"] == Status.FAIL.value
    since = pd.Series(pd.to_datetime(rows["first_seen"], utc=True))
    if failing:
        keys = zip(*(rows.loc[failed, name] for name in _KEY), strict=True)
        earlier = pd.Series(pd.to_datetime([failing.get(key) for key in keys], utc=True), index=rows.index[failed])
        since = since.where(~failed | since.isna(), earlier.reindex(rows.index).fillna(since))
    limits = {severity: days.of(severity) for severity in sorted(rows["severity"].unique())}
    standard = since + pd.to_timedelta(rows["severity"].map(limits).astype("int64"), unit="D")
    own = pd.Series(pd.to_datetime(rows["due"], utc=True))
    rows["due"] = own.where(rows["status"] != Status.WAIVED.value).fillna(standard.where(failed))
    return rows
