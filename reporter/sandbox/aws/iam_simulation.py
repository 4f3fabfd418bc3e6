"""IAM: what a principal's policies would allow. Nothing here is refused for lack of a right: a role or user without any policy may do everything."""

from __future__ import annotations

from typing import Any

import moto.backends
from moto.iam.access_control import IAMPolicy, PermissionResult

from reporter.sandbox.aws.extend import Call, Extension, refuse
from reporter.sandbox.aws.paging import page

DECISIONS = {PermissionResult.PERMITTED: "allowed", PermissionResult.DENIED: "explicitDeny", PermissionResult.NEUTRAL: "implicitDeny"}


def simulate_principal_policy(call: Call) -> dict[str, Any]:
    """One result for each action and resource. Conditions are not looked at, nor are service control policies."""
    policies = _policies(call)
    pairs = [(action, resource) for action in call.params["ActionNames"] for resource in call.params.get("ResourceArns") or ["*"]]
    results = [
        {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": _decision(policies, action, resource), "MatchedStatements": []}
        for action, resource in pairs
    ]
    asked = call.params.get("MaxItems")
    part, marker = page(results, call.params.get("Marker"), int(asked) if asked else None, most=1000, default=100, error="InvalidInput")
    return {"EvaluationResults": part, "IsTruncated": marker is not None, "Marker": marker}


def _policies(call: Call) -> list[IAMPolicy]:
    """Inline and attached ones. Raises NoSuchEntity for a role that is not there."""
    arn = call.params["PolicySourceArn"]
    get_backend: Any = moto.backends.get_backend
    backend = get_backend("iam")[call.account]["aws"]
    principals = [*backend.roles.values(), *backend.users.values()]
    found = next((principal for principal in principals if principal.arn == arn), None)
    if found is None and ":role/" in arn:
        raise refuse("NoSuchEntity", f"The entity {arn} cannot be found.")
    if found is None:
        return []
    return [IAMPolicy(document) for document in (*found.policies.values(), *found.managed_policies.values())]


def _decision(policies: list[IAMPolicy], action: str, resource: str) -> str:
    decisions = [policy.is_action_permitted(action, resource) for policy in policies]
    if PermissionResult.DENIED in decisions:
        return DECISIONS[PermissionResult.DENIED]
    allowed = not policies or PermissionResult.PERMITTED in decisions
    return DECISIONS[PermissionResult.PERMITTED if allowed else PermissionResult.NEUTRAL]


EXTENSION = Extension(service="iam", operations={"SimulatePrincipalPolicy": simulate_principal_policy})
"""moto has no such operation"""
