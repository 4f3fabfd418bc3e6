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

from reporter.core.world import World
from reporter.joins.frames import assemble, in_key_order, positions, taken
from reporter.joins.hosts import located, task_hosts
from reporter.joins.records import records
from reporter.tables.findings import GUARDDUTY_FINDINGS, INSPECTOR_FINDINGS, MACIE_FINDINGS
from reporter.tables.joined import FINDINGS, INSTANCES

Concern = tuple[str | None, str | None, str | None]
"""resource, account of the instance, instance id"""


def join(world: World) -> dict[str, pd.DataFrame]:
    """Source tables and instances -> findings."""
    parts = [_guardduty(world), _inspector(world), _macie(world)]
    parts = [part for part in parts if len(part)]
    whole = pd.concat(parts, ignore_index=True) if parts else FINDINGS.frame()
    return {FINDINGS.name: in_key_order(FINDINGS, whole)}


def _guardduty(world: World) -> pd.DataFrame:
    findings = world.table(GUARDDUTY_FINDINGS)
    tasks = {task.task_arn: (task.account, task.instance_id) for task in task_hosts(world).itertuples(index=False)}
    concerns = [_concerns(finding, tasks) for finding in records(findings)]
    row = np.repeat(np.arange(len(findings)), [len(found) for found in concerns])
    flat = [concern for found in concerns for concern in found]
    resource, account, instance = (np.array([concern[part] for concern in flat], dtype=object) for part in range(3))
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
    places = located(world, findings)
    mine = findings.take(places["row"].to_numpy())
    mine = mine.assign(finding_id=mine["arn"], created_at=mine["first_observed"], sample=False, archived=False)
    account, instance = places["account"].to_numpy(dtype=object), places["instance_id"].to_numpy(dtype=object)
    return _rows(world, "inspector", mine, mine["resource_id"], account, instance)


def _macie(world: World) -> pd.DataFrame:
    findings = world.table(MACIE_FINDINGS).assign(arn=None)
    bucket = findings["bucket_arn"].where(findings["bucket_arn"].notna(), findings["bucket_name"])
    nothing = np.full(len(findings), None, dtype=object)
    return _rows(world, "macie", findings, bucket, nothing, nothing)


def _rows(world: World, source: str, findings: pd.DataFrame, resource: Any, account: np.ndarray, instance: np.ndarray) -> pd.DataFrame:
    """Columns that every source has, and what the instances table knows of the instance."""
    instances = world.table(INSTANCES)
    at = positions(instances, account, instance)
    count = len(findings)
    return assemble(
        FINDINGS,
        {
            **{name: findings[name] for name in ("finding_id", "account", "region", "type", "severity", "updated_at", "title", "created_at")},
            **{name: taken(instances[name], at) for name in ("protection", "owner", "tenant")},
            **{name: findings[name].to_numpy(dtype=bool) for name in ("sample", "archived")},
            "arn": findings["arn"].to_numpy(dtype=object),
            "source": np.full(count, source, dtype=object),
            "resource": np.asarray(resource, dtype=object),
            "instance_id": instance,
            "action": np.full(count, None, dtype=object),
        },
    )
