"""Which managed rule groups stand in a web ACL, which are on offer, and which the instances behind an entry ask for.

What an instance asks for is said by its IPS rules: an application type whose name begins with "Web Server" asks for the set `web_server`, one
that begins with "Web Application" for `web_application`. Which groups stand for a set is a setting; the first that is on offer is the one wanted,
and any of them satisfies it. A group that only counts never does. A set for which the setting names no group wants none, and that is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reporter.core.records import records
from reporter.core.scope import GLOBAL
from reporter.core.world import World
from reporter.tables.aws import MANAGED_RULE_GROUPS, WEB_ACL_RULES, WEB_ACLS
from reporter.tables.workload_protection import WP_APPLICATION_TYPES, WP_COMPUTERS, WP_POLICIES, WP_RULES

SETS = {"web server": "web_server", "web application": "web_application"}
Group = tuple[str, str]
"""vendor, name"""


@dataclass(frozen=True)
class Acl:
    """A web ACL that was read: where it is, who owns it, and its managed rule groups with their mode."""

    account: str
    region: str
    managed_by: str | None
    groups: dict[Group, str]
    narrowed: frozenset[Group]

    def present(self) -> list[str]:
        return sorted(f"{vendor}:{name} ({mode})" for (vendor, name), mode in self.groups.items())


class WebRules:
    """Web ACLs, groups on offer, and what policies ask for, looked up once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.acls = _acls(world)
        self._offered: dict[tuple[str, str], set[Group]] = defaultdict(set)
        for group in records(world.table(MANAGED_RULE_GROUPS)):
            self._offered[group.account, group.region].add((group.vendor, group.name))
        types = {(t.tenant, t.application_type_id): _set_of(t.name) for t in records(world.table(WP_APPLICATION_TYPES))}
        asking = {(rule.tenant, rule.rule_id): types.get((rule.tenant, rule.application_type_id)) for rule in records(world.table(WP_RULES))}
        self._asking = {rule: found for rule, found in asking.items() if found}
        self._policies = {(policy.tenant, policy.policy_id): policy.ips_rule_ids for policy in records(world.table(WP_POLICIES))}
        self._computers = {(computer.tenant, computer.computer_id): computer.ips_rule_ids for computer in records(world.table(WP_COMPUTERS))}
        self._known: dict[tuple[str, tuple[int, ...]], frozenset[str]] = {}

    def sets_of(self, instances: Iterable[Any]) -> tuple[tuple[str, ...], str]:
        """Sets that records of INSTANCES ask for, and why that is not known whole ("" if it is)."""
        asked: set[str] = set()
        for instance in instances:
            if instance.protection == "unknown":
                return (), f"the protection of {instance.instance_id} is not known"
            if not instance.tenant:
                continue
            unread = [source for source in ("wp_policies", "wp_rules") if not self._world.tenant_read(instance.tenant, source)]
            if unread:
                return (), f"{' and '.join(unread)} of tenant {instance.tenant} could not be read"
            asked |= self._asked(instance.tenant, self._policies.get((instance.tenant, instance.policy_id), ()))
            asked |= self._asked(instance.tenant, self._computers.get((instance.tenant, instance.computer_id), ()))
        return tuple(sorted(asked)), ""

    def _asked(self, tenant: str, rules: tuple[int, ...]) -> frozenset[str]:
        found = self._known.get((tenant, rules))
        if found is None:
            asked = (self._asking.get((tenant, rule)) for rule in rules)
            found = self._known[tenant, rules] = frozenset(name for name in asked if name)
        return found

    def wanted(self, name: str, account: str, region: str) -> str | None:
        """The group that is wanted for a set here, as vendor:name; None: none of the setting's groups is on offer."""
        offered = self._offered[account, region]
        return next((":".join(group) for group in self._groups(name) if group in offered), None)

    def _groups(self, name: str) -> list[Group]:
        return [(group.vendor, group.name) for group in getattr(self._world.settings.waf, name)]

    def state(self, arn: str, sets: Iterable[str]) -> tuple[str, tuple[str, ...], str]:
        """State of an entry behind this web ACL, the groups wanted, and why."""
        acl = self.acls[arn]
        wanted: list[str] = []
        absent: list[str] = []
        counting: list[str] = []
        weak: list[str] = []
        unset = [name for name in sets if not self._groups(name)]
        for name in (name for name in sets if name not in unset):
            there = [group for group in self._groups(name) if group in acl.groups]
            best = self.wanted(name, acl.account, acl.region) or (":".join(there[0]) if there else None)
            wanted += [best] if best else []
            if not there:
                absent.append(best or f"a group for {name} (none of the setting's is on offer)")
            elif all(acl.groups[group] != "block" for group in there):
                counting += [":".join(group) for group in there]
            weak += [":".join(group) for group in there if group in acl.narrowed]
        said = f"; narrowed by a scope-down statement or an override: {', '.join(weak)}" if weak else ""
        if absent:
            return "missing_rules", tuple(wanted), f"not in the web ACL: {', '.join(absent)}{said}"
        if counting:
            return "count_only", tuple(wanted), f"only counts, stops nothing: {', '.join(counting)}{said}"
        if unset:
            said = f"; the schedule names no rule group for {', '.join(unset)}{said}"
        bare = "a web ACL is there" if unset else "a web ACL is there; no IPS rule asks for a group"
        good = "a rule group for everything that is wanted is there and blocks" if wanted else bare
        return "covered", tuple(wanted), good + said


def _set_of(name: str) -> str | None:
    lowered = name.strip().lower()
    return next((found for start, found in SETS.items() if lowered.startswith(start)), None)


def _acls(world: World) -> dict[str, Acl]:
    strongest: dict[str, dict[Group, tuple[bool, bool, str]]] = defaultdict(dict)
    for rule in records(world.table(WEB_ACL_RULES)):
        if rule.kind == "managed_rule_group":
            held, group = strongest[rule.web_acl_arn], (rule.vendor or "", rule.group_name or "")
            # the same group twice: one that blocks is what counts, and of those one that is not narrowed
            held[group] = max(held.get(group, (False, False, "")), (rule.mode == "block", not rule.narrowed, rule.mode))
    acls = {}
    for acl in records(world.table(WEB_ACLS)):
        modes = {group: mode for group, (_, _, mode) in strongest[acl.arn].items()}
        narrowed = frozenset(group for group, (_, whole, _) in strongest[acl.arn].items() if not whole)
        acls[acl.arn] = Acl(acl.account, acl.region, acl.managed_by, modes, narrowed)
    return acls


def unread_acl(world: World, arn: str) -> str:
    """Why a web ACL is not among those read."""
    parts = arn.split(":")
    account, region = (parts[4], GLOBAL if ":global/" in arn else parts[3]) if len(parts) > 5 else ("", "")
    if not world.read("waf", account, region):
        return f"the web ACL's account and region ({account} {region}) could not be read"
    return "the web ACL is not among those that were read"
