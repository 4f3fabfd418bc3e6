"""Roles: what the key in use may do, and what a narrowed role does not get to see."""

from __future__ import annotations

from reporter.sandbox.wp.call import Call, Refused, Route, not_found
from reporter.sandbox.wp.groups import with_subgroups
from reporter.sandbox.wp.tenant import Object, Objects, Parent


def role_of(call: Call) -> Object:
    """The role of the key in use; a key whose role is not known may do everything."""
    return call.tenant.roles.get(call.key.about.get("roleID", 1), {})


def require(call: Call, group: str, right: str) -> None:
    """Raises Refused(403) when the role denies rights/platformRights/<group>/<right>; what it does not mention is allowed."""
    rights = role_of(call).get("rights", {}).get("platformRights", {}).get(group, {})
    if rights.get(right) is False:
        raise Refused(403, f"The role of this API key lacks {group}.{right}")


def visible_computers(call: Call) -> Objects:
    role, computers = role_of(call), call.tenant.computers
    if role.get("allComputers", True):
        return computers
    groups, ids = with_subgroups(call.tenant, role.get("computerGroupIDs", [])), set(role.get("computerIDs", []))
    return {key: item for key, item in computers.items() if key in ids or item.get("groupID") in groups}


def visible_policies(call: Call) -> Objects:
    role, policies = role_of(call), call.tenant.policies
    if role.get("allPolicies", True):
        return policies
    ids = set(role.get("policyIDs", []))
    return {key: item for key, item in policies.items() if key in ids}


def visible(call: Call, parent: Parent) -> Objects:
    return visible_computers(call) if parent == "computers" else visible_policies(call)


def _describe_role(call: Call) -> Object:
    role = call.tenant.roles.get(call.id("roleID"))
    if role is None:
        raise not_found()
    return role


def _describe_key(call: Call) -> Object:
    return call.key.about


ROUTES = (
    Route("GET", "/roles/{roleID}", _describe_role),
    Route("GET", "/apikeys/current", _describe_key),
)
