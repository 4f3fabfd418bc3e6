"""IPS assignments of policies and computers, and the rules as they are there. Assignments are intent; what the agent has comes with the policy."""

from __future__ import annotations

from functools import partial

from reporter.sandbox.wp.call import Call, Refused, Route, not_found
from reporter.sandbox.wp.effective import application_types, assigned_rules, computers_using, rule_there
from reporter.sandbox.wp.roles import require, visible
from reporter.sandbox.wp.rules import checked_rules
from reporter.sandbox.wp.schemas import accepted
from reporter.sandbox.wp.sending import after_change
from reporter.sandbox.wp.tenant import Object, Parent, Tenant

_ID: dict[Parent, str] = {"policies": "policyID", "computers": "computerID"}
_RIGHT: dict[Parent, tuple[str, str]] = {
    "computers": ("computerRights", "canEditComputerProperties"),
    "policies": ("policyRights", "canEditPolicyProperties"),
}
_RULE = "intrusionPreventionRuleID"


def _object_id(parent: Parent, call: Call) -> int:
    object_id = call.id(_ID[parent])
    if object_id not in visible(call, parent):
        raise not_found()
    return object_id


def _writable_id(parent: Parent, call: Call) -> int:
    object_id = _object_id(parent, call)
    require(call, *_RIGHT[parent])
    return object_id


def _scanned(tenant: Tenant, parent: Parent, object_id: int) -> Object:
    """Status, date and lists of the recommendation scan; a policy has the union over the computers that use it."""
    if parent == "computers":
        return tenant.recommendations.get(object_id, {})
    scans = [tenant.recommendations[key] for key in computers_using(tenant, object_id, subpolicies=False) if key in tenant.recommendations]
    scans = [scan for scan in scans if "lastRecommendationScanDate" in scan]
    if not scans:
        return {}
    states = {scan.get("recommendationScanStatus") for scan in scans}
    return {
        "recommendationScanStatus": "valid" if states == {"valid"} else "out-of-date",
        "lastRecommendationScanDate": min(int(scan["lastRecommendationScanDate"]) for scan in scans),
        "recommendedToAssignRuleIDs": [rule for scan in scans for rule in scan.get("recommendedToAssignRuleIDs", [])],
        "recommendedToUnassignRuleIDs": [rule for scan in scans for rule in scan.get("recommendedToUnassignRuleIDs", [])],
    }


def _answer(parent: Parent, call: Call, object_id: int) -> Object:
    tenant = call.tenant
    assigned = assigned_rules(tenant, parent, object_id, overrides=call.overrides)
    everything = set(assigned_rules(tenant, parent, object_id))
    scan = _scanned(tenant, parent, object_id)
    answer: Object = {
        "assignedRuleIDs": assigned,
        "assignedApplicationTypeIDs": application_types(tenant, assigned),
        "recommendationScanStatus": scan.get("recommendationScanStatus", "none"),
        "recommendedToAssignRuleIDs": sorted(set(scan.get("recommendedToAssignRuleIDs", ())) - everything),
        "recommendedToUnassignRuleIDs": sorted(set(scan.get("recommendedToUnassignRuleIDs", ())) & everything),
    }
    date = scan.get("lastRecommendationScanDate")
    if date is not None:
        answer["lastRecommendationScanDate"] = str(date) if call.knobs.scan_date == "string" else int(date)
    return answer


def _describe(parent: Parent, call: Call) -> Object:
    return _answer(parent, call, _object_id(parent, call))


def _rule_ids(call: Call) -> set[int]:
    wanted = accepted("RuleIDs", call.document())
    if "ruleIDs" not in wanted:
        raise Refused(400, "ruleIDs is missing")
    return checked_rules(call, wanted["ruleIDs"])


def _assign(parent: Parent, call: Call, object_id: int, rule_ids: set[int]) -> Object:
    if call.tenant.own.get((parent, object_id), set()) != rule_ids:
        call.tenant.own[parent, object_id] = rule_ids
        after_change(call.tenant, parent, object_id, call.now, call.knobs)
    return _answer(parent, call, object_id)


def _add(parent: Parent, call: Call) -> Object:
    object_id = _writable_id(parent, call)
    inherited = set(assigned_rules(call.tenant, parent, object_id))
    own = call.tenant.own.get((parent, object_id), set())
    return _assign(parent, call, object_id, own | (_rule_ids(call) - inherited))


def _set(parent: Parent, call: Call) -> Object:
    return _assign(parent, call, _writable_id(parent, call), _rule_ids(call))


def _remove(parent: Parent, call: Call) -> Object:
    """Removes it where it is assigned directly; an inherited one stays, as it is not assigned here."""
    object_id, rule_id = _writable_id(parent, call), call.id(_RULE)
    if rule_id not in call.tenant.rules:
        raise not_found()
    return _assign(parent, call, object_id, call.tenant.own.get((parent, object_id), set()) - {rule_id})


def _effective_rules(parent: Parent, call: Call) -> Object:
    object_id = _object_id(parent, call)
    if call.overrides:
        changed = call.tenant.overrides.get((parent, object_id), {})
        return {"intrusionPreventionRules": [_own_rule(call, rule_id, changed[rule_id]) for rule_id in sorted(changed)]}
    rule_ids = [rule_id for rule_id in assigned_rules(call.tenant, parent, object_id) if rule_id in call.tenant.rules]
    return {"intrusionPreventionRules": [rule_there(call.tenant, parent, object_id, rule_id) for rule_id in rule_ids]}


def _own_rule(call: Call, rule_id: int, changed: Object) -> Object:
    return changed if call.knobs.overrides_id == "without" else {"ID": rule_id, **changed}


def _rule_here(parent: Parent, call: Call, object_id: int) -> Object:
    rule_id = call.id(_RULE)
    if rule_id not in call.tenant.rules:
        raise not_found()
    if call.overrides:
        return _own_rule(call, rule_id, call.tenant.overrides.get((parent, object_id), {}).get(rule_id, {}))
    return rule_there(call.tenant, parent, object_id, rule_id)


def _describe_rule(parent: Parent, call: Call) -> Object:
    return _rule_here(parent, call, _object_id(parent, call))


def _override_rule(parent: Parent, call: Call) -> Object:
    object_id, rule_id = _writable_id(parent, call), call.id(_RULE)
    changes = accepted("intrusionPreventionRule", call.document())
    if rule_id in call.tenant.rules and changes:
        call.tenant.overrides.setdefault((parent, object_id), {}).setdefault(rule_id, {}).update(changes)
        after_change(call.tenant, parent, object_id, call.now, call.knobs)
    return _rule_here(parent, call, object_id)


def _reset_rule(parent: Parent, call: Call) -> Object:
    object_id = _writable_id(parent, call)
    if call.tenant.overrides.get((parent, object_id), {}).pop(call.id(_RULE), None) is not None:
        after_change(call.tenant, parent, object_id, call.now, call.knobs)
    return _rule_here(parent, call, object_id)


def _routes(parent: Parent) -> tuple[Route, ...]:
    path = f"/{parent}/{{{_ID[parent]}}}/intrusionprevention"
    assignments, rules = f"{path}/assignments", f"{path}/rules"
    one = f"/{{{_RULE}}}"
    return (
        Route("GET", assignments, partial(_describe, parent)),
        Route("POST", assignments, partial(_add, parent)),
        Route("PUT", assignments, partial(_set, parent)),
        Route("DELETE", assignments + one, partial(_remove, parent)),
        Route("GET", rules, partial(_effective_rules, parent)),
        Route("GET", rules + one, partial(_describe_rule, parent)),
        Route("POST", rules + one, partial(_override_rule, parent)),
        Route("DELETE", rules + one, partial(_reset_rule, parent)),
    )


ROUTES = (*_routes("policies"), *_routes("computers"))
