"""An IPS rule for a CVE, onto the policy that the instance uses or onto the computer; in detect first, where the schedule says so.

Rules are added by POST with only the new ids; what others assigned is never written back. What the server adds by itself (rules that a rule depends
on) is known before, counted, and taken back by undo. A change is made only where its blast radius is read, as planned, and within its limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reporter.actions import blast_radius, ips_assignments, ips_promotion, on_agents, rule_overrides, rules
from reporter.actions.ips_assignments import NAME, weakened
from reporter.actions.place import Place
from reporter.clients.hand import Hand
from reporter.clients.workload_protection import Gone
from reporter.core.action import Action, Held, NotMade, NotNeeded, Refused, Stale, Uncertain
from reporter.core.change import ActionState, Change, Json, Outcome
from reporter.core.errors import Denied, Unavailable
from reporter.core.past import Past
from reporter.core.wording import counted
from reporter.core.world import World
from reporter.schedule import Actions


class _Ready(NamedTuple):
    """What was seen before writing: rules that come along, rules to set to detect, those that an earlier attempt set, and the last sendings."""

    along: set[int]
    to_detect: list[int]
    in_detect: list[int]
    sent: dict[str, int]


def plan(world: World, past: Past, settings: Actions) -> Sequence[Change]:
    """Assignments for what is available, and promotions of what has been in detect for long enough. Pure."""
    chosen = settings.assign_ips_rule
    changes = [*ips_assignments.planned(world, past, chosen), *ips_promotion.planned(world, past, chosen)]
    return sorted(changes, key=lambda change: change.rank)


def apply(change: Change, hand: Hand, resumed: bool) -> Outcome:
    """Assign the rules, or set them to prevent. Raises NotMade, Refused, Uncertain, Denied, Unavailable.

    A resumed attempt that cannot look raises Uncertain: what an earlier attempt did is not known to be nothing.
    """
    place, promotes = Place.of(change), change.after["mode"] == "prevent"
    try:
        effective = _assigned(hand, place)
        if resumed and not promotes and set(change.after["assigned_too"]) <= effective:
            return _found(change, hand, effective)
        if promotes:
            return ips_promotion.apply(change, hand, effective, resumed)
        try:
            ready = _look(change, hand, effective, resumed)
        except NotMade:
            if resumed and change.after["mode"] == "detect":
                rule_overrides.reset(hand, place, _asked(change))
            raise
    except (Denied, Unavailable) as problem:
        if resumed:
            raise Uncertain(f"not known what an earlier attempt did: {problem.message}") from problem
        raise
    return _assign(change, hand, effective, ready)


def verify(change: Change, delta: Json, hand: Hand) -> Outcome:
    """VERIFIED once the rules are on every agent that is online, sent since. Raises Denied, Unavailable."""
    if change.after["mode"] == "prevent":
        return ips_promotion.verify(change, delta, hand)
    return on_agents.seen(hand, change, delta, {*change.after["assigned_too"], *delta["added"]})


def undo(change: Change, delta: Json, hand: Hand) -> Outcome:
    """Take away what was added and is still assigned directly, but for what a rule that stays needs; then let the rules be as they come.

    Raises Refused, Uncertain, Denied, Unavailable.
    """
    place = Place.of(change)
    try:
        effective = _assigned(hand, place)
    except Stale as gone:
        return Outcome(ActionState.UNDONE, f"nothing to take back: {gone.why}")
    if change.after["mode"] == "prevent":
        return ips_promotion.undo(change, delta, hand, effective)
    added = set(delta["added"])
    going = added - _needed_below(hand, place, added, effective)
    removed = rules.remove(hand, place.tenant, place.parent, place.id, going, place.right)
    kept = added & rules.assigned(hand, place.tenant, place.parent, place.id, own=True) if len(removed) < len(added) else set()
    rule_overrides.reset(hand, place, delta["detect"])
    more = f"; kept, because a rule that stays needs it: {rules.numbers(kept)}" if kept else ""
    return Outcome(ActionState.UNDONE, f"{counted(len(added) - len(kept), 'rule', 'rules')} taken away{more}")


def _assigned(hand: Hand, place: Place) -> set[int]:
    """Effective rules there. Raises Stale where the place is gone; Denied, Unavailable."""
    try:
        return rules.assigned(hand, place.tenant, place.parent, place.id)
    except Gone:
        if blast_radius.gone(hand, place):
            raise Stale(f"the {place.kind} is gone") from None
        raise


def _asked(change: Change) -> set[int]:
    """The rules of the change and what they bring along, as planned."""
    return {*change.after["assigned_too"], *change.facts["dependencies"]}


def _look(change: Change, hand: Hand, effective: set[int], resumed: bool) -> _Ready:
    """Whether all is as planned. Raises NotMade, Denied, Unavailable."""
    place, new, planned = Place.of(change), set(change.after["assigned_too"]), set(change.before["assigned"])
    if not resumed and new <= effective:
        raise NotNeeded("all the rules are assigned already")
    allowed = planned | set(change.facts["from_above"]) | (_asked(change) if resumed else set())
    if effective - allowed:
        raise Stale(f"rules were assigned since: {rules.numbers(effective - allowed)}")
    if planned - effective:
        raise Stale(f"rules were taken away since: {rules.numbers(planned - effective)}")
    blast_radius.fits(hand, change, resumed)
    along = rules.dependencies(hand, place.tenant, new) - new
    unplanned = along - _asked(change) - allowed
    if unplanned:
        raise Stale(f"the rules bring along more than was planned: {rules.numbers(unplanned)}")
    sent = {} if resumed else on_agents.sent(hand, change)
    if change.after["mode"] != "detect":
        return _Ready(along, [], [], sent)
    coming = (new | along) - effective
    weaker = weakened(blast_radius.now(hand, place.tenant), place, coming)
    if weaker:
        raise Held(weaker)
    there = rule_overrides.own(hand, place, coming)
    strange = [rule_id for rule_id, found in there.items() if found not in ({}, rule_overrides.DETECT)]
    if strange:
        raise Stale(f"rules have settings of their own there: {rules.numbers(strange)}")
    in_detect = [rule_id for rule_id, found in there.items() if found and resumed]
    return _Ready(along, [rule_id for rule_id, found in there.items() if not found], in_detect, sent)


def _assign(change: Change, hand: Hand, effective: set[int], ready: _Ready) -> Outcome:
    """Set to detect what is to be, then assign. What cannot be assigned is left as it was found."""
    place, new, planned = Place.of(change), change.after["assigned_too"], set(change.before["assigned"])
    detect = list(ready.in_detect)
    try:
        for rule_id in ready.to_detect:
            _set_to_detect(hand, place, rule_id)
            detect.append(rule_id)
        after = rules.add(hand, place.tenant, place.parent, place.id, new, place.right)
    except (Denied, Refused):
        if detect:
            rule_overrides.reset(hand, place, detect)
        raise
    added = (after - (effective & (planned | set(change.facts["from_above"])))) & {*new, *ready.along}
    more = f", {len(added) - len(new)} of them because others need them" if len(added) > len(new) else ""
    said = f"{counted(len(added), 'rule', 'rules')} assigned{more}{', in detect' if detect else ''}"
    return Outcome(ActionState.APPLIED, said, {"added": sorted(added), "detect": sorted(detect), "sent": ready.sent})


def _set_to_detect(hand: Hand, place: Place, rule_id: int) -> None:
    try:
        rule_overrides.detect(hand, place, rule_id)
    except Refused as refused:
        why = "nothing was assigned, as the rule cannot be set to detect before; start: inherit assigns rules as they come"
        raise Refused(f"{refused.message}; {why}", permission=refused.permission) from refused


def _found(change: Change, hand: Hand, effective: set[int]) -> Outcome:
    """What an earlier attempt made whole."""
    place = Place.of(change)
    own = rules.assigned(hand, place.tenant, place.parent, place.id, own=True)
    asked = _asked(change) | rules.dependencies(hand, place.tenant, change.after["assigned_too"])
    added = (effective - set(change.before["assigned"])) & own & asked
    detect: list[int] = []
    if change.after["mode"] == "detect":
        detect = [rule_id for rule_id, found in rule_overrides.own(hand, place, added).items() if found == rule_overrides.DETECT]
    return Outcome(ActionState.APPLIED, f"{counted(len(added), 'rule', 'rules')} assigned", {"added": sorted(added), "detect": detect, "sent": {}})


def _needed_below(hand: Hand, place: Place, added: set[int], effective: set[int]) -> set[int]:
    """Those of the rules that a rule needs which is assigned directly to a sub-policy or computer below. Raises Denied, Unavailable."""
    if place.parent == "computers" or not added:
        return set()
    reach = blast_radius.now(hand, place.tenant)
    below = [(Place(place.tenant, "policies", policy), reach.policies[policy].rules) for policy in reach.below(place.id) if policy != place.id]
    for computer in on_agents.computers(hand, place.tenant, reach.computers_at(place)).values():
        from_policy = reach.policies[computer["policyID"]].rules if computer.get("policyID") in reach.policies else frozenset()
        below.append((Place(place.tenant, "computers", computer["ID"]), frozenset(on_agents.rules_of(computer)) - from_policy))
    found: set[int] = set()
    for one, there in below:
        needs = {rule_id: rules.dependencies(hand, place.tenant, [rule_id]) & added for rule_id in there - effective}
        needing = {rule_id for rule_id, needed in needs.items() if needed}
        if needing:
            own = rules.assigned(hand, one.tenant, one.parent, one.id, own=True)
            found |= set().union(*(needs[rule_id] for rule_id in needing & own))
    return found


ACTION = Action(
    name=NAME,
    about="Assign IPS rules for known CVEs to the policy that the instance uses, or to the computer.",
    permissions=(),
    rights=(
        rules.EDIT["policies"],
        rules.EDIT["computers"],
        blast_radius.VIEW["policies"],
        blast_radius.VIEW["computers"],
        rules.VIEW,
        blast_radius.KEYS,
        blast_radius.ROLES,
    ),
    mode=lambda settings: settings.assign_ips_rule.mode,
    limit=lambda settings: settings.assign_ips_rule.limit,
    plan=plan,
    apply=apply,
    verify=verify,
    undo=undo,
    reads="virtual patches in state available; policies, computers and IPS rules of the tenant; the role of its key",
    writes="IPS rule assignments of a policy or computer, added one set at a time; with start: detect a rule's detect-only setting there",
    takes_back="exactly the rules it added, those that came along too, but for what a rule that stays needs; then the detect-only settings",
    never="writes a list of rules back, touches what others assigned, or acts where the blast radius is not read",
)
