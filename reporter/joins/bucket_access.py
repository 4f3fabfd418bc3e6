"""Macie alert -> bucket -> roles that can reach its objects -> instances that run as those roles.

One row per bucket with an unarchived, real Macie finding, role, and instance of the report that runs as it: through its instance profile, or
through an ECS task on it. What is denied is no row. A role that no instance of the report runs as (on Fargate, or outside the schedule's scope
tag, it may run elsewhere) has an empty instance.

The decision is made by reporter.joins.reach, for reading, writing and deleting objects: `allowed` if one of the three is, with those that
are in `actions`; else `conditional` if one of them is open. Two kinds of rows stand for whole accounts, by the ARN of the account's root: an
account of the schedule whose IAM could not be read, if the bucket's side may let it in; and the bucket's own account, where the bucket's policy
or ACL could not be read and may let anybody in (roles get rows of their own there only if their identity policies would allow it).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from reporter.core.world import World
from reporter.joins.reach.decide import decide, own_policies_allow, worth_asking
from reporter.joins.reach.readings import Readings
from reporter.joins.reach.subject import ACTIONS, Bucket, Request, Role
from reporter.joins.reach.truth import Reach, Truth
from reporter.tables.aws import ECS_CONTAINER_INSTANCES, ECS_TASKS, IAM_ROLES
from reporter.tables.findings import MACIE_FINDINGS
from reporter.tables.joined import BUCKET_ACCESS, INSTANCES

_RUNNING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING"})


class _Run(NamedTuple):
    """An instance (a row of INSTANCES) that runs as a role."""

    instance_id: str
    via: str
    account: str
    region: str
    protection: str | None
    owner: str | None
    tenant: str | None


@dataclass(frozen=True)
class _Path:
    """How a role reaches a bucket."""

    decision: Reach
    actions: tuple[str, ...]
    allowed_by: str


def join(world: World) -> dict[str, pd.DataFrame]:
    """Needs the table `instances`. Returns `bucket_access`."""
    alerts = _alerts(world)
    if not alerts:
        return {BUCKET_ACCESS.name: BUCKET_ACCESS.frame()}
    readings = Readings(world)
    roles = readings.roles()
    unread = readings.unread_accounts()
    runs = _runs(world)
    rows: list[tuple[Any, ...]] = []
    for name, arn, account, region in alerts:
        bucket = readings.bucket(name, arn, account)
        guarded = _guard_read(bucket)
        for role in roles:
            if guarded or any(own_policies_allow(role, bucket, action) is not Truth.NO for action in ACTIONS):
                rows.extend(_rows(role, bucket, region, runs.get(role.arn, ())))
        anybody = {role.account: role for role in unread}
        if not guarded:
            anybody.setdefault(bucket.account, readings.anybody(bucket.account))
        for role in anybody.values():
            path = _path(role, bucket)
            if path is not None:
                root = f"{bucket.arn.split(':s3:')[0]}:iam::{role.account}:root"
                rows.append(_row(bucket, root, region, path, None))
    return {BUCKET_ACCESS.name: BUCKET_ACCESS.sort(BUCKET_ACCESS.frame(rows))}


def _alerts(world: World) -> list[tuple[str, str, str, str]]:
    """Name, ARN, account and region of every bucket with an unarchived, real finding; once, whatever the number of findings."""
    findings = world.table(MACIE_FINDINGS)
    real = findings[~findings["sample"].astype(bool) & ~findings["archived"].astype(bool)]
    found: dict[str, tuple[str, str, str, str]] = {}
    for row in real.sort_values(["account", "region", "finding_id"], kind="stable").itertuples():
        name = row.bucket_name or (row.bucket_arn or "").rpartition(":::")[2]
        if name:
            found.setdefault(name, (name, row.bucket_arn or f"arn:aws:s3:::{name}", row.account, row.region))
    return sorted(found.values())


def _guard_read(bucket: Bucket) -> bool:
    """Was everything read that decides, on the bucket's side, whom it lets in?"""
    return not bucket.policy.unreadable and not (bucket.acl_grants is None and bucket.acls_count is not Truth.NO)


def _rows(role: Role, bucket: Bucket, region: str, runs: tuple[_Run, ...]) -> list[tuple[Any, ...]]:
    path = _path(role, bucket)
    if path is None:
        return []
    if path.decision is Reach.CONDITIONAL and _names_sessions(bucket):
        exact = [(run, _path(role, bucket, run.instance_id) if run.via == "instance_profile" else path) for run in runs]
    else:
        exact = [(run, path) for run in runs]
    rows = [_row(bucket, role.arn, region, one, run) for run, one in exact if one is not None]
    return rows or [_row(bucket, role.arn, region, path, None)]


def _names_sessions(bucket: Bucket) -> bool:
    """EC2 names the session of an instance profile after the instance, so a policy that names sessions can be decided."""
    return any(":assumed-role/" in value for statement in bucket.policy.statements for _, value in statement.principals)


def _path(role: Role, bucket: Bucket, session: str | None = None) -> _Path | None:
    """The three actions taken together; None: all denied."""
    if not worth_asking(role, bucket):
        return None
    decisions = {action: decide(Request(role, bucket, action, session)) for action in ACTIONS}
    allowed = tuple(action for action, one in decisions.items() if one.reach is Reach.YES)
    if allowed:
        return _Path(Reach.YES, allowed, "; ".join(dict.fromkeys(decisions[action].allowed_by for action in allowed)))
    open_ = tuple(action for action, one in decisions.items() if one.reach is Reach.CONDITIONAL)
    if not open_:
        return None
    return _Path(Reach.CONDITIONAL, open_, "; ".join(dict.fromkeys(why for action in open_ for why in decisions[action].why)))


def _row(bucket: Bucket, role_arn: str, region: str, path: _Path, run: _Run | None) -> tuple[Any, ...]:
    start = (bucket.arn, bucket.account, role_arn)
    said = (path.allowed_by, path.decision.value)
    if run is None:
        return (*start, None, None, *said, None, region, path.actions, None, None, None, None)
    return (*start, run.instance_id, run.via, *said, run.protection, region, path.actions, run.account, run.region, run.owner, run.tenant)


def _runs(world: World) -> dict[str, tuple[_Run, ...]]:
    """Role ARN -> the report's instances that run as it."""
    profiles = {arn: role.role_arn for role in world.table(IAM_ROLES).itertuples() for arn in role.instance_profile_arns}
    containers = {row.container_instance_arn: row.instance_id for row in world.table(ECS_CONTAINER_INSTANCES).itertuples()}
    tasks: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for task in world.table(ECS_TASKS).itertuples():
        host = containers.get(task.container_instance_arn or "")
        if host is not None and task.task_role_arn and task.last_status in _RUNNING:
            tasks[task.account, task.region, host].add(task.task_role_arn)
    found: dict[str, list[_Run]] = defaultdict(list)
    for row in world.table(INSTANCES).itertuples():
        roles = [("instance_profile", profiles.get(row.instance_profile_arn or ""))]
        roles += [("task_role", arn) for arn in sorted(tasks.get((row.account, row.region, row.instance_id), ()))]
        for via, arn in roles:
            if arn is not None:
                found[arn].append(_Run(row.instance_id, via, row.account, row.region, row.protection, row.owner, row.tenant))
    return {arn: tuple(runs) for arn, runs in found.items()}
