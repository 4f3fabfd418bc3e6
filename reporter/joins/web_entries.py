"""Web entries: every CloudFront distribution and load balancer, the web ACL that covers it, and what is behind it (design sections 3 and 5).

An internet-facing application load balancer needs a web ACL of its own, even behind a covered distribution: its name can be called past it.
A classic load balancer cannot carry one, so only a distribution before it covers it; a network load balancer cannot either, and is listed only.
First that holds: not_applicable (internal, switched off, or no instance in scope behind it), unknown, missing_acl, then by the wanted rule groups.
What WP could not say makes an entry unknown only where there is a web ACL to compare with: without one, missing_acl is certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from reporter.core.scope import GLOBAL, ScopeState
from reporter.core.table import Row
from reporter.core.world import World
from reporter.joins.behind import Behind, Machine
from reporter.joins.origins import Origins, key
from reporter.joins.records import records
from reporter.joins.web_rules import WebRules, unread_acl
from reporter.tables.aws import DISTRIBUTIONS, LOAD_BALANCERS, WEB_ACL_ASSOCIATIONS
from reporter.tables.joined import INSTANCES, WEB_ENTRIES

TYPES = {"application": "alb", "network": "nlb", "classic": "classic_elb"}


@dataclass(frozen=True)
class Entry:
    """One entry with what is known before its web ACL is looked at.

    `inert`: why it needs none whatever is behind it; `unseen`: why what is behind it is not known whole; `foreign`: names of origins that lead
    elsewhere; `no_acl`: what is said if there is none.
    """

    account: str
    region: str
    name: str
    type: str
    facing: bool
    acl: str | None
    machines: frozenset[Machine]
    inert: str
    unseen: str
    no_acl: str
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
        acl, no_acl = distribution.web_acl, "no web ACL"
        if acl and not acl.startswith("arn:"):
            acl, no_acl = None, f"its web ACL {acl} is of WAF Classic, which is no longer evaluated"
        return Entry(
            account=distribution.account,
            region=GLOBAL,
            name=distribution.arn,
            type="cloudfront",
            facing=True,
            acl=acl,
            machines=frozenset(machines),
            inert="" if distribution.enabled else "the distribution is switched off",
            unseen=next(filter(None, unseen), ""),
            no_acl=no_acl,
            foreign=led.foreign,
        )

    def balancer(self, balancer: Any) -> Entry:
        """A record of LOAD_BALANCERS: application, network or classic."""
        facing, kind = balancer.scheme == "internet-facing", TYPES[balancer.type]
        inert, unseen = "" if facing else "internal", self._behind.unseen(balancer.account, balancer.region)
        acl, no_acl = self._associated.get(balancer.arn), "no web ACL of its own"
        if kind == "nlb":
            inert, acl = "a network load balancer cannot carry a web ACL", None
        elif kind == "classic_elb":
            acl, no_acl = self._before(balancer)
            unseen = unseen or ("" if acl else self._no_distributions)
        return Entry(
            account=balancer.account,
            region=balancer.region,
            name=balancer.arn or balancer.name,
            type=kind,
            facing=facing,
            acl=acl,
            machines=frozenset(self._behind.machines(balancer)),
            inert=inert,
            unseen=unseen,
            no_acl=no_acl,
        )

    def _before(self, balancer: Any) -> tuple[str | None, str]:
        """The web ACL of a distribution before a classic load balancer; one such distribution is enough."""
        before = self._origins.before.get(key(balancer), [])
        acls = sorted(distribution.web_acl for distribution in before if distribution.web_acl and distribution.web_acl.startswith("arn:"))
        if acls:
            return acls[0], ""
        return None, "no distribution before it has a web ACL" if before else "it cannot carry a web ACL, and no distribution is before it"

    def row(self, entry: Entry) -> Row:
        """One row of WEB_ENTRIES."""
        instances = [self._instances[machine] for machine in sorted(entry.machines) if machine in self._instances]
        acl = self._rules.acls.get(entry.acl or "")
        verdict = self._bare(entry, instances) or self._before_groups(entry, instances) or self._by_groups(entry, instances)
        return (
            entry.account,
            entry.region,
            entry.name,
            entry.type,
            entry.facing,
            entry.acl,
            sorted({instance.instance_id for instance in instances}),
            sorted({instance.policy for instance in instances if instance.policy}),
            verdict.wanted,
            acl.present() if acl else (),
            verdict.state,
            verdict.reason,
            acl.managed_by if acl else None,
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

    def _before_groups(self, entry: Entry, instances: list[Any]) -> Verdict | None:
        """What holds before the rule groups of the web ACL are looked at."""
        sets, cause = self._rules.sets_of(instances)
        if entry.acl is None:
            if entry.type == "alb" and not self._world.read("waf", entry.account, entry.region):
                return Verdict("unknown", f"waf in {entry.account} {entry.region} could not be read")
            place = entry.region if entry.type == "alb" else GLOBAL
            wanted = tuple(name for one in sets if (name := self._rules.wanted(one, entry.account, place)))
            return Verdict("missing_acl", entry.no_acl, wanted, sets)
        if entry.acl not in self._rules.acls:
            return Verdict("unknown", unread_acl(self._world, entry.acl), sets=sets)
        return Verdict("unknown", cause) if cause else None

    def _by_groups(self, entry: Entry, instances: list[Any]) -> Verdict:
        sets, _ = self._rules.sets_of(instances)
        state, wanted, reason = self._rules.state(entry.acl or "", sets)
        return Verdict(state, reason, wanted, sets)


def _unread(world: World, source: str) -> str:
    """Why not all of a source is known; "" if every planned scope of it was read. What the schedule leaves out was not wanted."""
    for scope in world.ledger.scopes_of(source):
        if world.state(source, scope.account, scope.region) not in (ScopeState.OK, ScopeState.SKIPPED):
            return f"{source} in {scope.account} {scope.region} could not be read, so a distribution before it may be hidden"
    return ""
