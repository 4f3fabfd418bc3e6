"""Policies: list, search, describe, modify, delete. Effective values unless `overrides` asks for the policy's own."""

from __future__ import annotations

from reporter.sandbox.wp.call import Call, Refused, Route, not_found
from reporter.sandbox.wp.effective import MODULES, application_types, assigned_rules, computers_using, lineage, module_state, settings_there
from reporter.sandbox.wp.roles import require, visible_policies
from reporter.sandbox.wp.rules import checked_rules
from reporter.sandbox.wp.schemas import accepted
from reporter.sandbox.wp.search import search, shuffled
from reporter.sandbox.wp.sending import after_change
from reporter.sandbox.wp.tenant import Object, Tenant


def policy_view(tenant: Tenant, policy: Object) -> Object:
    """The policy with what it inherits: module states, IPS rules, settings."""
    view, policy_id = dict(policy), policy["ID"]
    modules = {module for _, step in lineage(tenant, "policies", policy_id) for module in MODULES if module in tenant.policies[step]}
    for module in modules:
        state = module_state(tenant, policy_id, module)
        view[module] = {**policy.get(module, {}), **({"state": state} if state else {})}
    rules = assigned_rules(tenant, "policies", policy_id)
    if rules:
        view["intrusionPrevention"] = {
            **view.get("intrusionPrevention", {}),
            "ruleIDs": rules,
            "applicationTypeIDs": application_types(tenant, rules),
        }
    settings = settings_there(tenant, "policies", policy_id)
    if settings:
        view["policySettings"] = settings
    return view


def _shown(call: Call, policy: Object) -> Object:
    if not call.overrides:
        return policy_view(call.tenant, policy)
    view = dict(policy)
    rules = assigned_rules(call.tenant, "policies", policy["ID"], overrides=True)
    if rules:
        view["intrusionPrevention"] = {**view.get("intrusionPrevention", {}), "ruleIDs": rules}
    if call.knobs.overrides_id == "without":
        del view["ID"]
    return view


def _policy(call: Call) -> Object:
    policy = visible_policies(call).get(call.id("policyID"))
    if policy is None:
        raise not_found()
    return policy


def _list(call: Call) -> Object:
    return {"policies": [_shown(call, item) for item in shuffled(visible_policies(call).values(), call.knobs, "policy")]}


def _search(call: Call) -> Object:
    found = search(visible_policies(call).values(), "policy", call.document(), call.knobs)
    return {"policies": [_shown(call, item) for item in found]}


def _describe(call: Call) -> Object:
    return _shown(call, _policy(call))


def _modify(call: Call) -> Object:
    policy = _policy(call)
    require(call, "policyRights", "canEditPolicyProperties")
    changes = accepted("policy", call.document())
    parent_id = changes.get("parentID", 0)
    if parent_id and (parent_id not in call.tenant.policies or ("policies", policy["ID"]) in lineage(call.tenant, "policies", parent_id)):
        raise Refused(400, "parentID is not the ID of another policy that could be its parent")
    rules = changes.get("intrusionPrevention", {}).pop("ruleIDs", None)
    if rules is not None:
        call.tenant.own["policies", policy["ID"]] = checked_rules(call, rules)
    for name, value in changes.items():
        if isinstance(value, dict):
            merged = {**policy.get(name, {}), **value}
            policy[name] = {key: item for key, item in merged.items() if item != "inherited"}
        elif name == "parentID" and value == 0:
            policy.pop(name, None)
        else:
            policy[name] = value
    if changes:
        after_change(call.tenant, "policies", policy["ID"], call.now, call.knobs)
    return _shown(call, policy)


def _delete(call: Call) -> None:
    policy_id = _policy(call)["ID"]
    require(call, "policyRights", "canDeletePolicies")
    tenant = call.tenant
    if computers_using(tenant, policy_id, subpolicies=True) or any(item.get("parentID") == policy_id for item in tenant.policies.values()):
        raise Refused(400, "the policy is in use")
    del tenant.policies[policy_id]
    tenant.own.pop(("policies", policy_id), None)
    tenant.overrides.pop(("policies", policy_id), None)


ROUTES = (
    Route("GET", "/policies", _list),
    Route("POST", "/policies/search", _search),
    Route("GET", "/policies/{policyID}", _describe),
    Route("POST", "/policies/{policyID}", _modify),
    Route("DELETE", "/policies/{policyID}", _delete),
)
