"""GuardDuty, Inspector and Macie findings, one row per finding and instance it concerns; a finding that concerns none keeps one row.

- GuardDuty: every instance it names (an attack sequence may name several), and the hosts of the ECS tasks it names. A cluster without a task names no
  host: which of its hosts would be a guess.
- Inspector: the instance, or the hosts that run the image now.
- Macie: the bucket. Which instances can reach it is another table (bucket_access).

`protection`, `owner` and `tenant` come from the instances table; they are empty for an instance that is not there: outside the scope tag, gone, or in
a region that was not read. `action` is filled by the run once it is known what is done. Sample and archived findings are listed like all others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reporter.core.order import coded, in_order_of, of_codes, rows_of
from reporter.core.records import records
from reporter.core.world import World
from reporter.joins.frames import assemble, end_to_end, positions, taken
from reporter.joins.hosts import located, task_hosts
from reporter.tables.findings import GUARDDUTY_FINDINGS, INSPECTOR_FINDINGS, MACIE_FINDINGS
from reporter.tables.joined import FINDINGS, INSTANCES

_OF_INSPECTOR = ["account", "region", "arn", "type", "severity", "title", "resource_id", "first_observed", "updated_at"]

Concern = tuple[str | None, str | None, str | None]
"""resource, account of the instance, instance id"""


def join(world: World) -> dict[str, pd.DataFrame]:
    """Source tables and instances -> findings."""
    return {FINDINGS.name: FINDINGS.sort(end_to_end(FINDINGS, [_guardduty(world), _inspector(world), _macie(world)]))}


def _guardduty(world: World) -> pd.DataFrame:
    findings = world.table(GUARDDUTY_FINDINGS)
    tasks = {task.task_arn: (task.account, task.instance_id) for task in task_hosts(world).itertuples(index=False)}
    concerns = [_concerns(finding, tasks) for finding in records(findings)]
    row = np.repeat(np.arange(len(findings)), [len(found) for found in concerns])
    flat = [concern for found in concerns for concern in found]
    resource, account, instance = (pd.Series([concern[part] for concern in flat], dtype=object) for part in range(3))
    return _rows(world, "guardduty", findings.take(row), resource, account, instance)


def _concerns(finding: Any, tasks: dict[str, tuple[str, str]]) -> list[Concern]:
    """What one GuardDuty finding is about; at least one entry."""
    named: dict[tuple[str, str], str] = {(finding.account, instance): instance for instance in finding.instance_ids}
    for task in sorted(finding.ecs_tasks):
        if task in tasks:
            named.setdefault(tasks[task], task)
    if named:
        return [(resource, account, instance) for (account, instance), resource in named.items()]
    things = sorted(finding.ecs_tasks) or sorted(finding.ecs_clusters) or [finding.resource_type]
    return [(things[0], None, None)]


def _inspector(world: World) -> pd.DataFrame:
    findings = world.table(INSPECTOR_FINDINGS)
    by_arn = in_order_of(coded(findings["arn"]))
    places = located(world, findings, by_arn)
    row = places["row"].to_numpy()
    mine = pd.DataFrame({name: rows_of(findings[name], row) for name in _OF_INSPECTOR}, copy=False)
    mine = mine.assign(finding_id=mine["arn"], created_at=mine["first_observed"], sample=False, archived=False)
    return _rows(world, "inspector", mine, mine["resource_id"], places["account"], places["instance_id"])


def _macie(world: World) -> pd.DataFrame:
    findings = world.table(MACIE_FINDINGS).assign(arn=None)
    bucket = findings["bucket_arn"].where(findings["bucket_arn"].notna(), findings["bucket_name"])
    nothing = pd.Series([None] * len(findings), dtype=object)
    return _rows(world, "macie", findings, bucket, nothing, nothing)


def _rows(world: World, source: str, findings: pd.DataFrame, resource: pd.Series, account: pd.Series, instance: pd.Series) -> pd.DataFrame:
    """Columns that every source has, and what the instances table knows of the instance."""
    instances = world.table(INSTANCES)
    at = positions(instances, account, instance)
    nothing = np.full(len(findings), -1, dtype=np.int8)
    return assemble(
        FINDINGS,
        {
            **{name: findings[name] for name in ("finding_id", "account", "region", "type", "severity", "updated_at", "title", "created_at", "arn")},
            **{name: taken(instances[name], at) for name in ("protection", "owner", "tenant")},
            **{name: findings[name].to_numpy(dtype=bool) for name in ("sample", "archived")},
            "source": of_codes(np.zeros(len(findings), dtype=np.int8), pd.Index([source], dtype="str")),
            "resource": resource,
            "instance_id": instance,
            "action": of_codes(nothing, pd.Index([], dtype="str")),
        },
    )
