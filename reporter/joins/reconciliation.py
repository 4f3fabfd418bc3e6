"""Counts that must add up: the population against its parts, and against sources that count it independently.

A count that was not read is unknown, never equal. Where a second source names its instances, each one that makes a difference is a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from reporter.core.ledger import LedgerRow
from reporter.core.reading import why_unread
from reporter.core.scope import GLOBAL, Scope, ScopeState
from reporter.core.table import Row
from reporter.core.world import World
from reporter.joins.hosts import INSTANCE
from reporter.tables.evidence import CONFIG_INSTANCES, COUNTS, POPULATION, RECONCILIATION
from reporter.tables.findings import INSPECTOR_COVERAGE
from reporter.tables.workload_protection import WP_COMPUTERS

EQUAL, EXPLAINED, UNEXPLAINED, UNKNOWN, DIFFERENCE = "equal", "explained", "unexplained", "unknown", "difference"
_LATE = "it may have come or gone between the two calls, or that service is behind"


def join(world: World) -> dict[str, pd.DataFrame]:
    """Source tables and population -> reconciliation."""
    counts = _Counts(world)
    regions = [row for row in world.ledger if row.scope.source == "ec2" and row.scope.region != GLOBAL and row.state is not ScopeState.SKIPPED]
    tenants = [row for row in world.ledger if row.scope.source == "wp_computers"]
    rows = [line for row in regions for line in counts.of_region(row)] + [line for row in tenants for line in counts.of_tenant(row)]
    return {RECONCILIATION.name: RECONCILIATION.sort(RECONCILIATION.frame(rows))}


class _Counts:
    """Everything that lines are made of, grouped once."""

    def __init__(self, world: World) -> None:
        self.world = world
        population = world.table(POPULATION)
        instances = population[population["kind"] != "wp_only"]
        self.instances = _sets(instances)
        self.kinds = {kind: _sets(instances[instances["kind"] == kind]) for kind in ("matched", "ec2_only", "excluded")}
        known = world.table(CONFIG_INSTANCES)
        self.config = _sets(known[known["deleted_at"].isna() & (known["instance_id"] != "*")])
        self.cut = {(row.account, row.region): row.message for row in known[known["instance_id"] == "*"].itertuples(index=False)}
        covered = world.table(INSPECTOR_COVERAGE)
        covered = covered[covered["resource_type"] == INSTANCE].rename(columns={"resource_id": "instance_id"})
        self.covered, self.entries = _sets(covered), covered.groupby(["account", "region"], observed=True).size().to_dict()
        table = world.table(COUNTS)
        plain = table.astype(object).where(table.notna(), None)
        self.second = {(row.account, row.region, row.counted): (row.items, row.message) for row in plain.itertuples(index=False)}
        self.computers = world.table(WP_COMPUTERS)["tenant"].value_counts().to_dict()
        self.alone = population.loc[population["kind"] == "wp_only", "tenant"].value_counts().to_dict()
        joined = population[population["kind"] != "wp_only"]
        twins = joined["duplicates"].explode().dropna().astype("object").map(lambda twin: str(twin).rpartition("/")[0])
        self.standing = pd.concat([joined["tenant"].dropna(), twins]).value_counts().to_dict()

    def of_region(self, row: LedgerRow) -> Iterator[Row]:
        place = (row.scope.account, row.scope.region)
        if why := why_unread(self.world, row.scope):
            yield from ((*place, line, None, None, None, UNKNOWN, why) for line in ("ec2", "config", "inspector", "inspector_list"))
            return
        here = self.instances.get(place, set())
        parts = {kind: len(sets.get(place, ())) for kind, sets in self.kinds.items()}
        yield _count(place, "ec2", len(here), sum(parts.values()), " + ".join(f"{kind} {count}" for kind, count in parts.items()))
        yield from self._against(place, "config", here, self.config.get(place, set()), self.cut.get(place), "AWS Config")
        yield from self._inspector(place, here)

    def _inspector(self, place: tuple[str, str], here: set[str]) -> Iterator[Row]:
        listed = self.entries.get(place, 0)
        if why := why_unread(self.world, Scope(*place, "inspector")):
            yield from ((*place, line, None, None, None, UNKNOWN, why) for line in ("inspector", "inspector_list"))
            return
        covered = self.covered.get(place, set())
        yield _count(place, "inspector", len(here), len(covered), "instances against those that Inspector covers", named=True)
        yield from _differences(place, "inspector", here, covered, "Inspector's coverage")
        items, message = self.second.get((*place, "inspector"), (None, None))
        if items is None:
            yield (*place, "inspector_list", None, listed, None, UNKNOWN, message or "Inspector's own count was not read")
        else:
            yield _count(place, "inspector_list", listed, int(items), "entries of the coverage, as listed and as counted by ListCoverageStatistics")

    def _against(self, place: tuple[str, str], line: str, here: set[str], there: set[str], cut: str | None, who: str) -> Iterator[Row]:
        items, message = self.second.get((*place, line), (None, None))
        unread = why_unread(self.world, Scope(*place, line))
        if items is None or unread:
            yield (*place, line, None, len(here), None, UNKNOWN, unread or message or f"the count of {who} was not read")
            return
        told = not cut and len(there) == items
        reason = f"instances against GetDiscoveredResourceCounts of {who}" + (f"; its list: {cut}" if cut else "")
        yield _count(place, line, len(here), int(items), reason, named=told)
        if told:
            yield from _differences(place, line, here, there, who)

    def of_tenant(self, row: LedgerRow) -> Iterator[Row]:
        place = (row.scope.account, row.scope.region)
        if why := why_unread(self.world, row.scope):
            yield from ((*place, line, None, None, None, UNKNOWN, why) for line in ("wp", "wp_again"))
            return
        tenant = row.scope.account
        computers, standing, alone = (int(counts.get(tenant, 0)) for counts in (self.computers, self.standing, self.alone))
        yield _count(place, "wp", computers, standing + alone, f"stand for instances {standing} + wp_only {alone}")
        items, message = self.second.get((*place, "wp"), (None, None))
        if items is None:
            yield (*place, "wp_again", None, computers, None, UNKNOWN, message or "the second search was not made")
        else:
            yield _count(place, "wp_again", computers, int(items), "the API has no total: a second search, made after the first")


def _count(place: tuple[str, str], line: str, items: int, against: int, explanation: str, *, named: bool = False) -> Row:
    """One line of two counts that were read. `named`: each difference between them is a line of its own."""
    state = EQUAL if items == against else EXPLAINED if named else UNEXPLAINED
    return (*place, line, None, items, against, state, explanation)


def _differences(place: tuple[str, str], line: str, here: set[str], there: set[str], who: str) -> Iterable[Row]:
    for name in sorted(here ^ there):
        yield (*place, line, name, int(name in here), int(name in there), DIFFERENCE, f"{'not ' if name in here else 'only '}in {who}: {_LATE}")


def _sets(frame: pd.DataFrame) -> dict[tuple[str, str], set[str]]:
    """(account, region) -> instance ids."""
    return {(str(key[0]), str(key[1])): set(ids) for key, ids in frame.groupby(["account", "region"], observed=True)["instance_id"]}
