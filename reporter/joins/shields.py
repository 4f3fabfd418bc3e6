"""What stands between one CVE and one way of being protected: the rules that name the CVE, and what an agent and its policy make of them.

An *exact* rule names the CVE, lists at most ten CVEs, and is of type vulnerability, exploit, smart or custom. Rules of other types, and rules that
list more, are *generic*: they name the CVE, and nobody can say that they stop it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reporter.core.world import World
from reporter.joins.records import records
from reporter.tables.workload_protection import WP_POLICIES, WP_POLICY_RULES, WP_RULES

EXACT_TYPES = frozenset({"vulnerability", "exploit", "smart", "custom"})
MOST_CVES = 10
PREVENT, DETECT = "prevent", "detect"


@dataclass(frozen=True)
class Signature:
    """What makes two hosts equal for every CVE: tenant, policy, the rules on the agent, and how the module runs.

    `hindrance`: why rules on the agent do not work now (offline, module not running, policy not sent); "" where they do.
    """

    tenant: str
    policy_id: int | None
    agent_rules: frozenset[int]
    mode: str | None
    hindrance: str


@dataclass(frozen=True)
class Shield:
    """State of a virtual patch, the identifiers it rests on (sorted), and why."""

    state: str
    identifiers: tuple[str, ...]
    reason: str


class Catalogue:
    """Rules by tenant and CVE, and which of them only detect."""

    def __init__(self, world: World) -> None:
        self._exact: dict[tuple[str, str], list[int]] = {}
        self._generic: dict[tuple[str, str], list[int]] = {}
        self._names: dict[tuple[str, int], str] = {}
        self._detects: dict[tuple[str, int], bool] = {}
        for rule in records(world.table(WP_RULES)):
            self._names[rule.tenant, rule.rule_id] = rule.identifier or f"id {rule.rule_id}"
            self._detects[rule.tenant, rule.rule_id] = rule.detect_only
            exact = rule.type in EXACT_TYPES and len(rule.cves) <= MOST_CVES
            for cve in rule.cves:
                (self._exact if exact else self._generic).setdefault((rule.tenant, cve), []).append(rule.rule_id)
        own = records(world.table(WP_POLICY_RULES))
        self._on_policy = {(rule.tenant, rule.policy_id, rule.rule_id): rule.detect_only for rule in own}
        policies = records(world.table(WP_POLICIES))
        self._assigned: Mapping[tuple[str, int], frozenset[int]] = {(p.tenant, p.policy_id): frozenset(p.ips_rule_ids) for p in policies}

    def shield(self, host: Signature, cve: str) -> Shield:
        """The state of one CVE on every host of one signature, from `prevented` down to `no_rule`."""
        exact = self._exact.get((host.tenant, cve), [])
        on_agent = [rule for rule in exact if rule in host.agent_rules]
        working = [] if host.hindrance else on_agent
        preventing = [rule for rule in working if host.mode == PREVENT and not self._only_detects(host, rule)]
        if preventing:
            missing = self._said(host, [rule for rule in exact if rule not in on_agent])
            more = f"; of the rules for this CVE {', '.join(missing)} is not on the agent" if missing else ""
            return self._shield("prevented", host, preventing, f"effective on the agent, in prevent mode{more}")
        if working:
            why = "the IPS module runs in detect mode" if host.mode != PREVENT else "the rule is set to detect"
            return self._shield("detect_only", host, working, f"{why}: it logs, it stops nothing")
        policy = self._assigned.get((host.tenant, host.policy_id), frozenset()) if host.policy_id is not None else frozenset()
        assigned = [rule for rule in exact if rule in host.agent_rules or rule in policy]
        if assigned:
            why = host.hindrance or "assigned to the policy, not yet on the agent"
            return self._shield("assigned_not_effective", host, assigned, f"assigned, but {why}" if host.hindrance else why)
        if exact:
            return self._shield("available", host, exact, "an exact rule exists and is not assigned")
        generic = self._generic.get((host.tenant, cve), [])
        if generic:
            return self._shield("generic_only", host, generic, "only rules that are not exact name this CVE")
        return Shield("no_rule", (), "no IPS rule names this CVE")

    def _only_detects(self, host: Signature, rule: int) -> bool:
        own = None if host.policy_id is None else self._on_policy.get((host.tenant, host.policy_id, rule))
        return self._detects.get((host.tenant, rule), False) if own is None else bool(own)

    def _said(self, host: Signature, rules: list[int]) -> tuple[str, ...]:
        return tuple(sorted({self._names.get((host.tenant, rule), f"id {rule}") for rule in rules}))

    def _shield(self, state: str, host: Signature, rules: list[int], reason: str) -> Shield:
        return Shield(state, self._said(host, rules), reason)


def signature(instance: Any, computer: Any | None) -> Signature:
    """How a host (record of INSTANCES) and the computer that stands for it (record of WP_COMPUTERS) look to every CVE."""
    mode = instance.intrusion_prevention if instance.intrusion_prevention in (PREVENT, DETECT) else None
    rules = frozenset(computer.ips_rule_ids) if computer is not None else frozenset()
    return Signature(instance.tenant or "", instance.policy_id, rules, mode, _hindrance(instance, computer, mode))


def _hindrance(instance: Any, computer: Any | None, mode: str | None) -> str:
    if instance.protection == "offline":
        return "the agent is offline"
    if mode is None:
        return f"the IPS module is not running ({instance.intrusion_prevention or 'no state given'})"
    if computer is None:
        return "its computer is not among those read"
    asked, sent = computer.last_policy_request, computer.last_policy_success
    if asked is not None and (sent is None or sent < asked):
        return "the policy was not yet sent to the agent"
    return ""
