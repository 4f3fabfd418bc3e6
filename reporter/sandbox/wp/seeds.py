"""Seeding: whole API objects are laid down as they come; ids are the seeder's business."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reporter.sandbox.wp.call import Refused
from reporter.sandbox.wp.tenant import Object, Parent, Tenant

_BY_ID = {
    "rules": "rules",
    "application_types": "application_types",
    "roles": "roles",
    "computer_groups": "computer_groups",
    "aws_connectors": "aws_connectors",
    "scheduled_tasks": "scheduled_tasks",
}


def seed(tenant: Tenant, kind: str, items: list[Any]) -> int:
    """Lay down items of one kind (an item with the same ID is replaced); how many. Raises Refused(400) on an unknown kind or a bad item."""
    lay = _KINDS.get(kind)
    if lay is None and kind not in _BY_ID:
        raise Refused(400, f"unknown kind; known: {', '.join(sorted((*_KINDS, *_BY_ID)))}")
    for item in items:
        if not isinstance(item, dict):
            raise Refused(400, "every item must be an object")
        clean = without_nulls(item)
        if lay is None:
            getattr(tenant, _BY_ID[kind])[_id(clean, "ID")] = clean
        else:
            lay(tenant, clean)
    return len(items)


def without_nulls(value: Any) -> Any:
    """The same without properties that are null: the API leaves them out."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def _id(item: Object, name: str) -> int:
    value = item.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(400, f"{name} must be an integer")
    return value


def _parent(item: Object) -> tuple[Parent, int]:
    return ("policies", _id(item, "policyID")) if "policyID" in item else ("computers", _id(item, "computerID"))


def _computer(tenant: Tenant, item: Object) -> None:
    """intrusionPrevention.ruleIDs is what the agent has; what is assigned comes from the policy and from `assignments`."""
    tenant.computers[_id(item, "ID")] = item


def _policy(tenant: Tenant, item: Object) -> None:
    """intrusionPrevention.ruleIDs is what is assigned to the policy itself."""
    policy_id = _id(item, "ID")
    module = item.get("intrusionPrevention", {})
    tenant.own["policies", policy_id] = set(module.get("ruleIDs", ()))
    if module:
        item["intrusionPrevention"] = {key: value for key, value in module.items() if key not in ("ruleIDs", "applicationTypeIDs")}
    if item.get("parentID") == 0:
        del item["parentID"]
    tenant.policies[policy_id] = item


def _rule_override(tenant: Tenant, item: Object) -> None:
    changes = {key: value for key, value in item.items() if key not in ("policyID", "computerID", "ruleID")}
    tenant.overrides.setdefault(_parent(item), {})[_id(item, "ruleID")] = changes


def _assignment(tenant: Tenant, item: Object) -> None:
    """assignedRuleIDs is what is assigned directly; afterScan (not of the API) holds the lists that the next scan will find."""
    parent, object_id = _parent(item)
    if "assignedRuleIDs" in item:
        tenant.own[parent, object_id] = set(item["assignedRuleIDs"])
    if parent == "computers":
        tenant.recommendations[object_id] = {key: value for key, value in item.items() if key not in ("computerID", "assignedRuleIDs")}


def _api_key(tenant: Tenant, item: Object) -> None:
    """For the key given as `key` (not of the API); for every key of the tenant when none is given."""
    secret = item.pop("key", None)
    for key in tenant.keys:
        if secret in (None, key.secret):
            key.about = {**key.about, **item}


def _account(tenant: Tenant, item: Object) -> None:
    tenant.account = item


_KINDS: dict[str, Callable[[Tenant, Object], None]] = {
    "computers": _computer,
    "policies": _policy,
    "rule_overrides": _rule_override,
    "assignments": _assignment,
    "api_key": _api_key,
    "account": _account,
}
