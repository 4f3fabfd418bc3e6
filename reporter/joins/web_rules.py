"""Which managed rule groups stand in a web ACL, which are on offer, and which the instances behind an entry ask for.

What an instance asks for is said by its IPS rules: an application type whose name begins with "Web Server" asks for the set `web_server`, one that
begins with "Web Application" for `web_application`. Which groups stand for a set is a setting; the first that is on offer is the one wanted, and any
of them satisfies it. A group that only counts never does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reporter.core.scope import GLOBAL
from reporter.core.world import World
from reporter.joins.records import records
from reporter.tables.aws import MANAGED_RULE_GROUPS, WEB_ACL_RULES, WEB_ACLS
from reporter.tables.workload_protection import WP_APPLICATION_TYPES, WP_COMPUTERS, WP_POLICIES, WP_RULES

SETS = {"web server": "web_server", "web application": "web_application"}
Group = tuple[str, str]
"""vendor, name"""


@dataclass(frozen=True)
class Acl:
    """A web ACL that was read: who owns it, and its managed rule groups with their mode."""

    managed_by: str | None
    groups: dict[Group, str]
    narrowed: tuple[Group, ...]

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
        self._rules = {(rule.tenant, rule.rule_id): types.get((rule.tenant, rule.application_type_id)) for rule in records(world.table(WP_RULES))}
        self._policies = {(policy.tenant, policy.policy_id): policy.ips_rule_ids for policy in records(world.table(WP_POLICIES))}
        self._computers = {(computer.tenant, computer.computer_id): computer.ips_rule_ids for computer in records(world.table(WP_COMPUTERS))}

    def sets_of(self, instances: Iterable[Any]) -> tuple[set[str], str]:
        """Sets that records of INSTANCES ask for, and why that is not known whole ("" if it is)."""
        asked: set[str] = set()
        for instance in instances:
            if instance.protection == "unknown":
                return set(), f"the protection of {instance.instance_id} is not known"
            if not instance.tenant:
                continue
            unread = [source for source in ("wp_policies", "wp_rules") if not self._world.tenant_read(instance.tenant, source)]
            if unread:
                return set(), f"{' and '.join(unread)} of tenant {instance.tenant} could not be read"
            rules = {
                *self._policies.get((instance.tenant, instance.policy_id), ()),
                *self._computers.get((instance.tenant, instance.computer_id), ()),
            }
            asked |= {found for rule in rules if (found := self._rules.get((instance.tenant, rule)))}
        return asked, ""

    def wanted(self, name: str, account: str, region: str) -> tuple[Group | None, list[Group]]:
        """For a set: the group that is wanted here (None: none of the setting's is on offer), and all that satisfy it."""
        groups = [(group.vendor, group.name) for group in getattr(self._world.settings.waf, name)]
        offered = self._offered[account, region]
        return next((group for group in groups if group in offered), None), groups

    def state(self, acl: Acl, sets: Iterable[str], account: str, region: str) -> tuple[str, list[str], str]:
        """State of an entry behind a web ACL, the groups wanted, and why."""
        wanted: list[str] = []
        absent: list[str] = []
        counting: list[str] = []
        for name in sorted(sets):
            best, groups = self.wanted(name, account, region)
            said = ":".join(best or (groups[0] if groups else ("no group", f"is set for {name}")))
            wanted.append(said)
            modes = {acl.groups[group] for group in groups if group in acl.groups}
            if not modes:
                absent.append(said if best else f"{said} (none of the setting's groups is on offer)")
            elif modes != {"block"} and "block" not in modes:
                counting.append(said)
        weak = "".join(f"; {vendor}:{name} is narrowed by a scope-down statement or an override" for vendor, name in acl.narrowed)
        if absent:
            return "missing_rules", wanted, f"not in the web ACL: {', '.join(absent)}{weak}"
        if counting:
            return "count_only", wanted, f"only counts, stops nothing: {', '.join(counting)}{weak}"
        return (
            "covered",
            wanted,
            ("every wanted rule group is there and blocks" if wanted else "a web ACL is there; no IPS rule asks for a group") + weak,
        )


def _set_of(name: str) -> str | None:
    lowered = name.strip().lower()
    return next((found for start, found in SETS.items() if lowered.startswith(start)), None)


def _acls(world: World) -> dict[str, Acl]:
    groups: dict[str, dict[Group, str]] = defaultdict(dict)
    narrowed: dict[str, list[Group]] = defaultdict(list)
    for rule in records(world.table(WEB_ACL_RULES)):
        if rule.kind != "managed_rule_group":
            continue
        group = (rule.vendor or "", rule.group_name or "")
        if groups[rule.web_acl_arn].get(group) != "block":  # the same group twice: one that blocks is what counts
            groups[rule.web_acl_arn][group] = rule.mode
        if rule.narrowed:
            narrowed[rule.web_acl_arn].append(group)
    return {acl.arn: Acl(acl.managed_by, groups[acl.arn], tuple(sorted(set(narrowed[acl.arn])))) for acl in records(world.table(WEB_ACLS))}


def unread_acl(world: World, arn: str) -> str:
    """Why a web ACL is not among those read."""
    parts = arn.split(":")
    account, region = (parts[4], GLOBAL if ":global/" in arn else parts[3]) if len(parts) > 5 else ("", "")
    if not world.read("waf", account, region):
        return f"the web ACL's account and region ({account} {region}) could not be read"
    return "the web ACL is not among those that were read"
