"""What happened to the population between two runs: who came, who went, who came and went; and where that cannot be told.

The run before names whom it saw. Of those in neither run EC2 tells for about an hour after their end, AWS Config for as long as it keeps its history.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from reporter.core.ledger import LedgerRow
from reporter.core.reading import why_unread
from reporter.core.records import records
from reporter.core.scope import Scope, ScopeState
from reporter.core.table import Row
from reporter.core.world import World
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.evidence import BETWEEN_RUNS, CONFIG_INSTANCES, EC2_TERMINATED, PREVIOUS_POPULATION

_BLIND = "instances that came and went, and ended more than an hour before this run, cannot be told"


def join(world: World) -> dict[str, pd.DataFrame]:
    """Source tables and the population of the run before -> between_runs."""
    between = _Between(world)
    rows = [row for scope in world.ledger if scope.scope.source == "ec2" and scope.state is not ScopeState.SKIPPED for row in between.of(scope)]
    return {BETWEEN_RUNS.name: BETWEEN_RUNS.sort(BETWEEN_RUNS.frame(rows))}


class _Between:
    """The tables by account and region."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now, self.before, self.ended, self.config = (
            _by_place(world.table(table)) for table in (EC2_INSTANCES, PREVIOUS_POPULATION, EC2_TERMINATED, CONFIG_INSTANCES)
        )

    def of(self, scope: LedgerRow) -> Iterator[Row]:
        place = (scope.scope.account, scope.scope.region)
        before = self.before.get(place)
        if why := why_unread(self.world, scope.scope):
            yield (*place, "*", "unknown", None, None, why)
            return
        if before is None:
            yield (*place, "*", "unknown", None, None, "no earlier run that read this account and region is here to compare with")
            return
        since = before.pop("*").read_at
        now, config = self.now.get(place, {}), dict(self.config.get(place, {}))
        cut = config.pop("*", None)
        for name, machine in now.items():
            if name not in before:
                launched = machine.launch_time is not None and machine.launch_time > since
                yield (
                    *place,
                    name,
                    "launched" if launched else "appeared",
                    machine.launch_time,
                    None,
                    "named by EC2 in this run, not in the run before",
                )
        for name in before.keys() - now.keys():
            yield (*place, name, "gone", None, _end(config.get(name)), "named by EC2 in the run before, not in this run")
        yield from self._came_and_went(place, since, {*before, *now}, config)
        unread = why_unread(self.world, Scope(*place, "config"))
        if unread or cut is not None:
            yield (*place, "*", "unknown", None, None, f"{_BLIND}: {unread or cut.message}")

    def _came_and_went(self, place: tuple[str, str], since: Any, seen: set[str], config: dict[str, Any]) -> Iterator[Row]:
        ended = self.ended.get(place, {})
        fresh = {name for name, known in ended.items() if known.launch_time is None or known.launch_time > since}
        deleted = {name for name, known in config.items() if known.deleted_at is not None and known.deleted_at >= since} - ended.keys()
        for name in sorted((fresh | deleted) - seen):
            told = "EC2 still names it as terminated" if name in ended else "AWS Config saw its end"
            launch = ended[name].launch_time if name in ended else None
            yield (*place, name, "came_and_went", launch, _end(config.get(name)), f"in neither run: {told}")


def _end(known: Any) -> Any:
    return None if known is None else known.deleted_at


def _by_place(frame: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """(account, region) -> instance id -> its row."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in records(frame):
        found.setdefault((row.account, row.region), {})[row.instance_id] = row
    return found
