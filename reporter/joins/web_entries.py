"""Web entries: every CloudFront distribution and load balancer, the web ACL that covers it, and what is behind it (design sections 3 and 5).

An internet-facing application load balancer needs a web ACL of its own, even behind a covered distribution: its name can be called past it.
A classic load balancer cannot carry one, so only the distributions before it cover it, and it is as bad as the worst of them: what one leaves open
is open. A network load balancer cannot either, and is listed only.
First that holds: not_applicable (internal, switched off, or no instance in scope behind it), unknown (what is behind it), then by its guards.
What WP could not say makes an entry unknown only where there is a web ACL to compare with: without one, missing_acl is certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from reporter.core.records import records
from reporter.core.scope import GLOBAL, ScopeState
from reporter.core.table import Row
from reporter.core.world import World
from reporter.joins.behind import Behind, Machine
from reporter.joins.origins import Origins, key
from reporter.joins.web_rules import WebRules, unread_acl
from reporter.tables.aws import DISTRIBUTIONS, LOAD_BALANCERS, WEB_ACL_ASSOCIATIONS
from reporter.tables.joined import INSTANCES, WEB_ENTRIES

TYPES = {"application": "alb", "network": "nlb", "classic": "classic_elb"}
WORST_FIRST = ("missing_acl", "missing_rules", "count_only", "unknown", "covered")
"""A known hole is a hole, whatever else is unknown; covered only where all are."""


@dataclass(frozen=True)
class Guard:
    """A place before an entry where a web ACL stands or should stand: the entry itself, or a distribution before it.

    `account`, `region`: where its rule groups are on offer; `acl`: ARN; `no_acl`: what is said if there is none; `unseen`: why that is not known.
    """

    account: str
    region: str
    acl: str | None
    no_acl: str
    unseen: str = ""
    before: str = ""
    """the distribution, where the guard is not the entry itself"""


@dataclass(frozen=True)
class Entry:
    """One entry with what is known before its web ACLs are looked at.

    `inert`: why it needs none whatever is behind it; `unseen`: why what is behind it is not known whole; `foreign`: names of origins that lead
    elsewhere.
    """

    account: str
    region: str
    name: str
    type: str
    facing: bool
    guards: tuple[Guard, ...]
    machines: frozenset[Machine]
    inert: str
    unseen: str
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """State of an entry and why, with the groups wanted and the sets they stand for."""

    state: str
    reason: str
    wanted: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()


def join(world: World) -> dict[str, pd.DataFrame]:
    """Source tables and instances -> web_entries."""
    entries = _Entries(world)
    found = [entries.distribution(distribution) for distribution in records(world.table(DISTRIBUTIONS))]
    found += [entries.balancer(balancer) for balancer in records(world.table(LOAD_BALANCERS)) if balancer.type in TYPES]
    return {WEB_ENTRIES.name: WEB_ENTRIES.sort(WEB_ENTRIES.frame(entries.row(entry) for entry in found))}


class _Entries:
    """Lookups that every entry needs, made once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._behind = Behind(world)
        self._origins = Origins(world)
        self._rules = WebRules(world)
        self._instances = {(i.account, i.instance_id): i for i in records(world.table(INSTANCES))}
        associations = records(world.table(WEB_ACL_ASSOCIATIONS))
        self._associated = {association.resource_arn: association.web_acl_arn for association in associations}
        self._no_distributions = _unread(world, "cloudfront")

    def distribution(self, distribution: Any) -> Entry:
        """A record of DISTRIBUTIONS; its origins are matched to load balancers by name, in any account."""
        led = self._origins.of(distribution)
        machines = set(led.machines).union(*(self._behind.machines(balancer) for balancer in led.balancers))
        unseen = [self._behind.unseen(balancer.account, balancer.region) for balancer in led.balancers]
        unseen += [f"its origin {name} is a load balancer that was not seen in any account that was read" for name in led.hidden]
        return Entry(
            account=distribution.account,
            region=GLOBAL,
            name=distribution.arn,
            type="cloudfront",
            facing=True,
            guards=(_at_the_edge(distribution),),
            machines=frozenset(machines),
            inert="" if distribution.enabled else "the distribution is switched off",
            unseen=next(filter(None, unseen), ""),
            foreign=led.foreign,
        )

    def balancer(self, balancer: Any) -> Entry:
        """A record of LOAD_BALANCERS: application, network or classic."""
        facing, kind = balancer.scheme == "internet-facing", TYPES[balancer.type]
        guards = {"alb": self._own, "nlb": lambda _: (), "classic_elb": self._before}[kind](balancer)
        inert = "a network load balancer cannot carry a web ACL" if kind == "nlb" else ""
        return Entry(
            account=balancer.account,
            region=balancer.region,
            name=balancer.arn or balancer.name,
            type=kind,
            facing=facing,
            guards=guards,
            machines=frozenset(self._behind.machines(balancer)),
            inert=inert or ("" if facing else "internal"),
            unseen=self._behind.unseen(balancer.account, balancer.region),
        )

    def _own(self, balancer: Any) -> tuple[Guard, ...]:
        """The web ACL that an application load balancer itself has."""
        place = (balancer.account, balancer.region)
        acl = self._associated.get(balancer.arn)
        unseen = "" if acl or self._world.read("waf", *place) else f"waf in {' '.join(place)} could not be read"
        return (Guard(*place, acl, "no web ACL of its own", unseen),)

    def _before(self, balancer: Any) -> tuple[Guard, ...]:
        """The distributions before a classic load balancer, and one more where another may be hidden."""
        before = self._origins.before.get(key(balancer), [])
        guards = tuple(_at_the_edge(one, before=f"distribution {one.arn.rsplit('/', 1)[-1]} before it: ") for one in before)
        if self._no_distributions:
            return (*guards, Guard(balancer.account, GLOBAL, None, "", unseen=self._no_distributions))
        none = "it cannot carry a web ACL, and no distribution is before it"
        return guards or (Guard(balancer.account, GLOBAL, None, none),)

    def row(self, entry: Entry) -> Row:
        """One row of WEB_ENTRIES."""
        instances = [self._instances[machine] for machine in sorted(entry.machines) if machine in self._instances]
        arns = sorted({guard.acl for guard in entry.guards if guard.acl})
        acls = [self._rules.acls[arn] for arn in arns if arn in self._rules.acls]
        verdict = self._bare(entry, instances) or self._guarded(entry, instances)
        return (
            entry.account,
            entry.region,
            entry.name,
            entry.type,
            entry.facing,
            ";".join(arns) or None,
            sorted({instance.instance_id for instance in instances}),
            sorted({instance.policy for instance in instances if instance.policy}),
            verdict.wanted,
            sorted({group for acl in acls for group in acl.present()}),
            verdict.state,
            verdict.reason,
            ";".join(sorted({acl.managed_by for acl in acls if acl.managed_by})) or None,
            verdict.sets,
        )

    def _bare(self, entry: Entry, instances: list[Any]) -> Verdict | None:
        """What holds before any web ACL is looked at."""
        if entry.inert:
            return Verdict("not_applicable", entry.inert)
        if entry.unseen:
            return Verdict("unknown", entry.unseen)
        if instances:
            return None
        if entry.machines:
            return Verdict("not_applicable", "only instances that are gone or outside the schedule's scope are behind it")
        elsewhere = f"; its origin {entry.foreign[0]} leads to none that this run can name" if entry.foreign else ""
        return Verdict("not_applicable", f"no EC2 instance or container host is behind it{elsewhere}")

    def _guarded(self, entry: Entry, instances: list[Any]) -> Verdict:
        """The worst that any of its guards leaves open, with the reason of each that leaves it open."""
        sets, cause = self._rules.sets_of(instances)
        verdicts = [self._behind_guard(guard, sets, cause) for guard in entry.guards]
        state = min((verdict.state for verdict in verdicts), key=WORST_FIRST.index)
        reasons = [guard.before + verdict.reason for guard, verdict in zip(entry.guards, verdicts, strict=True) if verdict.state == state]
        wanted = {name for verdict in verdicts for name in verdict.wanted}
        return Verdict(state, "; ".join(reasons), tuple(sorted(wanted)), sets)

    def _behind_guard(self, guard: Guard, sets: tuple[str, ...], cause: str) -> Verdict:
        """What one guard makes of an entry. `cause`: why the sets are not known."""
        if guard.unseen:
            return Verdict("unknown", guard.unseen)
        if guard.acl is None:
            wanted = (self._rules.wanted(one, guard.account, guard.region) for one in sets)
            return Verdict("missing_acl", guard.no_acl, tuple(name for name in wanted if name))
        if guard.acl not in self._rules.acls:
            return Verdict("unknown", unread_acl(self._world, guard.acl))
        if cause:
            return Verdict("unknown", cause)
        state, wanted_here, reason = self._rules.state(guard.acl, sets)
        return Verdict(state, reason, wanted_here)


def _at_the_edge(distribution: Any, before: str = "") -> Guard:
    """The web ACL of a record of DISTRIBUTIONS. One of WAF Classic is none."""
    acl, no_acl = distribution.web_acl, "no web ACL"
    if acl and not acl.startswith("arn:"):
        acl, no_acl = None, f"its web ACL {acl} is of WAF Classic, which is no longer evaluated"
    return Guard(distribution.account, GLOBAL, acl or None, no_acl, before=before)


def _unread(world: World, source: str) -> str:
    """Why not all of a source is known; "" if every planned scope of it was read. What the schedule leaves out was not wanted."""
    for scope in world.ledger.scopes_of(source):
        if world.state(source, scope.account, scope.region) not in (ScopeState.OK, ScopeState.SKIPPED):
            return f"{source} in {scope.account} {scope.region} could not be read, so a distribution before it may be hidden"
    return ""
