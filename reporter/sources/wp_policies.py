"""Policies with their inheritance, and the IPS rules of each as the policy has them.

A rule may be set to detect on one policy only; that is shown by the policy's own rule list, one call for each policy that has rules. Rules that are
set to detect on a single computer are not read (one call a computer): the page of the virtual-patch join says so.
"""

from __future__ import annotations

from typing import Any

from reporter.clients.workload_protection import WpReader
from reporter.core.errors import Unavailable
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.workload_protection import WP_POLICIES, WP_POLICY_RULES

RIGHT = "platformRights.policyRights.canViewOtherPolicies"
WANTED = ("ID", "parentID", "name", "autoRequiresUpdate", "intrusionPrevention.state", "intrusionPrevention.ruleIDs")


def fetch(reader: WpReader) -> Rows:
    """All policies the key may see, effective values (inherited ones included)."""

    def rules_of(policy: dict[str, Any]) -> list[Row]:
        path = f"/policies/{policy['ID']}/intrusionprevention/rules"
        rules = reader.get(path, right=RIGHT).get("intrusionPreventionRules")
        if not isinstance(rules, list) or not all(isinstance(rule, dict) and "ID" in rule for rule in rules):
            raise Unavailable(f"GET {path} at tenant {reader.tenant}: the answer has no list of rules with an ID")
        return [(reader.tenant, policy["ID"], rule["ID"], bool(rule.get("detectOnly"))) for rule in rules]

    policies = reader.search("/policies", "policies", right=RIGHT, overrides="false", wanted=WANTED)
    with_rules = [policy for policy in policies if (policy.get("intrusionPrevention") or {}).get("ruleIDs")]
    return {
        WP_POLICIES.name: [_row(reader.tenant, policy) for policy in policies],
        WP_POLICY_RULES.name: [row for rows in reader.map(rules_of, with_rules) for row in rows],
    }


def _row(tenant: str, policy: dict[str, Any]) -> Row:
    ips = policy.get("intrusionPrevention") or {}
    sends = policy.get("autoRequiresUpdate")
    return (
        tenant,
        policy["ID"],
        policy.get("parentID") or None,
        policy.get("name") or f"policy {policy['ID']}",
        None if sends is None else sends == "on",
        ips.get("state"),
        ips.get("ruleIDs") or (),
    )


SOURCE = Source(name="wp_policies", tables=(WP_POLICIES, WP_POLICY_RULES), permissions=(RIGHT,), reach=Reach.TENANT, fetch=fetch)
