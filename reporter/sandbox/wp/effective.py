"""What inheritance makes of a policy or computer: a child has what its parents have, and what it has itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reporter.sandbox.wp.tenant import Object, Parent, Tenant

MODULES = (
    "antiMalware",
    "webReputation",
    "activityMonitoring",
    "firewall",
    "intrusionPrevention",
    "integrityMonitoring",
    "logInspection",
    "applicationControl",
    "SAP",
)


def lineage(tenant: Tenant, parent: Parent, object_id: int) -> Iterator[tuple[Parent, int]]:
    """The object itself, then the policies above it, root last."""
    policy_id: int | None
    if parent == "computers":
        yield "computers", object_id
        policy_id = tenant.computers[object_id].get("policyID")
    else:
        policy_id = object_id
    seen: set[int] = set()
    while policy_id and policy_id in tenant.policies and policy_id not in seen:
        seen.add(policy_id)
        yield "policies", policy_id
        policy_id = tenant.policies[policy_id].get("parentID")


def assigned_rules(tenant: Tenant, parent: Parent, object_id: int, *, overrides: bool = False) -> list[int]:
    """Ids of the rules assigned to it, sorted; with overrides only those assigned directly."""
    if overrides:
        return sorted(tenant.own.get((parent, object_id), ()))
    return sorted(set().union(*(tenant.own.get(step, set()) for step in lineage(tenant, parent, object_id))))


def application_types(tenant: Tenant, rule_ids: Iterable[int]) -> list[int]:
    found = (tenant.rules[rule_id].get("applicationTypeID") for rule_id in rule_ids if rule_id in tenant.rules)
    return sorted({type_id for type_id in found if type_id is not None})


def rule_there(tenant: Tenant, parent: Parent, object_id: int, rule_id: int) -> Object:
    """The rule as it is there: the nearest override of each property wins."""
    rule = dict(tenant.rules[rule_id])
    for step in reversed(list(lineage(tenant, parent, object_id))):
        rule.update(tenant.overrides.get(step, {}).get(rule_id, {}))
    return rule


def module_state(tenant: Tenant, policy_id: int | None, module: str) -> str | None:
    """The state a policy gives the module: its own, or the nearest parent's."""
    for _, step in lineage(tenant, "policies", policy_id or 0):
        state = tenant.policies[step].get(module, {}).get("state")
        if state is not None:
            return str(state)
    return None


def auto_requires_update(tenant: Tenant, computer_id: int) -> bool:
    """Whether changes are sent to the computer by themselves (the nearest policy that says so decides; on when none does)."""
    for parent, step in lineage(tenant, "computers", computer_id):
        word = tenant.policies[step].get("autoRequiresUpdate") if parent == "policies" else None
        if word is not None:
            return bool(word == "on")
    return True


def settings_there(tenant: Tenant, parent: Parent, object_id: int) -> Object:
    """Settings that are set there or above; the nearest wins."""
    merged: Object = {}
    for kind, step in reversed(list(lineage(tenant, parent, object_id))):
        if kind == "policies":
            merged.update(tenant.policies[step].get("policySettings", {}))
        else:
            merged.update(tenant.computers[step].get("computerSettings", {}))
    return merged


def computers_using(tenant: Tenant, policy_id: int, *, subpolicies: bool) -> list[int]:
    """Ids of the computers that use the policy, sorted; with subpolicies those below it too."""
    if subpolicies:
        return sorted(key for key in tenant.computers if ("policies", policy_id) in lineage(tenant, "computers", key))
    return sorted(key for key, computer in tenant.computers.items() if computer.get("policyID") == policy_id)
