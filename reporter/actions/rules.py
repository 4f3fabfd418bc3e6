"""IPS rules of a computer or policy: read, add and take away, one set at a time.

Rules are added by POST and taken away one by one; a list is never written back, because the list that is read has inherited rules in it. The server
adds by itself what a rule depends on. Source: the vendor's OpenAPI, `/{computers,policies}/{id}/intrusionprevention/assignments`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal

from reporter.clients.hand import Hand
from reporter.core.action import Refused, Uncertain
from reporter.core.errors import Unavailable

Parent = Literal["computers", "policies"]

VIEW = "intrusionPreventionRights.intrusionPreventionRuleRights (view)"
EDIT: dict[Parent, str] = {
    "computers": "platformRights.computerRights.canEditComputerProperties",
    "policies": "platformRights.policyRights.canEditPolicyProperties",
}
"""The right that a change of assignments needs."""


def path(parent: Parent, object_id: int) -> str:
    return f"/{parent}/{object_id}/intrusionprevention/assignments"


def assigned(hand: Hand, tenant: str, parent: Parent, object_id: int, own: bool = False) -> set[int]:
    """Ids of the rules assigned to it, inherited ones included; `own`: only those assigned directly. Raises Denied, Unavailable."""
    where = path(parent, object_id)
    query = {"overrides": "true"} if own else {}
    return ids(hand.wp(tenant).get(where, right=VIEW, **query), "assignedRuleIDs", f"GET {where} at tenant {tenant}")


def add(hand: Hand, tenant: str, parent: Parent, object_id: int, rule_ids: Collection[int], right: str) -> set[int]:
    """Assign these rules besides those that are there. Returns what is assigned then. Raises Denied, Refused, Uncertain."""
    where = path(parent, object_id)
    answer = hand.wp_write(tenant, "POST", where, {"ruleIDs": sorted(rule_ids)}, right=right, repeatable=True)
    try:
        after = ids(answer, "assignedRuleIDs", where)
    except Unavailable as problem:
        raise Uncertain(problem.message) from problem
    missing = set(rule_ids) - after
    if missing:
        raise Refused(f"POST {where} at tenant {tenant}: the answer does not have the rules {numbers(missing)}")
    return after


def remove(hand: Hand, tenant: str, parent: Parent, object_id: int, rule_ids: Iterable[int], right: str) -> list[int]:
    """Take away those of the rules that are still assigned directly, except what a rule that stays depends on. Returns the ids taken away, sorted.

    May be called again: what is gone already is not taken away twice. Raises Denied, Unavailable, Refused, Uncertain.
    """
    there = assigned(hand, tenant, parent, object_id, own=True)
    going = there & set(rule_ids)
    if not going:
        return []
    going -= dependencies(hand, tenant, there - going)
    for rule_id in sorted(going, key=lambda rule_id: (-len(dependencies(hand, tenant, [rule_id])), rule_id)):
        hand.wp_write(tenant, "DELETE", f"{path(parent, object_id)}/{rule_id}", right=right, repeatable=True)
    return sorted(going)


def dependencies(hand: Hand, tenant: str, rule_ids: Iterable[int]) -> set[int]:
    """Every rule that these depend on, directly or not. Each rule is read once in a run. Raises Denied, Unavailable."""
    found: set[int] = set()
    waiting = list(rule_ids)
    while waiting:
        needed = _needs(hand, tenant, waiting.pop()) - found
        found |= needed
        waiting += needed
    return found


def _needs(hand: Hand, tenant: str, rule_id: int) -> set[int]:
    where = f"/intrusionpreventionrules/{rule_id}"
    rule = hand.shared(("rule", tenant, rule_id), lambda: hand.wp(tenant).get(where, right=VIEW))
    return ids(rule, "dependsOnRuleIDs", f"GET {where} at tenant {tenant}")


def ids(answer: dict[str, Any], name: str, where: str) -> set[int]:
    """A list of rule ids in an answer; none where the property is left out, as the API does with what is empty. Raises Unavailable."""
    value = answer.get(name) or []
    if not isinstance(value, list) or any(type(item) is not int for item in value):
        raise Unavailable(f"{where}: {name} is not a list of rule ids")
    return set(value)


def numbers(rule_ids: Iterable[int]) -> str:
    """Rule ids for a person."""
    return ", ".join(str(rule_id) for rule_id in sorted(rule_ids))
