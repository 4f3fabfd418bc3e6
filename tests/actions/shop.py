"""A tenant with policies below policies, seeded into the sandbox, and the world that our own sources read from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from reporter.core.change import ActionState, Change, Json
from reporter.core.past import Deed
from reporter.core.world import World
from reporter.joins import instances, virtual_patches
from reporter.schedule import Actions, AssignIpsRule
from reporter.sources import wp_computers, wp_policies, wp_roles, wp_rules
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import INSPECTOR_FINDINGS
from tests.actions.hands import NOW, RUN
from tests.clients.wp_sandbox import Tenant
from tests.joins.made import A, machine, package, world

BASE, WEB, PAY, OTHER = 5, 9, 10, 20
"""WEB is below BASE, PAY below WEB; OTHER stands alone."""
IN_WEB, IN_WEB_TOO, IN_PAY, IN_OTHER = 71, 72, 73, 74
OLD, STRUTS, LOG4J, NEEDS, NEEDED, DEEPER = 1, 11, 12, 13, 14, 15
"""rule ids; OLD is on BASE; NEEDS brings NEEDED, which brings DEEPER"""
ON_STRUTS, ON_LOG4J, ON_NEEDS = "CVE-2018-11776", "CVE-2021-44228", "CVE-2024-0013"
MILLIS = round(NOW.timestamp() * 1000)
WIDE = {"max_percent": 100}


def instance(computer: int) -> str:
    return f"i-{computer:017x}"


def rule(rule_id: int, *cves: str, needs: tuple[int, ...] = (), **values: Any) -> dict[str, Any]:
    return {
        "ID": rule_id,
        "identifier": str(1000000 + rule_id),
        "name": f"rule {rule_id}",
        "type": "vulnerability",
        "detectOnly": False,
        "CVE": list(cves) or None,
        "dependsOnRuleIDs": list(needs),
        **values,
    }


def computer(computer_id: int, policy: int | None, on_agent: Iterable[int] = (OLD,), **values: Any) -> dict[str, Any]:
    """Online, its policy sent an hour ago."""
    return {
        "ID": computer_id,
        "hostName": f"host-{computer_id}",
        "policyID": policy,
        "agentFingerPrint": "AA:BB",
        "agentVersion": "20.0.0.1",
        "lastAgentCommunication": MILLIS - 60_000,
        "lastSendPolicyRequest": MILLIS - 3_600_000,
        "lastSendPolicySuccess": MILLIS - 3_599_500,
        "computerStatus": {"agentStatus": "active", "agentStatusMessages": ["Managed (Online)"]},
        "ec2VirtualMachineSummary": {
            "cloudProvider": "AWS",
            "accountID": A,
            "instanceID": instance(computer_id),
            "availabilityZone": "eu-central-1a",
        },
        "intrusionPrevention": {
            "state": "prevent",
            "ruleIDs": list(on_agent),
            "moduleStatus": {"agentStatus": "active", "agentStatusMessage": "On, Prevent, 1 rules"},
        },
        **values,
    }


def policy(policy_id: int, name: str, parent: int = 0, rules: Iterable[int] = (), **values: Any) -> dict[str, Any]:
    return {
        "ID": policy_id,
        "name": name,
        "parentID": parent,
        "autoRequiresUpdate": "on",
        "intrusionPrevention": {"state": "prevent", "ruleIDs": list(rules)},
        **values,
    }


def seed(tenant: Tenant) -> None:
    """Three policies in a line and one apart, four computers; the server's clock stands at NOW, a policy arrives at once."""
    tenant.sandbox.state.turn({"now": MILLIS, "clock_runs": False, "policy_delay": 0.0})
    tenant.seed("policies", policy(BASE, "Base", rules=[OLD]), policy(WEB, "Web", BASE), policy(PAY, "Pay", WEB), policy(OTHER, "Other", rules=[OLD]))
    tenant.seed("rules", rule(OLD), rule(STRUTS, ON_STRUTS), rule(LOG4J, ON_LOG4J), rule(NEEDS, ON_NEEDS, needs=(NEEDED,)))
    tenant.seed("rules", rule(NEEDED, needs=(DEEPER,)), rule(DEEPER))
    tenant.seed("computers", *(computer(number, on) for number, on in ((IN_WEB, WEB), (IN_WEB_TOO, WEB), (IN_PAY, PAY), (IN_OTHER, OTHER))))


def read(tenant: Tenant, *findings: tuple[int, str], severity: Mapping[str, str] | None = None) -> World:
    """The world as our sources read it, with Inspector findings (computer, CVE)."""
    tables = []
    for source in (wp_computers.SOURCE, wp_policies.SOURCE, wp_rules.SOURCE, wp_roles.SOURCE):
        rows = source.fetch(tenant.reader(source.name))
        tables += [(table, list(rows[table.name])) for table in source.tables]
    machines = [machine(instance(number)) for number in sorted({number for number, _ in findings})]
    found = [
        package(index, instance(number), cve, severity=(severity or {}).get(cve, "HIGH"), account=A) for index, (number, cve) in enumerate(findings)
    ]
    return joined(world((EC2_INSTANCES, machines), (INSPECTOR_FINDINGS, found), *tables))


def joined(made: World) -> World:
    with_instances = made.with_tables(instances.join(made))
    return with_instances.with_tables(virtual_patches.join(with_instances))


def asking(**settings: Any) -> Actions:
    return Actions(assign_ips_rule=AssignIpsRule(**{**WIDE, **settings}))


def deed(change: Change, state: ActionState | None = ActionState.VERIFIED, delta: Json | None = None, days: float = 1, **values: Any) -> Deed:
    """A deed that was begun so many days ago."""
    begun: datetime = NOW - timedelta(days=days)
    return Deed(f"{RUN}/0000", RUN, "hash", change, begun, begun, state, delta or {}, **values)


def direct(tenant: Tenant, policy_id: int) -> set[int]:
    """Rules assigned directly to a policy."""
    return tenant.sandbox.state.tenants["main"].own.get(("policies", policy_id), set())


def overrides(tenant: Tenant, policy_id: int) -> dict[int, dict[str, Any]]:
    """Rules with settings of their own on a policy."""
    found = tenant.sandbox.state.tenants["main"].overrides.get(("policies", policy_id), {})
    return {rule_id: dict(changes) for rule_id, changes in found.items()}


def writes(tenant: Tenant) -> list[str]:
    return [f"{call['method']} {call['path']}" for call in tenant.sandbox.state.calls if call["write"]]
