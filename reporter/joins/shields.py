"""What stands between one CVE and one way of being protected: state, rule identifiers and reason.

Hosts that look alike to every rule share one setup; each (setup, CVE) is judged once, in arrays, so that a million findings cost about what their
distinct pairs cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.world import World
from reporter.joins.rules import Rules

PREVENTED, DETECT_ONLY, UNTOLD, ASSIGNED, HIDDEN, AVAILABLE, GENERIC, NO_RULE = range(8)
"""Ranks: of several rules the lowest decides."""
STATES = ("prevented", "detect_only", "unknown", "assigned_not_effective", "unknown", "available", "generic_only", "no_rule")

RANK_BITS = 3
PACKED = 20
"""So many ranks fit into one integer."""
AT_ONCE = 1 << 25
"""Setups times rules, or times CVEs, that are looked at together: each takes a few bytes."""

_REASONS = {
    PREVENTED: "effective on the agent, in prevent mode",
    DETECT_ONLY: "the rule or the IPS module is set to detect: it logs, it stops nothing",
    UNTOLD: "assigned, but the agent does not say whether the IPS module runs",
    HIDDEN: "an exact rule exists, and the host's policy is not among those that the key may see",
    AVAILABLE: "an exact rule exists and is not assigned",
    GENERIC: "only rules that are not exact name this CVE",
}
_LESS = "; further exact rules for this CVE that do less: "

Said = tuple[str, tuple[str, ...], str]
"""state, rule identifiers, reason"""


class Mode(IntEnum):
    """What becomes of an attack that a rule on the agent recognises."""

    PREVENT = 0
    DETECT = 1
    UNTOLD = 2
    """the agent does not say whether the module runs"""
    HINDERED = 3


@dataclass(frozen=True)
class Setup:
    """What makes two hosts equal for every CVE: tenant, policy, the rules on the agent, and how the module runs.

    `hindrance`: why rules on the agent do not work now (mode HINDERED).
    """

    tenant: str
    policy_id: int | None
    agent_rules: tuple[int, ...]
    mode: Mode
    hindrance: str


def setup_of(instance: Any, computer: Any) -> Setup:
    """How a host (record of INSTANCES) and the computer that stands for it (record of WP_COMPUTERS) look to every CVE.

    A policy counts as not yet sent while a request to send it is newer than the last success.
    """
    asked, sent = computer.last_policy_request, computer.last_policy_success
    mode, hindrance = Mode.UNTOLD, ""
    if instance.protection == "offline":
        mode, hindrance = Mode.HINDERED, "the agent is offline"
    elif instance.intrusion_prevention in ("off", "inactive"):
        mode, hindrance = Mode.HINDERED, f"the IPS module is not running ({instance.intrusion_prevention})"
    elif asked is not None and (sent is None or sent < asked):
        mode, hindrance = Mode.HINDERED, "the policy was not yet sent to the agent"
    elif instance.intrusion_prevention in ("prevent", "detect"):
        mode = Mode[instance.intrusion_prevention.upper()]
    return Setup(instance.tenant, instance.policy_id, computer.ips_rule_ids, mode, hindrance)


@dataclass(frozen=True)
class Shields:
    """How far the rules go for each pair (setup, CVE) that was asked for, as a rank; `told` says it in words."""

    rank: np.ndarray
    blocks: tuple[_Block, ...]

    def told(self) -> tuple[np.ndarray, list[Said]]:
        """For each pair a code into the list of what is said: state, identifiers it rests on (sorted), reason."""
        said: list[Said] = [(STATES[NO_RULE], (), "no IPS rule names this CVE")]
        codes = np.zeros(len(self.rank), dtype=np.int32)
        for block in self.blocks:
            kinds, words = _told(block)
            codes[block.pairs] = kinds + len(said)
            said += words
        return codes, said


@dataclass(frozen=True)
class _Block:
    """Some setups of one tenant, and the pairs (setup, CVE) asked for whose CVE some rule names: `pairs` says where they stand among all.

    Entries: every rule of a pair that does other than it does on a host that has nothing. `at`: setup x CVE of the entry, as a number.
    """

    rules: Rules
    setups: Sequence[Setup]
    hold: _Hold
    pairs: np.ndarray
    host: np.ndarray
    cve: np.ndarray
    best: np.ndarray
    """rank of each pair"""
    at: np.ndarray
    nth: np.ndarray
    """the how manieth of the CVE's rules it is"""
    rank: np.ndarray
    """what the rule is worth there"""


def shields(world: World, setups: Sequence[Setup], host: np.ndarray, cve: np.ndarray, cves: Sequence[str]) -> Shields:
    """How far the rules go for each pair (setups[host[i]], cves[cve[i]])."""
    rank = np.full(len(host), NO_RULE, dtype=np.int8)
    tenants = np.array([setup.tenant for setup in setups], dtype=object)
    blocks = []
    for tenant in sorted(set(tenants)):
        rules, own = Rules(world, tenant, cves), np.flatnonzero(tenants == tenant)
        ruled = rules.counts[cve] > 0
        size = max(AT_ONCE // max(len(rules.ids), len(cves), 1), 1)
        for start in range(0, len(own), size):
            some = own[start : start + size]
            number = np.full(len(setups), -1, dtype=np.int64)
            number[some] = np.arange(len(some))
            pairs = np.flatnonzero((number >= 0)[host] & ruled)
            if len(pairs):
                block = _block(rules, [setups[at] for at in some], pairs, number[host[pairs]], cve[pairs])
                rank[pairs] = block.best
                blocks.append(block)
    return Shields(rank, tuple(blocks))


def _block(rules: Rules, setups: Sequence[Setup], pairs: np.ndarray, host: np.ndarray, cve: np.ndarray) -> _Block:
    hold, width = _Hold.of(rules, setups), len(rules.counts)
    asked = np.zeros(len(setups) * width, dtype=bool)
    asked[host * width + cve] = True
    owner, rule = hold.differing(rules.exact)
    which, named, nth = rules.of(rule)
    at = owner[which] * width + named
    wanted = np.flatnonzero(asked[at])
    which, at, nth = which[wanted], at[wanted], nth[wanted]
    rank = hold.ranks(rules, owner[which], rule[which])
    best = np.tile(_bare(rules), len(setups))
    for worth in range(AVAILABLE, -1, -1):  # the lowest last
        best[at[rank == worth]] = worth
    return _Block(rules, setups, hold, pairs, host, cve, best[host * width + cve], at, nth, rank)


def _bare(rules: Rules) -> np.ndarray:
    """The rank of each CVE on a host that has none of its rules."""
    exact = np.zeros(len(rules.counts), dtype=bool)
    exact[rules.of(np.flatnonzero(rules.exact))[1]] = True
    return np.where(exact, AVAILABLE, GENERIC).astype(np.int8)


@dataclass(frozen=True)
class _Hold:
    """What each of some setups has of each rule (by its place): for each setup a number of a row in each of these tables."""

    agent: tuple[np.ndarray, np.ndarray]
    """rules on the agent"""
    policy: tuple[np.ndarray, np.ndarray]
    """rules assigned to the policy"""
    listed: tuple[np.ndarray, np.ndarray]
    """rules of which the policy says whether they only detect"""
    softened: tuple[np.ndarray, np.ndarray]
    """rules that the policy lets only detect"""
    mode: np.ndarray
    unseen: np.ndarray
    """setups whose policy the key may not see"""

    @classmethod
    def of(cls, rules: Rules, setups: Sequence[Setup]) -> _Hold:
        policies = [setup.policy_id for setup in setups]
        return cls(
            rules.held([setup.agent_rules for setup in setups]),
            rules.held([rules.of_policy.get(policy, ()) for policy in policies]),
            rules.held([rules.listed.get(policy, ()) for policy in policies]),
            rules.held([rules.softened.get(policy, ()) for policy in policies]),
            np.array([setup.mode for setup in setups], dtype=np.int8),
            np.array([policy is not None and policy not in rules.of_policy for policy in policies], dtype=bool),
        )

    def differing(self, exact: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Every (setup, exact rule) that is on the agent or on the policy, or may be: elsewhere a rule does nothing, whatever the setup."""
        (agent, on_agent), (policy, on_policy) = self.agent, self.policy
        has = on_agent[agent] | on_policy[policy]
        has[self.unseen] = True
        has &= exact
        owner, rule = np.nonzero(has)
        return owner, rule

    def ranks(self, rules: Rules, host: np.ndarray, rule: np.ndarray) -> np.ndarray:
        """What one rule is worth on one host. The policy's own word on detection, where it has one, goes before the rule's.

        A policy that the key may not see could hold a rule that is not on the agent, and could set one that is to detect.
        """
        own, assigned, listed, softened = (table[number[host], rule] for number, table in (self.agent, self.policy, self.listed, self.softened))
        detects = np.where(listed, softened, rules.detects[rule])
        mode, unseen = self.mode[host], self.unseen[host]
        cases = {
            GENERIC: ~rules.exact[rule],
            UNTOLD: own & (mode == Mode.UNTOLD),
            HIDDEN: unseen & (~own | (mode == Mode.PREVENT)),
            PREVENTED: own & (mode == Mode.PREVENT) & ~detects,
            DETECT_ONLY: own & (mode <= Mode.DETECT),
            ASSIGNED: own | assigned,
        }
        return np.asarray(np.select(list(cases.values()), [np.int8(rank) for rank in cases], np.int8(AVAILABLE)))


def _told(block: _Block) -> tuple[np.ndarray, list[Said]]:
    """A code for each pair, and what each code says."""
    rules, setups = block.rules, block.setups
    causes, hindrances = pd.factorize(np.array([setup.hindrance for setup in setups], dtype=object))
    cause = np.where(block.best == ASSIGNED, causes[block.host], 0)
    kinds, count = _alike(block, cause, len(hindrances))
    example = _examples(kinds, count)
    host, cve = block.host[example], block.cve[example]
    rule, counts = rules.naming(cve)
    ranks = block.hold.ranks(rules, np.repeat(host, counts), rule)
    lowest = np.repeat(block.best[example], counts)
    strongest = _labels(rules, rule, counts, ranks == lowest)
    weaker = _labels(rules, rule, counts, (ranks > lowest) & (ranks < GENERIC))
    best, why = block.best[example].tolist(), cause[example].tolist()
    reasons = {known: _reason(known[0], str(hindrances[known[1]])) for known in set(zip(best, why, strict=True))}
    return kinds, [
        (STATES[rank], labels, f"{reasons[rank, hindrance]}{_LESS}{', '.join(less)}" if less else reasons[rank, hindrance])
        for rank, hindrance, labels, less in zip(best, why, strongest, weaker, strict=True)
    ]


def _alike(block: _Block, cause: np.ndarray, causes: int) -> tuple[np.ndarray, int]:
    """For each pair the number of its kind, and how many there are. Pairs of one CVE whose rules have the same ranks say the same, but for the
    hindrance of a rule that is assigned and does not work."""
    width = len(block.rules.counts)
    packed = np.zeros(len(block.setups) * width, dtype=np.int64)
    short = block.nth < PACKED
    np.add.at(packed, block.at[short], (AVAILABLE - block.rank[short].astype(np.int64)) << (RANK_BITS * block.nth[short]))
    packed[block.at[~short]] = -1 - block.at[~short]  # those of too many rules are alike to no other
    ranks = pd.factorize(packed[block.host * width + block.cve])[0]
    kinds, distinct = pd.factorize((ranks * width + block.cve) * causes + cause)
    return kinds, len(distinct)


def _examples(kinds: np.ndarray, count: int) -> np.ndarray:
    """The first of each kind."""
    example = np.empty(count, dtype=np.int64)
    example[kinds[::-1]] = np.arange(len(kinds))[::-1]
    return example


def _reason(best: int, hindrance: str) -> str:
    if best == ASSIGNED:
        return f"assigned, but {hindrance}" if hindrance else "assigned to the policy, not yet on the agent"
    return _REASONS[best]


def _labels(rules: Rules, rule: np.ndarray, counts: np.ndarray, wanted: np.ndarray) -> list[tuple[str, ...]]:
    """Runs of rules, so many each -> labels of the wanted ones of each run, each once. Rules stand in the order of their labels."""
    run = np.repeat(np.arange(len(counts)), counts)[wanted]
    flat = rules.labels[rule[wanted]].tolist()
    ends = np.searchsorted(run, np.arange(len(counts)), side="right").tolist()
    runs = (flat[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True))
    return [tuple(dict.fromkeys(run)) for run in runs] if rules.ambiguous else [tuple(run) for run in runs]
