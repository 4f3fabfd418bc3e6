"""Small worlds for checks: rows by column name, a ledger by source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.scope import Scope, ScopeState
from reporter.core.settings import ChecksSettings, Settings
from reporter.core.table import Table
from reporter.core.world import World
from reporter.tables.joined import INSTANCES

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
A, B = "111122223333", "444455556666"
R, R2 = "eu-central-1", "us-east-1"
I1, I2 = "i-0000000000000001", "i-0000000000000002"
REGIONAL = ("ec2", "ecs", "elb", "guardduty", "inspector", "macie", "config", "waf")
GLOBAL_SOURCES = ("cloudfront", "waf", "iam", "s3")
TENANT_SOURCES = ("wp_computers", "wp_recommendations", "wp_policies", "wp_rules", "wp_roles")


def ago(**kwargs: float) -> datetime:
    return NOW - timedelta(**kwargs)


def rows(table: Table, *items: Mapping[str, Any]) -> pd.DataFrame:
    """Items by column name -> frame; columns not named are missing."""
    return table.frame(tuple(item.get(name) for name in table.names) for item in items)


def instance(instance_id: str = I1, /, **changes: Any) -> dict[str, Any]:
    """A running, protected instance with every module as it should be."""
    made: dict[str, Any] = {
        "account": A,
        "region": R,
        "instance_id": instance_id,
        "owner": "payments",
        "protection": "protected",
        "computer_id": 7,
        "policy": "Linux",
        "duplicates": (),
        "last_contact": ago(minutes=10),
        "anti_malware": "on",
        "anti_malware_message": "On, Real Time",
        "web_reputation": "on",
        "activity_monitoring": "on",
        "firewall": "on",
        "firewall_message": "On, 12 rules",
        "intrusion_prevention": "prevent",
        "intrusion_prevention_message": "On, Prevent, 50 rules",
        "integrity_monitoring": "real-time",
        "integrity_monitoring_message": "On, Real Time, 12 rules",
        "log_inspection": "on",
        "log_inspection_message": "On, 4 rules",
        "application_control": "on",
        "tenant": "main",
        "policy_id": 9,
        "state": "running",
        "launch_time": ago(days=40),
        "agent_status": "active",
        "agent_messages": ("Managed (Online)",),
        "last_integrity_scan": ago(days=1),
        "last_recommendation_scan": ago(days=1),
        "recommendation_status": "valid",
        "ips_rules": 50,
        "conditions": (),
    }
    return made | changes


def unmanaged(instance_id: str = I1, /, **changes: Any) -> dict[str, Any]:
    """A running instance for which no computer was found."""
    keep = ("account", "region", "instance_id", "owner", "state", "launch_time", "duplicates", "agent_messages", "conditions")
    base = instance(instance_id)
    return {name: base[name] for name in keep} | {"protection": "unmanaged"} | changes


Change = tuple[ScopeState, str, str]
DENIED: Change = (ScopeState.DENIED, "AccessDenied", "service:ListThings")
THROTTLED: Change = (ScopeState.UNAVAILABLE, "ThrottlingException after 8 tries", "")
OFF: Change = (ScopeState.NOT_ENABLED, "", "")
SKIPPED: Change = (ScopeState.SKIPPED, "not in the schedule", "")


def ledger(
    changed: Mapping[tuple[str, str, str], Change] | None = None,
    *,
    accounts: Sequence[str] = (A,),
    regions: Sequence[str] = (R,),
    tenants: Sequence[str] = ("main",),
    without: Sequence[str] = (),
) -> Ledger:
    """Every scope read, but `changed`: (source, account or tenant, region) -> what became of it."""
    scopes = [Scope(a, r, s) for a in accounts for r in regions for s in REGIONAL]
    scopes += [Scope(a, "global", s) for a in accounts for s in GLOBAL_SOURCES]
    scopes += [Scope(t, "-", s) for t in tenants for s in TENANT_SOURCES]
    scopes = [scope for scope in scopes if scope.source not in without]
    made = Ledger(scopes)
    for scope in scopes:
        state, message, permission = (changed or {}).get((scope.source, scope.account, scope.region), (ScopeState.OK, "", ""))
        made.record(LedgerRow(scope, state, message=message, permission=permission))
    return made


def world(
    *tables: tuple[Table, pd.DataFrame],
    changed: Mapping[tuple[str, str, str], Change] | None = None,
    checks: ChecksSettings | None = None,
    tenants: Sequence[str] = ("main",),
    **more: Any,
) -> World:
    settings = Settings(checks=checks or ChecksSettings(), tenants=tuple(tenants))
    return World({table.name: frame for table, frame in tables}, ledger(changed, tenants=tenants, **more), settings, NOW)


def world_of_instances(*items: Mapping[str, Any], **more: Any) -> World:
    return world((INSTANCES, rows(INSTANCES, *items)), **more)


def only(frame: pd.DataFrame) -> dict[str, Any]:
    """The one row there is."""
    assert len(frame) == 1, frame.to_dict("records")
    found: dict[str, Any] = frame.to_dict("records")[0]
    return found


def statuses(frame: pd.DataFrame) -> dict[str, str]:
    """Resource -> status."""
    return dict(zip(frame["resource"], frame["status"], strict=True))
