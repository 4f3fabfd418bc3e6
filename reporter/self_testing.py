"""A question whose answer is known: a small world that never changes, joined and judged by the engine of this run.

Two accounts in one region. The first is read whole: an instance that is protected, one without a computer, one whose agent is inactive, one whose
agent was not seen for two days, one without a policy, one that is stopped; a protected one that is outside the scope. Of the second account EC2 was
refused, of the first Inspector: what depends on them must be UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.scope import TENANT_REGION, Scope, ScopeState
from reporter.core.settings import ExceptionRule, Settings, TagScope
from reporter.core.table import Kind, Table
from reporter.core.world import World
from reporter.joining import join
from reporter.judge import discover, judge
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES, WP_ROLES

NOW = datetime(2026, 1, 15, 3, 0, tzinfo=UTC)
A, B, REGION, TENANT = "111111111111", "222222222222", "eu-central-1", "self-test"
CHECKS = ("instance_protected", "agent_online", "policy_assigned", "vulnerability_covered")
KNOWN = {
    ("instance_protected", "i-protected"): "PASS",
    ("instance_protected", "i-unmanaged"): "FAIL",
    ("instance_protected", "i-inactive"): "FAIL",
    ("instance_protected", "i-silent"): "FAIL",
    ("instance_protected", "i-nopolicy"): "WAIVED",
    ("instance_protected", "*"): "UNKNOWN",
    ("agent_online", "i-protected"): "PASS",
    ("agent_online", "i-silent"): "FAIL",
    ("agent_online", "i-stopped"): "NOT_APPLICABLE",
    ("agent_online", "*"): "UNKNOWN",
    ("policy_assigned", "i-protected"): "PASS",
    ("policy_assigned", "i-nopolicy"): "FAIL",
    ("vulnerability_covered", "i-protected"): "UNKNOWN",
}
"""(check id, instance id) -> status. An instance outside the scope has no row at all."""
OUTSIDE = "i-outside"

_EMPTY: dict[Kind, Any] = {Kind.TEXT: "", Kind.CATEGORY: "", Kind.INTEGER: 0, Kind.FLAG: False, Kind.TEXTS: (), Kind.INTEGERS: (), Kind.TIME: NOW}


def self_test() -> Mapping[str, Any]:
    """What was asked, what was answered, and whether that is what is known."""
    chosen = tuple(check for check in discover() if check.id in CHECKS)
    waiver = ExceptionRule(
        check="instance_protected", resource="i-nopolicy", reason="known", owner="a", approved_by="b", ticket="T-1", expires="2026-12-31"
    )
    results = judge(join(_world()), chosen, (waiver,))
    said = dict(zip(zip(results["check_id"], results["resource"], strict=True), results["status"], strict=True))
    answers = [
        {"check": check, "instance": instance, "known": known, "answered": said.get((check, instance))} for (check, instance), known in KNOWN.items()
    ]
    outside = [list(key) for key in sorted(said) if key[1] == OUTSIDE]
    return {
        "passed": not outside and all(answer["known"] == answer["answered"] for answer in answers),
        "answers": answers,
        "outside_the_scope": outside,
    }


def _world() -> World:
    hour, days = timedelta(hours=1), timedelta(days=2)
    machines = [
        _row(EC2_INSTANCES, instance_id=name, state="stopped" if name == "i-stopped" else "running", launch_time=NOW - 9 * days, tags=_tags(name))
        for name in ("i-protected", "i-unmanaged", "i-inactive", "i-silent", "i-nopolicy", "i-stopped", OUTSIDE)
    ]
    computers = [
        _computer(1, "i-protected"),
        _computer(2, "i-inactive", agent_status="inactive", has_agent=False),
        _computer(3, "i-silent", last_contact=NOW - days),
        _computer(4, "i-nopolicy", policy_id=None),
        _computer(5, "i-stopped", last_contact=NOW - days),
        _computer(6, OUTSIDE, last_contact=NOW - hour),
    ]
    roles = [_row(WP_ROLES, tenant=TENANT, all_computers=True, all_policies=True)]
    policies = [_row(WP_POLICIES, tenant=TENANT, policy_id=9, name="policy")]
    tables = {EC2_INSTANCES: machines, WP_COMPUTERS: computers, WP_ROLES: roles, WP_POLICIES: policies}
    frames = {table.name: table.frame(rows) for table, rows in tables.items()}
    settings = Settings(tenants=(TENANT,), scope=TagScope(tag="Scope", values=("in",)))
    return World(frames, _ledger(), settings, NOW)


def _ledger() -> Ledger:
    regional = [Scope(account, REGION, source) for account in (A, B) for source in ("ec2", "ecs", "inspector")]
    tenant = [Scope(TENANT, TENANT_REGION, source) for source in ("wp_computers", "wp_roles", "wp_policies", "wp_rules", "wp_recommendations")]
    refused = {Scope(B, REGION, "ec2"), Scope(A, REGION, "inspector")}
    made = Ledger((*regional, *tenant))
    for scope in (*regional, *tenant):
        made.record(LedgerRow(scope, ScopeState.DENIED if scope in refused else ScopeState.OK))
    made.close()
    return made


def _computer(number: int, instance: str, **changes: Any) -> tuple[Any, ...]:
    healthy = {"tenant": TENANT, "computer_id": number, "account": A, "instance_id": instance, "policy_id": 9, "agent_status": "active"}
    return _row(WP_COMPUTERS, **{**healthy, "has_agent": True, "last_contact": NOW - timedelta(minutes=5), **changes})


def _tags(name: str) -> str:
    return "{}" if name == OUTSIDE else '{"Scope": "in"}'


def _row(table: Table, **values: Any) -> tuple[Any, ...]:
    """A row of these values; else nothing where that may be, else the account, the region, or an empty value."""
    given = {"account": A, "region": REGION, **values}
    return tuple(given.get(column.name, None if column.nullable else _EMPTY[column.kind]) for column in table.columns)
