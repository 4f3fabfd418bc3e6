"""Web entries: every CloudFront distribution and load balancer, the web ACL that covers it, and what is behind it (design sections 3 and 5).

An internet-facing application load balancer needs a web ACL of its own, even behind a covered distribution: its name can be called past it. A
classic load balancer cannot carry one, so only a distribution before it covers it; a network load balancer cannot either, and is listed only. First
that holds: not_applicable (internal, switched off, or no instance in scope behind it), unknown, missing_acl, then by the wanted rule groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from reporter.core.scope import GLOBAL, ScopeState
from reporter.core.table import Row
from reporter.core.world import World
from reporter.joins.behind import Behind, Machine
from reporter.joins.records import records
from reporter.joins.web_rules import WebRules, unread_acl
from reporter.tables.aws import DISTRIBUTIONS, LOAD_BALANCERS, WEB_ACL_ASSOCIATIONS
from reporter.tables.joined import INSTANCES, WEB_ENTRIES

TYPES = {"application": "alb", "network": "nlb", "classic": "classic_elb"}


@dataclass(frozen=True)
class Entry:
    """One entry with what is known before its web ACL is looked at. `unseen`: why what is behind it is not known whole."""

    account: str
    region: str
    name: str
    type: str
    facing: bool | None
    acl: str | None
    machines: frozenset[Machine]
    inert: str
    unseen: str
    no_acl: str


def join(world: World) -> dict[str, pd.DataFrame]:
    """Source tables and instances -> web_entries."""
    entries = _Entries(world)
    rows = [entries.row(entry) for entry in (*entries.distributions(), *entries.balancers())]
    return {WEB_ENTRIES.name: WEB_ENTRIES.sort(WEB_ENTRIES.frame(rows))}


class _Entries:
    """Lookups that every entry needs, made once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._behind = Behind(world)
        self._rules = WebRules(world)
        self._instances = {(i.account, i.instance_id): i for i in records(world.table(INSTANCES))}
        self._balancers = [balancer for balancer in records(world.table(LOAD_BALANCERS)) if balancer.type in TYPES]
        self._by_name = {balancer.dns_name: balancer for balancer in self._balancers if balancer.dns_name}
        self._distributions = records(world.table(DISTRIBUTIONS))
        associations = records(world.table(WEB_ACL_ASSOCIATIONS))
        self._associated = {association.resource_arn: association.web_acl_arn for association in associations}
        unread = [row for source in ("elb",) for row in self._unread(source)]
        self._elb_unread = f"elb in {unread[0]} could not be read" if unread else ""
        unread = list(self._unread("cloudfront"))
        self._cloudfront_unread = f"cloudfront in {unread[0]} could not be read, so a distribution before it may be hidden" if unread else ""

    def _unread(self, source: str) -> list[str]:
        scopes = self._world.ledger.scopes_of(source)
        states = {scope: self._world.state(scope.source, scope.account, scope.region) for scope in scopes}
        return [f"{scope.account} {scope.region}" for scope, state in states.items() if state not in (ScopeState.OK, ScopeState.SKIPPED)]

    def distributions(self) -> list[Entry]:
        """One entry for each distribution; its origins are matched to load balancers by name, in any account."""
        return [self._distribution(distribution) for distribution in self._distributions]

    def _distribution(self, distribution: Any) -> Entry:
        machines: set[Machine] = set()
        unseen: list[str] = []
        for domain in distribution.origin_domains:
            balancer = self._balancer_at(domain)
            if balancer is not None:
                machines |= self._behind.machines(balancer)
                unseen.append(self._behind.unseen(balancer.account, balancer.region))
            elif domain.endswith(".elb.amazonaws.com"):
                unseen.append(self._elb_unread)
        inert = "" if distribution.enabled else "the distribution is switched off"
        acl = distribution.web_acl
        classic = acl is not None and not acl.startswith("arn:")
        why = f"its web ACL {acl} is of WAF Classic, which is no longer evaluated" if classic else "no web ACL"
        found = None if classic else acl
        machines_seen = frozenset(machines)
        return Entry(
            distribution.account, GLOBAL, distribution.arn, "cloudfront", True, found, machines_seen, inert, next(filter(None, unseen), ""), why
        )

    def balancers(self) -> list[Entry]:
        """One entry for each application, network and classic load balancer."""
        return [self._balancer(balancer) for balancer in self._balancers]

    def _balancer(self, balancer: Any) -> Entry:
        facing = balancer.scheme == "internet-facing"
        kind = TYPES[balancer.type]
        inert = "" if facing else "internal"
        acl, unseen, why = self._associated.get(balancer.arn), self._behind.unseen(balancer.account, balancer.region), "no web ACL of its own"
        if kind == "nlb":
            inert, acl = "a network load balancer cannot carry a web ACL", None
        elif kind == "classic_elb":
            acl, why = self._before(balancer)
            unseen = unseen or ("" if acl else self._cloudfront_unread)
        machines = frozenset(self._behind.machines(balancer))
        return Entry(balancer.account, balancer.region, balancer.arn or balancer.name, kind, facing, acl, machines, inert, unseen, why)

    def _before(self, balancer: Any) -> tuple[str | None, str]:
        """The web ACL of a distribution before a classic load balancer."""
        before = [d for d in self._distributions if d.enabled and any(self._balancer_at(domain) is balancer for domain in d.origin_domains)]
        acls = sorted(d.web_acl for d in before if d.web_acl and d.web_acl.startswith("arn:"))
        if acls:
            return acls[0], ""
        return None, "the distribution before it has no web ACL" if before else "it cannot carry a web ACL, and no distribution is before it"

    def _balancer_at(self, domain: str) -> Any | None:
        return self._by_name.get(domain.lower().removeprefix("dualstack."))

    def row(self, entry: Entry) -> Row:
        """One row of WEB_ENTRIES."""
        instances = [self._instances[machine] for machine in sorted(entry.machines) if machine in self._instances]
        state, wanted, present, sets, reason = self._judge(entry, instances)
        acl = self._rules.acls.get(entry.acl or "")
        return (
            entry.account,
            entry.region,
            entry.name,
            entry.type,
            entry.facing,
            entry.acl,
            sorted({instance.instance_id for instance in instances}),
            sorted({instance.policy for instance in instances if instance.policy}),
            wanted,
            present,
            state,
            reason,
            acl.managed_by if acl else None,
            sorted(sets),
        )

    def _judge(  # noqa: PLR0911  # one return for each state, in the order in which the first that holds is taken
        self, entry: Entry, instances: list[Any]
    ) -> tuple[str, list[str], list[str], set[str], str]:
        acl = self._rules.acls.get(entry.acl or "")
        present = acl.present() if acl else []
        if entry.inert:
            return "not_applicable", [], present, set(), entry.inert
        if entry.unseen:
            return "unknown", [], present, set(), entry.unseen
        if not instances:
            outside = (
                "only instances outside the schedule's scope are behind it" if entry.machines else "no EC2 instance or container host is behind it"
            )
            return "not_applicable", [], present, set(), outside
        sets, cause = self._rules.sets_of(instances)
        place = GLOBAL if ":global/" in (entry.acl or "") or entry.type == "cloudfront" else entry.region
        unread = "" if self._world.read("waf", entry.account, place) else f"waf in {entry.account} {place} could not be read"
        if entry.acl is None:
            hidden = unread if entry.type == "alb" else ""
            return ("unknown", [], [], sets, hidden) if hidden else ("missing_acl", self._names(sets, entry, place), [], sets, entry.no_acl)
        if acl is None:
            return "unknown", [], [], sets, unread_acl(self._world, entry.acl)
        if cause:
            return "unknown", [], present, set(), cause
        owner = entry.acl.split(":")[4]
        state, wanted, reason = self._rules.state(acl, sets, owner, place)
        return state, wanted, present, sets, reason

    def _names(self, sets: set[str], entry: Entry, place: str) -> list[str]:
        found = (self._rules.wanted(name, entry.account, place)[0] for name in sorted(sets))
        return [":".join(group) for group in found if group]
