"""How far a rule change reaches: the computers that use a policy or one below it, as the tables have it and as the tenant has it now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from reporter.actions.place import Place
from reporter.actions.rules import Parent, ids, numbers
from reporter.clients.hand import Hand
from reporter.core.action import Held
from reporter.core.change import Change
from reporter.core.errors import ScopeProblem, Unavailable
from reporter.core.world import World
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES, WP_ROLES

MOST_RULES = 300
"""IPS rules on one computer: the vendor's advice"""
VIEW: dict[Parent, str] = {
    "computers": "platformRights.computerRights.canViewOtherComputers",
    "policies": "platformRights.policyRights.canViewOtherPolicies",
}
KEYS, ROLES = "view API keys", "view administrator roles"
READ = ("wp_computers", "wp_policies", "wp_rules")


@dataclass(frozen=True)
class Policy:
    """`rules`: effective ones; `sends`: its changes reach the computers by themselves."""

    id: int
    name: str
    parent: int | None
    rules: frozenset[int] = frozenset()
    sends: bool | None = None
    ips_state: str | None = None


@dataclass(frozen=True)
class Computer:
    """`rules`: those on its agent; `sent`: when its policy was last sent with success, in milliseconds by the tenant's clock."""

    id: int
    name: str
    policy: int | None
    rules: frozenset[int] = frozenset()
    sent: int | None = None
    ips_state: str | None = None


@dataclass(frozen=True)
class Reach:
    """Policies and computers of one tenant."""

    policies: Mapping[int, Policy]
    computers: Mapping[int, Computer]
    _together: dict[tuple[frozenset[int], frozenset[int]], frozenset[int]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def _children(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for policy in self.policies.values():
            if policy.parent is not None:
                found.setdefault(policy.parent, []).append(policy.id)
        return found

    @cached_property
    def _users(self) -> dict[int | None, list[int]]:
        """Computers by their policy."""
        found: dict[int | None, list[int]] = {}
        for computer in self.computers.values():
            found.setdefault(computer.policy, []).append(computer.id)
        return found

    def lineage(self, policy_id: int | None) -> list[Policy]:
        """The policy, then those above it, the root last."""
        found: dict[int, Policy] = {}
        while policy_id is not None and policy_id in self.policies and policy_id not in found:
            found[policy_id] = self.policies[policy_id]
            policy_id = found[policy_id].parent
        return list(found.values())

    def below(self, policy_id: int) -> list[int]:
        """The policy and all its sub-policies, sorted."""
        found: set[int] = set()
        waiting = [policy_id]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self._children.get(one, ())
        return sorted(found)

    def computers_at(self, place: Place) -> list[int]:
        """The computers that a change there concerns, sorted."""
        if place.parent == "computers":
            return [place.id] if place.id in self.computers else []
        return sorted(computer for policy in self.below(place.id) for computer in self._users.get(policy, ()))

    def sends(self, policy_id: int | None) -> bool | None:
        """Whether changes of the policy are sent by themselves: the nearest policy that says so; None: none says."""
        return next((policy.sends for policy in self.lineage(policy_id) if policy.sends is not None), None)

    def rules_on(self, computer_id: int) -> frozenset[int]:
        """What is on its agent, and what its policy would bring with the next sending."""
        computer = self.computers[computer_id]
        policy = self.policies.get(computer.policy) if computer.policy is not None else None
        if policy is None or computer.rules == policy.rules:
            return computer.rules
        both = (computer.rules, policy.rules)
        if both not in self._together:
            self._together[both] = computer.rules | policy.rules
        return self._together[both]


@dataclass(frozen=True)
class Limits:
    """How many computers a change may concern: of the fleet in percent, and in number."""

    max_percent: int
    max_computers: int

    def exceeded(self, computers: int, fleet: int) -> str:
        """Why that is too many; empty: it is not."""
        if computers > self.max_computers:
            return f"{computers} computers use the policy or one below it, over max_computers: {self.max_computers}"
        if computers * 100 > self.max_percent * fleet:
            return f"{computers} of {fleet} computers use the policy or one below it, over max_percent: {self.max_percent}"
        return ""


def of_world(world: World, tenant: str) -> Reach:
    """As the tables have it."""
    policies, computers = (frame[frame["tenant"] == tenant] for frame in (world.table(WP_POLICIES), world.table(WP_COMPUTERS)))
    told = ("policy_id", "name", "parent_id", "ips_rule_ids", "auto_requires_update", "ips_state")
    known = [
        Policy(int(policy), name, _number(parent), frozenset(rules), None if pd.isna(sends) else bool(sends), state)
        for policy, name, parent, rules, sends, state in zip(*(policies[column] for column in told), strict=True)
    ]
    sets: dict[Any, frozenset[int]] = {}  # computers of one policy mostly have the same rules: one set, whose hash is made once
    seen = ("computer_id", "display_name", "host_name", "policy_id", "ips_rule_ids", "last_policy_success", "intrusion_prevention_state")
    machines = [
        Computer(
            int(computer), display or host or f"computer {computer}", _number(policy), sets.setdefault(rules, frozenset(rules)), _millis(sent), state
        )
        for computer, display, host, policy, rules, sent, state in zip(*(computers[column] for column in seen), strict=True)
    ]
    return Reach({policy.id: policy for policy in known}, {computer.id: computer for computer in machines})


def _number(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _millis(value: Any) -> int | None:
    return None if pd.isna(value) else round(value.timestamp() * 1000)


def unread(world: World, tenant: str) -> list[str]:
    """Why the blast radius is not known; empty: it is."""
    reasons = [f"{source} of tenant {tenant} was not read" for source in READ if not world.tenant_read(tenant, source)]
    roles = world.table(WP_ROLES)
    for column, things in (("all_computers", "computers"), ("all_policies", "policies")):
        seen = roles.loc[roles["tenant"] == tenant, column].fillna(value=False)
        if seen.empty or not bool(seen.all()):
            reasons.append(f"the blast radius cannot be read: the key of tenant {tenant} is not known to see all {things}")
    return reasons


def narrowed(hand: Hand, tenant: str) -> str:
    """Why the reading key does not see the whole tenant; empty: it does. Read once in a run. Raises Denied, Unavailable."""
    found: str = hand.shared(("narrowed", tenant), lambda: _narrowed(hand, tenant))
    return found


def _narrowed(hand: Hand, tenant: str) -> str:
    reader = hand.wp(tenant)
    role_id = reader.get("/apikeys/current", right=KEYS).get("roleID")
    if type(role_id) is not int:
        raise Unavailable(f"GET /apikeys/current at tenant {tenant}: the answer names no role")
    role = reader.get(f"/roles/{role_id}", right=ROLES)
    if role.get("allComputers") is not True or role.get("allPolicies") is not True:
        return f"the key of tenant {tenant} does not see all computers and policies"
    return ""


def now(hand: Hand, tenant: str) -> Reach:
    """As the tenant has it now, read once in a run. Raises Denied, Unavailable."""
    found: Reach = hand.shared(("reach", tenant), lambda: Reach(_policies(hand, tenant), _computers(hand, tenant)))
    return found


def gone(hand: Hand, place: Place) -> bool:
    """Whether the policy or computer is there no more: a key that sees everything does not see it. Looks afresh. Raises Denied, Unavailable."""
    itself = {"idTest": "equal", "idValue": place.id}
    expand = ("none",) if place.parent == "computers" else ()
    found = hand.wp(place.tenant).search(f"/{place.parent}", place.parent, right=VIEW[place.parent], where=(itself,), expand=expand)
    return not found and not _narrowed(hand, place.tenant)


def _policies(hand: Hand, tenant: str) -> dict[int, Policy]:
    found = hand.wp(tenant).search("/policies", "policies", right=VIEW["policies"], overrides="false")
    where = f"POST /policies/search at tenant {tenant}"
    return {
        policy["ID"]: Policy(
            policy["ID"],
            policy.get("name") or f"policy {policy['ID']}",
            policy.get("parentID") or None,
            frozenset(ids(policy.get("intrusionPrevention") or {}, "ruleIDs", where)),
        )
        for policy in found
    }


def _computers(hand: Hand, tenant: str) -> dict[int, Computer]:
    found = hand.wp(tenant).search("/computers", "computers", right=VIEW["computers"], expand=("none",))
    return {
        computer["ID"]: Computer(
            computer["ID"], computer.get("hostName") or "", computer.get("policyID") or None, sent=computer.get("lastSendPolicySuccess")
        )
        for computer in found
    }


def before(reach: Reach, place: Place) -> dict[str, Any]:
    """What a change there says of the place it finds."""
    here: Policy | Computer | None = reach.policies.get(place.id) if place.parent == "policies" else reach.computers.get(place.id)
    computers = reach.computers_at(place)
    return {
        place.kind: place.id,
        "name": here.name if here else f"{place.kind} {place.id}",
        "ips_state": here.ips_state if here else None,
        "policies": reach.below(place.id) if place.parent == "policies" else [],
        "computers": computers,
        "sent": {str(computer): reach.computers[computer].sent for computer in computers},
    }


def facts(reach: Reach, place: Place, limits: Limits) -> dict[str, Any]:
    """The blast radius for a person, and the limits that the change carries."""
    computers, fleet = len(reach.computers_at(place)), len(reach.computers)
    found: dict[str, Any] = {
        "computers": computers,
        "fleet": fleet,
        "percent": round(100 * computers / fleet, 1) if fleet else None,
        "sub_policies": [],
        "auto_send": _all_send(reach, place),
        "limits": {},
    }
    if place.parent == "policies":
        found["sub_policies"] = sorted(reach.policies[policy].name for policy in reach.below(place.id) if policy != place.id)
        found["limits"] = {"max_percent": limits.max_percent, "max_computers": limits.max_computers}
    return found


def _all_send(reach: Reach, place: Place) -> bool | None:
    """False where one of the computers' policies waits to be sent by hand; None where one does not say."""
    policies = {reach.computers[computer].policy for computer in reach.computers_at(place)} | ({place.id} if place.parent == "policies" else set())
    said = {reach.sends(policy) for policy in policies}
    return False if False in said else None if None in said else True


def fits(hand: Hand, change: Change, resumed: bool) -> None:
    """Look once more before writing. Raises Held where the change reaches further than planned, or nobody can tell.

    Where an earlier attempt may have begun it, what cannot be read raises Denied or Unavailable instead.
    """
    try:
        reason = _reaches_further(hand, change)
    except ScopeProblem as problem:
        if resumed:
            raise
        reason = f"the blast radius cannot be read: {problem.message}"
    if reason:
        raise Held(reason)


def _reaches_further(hand: Hand, change: Change) -> str:
    place, limits = Place.of(change), change.facts["limits"]
    hidden = narrowed(hand, place.tenant)
    if hidden:
        return f"the blast radius cannot be read: {hidden}"
    reach = now(hand, place.tenant)
    computers = reach.computers_at(place)
    new = set(computers) - set(change.before["computers"])
    if new:
        return f"computers use the policy or one below it that did not when it was planned: {numbers(new)}"
    return Limits(**limits).exceeded(len(computers), len(reach.computers)) if limits else ""
