"""Small worlds for join tests: rows by column name over harmless defaults, every planned scope read unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.modules import MODULES
from reporter.core.order import plain_frame
from reporter.core.scope import GLOBAL, TENANT_REGION, Scope, ScopeState
from reporter.core.settings import Settings
from reporter.core.table import Kind, Table
from reporter.core.world import World
from reporter.joins import instances, virtual_patches
from reporter.tables.aws import EC2_INSTANCES, ECS_CONTAINER_INSTANCES, ECS_CONTAINERS, ECS_TASKS
from reporter.tables.findings import INSPECTOR_FINDINGS
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES, WP_ROLES, WP_RULES

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
A, B = "111122223333", "444455556666"
R, R2 = "eu-central-1", "us-east-1"
MAIN = "main"
HOSTILE = "=cmd|'/c calc'!A1 <script>alert(1)</script> ../../etc\u202e\x00; DROP"
REGIONAL = ("ec2", "ecs", "elb", "waf", "guardduty", "inspector", "macie", "config")
WORLDWIDE = ("cloudfront", "waf")
TENANT = ("wp_computers", "wp_policies", "wp_rules", "wp_roles", "wp_recommendations")

_DEFAULTS: dict[Kind, Any] = {
    Kind.TEXT: "",
    Kind.CATEGORY: "",
    Kind.INTEGER: 0,
    Kind.NUMBER: 0.0,
    Kind.FLAG: False,
    Kind.TIME: NOW,
    Kind.TEXTS: (),
    Kind.INTEGERS: (),
}
_PLACE = {"account": A, "region": R, "tenant": MAIN, "tags": "{}"}


def row(table: Table, **values: Any) -> tuple[Any, ...]:
    """One row: given values, else None where that may be, else a harmless value of the kind."""
    unknown = set(values) - set(table.names)
    assert not unknown, f"{table.name} has no columns {unknown}"
    made = []
    for column in table.columns:
        fallback = None if column.nullable else _PLACE.get(column.name, _DEFAULTS[column.kind])
        made.append(values.get(column.name, fallback))
    return tuple(made)


def ledger(unread: Mapping[tuple[str, str, str], ScopeState] | None = None, tenants: Iterable[str] = (MAIN,)) -> Ledger:
    """All scopes of accounts A and B in regions R and R2 and of the tenants; `unread`: (account, region, source) -> its state."""
    scopes = [Scope(account, region, source) for account in (A, B) for region in (R, R2) for source in REGIONAL]
    scopes += [Scope(account, GLOBAL, source) for account in (A, B) for source in WORLDWIDE]
    scopes += [Scope(tenant, TENANT_REGION, source) for tenant in tenants for source in TENANT]
    made = Ledger(scopes)
    for scope in scopes:
        state = (unread or {}).get((scope.account, scope.region, scope.source), ScopeState.OK)
        made.record(LedgerRow(scope, state))
    return made


def world(
    *rows: tuple[Table, Iterable[tuple[Any, ...]]],
    unread: Mapping[tuple[str, str, str], ScopeState] | None = None,
    settings: Settings | None = None,
    roles: bool = True,
) -> World:
    """A world of these rows; tables named twice are put together. One tenant `main` whose key sees everything, unless `roles` is False."""
    chosen = Settings(tenants=(MAIN,)) if settings is None else settings
    found: dict[str, list[tuple[Any, ...]]] = {}
    tables = {table.name: table for table, _ in rows}
    for table, listed in rows:
        found.setdefault(table.name, []).extend(listed)
    if roles and WP_ROLES.name not in found:
        tables[WP_ROLES.name] = WP_ROLES
        found[WP_ROLES.name] = [row(WP_ROLES, tenant=tenant, all_computers=True, all_policies=True) for tenant in chosen.tenants]
    frames = {name: tables[name].frame(listed) for name, listed in found.items()}
    return World(frames, ledger(unread, chosen.tenants or (MAIN,)), chosen, NOW)


def permuted(made: World, seed: int = 7) -> World:
    """The same world with every table's rows in another order."""
    shuffle = np.random.default_rng(seed)
    return World(
        {name: f.iloc[shuffle.permutation(len(f))].reset_index(drop=True) for name, f in made.tables.items()}, made.ledger, made.settings, NOW
    )


def denied(account: str, region: str, source: str) -> dict[tuple[str, str, str], ScopeState]:
    return {(account, region, source): ScopeState.DENIED}


def tenant_denied(source: str, tenant: str = MAIN) -> dict[tuple[str, str, str], ScopeState]:
    return {(tenant, TENANT_REGION, source): ScopeState.DENIED}


def machine(instance_id: str, **values: Any) -> tuple[Any, ...]:
    return row(EC2_INSTANCES, **{"instance_id": instance_id, "state": "running", "vpc_id": "vpc-1", **values})


def computer(computer_id: int, instance_id: str | None, **values: Any) -> tuple[Any, ...]:
    """A computer in good health with IPS in prevent mode, all other modules off."""
    modules: dict[str, Any] = {f"{module}_state": "off" for module in MODULES} | {f"{module}_status": "inactive" for module in MODULES}
    modules |= {"intrusion_prevention_state": "prevent", "intrusion_prevention_status": "active"}
    healthy = {
        "account": A,
        "summary": "ec2",
        "policy_id": 9,
        "agent_status": "active",
        "agent_messages": ("Managed (Online)",),
        "has_agent": True,
        "last_contact": NOW - timedelta(minutes=5),
    }
    return row(WP_COMPUTERS, **{"computer_id": computer_id, "instance_id": instance_id, **healthy, **modules, **values})


def host(number: int, instance_id: str, cluster: str = "web", **values: Any) -> tuple[Any, ...]:
    """Container instance number N of a cluster."""
    account, region = values.get("account", A), values.get("region", R)
    arn = f"arn:aws:ecs:{region}:{account}:container-instance/{cluster}/{number}"
    defaults = {"cluster_arn": cluster_arn(cluster, account, region), "container_instance_arn": arn, "instance_id": instance_id, "status": "ACTIVE"}
    return row(ECS_CONTAINER_INSTANCES, **{**defaults, **values})


def cluster_arn(cluster: str = "web", account: str = A, region: str = R) -> str:
    return f"arn:aws:ecs:{region}:{account}:cluster/{cluster}"


def task_arn(name: str, cluster: str = "web", account: str = A, region: str = R) -> str:
    return f"arn:aws:ecs:{region}:{account}:task/{cluster}/{name}"


def task(name: str, on: int | None, cluster: str = "web", **values: Any) -> tuple[Any, ...]:
    """A running task on container instance number `on`; None: Fargate."""
    account, region = values.get("account", A), values.get("region", R)
    where = None if on is None else f"arn:aws:ecs:{region}:{account}:container-instance/{cluster}/{on}"
    defaults = {
        "cluster_arn": cluster_arn(cluster, account, region),
        "task_arn": task_arn(name, cluster, account, region),
        "container_instance_arn": where,
        "last_status": "RUNNING",
    }
    return row(ECS_TASKS, **{**defaults, **values})


def container(name: str, digest: str, cluster: str = "web", **values: Any) -> tuple[Any, ...]:
    """The one container of task NAME."""
    account, region = values.get("account", A), values.get("region", R)
    defaults = {"task_arn": task_arn(name, cluster, account, region), "name": "app", "image_digest": digest, "last_status": "RUNNING"}
    return row(ECS_CONTAINERS, **{**defaults, **values})


def rule(rule_id: int = 11, *cves: str, **values: Any) -> tuple[Any, ...]:
    """An exact rule whose identifier is 1000000 + its id."""
    defaults = {"rule_id": rule_id, "identifier": str(1000000 + rule_id), "type": "vulnerability", "cves": cves or ("CVE-2024-0001",)}
    return row(WP_RULES, **{**defaults, **values})


def policy(*rules: int, **values: Any) -> tuple[Any, ...]:
    return row(WP_POLICIES, **{"policy_id": 9, "name": "Linux", "ips_rule_ids": rules, **values})


def image_arn(digest: str) -> str:
    return f"arn:aws:ecr:{R}:{A}:repository/shop/{digest}"


def package(number: int, on: str, cve: str | None, **values: Any) -> tuple[Any, ...]:
    """A package finding on an instance id, or on an image by its digest."""
    image = on.startswith("sha256:")
    defaults = {
        "arn": f"arn:aws:inspector2:{R}:{A}:finding/{number:04}",
        "type": "PACKAGE_VULNERABILITY",
        "severity": "HIGH",
        "vulnerability_id": cve,
        "resource_type": "AWS_ECR_CONTAINER_IMAGE" if image else "AWS_EC2_INSTANCE",
        "resource_id": image_arn(on) if image else on,
        "image_digest": on if image else None,
        "first_observed": NOW - timedelta(days=40, hours=3),
    }
    return row(INSPECTOR_FINDINGS, **{**defaults, **values})


def only(frame: pd.DataFrame) -> Any:
    """The one row there is."""
    assert len(frame) == 1, frame.to_dict("records")
    return next(frame.itertuples(index=False))


def patched(*rows: Any, **more: Any) -> pd.DataFrame:
    """The join over one machine, its finding and whatever else a test names."""
    made = world((EC2_INSTANCES, [machine("i-0000000000000001")]), *rows, **more)
    return patches(made)


def patches(made: World) -> pd.DataFrame:
    return plain_frame(virtual_patches.join(made.with_tables(instances.join(made)))["virtual_patches"])
