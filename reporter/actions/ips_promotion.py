"""From detect to prevent: rules that an earlier change set to detect, and that stood the time, are let be as they come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from reporter.actions import blast_radius, on_agents, rule_overrides, rules
from reporter.actions.blast_radius import Limits
from reporter.actions.ips_assignments import NAME, cautions, worst
from reporter.actions.place import Place
from reporter.clients.hand import Hand
from reporter.core.action import NotNeeded, Stale
from reporter.core.change import ActionState, Change, Json, Outcome
from reporter.core.clock import iso
from reporter.core.past import Deed, Past
from reporter.core.wording import counted
from reporter.core.world import World
from reporter.schedule import AssignIpsRule
from reporter.tables.workload_protection import WP_POLICY_RULES


def planned(world: World, past: Past, settings: AssignIpsRule) -> list[Change]:
    """One change for each policy or computer where rules have been in detect for long enough. In no particular order."""
    waited: dict[Place, list[Deed]] = {}
    for deed in past.standing(NAME):
        made = deed.state in (ActionState.APPLIED, ActionState.VERIFIED) and deed.change.after["mode"] == "detect"
        if made and world.now - deed.begun >= timedelta(days=settings.promote_after_days):
            waited.setdefault(Place.of(deed.change), []).append(deed)
    changes: list[Change] = []
    for place, deeds in waited.items():
        asked = {deed.id: _detect(deed) - _promoted(past, deed) for deed in deeds}
        there = _still(world, place)
        due = set().union(*asked.values())
        unread = blast_radius.unread(world, place.tenant)
        if not unread:
            due &= there
        if due:
            changes.append(_change(world, place, [deed for deed in deeds if asked[deed.id] & due], due, unread, settings))
    return changes


def _detect(deed: Deed) -> set[int]:
    return set(deed.delta.get("detect", ()))


def _promoted(past: Past, deed: Deed) -> set[int]:
    """What a later change that stands has asked to set to prevent at the same place."""
    later = [other for other in past.standing(NAME, f"{deed.change.target}/promote") if other.begun >= deed.begun]
    return {rule_id for other in later for rule_id in other.change.after["prevent"]}


def _still(world: World, place: Place) -> set[int]:
    """Rules that are there, and on a policy in detect. Whether one is in detect on a computer is only seen when it is changed."""
    if place.parent == "computers":
        computer = blast_radius.of_world(world, place.tenant).computers.get(place.id)
        return set(computer.rules) if computer else set()
    listed = world.table(WP_POLICY_RULES)
    mine = listed[(listed["tenant"] == place.tenant) & (listed["policy_id"] == place.id) & listed["detect_only"]]
    return {int(rule_id) for rule_id in mine["rule_id"]}


def _change(world: World, place: Place, deeds: list[Deed], due: set[int], unread: list[str], settings: AssignIpsRule) -> Change:
    reach, limits = blast_radius.of_world(world, place.tenant), Limits(settings.max_percent, settings.max_computers)
    before = {**blast_radius.before(reach, place), "detect": sorted(due)}
    too_many = limits.exceeded(len(before["computers"]), len(reach.computers)) if place.parent == "policies" else ""
    facts: dict[str, Any] = {
        **{name: sorted({item for deed in deeds for item in deed.change.facts[name]}) for name in ("cves", "findings", "instances")},
        **blast_radius.facts(reach, place, limits),
        "since": iso(min(deed.begun for deed in deeds)),
        "deeds": sorted(deed.id for deed in deeds),
    }
    days = (world.now - min(deed.begun for deed in deeds)).days
    said = [
        f"{counted(len(due), 'rule', 'rules')} in detect for {counted(days, 'day', 'days')}",
        *cautions(before["ips_state"], facts["auto_send"], place),
    ]
    return Change(
        action=NAME,
        target=f"{place.target}/promote",
        account=place.tenant,
        region="-",
        severity=worst(deed.change.severity for deed in deeds),
        reason="; ".join(said),
        before=before,
        after={"prevent": sorted(due), "mode": "prevent"},
        subjects=(place.target,),
        facts=facts,
        held="; ".join(unread or ([too_many] if too_many else [])),
    )


def apply(change: Change, hand: Hand, effective: set[int], resumed: bool) -> Outcome:
    """Let the rules be as they come that are still set to detect by us. `effective`: what is assigned there now.

    Raises NotMade, Refused, Uncertain, Denied, Unavailable.
    """
    place, wanted = Place.of(change), set(change.after["prevent"])
    if wanted - effective and not resumed:
        raise Stale(f"no longer assigned: {rules.numbers(wanted - effective)}")
    there = rule_overrides.own(hand, place, wanted & effective)
    done = sorted(rule_id for rule_id, found in there.items() if not found)
    others = sorted(rule_id for rule_id, found in there.items() if found not in ({}, rule_overrides.DETECT))
    if len(done) == len(wanted) and not resumed:
        raise NotNeeded("none of the rules is set to detect there any more")
    if (done or others) and not resumed:
        raise Stale(f"no longer set to detect, or to more than that: {rules.numbers([*done, *others])}")
    if not done:  # one that is done in part is completed
        blast_radius.fits(hand, change, resumed)
    sent = {} if resumed else on_agents.sent(hand, change)
    reset = rule_overrides.reset(hand, place, wanted & effective)
    delta = {"prevent": sorted({*reset, *done}), "sent": sent}
    return Outcome(ActionState.APPLIED, f"{counted(len(delta['prevent']), 'rule', 'rules')} set to prevent", delta)


def verify(change: Change, delta: Json, hand: Hand) -> Outcome:
    wanted = delta["prevent"]
    still = rule_overrides.detecting(hand, Place.of(change), wanted)
    if still:
        return Outcome(ActionState.APPLIED, f"still only detect, by themselves or by a policy above: {rules.numbers(still)}", delta)
    return on_agents.seen(hand, change, delta, wanted)


def undo(change: Change, delta: Json, hand: Hand, effective: Iterable[int]) -> Outcome:
    """Set them to detect again, where nobody set anything since."""
    place, wanted = Place.of(change), set(delta["prevent"])
    there = rule_overrides.own(hand, place, wanted & set(effective))
    for rule_id in sorted(there):
        if not there[rule_id]:
            rule_overrides.detect(hand, place, rule_id)
    others = sorted((wanted - there.keys()) | {rule_id for rule_id, found in there.items() if found not in ({}, rule_overrides.DETECT)})
    more = f"; left as others made them since: {rules.numbers(others)}" if others else ""
    return Outcome(ActionState.UNDONE, f"{counted(len(wanted) - len(others), 'rule', 'rules')} set to detect again{more}")
