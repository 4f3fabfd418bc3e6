"""Which IPS rules are to be assigned where: one change per policy (or computer), all rules of all its CVEs together.

Policies are looked at from the root down, so that a rule that a change of a policy brings to all below it is not asked for again there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from reporter.actions import blast_radius
from reporter.actions.blast_radius import MOST_RULES, Computer, Limits, Policy, Reach
from reporter.actions.ips_catalogue import Catalogue
from reporter.actions.place import Place
from reporter.core.change import WORST_FIRST, ActionState, Change
from reporter.core.past import Past
from reporter.core.wording import counted
from reporter.core.world import World
from reporter.schedule import AssignIpsRule
from reporter.tables.joined import INSTANCES, VIRTUAL_PATCHES

NAME = "assign_ips_rule"
_HOST = ["account", "region", "instance_id"]


class Ask(NamedTuple):
    """One virtual patch that is available: a finding, the instance it is on, the CVE, and the labels of its exact rules."""

    finding: str
    instance: str
    cve: str
    severity: str
    labels: tuple[str, ...]


@dataclass
class Draft:
    """A change in the making. `new`: ids to assign; `along`: what they bring along; `above`: what changes of policies above bring to it."""

    place: Place
    asks: list[Ask]
    new: set[int]
    along: set[int]
    above: set[int]
    held: list[str]
    most: int = 0
    taken_away: set[int] = field(default_factory=set)
    of_below: dict[str, set[str]] = field(default_factory=dict)

    @property
    def brings(self) -> set[int]:
        return set() if self.held else self.new | self.along


def planned(world: World, past: Past, settings: AssignIpsRule) -> list[Change]:
    """The changes that the available virtual patches ask for, held ones among them. In no particular order."""
    asked = _asked(world, settings.target)
    tenants = sorted({place.tenant for place in asked})
    made = (
        _Tenant(world, tenant, past, settings).changes({place: asks for place, asks in asked.items() if place.tenant == tenant}) for tenant in tenants
    )
    return [change for changes in made for change in changes]


def _asked(world: World, target: str) -> dict[Place, list[Ask]]:
    """Who asks, by where the rules are to be. A computer without a policy asks for itself."""
    patches, hosts = world.table(VIRTUAL_PATCHES), world.table(INSTANCES)
    available = patches[patches["state"] == "available"]
    placed = available.merge(hosts[[*_HOST, "computer_id", "policy_id"]], on=_HOST)
    columns = ("tenant", "computer_id", "policy_id", "finding_arn", "instance_id", "cve", "severity", "rule_identifiers")
    found: dict[Place, list[Ask]] = {}
    for tenant, computer, policy, finding, instance, cve, severity, labels in zip(*(placed[column] for column in columns), strict=True):
        at_policy = target == "policy" and not pd.isna(policy)
        place = Place(tenant, "policies", int(policy)) if at_policy else Place(tenant, "computers", int(computer))
        found.setdefault(place, []).append(Ask(finding, instance, cve, severity, tuple(labels)))
    return found


class _Tenant:
    """What the plan knows of one tenant."""

    def __init__(self, world: World, tenant: str, past: Past, settings: AssignIpsRule) -> None:
        self._now, self._past, self._settings = world.now, past, settings
        self._unread = blast_radius.unread(world, tenant)
        self._reach, self._catalogue = blast_radius.of_world(world, tenant), Catalogue(world, tenant)
        self._limits = Limits(settings.max_percent, settings.max_computers)
        self._ids: dict[tuple[str, ...], set[int]] = {}

    def changes(self, asked: dict[Place, list[Ask]]) -> list[Change]:
        drafts: dict[Place, Draft] = {}
        for place in sorted(asked, key=lambda place: (len(self._above(place)), place.target)):
            draft = self._draft(place, asked[place], [drafts[above] for above in self._above(place) if above in drafts])
            if draft.new or draft.held:
                drafts[place] = draft
        return [self._change(draft) for draft in drafts.values()]

    def _above(self, place: Place) -> list[Place]:
        policies = self._reach.lineage(place.id)[1:] if place.parent == "policies" else []
        return [Place(place.tenant, "policies", policy.id) for policy in policies]

    def _draft(self, place: Place, asks: list[Ask], above: Sequence[Draft]) -> Draft:
        wanted, wrong = self._catalogue.ids(label for ask in asks for label in ask.labels)
        effective = _effective(self._reach, place)
        brought = set().union(*(draft.brings for draft in above))
        standing, taken_away = self._asked_before(place)
        for draft in above:
            self._hand_up(draft, place, asks)
        new = wanted - effective - standing - brought
        along, unknown = self._catalogue.brings(new)
        along -= effective | brought
        draft = Draft(place, asks, new, along, brought, [], taken_away=(taken_away & wanted) - effective)
        draft.most = _most(self._reach, place, new | along | brought)
        draft.held = self._unread or [*wrong, *self._lost(place), *(unknown + self._too_much(draft) if new else self._taken(draft))]
        return draft

    def _asked_before(self, place: Place) -> tuple[set[int], set[int]]:
        """Ids that standing deeds asked for here; and those of them that were there once."""
        standing, made = set(), set()
        for deed in self._past.standing(NAME, place.target):
            ids = set(deed.change.after["assigned_too"])
            standing |= ids
            if deed.state in (ActionState.APPLIED, ActionState.VERIFIED) and deed.at < self._now:
                made |= ids
        return standing, made

    def _hand_up(self, draft: Draft, place: Place, asks: Iterable[Ask]) -> None:
        """What the change above brings for a policy below it, it is asked for by that one too."""
        mine = [ask for ask in asks if self._ids_of(ask) & draft.brings]
        if mine:
            draft.asks = [*draft.asks, *mine]
            draft.of_below.setdefault(self._reach.policies[place.id].name, set()).update(ask.cve for ask in mine)

    def _ids_of(self, ask: Ask) -> set[int]:
        if ask.labels not in self._ids:
            self._ids[ask.labels] = self._catalogue.ids(ask.labels)[0]
        return self._ids[ask.labels]

    def _lost(self, place: Place) -> list[str]:
        if place.parent == "computers" and self._settings.target == "policy":
            return ["the computer has no policy, and assign_ips_rule.target is policy"]
        there = self._reach.policies if place.parent == "policies" else self._reach.computers
        return [] if place.id in there else [f"the {place.kind} is not among those read"]

    def _too_much(self, draft: Draft) -> list[str]:
        place, reasons = draft.place, []
        if place.parent == "policies":
            reasons.append(self._limits.exceeded(len(self._reach.computers_at(place)), len(self._reach.computers)))
        if draft.most > MOST_RULES:
            reasons.append(f"a computer would have {draft.most} IPS rules, over the {MOST_RULES} that the vendor advises")
        if self._settings.start == "detect":
            reasons.append(weakened(self._reach, place, draft.new | draft.along))
        return [reason for reason in reasons if reason]

    def _taken(self, draft: Draft) -> list[str]:
        if not draft.taken_away:
            return []
        names = ", ".join(self._catalogue.labels(draft.taken_away))
        return [f"an earlier run assigned {names} here, and it is there no more: somebody took it away"]

    def _change(self, draft: Draft) -> Change:
        place, ids = draft.place, draft.new or draft.taken_away
        asks = [ask for ask in draft.asks if self._ids_of(ask) & (draft.new | draft.along)] or draft.asks
        labels = self._catalogue.labels(ids) or sorted({label for ask in asks for label in ask.labels})
        before = {**blast_radius.before(self._reach, place), "assigned": sorted(_effective(self._reach, place))}
        only_detect = self._catalogue.only_detect(draft.new | draft.along)
        facts: dict[str, Any] = {
            "cves": sorted({ask.cve for ask in asks}),
            "findings": sorted({ask.finding for ask in asks}),
            "instances": sorted({ask.instance for ask in asks}),
            **blast_radius.facts(self._reach, place, self._limits),
            "rules_after_most": draft.most,
            "dependencies": sorted(draft.along),
            "dependency_rules": self._catalogue.labels(draft.along),
            "detect_only_rules": only_detect,
            "from_above": sorted(draft.above),
        }
        if draft.of_below:
            facts["for_sub_policies"] = {name: sorted(cves) for name, cves in sorted(draft.of_below.items())}
        if draft.taken_away:
            facts["taken_away"] = self._catalogue.labels(draft.taken_away)
        counts = (
            counted(len(labels), "rule", "rules"),
            counted(len(facts["cves"]), "CVE", "CVEs"),
            counted(len(facts["instances"]), "instance", "instances"),
        )
        said = ["{} for {} on {}".format(*counts), *cautions(before["ips_state"], facts["auto_send"], place)]
        if only_detect:
            said.append(f"{', '.join(only_detect)}: by itself only detects")
        return Change(
            action=NAME,
            target=place.target,
            account=place.tenant,
            region="-",
            severity=worst(ask.severity for ask in asks),
            reason="; ".join(said),
            before=before,
            after={"assigned_too": sorted(ids), "identifiers": labels, "mode": self._settings.start},
            subjects=(place.target,),
            facts=facts,
            held="; ".join(draft.held),
        )


def _effective(reach: Reach, place: Place) -> frozenset[int]:
    if place.parent == "policies":
        return reach.policies[place.id].rules if place.id in reach.policies else frozenset()
    return reach.rules_on(place.id) if place.id in reach.computers else frozenset()


def _most(reach: Reach, place: Place, more: set[int]) -> int:
    """The largest number of rules that a computer there would have."""
    there = {reach.rules_on(computer) for computer in reach.computers_at(place)}  # most of them have the same
    return max([len(rules | more) for rules in there], default=len(_effective(reach, place) | more))


def weakened(reach: Reach, place: Place, rule_ids: set[int]) -> str:
    """Why setting these rules to detect here would take something from a policy or computer below; empty: it would not."""
    if place.parent == "computers":
        return ""
    below: list[Policy | Computer] = [reach.policies[policy] for policy in reach.below(place.id) if policy != place.id]
    below += [reach.computers[computer] for computer in reach.computers_at(place)]
    for there in below:
        if there.rules & rule_ids:
            return f"{there.name}, which is below it, has one of the rules already: setting it to detect here would weaken it there"
    return ""


def cautions(ips_state: str | None, auto_send: bool | None, place: Place) -> list[str]:
    """What a person should know before the rules work."""
    said = []
    if ips_state == "off":
        said.append(f"the IPS module of the {place.kind} is off: the rules do nothing until it is on")
    if auto_send is False:
        said.append("the policy is not sent by itself: send it by hand")
    if auto_send is None:
        said.append("the policy does not say whether it is sent by itself: it may have to be sent by hand")
    return said


def worst(severities: Iterable[str]) -> str:
    places = {severity: place for place, severity in enumerate(WORST_FIRST)}
    return min(severities, key=lambda severity: (places.get(severity, len(places)), severity))
