"""Rules that a recommendation scan recommends, assigned to the computer that was scanned because of a finding.

The computer must have been scanned since the newest of what asks, with a valid result. Rules are added, never taken away (what a scan recommends to
unassign is left alone), and no list is written back. Undo takes away what was added, with the rules that came along, except what another rule
there depends on by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reporter.actions import rules
from reporter.actions.blast_radius import MOST_RULES
from reporter.actions.scans import COMPUTERS, WAITING, Asked, asked
from reporter.clients.hand import Hand
from reporter.clients.workload_protection import Gone
from reporter.core.action import Action, Held, NotMade, NotNeeded, Stale
from reporter.core.change import ActionState, Change, Json, Outcome
from reporter.core.clock import iso
from reporter.core.past import Past
from reporter.core.records import records
from reporter.core.scope import TENANT_REGION
from reporter.core.world import World
from reporter.tables.workload_protection import WP_COMPUTERS, WP_RECOMMENDATIONS, WP_RULES

NAME = "recommendation_results"


def plan(world: World, past: Past, settings: Any) -> list[Change]:
    """One change for each computer that was scanned since and has recommended rules that it does not have."""
    del settings
    scanned = {(row.tenant, row.computer_id): row for row in records(world.table(WP_RECOMMENDATIONS))}
    wanted = []
    for one in asked(world):
        last, result = one.instance.last_recommendation_scan, scanned.get((one.tenant, one.computer_id))
        runs = one.instance.protection == "protected" and one.instance.state == "running"
        if runs and last is not None and last > one.newest and result is not None and result.scan_status == "valid" and result.to_assign:
            wanted.append((one, {int(rule) for rule in result.to_assign}))
    if not wanted:
        return []
    computers = world.table(WP_COMPUTERS)
    named = {(one.tenant, one.computer_id) for one, _ in wanted}
    chosen = computers[[key in named for key in zip(computers["tenant"], computers["computer_id"], strict=True)]]
    known = {(row.tenant, row.computer_id): row for row in records(chosen)}
    catalogue = _catalogue(world, {one.tenant for one, _ in wanted})
    changes = []
    for one, recommended in wanted:
        computer = known[one.tenant, one.computer_id]
        new = recommended - {int(rule) for rule in computer.ips_rule_ids} - _under_way(past, one.target)
        if new:
            changes.append(_change(world, one, computer, recommended, new, catalogue.get(one.tenant, {})))
    return changes


def _catalogue(world: World, tenants: set[str]) -> dict[str, dict[int, Any]]:
    table = world.table(WP_RULES)
    found: dict[str, dict[int, Any]] = {}
    for row in records(table.loc[table["tenant"].isin(tenants), ["tenant", "rule_id", "identifier", "depends_on"]]):
        found.setdefault(row.tenant, {})[int(row.rule_id)] = row
    return found


def _under_way(past: Past, target: str) -> set[int]:
    """Rules that were assigned to it already and are not on the agent yet."""
    return {int(rule) for deed in past.standing(NAME, target) if deed.state in WAITING for rule in deed.change.after["assigned_too"]}


def _change(world: World, one: Asked, computer: Any, recommended: set[int], new: set[int], catalogue: Mapping[int, Any]) -> Change:
    there = {int(rule) for rule in computer.ips_rule_ids}
    along = _along(new, catalogue)
    sent = computer.last_policy_success
    unknown = sorted(rule for rule in new | along if rule not in catalogue)
    held = ""
    if not world.tenant_read(one.tenant, "wp_rules"):
        held = f"wp_rules of tenant {one.tenant} was not read: it is not known what the rules are"
    elif unknown:
        held = f"recommended rules that are not among the rules of tenant {one.tenant}: {rules.numbers(unknown)}"
    elif len(there | new | along) > MOST_RULES:
        held = _too_many(len(there | new | along))
    identifiers = [(catalogue[rule].identifier if rule in catalogue else None) or f"id {rule}" for rule in sorted(new)]
    count = "1 rule is" if len(new) == 1 else f"{len(new)} rules are"
    return Change(
        NAME,
        one.target,
        one.tenant,
        TENANT_REGION,
        one.severity,
        f"{count} recommended by the scan of {iso(one.instance.last_recommendation_scan)} and not assigned; {one.why}",
        before={
            "computer": one.computer_id,
            "assigned": sorted(there),
            "recommended": sorted(recommended),
            "last_policy_success": None if sent is None else round(sent.timestamp() * 1000),
        },
        after={"assigned_too": sorted(new), "identifiers": identifiers},
        subjects=one.instance_ids,
        facts={**one.facts(), "dependencies": sorted(along - there - new), "rules": len(there | new | along)},
        held=held,
    )


def _too_many(count: int) -> str:
    return f"it would have {count} rules then, more than the {MOST_RULES} that the vendor advises for one computer"


def _along(new: Iterable[int], catalogue: Mapping[int, Any]) -> set[int]:
    """Rules that come along because these depend on them, directly or not."""
    found: set[int] = set()
    waiting = list(new)
    while waiting:
        row = catalogue.get(waiting.pop())
        needed = set() if row is None else {int(rule) for rule in row.depends_on} - found
        found |= needed
        waiting += needed
    return found


def apply(change: Change, hand: Hand, resumed: bool) -> Outcome:
    """Add what is missing of the recommended rules, if the computer is as the plan saw it."""
    tenant, number = change.account, change.before["computer"]
    before, wanted = set(change.before["assigned"]), set(change.after["assigned_too"])
    there, recommended, sent = _read(hand, tenant, number)
    mine = wanted | _needed(hand, tenant, wanted)
    if resumed and hand.calls:
        sent = change.before["last_policy_success"]
        if wanted <= there:
            return _applied(there, before, mine, sent)
        before = before | (there & mine)
    elif wanted <= there:
        raise NotNeeded("the recommended rules are assigned already")
    if there != before:
        raise Stale(f"the rules assigned to the computer are no longer those of the plan: {rules.numbers(there ^ before)}")
    withdrawn = wanted - there - recommended
    if withdrawn:
        raise Stale(f"no longer recommended: {rules.numbers(withdrawn)}")
    if len(there | mine) > MOST_RULES:
        raise Held(_too_many(len(there | mine)))
    after = rules.add(hand, tenant, "computers", number, wanted - there, rules.EDIT["computers"])
    return _applied(after, set(change.before["assigned"]), mine, sent)


def _applied(after: set[int], before: set[int], mine: set[int], sent: int | None) -> Outcome:
    """Only what was not there before, and only these rules and what they depend on, is this change's doing."""
    added = sorted((after - before) & mine)
    return Outcome(ActionState.APPLIED, f"assigned: {rules.numbers(added)}", {"added": added, "sent": sent})


def _read(hand: Hand, tenant: str, number: int) -> tuple[set[int], set[int], int | None]:
    """Assigned rules, recommended rules, and when the policy was last taken by the agent (ms). Raises Stale."""
    where = rules.path("computers", number)
    reader = hand.wp(tenant)
    try:
        answer = reader.get(where, right=rules.VIEW)
        sent = _sent(reader.get(f"/computers/{number}", right=COMPUTERS, expand=["none"]))
    except Gone as gone:
        raise Stale(f"the computer is gone: {gone.message}") from gone
    at = f"GET {where} at tenant {tenant}"
    return rules.ids(answer, "assignedRuleIDs", at), rules.ids(answer, "recommendedToAssignRuleIDs", at), sent


def _needed(hand: Hand, tenant: str, wanted: set[int]) -> set[int]:
    try:
        return rules.dependencies(hand, tenant, wanted)
    except Gone as gone:
        raise Stale(f"a rule is gone: {gone.message}") from gone


def _sent(computer: Json) -> int | None:
    value = computer.get("lastSendPolicySuccess")
    return value if type(value) is int else None


def verify(change: Change, delta: Json, hand: Hand) -> Outcome:
    """Whether the agent has the rules: they are effective on the computer, and it took its policy since."""
    tenant, number = change.account, change.before["computer"]
    where = f"/computers/{number}"
    try:
        computer = hand.wp(tenant).get(where, right=COMPUTERS, expand=["intrusionPrevention"])
    except Gone as gone:
        return Outcome(ActionState.FAILED, f"the computer is gone: {gone.message}")
    module = computer.get("intrusionPrevention") or {}
    effective = rules.ids(module, "ruleIDs", f"GET {where} at tenant {tenant}")
    missing = set(change.after["assigned_too"]) - effective
    if missing:
        return Outcome(ActionState.APPLIED, f"assigned, but not on the agent yet: {rules.numbers(missing)}")
    sent = _sent(computer)
    if sent is None or sent <= (delta.get("sent") or 0):
        return Outcome(ActionState.APPLIED, "assigned, but the agent has not taken its policy since")
    if module.get("state") not in ("prevent", "detect"):
        return Outcome(ActionState.APPLIED, "on the agent, but without effect: intrusion prevention is not on")
    return Outcome(ActionState.VERIFIED, f"the rules are on the agent, which is set to {module['state']}")


def undo(change: Change, delta: Json, hand: Hand) -> Outcome:
    """Take away what was added, if it is still assigned directly and nothing else there needs it."""
    added = list(delta["added"])
    try:
        gone = rules.remove(hand, change.account, "computers", change.before["computer"], added, rules.EDIT["computers"])
    except Gone as missing:
        raise NotMade(f"the computer is gone: {missing.message}") from missing
    left = set(added) - set(gone)
    said = f"taken away: {rules.numbers(gone) or 'nothing'}"
    return Outcome(ActionState.UNDONE, f"{said}; gone before, or needed by another rule: {rules.numbers(left)}" if left else said)


ACTION = Action(
    name=NAME,
    about="Assign the rules that a recommendation scan recommends",
    permissions=(),
    rights=(COMPUTERS, rules.VIEW, rules.EDIT["computers"]),
    mode=lambda settings: str(settings.recommendation_scan.results),
    limit=lambda settings: int(settings.assign_ips_rule.limit),
    plan=plan,
    apply=apply,
    verify=verify,
    undo=undo,
    reads="what asks for a recommendation scan, its result, rules assigned and effective, the rule catalogue",
    writes="adds the recommended rules to the computer that was scanned",
    takes_back="the rules this change added and what came along with them, unless a rule of others needs them",
    never="takes a rule away (but in undo), writes a list back, changes a policy, or goes over 300 rules on a computer",
)
